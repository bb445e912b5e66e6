"""A browser as the API sees one: what signs in shows a cookie from then on."""
# SPDX-License-Identifier: Apache-2.0

import http.cookies

from stack import Client

COOKIE = "__Host-sluice"


class Browser:
    """A client with a cookie jar of one cookie: it shows what it was given, as a page of the API's own origin does."""

    def __init__(self, port):
        self.client, self.cookie, self.csrf = Client(port), None, None

    def request(self, method, path, body=None, headers=None):
        head = {"Cookie": f"other=1; {COOKIE}={self.cookie}"} if self.cookie else {}
        if self.csrf and method != "GET":
            head["X-CSRF-Token"] = self.csrf
        answer = self.client.request(method, path, body, headers={**head, **(headers or {})})
        self.take(answer)
        return answer

    def take(self, answer):
        for header in answer.headers.get_all("Set-Cookie") or []:
            jar = http.cookies.SimpleCookie(header)
            if COOKIE in jar:
                self.cookie = jar[COOKIE].value or None

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, {} if body is None else body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def sign_in(self, token, **headers):
        answer = self.client.request("POST", "/v1/sessions", {}, headers={"Authorization": f"Bearer {token}", **headers}).expect(201)
        self.take(answer)
        self.csrf = answer.body["csrf_token"]
        return answer
