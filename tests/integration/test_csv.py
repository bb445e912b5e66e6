"""A world that has one of everything, walked by the document. Every list as CSV: its columns are what the document says of an
item, and its cells what the list has in JSON, page by page, with and without rows. Every object: its version, and what is
done under the condition of one."""
# SPDX-License-Identifier: Apache-2.0

import csv
import io
import json
import re

import pytest

from contract import contract
from stack import eventually
from test_semantics import BODIES, make_everything

ACCEPT = {"Accept": "text/csv"}
FORMULA = tuple("=+-@\t\r\n")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?$")
EVIL = '=1+1,"x"'  # a name that a spreadsheet would compute, with all that needs quotes
WITH_ROWS_AT_LEAST = 90  # of the lists, in the world below
# What each needs to be asked.
QUERY = {"zone": "us-east-1a", "tenant": "acme", "month": "2026-01-01", "from": "2026-02-02T00:00:00Z", "to": "2026-02-03T00:00:00Z"}


def resolved(schema):
    return contract().resolve(schema)[0]


def is_null(schema):
    return schema == {"type": "null"}


def item_of(operation):
    """The schema of an item of what it answers; None where that is no list."""
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    items = resolved(content["schema"]).get("properties", {}).get("items") if content else None
    return items and resolved(items["items"])


def lists():
    for path, methods in contract().document["paths"].items():
        operation = methods.get("get", {})
        if operation and item_of(operation):
            yield pytest.param(path, operation, id=path)


def columns(schema, prefix=""):
    """The names of the columns: of an object's members each its own, with dots; a list or a map is one."""
    for name, each in schema["properties"].items():
        each = resolved(each)
        each = next((resolved(one) for one in each.get("anyOf", []) if not is_null(one)), each)
        if "properties" in each:
            yield from columns(each, f"{prefix}{name}.")
        else:
            yield prefix + name


def cell(value):
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "'" + value if value.startswith(FORMULA) and not NUMBER.match(value) else value


def at(item, column):
    for name in column.split("."):
        item = item.get(name) if isinstance(item, dict) else None
    return item


class World:
    """A tenant that was served and billed, and one of all else that a POST makes by itself."""

    def __init__(self, stack):
        self.stack = stack
        self.acme, self.ids = make_everything(stack)
        stack.operator.create("/v1/system/nodes/" + self.ids["nodes"] + "/cordon", {"reason": EVIL})
        self.acme.create("/v1/projects", {"name": "evil", "description": EVIL})
        stack.operator.create("/v1/system/billing-profiles", BODIES["POST /v1/system/billing-profiles"])
        stack.operator.create("/v1/system/usage-corrections", BODIES["POST /v1/system/usage-corrections"](self.ids))
        stack.advance("2026-02-01T01:00:00Z")
        self.make_the_rest()
        stack.advance("2026-02-01T02:00:00Z")
        another = self.acme.items("/v1/reservations?name=another")[0]["id"]
        self.acme.create(f"/v1/reservations/{another}/amendments", {"count": 1, "ends_at": "2026-02-13T00:00:00Z"})
        for client in (self.acme, stack.operator):
            client.create("/v1/sessions", {})
        change = stack.operator.create(f"/v1/system/assets/{self.ids['assets']}/changes", {"kind": "dispose", "effective_on": "2026-03-05", "reason": EVIL})
        self.known = self.ids | {"reservations": another, "asset-changes": change["id"]}
        self.silence_webhooks()

    def silence_webhooks(self):
        """What comes of a try is part of a webhook's version: nobody brings anything while they are looked at."""
        for client, path in ((self.acme, "/v1/webhooks"), (self.stack.operator, "/v1/system/webhooks")):
            for made in client.items(path):
                where = f"{path}/{made['id']}/deliveries"
                eventually(lambda client=client, where=where: client.items(where), "there is a delivery to look at")
        self.stack.api.stop()
        self.stack.sql("SELECT leader_take('webhooks', 'nobody', interval '1 day')")
        self.stack.api.start()

    def make_the_rest(self):
        for name, body in BODIES.items():
            verb, path = name.split()
            if verb == "POST" and "{id}" not in path and body and not callable(body) and not path.endswith(("/clock", "/revoke")):
                client = self.stack.operator if path.startswith("/v1/system/") else self.acme
                client.request(verb, path, body, headers={"Prefer": "wait=10"})  # some need what is not there

    def address(self, path, operation):
        """With the id of one that has rows there, else of the first; None where there is none."""
        client = self.client(operation)
        given = [f"{each['name']}={QUERY[each['name']]}" for each in map(resolved, operation["parameters"])
                 if each["in"] == "query" and each.get("required")]
        where = path.replace("{line_no}", "1").replace("{cohort}", "2026-q1")
        if "{id}" in where:
            kind = re.match(r"/v1/(?:system/)?([a-z-]+)/\{id\}", path)[1]
            known = self.known.get(kind) or next((each.get("id") or each["webhook"] for each in client.items(where.partition("/{id}")[0])), None)
            where = known and where.replace("{id}", known)
        if where and "{delivery}" in where:
            where = where.replace("{delivery}", client.items(where.partition("/{delivery}")[0])[0]["id"])
        return where and where + ("?" + "&".join(given) if given else "")

    def client(self, operation):
        return self.stack.operator if "system_admin" in operation["x-sluice-roles"] else self.acme


