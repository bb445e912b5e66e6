"""The connection to the database is cut before, during and after COMMIT. Every answer stays true: what was acknowledged
is there once, what was refused is not, and where nobody can know, the answer says so and a retry finds out."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import datetime
import functools
import threading

import pytest

from pg_proxy import AFTER, BEFORE, DURING, PostgresProxy
from stack import HAPPENS_WITHIN_S, eventually

WRITER, PROVISIONER = "sluice_api_writer", "sluice_provisioner"
ROUNDS = 5
CALLERS = 4
NODES = 12
RETRIES_MAX = 50
AT_COMMIT = 4711  # the advisory lock at which a COMMIT can be made to wait


@pytest.fixture(scope="module")
def behind_proxies(make_module_stack, scratch):
    """behind_proxies(role) -> (stack, proxy), one for each role: the daemon that uses it reaches its database through the proxy."""
    with contextlib.ExitStack() as cleanup:

        @functools.cache
        def make(role):
            stack = make_module_stack(settings={"sluice-provisioner": {"SLUICE_LEASE_TTL_MS": "60000"}})  # so long a COMMIT may take
            stack.fleet(NODES)
            proxy = cleanup.enter_context(PostgresProxy(scratch / f"proxy-of-{role}", stack.database_url))
            daemon = stack.api if role == WRITER else stack.provisioner
            daemon.stop()
            daemon.environment["SLUICE_DATABASE_URL"] = proxy.url
            daemon.start()
            cleanup.callback(daemon.stop)  # while there is a proxy still
            stack.operator.close()  # its kept connection ended with the first process
            return stack, proxy

        yield make


@pytest.fixture
def proxied(behind_proxies):
    """proxied(role) -> (stack, a tenant of this test alone, proxy)"""
    with contextlib.ExitStack() as cleanup:

        def make(role):
            stack, proxy = behind_proxies(role)
            return stack, cleanup.enter_context(stack.guests())(), proxy

        yield make


def wish(stack):
    """An instance for an hour, two days from now."""
    day = datetime.datetime.fromisoformat(stack.operator.get("/v1/system/clock").expect(200).body["now"]) + datetime.timedelta(days=2)
    return {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "starts_at": f"{day:%FT%TZ}", "ends_at": f"{day + datetime.timedelta(hours=1):%FT%TZ}"}


class Caller(threading.Thread):
    """Creates one reservation and repeats under the same key until it is told what became of it."""

    def __init__(self, stack, tenant, key, headers=None):
        super().__init__(daemon=True)
        self.stack, self.tenant, self.client, self.key = stack, tenant, tenant.clone(), key
        self.wish = wish(stack)
        self.headers = {"Idempotency-Key": key, **(headers or {})}
        self.refusals, self.answer, self.trouble = [], None, None

    def rows(self):
        return self.stack.sql("SELECT object_id FROM idempotency i JOIN tenant t ON t.id = i.tenant_id WHERE i.key = %s AND t.name = %s", (self.key, self.tenant.tenant))

    def run(self):
        try:
            for _ in range(RETRIES_MAX):
                answer = self.client.post("/v1/reservations", self.wish, headers=self.headers)
                if answer.status != 503:
                    self.answer = answer.expect(201, 202, 409)
                    return
                assert int(answer.headers["Retry-After"]) >= 1 and answer.body["retryable"], answer
                assert answer.code in ("database_unavailable", "outcome_unknown"), answer
                if answer.code == "database_unavailable":
                    assert self.rows() == [], "refused as unavailable, and yet it is there"
                self.refusals.append(answer.code)
            raise AssertionError(f"{self.key}: still 503 after {RETRIES_MAX} tries")
        except BaseException as error:  # told by the test's own thread
            self.trouble = error

    @property
    def reservation(self):
        return self.answer.body["reservation"] if self.answer.status == 409 else self.answer.body["id"]


def call_together(stack, tenant, prefix, headers=None):
    callers = [Caller(stack, tenant, f"{prefix}-{number}", headers) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(90)
        assert caller.trouble is None, f"{caller.key}: {caller.trouble!r}"
        assert caller.answer is not None, f"{caller.key}: no answer"
    return callers


def count(stack, tenant, table, which="true"):
    """The tenant's rows of a table."""
    return stack.sql(f"SELECT count(*) AS n FROM {table} x JOIN tenant t ON t.id = x.tenant_id WHERE t.name = %s AND {which}", (tenant.tenant,))[0]["n"]


