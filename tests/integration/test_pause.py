"""An operator's stop of the automation in one zone: the head goes on, the hands stand still."""
# SPDX-License-Identifier: Apache-2.0

import threading

import pytest

from stack import eventually


def at(moment):
    return f"2026-01-{moment}Z"


@pytest.fixture(scope="module")
def hall(make_module_stack):
    """A zone of two nodes that take 120 s to start, 60 s to stop and 600 s to be clean; each test has days of its own."""
    stack = make_module_stack()
    stack.fleet(2, turnaround_s=600)
    stack.where = f"/v1/system/reconciler/{stack.operator.items('/v1/system/zones')[0]['id']}"
    zone = stack.where.replace("reconciler", "zones")
    stack.operator.patch(zone, {"sim_start_s": 120, "sim_stop_s": 60}, headers={"If-Match": "*"}).expect(200)
    stack.acme, stack.other = stack.tenant("acme"), stack.tenant("other")
    return stack


def reconciler(hall):
    return hall.operator.get(hall.where).expect(200).body


def pause(hall, **fields):
    hall.operator.post(hall.where + "/pause", {"reason": "switch s3 flaps", **fields}).expect(200)
    eventually(lambda: reconciler(hall)["pause"]["holds"], "the leader keeps to it")


def resume(hall):
    hall.operator.post(hall.where + "/resume").expect(200)
    eventually(lambda: hall.sql("SELECT paused_until FROM sluice.zone_pause_status") == [{"paused_until": None}], "the leader works again")


def reserve(client, starts, ends, count=2, **fields):
    return client.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": count,
                                            "starts_at": at(starts), "ends_at": at(ends), **fields}).expect(201).body


def state(client, reservation):
    return client.get(f"/v1/reservations/{reservation['id']}").expect(200).body["status"]["state"]


def instances(client, reservation):
    return [(one["state"], one["incarnation"]) for one in client.items(f"/v1/instances?reservation={reservation['id']}")]


def stays(hall, tenant):
    return [(row["began"], row["ended"]) for row in hall.sql("""
        SELECT to_char(s.started_at, 'DD"T"HH24:MI:SS') AS began, to_char(s.ended_at, 'DD"T"HH24:MI:SS') AS ended
          FROM sluice.instance_incarnation s JOIN sluice.tenant t ON t.id = s.tenant_id WHERE t.name = %s ORDER BY s.started_at""", (tenant,))]


def classes(hall, tenant, day):
    """Hours of each class that were metered of a tenant on a day."""
    return {row["class"]: float(row["hours"]) for row in hall.sql("""
        SELECT class, sum(extract(epoch FROM period_end - period_start)) / 3600 AS hours FROM sluice.usage_interval u
          JOIN sluice.tenant t ON t.id = u.tenant_id
         WHERE t.name = %s AND period_start::date = %s::date GROUP BY class""", (tenant, f"2026-01-{day}"))}


def drift(hall):
    return {row["kind"]: row["count"] for row in reconciler(hall)["drift"] if row["count"] > 0}


def kinds_since(hall, moment):
    return [row["kind"] for row in hall.sql("""
        SELECT kind FROM sluice.event WHERE object_type IN ('instance', 'node') AND occurred_at > %s ORDER BY xid, seq""", (at(moment),))]


def test_nothing_starts_or_stops_and_on_resume_all_catches_up_once_and_in_order(hall):
    first, then = reserve(hall.acme, "02T00:00:00", "02T06:00:00"), reserve(hall.other, "02T07:00:00", "02T12:00:00")
    hall.advance(at("02T05:00:00"))
    pause(hall, until=at("02T10:00:00"))
    hall.advance(at("02T09:00:00"))
    assert instances(hall.acme, first) == [("running", 1)] * 2
    assert instances(hall.other, then) == [("planned", 1)] * 2
    assert (state(hall.acme, first), state(hall.other, then)) == ("ending", "activating")
    assert set(kinds_since(hall, "02T05:00:00")) == {"instance.planned"}
    assert drift(hall) == {"instances_to_start": 2, "instances_to_stop": 2}
    assert reconciler(hall)["lag"] == {"events": 0, "events_s": 0, "undecided_s": 0, "due_s": 0, "deadline_s": 0}

    resume(hall)
    hall.advance(at("02T13:00:00"))
    assert stays(hall, "acme") == [("02T00:00:00", "02T09:01:00")] * 2
    assert stays(hall, "other") == [("02T09:11:00", "02T12:01:00")] * 2, "the next waits for who is there, and for the wipe"
    happened = [kind for kind in kinds_since(hall, "02T05:00:00") if kind.startswith("instance.")]
    assert happened == [f"instance.{kind}" for kind in ("planned", "stopping", "terminated", "provisioning", "running", "stopping", "terminated")
                        for _ in range(2)]
    assert (state(hall.acme, first), state(hall.other, then)) == ("ended", "ended")
    hall.advance(at("04T12:00:00"))
    assert classes(hall, "acme", "02") == {"unready": pytest.approx(2 * 120 / 3600), "used": pytest.approx(12 - 2 * 120 / 3600)}, "its window, no more"
    assert classes(hall, "other", "02")["unready"] == pytest.approx(2 * (2 + 13 / 60)), "what came late is not charged"