@pytest.fixture(scope="module")
def world(make_module_stack, tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n")
    keys.chmod(0o600)
    world = World(make_module_stack(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}}))
    world.with_rows = set()
    return world


def table(answer):
    """(columns, rows as lists)"""
    head, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""), strict=True)
    return head, rows


def pages(client, where):
    """Every row of a list, a small page at a time by Link."""
    found, target = [], where + ("&" if "?" in where else "?") + "limit=7"
    while target:
        answer = client.get(target, headers=ACCEPT).expect(200)
        rows = table(answer)[1]
        link = answer.headers["Link"]
        assert link is None or len(rows) == 7, where
        found += rows
        target = link and re.fullmatch(r'<(\S+)>; rel="next"', link)[1]
    return found


@pytest.mark.parametrize("path, operation", lists())
def test_a_list_is_the_same_table_as_csv(world, path, operation):
    client, where = world.client(operation), world.address(path, operation)
    if where is None:
        return
    head = list(columns(item_of(operation)))
    is_paged = "next_page" in resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])["properties"]

    def expected():
        items = client.items(where) if is_paged else client.get(where).expect(200).body["items"]
        return [[cell(at(item, column)) for column in head] for item in items]

    def same():
        """Some tell of the moment: leases, sizes, last uses."""
        before, answer = expected(), client.get(where, headers=ACCEPT).expect(200)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert answer.content.endswith(b"\r\n") and table(answer)[0] == head
        assert all(len(row) == len(head) for row in table(answer)[1])
        rows = pages(client, where) if is_paged else table(answer)[1]
        return len(rows) + 1 if rows == before else None

    count = eventually(same, f"{path} is the same as CSV") - 1
    if count:
        world.with_rows.add(path)
    bodiless = client.request("HEAD", where, headers=ACCEPT).expect(200)
    assert bodiless.headers["Content-Type"].startswith("text/csv") and bodiless.content == b""
    assert re.fullmatch(r'attachment; filename="[a-z-]+\.csv"', bodiless.headers["Content-Disposition"])
    assert client.get(where, headers={"Accept": "application/xml"}).expect(406).code == "not_acceptable"


def test_lists_without_rows_were_few(world):
    everyone = {each.values[0] for each in lists()}
    assert len(world.with_rows) >= WITH_ROWS_AT_LEAST, sorted(everyone - world.with_rows)


def test_an_event_names_its_object_by_its_typed_id(world):
    """So that it can be asked for, and shown: of every kind of object that this world has an event of."""
    events = world.stack.operator.items("/v1/system/events?limit=1000")
    assert {event["kind"] for event in events if not re.fullmatch(r"[a-z]{3}_[0-9a-z]{26}", event["object_id"])} == set()
    assert len({event["object_type"] for event in events}) >= 30


# ---- Versions ----

