"""Those whom an issuer vouches for: workloads by what it gave them, people by signing in there. One Sluice for the file."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import http.client
import ipaddress
import itertools
import math
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request

import pytest

import issuer
from browser import COOKIE, Browser
from contract import binaries
from stack import A_SECOND_S, ANSWER_WITHIN_S, UNLIMITED, Client, Daemon, eventually, least

ELSEWHERE, ADDRESSES = ipaddress.ip_address("127.77.0.1"), itertools.count()


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


def stream_outlives_bearer_s(believing):
    """By how much, of a bearer whose time is nearly over."""
    end = int(time.time()) + 3
    client = bearer(believing, sub="ops", iat=end - 600, exp=end - 60)  # issuer_skew_s is 60
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", believing.port, timeout=20)) as connection:
        me = client.get("/v1/me")
        connection.request("GET", "/v1/system/events", headers={"Authorization": f"Bearer {client.token}", "Accept": "text/event-stream"})
        stream = connection.getresponse()
        if time.time() >= end:
            return math.inf  # it took too long to show it
        assert me.expect(200).body["token_expires_at"] is not None and stream.status == 200
        while time.time() < end + A_SECOND_S and stream.readline():
            pass
        outlived_s = time.time() - end
        assert client.get("/v1/me").expect(401).code == "token_expired"
    return outlived_s


def test_a_bearer_is_good_as_long_as_clocks_may_differ_and_its_stream_as_long(believing):
    assert 0 <= least(lambda: stream_outlives_bearer_s(believing), A_SECOND_S) < A_SECOND_S


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


def test_what_a_key_has_signed_is_refused_once_the_issuer_has_it_no_more(believing):
    """Though it is shown all the time, and so is remembered all the time."""
    client = bearer(believing, "ES256", sub="ci")
    client.get("/v1/me").expect(200)
    believing.issuer.rotate("ES256")  # it was lost: whoever found it makes bearers
    with concurrent.futures.ThreadPoolExecutor() as pool:
        other = pool.submit(lambda: bearer(believing, "ES256", sub="ci").get("/v1/me"))  # so the keys are asked for
        eventually(lambda: client.get("/v1/me").code == "jwt_refused", "its key is the issuer's no more", 3 * A_SECOND_S)
        other.result().expect(200)


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

        with concurrent.futures.ThreadPoolExecutor() as pool:
            stranger = pool.submit(eventually, ask, "it is asked")
            for _ in range(20):
                known.get("/v1/me").expect(200)
                bearer(believing, "RS256", sub="ops").get("/v1/me").expect(200)
            believing.issuer.released.set()
            stranger.result()
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
