"""Who belongs to a tenant, and what its tokens may do: members, service accounts, scopes, expiry, rotation, revocation."""
# SPDX-License-Identifier: Apache-2.0

import threading

import pytest

from stack import A_SECOND_S, eventually


@pytest.fixture
def acme(stack):
    """A tenant with one admin who is a person, made as operators let the first one in."""
    stack.operator.create("/v1/system/tenants", {"name": "acme"})
    made = stack.operator.create("/v1/system/tokens", {"name": "ana", "role": "admin", "tenant": "acme", "principal_kind": "user"})
    return stack.client(made["token"])


def member(client, name):
    (found,) = client.items(f"/v1/members?name={name}")
    return f"/v1/members/{found['id']}"


def token(stack, client, **fields):
    made = client.create("/v1/tokens", {"name": "t", **fields})
    return made, stack.client(made["token"])


def test_the_last_admin_stays(acme):
    ana = member(acme, "ana")
    for attempt in ({"role": "member"}, {"disabled": True}):
        assert acme.patch(ana, attempt).expect(409).code == "last_admin"
    assert acme.delete(ana).expect(409).code == "last_admin"
    acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    assert acme.delete(ana).expect(409).code == "last_admin", "a program lets nobody in"
    acme.create("/v1/members", {"name": "bob", "role": "admin", "email": "Bob@example.com"})
    acme.patch(ana, {"role": "viewer"}).expect(200)
    assert acme.get(member(acme, "bob")).expect(200).body["role"] == "admin"


