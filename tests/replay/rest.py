"""The little REST client of the replay: JSON over one kept connection, pages, problems as exceptions."""

# SPDX-License-Identifier: Apache-2.0

import http.client
import json
import time
import urllib.parse


class Problem(Exception):
    """An answer of 400 or more: the problem document."""

    def __init__(self, method, path, status, body):
        self.status = status
        self.body = body if isinstance(body, dict) else {}
        self.code = self.body.get("code", str(status))
        super().__init__(f"{method} {path}: {status} {self.code}: {self.body.get('detail', '')} {self.body.get('errors', '')}")


class Client:
    RETRIES = 20  # of an answer 503: the server says that the same request may succeed later

    def __init__(self, url, token, timeout_s=900):
        parts = urllib.parse.urlsplit(url)
        self._make = lambda: http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout_s)
        self._connection = self._make()
        self._token = token

    def request(self, method, path, body=None, headers=None):
        """Returns (status, decoded body). A POST that is sent again carries the same Idempotency-Key or is harmless."""
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body)
            sent["Content-Type"] = "application/json"
        for attempt in range(self.RETRIES):
            try:
                self._connection.request(method, path, data, sent)
                answer = self._connection.getresponse()
                text = answer.read()
            except (http.client.HTTPException, ConnectionError):
                self._connection.close()
                self._connection = self._make()
                if attempt + 1 == self.RETRIES or (method == "POST" and "Idempotency-Key" not in sent):
                    raise
                continue
            if answer.status == 503 and attempt + 1 < self.RETRIES:
                time.sleep(min(5.0, float(answer.headers.get("Retry-After", "1"))))
                continue
            return answer.status, json.loads(text) if text else None
        raise AssertionError("not reached")

    def call(self, method, path, body=None, headers=None):
        status, answer = self.request(method, path, body, headers)
        if status >= 400:
            raise Problem(method, path, status, answer)
        return answer

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body, key=None):
        return self.call("POST", path, body, {"Idempotency-Key": key} if key else None)

    def pages(self, path):
        """All items of a list, page by page."""
        page = None
        while True:
            query = {"limit": "1000", **({"page": page} if page else {})}
            joined = f"{path}{'&' if '?' in path else '?'}{urllib.parse.urlencode(query)}"
            answer = self.get(joined)
            yield from answer["items"]
            page = answer.get("next_page")
            if not page:
                return
