"""What holds for every object of the API, walked from the document: ETag and conditions, PUT and PATCH, previews."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest

from stack import eventually

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme"
WINDOW = {"starts_at": "2026-01-10T00:00:00Z", "ends_at": "2026-01-12T00:00:00Z"}


# ---- One of everything ----


def make_everything(stack):
    """An object of each kind: {the last literal part of its address: its id}."""
    node = stack.fleet(2)[0]
    acme = stack.tenant("acme")
    reservation = acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "name": "llama",
                                                   "labels": {"team": "pretrain"}, **WINDOW})
    quote = acme.create("/v1/quotes", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, **WINDOW})
    window = stack.operator.create("/v1/system/maintenance-windows", {
        "zone": "us-east-1a", "nodes": ["n0001"], "starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-02-01T04:00:00Z",
        "reason": "a fan"})
    short = acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
                                             "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-01T02:00:00Z"})
    stack.advance("2026-01-01T01:00:00Z")
    ids = {list_name: stack.operator.items(f"/v1/system/{list_name}")[0]["id"]
           for list_name in ("tenants", "zones", "instance-types", "prices", "assets", "instances")}
    ids |= {"reservations": reservation["id"], "quotes": quote["id"], "maintenance-windows": window["id"], "nodes": node["id"]}
    ids["short"] = short["id"]
    ids["reconciler"] = ids["zones"]
    ids["quotas"] = stack.quota("acme", peak_gpu_milli=1000000)["id"]
    ids["images"] = stack.operator.create("/v1/system/images", {"name": "ubuntu-24.04", "description": "a start"})["id"]
    ids["members"] = acme.create("/v1/members", {"name": "ana", "email": "ana@example.com", "role": "viewer"})["id"]
    ids["service-accounts"] = acme.create("/v1/service-accounts", {"name": "deployer", "role": "member"})["id"]
    ids["tokens"] = acme.create("/v1/tokens", {"name": "of-deployer", "principal": "deployer", "scopes": ["reservations:write"]})["id"]
    ids["projects"] = acme.create("/v1/projects", {"name": "research", "labels": {"team": "pretrain"}})["id"]
    ids["purchase-orders"] = stack.operator.create("/v1/system/purchase-orders", {
        "number": "PO-1", "vendor": "Example Systems", "ordered_on": "2025-11-01", "price": {"amount": "9.00", "currency": "USD"}})["id"]
    ids["replacement-requests"] = stack.operator.create("/v1/system/replacement-requests", {
        "node": node["id"], "part": "fan", "reason": "it is loud"})["id"]
    ids["ssh-keys"] = acme.create("/v1/ssh-keys", {"name": "ana", "public_key": KEY})["id"]
    return acme, ids


def start_with_everything(make, directory):
    keys = directory / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n")
    keys.chmod(0o600)
    stack = make(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}})
    stack.acme, stack.ids = make_everything(stack)
    return stack


@pytest.fixture
def everything(make_stack, tmp_path):
    return start_with_everything(make_stack, tmp_path)


@pytest.fixture(scope="module")
def untouched(make_module_stack, tmp_path_factory):
    """Everything, for tests that change nothing of it."""
    return start_with_everything(make_module_stack, tmp_path_factory.mktemp("keys"))


def operations(stack):
    """(method, path, operation) of the document, in its order; parameters that are referred to stand in their place."""
    document = stack.operator.get("/openapi.json").expect(200).body
    shared = document["components"]["parameters"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = [shared[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each for each in operation["parameters"]]
            yield method.upper(), path, {**operation, "parameters": parameters}


def is_object(path):
    return path.endswith("/{id}")


def client_for(stack, operation):
    return stack.operator if "system_admin" in operation["x-sluice-roles"] else stack.acme


def address(stack, path):
    """The path with the id of the object that stands there; None where make_everything has none."""
    kind = re.match(r"/v1/(?:system/)?([a-z-]+)/\{id\}", path)
    return path.replace("{id}", stack.ids[kind[1]]) if kind and kind[1] in stack.ids else None


def objects(stack, method):
    for verb, path, operation in operations(stack):
        where = address(stack, path) if is_object(path) and verb == method else None
        if where:
            yield path, where, client_for(stack, operation)


# ---- Conditions ----


def test_every_object_has_an_etag_and_honours_if_none_match(untouched):
    seen = []
    for path, where, client in objects(untouched, "GET"):
        etag = client.get(where).expect(200).headers["ETag"]
        assert re.fullmatch(r'"\d+-[0-9a-z.]+"', etag), (path, etag)
        for known in (etag, f'"0-0", W/{etag}', "*"):
            answer = client.get(where, headers={"If-None-Match": known}).expect(304)
            assert answer.headers["ETag"] == etag and answer.content == b""
        client.get(where, headers={"If-None-Match": '"0-0"'}).expect(200)
        seen.append(path)
    assert len(seen) >= 14, seen


def etag_and_body(client, where, request_schema, document):
    answer = client.get(where).expect(200)
    schema = document["components"]["schemas"][request_schema.rsplit("/", 1)[1]]
    return answer.headers["ETag"], {name: value for name, value in answer.body.items() if name in schema["properties"]}


def whole_changes(stack):
    document = stack.operator.get("/openapi.json").expect(200).body
    for verb, path, operation in operations(stack):
        where = address(stack, path) if verb == "PUT" and is_object(path) else None
        if where:
            client = client_for(stack, operation)
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            yield path, where, client, *etag_and_body(client, where, schema, document)


def test_an_object_that_is_put_back_as_it_was_read_does_not_change(untouched):
    seen = []
    for path, where, client, etag, body in whole_changes(untouched):
        answer = client.request("PUT", where, body, headers={"If-Match": etag}).expect(200)
        assert {name: answer.body[name] for name in body} == body, path
        assert client.get(where).headers["ETag"] == etag, path
        answer = client.patch(where, {}, headers={"If-Match": etag}).expect(200)
        assert answer.headers["ETag"] == etag, path
        seen.append(path)
    assert len(seen) >= 4, seen


def test_if_match_holds_for_every_change_of_an_object(everything):
    seen = []
    for verb, path, operation in operations(everything):
        where = address(everything, path)
        if verb == "GET" or where is None or "If-Match" not in {parameter["name"] for parameter in operation["parameters"]}:
            continue
        body = {} if verb in ("POST", "PATCH") else None
        if verb == "PUT":
            continue  # the test below
        if verb == "POST" and operation["requestBody"]["required"]:
            continue  # its body is read first
        refused = client_for(everything, operation).request(verb, where, body, headers={"If-Match": '"999999-0"'})
        assert refused.expect(412).code == "precondition_failed", (verb, path)
        seen.append((verb, path))
    assert len(seen) >= 8, seen


def test_a_put_of_operators_says_what_it_replaces(everything):
    for path, where, client, etag, body in whole_changes(everything):
        assert client.request("PUT", where, body, headers={"If-Match": '"999999-0"'}).expect(412).code == "precondition_failed"
        bare = client.request("PUT", where, body)
        if client is everything.operator:
            assert bare.expect(428).code == "precondition_required", path
        else:
            bare.expect(200)
        client.request("PUT", where, body, headers={"If-Match": "*"}).expect(200)
        client.request("PUT", where, body, headers={"If-Match": f'"0-0", {etag.rsplit("-", 1)[0]}-77"'}).expect(200)


def test_a_change_of_the_status_disturbs_nobodys_put(everything):
    where = f"/v1/system/nodes/{everything.ids['nodes']}"
    before = everything.operator.get(where).headers["ETag"]
    everything.advance("2026-01-02T00:00:00Z")
    after = everything.operator.get(where).headers["ETag"]
    assert before != after and before.split("-")[0] == after.split("-")[0]
    everything.operator.post(f"{where}/uncordon", headers={"If-Match": before}).expect(200)


# ---- Merge patch ----


def test_a_merge_patch_is_that_of_its_rfc(everything):
    where = f"/v1/reservations/{everything.ids['reservations']}"
    patched = everything.acme.patch(where, {"labels": {"run": "7", "team": None}, "project": "research"}).expect(200).body
    assert (patched["labels"], patched["project"], patched["name"]) == ({"run": "7"}, "research", "llama")
    patched = everything.acme.patch(where, {"labels": None, "project": None, "name": None}).expect(200).body
    assert (patched["labels"], patched["project"], patched["name"]) == ({}, "default", None)
    for patch, pointer, code in (({"zone": None}, "/zone", "missing_field"), ({"zone": "elsewhere"}, "/zone", "immutable_field"),
                                 ({"count": "2"}, "/count", "wrong_type"), ({"colour": "red"}, "/colour", "unknown_field"),
                                 ({"labels": {"a": 1}}, "/labels", "out_of_range"), ({"placement": {"within": "rack"}}, "/placement", "immutable_field")):
        refused = everything.acme.patch(where, patch).expect(422)
        assert {error["pointer"]: error["code"] for error in refused.body["errors"]} == {pointer: code}, patch
    nobodys = {"colour": None, "placement": {"size": None}, "status": None}
    refused = everything.acme.patch(where, nobodys).expect(422)
    assert {(error["pointer"], error["code"]) for error in refused.body["errors"]} == {
        (pointer, "unknown_field") for pointer in ("/colour", "/placement/size", "/status")}
    order = f"/v1/system/purchase-orders/{everything.ids['purchase-orders']}"
    refused = everything.operator.patch(order, {"price": {"value": None}}).expect(422)
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("/price/value", "unknown_field")]
    assert everything.acme.patch(where, {"zone": "us-east-1a"}).expect(200).body["zone"] == "us-east-1a"


def test_terms_and_other_fields_change_in_one_request(everything):
    where = f"/v1/reservations/{everything.ids['reservations']}"
    body = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "name": "renamed", "labels": {},
            "starts_at": WINDOW["starts_at"], "ends_at": "2026-01-11T00:00:00Z"}
    changed = everything.acme.request("PUT", where, body).expect(200).body
    assert {name: changed[name] for name in body} == body
    assert changed["status"]["ends_at"] == body["ends_at"]


# ---- Previews ----


def checksums(stack):
    """Of every table, the partitions' parents left out."""
    tables = stack.sql("SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'sluice'::regnamespace")
    volatile = ("leader_", "event_cursor", "clock_acknowledgement", "audit_seal")
    row = "(to_jsonb(t) - 'last_used_at')::text"
    return {table["name"]: stack.sql(f"SELECT count(*), md5(string_agg({row}, ' ' ORDER BY {row})) FROM {table['name']} t")
            for table in tables if not table["name"].startswith(volatile)}


