"""Webhooks: every event arrives at least once, signed, whatever receivers and the leader do; and only where it may."""
# SPDX-License-Identifier: Apache-2.0

import base64
import collections
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.server
import json
import secrets
import threading
import time

import pytest

from name_server import named_by
from stack import ANSWER_WITHIN_S, HAPPENS_WITHIN_S, Client, Daemon, eventually

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def signature(secret, message_id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()


class Receiver:
    """An HTTP server that keeps what it gets. .answer(path, number) says how the number-th request of a path fares."""

    def __init__(self):
        self.got = collections.defaultdict(list)
        self.answer = lambda path, number: 200
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.got[self.path].append((dict(self.headers), body))
                    number = len(receiver.got[self.path])
                status = receiver.answer(self.path, number)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(b"said " + str(status).encode() + b"\x01\xff")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def messages(self, path):
        with self.lock:
            return [json.loads(body) for _, body in self.got[path]]

    def events(self, path):
        """Ids of the events that arrived, in order of their first arrival."""
        return list(dict.fromkeys(message["data"]["id"] for message in self.messages(path)))

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def make_hooked(make_stack, tmp_path):
    """Makes a stack that delivers, to loopback too, unless settings say otherwise: tries come fast, and each
    has time, for a receiver on a crowded machine is slow."""
    keys = tmp_path / "keys"
    keys.write_text("first " + base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    keys.chmod(0o600)

    def make(**settings):
        stack = make_stack(settings={"sluice-api": {
            "SLUICE_WEBHOOK_KEY_FILE": str(keys), "SLUICE_WEBHOOK_ALLOW_HTTP": "true", "SLUICE_WEBHOOK_ALLOW_PRIVATE": "true",
            "SLUICE_WEBHOOK_RETRY_MS": "20", "SLUICE_WEBHOOK_TIMEOUT_MS": "60000", **settings}})
        stack.keys = keys
        return stack

    return make


@pytest.fixture
def hooked(make_hooked):
    return make_hooked()


def hook(client, url, events=("*",), **fields):
    return client.create("/v1/webhooks" if client.is_tenant else "/v1/system/webhooks", {"url": url, "events": list(events), **fields})


def tenant(stack, name="acme"):
    client = stack.tenant(name)
    client.is_tenant = True
    return client


def deliveries(client, made, query=""):
    return client.items(f"/v1/webhooks/{made['id']}/deliveries{query}")


def make_events(client, count):
    """Events of the tenant's own: wishes that are refused for want of nodes are still made."""
    for _ in range(count):
        client.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "starts_at": "2026-01-03T00:00:00Z",
                                         "ends_at": "2026-01-03T01:00:00Z"}, headers={"Prefer": "respond-async"}).expect(202)


def all_events(stack, client, kinds=""):
    return [event["id"] for event in stack.events(client, "/v1/events" + (f"?type={kinds}" if kinds else ""))]


# ---- What is wished ----


