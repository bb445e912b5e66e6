"""Waiting for what changes: GET with Prefer: wait, event streams per tenant, and how soon a token's end is felt everywhere."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import http.client
import re
import signal
import threading
import time

import pytest

from stack import A_SECOND_S, ANSWER_WITHIN_S, Client, Daemon, eventually

ZONE = "us-east-1a"
ENDING_LIMIT_S = 5  # a stream that goes on says so every 15 s


@pytest.fixture(scope="module")
def sluice(make_module_stack):
    made = make_module_stack(settings={"sluice-api": {
        "SLUICE_STREAMS_PER_TENANT_MAX": "2", "SLUICE_SUSPENDED_PER_TENANT_MAX": "3", "SLUICE_STATEMENT_TIMEOUT_MS": "120000",
        "SLUICE_QUESTION_WAIT_MS": "30000"}})
    made.fleet(nodes=4)
    return made


@pytest.fixture(scope="module")
def second(sluice, tmp_path_factory):
    """Another sluice-api on the same database; its port is .port."""
    admin_port, port = sluice.ports.take(), sluice.ports.take()
    environment = dict(sluice.api.environment, SLUICE_LISTEN=f"127.0.0.1:{port}", SLUICE_ADMIN_LISTEN=f"127.0.0.1:{admin_port}")
    daemon = Daemon("sluice-api", tmp_path_factory.mktemp("second"), environment, admin_port).start()
    daemon.port = port
    yield daemon
    daemon.stop()


@pytest.fixture
def acme(sluice, request):
    return sluice.tenant(re.sub("[^a-z0-9]+", "-", request.node.name)[-60:].strip("-"))


def wish(day, **fields):
    return {"instance_type": "h100.8x", "zone": ZONE, "count": 1, "starts_at": f"2026-01-{day:02}T00:00:00Z",
            "ends_at": f"2026-01-{day + 1:02}T00:00:00Z", **fields}


class Waiting(threading.Thread):
    """A GET that waits, on a thread and a connection of its own."""

    def __init__(self, client, path, wait_s, etag=None, **headers):
        super().__init__()
        self.client, self.path = client.clone(), path
        self.headers = {"Prefer": f"wait={wait_s}", **({"If-None-Match": etag} if etag else {}), **headers}
        self.answer = self.took_s = None
        self.start()

    def send(self):
        return self.client.get(self.path, headers=self.headers)

    def run(self):
        began = time.monotonic()
        self.answer = self.send()
        self.took_s = time.monotonic() - began
        self.client.close()

    def result(self):
        self.join()
        return self.answer


def waiting_at(daemon):
    """Not sluice_api_suspended: a request whose token is looked up is suspended as well, and does not wait yet."""
    return daemon.metrics()["sluice_api_waiting"]


def waiting_now(sluice):
    return waiting_at(sluice.api)


# ---- Prefer: wait of changes ----


def test_what_was_done_of_a_preference_is_told(sluice, acme):
    def applied(client, wanted, path="/v1/reservations", body=None, **fields):
        answer = client.post(path, body or wish(24, **fields), headers={"Prefer": wanted} if wanted else None)
        return answer.status, answer.headers["Preference-Applied"]
    assert applied(acme, None) == (201, None)
    assert applied(acme, "wait=600, return=minimal") == (201, "wait=60")
    assert applied(acme, "respond-async, wait=30") == (201, "respond-async, wait=30"), "of both the wait comes first (RFC 7240, 4.3)"
    assert applied(acme, "wait=30", count=40) == (409, "wait=30")
    assert applied(acme, "wait=30", "/v1/reservations?validate_only=true") == (200, None), "there is no verdict"
    assert applied(acme, "wait=30", "/v1/projects", {"name": "research"}) == (201, None), "nor here"
    made = acme.create("/v1/reservations", wish(22))
    assert applied(acme, "wait=30", f"/v1/reservations/{made['id']}/amendments", {"count": 2}) == (201, "wait=30")


# ---- Prefer: wait on GET ----


def test_a_get_waits_until_the_object_changes(sluice, acme):
    made = acme.post("/v1/reservations", wish(2)).expect(201).body
    path = f"/v1/reservations/{made['id']}"
    etag = acme.get(path).headers["ETag"]
    waiting = [Waiting(acme, path, 30, etag) for _ in range(2)]
    eventually(lambda: waiting_now(sluice) == 2, "both wait")
    acme.patch(path, {"labels": {"team": "b"}}).expect(200)
    for each in waiting:
        answer = each.result().expect(200)
        assert answer.body["labels"] == {"team": "b"} and answer.headers["ETag"] != etag
        assert each.took_s < 20, "told by the event, not by its time"
    assert acme.get(path, headers={"Prefer": "wait=30", "If-None-Match": etag}).expect(200), "it differs already"


def test_a_get_that_waited_in_vain_is_answered_304(acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    etag = acme.get(path).headers["ETag"]
    in_vain = Waiting(acme, path, 1, etag)
    assert in_vain.result().status == 304 and 0.9 < in_vain.took_s < 20
    assert in_vain.answer.headers["Preference-Applied"] == "wait=1"
    assert Waiting(acme, path, 30).result().expect(200).body["name"] == "research", "without a state to leave nothing is waited for"
    prompt = acme.get(path, headers={"Prefer": "respond-async", "If-None-Match": etag}).expect(304)
    assert prompt.headers["Preference-Applied"] is None, "a GET has no verdict to be told of later"


def test_a_get_waits_until_a_passing_state_is_left(sluice, acme):
    sluice.provisioner.stop()
    taken = acme.post("/v1/reservations", wish(3), headers={"Prefer": "respond-async"}).expect(202)
    assert taken.headers["Preference-Applied"] == "respond-async"
    made = taken.body
    waiting = Waiting(acme, f"/v1/reservations/{made['id']}", 60)
    eventually(lambda: waiting_now(sluice) == 1, "it waits for the verdict")
    sluice.provisioner.start()
    assert waiting.result().expect(200).body["status"]["state"] == "scheduled"


def test_what_is_deleted_while_it_is_waited_for_is_gone(sluice, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    waiting = Waiting(acme, path, 30, acme.get(path).headers["ETag"])
    eventually(lambda: waiting_now(sluice) == 1, "it waits")
    acme.delete(path).expect(204)
    waiting.result().expect(404)


def test_no_more_of_a_tenant_wait_than_may(sluice, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    etag = acme.get(path).headers["ETag"]
    waiting = [Waiting(acme, path, 30, etag) for _ in range(3)]
    eventually(lambda: waiting_now(sluice) == 3, "as many wait as may")
    one_more = acme.get(path, headers={"Prefer": "wait=30", "If-None-Match": etag}, timeout=20).expect(304)
    assert one_more.headers["Preference-Applied"] is None, "it is answered at once, and does not say that it waited"
    acme.patch(path, {"description": "at last"}).expect(200)
    assert [each.result().status for each in waiting] == [200] * 3


def test_a_server_that_stops_answers_who_waits(sluice, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    waiting = Waiting(acme, path, 60, acme.get(path).headers["ETag"])
    eventually(lambda: waiting_now(sluice) == 1, "it waits")
    acme.close()
    sluice.operator.close()
    sluice.api.stop()
    sluice.api.start()
    assert waiting.result().status == 304


# ---- Repetitions ----


@contextlib.contextmanager
def locked(sluice, table, mode, waiting):
    """What needs that table waits meanwhile; gives a function that says whether so many wait."""
    holder = sluice.cluster.connect(sluice.database)
    asked = f"SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
    holder.cursor().execute(f"BEGIN; LOCK TABLE {table} IN {mode} MODE")
    try:
        yield lambda: sluice.sql(asked)[0]["n"] == waiting
    finally:
        holder.close()


@contextlib.contextmanager
def busy_workers(sluice, acme):
    """All four of the threads that run changes wait for a lock meanwhile, in transactions without an id: events go on."""
    asked = f"/v1/availability?zone={ZONE}&from=2026-01-20T00:00:00Z&to=2026-01-21T00:00:00Z"
    threads = [threading.Thread(target=acme.clone().get, args=(asked,)) for _ in range(4)]
    try:
        with locked(sluice, "planner_question", "SHARE", waiting=4) as all_wait:  # nothing is asked
            for thread in threads:
                thread.start()
            eventually(all_wait, "every thread has its change")
            yield
    finally:
        for thread in threads:
            thread.join()


def jobs_waiting(sluice):
    return sluice.api.metrics()["sluice_api_jobs_waiting"]


def test_a_repetition_that_is_refused_before_it_has_looked_is_answered_once(sluice, acme):
    """It looks for a verdict in the threads' queue, and asks other zones through the same one when the verdict comes before its turn."""
    sluice.zone("us-west-1a")
    acme.create("/v1/reservations", wish(27, count=4))
    sluice.provisioner.stop()
    key = {"Idempotency-Key": "once"}
    acme.post("/v1/reservations", wish(27), headers={**key, "Prefer": "respond-async"}).expect(202)
    answers, client = [], acme.clone()
    repetition = threading.Thread(target=lambda: answers.append(client.post("/v1/reservations", wish(27), headers={**key, "Prefer": "wait=60"})))
    with contextlib.ExitStack() as busy:
        # Its token was looked up, by a thread, before there was none for it: the batch waits.
        with locked(sluice, "idempotency", "ACCESS EXCLUSIVE", waiting=1) as batch_waits:
            repetition.start()
            eventually(batch_waits, "it was let in")
            busy.enter_context(busy_workers(sluice, acme))
        eventually(lambda: jobs_waiting(sluice) == 1, "it is to look for a verdict")
        sluice.provisioner.start()
        eventually(lambda: jobs_waiting(sluice) == 2, "the verdict came first, and other zones are to be asked")
    repetition.join()
    assert answers[0].expect(409).code == "capacity_unavailable" and answers[0].body["alternatives"]
    acme.create("/v1/reservations", wish(28))