MONEY = {"amount": "4.000000", "currency": "USD"}
BODIES = {
    "POST /v1/sessions/revoke": {},
    "PUT /v1/system/tenants/{id}/credit-limit": {"limit": {"amount": "2490.00", "currency": "USD"}},
    "POST /v1/system/payments": {"tenant": "acme", "amount": {"amount": "2490.00", "currency": "USD"}},
    "POST /v1/system/credit-grants": {"tenant": "acme", "amount": {"amount": "2490.00", "currency": "USD"}},
    "POST /v1/system/prices/{id}/end": {},
    "POST /v1/system/commitments": {"tenant": "acme", "category": "spend", "total": {"amount": "111000.00", "currency": "USD"},
                                    "first_month": "2027-01-01", "months": 12},
    "POST /v1/system/price-floors": {"instance_type": "h100.8x", "mode": "warn"},
    "POST /v1/system/discounts": {"tenant": "acme", "percent_bp": 1000, "reason": "launch customer"},
    "POST /v1/system/charge-policies": {"kind": "cancellation", "tenant": "acme", "steps": [{"least": 0, "share_bp": 1000}]},
    "POST /v1/system/usage-corrections": lambda ids: {"reservation": ids["short"], "starts_at": "2026-01-01T00:00:00Z",
                                                      "ends_at": "2026-01-01T00:30:00Z", "gpu_milli": -1000, "reason": "outage INC-7"},
    "POST /v1/system/sessions/revoke": {},
    "POST /v1/system/billing-profiles": {"tenant": "acme", "legal_name": "Acme Research AG", "country": "DE"},
    "POST /v1/system/tax-rates": {"code": "standard", "country": "DE", "rate_bp": 1900},
    "POST /v1/system/month-closes": {"month": "2026-01-01"},
    "POST /v1/reservations": {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "name": "another",
                             "starts_at": "2026-02-10T00:00:00Z", "ends_at": "2026-02-12T00:00:00Z"},
    "POST /v1/quotes": {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": "2026-02-10T00:00:00Z",
                        "ends_at": "2026-02-12T00:00:00Z"},
    "POST /v1/webhooks": {"url": "https://hooks.example.com/a", "events": ["*"]},
    "POST /v1/system/webhooks": {"url": "https://hooks.example.com/a", "events": ["*"]},
    "POST /v1/system/zones": {"name": "eu-west-1a"},
    "POST /v1/instances/{id}/actions": {"action": "start"},
    "POST /v1/system/instances/{id}/actions": {"action": "stop"},
    "POST /v1/system/instance-types": {"name": "h100.4x", "gpu_count": 4, "gpu_models": ["H100"], "cpu_milli": 1, "memory_mib": 1},
    "POST /v1/system/nodes": {"name": "n9", "zone": "us-east-1a", "fabric": "f9", "rack": "r9", "leaf": "l9", "gpu_model": "H100",
                              "gpu_count": 8, "cpu_milli": 1000, "memory_mib": 1024},
    "POST /v1/system/reconciler/{id}/pause": {"reason": "switch s3 flaps"},
    "POST /v1/system/nodes/{id}/cordon": {"reason": "a fan"},
    "POST /v1/system/nodes/{id}/drain": {"reason": "a fan"},
    "POST /v1/system/nodes/{id}/power": {"on": False},
    "POST /v1/system/tenants": {"name": "other"},
    "POST /v1/system/tokens": {"role": "auditor", "name": "looks"},
    "POST /v1/system/prices": {"sku_kind": "gpu_model", "sku": "H100", "gpu_hour": MONEY},
    "POST /v1/system/assets": {"serial": "S9", "cohort": "2026-q1", "cost": {"amount": "9.00", "currency": "USD"},
                               "in_service": "2026-01-01", "life_months": 12},
    "POST /v1/system/assets/import": "serial,cohort,cost.amount,cost.currency,in_service,life_months\r\nS8,c,9.00,USD,2026-01-01,12\r\n",
    "PATCH /v1/system/assets/{id}": {"cohort": "2026-q2"},
    "POST /v1/system/assets/{id}/changes": {"kind": "dispose", "effective_on": "2026-01-05", "reason": "sold"},
    "POST /v1/system/purchase-orders": {"number": "PO-2", "vendor": "Example Systems", "ordered_on": "2025-11-01",
                                        "price": {"amount": "9.00", "currency": "USD"}},
    "PATCH /v1/system/purchase-orders/{id}": {"vendor": "Another"},
    "POST /v1/system/market-prices": {"gpu_model": "H100", "price": {"amount": "9.00", "currency": "USD"}, "source": "a broker"},
    "POST /v1/system/cost-rates": {"pool": "operations", "basis": "node_month", "amount": MONEY},
    "PUT /v1/system/power-profiles": {"gpu_model": "H100", "gpu_count": 8, "idle_w": 3400, "full_w": 10200},
    "POST /v1/system/energy-readings": {"items": []},
    "POST /v1/system/meters": {"name": "egress", "unit": "GB"},
    "POST /v1/system/meter-readings": {"items": []},
    "PUT /v1/system/nodes/{id}/firmware": {"versions": {"vbios": "96.00.74.00.1a"}},
    "POST /v1/system/gpu-readings": {"items": []},
    "POST /v1/system/gpu-errors": {"items": []},
    "POST /v1/system/replacement-requests": lambda ids: {"node": ids["nodes"], "gpu": 1, "part": "H100 SXM5", "reason": "XID 79"},
    "POST /v1/system/replacement-requests/{id}/order": {"reference": "RMA-7"},
    "POST /v1/system/replacement-requests/{id}/complete": {"new_serial": "S-8"},
    "POST /v1/system/replacement-requests/{id}/cancel": {"reason": "a reset mended it"},
    "PATCH /v1/system/replacement-requests/{id}": {"serial": "S-7"},
    "POST /v1/system/maintenance-windows": {"zone": "us-east-1a", "rack": "r1", "starts_at": "2026-03-01T00:00:00Z",
                                            "ends_at": "2026-03-01T04:00:00Z", "reason": "a fan"},
    "POST /v1/system/clock": {"advance_to": "2026-01-05T00:00:00Z"},
    "POST /v1/system/quotas": {"tenant": "acme", "zone": "us-east-1a", "gpu_model": "H100", "peak_gpu_milli": 16000},
    "PATCH /v1/system/quotas/{id}": {"month_gpu_hours": 100000},
    "POST /v1/reservations/{id}/amendments": {"count": 2},
    "POST /v1/system/reservations/{id}/amendments": {"count": 2},
    "PATCH /v1/reservations/{id}": {"name": "other", "count": 2},
    "PATCH /v1/system/zones/{id}": {"lead_s": 60},
    "PATCH /v1/system/nodes/{id}": {"labels": {"row": "7"}},
    "PATCH /v1/system/maintenance-windows/{id}": {"reason": "two fans"},
    "PATCH /v1/system/tenants/{id}": {"tax_rate_bp": 1900},
    "PATCH /v1/system/instance-types/{id}": {"description": "eight of them"},
    "POST /v1/members": {"name": "bob", "role": "admin"},
    "PATCH /v1/members/{id}": {"role": "member"},
    "POST /v1/service-accounts": {"name": "watcher", "role": "viewer", "description": "looks"},
    "PATCH /v1/service-accounts/{id}": {"disabled": True},
    "POST /v1/tokens": {"name": "another", "scopes": ["usage:read"]},
    "PATCH /v1/tokens/{id}": {"name": "renamed"},
    "POST /v1/tokens/{id}/rotate": {"overlap_s": 60},
    "POST /v1/system/members": {"name": "olga", "role": "finance"},
    "PATCH /v1/system/members/{id}": {"role": "billing"},
    "POST /v1/system/service-accounts": {"name": "meter", "role": "viewer", "tenant": "acme"},
    "PATCH /v1/system/service-accounts/{id}": {"description": "ships"},
    "PATCH /v1/system/tokens/{id}": {"expires_at": "2099-01-01T00:00:00Z"},
    "POST /v1/system/tokens/{id}/rotate": {"overlap_s": 0},
    "POST /v1/projects": {"name": "training"},
    "PATCH /v1/projects/{id}": {"labels": {"team": None}},
    "POST /v1/ssh-keys": {"name": "bob", "public_key": KEY},
    "PATCH /v1/ssh-keys/{id}": {"public_key": KEY.replace("ana@acme", "ana")},
    "POST /v1/system/images": {"name": "ubuntu-26.04"},
    "PATCH /v1/system/images/{id}": {"retired": True},
}
MONEY_IS_INVOLVED = {"POST /v1/reservations", "POST /v1/quotes", "POST /v1/reservations/{id}/amendments", "PATCH /v1/reservations/{id}", "POST /v1/reservations/{id}/cancel",
                     "DELETE /v1/reservations/{id}", "POST /v1/system/reservations/{id}/cancel",
                     "POST /v1/system/reservations/{id}/amendments"}

