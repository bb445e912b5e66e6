"""Signing browsers in: what a session may, from where, and when it ends. One Sluice for the file; its clock plays no part,
for sessions live in real time."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import http.client
import http.cookies
import ipaddress
import itertools
import secrets
import socket
import ssl
import threading
import urllib.parse
import urllib.request

import pytest

import issuer
from contract import binaries
from stack import A_SECOND_S, ANSWER_WITHIN_S, UNLIMITED, Client, Daemon, eventually

COOKIE = "__Host-sluice"
ELSEWHERE, ADDRESSES = ipaddress.ip_address("127.77.0.1"), itertools.count()


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


# ---- Bearers of another issuer ----


@pytest.fixture(scope="module")
def believing(make_module_stack, tmp_path_factory):
    """A Sluice that believes an issuer about workloads and people, and the issuer, which speaks HTTPS only."""
    directory = tmp_path_factory.mktemp("rules")
    certificate = issuer.make_certificate(directory)
    provider = issuer.Issuer(certificate=certificate)
    (directory / "people").write_text("groups ops operator -\ngroups acme-ml member acme\ngroups acme-boss admin acme\n")
    (directory / "workloads").write_text("sub ci member acme ci\nsub ops operator - robot\nsub gone member acme nobody\n")
    settings = {**UNLIMITED, "SLUICE_ISSUER_CA_FILE": str(directory / "issuer.crt"),
                "SLUICE_WORKLOAD_ISSUER": provider.url, "SLUICE_WORKLOAD_AUDIENCE": "sluice",
                "SLUICE_WORKLOAD_RULES_FILE": str(directory / "workloads"), "SLUICE_SIGN_IN_ISSUER": provider.url,
                "SLUICE_SIGN_IN_CLIENT_ID": provider.client_id, "SLUICE_SIGN_IN_CLIENT_SECRET": provider.client_secret,
                "SLUICE_SIGN_IN_RULES_FILE": str(directory / "people")}
    stack = make_module_stack(settings={"sluice-api": settings})
    stack.issuer, stack.issuer_trust = provider, ssl.create_default_context(cafile=directory / "issuer.crt")
    acme = stack.tenant("acme")
    acme.create("/v1/service-accounts", {"name": "ci", "role": "admin"})
    stack.operator.create("/v1/system/service-accounts", {"name": "robot", "role": "operator"})
    stack.acme = acme
    yield stack
    provider.stop()


def bearer(stack, *arguments, **claims):
    return Client(stack.port, stack.issuer.token(*arguments, **claims))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_workload_shows_what_its_issuer_gave_it(believing, algorithm):
    client = bearer(believing, algorithm, sub="ci")
    me = client.get("/v1/me").expect(200).body
    assert (me["principal"], me["principal_kind"], me["tenant"], me["role"]) == ("ci", "service_account", "acme", "member")
    assert me["token_id"] is None and me["session_id"] is None and me["token_expires_at"] is not None
    made = client.post("/v1/projects", {"name": algorithm.lower()}).expect(201).body
    assert client.post("/v1/sessions").expect(403).code == "session_makes_none"
    assert client.post("/v1/service-accounts", {"name": "x", "role": "admin"}).expect(403).code == "forbidden", "the rule's role holds"
    (row,) = believing.operator.items(f"/v1/system/audit?object={made['id']}")
    assert row["principal"] == me["principal_id"]
    assert bearer(believing, algorithm, sub="ops").get("/v1/system/nodes").status == 200


@pytest.mark.parametrize("wrong", [each for each in issuer.OF_TOKEN if each not in ("nonce", "azp")])
def test_a_bearer_that_is_wrong_opens_nothing(believing, wrong):
    for algorithm in ("RS256", "ES256", "EdDSA") if wrong != "kid" else ("RS256",):
        answer = bearer(believing, algorithm, wrong, sub="ops").get("/v1/me").expect(401)
        assert answer.code == {"expired": "token_expired"}.get(wrong, "jwt_refused"), answer


def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(believing, tmp_path):
    port, admin_port = believing.ports.take(), believing.ports.take()
    other = Daemon("sluice-api", tmp_path, {**believing.api.environment, "SLUICE_LISTEN": f"127.0.0.1:{port}", "SLUICE_ISSUER_CA_FILE": "",
                                            "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"}, admin_port).start()
    try:
        assert bearer(believing, sub="ops").get("/v1/me").status == 200
        assert Client(port, believing.issuer.token(sub="ops")).get("/v1/me").status in (401, 503)
        assert Client(port).get("/sign-in/start").status == 503
    finally:
        other.stop()


def test_whom_no_rule_means_is_nobody_and_who_is_not_there_too(believing):
    assert bearer(believing, sub="somebody").get("/v1/me").expect(401).code == "jwt_refused"
    assert bearer(believing, sub="gone").get("/v1/me").expect(401).code == "unauthenticated"
    for text in ("ey.", "ey..", "eyJh.eyJh.eyJh", "ey" + "A" * 7000 + ".e30.AA"):
        assert Client(believing.port, text).get("/v1/me").expect(401).code == "jwt_refused"


def test_a_bearer_costs_nothing_while_it_is_remembered_and_ends_with_its_account(believing):
    believing.acme.create("/v1/service-accounts", {"name": "brief", "role": "viewer"})
    believing.sql("UPDATE principal SET name = 'ci-kept' WHERE name = 'ci'")
    believing.sql("UPDATE principal SET name = 'ci' WHERE name = 'brief'")
    client = bearer(believing, sub="ci")
    client.get("/v1/me").expect(200)
    before = believing.issuer.asked[:]
    for _ in range(50):
        client.get("/v1/me").expect(200)
    assert believing.issuer.asked == before
    (account,) = believing.acme.items("/v1/service-accounts?name=ci")
    believing.acme.patch(f"/v1/service-accounts/{account['id']}", {"disabled": True}).expect(200)
    eventually(lambda: client.get("/v1/me").status == 401, "the bearer of a disabled account is refused", A_SECOND_S)
    assert client.get("/v1/me").code == "principal_disabled"
    believing.sql("UPDATE principal SET name = 'brief' WHERE name = 'ci'")
    believing.sql("UPDATE principal SET name = 'ci' WHERE name = 'ci-kept'")
    eventually(lambda: bearer(believing, sub="ci").get("/v1/me").status == 200, "the other has its name again")


def test_a_new_key_is_asked_for_at_once_but_not_for_every_stranger(believing):
    believing.issuer.rotate("ES256")
    bearer(believing, "ES256", sub="ci").get("/v1/me").expect(200)
    believing.issuer.rotate("EdDSA")
    asked, codes = believing.issuer.count("/keys"), []
    threads = [threading.Thread(target=lambda: codes.append(bearer(believing, "ES256", "kid", sub="ci").get("/v1/me").code)) for _ in range(30)]
    for thread in threads:
        thread.start()
    bearer(believing, "EdDSA", sub="ci").get("/v1/me").expect(200)
    for thread in threads:
        thread.join()
    assert set(codes) == {"jwt_refused"} and len(codes) == 30
    assert believing.issuer.count("/keys") <= asked + 2, "thirty strangers are one question, or two"


@pytest.mark.parametrize("wrong", issuer.OF_PROVIDER)
def test_while_the_issuer_errs_known_keys_are_good_and_nobody_else_waits(believing, wrong):
    """A document that is too large, slow, elsewhere or another's changes nothing; requests of others go on."""
    known = bearer(believing, "RS256", sub="ci")
    known.get("/v1/me").expect(200)
    key = believing.issuer.keys["ES256"]
    believing.issuer.wrong = wrong
    believing.issuer.rotate("ES256")
    try:
        asked = believing.issuer.count("/.well-known/openid-configuration")
        strangers = []

        def ask():
            strangers.append(bearer(believing, "ES256", sub="ci").get("/v1/me").status)
            return believing.issuer.count("/.well-known/openid-configuration") > asked

        thread = threading.Thread(target=eventually, args=(ask, "it is asked", 8))
        thread.start()
        for _ in range(20):
            known.get("/v1/me").expect(200)
            bearer(believing, "RS256", sub="ops").get("/v1/me").expect(200)
        believing.issuer.released.set()
        thread.join()
        assert set(strangers) == {401} or wrong == "slow_keys", "its new key is not believed"
    finally:
        believing.issuer.released.clear()
        believing.issuer.wrong, believing.issuer.keys["ES256"] = None, key
    known.get("/v1/me").expect(200)


