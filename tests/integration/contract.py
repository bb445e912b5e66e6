"""The OpenAPI document as an oracle: every answer that a test gets is one that the document allows.

The harness holds each answer against it (stack.py), so that each integration test is a test of the document too: the
status is one of the operation's, a problem's code is among those that the operation gives, the body has the form that is
said, and no member that is not.
"""
# SPDX-License-Identifier: Apache-2.0

import collections
import functools
import json
import os
import pathlib
import re
import subprocess

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKED_PER_ANSWER = 5  # of each operation and status: bodies look alike, and checking one takes milliseconds
ITEMS_PER_LIST = 3


def binaries():
    """Where the daemons under test are: SLUICE_BIN, which ctest sets, or the debug build."""
    return pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/debug/bin"))


@functools.cache
def contract():
    """Of the sluice-api under test."""
    printed = subprocess.run([binaries() / "sluice-api", "--print-openapi"], stdout=subprocess.PIPE, check=True).stdout
    return Contract(json.loads(printed))


def closed(schema):
    """The same schema, whose objects have no members but those that are named."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    turned = {key: {name: closed(each) for name, each in value.items()} if key == "properties" else closed(value)
              for key, value in schema.items()}
    if "properties" in schema:
        turned.setdefault("additionalProperties", False)
    return turned


class Contract:
    def __init__(self, document):
        self.document = document
        self.components = closed({key: value for key, value in document["components"].items() if key == "schemas"})
        # What a problem says beside its own members depends on its code.
        self.components["schemas"]["Problem"].pop("additionalProperties")
        self.paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")) + "$"), path)
                      for path in sorted(document["paths"], key=lambda path: path.count("{"))]
        self.checked = collections.Counter()
        self.validators = {}

    def operation(self, method, target):
        """(template of the path, operation); the operation is None where the path has no such method."""
        path = target.partition("?")[0]
        for pattern, template in self.paths:
            if pattern.match(path):
                return template, self.document["paths"][template].get("get" if method == "HEAD" else method.lower())
        return None, None

    def resolve(self, value):
        """(what is referred to, the reference's own description)"""
        if "$ref" not in value:
            return value, value.get("description", "")
        found = self.document
        for step in value["$ref"][2:].split("/"):
            found = found[step]
        return found, value.get("description", found.get("description", ""))

    def validate(self, schema, value):
        key = json.dumps(schema)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                dict(closed(schema), components=self.components), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        return [f"{error.json_path}: {error.message[:200]}" for error in self.validators[key].iter_errors(value)]

    def findings(self, schema, body):
        """An answer to ?validate_only=true is all of several schemas, each of which has its members and no other's."""
        parts = schema.get("allOf", [schema])
        found = []
        for part in parts:
            others = [name for other in parts if other is not part for name in self.resolve(other)[0].get("properties", ())]
            found += self.validate(part, {name: value for name, value in body.items() if name not in others} if others else body)
        return found

    def check(self, method, target, answer):
        """Raises AssertionError where the answer is none that the document allows."""
        template, operation = self.operation(method, target)
        if template is None or method == "OPTIONS" or answer.headers.get("Request-Id") is None:
            return
        where = f"{method} {template}: {answer.status}"
        if operation is None:
            assert answer.status in (405, 400, 413, 414, 431), f"{where}: the path has no such method"
            return
        responses = operation["responses"]
        assert str(answer.status) in responses, f"{where} is not in the document: {answer.content[:300]!r}"
        response, description = self.resolve(responses[str(answer.status)])
        if answer.status >= 400 and (answer.headers["Content-Type"] or "").startswith("text/html"):
            return  # a person's browser asked: the problem as a page
        if answer.status >= 400 and method != "HEAD":
            assert answer.code in description.split(", "), f"{where}: the code '{answer.code}' is not in the document"
        if answer.status < 400:  # problems are alike for all operations
            self.check_headers(where, answer, response, method)
        self.check_body(where, method, answer, response)

    def check_headers(self, where, answer, response, method):
        """Of the headers that the document knows, an answer has none that is not said of it; and what is read has its version."""
        known = {name.lower(): name for name in self.document["components"]["headers"]}
        said = {name.lower() for name in response.get("headers", ())}
        unsaid = [known[name] for name in (each.lower() for each in answer.headers.keys()) if name in known and name not in said]
        assert not unsaid, f"{where}: headers that are not in the document: {unsaid}"
        is_one = method == "GET" and answer.body is not None and "etag" in said
        assert not is_one or answer.headers["ETag"], f"{where}: it has no ETag"

    def check_body(self, where, method, answer, response):
        if method == "HEAD" or not answer.content:
            return
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind in response.get("content", {}), f"{where}: {kind} is not in the document"
        self.checked[where] += 1
        if answer.body is None or self.checked[where] > CHECKED_PER_ANSWER:
            return
        body = answer.body
        if isinstance(body, dict) and isinstance(body.get("items"), list):
            body = dict(body, items=body["items"][:ITEMS_PER_LIST])
        findings = self.findings(response["content"][kind]["schema"], body)
        assert not findings, f"{where}: the body is not what the document says: " + "; ".join(findings[:5])