IN_USE = {"POST /v1/instances/{id}/actions": "instance_not_stopped",
          "DELETE /v1/system/nodes/{id}": "node_in_use", "DELETE /v1/system/zones/{id}": "zone_in_use",
          "DELETE /v1/system/tenants/{id}": "tenant_in_use", "DELETE /v1/system/instance-types/{id}": "instance_type_in_use"}


def changes(stack):
    """Every change that the document has: (name, method, address, body, client)."""
    puts = {where: body for _, where, _, _, body in whole_changes(stack)}
    for verb, path, operation in operations(stack):
        parameters = {parameter["name"] for parameter in operation["parameters"]}
        where = path if "{id}" not in path else address(stack, path)
        if "validate_only" in parameters and where is not None:
            name = f"{verb} {path}"
            body = puts.get(where) if verb == "PUT" and where in puts else BODIES.get(name)
            yield name, verb, where, body(stack.ids) if callable(body) else body, client_for(stack, operation)


def test_a_preview_changes_nothing_and_tells_the_object(untouched):
    seen, before = [], checksums(untouched)
    for name, verb, where, body, client in changes(untouched):
        headers = {"If-Match": "*", "Idempotency-Key": "the same for all"}
        if name == "DELETE /v1/system/tenants/{id}/credit-limit":
            client.request(verb, f"{where}?currency=USD&validate_only=true", body, headers=headers).expect(404)  # none is set
            continue
        answer = client.request(verb, f"{where}?validate_only=true", body, headers=headers)
        if name in IN_USE:
            assert answer.expect(409).code == IN_USE[name]
            continue
        assert answer.status == 200, (name, answer)
        assert answer.body["warnings"] == [] and "ETag" not in answer.headers, name
        assert ("cost_delta" in answer.body) == (name in MONEY_IS_INVOLVED), name
        if isinstance(body, dict) and name in BODIES and verb in ("PATCH", "POST") and "{id}" not in name:
            asked = {key: value for key, value in body.items() if key not in ("rack", "advance_to", "items")}
            assert {key: answer.body[key] for key in asked} == asked, name
        seen.append(name)
    after = checksums(untouched)
    changed = {table for table in before if before[table] != after[table]}
    # The planner was asked; and billing says every minute, whoever asks, how the open day stands.
    assert {table for table in changed if not table.startswith(("planner_", "provisional_"))} == set()
    assert len(seen) >= 25, seen


