"""Requests that two readers could read differently, and what becomes of each: the table of test_smuggling.py.

Every entry asks for /v1/one, which is not there, so the API answers 404 to what it takes; what a second reader might find hidden
in it asks for /smuggled."""
# SPDX-License-Identifier: Apache-2.0

import dataclasses

# On the API's own listener.
REFUSED = "it answers 400 and hangs up"
BROKEN = "libmicrohttpd finds it broken, or waits for more until the deadline"
TAKEN = "one request: libmicrohttpd reads it in this one way, and does not show that there was another"

HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclasses.dataclass
class Entry:
    name: str
    sent: bytes
    direct: str  # what the API's listener does
    behind: bytes | None  # the body that arrives behind the door, in the one request that does; None: none arrives


def get(*lines, rest=b"", target=b"/v1/one", version=b"HTTP/1.1", host=(b"Host: a",)):
    return b"\r\n".join([b"GET " + target + b" " + version, *host, *lines, b"", b""]) + rest


def post(*lines, rest=b"", host=(b"Host: a",)):
    return b"\r\n".join([b"POST /v1/one HTTP/1.1", *host, *lines, b"", b""]) + rest


CHUNKED = b"Transfer-Encoding: chunked"
EMPTY_CHUNKS = b"0\r\n\r\n"

