"""Who gives way to whom: preemptible instances fill what is free, and go with notice when a firm wish needs the place."""
# SPDX-License-Identifier: Apache-2.0

import pytest

from stack import eventually

DAY_ONE = "2026-01-01T{}Z"
HOUR_MILLI = 3600 * 8000  # milli-GPU-seconds of a node's hour
OVERLAPS = """
SELECT count(*) AS overlaps FROM allocation a JOIN allocation b
    ON a.node_id = b.node_id AND a.id < b.id AND a.slots && b.slots AND a.period && b.period"""


def at(time):
    return DAY_ONE.format(time)


def body_of(tier, starts, ends, count=1, **fields):
    return {"instance_type": "h100.8x", "zone": "us-east-1a", "tier": tier, "count": count,
            "starts_at": starts and at(starts), "ends_at": ends and at(ends), **fields}


def status_of(client, reservation):
    return client.get(f"/v1/reservations/{reservation['id']}").expect(200).body["status"]


def instances_of(client, reservation):
    return list(client.items(f"/v1/instances?reservation={reservation['id']}"))


@pytest.fixture
def market(stack):
    """market(nodes): that many nodes; a client whose instances give way (spot) and one whose do not (firm)."""

    def make(nodes, **fields):
        stack.fleet(nodes, **fields)
        stack.operator.create("/v1/system/prices", {
            "sku_kind": "instance_type", "sku": "h100.8x", "tier": "preemptible", "gpu_hour": {"amount": "1.100000", "currency": "USD"}})
        stack.spot, stack.firm = stack.tenant("spot"), stack.tenant("firm")
        return stack

    return make


def reserve(client, *arguments, **fields):
    return client.post("/v1/reservations", body_of(*arguments, **fields)).expect(201).body


def refused(client, *arguments, **fields):
    return client.post("/v1/reservations", body_of(*arguments, **fields)).expect(409).body


def test_a_firm_wish_takes_a_preemptible_place_with_notice(market):
    stack = market(1)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("01:00:00"))
    firm = reserve(stack.firm, "reserved", "01:02:00", "03:00:00")
    assert firm["status"]["state"] == "scheduled"
    status = status_of(stack.spot, filling)
    assert (status["state"], status["ends_by"]) == ("active", at("01:02:00"))
    (instance,) = instances_of(stack.spot, filling)
    assert (instance["state"], instance["ends_at"], instance["ends_by"]) == ("running", at("12:00:00"), at("01:02:00"))
    told = [event for event in stack.events(stack.spot) if event["kind"].endswith("preemption_notice")]
    assert sorted(event["kind"] for event in told) == ["instance.preemption_notice", "reservation.preemption_notice"]
    assert {event["occurred_at"] for event in told} == {at("01:00:00")}
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    stack.advance(at("01:01:59"))
    assert status_of(stack.spot, filling)["state"] == "active"
    stack.advance(at("01:02:00"))
    status = status_of(stack.spot, filling)
    assert (status["state"], status["reason"], status["ends_at"]) == ("ended", "preempted", at("01:02:00"))
    assert instances_of(stack.spot, filling)[0]["state"] == "terminated"
    assert status_of(stack.firm, firm)["state"] == "active"
    assert stack.sql("SELECT end_reason FROM instance_incarnation ORDER BY started_at LIMIT 1") == [{"end_reason": "preempted"}]
    assert stack.sql(OVERLAPS) == [{"overlaps": 0}]


def test_a_start_before_the_notice_is_refused_with_one_that_succeeds(market):
    stack = market(1, turnaround_s=600)
    reserve(stack.spot, "preemptible", None, None)
    stack.advance(at("01:00:00"))
    problem = refused(stack.firm, "reserved", "01:01:00", "03:00:00")
    (later,) = problem["alternatives"]
    assert at("01:12:00") <= later["starts_at"] <= at("01:15:00")  # notice and turnaround, and a moment to post it
    made = stack.firm.post("/v1/reservations", later).expect(201).body
    assert made["status"]["starts_at"] == later["starts_at"]


def test_preemptible_wishes_take_no_place_of_another(market):
    stack = market(1)
    first = reserve(stack.spot, "preemptible", None, "12:00:00")
    refused(stack.spot, "preemptible", "02:00:00", "03:00:00")
    assert status_of(stack.spot, first)["ends_by"] is None


def test_the_least_work_is_lost_and_never_more_than_needed(market):
    stack = market(3)
    old = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("05:00:00"))
    young = [reserve(stack.spot, "preemptible", None, "12:00:00") for _ in range(2)]
    stack.advance(at("06:00:00"))
    reserve(stack.firm, "on_demand", "06:10:00", "07:00:00")
    told = [status_of(stack.spot, made)["ends_by"] for made in [old, *young]]
    assert told[0] is None
    assert sorted(told[1:], key=str) == [at("06:10:00"), None]
    stack.advance(at("06:10:00"))
    assert status_of(stack.spot, old)["state"] == "active"