def test_a_webhook_is_an_object_like_any_other(hooked):
    acme, other = tenant(hooked), tenant(hooked, "other")
    made = hook(acme, "https://hooks.example.com/a", ["reservation.*"], description="ours")
    assert made["secret"].startswith("whsec_") and made["status"]["state"] == "ok" and made["active"]
    path = f"/v1/webhooks/{made['id']}"
    shown = acme.get(path).expect(200)
    assert "secret" not in shown.body and {**shown.body, "secret": made["secret"]} == made
    assert acme.items("/v1/webhooks?url=https://hooks.example.com/a") == [shown.body]
    assert acme.items("/v1/webhooks?url=https://x") == [] and other.items("/v1/webhooks") == []
    for verb, where in (("GET", path), ("DELETE", path), ("GET", path + "/deliveries"), ("POST", path + "/ping")):
        other.request(verb, where, {} if verb == "POST" else None).expect(404)
    hooked.token("member", "acme").post("/v1/webhooks", {"url": "https://x.example.com", "events": ["*"]}).expect(403)

    acme.patch(path, {"active": False}, headers={"If-Match": '"7-0"'}).expect(412)
    patched = acme.patch(path, {"active": False}, headers={"If-Match": shown.headers["ETag"]}).expect(200).body
    assert patched["status"]["state"] == "inactive" and patched["events"] == ["reservation.*"]
    acme.post(path + "/ping").expect(409)
    put = acme.request("PUT", path, {"url": "https://hooks.example.com/b", "events": ["*"], "object": made["id"]}).expect(200).body
    assert put["url"].endswith("/b") and put["object"] == made["id"] and put["description"] is None and put["active"]
    rotated = acme.post(path + "/rotate-secret", {"secret": SECRET}, headers={"Idempotency-Key": "once"}).expect(200).body
    assert rotated["secret"] == SECRET and rotated["previous_secret_until"]
    again = acme.post(path + "/rotate-secret", {"secret": SECRET}, headers={"Idempotency-Key": "once"}).expect(200).body
    assert "secret" not in again and again["id"] == made["id"]
    put = acme.request("PUT", path, {"url": "https://hooks.example.com/b", "events": ["*"], "object": made["id"], "secret": SECRET}).expect(200).body
    assert put["previous_secret_until"] == rotated["previous_secret_until"]
    assert acme.request("DELETE", path + "?validate_only=true").status == 200
    acme.delete(path).expect(204)
    acme.get(path).expect(404)
    assert [event["kind"] for event in hooked.events(acme, "/v1/events?type=webhook.*")] == [
        "webhook.created", "webhook.changed", "webhook.changed", "webhook.changed", "webhook.deleted"]
    stored = hooked.sql("SELECT count(*) AS n FROM idempotency")
    assert stored and SECRET not in str(hooked.sql("SELECT * FROM event")) + str(hooked.sql("SELECT * FROM audit"))


def test_what_cannot_be_brought_anywhere_is_refused(make_hooked):
    stack = make_hooked(SLUICE_WEBHOOK_ALLOW_HTTP="false", SLUICE_WEBHOOK_ALLOW_PRIVATE="false")
    acme = tenant(stack)
    for url in ("http://example.com/", "https://10.1.2.3/", "https://[fd00::1]/", "https://169.254.169.254/latest", "https://127.1/",
                "https://2130706433/", "https://[::ffff:127.0.0.1]/", "https://localhost:8443/", "https://db.internal/", "https://intranet/",
                "https://user:pass@example.com/", "ftp://example.com", "nonsense"):
        refused = acme.post("/v1/webhooks", {"url": url, "events": ["*"]}).expect(422)
        assert [error["code"] for error in refused.body["errors"]] == ["webhook_url_refused"], url
    for wrong in ({"events": []}, {"events": ["*.x"]}, {"secret": "whsec_short"}, {"object": "what"}):
        acme.post("/v1/webhooks", {"url": "https://example.com", "events": ["*"], **wrong}).expect(422)
    # A name that others may have is judged where it leads to, when it is connected to.
    made = hook(acme, "https://hooks.example.com/")
    stack.sql("UPDATE webhook SET url = 'https://localhost:1/'")
    acme.post(f"/v1/webhooks/{made['id']}/ping").expect(202)
    failed = eventually(lambda: [each for each in deliveries(acme, made) if each["attempts"] > 0], "it was tried")
    assert failed[0]["error"] == "the host's address is not a public one" and failed[0]["response_status"] is None


WEBHOOKS_MAX = 100
WAITING = "SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted"


def test_three_at_once_never_slip_over_the_limit_together(hooked):
    """Before the last place all wait behind a lock of ours, then one after the other counts what there is."""
    acme, place = tenant(hooked), "hashtextextended('webhooks of ' || (SELECT id FROM tenant WHERE name = 'acme'), 0)"
    for number in range(WEBHOOKS_MAX - 1):
        hook(acme, f"https://example.com/{number}", active=False)
    hooked.sql(f"SELECT pg_advisory_lock({place})")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = [pool.submit(acme.clone().post, "/v1/webhooks", {"url": "https://example.com/last", "events": ["*"]}) for _ in range(3)]
        eventually(lambda: hooked.sql(WAITING)[0]["n"] == 3, "all wait")
        hooked.sql(f"SELECT pg_advisory_unlock({place})")
    assert sorted(answer.result().status for answer in answers) == [201, 409, 409]
    assert acme.post("/v1/webhooks", {"url": "https://example.com", "events": ["*"]}).expect(409).code == "webhook_limit"