def test_two_admins_who_remove_each_other_leave_one(stack, acme):
    for round_number in range(3):
        acme.create("/v1/members", {"name": f"bob{round_number}", "role": "admin"})
        paths, answers = [member(acme, "ana"), member(acme, f"bob{round_number}")], []

        def demote(path, answers=answers):
            client = acme.clone()
            answers.append(client.patch(path, {"role": "viewer"}).status)
            client.close()

        threads = [threading.Thread(target=demote, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stack.sql("SELECT count(*) AS n FROM principal WHERE role = 'admin' AND tenant_id IS NOT NULL")[0]["n"] == 1, answers
        for path, role in zip(paths, ("admin", "viewer")):
            stack.operator.patch(path.replace("/v1/", "/v1/system/"), {"role": role}).expect(200)
        eventually(lambda: acme.get("/v1/me").body["role"] == "admin", "ana is an admin again")


def test_a_name_and_an_address_are_one_members(acme):
    acme.create("/v1/members", {"name": "bob", "role": "member", "email": "bob@example.com"})
    for body in ({"name": "bob", "role": "viewer"}, {"name": "rob", "role": "viewer", "email": "BOB@example.com"}):
        assert acme.post("/v1/members", body).expect(409).code == "name_taken"
    assert acme.post("/v1/service-accounts", {"name": "bob", "role": "viewer"}).expect(409).code == "name_taken"
    assert acme.patch(member(acme, "ana"), {"email": "bob@example.com"}).expect(409).code == "name_taken"
    acme.post("/v1/members", {"name": "eve", "role": "viewer", "email": "eve"}).expect(422)
    acme.delete(member(acme, "bob")).expect(204)
    acme.create("/v1/members", {"name": "bob", "role": "viewer", "email": "bob@example.com"})


def test_what_changes_of_a_principal_holds_for_its_tokens_at_once(stack, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    path = f"/v1/service-accounts/{account['id']}"
    _, robot = token(stack, acme, principal="robot")
    assert robot.get("/v1/me").expect(200).body["role"] == "admin"
    acme.patch(path, {"role": "viewer"}).expect(200)
    eventually(lambda: robot.get("/v1/me").body["role"] == "viewer", "it can do less", A_SECOND_S)
    acme.patch(path, {"disabled": True}).expect(200)
    eventually(lambda: robot.get("/v1/me").code == "principal_disabled", "it is out", A_SECOND_S)
    acme.patch(path, {"disabled": False}).expect(200)
    eventually(lambda: robot.get("/v1/me").status == 200, "it is in", A_SECOND_S)
    acme.delete(path).expect(204)
    eventually(lambda: robot.get("/v1/me").code == "token_revoked", "it is gone", A_SECOND_S)
    acme.get(path).expect(404)


def test_a_token_does_what_its_scopes_say(stack, acme):
    made, reader = token(stack, acme, scopes=["reservations:read", "projects:write"])
    assert made["scopes"] == ["reservations:read", "projects:write"]
    assert reader.get("/v1/me").expect(200).body["scopes"] == ["projects:write", "reservations:read"]
    reader.get("/v1/reservations").expect(200)
    refused = reader.post("/v1/reservations", {}).expect(403)
    assert refused.code == "scope_missing" and "reservations:write" in refused.body["detail"]
    reader.get("/v1/projects").expect(200)
    reader.post("/v1/projects", {"name": "p"}).expect(201)
    reader.get("/v1/usage").expect(403)
    assert acme.post("/v1/tokens", {"name": "x", "scopes": ["reservations:read", "rockets:write"]}).expect(422).code == "unknown_scope"


def test_a_token_makes_and_renews_none_that_could_do_more(stack, acme):
    everything, _ = token(stack, acme, name="everything")
    _, limited = token(stack, acme, scopes=["tokens:write", "reservations:read"])
    assert limited.post("/v1/tokens", {"name": "x"}).expect(403).code == "scope_missing"
    assert limited.post("/v1/tokens", {"name": "x", "scopes": ["reservations:write"]}).expect(403).code == "scope_missing"
    limited.post("/v1/tokens", {"name": "x", "scopes": ["reservations:read"]}).expect(201)
    assert limited.post(f"/v1/tokens/{everything['id']}/rotate", {}).expect(403).code == "scope_missing"
    assert limited.patch(f"/v1/tokens/{everything['id']}", {"expires_at": None}).expect(403).code == "scope_missing"
    _, viewer = token(stack, acme, role="viewer", name="viewer")
    assert viewer.post("/v1/tokens", {"name": "x"}).expect(403).code == "forbidden"
    viewer.get(f"/v1/tokens/{everything['id']}").expect(200)  # its principal's own
    assert viewer.post(f"/v1/tokens/{everything['id']}/rotate", {}).expect(403).code == "forbidden"


def test_tokens_are_their_principals_or_the_admins(stack, acme):
    bob = acme.create("/v1/members", {"name": "bob", "role": "member"})
    assert acme.post("/v1/tokens", {"name": "x", "principal": "bob"}).expect(422).code == "unknown_principal"
    acme.create("/v1/service-accounts", {"name": "robot", "role": "member"})
    made, robot = token(stack, acme, principal="robot", name="robots")
    assert (made["role"], made["principal_kind"]) == ("member", "service_account")
    assert acme.post("/v1/tokens", {"name": "x", "principal": "robot", "role": "admin"}).expect(422).code == "role_beyond_principal"
    assert [shown["name"] for shown in robot.items("/v1/tokens")] == ["robots"]
    ours = acme.items("/v1/tokens?principal=ana")[0]
    robot.get(f"/v1/tokens/{ours['id']}").expect(404)
    robot.delete(f"/v1/tokens/{ours['id']}").expect(404)
    assert {shown["name"] for shown in acme.items("/v1/tokens")} == {"ana", "robots"}
    assert bob["id"] not in {shown["id"] for shown in acme.items("/v1/service-accounts")}


def test_a_token_is_rotated_without_a_gap(stack, acme):
    made, before = token(stack, acme, name="rotates")
    path = f"/v1/tokens/{made['id']}"
    rotated = acme.post(f"{path}/rotate", {"overlap_s": 3600, "client_token": "once"}).expect(200).body
    assert rotated["id"] == made["id"] and rotated["token"] != made["token"] and rotated["previous_until"]
    after = stack.client(rotated["token"])
    eventually(lambda: after.get("/v1/me").status == 200, "the new text is taken", A_SECOND_S)
    before.get("/v1/me").expect(200)
    again = acme.post(f"{path}/rotate", {"overlap_s": 3600, "client_token": "once"}).expect(200)
    assert again.headers["Idempotent-Replayed"] == "true" and "token" not in again.body
    before.get("/v1/me").expect(200)
    stack.sql("UPDATE token SET previous_until = clock_timestamp() - interval '1 second' WHERE previous_until IS NOT NULL")
    eventually(lambda: before.get("/v1/me").code == "unauthenticated", "the overlap is over", A_SECOND_S)
    after.get("/v1/me").expect(200)
    acme.post(f"{path}/rotate", {"overlap_s": 0}).expect(200)
    eventually(lambda: after.get("/v1/me").code == "unauthenticated", "there is no overlap", A_SECOND_S)


def test_a_token_ends_when_it_says_and_is_dated_when_used(stack, acme):
    assert acme.post("/v1/tokens", {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}).expect(422).code == "out_of_range"
    made, holder = token(stack, acme, expires_at="2099-01-01T00:00:00Z")
    assert holder.get("/v1/me").expect(200).body["token_expires_at"] == "2099-01-01T00:00:00Z"
    eventually(lambda: acme.get(f"/v1/tokens/{made['id']}").body["last_used_at"], "its use is dated")
    stack.sql("UPDATE token SET expires_at = clock_timestamp() WHERE name = 't'")
    eventually(lambda: holder.get("/v1/me").code == "token_expired", "it has ended", A_SECOND_S)
    acme.delete(f"/v1/tokens/{made['id']}").expect(204)
    acme.get(f"/v1/tokens/{made['id']}").expect(404)
    assert "t" not in {shown["name"] for shown in acme.items("/v1/tokens")}


def test_operators_let_the_first_member_in_and_only_system_admins_their_own(stack):
    stack.operator.create("/v1/system/tenants", {"name": "acme"})
    operator = stack.token("operator")
    made = operator.create("/v1/system/members", {"name": "ana", "tenant": "acme", "role": "admin", "email": "ana@example.com"})
    assert [found["id"] for found in operator.items("/v1/system/members?tenant=acme")] == [made["id"]]
    for body in ({"name": "olga", "role": "operator"}, {"name": "max", "role": "system_admin"}):
        assert operator.post("/v1/system/members", body).expect(403).code == "forbidden"
    assert operator.post("/v1/system/members", {"name": "x", "role": "admin"}).expect(422).code == "missing_field"
    stack.operator.create("/v1/system/members", {"name": "olga", "role": "operator"})
    admins = stack.operator.items("/v1/system/tokens?principal=bootstrap-system_admin")[0]
    assert operator.post(f"/v1/system/tokens/{admins['id']}/rotate", {}).expect(403).code == "forbidden"


def test_me_tells_who_and_how_much(stack, acme):
    me = acme.get("/v1/me").expect(200).body
    assert (me["principal"], me["principal_kind"], me["role"], me["tenant"], me["scopes"]) == ("ana", "user", "admin", "acme", None)
    assert me["principal_id"] == acme.items("/v1/members?name=ana")[0]["id"]
    assert me["token_id"] == acme.items("/v1/tokens?name=ana")[0]["id"]
    assert me["limits"] == {"body_bytes": 1048576, "page_items": 1000, "wait_s": 60, "quotes": 20}
