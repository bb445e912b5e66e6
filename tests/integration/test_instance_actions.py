"""Stop, start and reboot: an instance goes down and comes up as its tenant wishes, and keeps its place, which is paid."""
# SPDX-License-Identifier: Apache-2.0

import pytest

from stack import eventually


def at(time):
    return f"2026-01-{time}Z"


@pytest.fixture(scope="module")
def hall(make_module_stack):
    """A zone of three nodes; acme with a client of its own; each test has a day of its own."""
    stack = make_module_stack()
    stack.fleet(3)
    where = f"/v1/system/zones/{zone_of(stack)['id']}"
    stack.operator.patch(where, {"sim_start_s": 120, "sim_stop_s": 60}, headers={"If-Match": "*"}).expect(200)
    stack.acme, stack.other = stack.tenant("acme"), stack.tenant("other")
    return stack


@pytest.fixture
def running(hall, request):
    """running(day, ...): acme's only instance, which runs from the start of that day and would until noon."""
    made = []

    def make(day, client=None, count=1, **fields):
        client = client or hall.acme
        hall.advance(at(f"{day}T00:00:00"))
        body = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": count, "ends_at": at(f"{day}T12:00:00"), **fields}
        reservation = client.post("/v1/reservations", body).expect(201).body
        made.append((client, reservation))
        hall.advance(at(f"{day}T01:00:00"))
        return [one for one in client.items(f"/v1/instances?reservation={reservation['id']}")][0]

    yield make
    for client, reservation in made:
        client.post(f"/v1/reservations/{reservation['id']}/cancel")
    hall.operator.patch(f"/v1/system/zones/{zone_of(hall)['id']}", {"sim_fail_ppm": 0}, headers={"If-Match": "*"}).expect(200)


def zone_of(hall):
    return hall.operator.items("/v1/system/zones")[0]


def ask(client, instance, action, **options):
    return client.post(f"/v1/instances/{instance['id']}/actions", {"action": action}, **options)


def actions(client, instance):
    return [(each["action"], each["state"], each["reason"]) for each in client.items(f"/v1/instances/{instance['id']}/actions")]


def now(client, instance):
    return client.get(f"/v1/instances/{instance['id']}").expect(200).body


def finished(hall, client, instance, action, moment):
    """Asks for it and moves the clock until it is done."""
    ask(client, instance, action).expect(202)
    hall.advance(at(moment))
    return now(client, instance)


def classes(hall, reservation):
    """Seconds of each class of what was metered of a reservation."""
    rows = hall.sql("""
        SELECT class, sum(extract(epoch FROM period_end - period_start))::bigint AS seconds FROM sluice.usage_interval
         WHERE instance_id IN (SELECT id FROM sluice.instance WHERE reservation_id = (SELECT reservation_id FROM sluice.instance WHERE id = %s))
         GROUP BY class""", (uuid_of(reservation),))
    return {row["class"]: row["seconds"] for row in rows}


def uuid_of(identity):
    number = 0
    for letter in identity.split("_")[1]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    return f"{number:032x}"


def test_what_is_stopped_keeps_its_place_and_comes_up_there_again(hall, running):
    instance = running("02", count=3)
    before = hall.operator.get(f"/v1/system/instances/{instance['id']}").expect(200).body["node"]
    asked = ask(hall.acme, instance, "stop").expect(202).body
    assert (asked["action"], asked["instance"], asked["finished_at"]) == ("stop", instance["id"], None)
    eventually(lambda: now(hall.acme, instance)["state"] == "halting", "it goes down")
    hall.advance(at("02T02:00:00"))
    stopped = now(hall.acme, instance)
    assert (stopped["state"], stopped["address"]) == ("stopped", None)
    assert actions(hall.acme, instance) == [("stop", "done", None)]
    reservation = hall.acme.get(f"/v1/reservations/{instance['reservation']}").expect(200).body
    assert (reservation["status"]["state"], reservation["status"]["health"]) == ("active", "ok")
    refused = hall.other.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "ends_at": at("02T10:00:00")})
    assert refused.expect(409).code == "capacity_unavailable"
    up = finished(hall, hall.acme, instance, "start", "02T03:00:00")
    assert up["state"] == "running" and up["address"] is not None
    assert up["incarnation"] == instance["incarnation"]
    assert hall.operator.get(f"/v1/system/instances/{instance['id']}").expect(200).body["node"] == before