def test_without_a_key_there_are_no_webhooks(stack):
    assert tenant(stack).post("/v1/webhooks", {"url": "https://example.com", "events": ["*"]}).expect(409).code == "webhooks_off"


# ---- What is brought ----


def test_events_arrive_signed_filtered_and_in_order(hooked, receiver):
    began = time.time()
    acme, other = tenant(hooked), tenant(hooked, "other")
    hooked.fleet(1)
    every = hook(acme, receiver.url + "/all", secret=SECRET)
    hook(acme, receiver.url + "/some", ["reservation.created", "instance.*"])
    system = hooked.operator.create("/v1/system/webhooks", {"url": receiver.url + "/system", "events": ["reservation.created"]})
    make_events(acme, 5)
    make_events(other, 1)
    own = all_events(hooked, acme, "webhook.created")[0]  # of what was before, and of itself, no webhook gets to know
    eventually(lambda: set(receiver.events("/all")) == {event["id"] for event in hooked.events(acme, f"/v1/events?after={own}")},
               "all events arrived")
    by_object = collections.defaultdict(list)
    for message in receiver.messages("/all"):
        by_object[message["data"]["object_id"]].append(tuple(map(int, message["data"]["id"].split("-"))))
    assert all(found == sorted(found) for found in by_object.values()), "those of one object in their order"
    eventually(lambda: set(receiver.events("/some")) == set(all_events(hooked, acme, "reservation.created,instance.*")), "the filtered arrived")
    eventually(lambda: len(receiver.events("/system")) == 6, "the provider's gets the events of all")
    for headers, body in receiver.got["/all"]:
        assert headers["webhook-signature"] == signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], body)
        assert began - 1 <= int(headers["webhook-timestamp"]) <= time.time()
    message = receiver.messages("/all")[0]
    assert message["data"] in acme.items("/v1/events?type=" + message["type"]) and message["timestamp"] == message["data"]["occurred_at"]
    done = deliveries(acme, every, "?state=delivered")
    assert done and all(each["attempts"] == 1 and each["response_status"] == 200 and each["response_snippet"] == "said 200??" for each in done)
    assert acme.get(f"/v1/webhooks/{every['id']}").body["status"]["last_success_at"]
    acme.get(f"/v1/system/webhooks/{system['id']}").expect(403)
    hooked.operator.get(f"/v1/system/webhooks/{every['id']}").expect(404)


def test_a_receiver_that_fails_is_tried_again_until_it_has_failed(make_hooked, receiver):
    stack = make_hooked(SLUICE_WEBHOOK_ATTEMPTS_MAX="4")
    acme = tenant(stack)
    receiver.answer = lambda path, number: {"/third": 200 if number >= 3 else 500, "/never": 503, "/moved": 302}[path]
    third, never, moved = (hook(acme, receiver.url + path, ["webhook.none"]) for path in ("/third", "/never", "/moved"))
    for made in (third, never, moved):
        acme.post(f"/v1/webhooks/{made['id']}/ping").expect(202)
    gone = hook(acme, "http://127.0.0.1:1/gone", ["webhook.none"])
    asked = acme.post(f"/v1/webhooks/{gone['id']}/ping", headers={"Idempotency-Key": "k"}).expect(202).body["delivery"]
    assert acme.post(f"/v1/webhooks/{gone['id']}/ping", headers={"Idempotency-Key": "k"}).expect(202).body["delivery"] == asked

    def ended(made):
        return [each for each in deliveries(acme, made) if each["state"] != "pending"]

    expected = {third["id"]: ("delivered", 3, 200, None), never["id"]: ("failed", 4, 503, "answered with status 503"),
                moved["id"]: ("failed", 4, 302, "answered with status 302")}
    for made in (third, never, moved):
        found = eventually(lambda which=made: ended(which), "it is over")
        assert [(each["state"], each["attempts"], each["response_status"], each["error"]) for each in found] == [expected[made["id"]]]
    assert receiver.messages("/elsewhere") == [], "no redirect is followed"
    assert receiver.events("/third") and len(receiver.messages("/third")) == 3 and len(set(receiver.events("/third"))) == 1
    assert eventually(lambda: ended(gone), "it is over")[0]["id"] == asked
    assert ended(gone)[0]["response_status"] is None and "onnect" in ended(gone)[0]["error"]
    assert acme.get(f"/v1/webhooks/{never['id']}").body["status"]["state"] == "failing"

    receiver.answer = lambda path, number: 200
    before = receiver.messages("/never")[0]
    again = acme.post(f"/v1/webhooks/{never['id']}/deliveries/{ended(never)[0]['id']}/redeliver").expect(202).body["delivery"]
    eventually(lambda: acme.get(f"/v1/webhooks/{never['id']}/deliveries/{again}").status == 200 and
               acme.get(f"/v1/webhooks/{never['id']}/deliveries/{again}").body["state"] == "delivered", "it is brought once more")
    assert receiver.messages("/never")[-1] == before, "the same event under the same id"
    assert acme.get(f"/v1/webhooks/{never['id']}").body["status"]["state"] == "ok"
    acme.post(f"/v1/webhooks/{third['id']}/deliveries/{again}/redeliver").expect(404)
    oldest = [each["id"] for each in deliveries(acme, never)]
    assert len(oldest) == 2 and [each["id"] for each in deliveries(acme, never, "?order=newest&limit=1")] == oldest[::-1], "page by page, too"


