"""Who may call what: every route of the program's table with every role, without a token, with tokens that are no longer
good, with tokens that are limited to scopes, and with another tenant's ids. What is expected follows from the table."""
# SPDX-License-Identifier: Apache-2.0

import base64
import http.client
import json
import secrets

import pytest

from stack import A_SECOND_S, eventually
from test_semantics import make_everything

ROLES = {"viewer": "acme", "member": "acme", "admin": "acme", "billing": "acme",
         "operator": None, "finance": None, "auditor": None, "system_admin": None, "agent": None}
UNLIMITED = {"SLUICE_RATE_READ_PER_S": "0", "SLUICE_RATE_WRITE_PER_S": "0", "SLUICE_RATE_REPORT_PER_S": "0",
             "SLUICE_RATE_UNAUTHENTICATED_PER_S": "0"}
SHARED = {"img", "mtr", "typ", "zon"}  # the provider's, for every tenant to read
NOBODY = "01kyyyyyyyyyyyyyyyyyyyyyyy"


class Route:
    def __init__(self, method, path, operation):
        self.method, self.path = method, path
        self.roles = set(operation["x-sluice-roles"])
        self.scope = operation.get("x-sluice-scope")
        ids = [parameter for parameter in operation["parameters"] if parameter.get("in") == "path"]
        self.kind = ids[0]["schema"]["pattern"][1:4] if ids and "pattern" in ids[0]["schema"] else None
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        self.body = None if content is None else json.dumps(content["example"])
        query = [parameter for parameter in operation["parameters"] if parameter.get("in") == "query" and parameter["required"]]
        self.query = "" if not query else "?" + "&".join(f"{parameter['name']}={parameter['example']}" for parameter in query if "example" in parameter)
        self.has_query = len(query)

    def address(self, identifier=None):
        return self.path.replace("{id}", identifier or f"{self.kind}_{NOBODY}")

    def __repr__(self):
        return f"{self.method} {self.path}"