# ---- Streams ----


def answers(port, token):
    with contextlib.suppress(OSError), contextlib.closing(Client(port, token)) as client:
        return client.get("/v1/me").status == 200
    return False


class Stream:
    """An event stream that is open."""

    def __init__(self, port, token=None, after=None, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request("GET", "/v1/events" + (f"?after={after}" if after else ""), headers={
            "Accept": "text/event-stream", **({"Authorization": f"Bearer {token}"} if token else {}), **headers})
        self.response = self.connection.getresponse()
        self.status, self.headers = self.response.status, self.response.headers

    def ends_within_s(self):
        began = time.monotonic()
        while time.monotonic() - began < ENDING_LIMIT_S and self.response.readline():
            pass
        return time.monotonic() - began

    def close(self):
        self.connection.close()


def end(sluice, acme, ending, account, token):
    """What was shown, who is behind it, or what they may."""
    if ending == "token":
        acme.post(f"/v1/tokens/{token['id']}/revoke").expect(200, 204)
    elif ending == "rotation":
        acme.post(f"/v1/tokens/{token['id']}/rotate", {"overlap_s": 0}).expect(200)
    elif ending == "role":
        acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "billing"}).expect(200)
    elif ending == "principal":
        acme.patch(f"/v1/service-accounts/{account['id']}", {"disabled": True}).expect(200)
    else:
        (tenant,) = sluice.operator.items(f"/v1/system/tenants?name={acme.tenant}")
        sluice.operator.delete(f"/v1/system/tenants/{tenant['id']}").expect(204)