def each_key_made_one_reservation(stack, tenant, callers):
    """And every answer is what the database says now."""
    known = {item["id"]: item["status"]["state"] for item in tenant.items("/v1/reservations?limit=1000")}
    assert len({caller.reservation for caller in callers}) == len(callers) == len(known)
    assert count(stack, tenant, "reservation") == count(stack, tenant, "event", "x.kind = 'reservation.created'") == len(callers)
    for caller in callers:
        assert caller.reservation in known, f"{caller.key} was answered {caller.answer.status} and is gone"
        if caller.answer.status in (201, 409):
            state = known[caller.reservation]
            assert (caller.answer.status == 409) == (state == "rejected"), (caller.answer, state)
        again = tenant.post("/v1/reservations", caller.wish, headers={"Idempotency-Key": caller.key})
        named = again.body["reservation"] if again.status == 409 else again.body["id"]
        assert named == caller.reservation, "the same key names the same reservation for ever"


def each_verdict_was_written_once(stack, tenant):
    verdicts = stack.sql("""
        SELECT r.id, count(e.seq) AS verdicts, min(s.state) AS state, min(s.revision) AS revision
          FROM reservation r JOIN tenant t ON t.id = r.tenant_id AND t.name = %s LEFT JOIN reservation_status s ON s.reservation_id = r.id
          LEFT JOIN event e ON e.object_id = r.id AND e.kind IN ('reservation.scheduled', 'reservation.rejected')
         GROUP BY r.id""", (tenant.tenant,))
    assert all(row["verdicts"] == 1 and row["revision"] == 1 for row in verdicts), verdicts
    granted = sum(row["state"] == "scheduled" for row in verdicts)
    assert granted == min(NODES, len(verdicts)), "the fleet is full, and no more than full"
    places = stack.sql("""SELECT reservation_id, count(*) AS n FROM allocation a JOIN tenant t ON t.id = a.tenant_id
                           WHERE kind = 'instance' AND t.name = %s GROUP BY reservation_id""", (tenant.tenant,))
    assert len(places) == granted and all(row["n"] == 1 for row in places), places
    assert stack.sql("""
        SELECT a.node_id FROM allocation a JOIN allocation b ON a.node_id = b.node_id AND a.slots && b.slots
           AND a.period && b.period AND a.id < b.id""") == [], "nothing is double-booked"


@pytest.mark.parametrize("headers", [None, {"Prefer": "respond-async"}], ids=["decided", "async"])
@pytest.mark.parametrize("when", [BEFORE, DURING, AFTER])
def test_a_cut_at_the_batchers_commit_leaves_every_answer_true(proxied, when, headers):
    stack, tenant, proxy = proxied(WRITER)
    callers = []
    for number in range(ROUNDS):
        cut = proxy.arm(WRITER, when)
        made = call_together(stack, tenant, f"{when}-{number}", headers)
        assert cut.done.wait(HAPPENS_WITHIN_S), "the COMMIT was cut"
        refused = [caller for caller in made if caller.refusals]
        if when == BEFORE:
            assert refused, "who was in the batch is told that nothing was changed"
        else:
            assert not refused, "the outcome could be found out, so nobody is sent away"
        callers += made
    eventually(lambda: count(stack, tenant, "reservation_status") == len(callers), "all are decided")
    each_key_made_one_reservation(stack, tenant, callers)
    each_verdict_was_written_once(stack, tenant)


def test_while_the_commit_is_under_way_nobody_is_answered(proxied):
    """The server has the COMMIT and takes its time when the connection breaks: whoever asks finds it in progress."""
    stack, tenant, proxy = proxied(WRITER)
    asks = "SELECT pid FROM pg_stat_activity WHERE usename = %s AND query LIKE '%%pg_xact_status%%' AND query_start > %s"
    with commits_wait(stack, "reservation"), contextlib.closing(stack.cluster.connect(stack.database)) as gate, gate.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s), clock_timestamp()", (AT_COMMIT,))
        began = cursor.fetchone()[1]
        cut = proxy.arm(WRITER, DURING)
        caller = Caller(stack, tenant, "slow", {"Prefer": "respond-async"})
        caller.start()
        assert cut.done.wait(HAPPENS_WITHIN_S)
        eventually(lambda: stack.sql(asks, (WRITER, began)), "the batcher asks what became of its transaction")
        assert caller.answer is None and not caller.refusals
        cursor.execute("SELECT pg_advisory_unlock(%s)", (AT_COMMIT,))
        caller.join(HAPPENS_WITHIN_S)
    assert caller.trouble is None and caller.answer.status == 202 and not caller.refusals, (caller.trouble, caller.answer)
    each_key_made_one_reservation(stack, tenant, [caller])


