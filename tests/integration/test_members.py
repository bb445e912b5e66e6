"""Who belongs to a tenant, and what its tokens may do: members, service accounts, scopes, expiry, rotation, revocation."""
# SPDX-License-Identifier: Apache-2.0

import secrets
import threading

import pytest

from contract import ROOT
from stack import A_SECOND_S, eventually


@pytest.fixture(scope="module")
def sluice(module_stack):
    return module_stack


@pytest.fixture
def acme(sluice):
    """A tenant with one admin who is a person, made as operators let the first one in."""
    name = f"acme-{secrets.token_hex(8)}"
    sluice.operator.create("/v1/system/tenants", {"name": name})
    made = sluice.operator.create("/v1/system/tokens", {"name": "ana", "role": "admin", "tenant": name, "principal_kind": "user"})
    client = sluice.client(made["token"])
    client.tenant = name
    return client


def member(client, name):
    (found,) = client.items(f"/v1/members?name={name}")
    return f"/v1/members/{found['id']}"


def token(sluice, client, **fields):
    made = client.create("/v1/tokens", {"name": "t", **fields})
    return made, sluice.client(made["token"])


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


def test_two_admins_who_remove_each_other_leave_one(sluice, acme):
    admins = "SELECT count(*) AS n FROM principal p JOIN tenant t ON t.id = p.tenant_id WHERE p.role = 'admin' AND t.name = %s"
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
        assert sluice.sql(admins, (acme.tenant,)) == [{"n": 1}], answers
        for path, role in zip(paths, ("admin", "viewer")):
            sluice.operator.patch(path.replace("/v1/", "/v1/system/"), {"role": role}).expect(200)
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


def test_what_changes_of_a_principal_holds_for_its_tokens_at_once(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    path = f"/v1/service-accounts/{account['id']}"
    _, robot = token(sluice, acme, principal="robot")
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


def test_a_token_does_what_its_scopes_say(sluice, acme):
    made, reader = token(sluice, acme, scopes=["reservations:read", "projects:write"])
    assert made["scopes"] == ["reservations:read", "projects:write"]
    assert reader.get("/v1/me").expect(200).body["scopes"] == ["projects:write", "reservations:read"]
    reader.get("/v1/reservations").expect(200)
    refused = reader.post("/v1/reservations", {}).expect(403)
    assert refused.code == "scope_missing" and "reservations:write" in refused.body["detail"]
    reader.get("/v1/projects").expect(200)
    reader.post("/v1/projects", {"name": "p"}).expect(201)
    reader.get("/v1/usage").expect(403)
    assert acme.post("/v1/tokens", {"name": "x", "scopes": ["reservations:read", "rockets:write"]}).expect(422).code == "unknown_scope"
    twice = acme.post("/v1/tokens", {"name": "x", "scopes": ["reservations:read", "quotes:read", "reservations:read"]}).expect(422)
    assert [(error["pointer"], error["code"]) for error in twice.body["errors"]] == [("/scopes/2", "out_of_range")]


def test_a_token_never_does_what_it_was_not_made_for(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    _, money = token(sluice, acme, principal="robot", role="billing")
    money.get("/v1/invoices").expect(200)
    money.get("/v1/reservations").expect(403)
    acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "member"}).expect(200)  # which is not to see invoices alone
    for path in ("/v1/me", "/v1/invoices", "/v1/reservations"):
        eventually(lambda path=path: money.get(path).status == 403, "the account may not do what the token was made for")
    assert money.post("/v1/projects", {"name": "its-own"}).expect(403).code == "forbidden"
    acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "admin"}).expect(200)
    eventually(lambda: money.get("/v1/me").status == 200, "it may again")