ENTRIES = [
    # ---- Two lengths ----
    Entry("two lengths that differ", post(b"Content-Length: 5", b"Content-Length: 39", rest=b"hello" + HIDDEN), REFUSED, None),
    Entry("two lengths that agree", post(b"Content-Length: 5", b"Content-Length: 5", rest=b"hello"), REFUSED, b"hello"),
    Entry("a list of lengths that differ", post(b"Content-Length: 5, 39", rest=b"hello" + HIDDEN), REFUSED, None),
    Entry("a list of lengths that agree", post(b"Content-Length: 5, 5", rest=b"hello"), REFUSED, b"hello"),
    Entry("a length with a sign", post(b"Content-Length: +5", rest=b"hello"), REFUSED, None),
    Entry("a negative length", post(b"Content-Length: -5", rest=HIDDEN), REFUSED, None),
    Entry("a hexadecimal length", post(b"Content-Length: 0x5", rest=b"hello"), REFUSED, None),
    Entry("a length of letters", post(b"Content-Length: five", rest=b"hello"), REFUSED, None),
    Entry("an empty length", post(b"Content-Length: ", rest=HIDDEN), REFUSED, None),
    Entry("a length with a space in it", post(b"Content-Length: 5 6", rest=b"hello"), REFUSED, None),
    Entry("a length beyond 64 bits", post(b"Content-Length: 18446744073709551621", rest=b"hello"), REFUSED, None),
    Entry("a length under another name", post(b"Content-Length: 5", b"Content_Length: 39", rest=b"hello"), TAKEN, b"hello"),
    # ---- A length and chunks ----
    Entry("a length, then chunks", post(b"Content-Length: 5", CHUNKED, rest=EMPTY_CHUNKS + HIDDEN), REFUSED, b""),
    Entry("chunks, then a length", post(CHUNKED, b"Content-Length: 39", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, b""),
    Entry("chunks twice", post(CHUNKED, CHUNKED, rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("chunked, identity", post(b"Transfer-Encoding: chunked, identity", b"Content-Length: 5", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("identity", post(b"Transfer-Encoding: identity", b"Content-Length: 5", rest=b"hello"), REFUSED, None),
    Entry("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("xchunked", post(b"Transfer-Encoding: xchunked", b"Content-Length: 5", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("a tab before chunked", post(b"Transfer-Encoding:\tchunked", rest=EMPTY_CHUNKS), TAKEN, b""),
    Entry("a vertical tab before chunked", post(b"Transfer-Encoding: \x0bchunked", b"Content-Length: 5", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("chunked in quotes", post(b'Transfer-Encoding: "chunked"', b"Content-Length: 5", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("chunked with a parameter", post(b"Transfer-Encoding: chunked;x", b"Content-Length: 5", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    Entry("chunked in capitals", post(b"Transfer-Encoding: CHUNKED", rest=EMPTY_CHUNKS), TAKEN, b""),
    Entry("chunks in HTTP/1.0", get(CHUNKED, version=b"HTTP/1.0", rest=EMPTY_CHUNKS + HIDDEN), REFUSED, None),
    # ---- White space where none belongs ----
    Entry("a space before the colon", post(b"Content-Length : 5", rest=b"hello"), REFUSED, None),
    Entry("a tab before the colon", post(b"Transfer-Encoding\t: chunked", b"Content-Length: 5", rest=b"hello"), REFUSED, None),
    Entry("a space before the name", post(b"X: y", b" Content-Length: 5", rest=b""), BROKEN, b""),
    Entry("a folded line", post(b"X: y", b"\tz", b"Content-Length: 5", rest=b"hello"), TAKEN, b"hello"),
    Entry("a folded length", post(b"Content-Length:", b" 5", rest=b"hello"), TAKEN, b"hello"),
    Entry("a line without a colon", post(b"Content-Length 5", rest=HIDDEN), BROKEN, None),
    Entry("an empty name", post(b": 5", rest=b""), TAKEN, None),
    Entry("a space in a name", post(b"X Y: z", rest=b""), REFUSED, None),
    # ---- Bare line feeds and carriage returns ----
    Entry("line feeds alone", get().replace(b"\r\n", b"\n"), TAKEN, b""),
    Entry("a line feed alone before a length", b"POST /v1/one HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 5\r\n\r\nhello", TAKEN, b"hello"),
    Entry("a carriage return within a value", post(b"X: y\rContent-Length: 5", rest=HIDDEN), REFUSED, None),
    Entry("a carriage return at a line's end", b"GET /v1/one HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", REFUSED, None),
    Entry("an empty line before the request", b"\r\n" + get(), TAKEN, b""),
    # ---- Zero bytes and others that nobody prints ----
    Entry("a zero byte in a value", post(b"X: y\0z", b"Content-Length: 5", rest=b"hello"), TAKEN, None),
    Entry("a zero byte in a name", post(b"Content-Length\0: 5", rest=b"hello"), REFUSED, None),
    Entry("a zero byte in the target", get(target=b"/v1/one\0/smuggled"), TAKEN, None),
    Entry("a byte of 0x80 in the target", get(target=b"/v1/one\x80"), REFUSED, None),
    Entry("a control character in a value", get(b"X: \x01"), REFUSED, None),
    # ---- Chunks ----
    Entry("a chunk size with a sign", post(CHUNKED, rest=b"+5\r\nhello\r\n" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk size with 0x", post(CHUNKED, rest=b"0x5\r\nhello\r\n" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk size beyond 64 bits", post(CHUNKED, rest=b"10000000000000005\r\nhello\r\n" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk size of all ones", post(CHUNKED, rest=b"ffffffffffffffff\r\nhello\r\n" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk size with a space before it", post(CHUNKED, rest=b" 5\r\nhello\r\n" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk with an extension", post(CHUNKED, rest=b"5;x=y\r\nhello\r\n" + EMPTY_CHUNKS), TAKEN, b"hello"),
    Entry("a chunk whose extension has a line feed", post(CHUNKED, rest=b"5;x\nhello\r\n" + EMPTY_CHUNKS), TAKEN, b"hello"),
    Entry("a chunk that ends without a line", post(CHUNKED, rest=b"5\r\nhello" + EMPTY_CHUNKS), BROKEN, None),
    Entry("a chunk that ends with a line feed", post(CHUNKED, rest=b"5\r\nhello\n" + EMPTY_CHUNKS), TAKEN, b"hello"),
    Entry("chunks with line feeds alone", post(CHUNKED, rest=b"5\nhello\n0\n\n"), TAKEN, b"hello"),
    Entry("a trailer with a length", post(CHUNKED, rest=b"0\r\nContent-Length: 39\r\n\r\n"), TAKEN, b""),
    # ---- The first line ----
    Entry("an absolute target", get(target=b"http://a/v1/one"), REFUSED, None),
    Entry("an absolute target of another host", get(target=b"http://b/v1/one"), REFUSED, None),
    Entry("a target that is no path", get(target=b"v1/one"), REFUSED, None),
    Entry("a target with a fragment", get(target=b"/v1/one#x"), REFUSED, None),
    Entry("a target with a space", get(target=b"/v1/one /smuggled"), BROKEN, None),
    Entry("a target with an encoded slash", get(target=b"/v1%2Fone"), REFUSED, b""),
    Entry("a target with an encoded zero byte", get(target=b"/v1/one%00"), REFUSED, b""),
    Entry("two spaces before the target", b"GET  /v1/one HTTP/1.1\r\nHost: a\r\n\r\n", TAKEN, b""),
    Entry("a tab before the version", b"GET /v1/one\tHTTP/1.1\r\nHost: a\r\n\r\n", BROKEN, b""),
    Entry("no version", b"GET /v1/one\r\n\r\n", BROKEN, None),
    Entry("a version of the future", get(version=b"HTTP/1.9"), REFUSED, b""),
    Entry("a version of two digits", get(version=b"HTTP/1.10"), REFUSED, None),
    Entry("HTTP/2.0 in letters", get(version=b"HTTP/2.0"), BROKEN, b""),
    Entry("a method with a colon", b"GE:T /v1/one HTTP/1.1\r\nHost: a\r\n\r\n", TAKEN, None),
    # ---- Hosts ----
    Entry("no host", get(host=()), REFUSED, None),
    Entry("two hosts", get(b"Host: b"), REFUSED, None),
    Entry("the same host twice", get(b"Host: a"), REFUSED, b""),
    Entry("a list of hosts", get(host=(b"Host: a, b",)), REFUSED, None),
    Entry("a host with a path", get(host=(b"Host: a/smuggled",)), REFUSED, None),
    Entry("a host with a user", get(host=(b"Host: b@a",)), REFUSED, None),
    # ---- Who says where it comes from ----
    Entry("headers that Connection takes away", get(b"X-Forwarded-For: 203.0.113.7", b"Connection: close, X-Forwarded-For"), TAKEN, b""),
    Entry("a forwarded address under another name", get(b"X_Forwarded_For: 203.0.113.7"), TAKEN, b""),
]