# ---- Repetitions ----

# What is refused in the world above, so that there is nothing to repeat.
REFUSED = {"POST /v1/quotes": "capacity_unavailable", "POST /v1/instances/{id}/actions": "instance_not_stopped", "POST /v1/reservations/{id}/amendments": "not_amendable",
           "POST /v1/system/reservations/{id}/amendments": "not_amendable", "POST /v1/system/tokens/{id}/rotate": "conflict",
           "POST /v1/system/replacement-requests/{id}/cancel": "replacement_is_over"}


def repeatable(stack):
    for name, verb, where, body, client in changes(stack):
        if verb == "POST" and not name.endswith("/clock"):
            yield name, where, body, client


def test_a_repetition_is_answered_from_the_object_and_never_runs(everything):
    """Every POST, twice under its key, the second time under a condition that no longer holds."""
    seen, refused = [], {}
    for name, where, body, client in repeatable(everything):
        headers = {"Idempotency-Key": f"walk {name}", "Prefer": "wait=10"}
        first = client.post(where, body, headers=headers)
        if first.status >= 400:
            refused[name] = first.code
            continue
        again = client.post(where, body, headers={**headers, "If-Match": '"999999-0"'})
        assert again.status in (first.status, 200), (name, first, again)
        assert again.headers["Idempotent-Replayed"] == "true", name
        if isinstance(first.body, dict) and "id" in first.body:
            assert again.body["id"] == first.body["id"], name
        seen.append(name)
    assert refused == REFUSED
    assert len(seen) >= 45, seen