def test_a_pause_ends_by_itself_and_what_was_under_way_has_lost_no_time(hall):
    held = reserve(hall.acme, "05T00:00:00", "05T06:00:00")
    hall.advance(at("05T00:00:30"))
    pause(hall)
    hall.advance(at("05T00:10:00"))
    assert instances(hall.acme, held) == [("running", 1)] * 2, "what was ordered before comes up, and is seen"
    instance = hall.acme.items(f"/v1/instances?reservation={held['id']}")[0]
    asked = hall.acme.post(f"/v1/instances/{instance['id']}/actions", {"action": "stop"}).expect(202).body
    hall.advance(at("05T01:00:29"))
    assert hall.acme.items(f"/v1/instances/{instance['id']}/actions")[0]["state"] == "pending"
    hall.advance(at("05T01:01:30"))
    assert reconciler(hall)["paused"] is False
    done = hall.acme.items(f"/v1/instances/{instance['id']}/actions")[0]
    assert (done["id"], done["state"], done["finished_at"]) == (asked["id"], "done", at("05T01:01:30")), "an hour, and the stop"
    kinds = [event["kind"] for event in hall.events(hall.operator, "/v1/system/events?type=reconciler.*")]
    assert kinds[-3:] == ["reconciler.pause_requested", "reconciler.paused", "reconciler.resumed"]

    hall.advance(at("05T06:00:30"))
    pause(hall, duration_s=3 * 3600)
    hall.advance(at("05T08:00:00"))
    assert sorted(instances(hall.acme, held)) == [("stopping", 1), ("terminated", 1)], "the other was down; this one may be gone by now: that counts once the zone works"
    hall.advance(at("05T10:00:00"))
    assert instances(hall.acme, held) == [("terminated", 1)] * 2, "its deadline stood still"
    assert hall.provisioner.metrics()["sluice_provisioner_deadlines_missed_total"] == 0


def test_a_leader_that_dies_in_a_pause_is_followed_by_one_that_keeps_to_it(hall):
    held = reserve(hall.acme, "07T00:00:00", "07T06:00:00")
    hall.advance(at("07T01:00:00"))
    pause(hall, until=at("07T08:00:00"))
    for node in hall.operator.items("/v1/system/nodes"):
        hall.operator.post(f"/v1/system/nodes/{node['id']}/power", {"on": False}).expect(200)
    hall.advance(at("07T02:00:00"))
    assert drift(hall) == {"nodes_silent": 2}
    assert {node["status"]["state"] for node in hall.operator.items("/v1/system/nodes")} == {"allocated"}
    hall.provisioner.kill()
    for node in hall.operator.items("/v1/system/nodes"):
        hall.operator.post(f"/v1/system/nodes/{node['id']}/power", {"on": True}).expect(200)
    hall.provisioner.start()
    hall.advance(at("07T05:00:00"))
    assert hall.provisioner.metrics()["sluice_provisioner_zones_paused"] == 1
    resume(hall)
    hall.advance(at("07T05:30:00"))
    assert instances(hall.acme, held) == [("running", 1)] * 2, "the nodes came back before anybody judged them"
    assert hall.provisioner.metrics()["sluice_provisioner_zones_paused"] == 0
    hall.advance(at("07T07:00:00"))
    assert instances(hall.acme, held) == [("terminated", 1)] * 2


def test_a_resume_within_a_move_of_the_clock_is_kept_to(hall):
    days = [reserve(hall.acme, f"{day:02}T00:00:00", f"{day:02}T12:00:00", count=1) for day in range(9, 19)]
    hall.advance(at("08T18:00:00"))
    pause(hall, until=at("09T18:00:00"))
    client = hall.operator.clone()
    move = threading.Thread(target=hall.advance, args=(at("19T00:00:00"),))
    move.start()
    client.post(hall.where + "/resume").expect(200)
    move.join()
    assert {state(hall.acme, each) for each in days} == {"ended"}
    assert [len(instances(hall.acme, each)) for each in days] == [1] * 10


