"""The door for real: HAProxy as deploy/up starts it, before a whole stack."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import hashlib
import http.client
import json
import re
import select
import socket
import ssl
import subprocess

import pytest

import door
import raw
from cluster import DEPLOY
from contract import ROOT, binaries
from stack import ANSWER_WITHIN_S, Client, eventually

pytestmark = pytest.mark.skipif(not door.is_installed(), reason="there is no haproxy: deploy/packages install runtime")


@pytest.fixture(scope="module")
def stack(make_module_stack):
    return make_module_stack(settings={"sluice-api": {"SLUICE_RATE_UNAUTHENTICATED_PER_S": "1", "SLUICE_RATE_BURST_S": "30"}})


@pytest.fixture(scope="module")
def opened(stack):
    made = door.Door(stack.socket)
    yield made
    made.stop()


def ask(opened, path, token=None, source="127.0.0.1", headers=None, method="GET", body=None, **options):
    """Asks through the door, from an address of loopback; the answer, with its JSON."""
    connection = http.client.HTTPConnection("localhost", opened.port)
    connection.sock = opened.connect(source=source, **options)
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    with contextlib.closing(connection):
        connection.request(method, path, body, {**sent, **(headers or {})})
        answer = connection.getresponse()
        answer.json = json.loads(answer.read() or "null")
        return answer


def me(opened, token, **options):
    answer = ask(opened, "/v1/me", token, **options)
    assert answer.status == 200, answer.json
    return answer.json


def test_the_command_line_trusts_the_authority_that_it_is_told(stack, opened):
    environment = {"SLUICE_URL": f"https://localhost:{opened.port}", "SLUICE_TOKEN": stack.operator.token, "HOME": "/nowhere"}
    command = [binaries() / "sluice", "zone", "list"]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "SSL_CERT_FILE names" in refused.stderr
    environment["SSL_CERT_FILE"] = str(opened.directory / "door.pem")
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_a_session_is_of_the_origin_that_the_door_ends_tls_for(stack, opened):
    """Whether the browser came by TLS, the API knows from the door alone."""
    made = ask(opened, "/v1/sessions", stack.operator.token, method="POST", body="{}", headers={"Content-Type": "application/json"})
    assert made.status == 201, made.json
    shown = {"Cookie": made.headers["Set-Cookie"].partition(";")[0], "X-CSRF-Token": made.json["csrf_token"], "Host": "console.example"}

    def end(origin):
        return ask(opened, f"/v1/sessions/{made.json['id']}", method="DELETE", headers={**shown, "Origin": origin, "X-Forwarded-Proto": "http"})

    for origin in ("http://console.example", "https://localhost", "https://console.example:8443"):
        answer = end(origin)
        assert (answer.status, answer.json["code"]) == (403, "csrf_failed"), origin
    assert end("https://console.example").status == 204


# ---- TLS ----


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_1_2_and_1_3_work(stack, opened, version):
    wanted = ssl.TLSVersion[version]
    with contextlib.closing(opened.connect(minimum_version=wanted, maximum_version=wanted)) as connection:
        assert connection.version() == version.replace("_", ".")
        assert raw.exchange(connection, b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == [401]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused(opened):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", opened.port), timeout=30) as connection:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            context.wrap_socket(connection)


def test_browsers_get_http_2_and_are_told_to_come_back_by_https(opened):
    done = opened.curl("/openapi.json", "--http2", "-o", "/dev/null", "-D", "-", "-w", "%{http_version} %{http_code}")
    assert done.stdout.endswith("2 200"), done.stdout + done.stderr
    assert "strict-transport-security: max-age=31536000" in done.stdout.lower()


def test_what_is_not_tls_gets_nothing(opened):
    with contextlib.closing(socket.create_connection(("127.0.0.1", opened.port), timeout=30)) as connection:
        assert raw.exchange(connection, b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n") == []


# ---- Who comes ----


def test_an_agents_certificate_is_seen_and_nobody_elses(stack, opened, tmp_path):
    node = opened.certificates("agent", "gpu-0001")
    token = stack.operator.token
    der = ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN CERTIFICATE.*?END CERTIFICATE-----", open(node, encoding="ascii").read(), re.DOTALL)[0])
    assert me(opened, token, certificate=node)["client_certificate"] == hashlib.sha256(der).hexdigest()
    assert me(opened, token)["client_certificate"] is None
    # One of another authority does not come in at all. In TLS 1.3 its holder learns that with the first answer.
    for action in (["door"], ["agent", "gpu-0001"]):
        subprocess.run([DEPLOY / "certificates", action[0], "--dir", tmp_path, *action[1:]], check=True, stdout=subprocess.DEVNULL)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        me(opened, token, certificate=tmp_path / "agents/gpu-0001.pem")


def test_the_audit_has_the_clients_address(stack, opened):
    answer = ask(opened, "/v1/system/tenants", stack.operator.token, source="127.0.0.7", method="POST",
                 body=json.dumps({"name": "by-door"}), headers={"Content-Type": "application/json"})
    assert answer.status == 201
    rows = stack.sql("SELECT remote FROM sluice.audit WHERE request_id = %s", (answer.headers["Request-Id"],))
    assert rows == [{"remote": "127.0.0.7"}]


FORGED = {"X-Forwarded-For": "203.0.113.7", "X-Client-Cert-Sha256": "ab" * 32, "x-client-CERT-subject": "/CN=gpu-0001", "Forwarded": "for=203.0.113.7"}


def test_what_a_client_says_of_itself_is_not_believed(stack, opened):
    token = stack.operator.token
    through = me(opened, token, source="127.0.0.8", headers=FORGED)
    assert (through["address"], through["client_certificate"]) == ("127.0.0.8", None)
    on_loopback = stack.operator.get("/v1/me", headers=FORGED).expect(200).body
    assert (on_loopback["address"], on_loopback["client_certificate"]) == ("127.0.0.1", None)


def test_the_proxys_socket_is_believed_and_only_if_it_speaks_as_ours_does(stack):
    client = Client(0, stack.operator.token)
    client.connection = http.client.HTTPConnection("localhost")
    client.connection.sock = raw.connect(stack.socket)
    said = client.get("/v1/me", headers=FORGED).expect(200).body
    assert (said["address"], said["client_certificate"]) == ("203.0.113.7", "ab" * 32)
    assert client.get("/v1/me", headers={"X-Forwarded-For": "203.0.113.7, 10.0.0.1"}).expect(400).code == "bad_forwarding"


def test_nobody_else_may_open_the_apis_socket(stack):
    assert stack.socket.stat().st_mode & 0o777 == 0o660


# ---- Limits by address ----


def test_addresses_do_not_pay_for_each_other(opened):
    statuses = []
    while len(statuses) < 200 and 429 not in statuses:  # it is let in again each second that this takes
        statuses.append(ask(opened, "/v1/me", source="127.0.0.20").status)
    assert len(statuses) > 30 and statuses == [401] * (len(statuses) - 1) + [429]
    assert ask(opened, "/v1/me", source="127.0.0.21").status == 401


def test_an_address_has_so_many_connections(opened):
    with contextlib.ExitStack() as all_of_them:
        def connect(source):
            """None: the door closed it before it was open on this side."""
            with contextlib.suppress(ConnectionResetError):
                return all_of_them.enter_context(socket.create_connection(("127.0.0.1", opened.port), timeout=ANSWER_WITHIN_S, source_address=(source, 0)))

        many, other = [connect("127.0.0.30") for _ in range(300)], connect("127.0.0.31")
        left = [connection for connection in many if connection is not None]

        def kept():
            return len(left) - len(select.select(left, [], [], 0)[0])

        eventually(lambda: kept() == 256, "the door keeps 256 of them")
        assert select.select([other], [], [], 0)[0] == []


# ---- Waiting ----


def test_events_come_through_at_once(stack, opened):
    with contextlib.closing(opened.connect()) as connection:
        connection.sendall(b"GET /v1/system/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                           + f"Authorization: Bearer {stack.operator.token}\r\n\r\n".encode())
        seen = read_until(connection, b"retry: 1000")
        zone = stack.zone("seen-at-once")
        read_until(connection, zone["id"].encode(), seen)


def read_until(connection, mark, seen=b""):
    connection.settimeout(ANSWER_WITHIN_S)
    while mark not in seen:
        part = connection.recv(65536)
        assert part, seen
        seen += part
    return seen


def test_the_door_waits_longer_than_the_api_does():
    seconds = dict(re.findall(r"^ +timeout (\S+) +(\d+)s$", (DEPLOY / "haproxy.cfg").read_text(), re.MULTILINE))
    quiet_ms = int(re.search(r"QUIET_MS +(\d+)", (ROOT / "api/server/stream.c").read_text())[1])
    longest_wait_s = 60  # of Prefer: wait
    for side in ("server", "client"):
        assert int(seconds[side]) > max(longest_wait_s, quiet_ms / 1000)


def test_a_door_without_an_api_says_so_as_the_api_would(tmp_path):
    alone = door.Door(tmp_path / "nowhere")
    try:
        answer = ask(alone, "/v1/me")
    finally:
        alone.stop()
    assert (answer.status, answer.json["code"], answer.headers["Content-Type"]) == (503, "overloaded", "application/problem+json")
    assert answer.headers["Retry-After"] == "1"