# ---- People, by an identity provider ----


def walk(stack, browser=None, subject=None, claims=None, algorithm="RS256", wrong=None, change=None, headers=None):
    """A browser's way to the provider and back. change(address, browser) alters where it is led back to. Returns the last answer."""
    browser = browser or Visitor(stack.port)
    provider = stack.issuer
    provider.subject, provider.algorithm, provider.wrong = {"sub": subject or "ana", **(claims or {})}, algorithm, wrong
    try:
        there = browser.get("/sign-in/start")
        assert there.status == 303, there.content
        back = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=stack.issuer_trust)).open(there.headers["Location"]).headers["Location"]
        address = back.partition(f":{stack.port}")[2]
        return browser.get(change(address, browser) if change else address, headers=headers)
    finally:
        provider.subject, provider.algorithm, provider.wrong = {"sub": "ana"}, "RS256", None


class Stay(urllib.request.HTTPErrorProcessor):
    """Takes a redirect as the answer."""

    def https_response(self, request, response):
        return response


class Elsewhere(Client):
    """A client at an address of loopback that nobody else has: failures are held against addresses."""

    def request(self, *arguments, **options):
        if self.connection is None:
            source = str(ELSEWHERE + next(ADDRESSES))
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_WITHIN_S, source_address=(source, 0))
        return super().request(*arguments, **options)