def test_a_tenants_streams_are_bounded_and_others_are_not_kept_out(sluice, acme):
    streams = [Stream(sluice.port, acme.token) for _ in range(2)]
    refused = Stream(sluice.port, acme.token)
    assert refused.status == 429 and b"too_many_streams" in refused.response.read() and int(refused.headers["Retry-After"]) >= 1
    other = Stream(sluice.port, sluice.tenant("with-streams-of-its-own").token)
    assert [each.status for each in (*streams, other)] == [200] * 3
    streams[0].close()

    def opens():
        again = Stream(sluice.port, acme.token)
        again.close()
        return again.status == 200
    eventually(opens, "the place of one that went is free")


@pytest.mark.parametrize("ending", ["token", "rotation", "principal", "role", "tenant"])
def test_a_stream_ends_with_what_opened_it(sluice, ending):
    acme = sluice.tenant(f"ends-with-its-{ending}")
    account = acme.create("/v1/service-accounts", {"name": "watcher", "role": "viewer"})
    token = acme.create("/v1/tokens", {"name": "watches", "principal": "watcher"})
    stream, other = Stream(sluice.port, token["token"]), Stream(sluice.port, acme.token)
    assert (stream.status, other.status) == (200, 200)
    end(sluice, acme, ending, account, token)
    assert stream.ends_within_s() < A_SECOND_S
    if ending == "tenant":
        assert other.ends_within_s() < A_SECOND_S
    else:
        acme.create("/v1/projects", {"name": "goes-on"})
        assert any(b"project.created" in other.response.readline() for _ in range(60)), "the stream of another goes on"
    other.close()


