"""A server of names for one program: what a hostile zone answers, or does not."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import random
import socket
import struct
import threading

import pytest

PORT = 53
IPV4 = 1  # the type A
# Through an own mount table, so that nobody else's names are looked up here.
ASKS_US = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class NameServer:
    """answer(name) gives the addresses (IPv4) of a name; None: it says nothing. .asked: the names, as they came."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self.address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
            with contextlib.suppress(OSError):  # somebody else's
                self.socket.bind((self.address, PORT))
                break
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):  # it is closed
            while True:
                query, asker = self.socket.recvfrom(4096)
                reply = self.reply(query)
                if reply is not None:
                    self.socket.sendto(reply, asker)

    def reply(self, query):
        """RFC 1035, 4.1: the head, the question as it came, and an answer for each address, whose name is the question's."""
        labels, at = [], 12
        while query[at] != 0:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        (kind,) = struct.unpack_from("!H", query, at + 1)
        self.asked.append(".".join(labels))
        addresses = self.answer(".".join(labels))
        if addresses is None:
            return None
        addresses = addresses if kind == IPV4 else []
        head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(addresses), 0, 0)
        answers = [struct.pack("!HHHIH", 0xC00C, IPV4, 1, 0, 4) + socket.inet_aton(each) for each in addresses]
        return head + query[12 : at + 5] + b"".join(answers)

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def named_by(daemon, directory, answer):
    """Starts the daemon anew, so that it looks names up with a server of our own, and as patiently as is possible. Gives the server."""
    if os.geteuid() != 0:
        pytest.skip("a mount table of one's own needs root")
    server = NameServer(answer)
    resolver = directory / "resolv.conf"
    resolver.write_text(f"nameserver {server.address}\noptions timeout:30 attempts:5\n")
    daemon.stop()
    daemon.wrapper = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ASKS_US, "sh", resolver]
    daemon.start()
    try:
        yield server
    finally:
        server.close()
