"""Questions to the planner: asked over REST, answered by the zone's leader out of its memory, changing nothing."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import signal

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


def questions_asked(stack):
    return stack.sql("SELECT count(*) AS n FROM planner_question")[0]["n"]


def open_questions(stack):
    return stack.sql("SELECT count(*) AS n FROM planner_question q WHERE NOT EXISTS "
                     "(SELECT FROM planner_answer a WHERE a.question_id = q.id)")[0]["n"]


@pytest.fixture(scope="module")
def quiet(make_module_stack):
    """Four nodes under a clock that nobody moves."""
    made = make_module_stack()
    made.fleet(4)
    return made


@pytest.fixture
def guest(quiet):
    with quiet.guests() as make:
        yield make


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


def test_a_question_that_cannot_be_written_says_to_repeat(make_stack):
    """The document has it, too: each answer is held against it (contract.py)."""
    stack = make_stack(settings={"sluice-api": {"SLUICE_STATEMENT_TIMEOUT_MS": "1000"}})
    stack.fleet(1)
    availability = f"/v1/availability?zone={ZONE}&from=2026-01-20T00:00:00Z&to=2026-01-21T00:00:00Z"
    with contextlib.closing(stack.cluster.connect(stack.database)) as keeper:
        keeper.cursor().execute("BEGIN; LOCK TABLE planner_question IN SHARE MODE")
        assert stack.operator.get(availability).expect(503).code == "serialization_failure"
    stack.operator.get(availability).expect(200)


def test_memory_that_differs_is_told(stack):
    stack.fleet(4)
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", window(2, count=2))
    stack.operator.get(VERIFY).expect(200)
    stack.sql("DELETE FROM allocation WHERE id = (SELECT min(id) FROM allocation)")
    answer = stack.operator.get(VERIFY).expect(200).body
    assert not answer["equal"]
    assert "memory_differs" in stack.provisioner.log_tail()
    assert stack.provisioner.metrics()["sluice_provisioner_memory_differs_total"] == 1
    assert answer["memory"]["allocations"] == 2 and answer["database"]["allocations"] == 1


def test_a_question_is_no_event_and_no_audit(quiet):
    quiet.operator.get(VERIFY).expect(200)
    count = "SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM audit) AS audit"
    before = quiet.sql(count)
    for _ in range(3):
        quiet.operator.get(VERIFY).expect(200)
    assert quiet.sql(count) == before


def test_an_unknown_zone_is_refused_before_it_is_questions_asked(quiet):
    before = questions_asked(quiet)
    answer = quiet.operator.get("/v1/system/planner/verify?zone=nowhere").expect(422)
    assert answer.code == "unknown_zone"
    assert questions_asked(quiet) == before


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


def test_what_a_planner_cannot_answer_is_a_problem_and_no_crash(quiet):
    zone = quiet.sql("SELECT id FROM zone")[0]["id"]
    for kind, body in (("no_such_kind", "{}"), ("availability", '{"steps": "many"}'), ("availability", "[]"), ("verify", "7")):
        quiet.sql("INSERT INTO planner_question (id, zone_id, kind, body, answer_by)"
                  " VALUES (gen_random_uuid(), %s, %s, %s, clock_timestamp() + interval '1 minute')"
                  " RETURNING pg_notify('sluice_wish', '')", (zone, kind, body))
    eventually(lambda: open_questions(quiet) == 0, "all are answered")
    problems = [row["problem"] for row in quiet.sql("SELECT problem FROM planner_answer ORDER BY answered_at DESC LIMIT 4")]
    assert problems.count("malformed_question") == 3
    assert quiet.operator.get(VERIFY).expect(200).body["equal"], "it still leads"


def test_wishes_are_decided_before_questions_and_questions_are_all_answered(quiet, guest):
    acme = guest()
    quiet.operator.get(VERIFY).expect(200)
    zone = quiet.sql("SELECT id FROM zone")[0]["id"]
    quiet.provisioner.signal(signal.SIGSTOP)
    quiet.sql("""INSERT INTO planner_question (id, zone_id, kind, body, answer_by)
                 SELECT gen_random_uuid(), %s, 'offers', '{"terms": {"gpus": 8}, "start_to_s": 1767312000, "duration_least_s": 60,
                        "duration_most_s": 60}', clock_timestamp() + interval '1 minute' FROM generate_series(1, 300)
                 RETURNING pg_notify('sluice_wish', '')""", (zone,))
    made = acme.post("/v1/reservations", window(2, name="wish"), headers={"Prefer": "respond-async"}).expect(202).body
    quiet.provisioner.signal(signal.SIGCONT)
    eventually(lambda: open_questions(quiet) == 0, "all are answered")
    before = quiet.sql("""SELECT count(*) FILTER (WHERE a.answered_at < e.recorded_at) AS n, count(*) FILTER (WHERE problem IS NOT NULL) AS problems
                            FROM planner_answer a, event e WHERE e.kind = 'reservation.scheduled' AND e.object_id = (SELECT id FROM reservation WHERE name = 'wish')
                             AND a.question_id IN (SELECT id FROM planner_question WHERE kind = 'offers' AND tenant_id IS NULL)""")
    assert before == [{"n": 0, "problems": 0}]
    assert acme.get(f"/v1/reservations/{made['id']}").expect(200).body["status"]["state"] == "scheduled"


def test_a_stopping_api_answers_who_waits(stack):
    stack.fleet(1)
    stack.provisioner.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(stack.operator.clone().get, VERIFY)
        eventually(lambda: open_questions(stack) == 1, "the question is asked")
        stack.api.stop()
        assert asked.result().expect(503).code == "shutting_down"
    stack.provisioner.signal(signal.SIGCONT)


def test_nobody_reads_or_asks_for_another_tenant(quiet, guest):
    ours, theirs = (quiet.sql("SELECT id::text AS id FROM tenant WHERE name = %s", (guest(name).tenant,))[0]["id"] for name in ("ours", "theirs"))
    zone = quiet.sql("SELECT id FROM zone")[0]["id"]
    ask = "INSERT INTO planner_question (id, tenant_id, zone_id, kind, body, answer_by) VALUES (gen_random_uuid(), '{}', '{}', 'x', '{{}}', now())"
    with contextlib.closing(quiet.cluster.connect(quiet.database, "sluice_api")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('sluice.tenant', %s, false)", (ours,))
        cursor.execute(ask.format(ours, zone))
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(ask.format(theirs, zone))
        cursor.execute("SELECT set_config('sluice.tenant', %s, false)", (theirs,))
        cursor.execute("SELECT count(*) FROM planner_question")
        assert cursor.fetchone() == (0,)


# ---- Availability ----


def test_availability_is_told_step_by_step_for_every_type_and_zone(stack):
    stack.fleet(4)
    stack.zone("eu-west-1b")
    stack.operator.create("/v1/system/instance-types", {
        "name": "h100.1x", "gpu_count": 1, "gpu_models": ["H100"], "cpu_milli": 1000, "memory_mib": 1024})
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", window(2, count=3))
    asked = "from=2026-01-01T00:00:00Z&to=2026-01-04T00:00:00Z&step_s=86400"
    answer = acme.get(f"/v1/availability?{asked}").expect(200).body
    assert (answer["from"], answer["step_s"], answer["steps"]) == ("2026-01-01T00:00:00Z", 86400, 3)
    free = {(item["zone"], item["instance_type"]): item["free"] for item in answer["items"]}
    assert free == {(ZONE, "h100.8x"): [4, 1, 4], (ZONE, "h100.1x"): [32, 8, 32],
                    ("eu-west-1b", "h100.8x"): [0, 0, 0], ("eu-west-1b", "h100.1x"): [0, 0, 0]}
    one = acme.get(f"/v1/availability?{asked}&zone={ZONE}&instance_type=h100.1x").expect(200).body
    assert [item["free"] for item in one["items"]] == [[32, 8, 32]]


def test_a_bad_range_is_refused_before_it_is_asked(quiet, guest):
    acme, before = guest(), questions_asked(quiet)
    for query, code in (
            ("zone=nowhere", "unknown_zone"), ("instance_type=none", "unknown_instance_type"), ("step_s=1", "out_of_range"),
            ("to=2025-01-01T00:00:00Z", "window_in_past"), ("step_s=60", "out_of_range"), ("colour=red", "unknown_field"),
            ("from=2026-02-01T00:00:00Z&to=2026-01-15T00:00:00Z", "window_reversed")):
        assert acme.get(f"/v1/availability?{query}").expect(422).code == code, query
    assert questions_asked(quiet) == before


# ---- Capacity ----


def test_capacity_tells_what_the_gpus_of_each_rack_do(stack):
    nodes = stack.fleet(2, turnaround_s=3600)
    stack.node("far", rack="r2", fabric="f2")
    stack.operator.post(f"/v1/system/nodes/{nodes[1]['id']}/cordon", {"reason": "inspection"}).expect(200)
    stack.tenant("acme").create("/v1/reservations", window(2, count=2))
    asked = f"/v1/system/capacity?zone={ZONE}&from=2026-01-02T00:00:00Z&to=2026-01-04T00:00:00Z&step_s=86400"
    racks = {item["name"]: item for item in stack.operator.items(asked)}
    assert set(racks) == {"r1", "r2"} and racks["r2"]["fabric"] == "f2"
    first, second = racks["r1"]["steps"]
    assert first["starts_at"] == "2026-01-02T00:00:00Z"
    assert first["held"] == 192 and first["unplannable"] == 192 and second["turnaround"] == 8 and second["held"] == 0
    for item in racks.values():
        for step in item["steps"]:
            gpus = 16 if item["name"] == "r1" else 8
            assert sum(value for name, value in step.items() if name != "starts_at") == gpus * 24
    fabrics = stack.operator.items(asked + "&level=fabric&gpu_model=B200")
    assert [step["free"] for item in fabrics for step in item["steps"]] == [0] * 4


def test_capacity_is_paged(stack):
    stack.zone()
    for number in range(5):
        stack.node(f"n{number}", rack=f"r{number}")
    path = f"/v1/system/capacity?zone={ZONE}&limit=2"
    first = stack.operator.get(path).expect(200).body
    assert len(first["items"]) == 2 and first["next_page"]
    assert {item["name"] for item in stack.operator.items(path)} == {f"r{number}" for number in range(5)}


# ---- Offers ----


def search(**fields):
    return {"zone": ZONE, "instance_type": "h100.8x", "count": 4, "duration_s": {"least": 86400, "most": 3 * 86400},
            "start_range": [None, "2026-01-20T00:00:00Z"], **fields}


@pytest.fixture(scope="module")
def crowded(make_module_stack):
    """Eight nodes in two racks, partly sold, under a clock that nobody moves. Its tests leave it as it is."""
    stack = make_module_stack()
    stack.fleet(4, turnaround_s=600)
    for number in range(4):
        stack.node(f"m{number}", rack="r2")
    for tier, price in (("preemptible", "1.000000"), ("on_demand", "4.000000")):
        stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": tier,
                                                    "gpu_hour": {"amount": price, "currency": "USD"}})
    other = stack.tenant("other")
    for day, hours, count in ((1, 60, 6), (4, 30, 3), (6, 40, 7), (9, 100, 2)):
        other.create("/v1/reservations", window(day, hours, count=count))
    stack.acme = stack.tenant("acme", currency="USD")
    return stack


def test_every_offer_posted_as_it_stands_is_granted(crowded):
    acme = crowded.acme
    for fields in ({}, {"count": 8}, {"placement": {"within": "rack"}}, {"tier": "on_demand"}, {"count": 3, "count_least": 1},
                   {"duration_s": {"least": 600}}, {"placement": {"within": "rack", "mode": "preferred", "spread": "node"}}):
        offers = acme.post("/v1/offers", search(**fields)).expect(200).body["items"]
        assert 1 <= len(offers) <= 10 and offers[0]["kind"] == "earliest"
        assert len({str(sorted(offer["reservation"].items())) for offer in offers}) == len(offers)
        for offer in offers:
            made = acme.post("/v1/reservations", offer["reservation"]).expect(201).body
            assert all(made[name] == offer[name] for name in ("starts_at", "ends_at", "count", "tier"))
            acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)


def test_an_offer_counts_on_who_gives_way_and_can_still_be_posted_a_little_later(stack):
    stack.fleet(2)
    stack.tenant("spot").create("/v1/reservations", window(1, count=2, tier="preemptible", ends_at=None))
    acme = stack.tenant("acme")
    assert acme.get("/v1/availability?to=2026-01-01T02:00:00Z").expect(200).body["items"][0]["free"] == [0, 0], "nothing is free"
    offers = acme.post("/v1/offers", search(count=2)).expect(200).body["items"]
    assert offers[0]["starts_at"] == "2026-01-01T00:03:00Z", "a minute to post it, two of notice"
    simulated = {"zone": ZONE, "reservations": [offers[0]["reservation"]]}
    displaced = stack.operator.post("/v1/system/simulate", simulated).expect(200).body["displaced"]
    assert [item["cause"] for item in displaced] == ["preempted"] * 2
    stack.advance("2026-01-01T00:00:50Z")
    acme.post("/v1/reservations", offers[0]["reservation"]).expect(201)
    assert stack.operator.get(VERIFY).expect(200).body["equal"], "after a preemption too"


def test_no_offer_is_beyond_the_tenants_quota(stack):
    stack.fleet(4)
    acme = stack.tenant("acme")
    stack.quota("acme", peak_gpu_milli=16000)
    eventually(lambda: acme.items("/v1/quotas")[0]["held_gpu_milli"] is not None, "the planner knows of the quota")
    acme.create("/v1/reservations", window(1, 48, starts_at=None))
    both = acme.post("/v1/offers", search(count=2)).expect(200).body["items"]
    assert both[0]["starts_at"] == "2026-01-03T00:00:00Z", "what it holds by then has ended"
    one = acme.post("/v1/offers", search(count=1)).expect(200).body["items"]
    assert one[0]["starts_at"] == "2026-01-01T00:01:00Z"
    for offer in both + one:
        made = acme.post("/v1/reservations", offer["reservation"]).expect(201).body
        acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)


def test_an_offers_price_is_what_a_quote_of_it_says(crowded):
    acme = crowded.acme
    offers = acme.post("/v1/offers", search()).expect(200).body["items"]
    for offer in offers:
        quote = acme.post("/v1/quotes", offer["reservation"]).expect(201).body
        assert {**offer["price"], "metered": []} == quote["price"] and offer["price"]["estimate"]["currency"] == "USD"
        acme.delete(f"/v1/quotes/{quote['id']}").expect(204)


def test_no_offer_costs_more_than_the_budget(crowded):
    acme = crowded.acme
    budget = 3 * 8 * 24 * 3  # three instances for a day
    offers = acme.post("/v1/offers", search(budget={"amount": f"{budget}.000000", "currency": "USD"})).expect(200).body["items"]
    assert offers and all(float(offer["price"]["estimate"]["amount"]) <= budget for offer in offers)
    assert max(offer["count"] for offer in offers) == 3
    assert acme.post("/v1/offers", search(budget={"amount": "1.000000", "currency": "USD"})).expect(200).body["items"] == []
    assert acme.post("/v1/offers", search(budget={"amount": "1.000000", "currency": "EUR"})).expect(422).code == "out_of_range"


def test_an_offer_for_a_project_has_its_price_its_budget_and_its_quota(crowded):
    acme = crowded.tenant("payer", currency="USD")
    for project, price in (("research", "2.000000"), ("default", "1.500000")):
        if project != "default":
            acme.create("/v1/projects", {"name": project})
        crowded.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "payer", "project": project,
                                                    "gpu_hour": {"amount": price, "currency": "USD"}})
    paid, day = {"research": 2.0, "default": 1.5}, 8 * 24
    for fields in ({"project": "research"}, {"project": "default"}, {}):
        project = fields.get("project", "default")
        budget = {"amount": f"{3 * day * paid[project]:.6f}", "currency": "USD"}  # three instances for a day
        offers = acme.post("/v1/offers", search(budget=budget, **fields)).expect(200).body["items"]
        assert max(offer["count"] for offer in offers) == 3
        for offer in offers:
            assert offer["reservation"]["project"] == project
            quote = acme.post("/v1/quotes", offer["reservation"]).expect(201).body
            assert {**offer["price"], "metered": []} == quote["price"]
            assert float(offer["price"]["estimate"]["amount"]) <= float(budget["amount"])
            acme.delete(f"/v1/quotes/{quote['id']}").expect(204)
    crowded.quota("payer", project="research", peak_gpu_milli=16000)
    eventually(lambda: acme.items("/v1/quotas")[0]["held_gpu_milli"] is not None, "the planner knows of the quota")

    def counts(project):
        return {offer["count"] for offer in acme.post("/v1/offers", search(count_least=1, project=project)).expect(200).body["items"]}

    assert max(counts("research")) == 2 and max(counts("default")) == 4
    assert acme.post("/v1/offers", search(project="none")).expect(422).body["errors"][0]["pointer"] == "/project"


def test_no_offer_costs_more_than_the_budget_with_what_lacks_to_a_minimum_duration(crowded):
    brief = crowded.tenant("brief")
    crowded.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "brief", "minimum_s": 2 * 86400,
                                                  "gpu_hour": {"amount": "3.000000", "currency": "USD"}})
    asked = search(count=1, budget={"amount": f"{3 * 8 * 30}.000000", "currency": "USD"}, duration_s={"least": 86400})

    def told():
        """Of its own price; that of what gives way has no minimum."""
        return {offer["price"]["estimate"]["amount"] for offer in brief.post("/v1/offers", asked).expect(200).body["items"] if offer["tier"] == "reserved"}

    assert told() == set(), "a day is within it, and two are billed"
    asked["budget"]["amount"] = f"{3 * 8 * 48}.000000"
    assert told() == {"1152.000000"}


def test_an_offer_is_refused_where_a_reservation_would_be(crowded):
    acme = crowded.acme
    assert acme.post("/v1/offers", search(instance_type="none")).expect(422).code == "unknown_instance_type"
    assert acme.post("/v1/offers", search(zone="nowhere")).expect(422).code == "unknown_zone"
    shaped = search(shape={"gpus": 1})
    assert acme.post("/v1/offers", shaped).expect(403).code == "shape_not_allowed"
    assert acme.post("/v1/offers", search(start_range=[None, "2025-01-01T00:00:00Z"])).expect(422).code == "window_in_past"
    assert acme.post("/v1/offers", search(duration_s={"least": 100, "most": 10})).expect(422).code == "out_of_range"


def test_searching_keeps_nothing_and_changes_nothing(crowded):
    acme = crowded.acme
    before = state_of(crowded)
    acme.post("/v1/offers", search(), headers={"Idempotency-Key": "same"}).expect(200)
    acme.post("/v1/offers", search(count=2), headers={"Idempotency-Key": "same"}).expect(200)
    assert state_of(crowded) == before


# ---- Simulation ----


def state_of(stack):
    """Every table that a wish or a verdict touches, and the planner's memory."""
    tables = ("reservation", "reservation_status", "allocation", "instance", "node", "node_status", "event", "audit", "idempotency")
    rows = {table: stack.sql(f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS rows FROM {table} t") for table in tables}
    verified = stack.operator.get(VERIFY).expect(200).body
    assert verified["equal"]
    return rows, verified["memory"]


def test_a_simulated_deal_says_what_is_admitted_and_earned_and_changes_nothing(crowded):
    before = state_of(crowded)
    deal = {"zone": ZONE, "tenant": "acme", "reservations": [
        window(20, count=6), window(20, count=6, name="too-much"), window(20, count=2, tier="on_demand"),
        {"zone": ZONE, "instance_type": "h100.8x", "count": 8, "duration_s": 3600, "start_range": [None, "2026-01-25T00:00:00Z"]}]}
    answer = crowded.operator.post("/v1/system/simulate", deal).expect(200).body
    assert [item["admitted"] for item in answer["items"]] == [True, False, True, True]
    assert (answer["admitted"], answer["refused"], answer["displaced"]) == (3, 1, [])
    assert answer["items"][1]["binding"]["constraint"] == "capacity" and answer["items"][1]["earned"] is None
    earned = [float(item["earned"]["estimate"]["amount"]) for item in answer["items"] if item["admitted"]]
    assert earned == [6 * 8 * 24 * 3, 2 * 8 * 24 * 4, 8 * 8 * 3]
    assert float(answer["earned"]["amount"]) == sum(earned)
    assert state_of(crowded) == before


def test_a_simulated_change_of_the_fleet_says_who_moves_and_who_loses_its_place(stack):
    nodes = stack.fleet(3)
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", window(2, count=2))
    before = state_of(stack)
    gone = {"zone": ZONE, "remove_nodes": [node["name"] for node in nodes[:2]]}
    answer = stack.operator.post("/v1/system/simulate", gone).expect(200).body
    assert answer["moved"] + len(answer["displaced"]) <= 2 and len(answer["displaced"]) == 1
    assert answer["displaced"][0]["cause"] == "node_removed" and answer["displaced"][0]["reservation"].startswith("rsv_")
    more = {**gone, "add_nodes": [{"gpu_model": "H100", "count": 2, "cpu_milli": 192000, "memory_mib": 2097152}],
            "reservations": [window(2, count=1)]}
    answer = stack.operator.post("/v1/system/simulate", more).expect(200).body
    assert answer["displaced"] == [] and answer["items"][0]["admitted"]
    assert state_of(stack) == before


def test_a_simulation_of_what_is_not_there_is_refused(quiet):
    body = {"zone": ZONE, "tenant": "nobody", "remove_nodes": ["n0000", "none"],
            "add_nodes": [{"gpu_model": "H100", "fabric": "none", "cpu_milli": 1, "memory_mib": 1}],
            "reservations": [{"zone": ZONE, "instance_type": "none"}, {"zone": ZONE, "count": 0}]}
    answer = quiet.operator.post("/v1/system/simulate", body).expect(422).body
    assert [error["pointer"] for error in answer["errors"]] == ["/reservations/1/count"]
    body["reservations"].pop()
    answer = quiet.operator.post("/v1/system/simulate", body).expect(422).body
    assert {error["pointer"] for error in answer["errors"]} == {
        "/tenant", "/reservations/0/instance_type", "/add_nodes/0/fabric", "/remove_nodes/1"}


# ---- The contract ----


def test_answers_are_what_the_document_says(crowded):
    acme = crowded.acme
    document = acme.get("/openapi.json").expect(200).body
    schemas = document["components"]["schemas"]

    def check(schema, value, where):
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
        if isinstance(value, dict) and "properties" in schema:
            assert set(value) <= set(schema["properties"]), f"{where}: {set(value) - set(schema['properties'])}"
            for name, member in value.items():
                check(schema["properties"][name], member, f"{where}/{name}")
        if isinstance(value, list) and "items" in schema:
            for item in value:
                check(schema["items"], item, where)

    for client, method, path, body in (
            (acme, "get", "/v1/availability", None), (acme, "post", "/v1/offers", search()),
            (crowded.operator, "get", f"/v1/system/capacity?zone={ZONE}&step_s=86400", None), (crowded.operator, "get", VERIFY, None),
            (crowded.operator, "post", "/v1/system/simulate", {"zone": ZONE, "reservations": [window(20)], "remove_nodes": ["n0000"]})):
        answer = client.request(method.upper(), path, body).expect(200).body
        operation = document["paths"][path.split("?")[0]][method]
        check(operation["responses"]["200"]["content"]["application/json"]["schema"], answer, path)
