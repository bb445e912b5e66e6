"""Those who wait are served in order, know where they stand, and are not delayed by who came after."""
# SPDX-License-Identifier: Apache-2.0

import pytest

DAY_ONE = "2026-01-01T{}Z"


def at(time):
    return time and DAY_ONE.format(time)


@pytest.fixture
def queue(stack):
    """queue(nodes): that many nodes, each with 8 GPUs, and a client of a tenant."""

    def make(nodes):
        stack.fleet(nodes)
        stack.acme = stack.tenant("acme")
        return stack

    return make


def ask(stack, starts, ends, count=1, client=None, **fields):
    body = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": count, "starts_at": at(starts), "ends_at": at(ends), **fields}
    return (client or stack.acme).post("/v1/reservations", body).expect(201, 202).body


def wait(stack, starts, ends, count=1, **fields):
    waiting = ask(stack, starts, ends, count, if_unavailable="waitlist", **fields)
    assert status_of(stack, waiting)["state"] == "waitlisted"
    return waiting


def status_of(stack, reservation, client=None):
    return (client or stack.acme).get(f"/v1/reservations/{reservation['id']}").expect(200).body["status"]


def states_of(stack, *reservations):
    return [status_of(stack, reservation)["state"] for reservation in reservations]


def test_who_waits_is_told_its_position_and_when_it_would_start(queue):
    stack = queue(1)
    ask(stack, None, "02:00:00")
    first, second = wait(stack, None, "06:00:00"), wait(stack, None, None)
    other = stack.tenant("other")
    third = ask(stack, None, "05:00:00", client=other, if_unavailable="waitlist")
    stack.advance(at("00:00:01"))
    assert status_of(stack, first)["waitlist"] == {"position": 1, "estimated_start": at("02:00:00")}
    assert status_of(stack, second)["waitlist"] == {"position": 2, "estimated_start": at("06:00:00")}
    assert status_of(stack, third, other)["waitlist"] == {"position": 3, "estimated_start": None}
    stack.advance(at("02:00:00"))
    assert states_of(stack, first, second) == ["active", "waitlisted"]
    assert status_of(stack, first)["waitlist"] is None
    assert status_of(stack, second)["waitlist"] == {"position": 1, "estimated_start": at("06:00:00")}
    stack.advance(at("06:00:00"))
    assert states_of(stack, second) == ["active"]
    assert status_of(stack, third, other)["state"] == "expired"


def test_an_earlier_estimate_is_told_by_an_event(queue):
    stack = queue(1)
    running = ask(stack, None, "09:00:00")
    waiting = wait(stack, None, None)
    ahead = wait(stack, None, "12:00:00")
    stack.advance(at("01:00:00"))
    assert status_of(stack, waiting)["waitlist"]["estimated_start"] == at("09:00:00")
    stack.acme.post(f"/v1/reservations/{waiting['id']}/cancel").expect(200)
    stack.advance(at("01:00:01"))
    assert status_of(stack, ahead)["waitlist"] == {"position": 1, "estimated_start": at("09:00:00")}
    told = [event for event in stack.events(stack.acme) if event["kind"] == "reservation.estimate"]
    assert [event["object_id"] for event in told] == [waiting["id"], ahead["id"]]
    assert status_of(stack, running)["state"] == "active"


def test_returning_capacity_serves_in_order(queue):
    stack = queue(1)
    running = ask(stack, None, "12:00:00")
    waiting = [wait(stack, None, "06:00:00") for _ in range(3)]
    stack.acme.post(f"/v1/reservations/{running['id']}/cancel").expect(200)
    stack.advance(at("00:10:00"))
    assert states_of(stack, *waiting) == ["active", "waitlisted", "waitlisted"]


def test_who_delays_nobody_jumps_ahead(queue):
    """Two nodes; one is busy until 04:00. A gang of two waits for it; what ends before then fits beside."""
    stack = queue(2)
    ask(stack, None, "04:00:00")
    stop = ask(stack, None, "12:00:00")
    gang = wait(stack, None, "12:00:00", count=2)
    long = wait(stack, None, "06:00:00")
    short = wait(stack, None, "04:00:00")
    stack.acme.post(f"/v1/reservations/{stop['id']}/cancel").expect(200)
    stack.advance(at("00:10:00"))
    assert states_of(stack, gang, long, short) == ["waitlisted", "waitlisted", "active"]
    assert status_of(stack, gang)["waitlist"]["estimated_start"] == at("04:00:00")
    stack.advance(at("04:00:00"))
    assert states_of(stack, gang, long, short) == ["active", "waitlisted", "ended"]


def test_who_waits_starts_as_soon_as_others_have_given_way(queue):
    stack = queue(1)
    spot = stack.tenant("spot")
    filling = ask(stack, None, None, client=spot, tier="preemptible")
    stack.advance(at("01:00:00"))
    firm = ask(stack, None, "12:00:00", if_unavailable="waitlist")
    status = status_of(stack, firm)
    assert (status["state"], status["starts_at"]) == ("scheduled", at("01:02:00"))
    stack.advance(at("01:02:00"))
    assert status_of(stack, firm)["state"] == "active"
    assert status_of(stack, filling, spot)["state"] == "ended"


def test_places_held_for_those_who_wait_leave_no_trace(queue):
    stack = queue(2)
    ask(stack, None, "04:00:00", count=2)
    for _ in range(3):
        wait(stack, None, "12:00:00")
    stack.advance(at("00:10:00"))
    assert stack.sql("SELECT count(*) AS rows FROM allocation") == [{"rows": 2}]
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    stack.provisioner.stop()
    stack.provisioner.start()
    stack.advance(at("04:00:00"))
    assert stack.sql("SELECT state, count(*) AS many FROM reservation_status GROUP BY state ORDER BY state") == [
        {"state": "active", "many": 2}, {"state": "ended", "many": 1}, {"state": "waitlisted", "many": 1}]