# What the world has none of: nothing was credited, and no quote is held below a floor.
NOWHERE = ("/credit-notes", "/quotes/{id}/floor")


def names(operation):
    return {resolved(each)["name"] for each in operation["parameters"]}


def objects():
    """Everything that is read alone, and so has a version."""
    for path, methods in contract().document["paths"].items():
        if "304" in methods.get("get", {}).get("responses", {}) and "{" in path:
            yield path, methods["get"]


def test_what_is_read_alone_is_answered_304_to_its_version(world):
    seen, missing = [], []
    for path, operation in objects():
        client, where = world.client(operation), world.address(path, operation)
        if where is None or any(each in path for each in NOWHERE):
            missing += [path] if where is None else []
            continue
        accept = {"Accept": next(iter(operation["responses"]["200"]["content"]))}
        etag = client.get(where, headers=accept).expect(200).headers["ETag"]
        assert re.fullmatch(r'"\d+-[0-9a-z.]+"', etag), (path, etag)
        for known in (etag, f'"0-0", W/{etag}', "*"):
            for method in ("GET", "HEAD"):
                answer = client.request(method, where, headers={"If-None-Match": known, **accept}).expect(304)
                assert answer.headers["ETag"] == etag and answer.content == b"" and answer.headers["Cache-Control"] == "private, no-cache", path
        client.get(where, headers={"If-None-Match": '"0-1", "x', **accept}).expect(200)
        seen.append(path)
    assert [path for path in missing if not any(each in path for each in NOWHERE)] == []
    assert len(seen) >= 55, len(seen)


def conditional_changes(world):
    """(name, method, address, body, client, ETag) of each change of an object that takes If-Match."""
    paths = contract().document["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            where = world.address(path, operation) if "If-Match" in names(operation) else None
            if where is None:
                continue
            client = world.client(operation)
            read = where if "304" in methods.get("get", {}).get("responses", {}) else re.sub(r"/{id}.*", "", path) + "/" + re.search(r"[a-z]{3}_[0-9a-z]{26}", where)[0]
            answer, name = client.get(read).expect(200), f"{method.upper()} {path}"
            body = BODIES.get(name, {} if method in ("post", "patch") else None)
            if method == "put":
                schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
                body = {key: value for key, value in answer.body.items() if key in schema["properties"]}
            assert answer.headers["ETag"], name
            yield name, method.upper(), where, body, client, answer.headers["ETag"]


# What may not be done to what this world has, whoever has seen it.
MAY_NOT = {
    "DELETE /v1/system/zones/{id}": "zone_in_use", "DELETE /v1/system/instance-types/{id}": "instance_type_in_use",
    "DELETE /v1/system/nodes/{id}": "node_in_use", "DELETE /v1/system/tenants/{id}": "tenant_in_use",
    "POST /v1/instances/{id}/actions": "instance_ended", "POST /v1/system/instances/{id}/actions": "instance_ended",
    "PATCH /v1/reservations/{id}": "capacity_unavailable", "POST /v1/reservations/{id}/amendments": "capacity_unavailable",
    "POST /v1/system/reservations/{id}/amendments": "capacity_unavailable"}


def test_a_change_is_made_under_the_version_that_it_was_thought_of_and_no_other(world):
    """As a preview, which compares and changes as the change does."""
    refused, seen = {}, 0
    for name, method, where, body, client, etag in conditional_changes(world):
        def change(**conditions):
            headers = {key.replace("_", "-"): value for key, value in conditions.items()}
            return client.request(method, f"{where}?validate_only=true", body, headers=headers)
        wish = int(re.match(r'"(\d+)-', etag)[1])
        for own in (etag, f'"{wish}-another"', f'"0-0", {etag}', "*"):
            made = change(If_Match=own)
            if made.status != 200:
                refused[name] = made.code
        for stale in (f'"{wish + 1}-0"', f"W/{etag}", '"999999-0"', "x"):
            assert change(If_Match=stale).expect(412).code == "precondition_failed", (name, stale)
        assert change(If_Match="*", If_None_Match=etag).expect(412).code == "precondition_failed", name
        seen += 1
    assert refused == MAY_NOT
    assert seen >= 60, seen