def test_a_stream_goes_on_while_its_opener_may_still_see_it(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "watcher", "role": "viewer"})
    token = acme.create("/v1/tokens", {"name": "watches", "principal": "watcher"})
    stream = Stream(sluice.port, token["token"])
    acme.post(f"/v1/tokens/{token['id']}/rotate", {"overlap_s": 3600}).expect(200)
    acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "admin"}).expect(200)
    acme.create("/v1/projects", {"name": "goes-on"})
    assert any(b"project.created" in stream.response.readline() for _ in range(60))
    stream.close()


def test_a_stream_ends_with_the_session_that_nobody_uses(sluice, acme):
    made = sluice.client(acme.token).post("/v1/sessions").expect(201)
    stream = Stream(sluice.port, Cookie=made.headers["Set-Cookie"].partition(";")[0])
    assert stream.status == 200
    sluice.sql("UPDATE session SET last_used_at = clock_timestamp() - 2 * idle_s * interval '1 second' WHERE principal_id ="
               " (SELECT principal_id FROM session ORDER BY created_at DESC LIMIT 1)")
    assert stream.ends_within_s() < A_SECOND_S


def test_a_stream_that_comes_before_the_log_was_read_goes_on_from_where_it_stood(sluice, acme, tmp_path):
    acme.create("/v1/projects", {"name": "before"})
    last = sluice.events(acme)[-1]["id"]
    admin_port, port = sluice.ports.take(), sluice.ports.take()
    environment = dict(sluice.api.environment, SLUICE_LISTEN=f"127.0.0.1:{port}", SLUICE_ADMIN_LISTEN=f"127.0.0.1:{admin_port}")
    with contextlib.closing(sluice.cluster.connect(sluice.database)) as keeper, keeper.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE sluice.event_generation IN ACCESS EXCLUSIVE MODE")  # the log cannot be read
        third = Daemon("sluice-api", tmp_path, environment, admin_port)
        third.launch()
        eventually(lambda: answers(port, acme.token), "it answers")
        stream = Stream(port, acme.token, after=last)
        cursor.execute("ROLLBACK")
    try:
        acme.create("/v1/projects", {"name": "behind"})
        said = []
        while b"event: project.created\n" not in said and len(said) < 12:
            said.append(stream.response.readline())
        assert b"event: reset\n" not in said and sum(line.startswith(b"id: ") for line in said) == 1, said
        stream.close()
    finally:
        third.stop()


# ---- Where the log does not go on ----


RESET = [b"retry: 1000\n", b"\n", b"event: reset\n", b"data: {}\n", b"\n"]