def test_a_token_makes_and_renews_none_that_could_do_more(sluice, acme):
    everything, _ = token(sluice, acme, name="everything")
    _, limited = token(sluice, acme, scopes=["tokens:write", "reservations:read"])
    assert limited.post("/v1/tokens", {"name": "x"}).expect(403).code == "scope_missing"
    assert limited.post("/v1/tokens", {"name": "x", "scopes": ["reservations:write"]}).expect(403).code == "scope_missing"
    limited.post("/v1/tokens", {"name": "x", "scopes": ["reservations:read"]}).expect(201)
    assert limited.post(f"/v1/tokens/{everything['id']}/rotate", {}).expect(403).code == "scope_missing"
    assert limited.patch(f"/v1/tokens/{everything['id']}", {"expires_at": None}).expect(403).code == "scope_missing"
    _, viewer = token(sluice, acme, role="viewer", name="viewer")
    assert viewer.post("/v1/tokens", {"name": "x"}).expect(403).code == "forbidden"
    viewer.get(f"/v1/tokens/{everything['id']}").expect(200)  # its principal's own
    assert viewer.post(f"/v1/tokens/{everything['id']}/rotate", {}).expect(403).code == "forbidden"


def test_tokens_are_their_principals_or_the_admins(sluice, acme):
    bob = acme.create("/v1/members", {"name": "bob", "role": "member"})
    assert acme.post("/v1/tokens", {"name": "x", "principal": "bob"}).expect(422).code == "unknown_principal"
    acme.create("/v1/service-accounts", {"name": "robot", "role": "member"})
    made, robot = token(sluice, acme, principal="robot", name="robots")
    assert (made["role"], made["principal_kind"]) == ("member", "service_account")
    assert acme.post("/v1/tokens", {"name": "x", "principal": "robot", "role": "admin"}).expect(422).code == "role_beyond_principal"
    assert [shown["name"] for shown in robot.items("/v1/tokens")] == ["robots"]
    ours = acme.items("/v1/tokens?principal=ana")[0]
    robot.get(f"/v1/tokens/{ours['id']}").expect(404)
    robot.delete(f"/v1/tokens/{ours['id']}").expect(404)
    assert {shown["name"] for shown in acme.items("/v1/tokens")} == {"ana", "robots"}
    assert bob["id"] not in {shown["id"] for shown in acme.items("/v1/service-accounts")}


def test_nobody_takes_the_text_of_anothers_token(sluice, acme):
    """By rotating it one would act under another's name, and the audit would say so."""
    bobs = sluice.operator.create("/v1/system/tokens", {"name": "bob", "tenant": acme.tenant, "role": "member", "principal_kind": "user"})
    assert acme.post(f"/v1/tokens/{bobs['id']}/rotate").expect(403).code == "forbidden"
    assert sluice.client(bobs["token"]).get("/v1/me").expect(200).body["principal"] == "bob"
    acme.patch(f"/v1/tokens/{bobs['id']}", {"name": "bob-laptop"}).expect(200)
    sluice.client(bobs["token"]).post(f"/v1/tokens/{bobs['id']}/rotate").expect(200)
    acme.create("/v1/service-accounts", {"name": "robot", "role": "member"})
    robots, _ = token(sluice, acme, principal="robot", name="robots")
    acme.post(f"/v1/tokens/{robots['id']}/rotate").expect(200)
    operator, other = (sluice.operator.create("/v1/system/tokens", {"name": name, "role": "operator"}) for name in ("one", "other"))
    client = sluice.client(operator["token"])
    for method, change, body in (("POST", "/rotate", {}), ("PATCH", "", {"expires_at": None})):
        assert client.request(method, f"/v1/system/tokens/{other['id']}{change}", body).expect(403).code == "forbidden"
        client.request(method, f"/v1/system/tokens/{robots['id']}{change}", body).expect(200)
        sluice.operator.request(method, f"/v1/system/tokens/{other['id']}{change}", body).expect(200)
    client.post(f"/v1/system/tokens/{operator['id']}/rotate").expect(200)