def test_what_is_free_is_taken_before_anybody_must_go(market):
    stack = market(2)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    reserve(stack.firm, "reserved", "01:00:00", "02:00:00")
    assert status_of(stack.spot, filling)["ends_by"] is None


def test_a_gang_that_loses_some_goes_on_short(market):
    stack = market(2)
    gang = reserve(stack.spot, "preemptible", None, "12:00:00", count=2)
    reserve(stack.firm, "reserved", "01:00:00", "02:00:00")
    stack.advance(at("01:00:00"))
    status = status_of(stack.spot, gang)
    assert (status["state"], status["health"], status["delivered_count"], status["ends_by"]) == ("active", "short", 1, at("01:00:00"))
    assert sorted(instance["state"] for instance in instances_of(stack.spot, gang)) == ["running", "terminated"]
    stack.advance(at("13:00:00"))
    assert status_of(stack.spot, gang)["state"] == "ended"


def test_one_that_loses_all_before_its_start_is_cancelled(market):
    stack = market(1)
    ahead = reserve(stack.spot, "preemptible", "06:00:00", "12:00:00")
    reserve(stack.firm, "reserved", "05:00:00", "07:00:00")
    status = status_of(stack.spot, ahead)
    assert (status["state"], status["reason"]) == ("cancelled", "preempted")
    stack.advance(at("08:00:00"))
    assert stack.sql("SELECT count(*) AS instances FROM instance") == [{"instances": 1}]


def test_one_that_keeps_a_part_of_its_window_runs_until_then(market):
    stack = market(1)
    ahead = reserve(stack.spot, "preemptible", "06:00:00", "12:00:00")
    reserve(stack.firm, "reserved", "09:00:00", "10:00:00")
    assert status_of(stack.spot, ahead)["ends_by"] == at("09:00:00")
    stack.provisioner.stop()
    stack.provisioner.start()
    stack.advance(at("08:00:00"))
    (instance,) = instances_of(stack.spot, ahead)
    assert (instance["state"], instance["ends_by"]) == ("running", at("09:00:00"))
    stack.advance(at("09:00:00"))
    assert status_of(stack.spot, ahead)["state"] == "ended"


def test_a_notice_is_withdrawn_when_the_place_is_not_wanted_any_more(market):
    stack = market(1)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("01:00:00"))
    stack.firm.post("/v1/quotes", {**body_of("reserved", "01:10:00", "03:00:00"), "ttl_s": 600}).expect(409)  # it would be over too late
    quote = stack.firm.post("/v1/quotes", {**body_of("reserved", "01:12:00", "03:00:00"), "ttl_s": 600}).expect(201).body
    assert quote["status"]["state"] == "held" and status_of(stack.spot, filling)["ends_by"] == at("01:12:00")
    stack.advance(at("01:10:00"))
    assert stack.firm.get(f"/v1/quotes/{quote['id']}").expect(200).body["status"]["state"] == "expired"
    assert status_of(stack.spot, filling)["ends_by"] is None
    firm = reserve(stack.firm, "reserved", "02:00:00", "03:00:00")
    assert status_of(stack.spot, filling)["ends_by"] == at("02:00:00")
    stack.firm.post(f"/v1/reservations/{firm['id']}/cancel").expect(200)
    eventually(lambda: status_of(stack.spot, filling)["ends_by"] is None, "nobody needs the place")
    told = [event["payload"]["ends_by"] for event in stack.events(stack.spot) if event["kind"] == "instance.preemption_notice"]
    assert len(told) == 4 and told[1] is None and told[3] is None
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    stack.advance("2026-01-03T00:00:00Z")
    assert stack.sql("SELECT class, sum(extract(epoch FROM period_end - period_start))::int AS s FROM usage_interval GROUP BY 1") == [{"class": "used", "s": 12 * 3600}]
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


def test_of_many_who_were_told_to_go_all_have_their_places_back(market):
    stack = market(9)
    stack.operator.create("/v1/system/instance-types", {
        "name": "h100.1x", "gpu_count": 1, "gpu_models": ["H100"], "cpu_milli": 12000, "memory_mib": 131072})
    stack.operator.create("/v1/system/prices", {
        "sku_kind": "instance_type", "sku": "h100.1x", "tier": "preemptible", "gpu_hour": {"amount": "1.100000", "currency": "USD"}})
    for _ in range(65):
        reserve(stack.spot, "preemptible", None, "12:00:00", instance_type="h100.1x")
    firm = reserve(stack.firm, "reserved", "02:00:00", "03:00:00", count=9)
    told = "SELECT count(*) AS told FROM reservation_status WHERE ends_by IS NOT NULL"
    assert stack.sql(told) == [{"told": 65}]
    stack.firm.post(f"/v1/reservations/{firm['id']}/cancel").expect(200)
    eventually(lambda: stack.sql(told) == [{"told": 0}], "nobody needs their places")
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True


