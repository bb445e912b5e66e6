"""Signing browsers in: what a session may, from where, and when it ends. One Sluice for the file; its clock plays no part,
for sessions live in real time."""
# SPDX-License-Identifier: Apache-2.0

import secrets

import pytest

from browser import COOKIE, Browser
from stack import A_SECOND_S, UNLIMITED, Client, Daemon, eventually


@pytest.fixture(scope="module")
def world(module_stack):
    """An admin of acme who is a person, and an operator."""
    stack = module_stack
    stack.operator.create("/v1/system/tenants", {"name": "acme"})
    return stack


def person(world, role="admin", tenant="acme", **fields):
    """A token of a new person."""
    name = f"{role}-{secrets.token_hex(8)}"
    return world.operator.create("/v1/system/tokens", {"name": name, "role": role, "tenant": tenant, "principal_kind": "user", **fields})


def signed_in(world, role="admin", tenant="acme", **fields):
    browser = Browser(world.port)
    browser.made = person(world, role, tenant, **fields)
    browser.session = browser.sign_in(browser.made["token"]).body
    return browser


def ends(browser):
    eventually(lambda: browser.get("/v1/me").status == 401, "the session is refused", A_SECOND_S)


# ---- What a session is ----


def test_a_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_do_not_get(world):
    browser, token = Browser(world.port), person(world)["token"]
    answer = browser.sign_in(token, **{"User-Agent": "Firefox\tä"})
    (header,) = answer.headers.get_all("Set-Cookie")
    name, _, rest = header.partition("=")
    assert name == COOKIE and set(rest.split("; ")[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=43200"}
    me = browser.get("/v1/me").expect(200).body
    assert (me["session_id"], me["csrf_token"]) == (answer.body["id"], answer.body["csrf_token"])
    assert me["role"] == "admin" and me["tenant"] == "acme"
    assert token not in answer.content.decode() and browser.cookie not in answer.content.decode()
    (stored,) = world.sql("SELECT s::text AS text, user_agent FROM session s ORDER BY created_at DESC LIMIT 1")
    assert browser.cookie.split("_")[3][:52] not in stored["text"] and stored["user_agent"].startswith("Firefox")


def test_what_is_shown_as_a_session_is_one_and_nothing_else_is(world):
    browser = signed_in(world)
    bearer = Client(world.port, browser.cookie)
    assert bearer.get("/v1/me").expect(401).code == "unauthenticated", "a session is no token"
    for cookie in (browser.made["token"], browser.cookie[:-1] + ("0" if browser.cookie[-1] != "0" else "1"), "x", ""):
        head = {"Cookie": f"{COOKIE}={cookie}"}
        assert Client(world.port).get("/v1/me", headers=head).expect(401).code == "unauthenticated", cookie
    twice = {"Cookie": f"{COOKIE}={browser.cookie}; {COOKIE}={browser.cookie}"}
    assert Client(world.port).get("/v1/me", headers=twice).status == 401, "which of two is meant is not guessed"
    assert Client(world.port).get("/v1/me", headers={"Cookie": f"{COOKIE}x={browser.cookie}"}).status == 401


def test_a_session_makes_no_other_and_may_do_what_its_token_may(world):
    browser = signed_in(world, scopes=["projects:read"])
    assert browser.post("/v1/sessions").expect(403).code == "session_makes_none"
    browser.get("/v1/projects").expect(200)
    assert browser.get("/v1/members").expect(403).code == "scope_missing"
    assert browser.post("/v1/projects", {"name": "p"}).expect(403).code == "scope_missing"


# ---- Who makes the browser send it ----


def test_a_change_under_a_cookie_comes_from_a_page_of_ours(world):
    browser = signed_in(world)
    own = f"http://127.0.0.1:{world.port}"
    refused = [{"X-CSRF-Token": ""}, {"X-CSRF-Token": browser.csrf[:-1]}, {"X-CSRF-Token": signed_in(world).csrf},
               {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": own.replace("http", "https")}, {"Origin": own + "0"},
               {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
    for head in refused:
        for method, path in (("POST", "/v1/projects"), ("DELETE", f"/v1/sessions/{browser.session['id']}")):
            answer = browser.request(method, path, {"name": "forged"} if method == "POST" else None, headers=head)
            assert (answer.status, answer.code) == (403, "csrf_failed"), head
    assert world.sql("SELECT count(*) AS n FROM project WHERE name = 'forged'")[0]["n"] == 0
    browser.get("/v1/projects", headers={"Sec-Fetch-Site": "cross-site"}).expect(200)
    for number, head in enumerate(({}, {"Origin": own}, {"Origin": own, "Sec-Fetch-Site": "same-origin"})):
        browser.post("/v1/projects", {"name": f"mine-{number}"}, headers=head).expect(201)
    token = Client(world.port, browser.made["token"])
    token.post("/v1/projects", {"name": "by-token"}, headers={"Origin": "https://evil.example"}).expect(201)
    world.operator.get("/v1/system/audit?result=csrf_failed").expect(200)
    eventually(lambda: world.operator.items("/v1/system/audit?result=csrf_failed"), "the refusals are in the audit")


# ---- Ends ----


def test_signing_out_ends_the_session_and_takes_the_cookie(world):
    browser = signed_in(world)
    kept = browser.cookie
    browser.delete(f"/v1/sessions/{browser.session['id']}").expect(204)
    assert browser.cookie is None
    browser.cookie = kept
    ends(browser)
    assert browser.get("/v1/me").code == "token_revoked"
    Client(world.port, browser.made["token"]).get("/v1/me").expect(200)


def test_signing_out_everywhere_ends_all_of_ones_own_and_nobody_elses(world):
    browsers = [signed_in(world)]
    for _ in range(2):
        other = Browser(world.port)
        other.sign_in(browsers[0].made["token"])
        browsers.append(other)
    bystander = signed_in(world)
    kept = browsers[0].cookie
    assert browsers[0].post("/v1/sessions/revoke").expect(200).body == {"ended": 3}
    browsers[0].cookie = kept
    for browser in browsers:
        ends(browser)
    bystander.get("/v1/me").expect(200)


def test_others_are_signed_out_by_their_admin_or_an_operator_only(world):
    victim, viewer, admin = signed_in(world, "viewer"), signed_in(world, "viewer"), signed_in(world)
    whose = {"principal_id": victim.session["principal_id"]}
    assert viewer.post("/v1/sessions/revoke", whose).expect(403).code == "forbidden"
    assert viewer.delete(f"/v1/sessions/{victim.session['id']}").expect(404).code == "not_found"
    assert victim.session["id"] not in [each["id"] for each in viewer.get("/v1/sessions").body["items"]]
    assert victim.session["id"] in [each["id"] for each in admin.get("/v1/sessions?limit=1000").body["items"]]
    nobody = {"principal_id": "prn_01kyyyyyyyyyyyyyyyyyyyyyyy"}
    assert admin.post("/v1/sessions/revoke", nobody).expect(422).code == "unknown_principal"
    admin.post("/v1/sessions/revoke", whose).expect(200)
    ends(victim)
    viewers = {"principal_id": viewer.session["principal_id"]}
    assert world.operator.post("/v1/system/sessions/revoke", viewers).expect(200).body == {"ended": 1}
    ends(viewer)
    assert viewer.session["id"] not in [each["id"] for each in world.operator.items("/v1/system/sessions")]


@pytest.mark.parametrize("how", ["revoked", "disabled", "expired"])
def test_a_session_ends_with_its_token_and_its_principal(world, how):
    browser = signed_in(world)
    token = browser.made["id"]
    if how == "revoked":
        world.operator.post(f"/v1/system/tokens/{token}/revoke").expect(200)
    elif how == "disabled":
        (member,) = world.operator.items(f"/v1/system/members?name={browser.made['principal']}")
        world.operator.patch(f"/v1/system/members/{member['id']}", {"disabled": True}).expect(200)
    else:
        world.sql("UPDATE token SET expires_at = clock_timestamp() WHERE name = %s", (browser.made["name"],))
    ends(browser)


def test_a_session_ends_by_idleness_and_by_age_but_not_while_it_is_used(world):
    browser = signed_in(world)
    mine = "WHERE id = (SELECT id FROM session ORDER BY created_at DESC LIMIT 1)"
    world.sql(f"UPDATE session SET last_used_at = clock_timestamp() - interval '59 minutes' {mine}")
    eventually(lambda: browser.get("/v1/me").status == 200 and
               world.sql(f"SELECT last_used_at > clock_timestamp() - interval '1 minute' AS used FROM session {mine}")[0]["used"], "its use is noted")
    world.sql(f"UPDATE session SET last_used_at = clock_timestamp() - interval '61 minutes' {mine}")
    ends(browser)
    assert browser.get("/v1/me").code == "token_expired"
    old = signed_in(world)
    world.sql(f"UPDATE session SET expires_at = clock_timestamp() {mine}")
    ends(old)


def test_somebody_who_knows_an_id_only_does_not_keep_a_session_alive(world):
    """Nor pushes the token or session of that id out of what is remembered."""
    browser = signed_in(world)
    before = world.sql("UPDATE session SET last_used_at = clock_timestamp() - interval '30 minutes'"
                       " WHERE id = (SELECT id FROM session ORDER BY created_at DESC LIMIT 1) RETURNING id, last_used_at")[0]
    forged = forge(browser.cookie)
    stranger = Client(world.port)
    for _ in range(3):
        assert stranger.get("/v1/me", headers={"Cookie": f"{COOKIE}={forged}"}).expect(401).code == "unauthenticated"
    assert world.sql("SELECT last_used_at FROM session WHERE id = %s", (before["id"],))[0]["last_used_at"] == before["last_used_at"]
    browser.get("/v1/me").expect(200)
    fresh = person(world)["token"]  # never shown yet: what a stranger shows under its id is looked up first
    token, as_session = Client(world.port, fresh), forge(fresh, "w")
    for _ in range(3):
        assert stranger.get("/v1/me", headers={"Cookie": f"{COOKIE}={as_session}"}).expect(401).code == "unauthenticated"
        token.get("/v1/me").expect(200)


def forge(text, kind=None):
    """The token of the same id with another secret, and a checksum that fits."""
    body = text[:4] + (kind or text[4]) + text[5:33] + "0" * 52
    crc = 0xFFFFFFFF
    for byte in body.encode():
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return body + "".join(digits[crc >> shift & 31] for shift in (30, 25, 20, 15, 10, 5, 0))


def test_a_principal_has_so_many_sessions_and_the_oldest_end(world):
    made = person(world)
    browsers = [Browser(world.port) for _ in range(51)]
    for browser in browsers:
        browser.sign_in(made["token"])
    ends(browsers[0])
    for browser in (browsers[1], browsers[-1]):
        browser.get("/v1/me").expect(200)


def test_every_replica_refuses_a_session_that_was_signed_out(world, tmp_path):
    port, admin_port = world.ports.take(), world.ports.take()
    other = Daemon("sluice-api", tmp_path, {**world.api.environment, "SLUICE_LISTEN": f"127.0.0.1:{port}",
                                            "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"}, admin_port).start()
    try:
        browser = signed_in(world)
        there = Browser(port)
        there.cookie = browser.cookie
        there.get("/v1/me").expect(200)
        browser.delete(f"/v1/sessions/{browser.session['id']}").expect(204)
        ends(there)
    finally:
        other.stop()


def test_a_session_ends_when_its_token_is_rotated_without_an_overlap(world):
    """Whoever had found the text has signed in with it, maybe."""
    stolen, own = signed_in(world), Browser(world.port)
    own.sign_in(stolen.made["token"])
    path = f"/v1/tokens/{stolen.made['id']}/rotate"
    own.post(path, {"overlap_s": 60}).expect(200)
    stolen.get("/v1/me").expect(200)
    text = own.post(path, {"overlap_s": 0}).expect(200).body["token"]
    ends(stolen)
    own.get("/v1/me").expect(200)
    Client(world.port, text).post(path, {"overlap_s": 0}).expect(200)
    ends(own)


def test_without_the_scope_an_admins_token_sees_and_ends_its_own_sessions_only(world):
    bob, admin = signed_in(world), Client(world.port, person(world)["token"])
    narrow, reading, writing = (Client(world.port, admin.create("/v1/tokens", {"name": scope, "scopes": [scope]})["token"])
                                for scope in ("reservations:read", "sessions:read", "sessions:write"))
    own = narrow.post("/v1/sessions").expect(201).body
    assert {shown["principal_id"] for shown in narrow.items("/v1/sessions")} == {own["principal_id"]}
    path, principal = f"/v1/sessions/{bob.session['id']}", {"principal_id": bob.session["principal_id"]}
    narrow.get(path).expect(404)
    reading.get(path).expect(200)
    for client, status in ((narrow, 404), (reading, 404)):
        client.delete(path).expect(status)
        client.post("/v1/sessions/revoke", principal).expect(403)
    bob.get("/v1/me").expect(200)
    narrow.delete(f"/v1/sessions/{own['id']}").expect(204)
    writing.delete(path).expect(204)
    ends(bob)


# ---- Patience ----


def test_signing_in_is_throttled_by_account_and_by_address_and_audited_both_ways(make_stack):
    stack = make_stack(settings={"sluice-api": UNLIMITED})
    made = stack.operator.create("/v1/system/tokens", {"name": "ana", "role": "operator", "principal_kind": "user"})
    other = stack.operator.create("/v1/system/tokens", {"name": "bob", "role": "operator", "principal_kind": "user"})

    def sign_in(token):
        return Client(stack.port, token).post("/v1/sessions")

    wrong = forge(made["token"])
    for _ in range(5):
        assert sign_in(wrong).expect(401).code == "unauthenticated"
    refused = sign_in(made["token"]).expect(429)
    assert refused.code == "sign_in_throttled" and refused.headers["Retry-After"] == "1"
    sign_in(other["token"]).expect(201)
    eventually(lambda: sign_in(made["token"]).status == 201, "the wait is over")
    for _ in range(5):
        sign_in(wrong).expect(401)
    assert sign_in(wrong).status == 429, "a success forgives what was before it, not what comes after"
    for number in range(10):
        sign_in(forge(person_of(stack, number)["token"])).expect(401)
    assert sign_in(other["token"]).expect(429).code == "sign_in_throttled", "twenty failures are the address's"
    results = eventually(lambda: signin_results(stack), "both are in the audit")
    assert results["ok"] == 2 and results["unauthenticated"] >= 20


def person_of(stack, number):
    return stack.operator.create("/v1/system/tokens", {"name": f"person-{number}", "role": "viewer", "tenant": tenant_of(stack)})


def tenant_of(stack):
    if not stack.operator.items("/v1/system/tenants?name=acme"):
        stack.operator.create("/v1/system/tenants", {"name": "acme"})
    return "acme"


def signin_results(stack):
    rows = stack.sql("SELECT result, count(*) AS n FROM audit WHERE action = 'POST /v1/sessions' GROUP BY result")
    counts = {row["result"]: row["n"] for row in rows}
    return counts if counts.get("unauthenticated", 0) >= 20 else None
