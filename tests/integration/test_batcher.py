"""The write batcher: many requests in one transaction, each with an outcome of its own, whatever its neighbours do."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import resource
import select
import socket
import threading
import time

import pytest

from stack import Client, Daemon, eventually

WISH = {
    "instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
    "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-03T01:00:00Z",
}
NO_WAIT = {"Prefer": "respond-async"}
BATCH_MAX, QUEUE_MAX = 32, 16
FLOOD = 2000
NOTICE_EVERY_S = 0.02
BESIDE = 128


@contextlib.contextmanager
def batches_held(stack):
    """The batch under way waits in its INSERT, so that what is asked for meanwhile meets in the queue."""
    with contextlib.closing(stack.cluster.connect(stack.database)) as blocker:
        blocker.autocommit = False
        with blocker.cursor() as cursor:
            cursor.execute("LOCK TABLE reservation IN SHARE MODE")
        yield
        blocker.rollback()


def batch_waits(stack):
    return stack.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'sluice_api_writer' AND wait_event_type = 'Lock'")


def queue_of(stack):
    return stack.api.metrics()["sluice_api_batch_queue"]


class Asker(threading.Thread):
    """One request, and what became of it."""

    def __init__(self, client, body=None, headers=None):
        super().__init__(daemon=True)
        self.client, self.body, self.headers = client.clone(), body or WISH, {**NO_WAIT, **(headers or {})}
        self.answer = None
        self.start()

    def run(self):
        self.answer = self.client.post("/v1/reservations", self.body, headers=self.headers)


def joined(askers):
    for asker in askers:
        asker.join(60)
        assert asker.answer is not None, "a request got no answer"
    return [asker.answer for asker in askers]


def hold_first(stack, client):
    """The request whose batch waits; whatever is asked for next is queued behind it."""
    first = Asker(client)
    eventually(lambda: batch_waits(stack), "the first batch waits")
    return first


def queued(stack, count):
    eventually(lambda: queue_of(stack) == count, f"{count} requests are queued")


# ---- Neighbours ----


def refuse_tenant(stack, name):
    """An error that nobody expects, for the rows of one tenant."""
    stack.sql(f"""
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE division_by_zero USING MESSAGE = 'the test wants it so';
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON reservation FOR EACH ROW
           WHEN (NEW.tenant_id = '{stack.sql("SELECT id FROM tenant WHERE name = %s", (name,))[0]["id"]}') EXECUTE FUNCTION public.refuse()""")


def test_a_row_that_the_database_rejects_does_not_fail_its_neighbours(stack):
    stack.fleet(2)
    good, bad = stack.tenant("good"), stack.tenant("bad")
    refuse_tenant(stack, "bad")

    with batches_held(stack):
        first = hold_first(stack, good)
        neighbours = [Asker(good) for _ in range(12)]
        rejected = [Asker(bad) for _ in range(2)]
        queued(stack, 14)
    made = {answer.expect(202).body["id"] for answer in joined([first, *neighbours])}
    for answer in joined(rejected):
        assert (answer.status, answer.code) == (500, "internal"), answer
        assert "the test wants it so" not in str(answer.body), "what the database said is for the log"
    assert {item["id"] for item in good.items("/v1/reservations?limit=1000")} == made and len(made) == 13
    assert bad.items("/v1/reservations") == []
    metrics = stack.api.metrics()
    assert metrics["sluice_api_batch_bisections_total"] >= 1
    assert '"event":"tenant_isolated"' in stack.api.log.read_text()

    # For a minute that tenant has batches of its own, so that it splits nobody else's.
    stack.sql("DROP TRIGGER refuse ON reservation")
    with batches_held(stack):
        first = hold_first(stack, good)
        others = [Asker(good) for _ in range(6)] + [Asker(bad) for _ in range(6)]
        queued(stack, 12)
    assert {answer.status for answer in joined([first, *others])} == {202}
    after = stack.api.metrics()
    assert after["sluice_api_isolated_batches_total"] == metrics["sluice_api_isolated_batches_total"] + 1
    assert after["sluice_api_batches_total"] == metrics["sluice_api_batches_total"] + 3, "the first, the others', its own"
    assert after["sluice_api_batch_bisections_total"] == metrics["sluice_api_batch_bisections_total"]


def test_equal_keys_in_one_batch_make_one_object(stack):
    stack.fleet(2)
    tenant = stack.tenant("acme")
    key = {"Idempotency-Key": "twins"}
    before = stack.api.metrics()["sluice_api_batched_requests_total"]
    with batches_held(stack):
        first = hold_first(stack, tenant)
        twins = [Asker(tenant, WISH, key)]
        queued(stack, 1)
        twins += [Asker(tenant, WISH, key) for _ in range(7)]
        queued(stack, 8)
        misuse = Asker(tenant, dict(WISH, count=2), key)
        stranger = Asker(stack.token("member", "acme"), WISH, key)  # a key is its principal's own
        queued(stack, 10)
    answers = joined(twins)
    assert {answer.status for answer in answers} <= {200, 201, 202}, answers
    ids = {answer.body["id"] for answer in answers}
    assert len(ids) == 1
    assert sum(answer.headers["Idempotent-Replayed"] == "true" for answer in answers) == len(answers) - 1
    assert (misuse.answer or joined([misuse])[0]).code == "idempotency_key_reused"
    other, one = joined([stranger, first])
    everything = {item["id"] for item in tenant.items("/v1/reservations?limit=1000")}
    assert everything == ids | {other.expect(202).body["id"], one.expect(202).body["id"]} and len(everything) == 3
    assert stack.api.metrics()["sluice_api_batched_requests_total"] == before + 3, "the first, the twins as one, the stranger"


# ---- Replicas ----


@pytest.fixture
def replicas(make_stack, tmp_path):
    """(stack, the ports of two sluice-api on one database); nobody decides, so what is asked for stays pending."""
    stack = make_stack()
    stack.fleet(1)
    stack.provisioner.stop()
    admin_port, port = stack.ports.take(), stack.ports.take()
    environment = dict(stack.api.environment, SLUICE_LISTEN=f"127.0.0.1:{port}", SLUICE_ADMIN_LISTEN=f"127.0.0.1:{admin_port}")
    second = Daemon("sluice-api", tmp_path, environment, admin_port).start()
    yield stack, (stack.port, port)
    second.stop()


def race(ports, token, threads, rounds, request_of):
    """In each round all threads, half of them at each replica, ask at once. Returns the answers of each round."""
    barrier = threading.Barrier(threads)
    answers = [[None] * threads for _ in range(rounds)]

    def run(number):
        client = Client(ports[number % 2], token)
        for turn in range(rounds):
            body, headers = request_of(turn, number)
            barrier.wait(60)
            answers[turn][number] = client.post("/v1/reservations", body, headers={**NO_WAIT, **headers})

    runners = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(120)
        assert not runner.is_alive()
    return answers


def test_replicas_that_race_on_a_key_make_one_object(replicas):
    stack, ports = replicas
    tenant = stack.tenant("acme")
    rounds = race(ports, tenant.token, 16, 20, lambda turn, _: (WISH, {"Idempotency-Key": f"key-{turn}"}))
    for answers in rounds:
        assert {answer.status for answer in answers} <= {200, 201, 202, 409}, answers
        assert len({answer.body.get("reservation", answer.body.get("id")) for answer in answers}) == 1, "all answers agree"
    assert stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == len(rounds)


def test_replicas_that_race_on_a_name_make_one_object(replicas):
    stack, ports = replicas
    tenant = stack.tenant("acme")
    rounds = race(ports, tenant.token, 16, 20, lambda turn, _: (dict(WISH, name=f"name-{turn}"), {}))
    for answers in rounds:
        made = [answer for answer in answers if answer.status == 202]
        assert len(made) == 1, answers
        assert {answer.code for answer in answers if answer is not made[0]} == {"name_taken"}
    assert stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == len(rounds)


def test_a_repeated_request_with_a_name_does_not_lose_to_itself(replicas):
    """The same key and the same name at both replicas: one request, so nobody is told that the name is taken."""
    stack, ports = replicas
    tenant = stack.tenant("acme")
    rounds = race(ports, tenant.token, 16, 20, lambda turn, _: (dict(WISH, name=f"mine-{turn}"), {"Idempotency-Key": f"mine-{turn}"}))
    for answers in rounds:
        assert "name_taken" not in {answer.code for answer in answers}
        assert len({answer.body.get("reservation", answer.body.get("id")) for answer in answers}) == 1, "all answers agree"
    assert stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == len(rounds)


def test_names_and_keys_mixed_end_in_one_holder_per_name(replicas):
    """Each thread has a key of its own and all want one name: conflicts within a batch and between replicas at once."""
    stack, ports = replicas
    tenant = stack.tenant("acme")
    rounds = race(ports, tenant.token, 16, 20,
                  lambda turn, number: (dict(WISH, name=f"wanted-{turn}"), {"Idempotency-Key": f"{turn}-{number}"}))
    for answers in rounds:
        assert sorted(answer.code or "made" for answer in answers) == ["made"] + ["name_taken"] * 15
    assert stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == len(rounds)


# ---- Shares and bounds ----


@pytest.fixture
def many_files():
    """Room for a flood of sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * FLOOD + 1000:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def send_raw(stack, token):
    """A create on a connection of its own, not waited for."""
    body = b'{"instance_type":"h100.8x","zone":"us-east-1a","count":1,"starts_at":"2026-01-03T00:00:00Z","ends_at":"2026-01-03T01:00:00Z"}'
    connection = socket.create_connection(("127.0.0.1", stack.port))
    connection.sendall((f"POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                        f"Prefer: respond-async\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
    return connection


def status_of(connection):
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    assert waiting.poll(60_000), "a request got no answer"
    status = int(connection.recv(65536).split(b" ", 2)[1])
    connection.close()
    return status


def test_a_flood_of_one_tenant_does_not_delay_another(many_files, make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_BATCH_MAX": str(BATCH_MAX)}})
    stack.fleet(2)
    flooding, quiet = stack.tenant("flooding"), stack.tenant("quiet")
    with batches_held(stack):
        first = hold_first(stack, flooding)
        flood = [send_raw(stack, flooding.token) for _ in range(FLOOD)]
        queued(stack, FLOOD - BATCH_MAX)  # with so many waiting another batch has left, which is held up, too
        last = Asker(quiet)
        queued(stack, FLOOD - BATCH_MAX + 1)
    identity = joined([first, last])[1].expect(202).body["id"]
    assert {status_of(connection) for connection in flood} == {202}

    order = stack.sql("""
        SELECT e.tenant_id = (SELECT id FROM tenant WHERE name = 'quiet') AS quiet, dense_rank() OVER (ORDER BY xid) AS batch
          FROM event e WHERE kind = 'reservation.created' ORDER BY xid, seq""")
    assert identity and len(order) == FLOOD + 2
    (batch,) = [row["batch"] for row in order if row["quiet"]]
    assert batch in (3, 4), "it is in the batch that is taken next, though it came last; another one may begin before that"
    assert order[-1]["batch"] >= FLOOD / BATCH_MAX


def test_a_full_queue_refuses_at_once_and_loses_nothing(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_BATCH_QUEUE_MAX": str(QUEUE_MAX)}})
    stack.fleet(2)
    tenant = stack.tenant("acme")
    with batches_held(stack):
        first = hold_first(stack, tenant)
        fitting = [Asker(tenant) for _ in range(QUEUE_MAX)]
        queued(stack, QUEUE_MAX)
        for _ in range(3):  # answered while the batch before still waits
            refused = tenant.post("/v1/reservations", WISH, headers=NO_WAIT)
            assert (refused.status, refused.code) == (503, "overloaded"), refused
            assert int(refused.headers["Retry-After"]) >= 1 and refused.body["retryable"]
    made = {answer.expect(202).body["id"] for answer in joined([first, *fitting])}
    assert stack.api.metrics()["sluice_api_batch_refused_total"] == 3
    made.add(tenant.create("/v1/reservations", WISH, headers=NO_WAIT)["id"])
    assert {item["id"] for item in tenant.items("/v1/reservations?limit=1000")} == made


class Notices:
    """What the zones' leaders are told: how often, until when, and in what words."""

    def __init__(self, stack):
        self.connection = stack.cluster.connect(stack.database)
        with self.connection.cursor() as cursor:
            cursor.execute("LISTEN sluice_wish")
        self.since, self.until, self.count, self.payloads = time.monotonic(), None, 0, set()

    def poll(self):
        self.connection.poll()
        if self.connection.notifies:
            self.until = time.monotonic()
        self.count += len(self.connection.notifies)
        self.payloads.update(notice.payload for notice in self.connection.notifies)
        self.connection.notifies.clear()
        return self.count

    def most(self, every_s):
        """As many as there may be: one at once, and one with the end of each period since."""
        return 1 + (self.until - self.since) // every_s + 1


@contextlib.contextmanager
def key_held(stack, tenant, key):
    """Another replica's transaction that has not ended has used the key: the batch with the same one waits for it."""
    with contextlib.closing(stack.cluster.connect(stack.database)) as blocker:
        blocker.autocommit = False
        with blocker.cursor() as cursor:
            cursor.execute("INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)"
                           " SELECT t.id, p.id, %s, sha256(''), gen_random_uuid() FROM tenant t JOIN principal p ON p.tenant_id = t.id"
                           " WHERE t.name = %s", (key, tenant))
        yield
        blocker.rollback()


def test_another_batch_leaves_beside_one_that_is_held_up(stack):
    stack.fleet(1)
    client = stack.tenant("held-up")
    with key_held(stack, "held-up", "held"):
        first = Asker(client, headers={"Idempotency-Key": "held"})
        eventually(lambda: batch_waits(stack), "the first batch waits")
        others = [Asker(client) for _ in range(BESIDE - 1)]
        queued(stack, BESIDE - 1)
        others.append(Asker(client))
        assert [answer.status for answer in joined(others)] == [202] * BESIDE
        assert first.answer is None
    assert joined([first])[0].status == 202


def test_wishes_that_nobody_waits_for_share_notices_and_each_is_followed_by_one(stack):
    stack.fleet(2)
    tenant = stack.tenant("acme")
    notices = Notices(stack)
    with contextlib.closing(notices.connection):
        for _ in range(40):
            tenant.create("/v1/reservations", WISH, headers=NO_WAIT)
        for _ in range(5):
            before = notices.poll()
            tenant.create("/v1/reservations", WISH, headers=NO_WAIT)
            eventually(lambda: notices.poll() > before, "the last is told, too, though others were just before")
        assert notices.count <= notices.most(NOTICE_EVERY_S), notices.count
        assert notices.payloads == {"unhurried"}
        before = notices.poll()
        tenant.create("/v1/reservations", {**WISH, "if_unavailable": "waitlist"})
        eventually(lambda: notices.poll() > before, "who waits for a verdict has it told, too")
        eventually(lambda: notices.poll() and "" in notices.payloads, "and that somebody waits")