def test_what_was_undone_since_stays_so_when_its_request_is_repeated(everything):
    node, tenant = (f"/v1/system/{kind}/{everything.ids[kind]}" for kind in ("nodes", "tenants"))
    for where, does, undoes, is_done in ((node, ("cordon", {"reason": "a fan"}), "uncordon", lambda each: each["cordon_reason"] is not None),
                                         (tenant, ("suspend", {}), "resume", lambda each: each["status"] == "suspended")):
        key = {"Idempotency-Key": does[0]}
        assert is_done(everything.operator.post(f"{where}/{does[0]}", does[1], headers=key).expect(200).body)
        assert not is_done(everything.operator.post(f"{where}/{undoes}").expect(200).body)
        repeated = everything.operator.post(f"{where}/{does[0]}", does[1], headers=key).expect(200)
        assert repeated.headers["Idempotent-Replayed"] == "true" and not is_done(repeated.body)
        assert not is_done(everything.operator.get(where).expect(200).body)


def test_a_preview_is_refused_as_the_change_would_be(untouched):
    where = f"/v1/reservations/{untouched.ids['reservations']}"
    assert untouched.acme.patch(f"{where}?validate_only=true", {"count": 3, "name": "x"}).expect(409).code == "capacity_unavailable"
    assert untouched.acme.get(where).body["name"] == "llama"
    assert untouched.operator.post("/v1/system/zones?validate_only=true", {"name": "us-east-1a"}).expect(409).code == "name_taken"
    assert untouched.operator.get(f"/v1/system/zones/{untouched.ids['zones']}?validate_only=true").expect(422).code == "unknown_field"