def test_nothing_is_brought_of_a_tenant_that_was_closed(hooked, receiver):
    acme = tenant(hooked)
    made = hook(acme, receiver.url + "/closed")
    acme.create("/v1/projects", {"name": "research"})
    eventually(lambda: len(receiver.messages("/closed")) == 1, "it is brought")
    (closed,) = hooked.operator.items("/v1/system/tenants?name=acme")
    hooked.operator.delete(f"/v1/system/tenants/{closed['id']}").expect(204)
    hooked.sql("SELECT event_append(tenant_id, NULL, 'webhook', id, 9, 'webhook.changed', NULL, '{}') FROM webhook")  # as of its books
    of_all = hooked.operator.create("/v1/system/webhooks", {"url": receiver.url + "/all", "events": ["*"]})
    hooked.operator.post(f"/v1/system/webhooks/{of_all['id']}/ping").expect(202)
    eventually(lambda: receiver.messages("/all"), "what is brought has been")
    assert len(receiver.messages("/closed")) == 1 and made["active"]


def append(stack, kind):
    """An event of the only tenant's."""
    stack.sql("SELECT event_append(id, NULL, 'tenant', id, 1, %s, NULL, '{}') FROM tenant", (kind,))


def test_what_is_answered_while_the_api_stops_is_not_sent_again(hooked, receiver):
    acme = tenant(hooked)
    stops = threading.Event()
    receiver.answer = lambda path, number: 200 if stops.wait(60) else 500
    hook(acme, receiver.url + "/some", ["tenant.kept"])
    append(hooked, "tenant.kept")
    eventually(lambda: receiver.messages("/some"), "it is brought")
    acme.close()
    hooked.operator.close()
    stopping = threading.Thread(target=hooked.api.stop)
    stopping.start()
    eventually(lambda: '"stopping"' in hooked.api.log.read_text(), "the API stops")
    stops.set()
    stopping.join()
    append(hooked, "tenant.kept")
    hooked.api.start()
    eventually(lambda: len(receiver.events("/some")) == 2, "it goes on")
    assert len(receiver.messages("/some")) == 2


@pytest.mark.parametrize("lost", ("expired", "restored"))
def test_whom_events_were_lost_of_is_told_and_goes_on_with_what_there_is(hooked, receiver, lost):
    acme = tenant(hooked)
    hook(acme, receiver.url + "/some", ["tenant.kept"])
    append(hooked, "tenant.kept")
    eventually(lambda: len(receiver.messages("/some")) == 1, "it is brought")
    hooked.api.stop()
    acme.close()
    hooked.operator.close()
    if lost == "expired":  # while nobody was there who brings events
        hooked.sql("SELECT partition_ensure('event', '2020-01-01', '2020-01-01')")
        append(hooked, "tenant.kept")
        hooked.sql("UPDATE event SET recorded_at = '2020-01-01' WHERE xid = (SELECT max(xid::text::bigint)::text::xid8 FROM event)")
        hooked.sql("SELECT partition_maintain()")
    else:
        hooked.sql("UPDATE event_generation SET generation = generation + 1")  # as deploy/restore does
    append(hooked, "tenant.kept")
    hooked.api.start()
    eventually(lambda: len(receiver.messages("/some")) == 3, "it goes on")
    hook(acme, receiver.url + "/new")  # of what was before it misses nothing
    append(hooked, "tenant.kept")
    eventually(lambda: len(receiver.messages("/some")) == 4 and len(receiver.messages("/new")) == 1, "and on")
    assert sorted(message["type"] for message in receiver.messages("/some")) == ["tenant.kept"] * 3 + ["webhook.reset"]
    (reset,) = (message["data"] for message in receiver.messages("/some") if message["type"] == "webhook.reset")
    assert acme.items("/v1/events?type=webhook.reset") == [reset]
    assert [message["type"] for message in receiver.messages("/new")] == ["tenant.kept"]