def test_a_token_is_rotated_without_a_gap(sluice, acme):
    made, before = token(sluice, acme, name="rotates")
    path = f"/v1/tokens/{made['id']}"
    rotated = acme.post(f"{path}/rotate", {"overlap_s": 3600, "client_token": "once"}).expect(200).body
    assert rotated["id"] == made["id"] and rotated["token"] != made["token"] and rotated["previous_until"]
    after = sluice.client(rotated["token"])
    eventually(lambda: after.get("/v1/me").status == 200, "the new text is taken", A_SECOND_S)
    before.get("/v1/me").expect(200)
    again = acme.post(f"{path}/rotate", {"overlap_s": 3600, "client_token": "once"}).expect(200)
    assert again.headers["Idempotent-Replayed"] == "true" and "token" not in again.body
    before.get("/v1/me").expect(200)
    sluice.sql("UPDATE token SET previous_until = clock_timestamp() - interval '1 second' WHERE previous_until IS NOT NULL")
    eventually(lambda: before.get("/v1/me").code == "unauthenticated", "the overlap is over", A_SECOND_S)
    after.get("/v1/me").expect(200)
    acme.post(f"{path}/rotate", {"overlap_s": 0}).expect(200)
    eventually(lambda: after.get("/v1/me").code == "unauthenticated", "there is no overlap", A_SECOND_S)


def test_a_token_ends_when_it_says_and_is_dated_when_used(sluice, acme):
    assert acme.post("/v1/tokens", {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}).expect(422).code == "out_of_range"
    made, holder = token(sluice, acme, expires_at="2099-01-01T00:00:00Z")
    assert holder.get("/v1/me").expect(200).body["token_expires_at"] == "2099-01-01T00:00:00Z"
    eventually(lambda: acme.get(f"/v1/tokens/{made['id']}").body["last_used_at"], "its use is dated")
    sluice.sql("UPDATE token SET expires_at = clock_timestamp() WHERE name = 't' AND expires_at = '2099-01-01'")
    eventually(lambda: holder.get("/v1/me").code == "token_expired", "it has ended", A_SECOND_S)
    acme.delete(f"/v1/tokens/{made['id']}").expect(204)
    acme.get(f"/v1/tokens/{made['id']}").expect(404)
    assert "t" not in {shown["name"] for shown in acme.items("/v1/tokens")}


def test_operators_let_the_first_member_in_and_only_system_admins_their_own(sluice):
    sluice.operator.create("/v1/system/tenants", {"name": "led-in"})
    operator = sluice.token("operator")
    made = operator.create("/v1/system/members", {"name": "ana", "tenant": "led-in", "role": "admin", "email": "ana@example.com"})
    assert [found["id"] for found in operator.items("/v1/system/members?tenant=led-in")] == [made["id"]]
    for body in ({"name": "olga", "role": "operator"}, {"name": "max", "role": "system_admin"}):
        assert operator.post("/v1/system/members", body).expect(403).code == "forbidden"
    assert operator.post("/v1/system/members", {"name": "x", "role": "admin"}).expect(422).code == "missing_field"
    sluice.operator.create("/v1/system/members", {"name": "olga", "role": "operator"})
    admins = sluice.operator.items("/v1/system/tokens?principal=bootstrap-system_admin")[0]
    assert operator.post(f"/v1/system/tokens/{admins['id']}/rotate", {}).expect(403).code == "forbidden"