# ---- Nodes ----

NODE = {"name": "n9", "zone": "us-east-1a", "fabric": "f1", "rack": "r9", "leaf": None, "nvlink_domain": "node", "gpu_model": "H100",
        "gpu_count": 8, "gpu_grouping": "any", "cpu_milli": 192000, "memory_mib": 2097152, "turnaround_s": 0,
        "labels": {"row": "7", "Änderung": "ja"}}


def wait_for_state(stack, node, state):
    eventually(lambda: stack.operator.get(f"/v1/system/nodes/{node['id']}?include=deleted").body["status"]["state"] == state,
               f"the node is {state}")


def test_a_node_is_replaced_moved_and_retired(stack):
    stack.fleet(1)
    acme = stack.tenant("acme")
    node = stack.operator.create("/v1/system/nodes", NODE)
    assert {name: node[name] for name in NODE} == NODE
    where = f"/v1/system/nodes/{node['id']}"
    moved = {**NODE, "name": "n9-moved", "rack": "r1", "leaf": "l1", "labels": {}, "memory_mib": 1048576}
    answer = stack.operator.request("PUT", where, moved, headers={"If-Match": "*"}).expect(200)
    assert {name: answer.body[name] for name in moved} == moved
    assert stack.operator.patch(where, {"name": "n0000"}).expect(409).code == "name_taken"
    assert stack.operator.patch(where, {"gpu_count": 4}).expect(422).code == "immutable_field"
    # Two in one rack: the planner knows where it stands now.
    pair = acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2, **WINDOW,
                                            "placement": {"within": "rack"}})
    for change in (lambda: stack.operator.patch(where, {"rack": "r9"}), lambda: stack.operator.delete(where)):
        assert change().expect(409).code == "node_in_use"
    stack.operator.patch(where, {"labels": {"row": "8"}, "name": "n10"}).expect(200)
    acme.post(f"/v1/reservations/{pair['id']}/cancel").expect(200)
    eventually(lambda: stack.operator.delete(where).status == 204, "nobody needs the node")
    assert stack.operator.get(where).expect(404).code == "not_found"
    assert [each["name"] for each in stack.operator.items("/v1/system/nodes")] == ["n0000"]
    assert [each["name"] for each in stack.operator.items("/v1/system/nodes?include=deleted&name=n10")] == ["n10"]
    wait_for_state(stack, node, "retired")
    assert stack.operator.get(f"{where}?include=deleted").body["status"]["retired_at"] == "2026-01-01T00:00:00Z"
    for method in ("DELETE", "PUT", "PATCH"):
        body = None if method == "DELETE" else {} if method == "PATCH" else moved
        stack.operator.request(method, where, body, headers={"If-Match": "*"}).expect(404)
    # Its name is free, and its place is nobody's.
    again = stack.operator.create("/v1/system/nodes", {**NODE, "name": "n10"})
    assert again["id"] != node["id"]
    wait_for_state(stack, again, "ready")
    refused = acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 3, **WINDOW}).expect(409)
    assert refused.code == "capacity_unavailable"
    stack.provisioner.kill()
    stack.provisioner.start()
    verified = stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body
    assert verified["equal"], verified


