"""The door as deploy/up starts it: HAProxy with deploy/haproxy.cfg and certificates of deploy/certificates. And what stands
behind it in some tests: a backend that takes only what can be read in one way, and remembers it."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import dataclasses
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading

from cluster import DEPLOY, scratch_directory
from stack import STOPPED_WITHIN_S, Ports, eventually

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def is_installed():
    return shutil.which("haproxy", path="/usr/sbin:/usr/bin") is not None


class Door:
    """A running HAProxy before a unix socket."""

    def __init__(self, api_socket, **settings):
        """settings: more of its environment."""
        self.directory = scratch_directory()
        self.ports = Ports()
        self.port = self.ports.take()
        self.certificates("door")
        self.log = self.directory / "door.log"
        environment = {**os.environ, **settings, "SLUICE_DOOR_LISTEN": f"127.0.0.1:{self.port}", "SLUICE_DOOR_API": str(api_socket),
                       "SLUICE_DOOR_CERTIFICATE": str(self.directory / "door.pem"), "SLUICE_DOOR_AGENTS_CA": str(self.directory / "agents_ca.pem")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", DEPLOY / "haproxy.cfg"], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self.listens, "the door is open")

    def certificates(self, action, *arguments):
        done = subprocess.run([DEPLOY / "certificates", action, "--dir", self.directory, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def listens(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True

    def connect(self, certificate=None, source="127.0.0.1", **options):
        """A TLS connection that has verified the door's certificate. certificate: of an agent; source: the address it comes from;
        options: of the context."""
        context = ssl.create_default_context(cafile=self.directory / "door.pem")
        for name, value in options.items():
            setattr(context, name, value)
        if certificate:
            context.load_cert_chain(certificate)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(source, 0)),
                                   server_hostname="localhost")

    def curl(self, path, *arguments):
        """What curl prints of a request through the door."""
        return subprocess.run(["curl", "-sS", "-m", "30", "--cacert", self.directory / "door.pem", *arguments, f"https://localhost:{self.port}{path}"],
                              capture_output=True, text=True, check=False)

    def stop(self):
        self.process.terminate()
        self.process.wait(STOPPED_WITHIN_S)
        self.ports.release()
        shutil.rmtree(self.directory, ignore_errors=True)


# ---- The backend ----


@dataclasses.dataclass
class Received:
    """A request that stood alone on its connection."""

    method: str
    target: str
    headers: list  # of (name in lower case, value)
    body: bytes
    trouble: str | None = None  # how it can be read in two ways; None: it cannot

    def all(self, name):
        return [value for its_name, value in self.headers if its_name == name]


class Ambiguous(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Ambiguous(what)


class Reader:
    """Reads a connection by the letter of RFC 9112."""

    def __init__(self, connection):
        self.connection = connection
        self.content = b""

    def more(self):
        part = self.connection.recv(65536)
        need(part, f"the connection ends in the middle: {self.content[-200:]!r}")
        self.content += part

    def line(self):
        while b"\n" not in self.content:
            self.more()
        line, _, self.content = self.content.partition(b"\n")
        need(line.endswith(b"\r") and b"\r" not in line[:-1], f"a line does not end as lines do: {line!r}")
        return line[:-1]

    def take(self, size):
        while len(self.content) < size:
            self.more()
        taken, self.content = self.content[:size], self.content[size:]
        return taken

    def fields(self):
        found = []
        while line := self.line():
            match = re.fullmatch(rb"(" + TOKEN + rb"): ?([\t -~]*)", line)
            need(match, f"a line is no header: {line!r}")
            found.append((match[1].decode().lower(), match[2].decode().strip()))
        return found

    def chunks(self):
        body = b""
        while True:
            line = self.line()
            need(re.fullmatch(rb"[0-9A-Fa-f]{1,8}", line), f"a chunk's size is {line!r}")
            size = int(line, 16)
            body += self.take(size)
            if size == 0:
                self.fields()
                return body
            need(self.take(2) == b"\r\n", "a chunk is longer than its size")

    def request(self):
        line = self.line()
        first = re.fullmatch(rb"(" + TOKEN + rb") (/[!-~]*) HTTP/1\.1", line)
        need(first, f"the first line is {line!r}")
        received = Received(first[1].decode(), first[2].decode(), self.fields(), b"")
        lengths, codings = received.all("content-length"), received.all("transfer-encoding")
        need(len(received.all("host")) == 1, "there is not one Host")
        need(len(lengths) + len(codings) <= 1, "there are several lengths")
        need(all(re.fullmatch("[0-9]{1,18}", length) for length in lengths), f"a length is {lengths}")
        need(all(coding.lower() == "chunked" for coding in codings), f"a coding is {codings}")
        received.body = self.take(int(lengths[0])) if lengths else self.chunks() if codings else b""
        return received

    def rest(self):
        """What comes behind the request until the other side closes."""
        with contextlib.suppress(OSError):
            while part := self.connection.recv(65536):
                self.content += part
        return self.content


class Recorder:
    """Listens at a unix socket, answers each request 200 and closes, and keeps what came."""

    def __init__(self, path):
        self.received = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with contextlib.closing(connection):
                    self.take(connection)

    def take(self, connection):
        connection.settimeout(10)
        reader = Reader(connection)
        try:
            received = reader.request()
        except (Ambiguous, OSError) as error:
            self.received.append(Received("", "", [], reader.content, str(error)))
            return
        # Kept before it is answered, so that whoever has the answer finds it here.
        self.received.append(received)
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
        behind = reader.rest()
        if behind:
            received.trouble = f"{behind!r} comes behind it"

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
