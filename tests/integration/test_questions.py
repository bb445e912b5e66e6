"""Questions to the planner: asked over REST, answered by the zone's leader out of its memory, changing nothing."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import signal
import time

import psycopg2
import pytest

from stack import eventually

ZONE = "us-east-1a"
VERIFY = f"/v1/system/planner/verify?zone={ZONE}"


def window(day, hours=24, **fields):
    """A wish for h100.8x instances from a day of January on."""
    start = (day - 1) * 24
    end = start + hours
    at = "2026-01-{:02}T{:02}:00:00Z"
    return {"instance_type": "h100.8x", "zone": ZONE, "count": 1, "starts_at": at.format(1 + start // 24, start % 24),
            "ends_at": at.format(1 + end // 24, end % 24), **fields}


def open_questions(stack):
    return stack.sql("SELECT count(*) AS n FROM planner_question q WHERE NOT EXISTS "
                     "(SELECT FROM planner_answer a WHERE a.question_id = q.id)")[0]["n"]


# ---- The mechanism ----


def test_memory_is_what_the_database_has(stack):
    stack.fleet(4, turnaround_s=600)
    acme = stack.tenant("acme")
    for day in range(2, 8):
        acme.create("/v1/reservations", window(day, count=2))
    cancelled = acme.create("/v1/reservations", window(9))
    acme.post(f"/v1/reservations/{cancelled['id']}/cancel").expect(200)
    stack.advance("2026-01-04T12:00:00Z")
    node = stack.operator.items("/v1/system/nodes")[0]["id"]
    stack.operator.post(f"/v1/system/nodes/{node}/cordon", {"reason": "inspection"}).expect(200)
    answer = stack.operator.get(VERIFY).expect(200).body
    assert answer["equal"] and answer["memory"] == answer["database"]
    assert answer["memory"]["nodes"] == 4 and answer["memory"]["allocations"] > 5


def test_nodes_out_of_service_are_the_same_in_both(stack):
    """The end of what can be planned on a node that is not in service lies at the instant at which that was seen."""
    nodes = stack.fleet(3, turnaround_s=600)
    stack.tenant("acme").create("/v1/reservations", window(2, hours=480))
    stack.operator.post(f"/v1/system/nodes/{nodes[0]['id']}/power", {"on": False}).expect(200)
    for instant in ("2026-01-01T06:00:00Z", "2026-01-03T06:00:00Z", "2026-01-10T00:00:00Z"):
        stack.advance(instant)
        assert stack.operator.get(VERIFY).expect(200).body["equal"], instant
    stack.operator.post(f"/v1/system/nodes/{nodes[0]['id']}/power", {"on": True}).expect(200)
    stack.advance("2026-01-12T00:00:00Z")
    assert stack.operator.get(VERIFY).expect(200).body["equal"]


def test_memory_that_differs_is_told(stack):
    stack.fleet(4)
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", window(2, count=2))
    stack.operator.get(VERIFY).expect(200)
    stack.sql("DELETE FROM allocation WHERE id = (SELECT min(id) FROM allocation)")
    answer = stack.operator.get(VERIFY).expect(200).body
    assert not answer["equal"]
    assert answer["memory"]["allocations"] == 2 and answer["database"]["allocations"] == 1


def test_a_question_is_no_event_and_no_audit(stack):
    stack.fleet(1)
    stack.operator.get(VERIFY).expect(200)
    count = "SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM audit) AS audit"
    before = stack.sql(count)
    for _ in range(3):
        stack.operator.get(VERIFY).expect(200)
    assert stack.sql(count) == before


def test_an_unknown_zone_is_refused_before_it_is_asked(stack):
    answer = stack.operator.get("/v1/system/planner/verify?zone=nowhere").expect(422)
    assert answer.code == "unknown_zone"
    assert stack.sql("SELECT count(*) AS n FROM planner_question") == [{"n": 0}]


def test_without_a_planner_the_answer_is_503_and_says_when_to_repeat(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_QUESTION_WAIT_MS": "100"}})
    stack.fleet(1)
    stack.provisioner.stop()
    answer = stack.operator.get(VERIFY).expect(503)
    assert answer.code == "planner_unavailable" and answer.body["retryable"] and int(answer.headers["Retry-After"]) >= 1


def test_the_next_leader_answers_what_was_asked_of_the_last(stack):
    stack.fleet(1)
    stack.provisioner.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(stack.operator.clone().get, VERIFY)
        eventually(lambda: open_questions(stack) == 1, "the question is asked")
        stack.provisioner.signal(signal.SIGCONT)
        stack.provisioner.kill()
        stack.provisioner.start()
        assert asked.result().expect(200).body["equal"]


def test_a_waiting_question_holds_no_thread(make_stack):
    """More questions wait than there are threads for handlers, and others are served meanwhile."""
    stack = make_stack(settings={"sluice-api": {"SLUICE_READERS": "1"}})
    stack.fleet(1)
    stack.provisioner.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(stack.operator.clone().get, VERIFY) for _ in range(3)]
        eventually(lambda: open_questions(stack) == 3, "the questions are asked")
        stack.operator.get("/v1/system/zones").expect(200)
        stack.provisioner.signal(signal.SIGCONT)
        assert all(each.result().expect(200).body["equal"] for each in asked)


def test_open_questions_are_bounded(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_QUESTIONS_PER_TENANT_MAX": "2"}})
    stack.fleet(1)
    stack.provisioner.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = [pool.submit(stack.operator.clone().get, VERIFY) for _ in range(2)]
        eventually(lambda: open_questions(stack) == 2, "two are open")
        refused = stack.operator.get(VERIFY).expect(429)
        assert refused.code == "too_many_questions" and "Retry-After" in refused.headers
        stack.provisioner.signal(signal.SIGCONT)
        assert [each.result().status for each in asked] == [200, 200]
    stack.operator.get(VERIFY).expect(200)


def test_what_a_planner_cannot_answer_is_a_problem_and_no_crash(stack):
    stack.fleet(1)
    zone = stack.sql("SELECT id FROM zone")[0]["id"]
    for kind, body in (("no_such_kind", "{}"), ("availability", '{"steps": "many"}'), ("availability", "[]"), ("verify", "7")):
        stack.sql("INSERT INTO planner_question (id, zone_id, kind, body, answer_by)"
                  " VALUES (gen_random_uuid(), %s, %s, %s, clock_timestamp() + interval '1 minute')"
                  " RETURNING pg_notify('sluice_wish', '')", (zone, kind, body))
    eventually(lambda: open_questions(stack) == 0, "all are answered")
    problems = [row["problem"] for row in stack.sql("SELECT problem FROM planner_answer ORDER BY answered_at")]
    assert problems.count("malformed_question") == 3
    assert stack.operator.get(VERIFY).expect(200).body["equal"], "it still leads"


def test_a_stopping_api_answers_who_waits(stack):
    stack.fleet(1)
    stack.provisioner.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(stack.operator.clone().get, VERIFY)
        eventually(lambda: open_questions(stack) == 1, "the question is asked")
        began = time.monotonic()
        stack.api.stop()
        assert asked.result().expect(503).code == "shutting_down"
        assert time.monotonic() - began < 10
    stack.provisioner.signal(signal.SIGCONT)


def test_nobody_reads_or_asks_for_another_tenant(stack):
    stack.fleet(1)
    ours, theirs = (stack.tenant(name) and stack.sql("SELECT id::text AS id FROM tenant WHERE name = %s", (name,))[0]["id"]
                    for name in ("ours", "theirs"))
    zone = stack.sql("SELECT id FROM zone")[0]["id"]
    ask = "INSERT INTO planner_question (id, tenant_id, zone_id, kind, body, answer_by) VALUES (gen_random_uuid(), '{}', '{}', 'x', '{{}}', now())"
    with contextlib.closing(stack.cluster.connect(stack.database, "sluice_api")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('sluice.tenant', %s, false)", (ours,))
        cursor.execute(ask.format(ours, zone))
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(ask.format(theirs, zone))
        cursor.execute("SELECT set_config('sluice.tenant', %s, false)", (theirs,))
        cursor.execute("SELECT count(*) FROM planner_question")
        assert cursor.fetchone() == (0,)