def test_nobody_is_told_of_a_loss_where_all_was_read_that_has_expired(hooked, receiver):
    """As many events as are read at once, and none behind them."""
    acme = tenant(hooked)
    hook(acme, receiver.url + "/some", ["tenant.kept"])
    append(hooked, "tenant.kept")
    eventually(lambda: len(receiver.messages("/some")) == 1, "it is brought")
    hooked.sql("SELECT event_append(t.id, NULL, 'tenant', t.id, 1, CASE n WHEN 1000 THEN 'tenant.kept' ELSE 'tenant.other' END, NULL, '{}')"
               " FROM tenant t, generate_series(1, 1000) n")
    eventually(lambda: len(receiver.messages("/some")) == 2, "the last of them is brought")
    hooked.api.stop()
    acme.close()
    hooked.operator.close()
    hooked.sql("SELECT partition_ensure('event', '2020-01-01', '2020-01-01')")
    hooked.sql("UPDATE event SET recorded_at = '2020-01-01' WHERE kind IN ('tenant.kept', 'tenant.other')")
    hooked.sql("SELECT partition_maintain()")
    append(hooked, "tenant.kept")
    hooked.api.start()
    eventually(lambda: len(receiver.messages("/some")) == 3, "it goes on")
    assert [message["type"] for message in receiver.messages("/some")] == ["tenant.kept"] * 3


def test_a_slow_receiver_delays_nobody_else(hooked, receiver):
    acme = tenant(hooked)
    hooked.fleet(1)
    release = threading.Event()

    def answer(path, _):
        if path == "/slow":
            release.wait(HAPPENS_WITHIN_S)
        return 200

    receiver.answer = answer
    hook(acme, receiver.url + "/slow", ["reservation.created"])
    hook(acme, receiver.url + "/quick", ["reservation.created"])
    make_events(acme, 12)
    eventually(lambda: len(receiver.events("/quick")) == 12, "the quick one has all")
    assert len(receiver.messages("/slow")) <= 4, "a few at a time"
    release.set()
    eventually(lambda: len(receiver.events("/slow")) == 12, "the slow one gets all in the end")


def test_many_slow_receivers_of_one_tenant_leave_room_for_others(hooked, receiver):
    greedy, acme = tenant(hooked, "greedy"), tenant(hooked)
    hooked.fleet(1)
    release = threading.Event()

    def answer(path, _):
        if path.startswith("/slow"):
            release.wait(ANSWER_WITHIN_S)
        return 200

    receiver.answer = answer
    for number in range(64):  # four places each would be all there are
        hook(greedy, f"{receiver.url}/slow{number}", ["reservation.created"])
    make_events(greedy, 4)
    eventually(lambda: hooked.api.metrics()["sluice_webhook_under_way"] >= 128, "the slow ones have all that they may have")
    hook(acme, receiver.url + "/quick", ["reservation.created"])
    make_events(acme, 6)
    try:
        eventually(lambda: len(receiver.events("/quick")) == 6, "the quick one has all")
        assert hooked.api.metrics()["sluice_webhook_under_way"] <= 128 + 4, "as many as are free"
    finally:
        release.set()