class Caller:
    """Status and code of requests with one token, on a connection of its own: thousands of them."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.head = {"Content-Type": "application/json", "Prefer": "respond-async"}
        if token is not None:
            self.head["Authorization"] = f"Bearer {token}"

    def ask(self, method, target, body=None):
        head = self.head if body is not None else {name: value for name, value in self.head.items() if name != "Content-Type"}
        self.connection.request(method, target, body, dict(head, **{"If-Match": "*"}))
        response = self.connection.getresponse()
        content = response.read()
        is_problem = response.status >= 400 and content
        return response.status, json.loads(content)["code"] if is_problem else None


class Session(Caller):
    """The same by a browser's session, for which the caller's token is exchanged."""

    def __init__(self, port, by):
        super().__init__(port, None)
        self.connection.request("POST", "/v1/sessions", "{}", by.head)
        response = self.connection.getresponse()
        made = json.loads(response.read())
        assert response.status == 201, made
        self.identifier = made["id"]
        self.head.update({"X-CSRF-Token": made["csrf_token"], "Cookie": response.headers["Set-Cookie"].partition(";")[0]})


@pytest.fixture
def walked(make_stack, tmp_path):
    keys = tmp_path / "webhook-keys"
    keys.write_text("first " + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    keys.chmod(0o600)
    stack = make_stack(settings={"sluice-api": {**UNLIMITED, "SLUICE_WEBHOOK_KEY_FILE": str(keys)}})
    document = stack.operator.get("/openapi.json").expect(200).body
    stack.routes = [Route(method.upper(), path, operation) for path, methods in document["paths"].items()
                    for method, operation in methods.items() if operation["x-sluice-roles"]]
    assert len(stack.routes) > 100
    return stack


def caller(stack, **fields):
    body = {"name": "walks", "principal": f"walks-{secrets.token_hex(8)}", **fields}
    return Caller(stack.port, stack.operator.create("/v1/system/tokens", body)["token"])


def test_a_route_takes_the_roles_of_its_table_and_no_others(walked):
    walked.operator.create("/v1/system/tenants", {"name": "acme"})
    wrong = []
    for role, tenant in ROLES.items():
        asks = caller(walked, role=role, tenant=tenant)
        for route in walked.routes:
            # An empty body: what it takes is refused for something else, and changes nothing.
            status, code = asks.ask(route.method, route.address(), None if route.body is None else "{}")
            expected = status not in (401, 403) if role in route.roles else (status, code) == (403, "forbidden")
            if not expected:
                wrong.append((role, route, status, code))
    assert not wrong, wrong


def test_a_session_may_do_what_its_token_may_and_not_without_its_csrf_token(walked):
    walked.operator.create("/v1/system/tenants", {"name": "acme"})
    routes = [route for route in walked.routes if "/sessions" not in route.path]  # it makes no other, and would end itself
    wrong = []
    for role in ("member", "auditor"):
        by_token = caller(walked, role=role, tenant=ROLES[role])
        by_session = Session(walked.port, by_token)
        forged = Session(walked.port, by_token)
        del forged.head["X-CSRF-Token"]
        for route in routes:
            body = None if route.body is None else "{}"
            answers = [asks.ask(route.method, route.address(), body) for asks in (by_token, by_session, forged)]
            expected = answers[0] if route.method == "GET" else (403, "csrf_failed")
            if answers[1] != answers[0] or answers[2] != expected:
                wrong.append((role, route, answers))
    assert not wrong, wrong


def test_a_token_that_is_no_longer_good_opens_nothing(walked):
    walked.operator.create("/v1/system/tenants", {"name": "acme"})
    made = {name: walked.operator.create("/v1/system/tokens", {"name": name, "role": "system_admin"})
            for name in ("expired", "revoked", "removed", "rotated", "disabled")}
    walked.sql("UPDATE token SET expires_at = clock_timestamp() - interval '1 second' WHERE name = 'expired'")
    walked.operator.post(f"/v1/system/tokens/{made['revoked']['id']}/revoke").expect(200)
    walked.operator.delete(f"/v1/system/tokens/{made['removed']['id']}").expect(204)
    walked.operator.post(f"/v1/system/tokens/{made['rotated']['id']}/rotate", {"overlap_s": 0}).expect(200)
    (account,) = walked.operator.items("/v1/system/service-accounts?name=disabled")
    walked.operator.patch(f"/v1/system/service-accounts/{account['id']}", {"disabled": True}).expect(200)
    texts = {name: token["token"] for name, token in made.items()}
    texts |= {"none": None, "mistyped": texts["expired"][:-1] + ("x" if texts["expired"][-1] != "x" else "y")}
    codes = {"expired": "token_expired", "revoked": "token_revoked", "removed": "token_revoked", "disabled": "principal_disabled"}
    wrong = []
    for name, text in texts.items():
        asks = Caller(walked.port, text)
        eventually(lambda asks=asks: asks.ask("GET", "/v1/me")[0] == 401, f"the token is {name}", A_SECOND_S)
        for route in walked.routes:
            answer = asks.ask(route.method, route.address(), route.body)
            if answer != (401, codes.get(name, "unauthenticated")):
                wrong.append((name, route, answer))
    assert not wrong, wrong


def test_a_scope_opens_its_routes_and_no_others(walked):
    """A token of each scope there is, for each plane, against every route that its role could call."""
    walked.operator.create("/v1/system/tenants", {"name": "acme"})
    wrong, scopes = [], sorted({route.scope for route in walked.routes if route.scope})
    asks = {}
    for scope in scopes:
        for role, tenant in (("admin", "acme"), ("system_admin", None)):
            asks[scope, role] = caller(walked, role=role, tenant=tenant, scopes=[scope])
    for route in walked.routes:
        for role in route.roles & {"admin", "system_admin"}:
            others = [scopes[(scopes.index(route.scope) + step) % len(scopes)] for step in (2, 7)] if route.scope else []
            for scope in {route.scope or scopes[0], *others}:
                status, code = asks[scope, role].ask(route.method, route.address(), None if route.body is None else "{}")
                opens = route.scope is None or scope in (route.scope, route.scope.replace(":read", ":write"))
                if (code == "scope_missing" and status == 403) == opens:
                    wrong.append((scope, role, route, status, code))
    assert not wrong, wrong


# ---- Another tenant's ----


def test_another_tenants_objects_are_not_there(walked):
    """Each route of tenants with an id, with a body that fits, for an object of another tenant: 404, and nothing changes."""
    acme, ids = make_everything(walked)
    reservation = f"/v1/reservations/{ids['reservations']}"
    amendment = acme.create(f"{reservation}/amendments", {"ends_at": "2026-01-11T12:00:00Z"})["id"]
    price = walked.operator.create("/v1/system/prices", {"sku_kind": "gpu_model", "sku": "H100", "tenant": "acme",
                                                         "gpu_hour": {"amount": "2.000000", "currency": "USD"}})["id"]
    webhook = acme.create("/v1/webhooks", {"url": "https://hooks.example.com/a", "events": ["*"], "active": False})["id"]
    operator = walked.operator
    discount = operator.create("/v1/system/discounts", {"tenant": "acme", "percent_bp": 500, "reason": "loyal"})["id"]
    commitment = operator.create("/v1/system/commitments", {
        "tenant": "acme", "category": "spend", "amount": {"amount": "100.00", "currency": "USD"}, "first_month": "2026-02-01", "months": 1})["id"]
    policy = operator.create("/v1/system/charge-policies", {"kind": "cancellation", "tenant": "acme", "steps": [{"least": 0, "share_bp": 0}]})["id"]
    own = {identifier[:3]: identifier for identifier in [*ids.values(), amendment, price, webhook, discount, commitment, policy]}
    own["cor"] = operator.create("/v1/system/usage-corrections", {
        "reservation": ids["reservations"], "starts_at": "2025-12-31T00:00:00Z", "ends_at": "2025-12-31T01:00:00Z", "gpu_milli": 1000,
        "gpu_model": "H100", "reason": "late"})["id"]
    for kind, path in (("cgr", "/v1/system/credit-grants"), ("pay", "/v1/system/payments")):
        own[kind] = walked.operator.create(path, {"tenant": "acme", "amount": {"amount": "5.00", "currency": "USD"}})["id"]
        eventually(lambda: walked.operator.get(f"{path}/{own[kind]}").body["state"] != "requested", "billing has posted it")
    own["ses"] = Session(walked.port, caller(walked, role="member", tenant="acme")).identifier
    own["aud"] = acme.items("/v1/audit")[0]["id"] if any(route.path == "/v1/audit" for route in walked.routes) else None
    walked.operator.create("/v1/system/tenants", {"name": "theirs"})
    theirs = {role: caller(walked, role=role, tenant="theirs") for role in ("viewer", "member", "admin", "billing")}
    before = everything_of(walked, "acme")
    wrong, unseen = [], set()
    for route in walked.routes:
        if route.kind is None or route.kind in SHARED or not route.roles & set(theirs) or route.path.startswith("/v1/system"):
            continue
        if own.get(route.kind) is None:
            unseen.add(route.kind)
            continue
        for role in sorted(route.roles & set(theirs)):
            answer = theirs[role].ask(route.method, route.address(own[route.kind]), route.body)
            if answer != (404, "not_found"):
                wrong.append((role, route, answer))
    assert not wrong, wrong
    assert everything_of(walked, "acme") == before
    assert unseen <= {"inv", "crn"}, "there is one of each kind to be hidden"


def everything_of(stack, tenant):
    """A checksum of each table's rows of a tenant, but for what leaders write in rounds of their own (provisional figures come when it is their
    turn) and its callers' dates."""
    tables = stack.sql("""
        SELECT c.relname::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname NOT IN ('token', 'audit', 'planner_question', 'planner_answer', 'provisional_revenue', 'provisional_cost')""")
    of = "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) AS sum FROM {} t WHERE tenant_id = (SELECT id FROM tenant WHERE name = %s)"
    return {table["name"]: stack.sql(of.format(table["name"]), (tenant,)) for table in tables}