# ---- Deleting ----


def test_what_is_deleted_is_gone_but_for_who_asks_for_the_deleted(everything):
    """Of everything that takes DELETE: 204, then 404 (never 410), not in its list; ?include=deleted still shows it."""
    remembered = {path for verb, path, operation in operations(everything) if verb == "GET"
                  and "include" in {parameter["name"] for parameter in operation["parameters"]}}
    assert {"/v1/reservations/{id}", "/v1/quotes/{id}", "/v1/system/maintenance-windows/{id}"} <= remembered
    seen, gone = [], set()
    for path, where, client in objects(everything, "DELETE"):
        listed, identity = where.rsplit("/", 1)
        if f"DELETE {path}" in IN_USE or identity in gone:
            continue  # what is held is not deleted: below; what has two addresses is deleted at the first
        gone.add(identity)
        assert client.request("DELETE", f"{where}?validate_only=true").expect(200).body["warnings"] == []
        client.get(where).expect(200)
        assert client.delete(where).expect(204).content == b""
        assert client.get(where).expect(404).code == "not_found"
        assert client.delete(where).expect(404).code == "not_found"
        assert identity not in [each["id"] for each in client.items(listed)]
        seen.append(path)
        if path not in remembered:
            continue  # nothing refers to it any more
        assert client.get(f"{where}?include=deleted").expect(200).body["deleted_at"]
        assert identity in [each["id"] for each in client.items(f"{listed}?include=deleted")]
        assert client.get(f"{where}?include=hidden").expect(422).code == "out_of_range"
    assert len(seen) >= 3, seen