def test_a_reboot_is_down_and_up_again(hall, running):
    instance = running("03")
    etag = hall.acme.get(f"/v1/instances/{instance['id']}").expect(200).headers["ETag"]
    ask(hall.acme, instance, "reboot", headers={"If-Match": '"7.1"'}).expect(412)
    ask(hall.acme, instance, "reboot", headers={"If-Match": etag}).expect(202)
    hall.advance(at("03T02:00:00"))
    assert now(hall.acme, instance)["state"] == "running"
    assert actions(hall.acme, instance) == [("reboot", "done", None)]
    kinds = [event["kind"] for event in hall.events(hall.acme) if event["object_id"] == instance["id"]]
    assert kinds[-3:] == ["instance.halting", "instance.starting", "instance.running"]
    told = [event for event in hall.events(hall.acme) if event["kind"] == "instance_action.done"][-1]
    assert told["payload"]["instance_id"] is not None and told["payload"]["action"] == "reboot"


def test_what_is_stopped_is_unused_and_paid(hall, running):
    """Its minutes down and up again are its tenant's, not the provider's: they tile the window as used and unused."""
    instance = running("04")
    finished(hall, hall.acme, instance, "stop", "04T02:00:00")
    finished(hall, hall.acme, instance, "start", "04T05:00:00")
    hall.advance(at("04T13:00:00"))
    zone = zone_of(hall)
    eventually(lambda: sum(classes(hall, instance["id"]).values()) == 12 * 3600, "the window is metered")
    metered = classes(hall, instance["id"])
    started_s, stopped_s = zone["sim_start_s"], zone["sim_stop_s"]
    assert metered["unready"] == started_s  # the first start
    assert metered["unused"] == 3600 - stopped_s + started_s
    assert metered["used"] == 11 * 3600 - started_s + stopped_s - started_s


def test_what_cannot_be_done_is_refused_with_the_reason(hall, running):
    instance = running("05")
    assert ask(hall.acme, instance, "start").expect(409).code == "instance_not_stopped"
    assert ask(hall.acme, instance, "hibernate").expect(422).body["errors"][0]["pointer"] == "/action"
    key = {"Idempotency-Key": "stop it"}
    first = ask(hall.acme, instance, "stop", headers=key).expect(202).body
    assert ask(hall.acme, instance, "reboot").expect(409).code == "action_under_way"
    again = ask(hall.acme, instance, "stop", headers=key).expect(202)
    assert again.body["id"] == first["id"] and again.headers["Idempotent-Replayed"] == "true"
    hall.advance(at("05T02:00:00"))
    assert ask(hall.acme, instance, "stop").expect(409).code == "instance_not_running"
    assert ask(hall.other, instance, "start").expect(404)
    assert hall.other.get(f"/v1/instances/{instance['id']}/actions").expect(404)
    viewer = hall.token("viewer", "acme")
    assert ask(viewer, instance, "start").expect(403).code == "forbidden"
    assert hall.operator.post(f"/v1/system/instances/{instance['id']}/actions", {"action": "start"}).expect(202)
    hall.advance(at("05T03:00:00"))
    assert now(hall.acme, instance)["state"] == "running"
    hall.acme.post(f"/v1/reservations/{instance['reservation']}/cancel").expect(200)
    assert ask(hall.acme, instance, "stop").expect(409).code == "instance_ended"
    lines = hall.acme.get(f"/v1/instances/{instance['id']}/actions", headers={"Accept": "text/csv"}).expect(200).content.decode().splitlines()
    assert len(lines) == 3 and lines[0].startswith("id,instance,action,state,reason")


def test_what_ends_while_it_is_stopped_is_gone_and_what_was_under_way_has_failed(hall, running):
    instance = running("06")
    finished(hall, hall.acme, instance, "stop", "06T11:59:50")
    ask(hall.acme, instance, "start").expect(202)
    hall.advance(at("06T13:00:00"))
    assert now(hall.acme, instance)["state"] == "terminated"
    assert actions(hall.acme, instance)[-1] == ("start", "failed", "instance_ended")
    assert hall.acme.get(f"/v1/reservations/{instance['reservation']}").body["status"]["state"] == "ended"