def test_a_name_that_nobody_answers_for_delays_nobody_else(make_hooked, receiver, tmp_path):
    stack = make_hooked(SLUICE_WEBHOOK_RETRY_MS="3600000")
    stack.operator.close()
    with named_by(stack.api, tmp_path, lambda name: None) as names:
        acme = tenant(stack)
        lost = hook(acme, "http://hooks.sluice-lost.com/", ["tenant.none"])
        quick = hook(acme, receiver.url + "/quick", ["tenant.none"])
        acme.post(f"/v1/webhooks/{lost['id']}/ping").expect(202)
        eventually(lambda: names.asked, "its name is looked up")
        eventually(lambda: [each["attempts"] for each in deliveries(acme, lost)] == [1], "the attempt is over before the looking up is")
        acme.post(f"/v1/webhooks/{quick['id']}/ping").expect(202)
        eventually(lambda: receiver.messages("/quick"), "the quick one is served")


def test_old_deliveries_go_however_many_there_are(hooked, receiver):
    """More than a statement takes, of a webhook's and of one that is gone; that looks every minute."""
    acme = tenant(hooked)
    made = hook(acme, receiver.url + "/x", ["tenant.none"])
    acme.post(f"/v1/webhooks/{made['id']}/ping").expect(202)
    eventually(lambda: deliveries(acme, made, "?state=delivered"), "it is brought")
    hooked.api.stop()
    acme.close()
    hooked.sql("""INSERT INTO webhook_delivery (id, webhook_id, tenant_id, event_generation, event_xid, event_seq, event_recorded_at, kind, object_id, state)
                  SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp() - age) * 1000)::bigint - n), 12, '0') || '7' || substr(md5(n::text), 14))::uuid, webhook,
                         d.tenant_id, d.event_generation, d.event_xid, d.event_seq, d.event_recorded_at, d.kind, d.object_id, 'delivered'
                    FROM webhook_delivery d, generate_series(1, 11000) n,
                         LATERAL (VALUES (d.webhook_id, interval '31 days'), ('00000000-0000-7000-8000-000000000000', '1 minute')) v (webhook, age)""")
    hooked.api.start()
    eventually(lambda: hooked.sql("SELECT count(*) AS n FROM webhook_delivery")[0]["n"] == 1, "all but the one are gone")
    assert [each["kind"] for each in deliveries(acme, made)] == ["webhook.ping"]


def test_a_webhook_that_fails_for_too_long_is_disabled(make_hooked, receiver):
    stack = make_hooked(SLUICE_WEBHOOK_DISABLE_AFTER_S="1", SLUICE_WEBHOOK_RETRY_MS="200")
    acme = tenant(stack)
    receiver.answer = lambda path, number: 500
    made = hook(acme, receiver.url + "/x", ["tenant.none"])
    path = f"/v1/webhooks/{made['id']}"
    acme.post(path + "/ping").expect(202)
    eventually(lambda: acme.get(path).body["status"]["state"] == "disabled", "it is disabled")
    assert [each["state"] for each in deliveries(acme, made)] == ["failed"]
    eventually(lambda: stack.events(acme, "/v1/events?type=webhook.disabled"), "an event tells of it")
    acme.post(path + "/ping").expect(409)
    receiver.answer = lambda path, number: 200
    assert acme.patch(path, {"active": True}).expect(200).body["status"]["state"] != "disabled", "any change enables it"
    acme.post(path + "/ping").expect(202)
    eventually(lambda: acme.get(path).body["status"]["state"] == "ok", "it is brought again")