@contextlib.contextmanager
def commits_wait(stack, table):
    """Meanwhile a COMMIT that made a row of the table waits while somebody holds the advisory lock AT_COMMIT."""
    stack.sql(f"""
        CREATE FUNCTION public.wait_at_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared({AT_COMMIT});
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON {table}
           DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.wait_at_commit()""")
    yield
    stack.sql("DROP FUNCTION public.wait_at_commit CASCADE")


def test_an_outcome_that_nobody_can_know_is_said_to_be_unknown(proxied):
    """The batcher does not reach the database after the cut. Who waits for the verdict learns it from the event log; who
    does not is told that the outcome is unknown, and finds it with the same key."""
    stack, tenant, proxy = proxied(WRITER)
    proxy.arm(WRITER, DURING, hold=True)
    waiting = Caller(stack, tenant, "waiting")
    waiting.start()
    waiting.join(HAPPENS_WITHIN_S)
    assert waiting.trouble is None and waiting.answer.status == 201 and not waiting.refusals, (waiting.trouble, waiting.answer)

    proxy.release()
    Caller(stack, tenant, "between").run()
    proxy.arm(WRITER, DURING, hold=True)
    answer = tenant.post("/v1/reservations", wish(stack), headers={"Idempotency-Key": "unknown", "Prefer": "respond-async"})
    assert (answer.status, answer.code) == (503, "outcome_unknown"), answer
    assert int(answer.headers["Retry-After"]) >= 1 and answer.body["retryable"]
    proxy.release()
    again = Caller(stack, tenant, "unknown")
    again.run()
    between = Caller(stack, tenant, "between")
    between.run()
    assert again.trouble is None and again.answer.status == 201, (again.trouble, again.answer)
    each_key_made_one_reservation(stack, tenant, [waiting, between, again])


def test_while_a_verdicts_commit_is_under_way_nothing_is_decided_anew(proxied):
    """The leader that lost its connection would not see what it wrote, and book the same places again."""
    stack, tenant, proxy = proxied(PROVISIONER)
    refused = stack.provisioner.metrics()["sluice_provisioner_double_bookings_refused_total"]
    waits = "SELECT pid FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock' AND (wait_event = 'advisory') = %s AND datname = current_database()"
    with commits_wait(stack, "reservation_status"), contextlib.closing(stack.cluster.connect(stack.database)) as gate, gate.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (AT_COMMIT,))
        caller = Caller(stack, tenant, "slow", {"Prefer": "wait=60"})
        caller.start()
        eventually(lambda: stack.sql(waits, (PROVISIONER, True)), "the verdict's COMMIT is under way")
        proxy.sever(PROVISIONER)
        eventually(lambda: stack.sql(waits, (PROVISIONER, False)), "the leader waits for what it has begun")
        cursor.execute("SELECT pg_advisory_unlock(%s)", (AT_COMMIT,))
        caller.join(HAPPENS_WITHIN_S)
    assert caller.trouble is None and caller.answer.status == 201, (caller.trouble, caller.answer)
    each_verdict_was_written_once(stack, tenant)
    assert stack.provisioner.metrics()["sluice_provisioner_double_bookings_refused_total"] == refused, "memory was never wrong"


@pytest.mark.parametrize("when", [BEFORE, DURING, AFTER])
def test_a_cut_at_the_verdicts_commit_writes_no_verdict_twice(proxied, when):
    stack, tenant, proxy = proxied(PROVISIONER)
    callers = []
    for number in range(ROUNDS):
        cut = proxy.arm(PROVISIONER, when)
        callers += call_together(stack, tenant, f"{when}-{number}", {"Prefer": "wait=60"})
        assert cut.done.wait(HAPPENS_WITHIN_S), "the COMMIT was cut"
    assert all(caller.answer.status in (201, 409) for caller in callers), "each was decided while its caller waited"
    each_key_made_one_reservation(stack, tenant, callers)
    each_verdict_was_written_once(stack, tenant)
    metrics = stack.provisioner.metrics()
    assert metrics["sluice_provisioner_double_bookings_refused_total"] == 0, "memory was never wrong"
    stack.advance(callers[0].wish["ends_at"])
    ended = [item for item in tenant.items("/v1/reservations?limit=1000") if item["status"]["state"] == "ended"]
    assert len(ended) == NODES, "and what was granted was delivered"
