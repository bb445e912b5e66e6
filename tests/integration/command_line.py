"""Runs of the command line, and a server that misbehaves before it."""
# SPDX-License-Identifier: Apache-2.0

import http.server
import json
import threading

TENANT = {"principal": "ana", "role": "admin", "tenant": "acme", "domain_time": "2026-01-01T00:00:00Z", "virtual_clock": True}


class Done:
    """How a run of sluice ended."""

    def __init__(self, process):
        self.code, self.out, self.log = process.returncode, process.stdout, process.stderr

    def expect(self, code):
        assert self.code == code, f"exit code {self.code}, not {code}:\n{self.out}\n{self.log}"
        return self

    @property
    def json(self):
        return json.loads(self.out)


class Misbehaving:
    """Answers each request with the next of `script`: a (status, body) pair, maybe with lines of its head, bytes as they are, or None to hang up."""

    def __init__(self):
        self.script, self.seen = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append((self.command, self.path, dict(self.headers), content))
                answer = outer.script.pop(0) if outer.script else (404, {"detail": "the script is over"})
                self.close_connection = not isinstance(answer, tuple)
                if answer is None:
                    return
                try:
                    self.wfile.write(answer if isinstance(answer, bytes) else whole(*answer))
                except OSError:
                    pass  # the client has had enough

            do_GET = do_POST = do_PUT = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def whole(status, body, head=""):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n{head}\r\n".encode() + content