def test_what_is_stopped_moves_off_a_node_that_fails_and_stays_stopped(hall, running):
    instance = running("07")
    finished(hall, hall.acme, instance, "stop", "07T02:00:00")
    node = hall.operator.get(f"/v1/system/instances/{instance['id']}").body["node"]
    hall.operator.post(f"/v1/system/nodes/{node}/power", {"on": False}).expect(200)
    hall.advance(at("07T03:00:00"))
    moved = hall.operator.get(f"/v1/system/instances/{instance['id']}").body
    assert moved["state"] == "stopped" and moved["node"] not in (None, node) and moved["incarnation"] == instance["incarnation"] + 1
    assert finished(hall, hall.acme, instance, "start", "07T04:00:00")["state"] == "running"
    hall.operator.post(f"/v1/system/nodes/{node}/power", {"on": True}).expect(200)


def test_an_action_that_its_node_cannot_do_has_failed_and_the_instance_is_replaced(hall, running):
    instance = running("08")
    finished(hall, hall.acme, instance, "stop", "08T02:00:00")
    where = f"/v1/system/zones/{zone_of(hall)['id']}"
    hall.operator.patch(where, {"sim_fail_ppm": 1000000}, headers={"If-Match": "*"}).expect(200)
    hall.advance(at("08T02:30:00"))  # its leader knows: what is asked at once may be done by the terms before
    finished(hall, hall.acme, instance, "start", "08T03:00:00")
    assert actions(hall.acme, instance)[-1] == ("start", "failed", "node_failed")
    hall.operator.patch(where, {"sim_fail_ppm": 0}, headers={"If-Match": "*"}).expect(200)
    hall.advance(at("08T05:00:00"))
    assert now(hall.acme, instance)["state"] == "running"


def test_an_action_outlives_the_provisioner(hall, running):
    instance = running("09")
    ask(hall.acme, instance, "reboot").expect(202)
    hall.provisioner.kill()
    hall.provisioner.start()
    eventually(lambda: now(hall.acme, instance)["state"] == "halting", "it goes down")
    hall.provisioner.kill()
    hall.provisioner.start()
    eventually(hall.provisioner.is_ready, "it leads again")
    hall.advance(at("09T02:00:00"))
    assert now(hall.acme, instance)["state"] == "running"
    assert actions(hall.acme, instance) == [("reboot", "done", None)]


def test_what_is_stopped_gives_way_as_what_runs(hall, running):
    hall.operator.post("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": "preemptible",
                                             "gpu_hour": {"amount": "1.100000", "currency": "USD"}}).expect(201)
    instance = running("10", count=3, tier="preemptible")
    for each in hall.acme.items(f"/v1/instances?reservation={instance['reservation']}"):
        ask(hall.acme, each, "stop").expect(202)
    hall.advance(at("10T02:00:00"))
    firm = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 3, "starts_at": at("10T03:00:00"), "ends_at": at("10T04:00:00")}
    hall.other.post("/v1/reservations", firm).expect(201)
    hall.advance(at("10T03:30:00"))
    assert now(hall.acme, instance)["state"] == "terminated"
    assert ask(hall.acme, instance, "start").expect(409).code == "instance_preempted"
    hall.advance(at("11T00:00:00"))
    eventually(lambda: "preempted" in classes(hall, instance["id"]), "the rest of its window is nobody's to pay")


def test_what_goes_down_by_itself_is_not_what_was_asked(hall, running):
    """As where a node brought up what is to be down: a start that is asked meanwhile is not done with its going down."""
    instance = running("12")
    finished(hall, hall.acme, instance, "stop", "12T02:00:00")
    hall.provisioner.stop()
    one = (uuid_of(instance["id"]),)
    hall.sql("""UPDATE sluice.instance SET state = 'halting', due_at = sluice.sluice_now(), deadline_at = sluice.sluice_now() + interval '1 hour'
                 WHERE id = %s""", one)
    hall.sql("""UPDATE sluice.reservation_status SET due_at = sluice.sluice_now()
                 WHERE reservation_id = (SELECT reservation_id FROM sluice.instance WHERE id = %s)""", one)
    hall.sql("""INSERT INTO sluice.instance_action (id, instance_id, reservation_id, tenant_id, zone_id, principal_id, action)
                SELECT gen_random_uuid(), id, reservation_id, tenant_id, zone_id, gen_random_uuid(), 'start' FROM sluice.instance WHERE id = %s""", one)
    hall.provisioner.start()
    eventually(hall.provisioner.is_ready, "it leads again")
    hall.advance(at("12T03:00:00"))
    hall.advance(at("12T04:00:00"))
    assert sorted(actions(hall.acme, instance)) == [("start", "done", None), ("stop", "done", None)]
    assert now(hall.acme, instance)["state"] == "running"