def test_who_must_give_way_for_a_verdict_in_a_pause_goes_after_it(hall):
    reserve(hall.acme, "20T00:00:00", "21T00:00:00", tier="preemptible")
    hall.advance(at("20T01:00:00"))
    pause(hall, until=at("20T05:00:00"))
    firm = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "starts_at": at("20T02:00:00"), "ends_at": at("20T08:00:00")}
    refused = hall.other.post("/v1/reservations", firm).expect(409).body
    starts = min(each["starts_at"] for each in refused["alternatives"] if "starts_at" in each)
    assert starts >= at("20T05:02:00"), "the end of the pause, and the notice"
    resume(hall)


def test_a_pause_is_a_wish_with_the_conditions_of_all_others(hall):
    hall.advance(at("22T00:00:00"))
    before = hall.operator.get(hall.where).expect(200)
    assert hall.operator.get(hall.where, headers={"If-None-Match": before.headers["ETag"]}).status == 304
    preview = hall.operator.post(hall.where + "/pause?validate_only=true", {"reason": "try"}).expect(200).body
    assert (preview["paused"], preview["pause"]["until"], preview["pause"]["holds"]) == (True, at("22T01:00:00"), False)
    assert reconciler(hall)["paused"] is False
    for wrong in ({"until": at("22T00:00:00")}, {"until": at("23T00:00:01")}, {"until": at("22T02:00:00"), "duration_s": 60}, {"duration_s": 86401}):
        hall.operator.post(hall.where + "/pause", {"reason": "x", **wrong}).expect(422)
    hall.operator.post(hall.where + "/pause", {}).expect(422)
    key = {"Idempotency-Key": "stop-it", "If-Match": before.headers["ETag"]}
    first = hall.operator.post(hall.where + "/pause", {"reason": "one"}, headers=key).expect(200)
    again = hall.operator.post(hall.where + "/pause", {"reason": "one"}, headers=key).expect(200)
    assert again.headers["Idempotent-Replayed"] == "true"
    hall.operator.post(hall.where + "/pause", {"reason": "two"}, headers={"If-Match": before.headers["ETag"]}).expect(412)
    hall.operator.post(hall.where + "/pause", {"reason": "longer", "duration_s": 86400}).expect(200)
    told = reconciler(hall)["pause"]
    assert (told["reason"], told["since"], told["until"]) == ("longer", first.body["pause"]["since"], at("23T00:00:00"))
    assert [each["id"] for each in hall.operator.items("/v1/system/reconciler?paused=true&zone=us-east-1a")] == [first.body["id"]]
    assert hall.operator.items("/v1/system/reconciler?paused=false") == []
    attention = {row["kind"]: row["count"] for row in hall.operator.items("/v1/system/attention")}
    assert attention["zones_paused"] == 1
    hall.acme.get(hall.where).expect(403)
    hall.operator.post(hall.where + "/resume").expect(200)
    assert hall.operator.post(hall.where + "/resume").expect(200).body["paused"] is False, "it is so already"
    pause(hall, duration_s=600)
    hall.advance(at("22T01:00:00"))
    last = hall.events(hall.operator, "/v1/system/events?type=reconciler.*")[-1]
    assert (last["kind"], last["occurred_at"]) == ("reconciler.resumed", at("22T00:10:00")), "it ends though nothing waits for it"
    audited = [row["action"] for row in hall.operator.items("/v1/system/audit?limit=1000") if "reconciler" in row["action"]]
    assert len(audited) >= 2


def test_whoever_comes_after_a_pause_waits_for_who_overstayed_and_for_the_wipe(hall):
    reserve(hall.acme, "24T00:00:00", "24T06:00:00")
    hall.advance(at("24T05:00:00"))
    pause(hall, until=at("24T10:00:00"))
    hall.advance(at("24T09:00:00"))
    resume(hall)
    hall.other.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2, "ends_at": at("24T12:00:00")}).expect(201)
    hall.advance(at("24T13:00:00"))
    assert stays(hall, "acme")[-2:] == [("24T00:00:00", "24T09:01:00")] * 2
    assert stays(hall, "other")[-2:] == [("24T09:11:00", "24T12:01:00")] * 2, "by plan the nodes are free since 06:11"


def test_the_reconciler_tells_who_leads_and_what_was_verified(hall):
    told = reconciler(hall)
    (leader,) = [each for each in hall.operator.items("/v1/system/leaders") if each["name"].startswith("zone:")]
    assert {name: told["leader"][name] for name in ("holder", "epoch")} == {name: leader[name] for name in ("holder", "epoch")}
    assert told["leader"]["since"] == leader["led_since"]
    hall.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200)
    assert reconciler(hall)["verification"]["is_equal"] is True
    assert [row["kind"] for row in told["drift"]] == ["actions_pending", "instances_to_start", "instances_to_stop", "nodes_silent",
                                                      "nodes_to_empty", "nodes_to_prepare", "nodes_to_retire"]
