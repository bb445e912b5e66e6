"""Bad input gets a clear error: each has its documented code, and nothing is made."""
# SPDX-License-Identifier: Apache-2.0

import socket

import pytest

from stack import A_SECOND_S, eventually

WISH = {
    "instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
    "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-03T01:00:00Z",
}


@pytest.fixture(scope="module")
def busy(make_module_stack):
    """For tests that make something."""
    made = make_module_stack()
    made.fleet(2)
    return made


@pytest.fixture
def tenant(busy):
    with busy.guests() as make:
        yield make(currency="USD")


@pytest.fixture(scope="module")
def refused(module_stack):
    """A tenant whose every request is refused: one for all tests that make nothing."""
    module_stack.fleet(2)
    return module_stack.tenant("acme", currency="USD")


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


BAD_BODIES = [
    # what, body, status, code of the problem or of one of its errors, pointer
    ("unknown field", dict(WISH, colour="red"), 422, "unknown_field", "/colour"),
    ("wrong type", dict(WISH, count="one"), 422, "wrong_type", "/count"),
    ("boolean for a number", dict(WISH, count=True), 422, "wrong_type", "/count"),
    ("fraction", dict(WISH, count=1.5), 422, "wrong_type", "/count"),
    ("number beyond what is exact", dict(WISH, count=1e17), 422, "wrong_type", "/count"),
    ("bad range, low", dict(WISH, count=0), 422, "out_of_range", "/count"),
    ("bad range, high", dict(WISH, count=10**9), 422, "out_of_range", "/count"),
    ("missing field", without(WISH, "zone"), 422, "missing_field", "/zone"),
    ("unknown instance type", dict(WISH, instance_type="b300.72x"), 422, "unknown_instance_type", "/instance_type"),
    ("unknown zone", dict(WISH, zone="atlantis"), 422, "unknown_zone", "/zone"),
    ("window in the past", dict(WISH, starts_at="2020-01-01T00:00:00Z"), 422, "window_in_past", "/starts_at"),
    ("window reversed", dict(WISH, ends_at="2026-01-02T00:00:00Z"), 422, "window_reversed", "/ends_at"),
    ("time without zone", dict(WISH, starts_at="2026-01-03 00:00:00"), 422, "wrong_type", "/starts_at"),
    ("date that is none", dict(WISH, starts_at="2026-02-30T00:00:00Z"), 422, None, "/starts_at"),
    ("not an object", [WISH], 422, None, None),
    ("shape without leave", dict(without(WISH, "instance_type"), shape={"gpus": 1, "cpu_milli": 1000, "memory_mib": 1024}), 403, "shape_not_allowed", "/shape"),
    ("bad enumeration", dict(WISH, tier="gold"), 422, None, "/tier"),
]


@pytest.fixture
def nothing_made(module_stack):
    yield
    assert module_stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == 0, "a refused request left something behind"