def lose_node_of(stack, name, client, reservation):
    """The node of the tenant's running instance, which no longer answers."""
    (running,) = stack.sql("SELECT n.name FROM node n JOIN instance i ON i.node_id = n.id JOIN tenant t ON t.id = i.tenant_id"
                           " WHERE i.state = 'running' AND t.name = %s", (name,))
    (node,) = stack.operator.items(f"/v1/system/nodes?name={running['name']}")
    stack.operator.create(f"/v1/system/nodes/{node['id']}/power", {"on": False})
    eventually(lambda: instances_of(client, reservation)[0]["state"] == "replacing", "its node is missed")
    return node


def test_who_lost_its_node_takes_a_preemptible_place_with_notice_and_across_leaders(market):
    stack = market(2, turnaround_s=600)
    firm = reserve(stack.firm, "reserved", None, "12:00:00")
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("01:00:00"))
    lose_node_of(stack, "firm", stack.firm, firm)
    assert status_of(stack.spot, filling)["ends_by"] == at("01:02:00")
    told = [event["kind"] for event in stack.events(stack.spot) if event["kind"].endswith("preemption_notice")]
    assert sorted(told) == ["instance.preemption_notice", "reservation.preemption_notice"]
    stack.provisioner.stop()
    stack.provisioner.start()
    stack.advance(at("01:11:59"))
    assert status_of(stack.spot, filling)["reason"] == "preempted"
    assert instances_of(stack.firm, firm)[0]["state"] == "replacing"
    stack.advance(at("01:13:00"))
    assert instances_of(stack.firm, firm)[0]["state"] == "running" and status_of(stack.firm, firm)["health"] == "ok"
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    assert stack.sql(OVERLAPS) == [{"overlaps": 0}]
    stack.advance("2026-01-03T00:00:00Z")
    classes = stack.sql("SELECT class, sum(extract(epoch FROM period_end - period_start))::int AS s FROM usage_interval u JOIN tenant t ON t.id = u.tenant_id"
                        " WHERE t.name = 'firm' GROUP BY 1 ORDER BY 1")
    assert sum(row["s"] for row in classes) == 12 * 3600 and {row["class"] for row in classes} <= {"used", "failed", "unready"}, classes
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


def test_who_has_its_own_node_back_in_time_takes_nobody_elses(market):
    stack = market(2)
    firm = reserve(stack.firm, "reserved", None, "12:00:00")
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("01:00:00"))
    node = lose_node_of(stack, "firm", stack.firm, firm)
    assert status_of(stack.spot, filling)["ends_by"] == at("01:02:00")
    stack.operator.create(f"/v1/system/nodes/{node['id']}/power", {"on": True})
    eventually(lambda: instances_of(stack.firm, firm)[0]["state"] == "running", "it goes back there")
    eventually(lambda: status_of(stack.spot, filling)["ends_by"] is None, "nobody comes to its place")


def test_a_leader_that_begins_anew_knows_what_gives_way(market):
    stack = market(1)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.provisioner.stop()
    stack.provisioner.start()
    reserve(stack.firm, "reserved", "02:00:00", "03:00:00")
    assert status_of(stack.spot, filling)["ends_by"] == at("02:00:00")


def test_the_evicted_and_the_verdict_are_written_together_or_not_at_all(market):
    stack = market(1)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.sql("""CREATE FUNCTION refuse_notice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.ends_by IS NOT NULL THEN RAISE 'no notice'; END IF; RETURN NEW; END $$""")
    stack.sql("CREATE TRIGGER refuse_notice BEFORE UPDATE ON sluice.reservation_status FOR EACH ROW EXECUTE FUNCTION refuse_notice()")
    answer = stack.firm.post("/v1/reservations", body_of("reserved", "02:00:00", "03:00:00")).expect(409)
    assert answer.body["reason"] == "internal"
    assert status_of(stack.spot, filling)["ends_by"] is None
    assert stack.sql("SELECT count(*) AS allocations FROM allocation WHERE kind = 'instance'") == [{"allocations": 1}]


def test_seconds_until_the_notice_ran_out_are_billed_and_the_rest_is_preempted(market):
    stack = market(1)
    filling = reserve(stack.spot, "preemptible", None, "12:00:00")
    stack.advance(at("01:00:00"))
    reserve(stack.firm, "reserved", "02:17:43", "03:00:00")
    stack.advance("2026-01-03T00:00:00Z")
    usage = stack.sql("""
        SELECT class, sum(gpu_milli * extract(epoch FROM period_end - period_start))::bigint AS amount FROM usage_interval
         WHERE reservation_id = (SELECT id FROM reservation WHERE tier = 'preemptible') GROUP BY class ORDER BY class""")
    ran = (2 * 3600 + 17 * 60 + 43) * 8000
    assert usage == [{"class": "preempted", "amount": 12 * HOUR_MILLI - ran}, {"class": "used", "amount": ran}]
    (line,) = stack.sql("""
        SELECT sum(amount_u)::bigint AS amount_u, sum(gpu_milli_seconds)::bigint AS billed
          FROM rated_line WHERE reservation_id = (SELECT id FROM reservation WHERE tier = 'preemptible')""")
    assert line == {"amount_u": 20_198_444, "billed": ran}  # G19: 8 GPUs for 2 h 17 m 43 s at 1.10
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []
    assert status_of(stack.spot, filling)["state"] == "ended"