def test_the_provider_sees_whose_webhooks_fail_and_what_was_wrong(make_hooked, receiver):
    stack = make_hooked(SLUICE_WEBHOOK_RETRY_MS="3600000")
    acme, operator = tenant(stack), stack.operator
    operator.is_tenant = False
    receiver.answer = lambda path, number: 503 if path == "/fails" else 200
    well, fails = hook(acme, receiver.url + "/well", ["tenant.none"]), hook(acme, receiver.url + "/fails", ["tenant.none"])
    ours = hook(operator, receiver.url + "/ours", ["tenant.none"])
    for made in (well, fails):
        acme.post(f"/v1/webhooks/{made['id']}/ping").expect(202)

    def attention():
        return next(each["count"] for each in operator.items("/v1/system/attention") if each["kind"] == "webhooks_failing")

    eventually(lambda: attention() == 1 and acme.get(f"/v1/webhooks/{well['id']}").body["status"]["last_success_at"], "both were tried")
    health = operator.items("/v1/system/webhook-health")
    assert [(each["webhook"], each["tenant"]) for each in health] == [(fails["id"], "acme"), (well["id"], "acme"), (ours["id"], None)]
    assert health[0]["status"]["state"] == "failing" and "503" in health[0]["status"]["last_error"]
    assert health[0]["deliveries_pending"] == 1 and health[0]["deliveries_failed"] == 0
    first = operator.get("/v1/system/webhook-health?limit=1").expect(200).body
    then = operator.get(f"/v1/system/webhook-health?limit=2&page={first['next_page']}").expect(200).body
    assert first["items"] + then["items"] == health
    assert operator.items("/v1/system/webhook-health?state=failing") == health[:1]
    assert operator.items("/v1/system/webhook-health?tenant=nobody") == []
    (brought,) = operator.items(f"/v1/system/webhook-health/{fails['id']}/deliveries")
    assert brought["response_status"] == 503 and brought == deliveries(acme, fails)[0]
    acme.get("/v1/system/webhook-health").expect(403)
    acme.get(f"/v1/system/webhook-health/{fails['id']}/deliveries").expect(403)
    operator.patch(f"/v1/system/webhooks/{fails['id']}", {"active": False}).expect(404)

    acme.patch(f"/v1/webhooks/{fails['id']}", {"active": False}).expect(200)
    assert attention() == 0, "what its tenant has paused needs no hand"


def test_secrets_change_with_an_overlap_and_keys_without_notice(hooked, receiver):
    acme = tenant(hooked)
    made = hook(acme, receiver.url + "/x", ["tenant.none"], secret=SECRET)
    path = f"/v1/webhooks/{made['id']}"
    fresh = acme.post(path + "/rotate-secret", {}).expect(200).body["secret"]
    acme.post(path + "/ping").expect(202)
    eventually(lambda: receiver.messages("/x"), "it arrived")
    headers, body = receiver.got["/x"][0]
    about = headers["webhook-id"], headers["webhook-timestamp"], body
    assert headers["webhook-signature"].split(" ") == [signature(fresh, *about), signature(SECRET, *about)]

    sealed = "SELECT secret, previous_secret FROM webhook"
    before = hooked.sql(sealed)[0]
    assert before["secret"].startswith("first:") and SECRET not in str(before) and fresh not in str(before)
    hooked.keys.write_text("second " + base64.b64encode(secrets.token_bytes(32)).decode() + "\n" + hooked.keys.read_text())
    hooked.api.stop()
    hooked.api.start()
    acme.close()
    eventually(lambda: all(value.startswith("second:") for value in hooked.sql(sealed)[0].values()), "the new key keeps them")
    hooked.keys.write_text(hooked.keys.read_text().splitlines()[0] + "\n")
    hooked.api.stop()
    hooked.api.start()
    acme.close()
    assert acme.post(path + "/rotate-secret", {"overlap_s": 0}).expect(200).body["secret"]
    acme.post(path + "/ping").expect(202)
    eventually(lambda: len(receiver.messages("/x")) == 2, "it arrived")
    assert " " not in receiver.got["/x"][1][0]["webhook-signature"]


def test_a_leader_that_is_killed_loses_no_event(hooked, receiver, tmp_path):
    port, admin_port = hooked.ports.take(), hooked.ports.take()
    second = Daemon("sluice-api", tmp_path, {**hooked.api.environment, "SLUICE_LISTEN": f"127.0.0.1:{port}",
                                             "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"}, admin_port).start()
    hooked.daemons["second"] = second
    acme = tenant(hooked)
    hooked.fleet(1)
    receiver.answer = lambda path, number: time.sleep(0.05) or 200
    hook(acme, receiver.url + "/x", ["reservation.created"])
    make_events(acme, 15)
    leader = eventually(lambda: next((each for each in (hooked.api, second) if each.metrics()["sluice_webhook_delivered_total"] > 0), None),
                        "deliveries are under way")
    leader.kill()
    survivor = Client(port if leader is hooked.api else hooked.port, acme.token)
    make_events(survivor, 5)
    expected = all_events(hooked, survivor, "reservation.created")
    assert len(expected) == 20
    eventually(lambda: set(receiver.events("/x")) == set(expected), "every event arrived")
    eventually(lambda: hooked.sql("SELECT count(*) AS n FROM webhook_delivery WHERE state = 'pending'")[0]["n"] == 0, "all is noted")
    leader.start()
