"""Open-ended reservations: guaranteed for the tenant's horizon, step by step, and only so many of them."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack import eventually

DAY_S = 86400


def at(day, time="00:00:00"):
    return f"2026-01-{day:02}T{time}Z"


def reserve(client, starts, ends, **fields):
    body = {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": starts, "ends_at": ends, **fields}
    return client.post("/v1/reservations", body).expect(201).body


def status_of(client, reservation):
    return client.get(f"/v1/reservations/{reservation['id']}").expect(200).body["status"]


@pytest.fixture
def rolling(stack):
    """One node, and a tenant whose open-ended reservations are guaranteed for a day."""
    stack.fleet(1)
    stack.acme, stack.other = stack.tenant("acme", on_demand_horizon_s=DAY_S), stack.tenant("other")
    return stack


def held_until(stack):
    (row,) = stack.sql("SELECT extract(epoch FROM max(upper(period)) - (SELECT now FROM domain_clock))::bigint AS ahead"
                       "  FROM allocation WHERE kind = 'instance'")
    return row["ahead"]


def test_the_guarantee_rolls_on_while_nobody_is_behind(rolling):
    stack = rolling
    made = reserve(stack.acme, None, None, tier="on_demand")
    assert made["status"]["ends_at"] is None
    for day in (3, 5, 9):
        stack.advance(at(day, "07:00:00"))
        assert DAY_S <= held_until(stack) <= DAY_S + DAY_S // 8
        status = status_of(stack.acme, made)
        assert (status["state"], status["ends_by"], status["ends_at"]) == ("active", None, None)
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True


def test_a_window_sold_behind_it_is_told_a_horizon_ahead(rolling):
    stack = rolling
    made = reserve(stack.acme, None, None)
    firm = reserve(stack.other, at(5), at(6))
    stack.advance(at(3, "23:59:59"))
    assert status_of(stack.acme, made)["ends_by"] is None
    stack.advance(at(4))
    assert status_of(stack.acme, made)["ends_by"] == at(5)
    told = [event for event in stack.events(stack.acme) if event["kind"].endswith("end_notice")]
    assert {(event["kind"], event["occurred_at"]) for event in told} == {
        ("reservation.end_notice", at(4)), ("instance.end_notice", at(4))}
    stack.advance(at(5))
    status = status_of(stack.acme, made)
    assert (status["state"], status["reason"]) == ("ended", "horizon_ended")
    assert status_of(stack.other, firm)["state"] == "active"
    stack.advance(at(7))
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


def test_an_end_in_sight_goes_out_of_sight_when_there_is_room_again(rolling):
    stack = rolling
    made = reserve(stack.acme, None, None)
    firm = reserve(stack.other, at(5), at(6))
    stack.advance(at(4, "01:00:00"))
    assert status_of(stack.acme, made)["ends_by"] == at(5)
    stack.other.post(f"/v1/reservations/{firm['id']}/cancel").expect(200)
    stack.advance(at(4, "06:00:00"))
    assert status_of(stack.acme, made)["ends_by"] is None
    stack.advance(at(8))
    assert status_of(stack.acme, made)["state"] == "active"


@contextlib.contextmanager
def absent(stack, how, until):
    """Nobody leads until then; the leader comes back, or another in its place, once this is left."""
    if how == "stood still":
        stack.provisioner.signal(signal.SIGSTOP)
    else:
        stack.provisioner.kill()
    stack.sql("SELECT sluice.clock_step(%s)", (until,))
    yield
    if how == "stood still":
        stack.provisioner.signal(signal.SIGCONT)
    else:
        stack.provisioner.start()


@pytest.mark.parametrize("how", ("stood still", "was gone"))
def test_who_runs_keeps_its_place_however_long_the_leader(rolling, how):
    stack = rolling
    made = reserve(stack.acme, None, None)
    stack.advance(at(2))
    with absent(stack, how, at(9)):
        asked = stack.other.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "ends_at": at(10)},
                                 headers={"Prefer": "respond-async"}).expect(202).body
    stack.advance(at(9, "00:00:01"))
    assert status_of(stack.other, asked)["state"] == "rejected"
    status = status_of(stack.acme, made)
    assert (status["state"], status["ends_by"], status["ends_at"]) == ("active", None, None)
    assert DAY_S <= held_until(stack) <= DAY_S + DAY_S // 8
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    stack.advance(at(12))
    assert status_of(stack.acme, made)["state"] == "active"
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


@pytest.mark.parametrize("how", ("stood still", "was gone"))
def test_whoever_was_sold_a_window_behind_it_has_it_though_the_leader(rolling, how):
    stack = rolling
    made = reserve(stack.acme, None, None)
    firm = reserve(stack.other, at(5), at(9))
    stack.advance(at(2))
    with absent(stack, how, at(6)):
        pass
    stack.advance(at(6, "12:00:00"))
    status = status_of(stack.acme, made)
    assert (status["state"], status["reason"], status["ends_by"]) == ("ended", "horizon_ended", at(6))
    assert status_of(stack.other, firm)["state"] == "active"
    stays = stack.sql("SELECT s.started_at, s.ended_at FROM instance_incarnation s ORDER BY s.started_at")
    assert len(stays) == 2 and stays[0]["ended_at"] <= stays[1]["started_at"]
    stack.advance(at(10))
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


@pytest.mark.parametrize("horizon_s, led_until, how, led_from, then", (
    (DAY_S, at(2), "was gone", at(9), at(9, "00:00:01")),
    (10, at(1, "00:01:00"), "stood still", at(1, "00:02:30"), at(1, "00:02:31"))))  # for so short a time memory is not read anew
def test_more_than_one_piece_of_work_takes_are_held_before_anything_is_decided(stack, horizon_s, led_until, how, led_from, then):
    many, makers = 520, 4  # a piece of work reads 512
    stack.fleet(66)
    stack.operator.create("/v1/system/instance-types", {"name": "one", "gpu_count": 1, "gpu_models": ["H100"], "cpu_milli": 1000, "memory_mib": 1024})
    acme, other = stack.tenant("acme", on_demand_horizon_s=horizon_s), stack.tenant("other")

    def make(client):
        for _ in range(many // makers):
            reserve(client, None, None, instance_type="one")

    with ThreadPoolExecutor(makers) as pool:
        list(pool.map(make, [acme.clone() for _ in range(makers)]))
    stack.advance(led_until)
    with absent(stack, how, led_from):
        asked = other.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2, "ends_at": at(10)},
                           headers={"Prefer": "respond-async"}).expect(202).body
    stack.advance(then)
    assert status_of(other, asked)["state"] == "rejected"
    assert stack.sql("SELECT count(*) FROM allocation a JOIN instance i USING (reservation_id) WHERE a.period @> sluice_now() AND i.state = 'running'"
                     " AND i.node_id = a.node_id") == [{"count": many}]
    assert stack.sql("SELECT count(*) FROM allocation_history WHERE kind = 'instance'") == [{"count": many}]
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True


def test_without_a_horizon_it_holds_for_ever(rolling):
    stack = rolling
    reserve(stack.other, None, None)
    stack.acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": at(20),
                                         "ends_at": at(21)}).expect(409)


@pytest.fixture
def capped(stack):
    """Two zones of three nodes; of a type, two thirds are sold without an end, at 24 an hour."""
    stack.fleet(3)
    stack.zone("us-west-1a")
    for number in range(3):
        stack.node(f"w{number}", "us-west-1a")
    stack.operator.create("/v1/system/instance-types", {
        "name": "capped", "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 96000, "memory_mib": 1048576,
        "open_ended_max_percent": 67})
    stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "capped", "gpu_hour": {"amount": "3.000000", "currency": "USD"}})
    return stack


def window_of(body):
    return (body["zone"], body["count"], body["starts_at"], body["ends_at"]) + ((body["instance_type"],) if body["instance_type"] != "capped" else ())


def test_only_a_share_of_a_type_is_sold_without_an_end_and_what_is_told_instead_can_be_posted(capped):
    stack, acme = capped, capped.tenant("acme")
    wish = {"instance_type": "capped", "zone": "us-east-1a", "count": 2}
    reserve(acme, None, None, instance_type="capped")
    said = acme.post("/v1/reservations?validate_only=true", wish).expect(409).body
    refused = acme.post("/v1/reservations", wish).expect(409).body
    assert refused["binding"]["constraint"] == "open_ended_share"
    assert (refused["binding"]["sold_gpu_milli"], refused["binding"]["most_gpu_milli"]) == (8000, 16080)
    assert [window_of(body) for body in refused["alternatives"]] == [
        ("us-east-1a", 2, None, "2027-01-02T00:00:00Z"), ("us-east-1a", 1, None, None),
        ("us-east-1a", 2, None, None, "h100.8x"), ("us-west-1a", 2, None, None)]
    assert said["alternatives"] == refused["alternatives"]
    for body in refused["alternatives"]:
        made = acme.create("/v1/reservations", body)
        acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)
    reserve(acme, None, None, zone="us-west-1a", instance_type="capped")
    reserve(acme, at(9), at(11), count=2)
    refused = acme.post("/v1/reservations", wish).expect(409).body  # nor is there room in the west, and here until the ninth
    assert [window_of(body) for body in refused["alternatives"]] == [("us-east-1a", 2, None, at(9))]
    for body in refused["alternatives"]:
        made = acme.create("/v1/reservations", body)
        acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)


def test_what_is_cancelled_gives_its_share_to_who_asks_in_the_same_piece_of_work(capped):
    stack, acme = capped, capped.tenant("acme")
    first = reserve(acme, None, None, count=2, instance_type="capped")
    wish = {"instance_type": "capped", "zone": "us-east-1a"}
    stack.provisioner.stop()
    acme.post(f"/v1/reservations/{first['id']}/cancel", headers={"Prefer": "respond-async"}).expect(200)
    second = acme.post("/v1/reservations", wish, headers={"Prefer": "respond-async"}).expect(202).body
    stack.provisioner.start()
    url = f"/v1/reservations/{second['id']}"
    eventually(lambda: acme.get(url).body["status"]["state"] != "pending", "it is decided")
    assert acme.get(url).body["status"]["state"] in ("scheduled", "activating", "active")


def test_what_is_told_instead_of_what_has_no_end_is_within_the_credit_limit(capped):
    stack, acme = capped, capped.tenant("acme")
    other = stack.tenant("other")
    (found,) = stack.operator.items("/v1/system/tenants?name=acme")
    stack.operator.request("PUT", f"/v1/system/tenants/{found['id']}/credit-limit", {"limit": {"amount": "600.00", "currency": "USD"}}).expect(200)
    reserve(other, None, None, instance_type="capped", count=2)
    refused = acme.post("/v1/reservations", {"instance_type": "capped", "zone": "us-east-1a"}).expect(409).body
    assert refused["binding"]["constraint"] == "open_ended_share"
    assert [window_of(body) for body in refused["alternatives"]] == [
        ("us-east-1a", 1, None, at(2)), ("us-east-1a", 1, None, None, "h100.8x"), ("us-west-1a", 1, None, None)]
    for body in refused["alternatives"]:
        acme.post("/v1/reservations?validate_only=true", body).expect(200)
    acme.post("/v1/reservations", refused["alternatives"][0]).expect(201)


def test_what_is_opened_by_an_amendment_rolls_and_counts_like_any_other(stack):
    stack.fleet(2)
    stack.operator.create("/v1/system/instance-types", {
        "name": "capped", "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 96000, "memory_mib": 1048576,
        "open_ended_max_percent": 50})
    acme = stack.tenant("acme", on_demand_horizon_s=DAY_S)
    first, second = (reserve(acme, None, at(2), instance_type="capped") for _ in range(2))
    preview = acme.post(f"/v1/reservations/{first['id']}/amendments?validate_only=true", {"ends_at": None}).expect(200).body
    assert preview["terms"]["ends_at"] is None
    opened = acme.patch(f"/v1/reservations/{first['id']}", {"ends_at": None}).expect(200).body
    assert opened["ends_at"] is None
    refused = acme.patch(f"/v1/reservations/{second['id']}", {"ends_at": None}).expect(409)
    assert refused.body["binding"]["constraint"] == "open_ended_share"
    stack.advance(at(3, "07:00:00"))
    assert DAY_S <= held_until(stack) <= DAY_S + DAY_S // 8
    acme.patch(f"/v1/reservations/{first['id']}", {"ends_at": at(4)}).expect(200)
    stack.advance(at(5))
    assert status_of(acme, first)["state"] == "ended"