def test_nobody_acts_for_a_tenant_that_was_closed(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    (tenant,) = sluice.operator.items(f"/v1/system/tenants?name={acme.tenant}")
    sluice.operator.delete(f"/v1/system/tenants/{tenant['id']}").expect(204)
    for path in ("tokens", "members", "service-accounts"):
        refused = sluice.operator.post(f"/v1/system/{path}", {"name": "late", "role": "admin", "tenant": acme.tenant}).expect(422)
        assert refused.code == "unknown_tenant", path
    assert sluice.operator.patch(f"/v1/system/service-accounts/{account['id']}", {"disabled": False}).expect(422).code == "unknown_tenant"
    sluice.sql("UPDATE principal SET disabled = false WHERE tenant_id = (SELECT id FROM tenant WHERE name = %s)", (acme.tenant,))
    sluice.sql("SELECT pg_notify('sluice_token', '')")
    eventually(lambda: acme.get("/v1/me").code == "principal_disabled", "it is refused all the same")


def test_people_of_a_tenant_that_was_closed_can_be_forgotten(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "admin"})
    ana = acme.create("/v1/members", {"name": "ana-too", "role": "admin", "email": "ana@example.com"})
    (tenant,) = sluice.operator.items(f"/v1/system/tenants?name={acme.tenant}")
    sluice.operator.delete(f"/v1/system/tenants/{tenant['id']}").expect(204)
    assert sluice.operator.patch(f"/v1/system/members/{ana['id']}", {"email": None, "role": "viewer"}).expect(200).body["email"] is None
    sluice.operator.delete(f"/v1/system/members/{ana['id']}").expect(204)
    sluice.operator.delete(f"/v1/system/service-accounts/{account['id']}").expect(204)
    assert "ana-too" not in {each["name"] for each in sluice.operator.items(f"/v1/system/members?tenant={acme.tenant}")}


def test_of_a_person_who_was_removed_only_the_id_stays(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "robot", "role": "member"})
    ana = acme.create("/v1/members", {"name": "ana-too", "role": "member", "email": "ana@example.com"})
    sluice.sql("UPDATE principal SET external_subject = 'https://id.example.com/ ana-too' WHERE name = 'ana-too'")
    for name in ("robot", "ana-too"):  # a token of that name, of who has it
        sluice.token("member", acme.tenant, name).create("/v1/projects", {"name": f"by-{name}"})
    for path in (f"/v1/service-accounts/{account['id']}", f"/v1/members/{ana['id']}"):
        acme.delete(path).expect(204)
    of_it = ("SELECT p.*, to_jsonb(k)::text FROM principal p LEFT JOIN token k ON k.principal_id = p.id"
             " WHERE p.removed_at IS NOT NULL AND p.tenant_id = (SELECT id FROM tenant WHERE name = %s) ORDER BY p.id")
    forgotten = sluice.sql(of_it, (acme.tenant,))
    assert "ana" not in str(forgotten) and "robot" in str(forgotten)

    def who(principal):
        return [row["principal_name"] for row in acme.items(f"/v1/audit?principal={principal['id']}")]

    eventually(lambda: who(ana) and who(account), "what they did is in the audit")
    assert (who(ana), who(account)) == ([None], ["robot"])
    assert "ana-too" not in str(acme.items("/v1/tokens"))

    # And who was removed by the programs of before, with the migration.
    sluice.sql("UPDATE principal SET name = 'ana-too', email = 'ana@example.com', external_subject = 'ana-too' WHERE name = 'removed member'")
    sluice.sql("UPDATE token SET name = 'ana-too' WHERE name = 'token of a removed member'")
    sluice.superuser().cursor().execute("BEGIN;" + (ROOT / "migrations/0085_removed_people.sql").read_text() + "COMMIT")
    assert sluice.sql(of_it, (acme.tenant,)) == forgotten
    acme.create("/v1/members", {"name": "ana-too", "role": "member", "email": "ana@example.com"})


def test_me_tells_who_and_how_much(sluice, acme):
    me = acme.get("/v1/me").expect(200).body
    assert (me["principal"], me["principal_kind"], me["role"], me["tenant"], me["scopes"]) == ("ana", "user", "admin", acme.tenant, None)
    assert me["principal_id"] == acme.items("/v1/members?name=ana")[0]["id"]
    assert me["token_id"] == acme.items("/v1/tokens?name=ana")[0]["id"]
    assert me["limits"] == {"body_bytes": 1048576, "page_items": 1000, "wait_s": 60, "quotes": 20}
