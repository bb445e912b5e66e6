"""The document, walked: each operation once as its example says, and several times as it must not be. The harness holds every
answer against the document (contract.py); what is checked here beside is that what is wrong is refused, and how."""
# SPDX-License-Identifier: Apache-2.0

import pytest

from contract import contract

METHODS = ("get", "post", "put", "patch", "delete")
LAST = ("/v1/system/clock",)  # moving it would change what the others see
OTHER_TYPE = "application/x-www-form-urlencoded"


def operations():
    document = contract().document
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods and path.startswith("/v1/") and path not in LAST:
                yield pytest.param(method.upper(), path, methods[method], id=f"{method.upper()} {path}")


@pytest.fixture(scope="module")
def world(module_stack):
    module_stack.fleet(2)
    module_stack.acme = module_stack.tenant("acme")
    return module_stack


def caller(world, operation):
    return world.operator if "system_admin" in operation["x-sluice-roles"] else world.acme


def parameters(operation):
    shared = contract().document["components"]["parameters"]
    return [shared[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each for each in operation["parameters"]]


def address(path, operation):
    """With ids of the right form that nothing has, and a value for each parameter that must be given."""
    given = []
    for each in parameters(operation):
        if each["in"] == "path":
            prefix = each["schema"].get("pattern", "^")[1:5]
            path = path.replace("{%s}" % each["name"], prefix + "01kyyyyyyyyyyyyyyyyyyyyyyy" if prefix.endswith("_") else "nothing")
        elif each.get("required"):
            given.append(f"{each['name']}={value_of(each)}")
    return path + ("?" + "&".join(given) if given else "")


def value_of(parameter):
    known = {"zone": "us-east-1a", "instance_type": "h100.8x", "from": "2026-01-02T00:00:00Z", "to": "2026-01-03T00:00:00Z",
             "currency": "USD"}
    schema = parameter["schema"]
    by_date = {"from": "2026-01-01", "to": "2026-02-01"}
    if schema.get("format") == "date":
        return by_date.get(parameter["name"], "2026-01-01")
    if schema["type"] == "integer":
        return max(schema["minimum"], 3600)
    return known.get(parameter["name"], schema.get("enum", ["example"])[0])


def example(operation):
    body = operation.get("requestBody")
    return None if body is None else next(iter(body["content"].values()))["example"]


def schema_of(operation):
    return contract().resolve(operation["requestBody"]["content"]["application/json"]["schema"])[0]


def has_body(operation):
    return operation.get("requestBody", {}).get("required", False)


def put_head(method):
    return {"If-Match": "*"} if method in ("PUT", "PATCH", "DELETE") else {}


def head(method, operation):
    """What a client sends that wants what there is: of a document that is no JSON, that."""
    forms = list(operation["responses"].get("200", {}).get("content", {"application/json": None}))
    return put_head(method) | ({} if "application/json" in forms else {"Accept": forms[0]})


@pytest.mark.parametrize("method, path, operation", operations())
def test_an_operation_takes_its_example_and_refuses_what_is_none(world, method, path, operation):
    client, where = caller(world, operation), address(path, operation)
    fine = client.request(method, where, example(operation), headers=head(method, operation))
    assert fine.status not in (400, 405, 406, 415, 428), fine
    refused_without_a_body(world, method, path, where, operation, client)
    if has_body(operation) and isinstance(example(operation), str):
        refused_texts(method, where, operation, client)
    elif has_body(operation):
        refused_bodies(method, where, operation, client)


def refused_without_a_body(world, method, path, where, operation, client):
    mark = "&" if "?" in where else "?"
    assert client.request(method, f"{where}{mark}no_such_parameter=1", example(operation), headers=head(method, operation)).expect(422).code == "unknown_field"
    assert client.request(method, where, example(operation), headers={"Accept": "image/png"}).expect(406).code == "not_acceptable"
    assert world.client().request(method, where, example(operation), headers=head(method, operation)).expect(401).code == "unauthenticated"
    if "{id}" in path:
        bad = path.replace("{id}", "no-such-id") + ("?" + where.partition("?")[2] if "?" in where else "")
        assert client.request(method, bad, example(operation), headers=head(method, operation)).expect(404).code == "not_found"


def refused_texts(method, where, operation, client):
    head, row, _ = example(operation).split("\r\n")
    for wrong, status in (("", 400), (head, 400), (f'{head}\n"{row}', 400), (f'{head}\n"a"b', 400), (f"{head}\n{row},more", 422),
                          (f"no_such_field,{head}\n1,{row}", 422), ("x" * (1 << 20) + "x", 413), (b"\xff\n\xff", 400), (b"a\0b", 400)):
        headers = {"Content-Type": "text/csv"}
        assert client.request(method, where, wrong, headers=headers).status == status, wrong[:80]
    assert client.request(method, where, {"a": 1}).expect(415).code == "unsupported_media_type"


def refused_bodies(method, where, operation, client):
    body = example(operation)

    def send(content, **head):
        return client.request(method, where, content, headers={**put_head(method), **head})

    assert send(b'{"no').expect(400).code == "malformed_json"
    assert send(b"[" * 40 + b"]" * 40).expect(400).code == "too_deep"
    assert send({**body, "padding": "x" * (1 << 20)}).expect(413).code == "body_too_large"
    assert send(body, **{"Content-Type": OTHER_TYPE}).expect(415).code == "unsupported_media_type"
    # What a PATCH or PUT sends is read upon what there is: of an object that is not there nothing more is said.
    is_upon_object = method in ("PUT", "PATCH") and "{id}" in where or "01kyyy" in where
    for wrong in ([body], {**body, "no_such_field": 1}, *of_wrong_type(body, schema_of(operation))):
        answer = send(wrong)
        assert answer.status == 422 or (is_upon_object and answer.status == 404), (wrong, answer)


def of_wrong_type(body, schema):
    """The example with each of its members in turn of a type that the schema does not know."""
    for name in body:
        types = schema["properties"][name].get("type")
        yield {**body, name: [[]] if types == "object" or isinstance(types, list) and "object" in types else {"of": "another type"}}