@contextlib.contextmanager
def opened(stack, position):
    """An operator's stream from there on."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", stack.port, timeout=ANSWER_WITHIN_S)) as connection:
        connection.request("GET", f"/v1/system/events?after={position}", headers={
            "Authorization": f"Bearer {stack.operator.token}", "Accept": "text/event-stream"})
        yield connection.getresponse()


def first_lines(stack, position):
    with opened(stack, position) as answer:
        return [answer.readline() for _ in RESET]


def test_a_position_from_before_a_restore_is_reset_and_a_quiet_stream_shows_that_it_lives(stack):
    stack.zone()
    (made,) = stack.events(stack.operator, "/v1/system/events")
    stack.api.stop()
    stack.sql("UPDATE event_generation SET generation = generation + 1")  # as deploy/restore does, while nothing runs
    stack.api.start()
    stack.operator.close()
    assert stack.operator.get(f"/v1/system/events?after={made['id']}").expect(422).code == "invalid_cursor"
    with opened(stack, made["id"]) as answer:
        assert [answer.readline() for _ in range(5)] == RESET
        assert answer.readline().startswith(b":"), "a comment, within 15 s"
        stack.sql("UPDATE event_generation SET generation = generation + 1")
        assert b"event: reset\n" in (answer.readline() for _ in range(5)), "and where a restore comes beneath an open one"


def test_a_position_whose_events_have_expired_is_reset(stack):
    stack.sql("SELECT partition_ensure('event', '2020-01-01', '2020-01-01')")
    stack.zone()
    stack.sql("UPDATE event SET recorded_at = '2020-01-01'")
    expired = stack.events(stack.operator, "/v1/system/events")[-1]["id"]
    beginning = expired.split("-")[0] + "-0-0"
    assert stack.operator.items(f"/v1/system/events?after={beginning}"), "nothing has gone yet"
    stack.zone("us-east-1b")
    kept = stack.events(stack.operator, f"/v1/system/events?after={expired}")
    assert kept
    stack.sql("SELECT partition_maintain()")
    for position in (beginning, expired):
        refused = stack.operator.get(f"/v1/system/events?after={position}").expect(422)
        assert refused.code == "invalid_cursor" and "not kept" in refused.body["detail"]
        eventually(lambda position=position: first_lines(stack, position) == RESET, "streams know it, too")
    assert stack.events(stack.operator, "/v1/system/events") == kept
    stack.operator.get(f"/v1/system/events?after={kept[0]['id']}").expect(200)


def test_who_reads_on_while_events_expire_is_told(stack):
    """A page and a stream, from a position that was fine when they came."""
    stack.sql("SELECT partition_ensure('event', '2020-01-01', '2020-01-01')")
    stack.zone()
    expired = stack.events(stack.operator, "/v1/system/events")[-1]["id"]
    stack.sql("UPDATE event SET recorded_at = '2020-01-01'")
    stack.zone("us-east-1b")
    pages, client = [], stack.operator.clone()
    reader = threading.Thread(target=lambda: pages.append(client.get(f"/v1/system/events?after={expired}")))
    with contextlib.closing(stack.cluster.connect(stack.database)) as keeper, keeper.cursor() as cursor:
        cursor.execute("BEGIN; SELECT sluice.partition_maintain()")
        reader.start()
        eventually(lambda: stack.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%e.object_revision%'"), "the page is read")
        with opened(stack, expired) as answer:
            cursor.execute("COMMIT")
            assert [answer.readline() for _ in RESET] == RESET
    reader.join()
    assert pages[0].expect(422).code == "invalid_cursor"


# ---- Replicas ----


@pytest.mark.parametrize("ending, code", [("token", "token_revoked"), ("rotation", "unauthenticated"), ("principal", "principal_disabled"), ("tenant", "principal_disabled")])
def test_a_get_that_waits_is_refused_everywhere_when_what_it_was_sent_with_ends(sluice, second, ending, code):
    acme = sluice.tenant(f"waits-until-its-{ending}-ends")
    made = acme.create("/v1/projects", {"name": "research"})
    etag = acme.get(f"/v1/projects/{made['id']}").headers["ETag"]
    account = acme.create("/v1/service-accounts", {"name": "watcher", "role": "viewer"})
    token = acme.create("/v1/tokens", {"name": "watches", "principal": "watcher"})
    replicas = (sluice.api, second)
    waiting = [Waiting(Client(port, token["token"]), f"/v1/projects/{made['id']}", 60, etag) for port in (sluice.port, second.port)]
    eventually(lambda: [waiting_at(each) for each in replicas] == [1, 1], "both wait")
    began = time.monotonic()
    end(sluice, acme, ending, account, token)
    assert [each.result().expect(401).code for each in waiting] == [code] * 2
    assert time.monotonic() - began < A_SECOND_S


AVAILABILITY = f"/v1/availability?zone={ZONE}&from=2026-01-20T00:00:00Z&to=2026-01-21T00:00:00Z"
QUESTIONS = {"read": lambda client: client.get(AVAILABILITY),
             "preview": lambda client: client.post("/v1/reservations?validate_only=true", wish(24))}


@contextlib.contextmanager
def unanswered(sluice, client, how):
    """A question of the client's that no planner answers."""
    count = "SELECT count(*) AS n FROM planner_question"
    before = sluice.sql(count)[0]["n"]
    sluice.provisioner.signal(signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(QUESTIONS[how], client)
            eventually(lambda: sluice.sql(count)[0]["n"] > before, "it is asked")
            yield asked
    finally:
        sluice.provisioner.signal(signal.SIGCONT)


@pytest.mark.parametrize("how", QUESTIONS)
@pytest.mark.parametrize("ending, status, code", [("token", 401, "token_revoked"), ("role", 403, "forbidden")])
def test_who_asks_a_planner_is_refused_when_they_may_not_any_more(sluice, how, ending, status, code):
    acme = sluice.tenant(f"asks-a-{how}-until-its-{ending}-ends")
    account = acme.create("/v1/service-accounts", {"name": "asks", "role": "member"})
    token = acme.create("/v1/tokens", {"name": "asks", "principal": "asks"})
    with unanswered(sluice, Client(sluice.port, token["token"]), how) as asked:
        end(sluice, acme, ending, account, token)
        assert asked.result(A_SECOND_S).expect(status).code == code


def test_who_may_ask_a_planner_all_the_same_is_told_to_repeat(sluice, acme):
    account = acme.create("/v1/service-accounts", {"name": "asks", "role": "member"})
    token = acme.create("/v1/tokens", {"name": "asks", "principal": "asks"})
    with unanswered(sluice, Client(sluice.port, token["token"]), "read") as asked:
        acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "viewer"}).expect(200)
        assert asked.result(A_SECOND_S).expect(503).code == "serialization_failure"