def test_every_bad_body_has_its_code_and_makes_nothing(refused, nothing_made):
    for what, body, status, code, pointer in BAD_BODIES:
        answer = refused.post("/v1/reservations", body)
        assert answer.status == status, (what, answer)
        assert answer.headers["Content-Type"].startswith("application/problem+json"), what
        problem = answer.body
        assert {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable"} <= problem.keys(), what
        assert problem["request_id"] == answer.headers["Request-Id"], what
        listed = [(error["code"], error["pointer"]) for error in problem.get("errors", [])]
        if code is not None:
            assert code == problem["code"] or code in [error for error, _ in listed], (what, problem)
        if pointer is not None:
            assert pointer in [where for _, where in listed], (what, problem)


def test_all_errors_of_a_body_are_listed(refused, nothing_made):
    answer = refused.post("/v1/reservations", {"colour": 1, "count": 0, "starts_at": 5})
    assert answer.status == 422
    assert {"/colour", "/count", "/starts_at", "/zone"} <= {error["pointer"] for error in answer.body["errors"]}


def test_more_than_the_fleet_is_a_conflict_with_its_constraint(tenant):
    answer = tenant.post("/v1/reservations", dict(WISH, count=3))
    assert (answer.status, answer.code) == (409, "capacity_unavailable")
    assert answer.body["binding"]["constraint"] == "count_over_fleet"
    assert tenant.get(f"/v1/reservations/{answer.body['reservation']}").body["status"]["state"] == "rejected"


def test_alternatives_of_a_refusal_can_be_posted_as_they_stand(tenant):
    tenant.create("/v1/reservations", dict(WISH, count=2))
    answer = tenant.post("/v1/reservations", dict(WISH, count=1))
    assert (answer.status, answer.code) == (409, "capacity_unavailable")
    assert answer.body["alternatives"], "the hour behind is free"
    assert tenant.post("/v1/reservations", answer.body["alternatives"][0]).status == 201


def test_broken_json_and_oversized_and_deep_bodies(refused, nothing_made):
    assert (refused.post("/v1/reservations", b'{"count": ').status, refused.post("/v1/reservations", b'{"count": ').code) == (400, "malformed_json")
    assert refused.post("/v1/reservations", b"\xff\xfe").code == "malformed_json"
    deep = refused.post("/v1/reservations", b'{"labels":' + b"[" * 200 + b"]" * 200 + b"}")
    assert (deep.status, deep.code) in ((400, "too_deep"), (422, "too_deep"))
    large = refused.post("/v1/reservations", b'{"name":"' + b"x" * (2 << 20) + b'"}')
    assert (large.status, large.code) == (413, "body_too_large")


def test_tokens_missing_mistyped_unknown_and_revoked(busy, tenant):
    assert (busy.client().get("/v1/reservations").status, busy.client().get("/v1/reservations").code) == (401, "unauthenticated")
    mistyped = busy.client(tenant.token[:-2] + ("aa" if tenant.token[-2:] != "aa" else "bb")).get("/v1/reservations")
    assert (mistyped.status, mistyped.code) == (401, "unauthenticated")
    other = busy.token("member", tenant.tenant, "soon-revoked")
    assert other.get("/v1/reservations").status == 200
    listed = next(item for item in busy.operator.items("/v1/system/tokens?limit=1000") if item["name"] == "soon-revoked")
    busy.operator.post(f"/v1/system/tokens/{listed['id']}/revoke").expect(200, 204)
    eventually(lambda: other.get("/v1/reservations").status == 401, "a revoked token is refused", A_SECOND_S)
    assert other.get("/v1/reservations").code == "token_revoked"


def test_another_tenants_object_does_not_exist(busy, tenant):
    made = tenant.create("/v1/reservations", WISH)
    stranger = busy.tenant("other")
    for method, path in (("GET", f"/v1/reservations/{made['id']}"), ("POST", f"/v1/reservations/{made['id']}/cancel"),
                         ("DELETE", f"/v1/reservations/{made['id']}"), ("GET", f"/v1/reservations/{made['id']}/instances")):
        answer = stranger.request(method, path, {} if method == "POST" else None)
        assert (answer.status, answer.code) == (404, "not_found"), (method, path, answer)
    assert stranger.items("/v1/reservations") == []
    assert tenant.get(f"/v1/reservations/{made['id']}").body["status"]["state"] == "scheduled"


def test_roles_are_kept(module_stack, refused, nothing_made):
    viewer = module_stack.token("viewer", "acme")
    assert (viewer.post("/v1/reservations", WISH).status, viewer.post("/v1/reservations", WISH).code) == (403, "forbidden")
    assert refused.get("/v1/system/nodes").status == 403
    assert refused.post("/v1/system/clock", {"advance_to": "2026-01-02T00:00:00Z"}).status == 403


def test_a_refusal_that_is_repeated_says_so(tenant):
    refused = tenant.post("/v1/reservations", dict(WISH, count=3), headers={"Idempotency-Key": "refused"}).expect(409)
    again = tenant.post("/v1/reservations", dict(WISH, count=3), headers={"Idempotency-Key": "refused"}).expect(409)
    assert again.body["reservation"] == refused.body["reservation"]
    assert (refused.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]) == (None, "true")


def test_idempotency_keys(tenant):
    first = tenant.post("/v1/reservations", WISH, headers={"Idempotency-Key": "once"}).expect(201)
    again = tenant.post("/v1/reservations", WISH, headers={"Idempotency-Key": '"once"'})
    assert again.status in (200, 201) and again.body["id"] == first.body["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = tenant.post("/v1/reservations", dict(WISH, count=2), headers={"Idempotency-Key": "once"})
    assert (other.status, other.code) == (422, "idempotency_key_reused") and other.headers["Idempotent-Replayed"] is None
    differ = tenant.post("/v1/reservations", dict(WISH, client_token="a"), headers={"Idempotency-Key": "b"})
    assert (differ.status, differ.code) == (422, "idempotency_keys_differ")
    assert len(tenant.items("/v1/reservations")) == 1


def test_names_are_unique_while_held(tenant):
    tenant.create("/v1/reservations", dict(WISH, name="one"))
    again = tenant.post("/v1/reservations", dict(WISH, name="one"))
    assert (again.status, again.code) == (409, "name_taken")


def raw(stack, text):
    """Sends bytes as they are; returns the status line and whether the server closed the connection."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        connection.sendall(text)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(65536)
            if not part:
                return answer.split(b"\r\n")[0], True
            answer += part
        connection.settimeout(5)
        try:
            while connection.recv(65536):
                pass
            return answer.split(b"\r\n")[0], True
        except TimeoutError:
            return answer.split(b"\r\n")[0], False


@pytest.mark.parametrize("what, head", [
    ("two Content-Length", "Host: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n"),
    ("Content-Length with Transfer-Encoding", "Host: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    ("unknown Transfer-Encoding", "Host: x\r\nTransfer-Encoding: gzip\r\n"),
    ("no Host", "Content-Length: 2\r\n"),
    ("two Hosts", "Host: x\r\nHost: y\r\nContent-Length: 2\r\n"),
])
def test_ambiguous_requests_are_refused_and_the_connection_closed(module_stack, what, head):
    status, closed = raw(module_stack, f"POST /v1/reservations HTTP/1.1\r\n{head}\r\n{{}}".encode())
    assert b" 400 " in status + b" " and closed, (what, status, closed)


def test_unknown_paths_and_methods(refused, nothing_made):
    assert (refused.get("/v1/nothing").status, refused.get("/v1/nothing").code) == (404, "not_found")
    answer = refused.request("PUT", "/v1/reservations", {})
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))
    assert refused.get("/v1/reservations/rsv_nonsense").status == 404
    assert refused.get("/v1/reservations?colour=red").status == 422
    assert refused.get("/v1/reservations?limit=0").status == 422
    assert refused.get("/v1/reservations?page=forged").status in (400, 422)