def test_what_is_used_is_not_removed_and_what_is_not_is_gone(everything):
    """Zones and instance types of which there is nothing, and tenants that have nothing any more."""
    operator, acme = everything.operator, everything.acme

    def where(kind):
        return f"/v1/system/{kind}/{everything.ids[kind]}"
    assert "2 nodes" in operator.delete(where("zones")).expect(409).body["detail"]
    assert operator.delete(where("instance-types")).expect(409).code == "instance_type_in_use"
    assert operator.delete(where("tenants")).expect(409).code == "tenant_in_use"
    spare = operator.create("/v1/system/zones", {"name": "spare"})
    operator.create("/v1/system/instance-types", {**BODIES["POST /v1/system/instance-types"], "name": "spare"})
    spare_type = operator.items("/v1/system/instance-types?name=spare")[0]
    eventually(lambda: everything.provisioner.is_ready(), "the zone has its planner")
    for path in (f"/v1/system/zones/{spare['id']}", f"/v1/system/instance-types/{spare_type['id']}"):
        assert operator.delete(path, headers={"If-Match": '"9-0"'}).expect(412).code == "precondition_failed"
        operator.delete(path).expect(204)
        operator.get(path).expect(404)
    assert acme.post("/v1/reservations", {"instance_type": "spare", "zone": "us-east-1a", **WINDOW}).expect(422).code == "unknown_instance_type"
    operator.create("/v1/system/zones", {"name": "spare"})  # its name is free
    everything.advance("2026-01-01T01:30:00Z")  # the clock waits for no planner of a zone that is gone
    eventually(everything.provisioner.is_ready, "nobody misses it")
    # A tenant is closed when all of its is over; its tokens end with it, and its books stay.
    for identity in (everything.ids["reservations"], everything.ids["short"]):
        acme.delete(f"/v1/reservations/{identity}").expect(204)
    acme.delete(f"/v1/quotes/{everything.ids['quotes']}").expect(204)
    everything.advance("2026-01-01T02:30:00Z")
    eventually(lambda: operator.delete(where("tenants")).status == 204, "all of it is over")
    operator.get(where("tenants")).expect(404)
    assert operator.get(f"{where('tenants')}?include=deleted").expect(200).body["status"] == "closed"
    eventually(lambda: acme.get("/v1/me").status == 401, "its tokens end")
    assert operator.post(f"{where('tenants')}/resume").expect(404).code == "not_found"
    assert operator.post("/v1/system/tenants", {"name": "acme"}).expect(409).code == "name_taken", "its books have the name"
    assert "tenant.closed" in [row["kind"] for row in everything.sql("SELECT kind FROM event WHERE object_type = 'tenant'")]


def test_a_refused_amendment_takes_back_what_was_changed_with_it(everything):
    path = f"/v1/reservations/{everything.ids['reservations']}"
    before = everything.acme.get(path).expect(200).body
    asked = {"name": "mistral", "labels": {"team": "serving"}, "if_unavailable": "waitlist", "count": 40}
    assert everything.acme.patch(path, asked).expect(409).code == "capacity_unavailable"
    after = everything.acme.get(path).expect(200).body
    assert {key: after[key] for key in (*asked, "project")} == {key: before[key] for key in (*asked, "project")}
    everything.acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "name": "mistral",
                                                "starts_at": "2026-02-10T00:00:00Z", "ends_at": "2026-02-11T00:00:00Z"})
    granted = everything.acme.patch(path, {"name": "gemma", "labels": {"team": None}, "ends_at": "2026-01-13T00:00:00Z"}).expect(200).body
    assert (granted["name"], granted["labels"], granted["ends_at"]) == ("gemma", {}, "2026-01-13T00:00:00Z")
    # What was changed again before the verdict is not undone.
    everything.provisioner.stop()
    everything.acme.patch(path, {"name": "phi", "labels": {"a": "b"}, "count": 40}, headers={"Prefer": "respond-async"}).expect(202)
    everything.acme.patch(path, {"name": "qwen"}).expect(200)
    everything.provisioner.start()
    eventually(lambda: everything.acme.get(path).body["labels"] == {}, "the refusal takes the labels back")
    assert everything.acme.get(path).body["name"] == "qwen"


def test_the_preview_of_a_cancellation_tells_what_it_spares(everything):
    """Two days of eight GPUs at 3.00 an hour, and half an hour of what runs; what is over spares nothing."""
    def spared(identity):
        preview = everything.acme.post(f"/v1/reservations/{identity}/cancel?validate_only=true").expect(200).body
        assert preview["cancel_requested_at"] and preview["id"] == identity
        return preview["cost_delta"]
    assert spared(everything.ids["reservations"]) == {"amount": "-1152.000000", "currency": "USD"}
    everything.advance("2026-01-01T01:30:00Z")
    assert spared(everything.ids["short"]) == {"amount": "-12.000000", "currency": "USD"}
    everything.acme.post(f"/v1/reservations/{everything.ids['short']}/cancel").expect(200)
    everything.advance("2026-01-01T02:00:00Z")
    assert spared(everything.ids["short"]) == {"amount": "0.000000", "currency": "USD"}