def test_a_get_that_waits_is_refused_when_its_session_ends(sluice, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    session = sluice.client(acme.token).post("/v1/sessions").expect(201)
    path = f"/v1/projects/{made['id']}"
    waiting = Waiting(Client(sluice.port), path, 60, acme.get(path).headers["ETag"], Cookie=session.headers["Set-Cookie"].partition(";")[0])
    eventually(lambda: waiting_now(sluice) == 1, "it waits")
    sluice.sql("UPDATE session SET revoked_at = clock_timestamp() WHERE id = (SELECT id FROM session ORDER BY created_at DESC LIMIT 1)")
    assert waiting.result().expect(401).code == "token_revoked" and waiting.took_s < 30


def test_a_get_that_waits_goes_on_while_its_caller_may_still_see_it(sluice, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    account = acme.create("/v1/service-accounts", {"name": "watcher", "role": "member"})
    token = acme.create("/v1/tokens", {"name": "watches", "principal": "watcher"})
    waiting = Waiting(Client(sluice.port, token["token"]), path, 30, acme.get(path).headers["ETag"])
    eventually(lambda: waiting_now(sluice) == 1, "it waits")
    sluice.sql("UPDATE token SET last_used_at = NULL WHERE name = 'watches'")
    acme.patch(f"/v1/service-accounts/{account['id']}", {"role": "viewer"}).expect(200)
    eventually(lambda: sluice.sql("SELECT last_used_at FROM token WHERE name = 'watches' AND last_used_at IS NOT NULL"), "it is asked anew what the token may")
    acme.patch(path, {"description": "seen"}).expect(200)
    assert waiting.result().expect(200).body["description"] == "seen"


class Change(Waiting):
    """A POST that waits for its verdict."""

    def __init__(self, client, path, body, **headers):
        self.body = body
        super().__init__(client, path, 60, **headers)

    def send(self):
        return self.client.post(self.path, self.body, headers=self.headers)


@contextlib.contextmanager
def undecided(sluice):
    """Nobody decides anything meanwhile."""
    sluice.provisioner.stop()
    try:
        yield
    finally:
        sluice.provisioner.start()


@pytest.mark.parametrize("ending, day", [("token", 4), ("rotation", 6), ("principal", 8), ("role", 10)])
def test_a_change_that_waits_is_answered_with_what_there_is_when_what_it_was_sent_with_ends(sluice, second, ending, day):
    acme = sluice.tenant(f"asks-until-its-{ending}-ends")
    account = acme.create("/v1/service-accounts", {"name": "worker", "role": "member"})
    token = acme.create("/v1/tokens", {"name": "asks", "principal": "worker"})
    made = acme.create("/v1/reservations", wish(day))
    key = {"Idempotency-Key": f"until-{ending}"}
    with undecided(sluice):
        acme.post("/v1/reservations", wish(day + 1), headers={**key, "Prefer": "respond-async"}).expect(202)
        here, there = Client(sluice.port, token["token"]), Client(second.port, token["token"])
        asked = [Change(here, "/v1/reservations", wish(day)), Change(there, "/v1/reservations", wish(day + 1)),
                 Change(here, f"/v1/reservations/{made['id']}/amendments", {"count": 2}), Change(there, "/v1/quotes", wish(day))]
        other = Change(acme, "/v1/reservations", wish(day + 1), **key)  # a repetition, by somebody who may go on
        committed = ("SELECT (SELECT count(*) FROM reservation r WHERE r.tenant_id = w.id) + (SELECT count(*) FROM amendment a WHERE a.tenant_id = w.id) AS count"
                     " FROM tenant w WHERE w.name = %s")
        eventually(lambda: sluice.sql(committed, (acme.tenant,)) == [{"count": 6}], "all are committed")
        began = time.monotonic()
        end(sluice, acme, ending, account, token)
        told = [each.result().expect(202).body for each in asked]
        assert [body.get("status", body)["state"] for body in told] == ["pending", "pending", "requested", "pending"]
        assert time.monotonic() - began < A_SECOND_S
        assert other.is_alive()
    assert other.result().expect(201).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("how", ["revoke", "delete", "disable"])
def test_a_token_that_ended_is_refused_on_every_replica_within_a_second(sluice, acme, second, how):
    account = acme.create("/v1/service-accounts", {"name": "worker", "role": "member"})
    token = acme.create("/v1/tokens", {"name": "works", "principal": "worker"})
    clients = [Client(port, token["token"]) for port in (sluice.port, second.port)]
    for client in clients:
        client.get("/v1/me").expect(200)
    if how == "revoke":
        acme.post(f"/v1/tokens/{token['id']}/revoke").expect(200, 204)
    elif how == "delete":
        acme.delete(f"/v1/tokens/{token['id']}").expect(204)
    else:
        acme.patch(f"/v1/service-accounts/{account['id']}", {"disabled": True}).expect(200)
    for client in clients:
        eventually(lambda client=client: client.get("/v1/me").status == 401, "it is refused", A_SECOND_S)
        client.close()
