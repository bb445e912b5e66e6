"""Many event streams at once, read by one thread."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import pathlib
import resource
import select
import time

import raw


class Streams:
    """So many streams of all tenants' events, each on a connection of its own: with Streams(port, token, count) as streams.
    The token is an operator's: a tenant may have a few only."""

    def __init__(self, port, token, count):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 1000)), hard))
        self.request = (f"GET /v1/system/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                        "Accept: text/event-stream\r\n\r\n").encode()
        self.port = port
        self.count = count
        self.opened = contextlib.ExitStack()
        self.poller = select.epoll()
        self.said = {}
        self.sockets = {}

    def __enter__(self):
        for _ in range(self.count):
            connection = self.opened.enter_context(raw.connect(self.port))
            connection.sendall(self.request)
            connection.setblocking(False)
            self.poller.register(connection.fileno(), select.EPOLLIN)
            self.sockets[connection.fileno()] = connection
            self.said[connection.fileno()] = b""
        return self

    def __exit__(self, *_):
        self.poller.close()
        self.opened.close()

    def until_all_say(self, text, within_s):
        """Seconds until each stream has said the text, or None where that took longer."""
        began = time.monotonic()
        waiting = {number for number, said in self.said.items() if text not in said}
        while waiting and time.monotonic() - began < within_s:
            for number, _ in self.poller.poll(0.1):
                part = self.sockets[number].recv(65536)
                assert part, f"a stream ended: {self.said[number]!r}"
                self.said[number] += part
                if text in self.said[number]:
                    waiting.discard(number)
        return None if waiting else time.monotonic() - began

    def until_all_end(self, within_s):
        """Whether the server ends each stream, by its last chunk, within so many seconds."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            if all(said.endswith(b"\r\n0\r\n\r\n") for said in self.said.values()):
                return True
            for number, _ in self.poller.poll(0.1):
                self.said[number] += self.sockets[number].recv(65536)
        return False


def threads(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))
