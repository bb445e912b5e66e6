"""Bytes on a socket: for requests that no client library would send."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import re
import socket
import ssl
import time


def connect(address):
    """A connected socket: address is a port on loopback, or the path of a unix socket."""
    connection = socket.socket(socket.AF_INET if isinstance(address, int) else socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", address) if isinstance(address, int) else str(address))
    return connection


def read_all(connection):
    """Everything until the other side closes or resets."""
    content = b""
    try:
        while part := connection.recv(65536):
            content += part
    except ConnectionError:
        pass
    return content


def statuses(content):
    """The statuses of the answers in it, in order; interim ones left out."""
    found = [int(status) for status in re.findall(rb"(?:^|\r\n|[}\n])HTTP/1\.[01] (\d{3})", content)]
    return [status for status in found if status >= 200]


def exchange(connection, sent):
    """Sends bytes and returns the statuses of what is answered until the other side closes."""
    try:
        connection.sendall(sent)
    except ConnectionError:
        pass
    return statuses(read_all(connection))


def drip(connection, content, every_s=0.05, at_most_s=30):
    """Sends content a byte at a time, its last one over and over, until the other side closes; returns what that had said,
    for which it looks before each byte: whoever sends to a closed connection may not read any more."""
    connection.settimeout(every_s)
    end, said, position = time.monotonic() + at_most_s, b"", 0
    while time.monotonic() < end:
        try:
            part = connection.recv(65536)
            if not part:
                break
            said += part
        except TimeoutError:
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # it has just closed: the next look tells
                connection.sendall(content[position:position + 1] or content[-1:])
            position += 1
        except (ConnectionError, ssl.SSLError):
            break
    return said
