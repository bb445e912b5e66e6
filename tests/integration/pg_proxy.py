"""A proxy of the PostgreSQL protocol on a unix socket that cuts a connection at its COMMIT: before the server hears of
it, before the client hears of the answer, or right after. It reads message frames only, and passes on what it reads."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import pathlib
import socket
import struct
import threading

import psycopg2.extensions

SOCKET_NAME = ".s.PGSQL.5432"
COMMIT = b"COMMIT\0"

BEFORE = "before"  # the server never hears of the COMMIT and rolls back
DURING = "during"  # the server commits; its answer is lost
AFTER = "after"  # the answer arrives; then the connection is gone


class Gone(Exception):
    """The other side closed the connection."""


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise Gone
        data += part
    return data


def read_message(connection):
    """(type, body, the bytes as they came)."""
    head = receive(connection, 5)
    body = receive(connection, struct.unpack(">I", head[1:])[0] - 4)
    return head[:1], body, head + body


def read_startup(connection):
    """(role, the bytes as they came): the packet that opens a connection has no type."""
    head = receive(connection, 4)
    body = receive(connection, struct.unpack(">I", head)[0] - 4)
    words = body[4:].split(b"\0")
    parameters = dict(zip(words[::2], words[1::2]))
    return parameters.get(b"user", b"").decode(), head + body


class Cut:
    """What is to happen to the next COMMIT of a role. `hold`: keep new connections of that role away until release()."""

    def __init__(self, role, when, hold=False):
        self.role, self.when, self.hold = role, when, hold
        self.done = threading.Event()


class PostgresProxy:
    """Stands between a daemon and the server of a url. directory: a short path, for the socket. A context manager."""

    def __init__(self, directory, url):
        parameters = psycopg2.extensions.parse_dsn(url)
        port = parameters.get("port", "5432")
        self.server_path = str(pathlib.Path(parameters["host"]) / f".s.PGSQL.{port}")
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.url = psycopg2.extensions.make_dsn(url, host=str(self.directory), port="5432")
        self.listener = socket.socket(socket.AF_UNIX)
        self.lock = threading.Lock()
        self.cut = None
        self.held_role = None
        self.open = set()
        self.links = set()

    def __enter__(self):
        self.listener.bind(str(self.directory / SOCKET_NAME))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._shut(self.listener)
        with self.lock:
            connections = list(self.open)
        for connection in connections:
            self._shut(connection)

    def arm(self, role, when, hold=False):
        """The next COMMIT of the role is cut, once. Returns the Cut, whose `done` tells."""
        with self.lock:
            assert self.cut is None, "the cut before did not happen"
            self.cut = Cut(role, when, hold)
            return self.cut

    def sever(self, role):
        """Cuts each connection of the role now, whatever is under way on it."""
        with self.lock:
            cut = [link.client for link in self.links if link.role == role]
        for client in cut:
            self._shut(client)

    def release(self):
        """Lets the role that was held connect again."""
        with self.lock:
            self.held_role = None

    def _take_cut(self, role):
        with self.lock:
            cut = self.cut
            if cut is None or cut.role != role:
                return None
            self.cut = None
            if cut.hold:
                self.held_role = role
            return cut

    @staticmethod
    def _shut(connection):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server, link = socket.socket(socket.AF_UNIX), None
        with self.lock:
            self.open |= {client, server}
        try:
            role, startup = read_startup(client)
            with self.lock:
                is_held = role == self.held_role
            if not is_held:
                server.connect(self.server_path)
                server.sendall(startup)
                link = Link(self, role, client, server)
                with self.lock:
                    self.links.add(link)
                threading.Thread(target=link.answers, daemon=True).start()
                link.requests()
        except (OSError, Gone):
            pass
        finally:
            self._shut(client)
            self._shut(server)
            with self.lock:
                self.open -= {client, server}
                self.links.discard(link)


class Link:
    """One connection: a thread for each direction."""

    def __init__(self, proxy, role, client, server):
        self.proxy, self.role, self.client, self.server = proxy, role, client, server
        self.cut = None  # of the COMMIT under way

    def requests(self):
        while True:
            kind, body, data = read_message(self.client)
            if kind in (b"Q", b"P") and COMMIT in body:
                cut = self.proxy._take_cut(self.role)
                if cut is not None and cut.when == BEFORE:
                    cut.done.set()
                    return
                self.cut = cut
                self.server.sendall(data)
                if cut is not None and cut.when == DURING:
                    cut.done.set()
                    return
            else:
                self.server.sendall(data)

    def answers(self):
        try:
            while True:
                kind, _, data = read_message(self.server)
                if self.cut is not None and self.cut.when == DURING:
                    break  # the server may be quick: its answer must not be
                self.client.sendall(data)
                if kind == b"Z" and self.cut is not None and self.cut.when == AFTER:  # ready: the answer is complete
                    self.cut.done.set()
                    break
        except (OSError, Gone):
            pass
        self.proxy._shut(self.client)
        self.proxy._shut(self.server)
