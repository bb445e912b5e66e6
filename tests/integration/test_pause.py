"""An operator's stop of the automation in one zone: the head goes on, the hands stand still."""
# SPDX-License-Identifier: Apache-2.0

import signal
import threading

import pytest

from stack import eventually


def at(moment):
    """A day of January, or a month and a day."""
    return f"2026-{moment}Z" if moment[2] == "-" else f"2026-01-{moment}Z"


@pytest.fixture(scope="module")
def hall(make_module_stack):
    """A zone of two nodes that take 120 s to start, 60 s to stop and 600 s to be clean; each test has days of its own."""
    stack = make_module_stack(settings={"sluice-provisioner": {"SLUICE_LEASE_TTL_MS": "60000"}})  # whoever stands still keeps its lease
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
                                            **({"starts_at": at(starts)} if starts else {}), "ends_at": at(ends), **fields}).expect(201).body


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
         WHERE t.name = %s AND period_start::date = %s::date GROUP BY class""", (tenant, at(f"{day}T00:00:00")))}


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


def test_a_tenants_next_window_starts_once_its_last_one_has_left_the_place(hall):
    hall.advance(at("25T00:00:00"))
    reserve(hall.acme, "26T00:00:00", "26T06:00:00")
    reserve(hall.acme, "26T06:00:00", "26T12:00:00")
    reserve(hall.acme, "26T12:00:00", "26T18:00:00")
    hall.advance(at("26T11:00:00"))
    terms(hall, lead_s=600)
    hall.advance(at("26T11:55:00"))
    terms(hall, lead_s=0)
    hall.advance(at("26T18:00:30"))
    reserve(hall.acme, None, "26T20:00:00")
    hall.advance(at("26T23:00:00"))
    moments = ["00:00:00", "06:01:00", "12:01:00", "18:01:00", "20:01:00"]
    assert stays(hall, "acme")[-8:] == [(f"26T{began}", f"26T{ended}") for began, ended in zip(moments, moments[1:]) for _ in range(2)]


def test_how_far_an_idle_zone_has_read_the_log_is_known_though_nothing_in_it_is_for_it(hall):
    hall.sql("""INSERT INTO sluice.event (object_type, object_id, object_revision, kind)
                SELECT 'probe', gen_random_uuid(), 1, 'probe.made' FROM generate_series(1, 9000)""")
    unread = """SELECT count(*) AS events FROM sluice.event e, sluice.event_cursor c
                 WHERE c.consumer LIKE 'zone:%%' AND (e.xid, e.seq) > (c.xid, c.seq)"""
    eventually(lambda: hall.sql(unread)[0]["events"] < 9000, "the cursor moves")


def test_who_is_up_before_its_window_has_its_place_held_and_whoever_was_sold_that_time_has_it(hall):
    hall.advance(at("27T00:00:00"))
    reserve(hall.acme, "27T12:00:00", "27T18:00:00")
    reserve(hall.other, "27T11:35:00", "27T11:45:00", count=1)
    hall.advance(at("27T11:20:00"))
    terms(hall, lead_s=1800)
    hall.advance(at("27T11:34:00"))
    for who, count in ((hall.acme, 1), (hall.other, 2)):
        who.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": count, "ends_at": at("27T11:34:30")}).expect(409)
    hall.advance(at("27T20:00:00"))
    terms(hall, lead_s=0)
    assert [(who, *times) for who, _, *times in there_since(hall, "01-27T00:00:00")] == [
        ("other", "01-27T11:20:00", "01-27T11:46:00"), ("acme", "01-27T11:30:00", "01-27T18:01:00"),
        ("acme", "01-27T11:56:00", "01-27T18:01:00")]


def test_what_is_wished_behind_a_change_of_terms_is_decided_by_the_new_ones(hall):
    """Though the leader hears of both at once."""
    hall.advance(at("28T00:00:00"))
    hall.provisioner.signal(signal.SIGSTOP)
    terms(hall, lead_s=1800)
    wish = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2, "starts_at": at("28T12:00:00"), "ends_at": at("28T18:00:00")}
    hall.acme.post("/v1/reservations", wish, headers={"Prefer": "respond-async"}).expect(202)
    hall.provisioner.signal(signal.SIGCONT)
    hall.advance(at("28T20:00:00"))
    terms(hall, lead_s=0)
    assert [row[2:] for row in there_since(hall, "01-28T00:00:00")] == [("01-28T11:30:00", "01-28T18:01:00")] * 2


# ---- What may not come of a pause ----


def terms(hall, **fields):
    hall.operator.patch(hall.where.replace("reconciler", "zones"), fields, headers={"If-Match": "*"}).expect(200)


def nodes(hall):
    return {node["name"]: f"/v1/system/nodes/{node['id']}" for node in hall.operator.items("/v1/system/nodes")}


def third_node(hall):
    if len(nodes(hall)) == 2:
        hall.node("n0002", "us-east-1a", turnaround_s=600)


def power(hall, node, on):
    hall.operator.post(f"{node}/power", {"on": on}).expect(200)


def there_since(hall, moment):
    """Who was on which node, and when, of the stays that began since."""
    return [(row["tenant"], row["node"], row["began"], row["ended"]) for row in hall.sql("""
        SELECT t.name AS tenant, n.name AS node, to_char(s.started_at, 'MM-DD"T"HH24:MI:SS') AS began, to_char(s.ended_at, 'MM-DD"T"HH24:MI:SS') AS ended
          FROM sluice.instance_incarnation s JOIN sluice.tenant t ON t.id = s.tenant_id JOIN sluice.node n ON n.id = s.node_id
         WHERE s.started_at >= %s ORDER BY s.started_at, n.name""", (at(moment),))]


def test_a_limit_that_counts_from_a_start_counts_from_it_still_when_a_pause_ends_before(hall):
    reserve(hall.acme, "02-01T00:00:00", "02-01T12:00:00")
    later = reserve(hall.other, "02-01T12:30:00", "02-01T20:00:00")
    hall.advance(at("02-01T08:00:00"))
    terms(hall, lead_s=4 * 3600)
    pause(hall, until=at("02-02T07:00:00"))
    hall.advance(at("02-01T08:30:10"))
    assert instances(hall.other, later) == [("planned", 1)] * 2
    resume(hall)
    limits = hall.sql("""
        SELECT DISTINCT to_char(d.deadline_at, 'MM-DD"T"HH24:MI:SS') AS at FROM (
               SELECT deadline_at FROM sluice.instance WHERE state = 'planned'
               UNION ALL SELECT deadline_at FROM sluice.reservation_status WHERE state = 'activating') d""")
    assert limits == [{"at": "02-01T13:30:00"}]
    hall.other.post(f"/v1/reservations/{later['id']}/cancel").expect(200)
    terms(hall, lead_s=0)
    hall.advance(at("02-01T14:00:00"))


def test_whoever_loses_its_node_within_the_lead_starts_nowhere_before_others_have_left(hall):
    reserve(hall.acme, "02-02T00:00:00", "02-02T12:00:00", count=1)
    hall.advance(at("02-02T08:00:00"))
    terms(hall, lead_s=4 * 3600)
    ((_, taken, _, _),) = there_since(hall, "02-02T00:00:00")
    ((_, free),) = [(name, path) for name, path in nodes(hall).items() if name != taken]
    hall.operator.post(f"{nodes(hall)[taken]}/cordon", {"reason": "for the test"}).expect(200)
    then = reserve(hall.other, "02-02T12:30:00", "02-02T20:00:00", count=1)
    hall.operator.post(f"{nodes(hall)[taken]}/uncordon").expect(200)
    power(hall, free, False)
    hall.advance(at("02-02T08:40:00"))
    assert instances(hall.other, then)[0][0] == "replacing"
    hall.advance(at("02-02T12:40:00"))
    assert there_since(hall, "02-02T00:00:00") == [("acme", taken, "02-02T00:00:00", "02-02T12:01:00"), ("other", taken, "02-02T12:11:00", None)], "as soon as it is clean"
    power(hall, free, True)
    terms(hall, lead_s=0)
    hall.advance(at("02-02T21:00:00"))


def test_who_overstays_is_waited_for_however_long_it_takes_and_memory_is_built_anew(hall):
    terms(hall, sim_stop_s=1200)
    reserve(hall.acme, "02-03T00:00:00", "02-03T06:00:00")
    hall.advance(at("02-03T05:00:00"))
    pause(hall, until=at("02-03T10:00:00"))
    hall.advance(at("02-03T09:00:00"))
    resume(hall)
    hall.advance(at("02-03T09:11:00"))
    reserve(hall.other, None, "02-03T12:00:00", count=1)
    hall.advance(at("02-03T09:22:00"))
    terms(hall, sim_stop_s=60)
    reserve(hall.other, None, "02-03T12:00:00", count=1)
    hall.advance(at("02-03T13:00:00"))
    assert [row[2:] for row in there_since(hall, "02-03T00:00:00")] == [("02-03T00:00:00", "02-03T09:20:00")] * 2 + [("02-03T09:30:00", "02-03T12:01:00")] * 2


def test_what_is_cancelled_in_a_pause_is_paid_until_then_though_days_close_meanwhile(hall):
    held = reserve(hall.acme, "02-04T00:00:00", "02-07T12:00:00", count=1)
    hall.advance(at("02-04T20:00:00"))
    pause(hall, duration_s=86400)
    hall.advance(at("02-04T22:00:00"))
    hall.acme.post(f"/v1/reservations/{held['id']}/cancel").expect(200)
    hall.advance(at("02-05T18:00:00"))
    pause(hall, duration_s=86400)
    hall.advance(at("02-06T12:00:00"))
    resume(hall)
    hall.advance(at("02-07T20:00:00"))
    assert classes(hall, "acme", "02-04") == {"unready": pytest.approx(120 / 3600), "used": pytest.approx(22 - 120 / 3600)}
    assert [classes(hall, "acme", day) for day in ("02-05", "02-06")] == [{}, {}]


def test_what_was_overdue_on_a_node_waits_for_the_end_of_a_pause(hall):
    reserve(hall.acme, "02-08T00:00:00", "02-08T01:00:00", count=1)
    hall.advance(at("02-08T01:05:00"))
    hall.provisioner.kill()
    hall.sql("UPDATE sluice.node_status SET due_at = due_at - interval '8 minutes' WHERE state = 'sanitizing'")  # as after a leader's absence
    hall.operator.post(hall.where + "/pause", {"reason": "as it comes back", "until": at("02-08T03:00:00")}).expect(200)
    hall.provisioner.start()
    hall.advance(at("02-08T02:00:00"))
    assert {row["due_at"].isoformat() for row in hall.sql("SELECT due_at FROM sluice.node_status WHERE state = 'sanitizing'")} == {"2026-02-08T03:00:00+00:00"}
    resume(hall)
    hall.advance(at("02-08T02:30:00"))
    assert {node["status"]["state"] for node in hall.operator.items("/v1/system/nodes")} == {"ready"}


def test_memory_is_right_in_a_pause_about_nodes_that_fell_silent_or_are_new(hall):
    def is_equal():
        return hall.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"]

    hall.advance(at("02-08T06:00:00"))
    pause(hall, until=at("02-08T08:00:00"))
    silent = nodes(hall)["n0000"]
    power(hall, silent, False)
    third_node(hall)
    hall.advance(at("02-08T06:10:00"))
    assert is_equal()
    resume(hall)
    hall.advance(at("02-08T06:20:00"))
    assert is_equal()
    power(hall, silent, True)
    hall.advance(at("02-08T08:00:00"))
    assert {node["status"]["state"] for node in hall.operator.items("/v1/system/nodes")} == {"ready"}
    assert is_equal()


def test_what_is_taken_away_and_given_again_in_a_pause_is_another_instance(hall):
    held = reserve(hall.acme, "02-08T12:00:00", "02-09T08:00:00")
    third_node(hall)
    hall.advance(at("02-08T17:00:00"))
    pause(hall, until=at("02-08T22:00:00"))
    amend = lambda **fields: hall.acme.patch(f"/v1/reservations/{held['id']}", fields).expect(200, 202)
    amend(count=1)
    hall.advance(at("02-08T17:01:00"))
    (gone,) = hall.sql("""SELECT i.id, n.name FROM sluice.instance i JOIN sluice.node n ON n.id = i.node_id
                           WHERE i.state = 'running' AND i.ordinal = 1""")
    hall.operator.post(f"{nodes(hall)[gone['name']]}/cordon", {"reason": "for the test"}).expect(200)
    amend(count=2, ends_at=at("02-09T09:00:00"))
    hall.advance(at("02-08T17:02:00"))
    assert sorted(instances(hall.acme, held)) == [("planned", 1), ("running", 1), ("running", 1)]
    hall.operator.post(f"{nodes(hall)[gone['name']]}/uncordon").expect(200)
    reserve(hall.other, "02-08T18:00:00", "02-09T06:00:00", count=1)
    resume(hall)
    hall.advance(at("02-08T20:00:00"))
    on_it = [row for row in there_since(hall, "02-08T12:00:00") if row[1] == gone["name"]]
    assert on_it == [("acme", gone["name"], "02-08T12:00:00", "02-08T17:03:00"), ("other", gone["name"], "02-08T18:00:00", None)]
    (over,) = hall.sql("SELECT ends_at FROM sluice.instance WHERE id = %s", (gone["id"],))
    assert over["ends_at"].isoformat() == "2026-02-08T17:00:00+00:00"


def test_who_gives_way_in_a_pause_pays_until_then_though_it_runs_on_and_days_close_meanwhile(hall):
    third_node(hall)
    reserve(hall.acme, "02-10T00:00:00", "02-14T00:00:00", count=3, tier="preemptible")
    hall.advance(at("02-10T12:00:00"))
    reserve(hall.other, "02-10T22:00:00", "02-12T00:00:00", count=1)
    (told,) = hall.sql("SELECT ends_by, extract(epoch FROM ends_by - '2026-02-10T00:00:00Z') / 3600 AS hours FROM sluice.instance WHERE ends_by IS NOT NULL AND state = 'running'")
    hall.advance(at("02-10T20:00:00"))
    pause(hall, duration_s=86400)
    hall.advance(at("02-11T18:00:00"))
    pause(hall, duration_s=86400)
    hall.advance(at("02-12T17:00:00"))
    resume(hall)
    hall.advance(at("02-14T12:00:00"))
    unready, hours = 3 * 120 / 3600, float(told["hours"])
    assert 20 < hours < 22
    assert classes(hall, "acme", "02-10") == {"unready": pytest.approx(unready), "used": pytest.approx(2 * 24 + hours - unready), "preempted": pytest.approx(24 - hours)}
    assert [classes(hall, "acme", day) for day in ("02-11", "02-12", "02-13")] == [{"used": 48, "preempted": 24}] * 3


def test_whoever_comes_after_a_leader_stood_still_waits_for_who_overstayed_and_for_the_wipe(hall):
    third_node(hall)
    held = reserve(hall.acme, "02-16T00:00:00", "02-16T06:00:00", count=3)
    hall.advance(at("02-16T05:00:00"))
    epoch = reconciler(hall)["leader"]["epoch"]
    hall.provisioner.signal(signal.SIGSTOP)
    hall.sql("SELECT sluice.clock_step(%s)", (at("02-16T09:00:00"),))
    asked = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 3, "ends_at": at("02-16T12:00:00")}
    hall.other.post("/v1/reservations", asked, headers={"Prefer": "respond-async"}).expect(202)
    hall.provisioner.signal(signal.SIGCONT)
    hall.advance(at("02-16T13:00:00"))
    assert reconciler(hall)["leader"]["epoch"] == epoch, "it kept its lease"
    assert state(hall.acme, held) == "ended"
    assert [row[2:] for row in there_since(hall, "02-16T00:00:00")] == [("02-16T00:00:00", "02-16T09:01:00")] * 3 + [("02-16T09:11:00", "02-16T12:01:00")] * 3