class Visitor(Browser):
    """A browser of somebody, somewhere, that also keeps the cookie of a sign-in."""

    def __init__(self, port, client=Elsewhere):
        super().__init__(port)
        self.client, self.jar = client(port), {}

    def request(self, method, path, body=None, headers=None):
        shown = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = super().request(method, path, body, {**({"Cookie": shown} if shown else {}), **(headers or {})})
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = header.partition("=")
            value = rest.partition(";")[0]
            if value:
                self.jar[name] = value
            else:
                self.jar.pop(name, None)
        return answer

    def me(self):
        return self.get("/v1/me").expect(200).body


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_person_signs_in_by_the_identity_provider(believing, algorithm):
    browser, name = Visitor(believing.port), f"ana-{algorithm.lower()}"
    there = browser.get("/sign-in/start").expect(303)
    asked = dict(urllib.parse.parse_qsl(there.headers["Location"].partition("?")[2]))
    (cookie,) = there.headers.get_all("Set-Cookie")
    assert cookie.startswith("__Host-sluice-sign-in=") and set(cookie.split("; ")[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"}
    assert asked["state"] != asked["nonce"] and asked["code_challenge"] not in cookie and asked["state"] not in cookie
    done = walk(believing, browser, name, {"groups": ["acme-ml"], "preferred_username": name}, algorithm)
    home = "/console/" if (binaries().parent / "console").is_dir() else "/sign-in"
    assert done.status == 303 and done.headers["Location"] == home, done.content
    assert set(browser.jar) == {COOKIE}
    me = browser.me()
    assert (me["principal"], me["principal_kind"], me["tenant"], me["role"], me["token_id"]) == (name, "user", "acme", "member", None)
    (row,) = believing.operator.items(f"/v1/system/audit?object={me['session_id']}")
    assert (row["action"], row["result"], row["principal"]) == ("GET /sign-in/callback", "ok", me["principal_id"])
    browser.csrf = me["csrf_token"]
    browser.post("/v1/projects", {"name": name}).expect(201)
    browser.post("/v1/sessions/revoke").expect(200)


def test_who_came_before_is_the_same_and_has_the_role_that_the_rules_say_now(believing):
    first, second, boss = Visitor(believing.port), Visitor(believing.port), Visitor(believing.port)
    claims = {"groups": ["acme-ml"], "preferred_username": "bea"}
    walk(believing, first, "bea", claims)
    walk(believing, second, "bea", {"groups": ["acme-boss"], "preferred_username": "bea-renamed"})
    assert first.me()["principal_id"] == second.me()["principal_id"]
    eventually(lambda: first.me()["role"] == "admin", "the new role is also the older session's", A_SECOND_S)
    walk(believing, boss, "bea-2", claims)
    other = boss.me()
    assert other["principal_id"] != first.me()["principal_id"] and other["principal"].startswith("bea ("), "a name is one person's"
    walk(believing, boss, "op", {"groups": ["ops"]})
    assert (boss.me()["role"], boss.me()["tenant"]) == ("operator", None)


def test_a_member_is_found_by_an_address_that_the_provider_has_verified(believing):
    made = believing.acme.create("/v1/members", {"name": "cara", "role": "viewer", "email": "Cara@acme.example"})
    claims = {"groups": ["acme-ml"], "email": "cara@acme.example"}
    for verified in ({}, {"email_verified": False}, {"email_verified": "true"}):
        browser = Visitor(believing.port)
        walk(believing, browser, "mallory", {**claims, **verified})
        assert browser.me()["principal_id"] != made["id"]
    browser = Visitor(believing.port)
    walk(believing, browser, "cara", {**claims, "email_verified": True})
    assert browser.me()["principal_id"] == made["id"] and browser.me()["role"] == "member"
    thief = Visitor(believing.port)
    walk(believing, thief, "another cara", {**claims, "email_verified": True})
    assert thief.me()["principal_id"] != made["id"], "who has signed in once is found by subject alone"
    believing.acme.patch(f"/v1/members/{made['id']}", {"disabled": True}).expect(200)
    assert walk(believing, None, "cara", claims).expect(401).code == "principal_disabled"


@pytest.mark.parametrize("wrong", issuer.OF_TOKEN)
def test_an_id_token_that_is_wrong_signs_nobody_in(believing, wrong):
    for algorithm in ("RS256", "ES256", "EdDSA") if wrong != "kid" else ("RS256",):
        browser = Visitor(believing.port)
        answer = walk(believing, browser, "eve", {"groups": ["ops"]}, algorithm, wrong).expect(401)
        assert answer.code == {"expired": "token_expired"}.get(wrong, "jwt_refused"), answer
        assert COOKIE not in browser.jar


def without_cookie(address, browser):
    browser.jar.clear()
    return address


def another_browsers(address, browser):
    """The victim's browser is led to what an attacker began: they would act as the attacker."""
    browser.jar.clear()
    browser.get("/sign-in/start").expect(303)
    return address


@pytest.mark.parametrize("change", [
    without_cookie, another_browsers,
    lambda address, browser: address.replace("state=", "state=x"),
    lambda address, browser: address.replace("state=", "other="),
    lambda address, browser: address.replace("code=", "code=x"),
    lambda address, browser: address.replace("code=", "error=access_denied&other="),
    lambda address, browser: address.replace("iss=http", "iss=https"),
    lambda address, browser: (browser.jar.update({"__Host-sluice-sign-in": aged(browser.jar["__Host-sluice-sign-in"])}), address)[1],
], ids=["no_cookie", "another_browsers", "wrong_state", "no_state", "wrong_code", "error", "another_issuer", "too_late"])
def test_a_sign_in_is_finished_by_the_browser_that_began_it(believing, change):
    browser = Visitor(believing.port)
    answer = walk(believing, browser, "eve", {"groups": ["ops"]}, change=change)
    assert (answer.status, answer.code) == (401, "sign_in_failed"), answer
    assert COOKIE not in browser.jar


def aged(cookie):
    issued, _, seed = cookie.partition(".")
    return f"{int(issued) - 601}.{seed}"


def test_a_code_is_good_once_and_whoever_has_no_role_stays_out(believing):
    browser, addresses = Visitor(believing.port), []
    walk(believing, browser, "dora", {"groups": ["acme-ml"]}, change=lambda address, browser: addresses.append(address) or address).expect(303)
    assert browser.get(addresses[0]).expect(401).code == "sign_in_failed"
    assert walk(believing, None, "stranger", {"groups": ["others"]}).expect(403).code == "sign_in_no_role"
    eventually(lambda: "sign_in_no_role" in {row["result"] for row in believing.sql("SELECT result FROM audit WHERE action = 'GET /sign-in/callback'")},
               "the refusal is in the audit")


def test_a_new_key_of_the_provider_signs_people_in_at_once(believing):
    believing.issuer.rotate("ES256")
    browser = Visitor(believing.port)
    walk(believing, browser, "ana", {"groups": ["acme-ml"]}, "ES256").expect(303)
    browser.me()


def test_failures_at_the_provider_are_held_against_the_address(believing, make_stack, tmp_path):
    (tmp_path / "people").write_text("groups ops operator -\n")
    stack = make_stack(settings={"sluice-api": {
        **UNLIMITED, "SLUICE_SIGN_IN_ISSUER": believing.issuer.url, "SLUICE_SIGN_IN_CLIENT_ID": "sluice", "SLUICE_CONSOLE_DIR": str(tmp_path),
        "SLUICE_ISSUER_CA_FILE": believing.api.environment["SLUICE_ISSUER_CA_FILE"],
        "SLUICE_SIGN_IN_CLIENT_SECRET": believing.issuer.client_secret, "SLUICE_SIGN_IN_RULES_FILE": str(tmp_path / "people")}})
    stack.issuer, stack.issuer_trust = believing.issuer, believing.issuer_trust
    eventually(lambda: stack.client().get("/sign-in/start").status == 303, "the provider has answered")
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    here = lambda: Visitor(stack.port, Client)  # noqa: E731
    refused = walk(stack, here(), "stranger", headers=page).expect(303)
    assert refused.headers["Location"] == "/console/?problem=sign_in_no_role", "people see a page, programs a problem"
    assert "Set-Cookie" not in refused.headers
    for _ in range(19):
        walk(stack, here(), "stranger").expect(403)
    refused = walk(stack, here(), "ana", {"groups": ["ops"]}).expect(429)
    assert refused.code == "sign_in_throttled" and int(refused.headers["Retry-After"]) >= 1
    walk(stack, None, "ana", {"groups": ["ops"]}).expect(303)
    eventually(lambda: walk(stack, here(), "ana", {"groups": ["ops"]}).status == 303, "the wait is over")


def test_the_door_says_that_the_way_back_is_https(believing):
    """Only the proxy's socket is believed."""
    def where(client, **headers):
        location = client.get("/sign-in/start", headers={"Host": "console.example", **headers}).expect(303).headers["Location"]
        return dict(urllib.parse.parse_qsl(location.partition("?")[2]))["redirect_uri"]

    client = believing.client()
    assert where(client) == "http://console.example/sign-in/callback"
    assert where(client, **{"X-Forwarded-Proto": "https"}) == "http://console.example/sign-in/callback"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(believing.socket))
        connection.sendall(b"GET /sign-in/start HTTP/1.1\r\nHost: console.example\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"redirect_uri=https%3A%2F%2Fconsole.example%2Fsign-in%2Fcallback" in answer
