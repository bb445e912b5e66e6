"""Amendments: other terms for a reservation, all or nothing; and what is billed is what was held."""
# SPDX-License-Identifier: Apache-2.0

import threading

import pytest

from stack import eventually

JANUARY = "2026-01-{:02}T{:02}:00:00Z"


def at(day, hour=0):
    return JANUARY.format(day, hour)


@pytest.fixture(scope="module")
def hall(module_stack):
    """A fleet of four nodes, under a clock that nobody moves."""
    module_stack.fleet(nodes=4, price="2.000000")
    return module_stack


@pytest.fixture
def acme(stack):
    """A fleet of four nodes and a tenant."""
    stack.fleet(nodes=4, price="2.000000")
    return stack.tenant("acme")


def reserve(client, starts_at=at(2), ends_at=at(4), count=2, **fields):
    return client.post("/v1/reservations", {
        "instance_type": "h100.8x", "count": count, "zone": "us-east-1a", "starts_at": starts_at, "ends_at": ends_at,
        **fields}).expect(201).body


def show(client, reservation):
    return client.get(f"/v1/reservations/{reservation['id']}").expect(200).body


def amend(client, reservation, **fields):
    return client.post(f"/v1/reservations/{reservation['id']}/amendments", fields)


def patch(client, reservation, headers=None, **fields):
    return client.patch(f"/v1/reservations/{reservation['id']}", fields, headers=headers)


def states(stack, reservation):
    rows = stack.sql("SELECT i.ordinal, i.state FROM instance i JOIN reservation r ON r.id = i.reservation_id"
                     " WHERE r.name IS NOT DISTINCT FROM %s ORDER BY i.ordinal, i.created_at", (reservation["name"],))
    return [(row["ordinal"], row["state"]) for row in rows]


def used_seconds(stack):
    """Delivered seconds of all instances, by ordinal."""
    rows = stack.sql("""
        SELECT i.ordinal, sum(extract(epoch FROM u.period_end - u.period_start))::int AS s
          FROM usage_interval u JOIN instance i ON i.id = u.instance_id WHERE u.class = 'used' GROUP BY 1 ORDER BY 1""")
    return {row["ordinal"]: row["s"] for row in rows}


def test_terms_change_before_the_start(stack, acme):
    made = reserve(acme, name="train")
    granted = amend(acme, made, starts_at=at(3), ends_at=at(6), count=4).expect(201).body
    assert granted["state"] == "granted" and granted["id"].startswith("amd_") and granted["reservation"] == made["id"]
    assert granted["changes"] == {"starts_at": at(3), "ends_at": at(6), "count": 4}
    assert granted["terms"] == {"starts_at": at(3), "ends_at": at(6), "count": 4}
    shown = show(acme, made)
    assert (shown["starts_at"], shown["ends_at"], shown["count"]) == (at(3), at(6), 4)
    assert (shown["status"]["starts_at"], shown["status"]["ends_at"]) == (at(3), at(6))
    assert shown["status"]["state"] == "scheduled"
    refused = acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": at(5), "ends_at": at(6)})
    assert refused.expect(409).code == "capacity_unavailable"
    reserve(acme, starts_at=at(2), ends_at=at(2, 20), count=4)
    stack.advance(at(3, 1))
    assert show(acme, made)["status"]["delivered_count"] == 4
    stack.advance(at(7))
    assert show(acme, made)["status"]["state"] == "ended"
    assert [item["id"] for item in acme.items(f"/v1/reservations/{made['id']}/amendments")] == [granted["id"]]


def test_a_refused_amendment_leaves_all_as_it_was(hall, guest):
    made = reserve(guest, name="train", count=2)
    reserve(guest, starts_at=at(4), ends_at=at(5), count=3)
    allocations = "SELECT node_id, slots, period, ordinal FROM allocation ORDER BY 1, 2, 3"
    before, shown = hall.sql(allocations), show(guest, made)
    refused = amend(guest, made, ends_at=at(4, 12), count=3).expect(409)
    assert refused.code == "capacity_unavailable" and refused.body["binding"]["constraint"] == "capacity"
    assert refused.body["reservation"] == made["id"] and refused.body["amendment"].startswith("amd_")
    after = show(guest, made)
    assert hall.sql(allocations) == before
    assert {**after, "status": None} == {**shown, "status": None}
    assert after["status"]["state"] == "scheduled"
    listed = guest.items(f"/v1/reservations/{made['id']}/amendments")
    assert [item["state"] for item in listed] == ["refused"] and listed[0]["reason"] == "capacity_unavailable"
    assert "terms" not in listed[0]
    amend(guest, made, count=3).expect(201)


def test_every_alternative_of_a_refused_amendment_is_granted_as_it_stands(stack, acme):
    made = reserve(acme, name="train", count=2)
    reserve(acme, starts_at=at(4), ends_at=at(6), count=3)
    held = {"starts_at": at(2), "ends_at": at(4), "count": 2}
    expected = [
        ({"ends_at": at(5)}, [{"starts_at": at(6), "ends_at": at(9)}, {"ends_at": at(5), "count": 1}]),
        ({"ends_at": at(4, 12), "count": 4}, [{"starts_at": at(6), "ends_at": at(8, 12), "count": 4}, {"count": 4},
                                              {"ends_at": at(4, 12), "count": 1}]),
        ({"starts_at": at(3), "ends_at": at(6)}, [{"starts_at": at(6), "ends_at": at(9)}, {"starts_at": at(3)},
                                                  {"starts_at": at(3), "ends_at": at(6), "count": 1}]),
    ]
    for asked, alternatives in expected:
        said = acme.post(f"/v1/reservations/{made['id']}/amendments?validate_only=true", asked).expect(409).body
        refused = amend(acme, made, **asked).expect(409)
        assert refused.code == "capacity_unavailable" and refused.body["alternatives"] == alternatives == said["alternatives"]
        for send in (amend, patch):
            for alternative in alternatives:
                send(acme, made, **alternative).expect(200, 201)
                assert {key: show(acme, made)[key] for key in held} == {**held, **alternative}
                patch(acme, made, **held).expect(200)
    stack.advance(at(3))
    refused = patch(acme, made, ends_at=at(5)).expect(409)
    assert refused.body["alternatives"] == [{"ends_at": at(5), "count": 1}]  # it has begun: it cannot begin later
    stored = acme.items(f"/v1/reservations/{made['id']}/amendments")[-1]
    assert stored["state"] == "refused" and stored["alternatives"] == refused.body["alternatives"]
    patch(acme, made, **refused.body["alternatives"][0]).expect(200)


def test_a_running_reservation_lasts_longer_and_is_billed_for_it(stack, acme):
    made = reserve(acme, name="train")
    stack.advance(at(3))
    assert patch(acme, made, ends_at=at(5)).expect(200).body["ends_at"] == at(5)
    stack.advance(at(4, 12))
    assert show(acme, made)["status"]["state"] == "active"
    assert patch(acme, made, ends_at=at(4, 18)).expect(200).body["status"]["ends_at"] == at(4, 18)
    stack.advance(at(6))
    assert show(acme, made)["status"]["state"] == "ended"
    seconds = 66 * 3600
    late = stack.sql("SELECT coalesce(sum(extract(epoch FROM period_end - period_start)), 0)::int AS s FROM usage_interval WHERE class <> 'used'")
    assert sum(used_seconds(stack).values()) + late[0]["s"] == 2 * seconds
    windows = stack.sql("SELECT min(period_start) = %s AS starts, max(period_end) = %s AS ends FROM usage_interval", (at(2), at(4, 18)))
    assert windows == [{"starts": True, "ends": True}]
    billed = stack.sql("SELECT sum(amount_u)::bigint AS u FROM rated_line")[0]["u"]
    assert billed == sum(used_seconds(stack).values()) * 8 * 2_000_000 // 3600


def test_more_instances_come_and_the_last_ones_go(stack, acme):
    made = reserve(acme, name="train", count=2)
    stack.advance(at(2, 12))
    patch(acme, made, count=4).expect(200)
    stack.advance(at(2, 13))
    shown = show(acme, made)
    assert shown["count"] == 4 and shown["status"]["delivered_count"] == 4 and shown["status"]["health"] == "ok"
    stack.advance(at(3))
    patch(acme, made, count=1).expect(200)
    stack.advance(at(3, 1))
    shown = show(acme, made)
    assert shown["status"] == {**shown["status"], "delivered_count": 1, "health": "ok", "state": "active"}
    assert states(stack, made) == [(0, "running"), (1, "terminated"), (2, "terminated"), (3, "terminated")]
    reserve(stack.tenant("other"), starts_at=at(3, 2), ends_at=at(4), count=3)
    stack.advance(at(5))
    seconds = stack.sql("""
        SELECT i.ordinal, sum(extract(epoch FROM u.period_end - u.period_start))::int / 3600 AS hours
          FROM usage_interval u JOIN instance i ON i.id = u.instance_id JOIN reservation r ON r.id = i.reservation_id
         WHERE r.name = 'train' GROUP BY 1 ORDER BY 1""")
    assert [(row["ordinal"], row["hours"]) for row in seconds] == [(0, 48), (1, 24), (2, 12), (3, 12)]


def test_an_ordinal_that_was_given_up_comes_back_as_another_instance(stack, acme):
    made = reserve(acme, name="train", count=2)
    stack.advance(at(2, 12))
    patch(acme, made, count=1).expect(200)
    patch(acme, made, count=2).expect(200)
    stack.advance(at(2, 13))
    assert sorted(states(stack, made)) == [(0, "running"), (1, "running"), (1, "terminated")]
    assert show(acme, made)["status"] == {**show(acme, made)["status"], "delivered_count": 2, "health": "ok"}
    stack.advance(at(5))
    assert show(acme, made)["status"]["state"] == "ended"
    held = stack.sql("SELECT sum(extract(epoch FROM period_end - period_start))::int AS s FROM usage_interval")[0]["s"]
    assert held == 2 * 48 * 3600


def test_an_open_end_can_be_closed_and_a_closed_one_opened(stack, acme):
    made = reserve(acme, name="train", ends_at=None)
    assert patch(acme, made, ends_at=at(3)).expect(200).body["ends_at"] == at(3)
    opened = patch(acme, made, ends_at=None).expect(200).body
    assert opened["ends_at"] is None and opened["status"]["ends_at"] is None
    stack.advance(at(9))
    assert show(acme, made)["status"]["state"] == "active"
    patch(acme, made, ends_at=at(10)).expect(200)
    stack.advance(at(11))
    assert show(acme, made)["status"]["state"] == "ended"


NOT_AMENDABLE = (
    ({"starts_at": "2026-01-02T18:00:00Z"}, 409, "start_is_past"),
    ({"ends_at": "2026-01-02T11:00:00Z"}, 422, "window_in_past"),
    ({"ends_at": "2026-01-01T12:00:00Z"}, 422, "window_reversed"),
    ({"instance_type": "other"}, 422, "immutable_field"),
    ({"shape": {"gpus": 1}}, 422, "immutable_field"),
    ({"zone": "eu"}, 422, "immutable_field"),
    ({"status": {}}, 422, "unknown_field"),
    ({"count": 0}, 422, "out_of_range"),
)


def test_what_cannot_be_amended_says_why(stack, acme):
    made = reserve(acme, name="train")
    stack.advance(at(2, 12))
    before = show(acme, made)
    for fields, status, code in NOT_AMENDABLE:
        assert patch(acme, made, **fields).expect(status).code == code, fields
        assert show(acme, made) == before, fields


def test_only_what_has_its_place_and_goes_on_is_amended(stack, acme):
    ended, cancelled = reserve(acme, ends_at=at(2, 1)), reserve(acme)
    waiting = acme.post("/v1/reservations", {"instance_type": "h100.8x", "count": 4, "zone": "us-east-1a", "starts_at": at(2),
                                             "ends_at": at(3), "if_unavailable": "waitlist"}).expect(202).body
    assert amend(acme, waiting, count=1).expect(409).code == "not_amendable"
    acme.post(f"/v1/reservations/{cancelled['id']}/cancel").expect(200)
    assert amend(acme, cancelled, count=1).expect(409).code == "not_amendable"
    stack.advance(at(3, 12))
    assert amend(acme, ended, ends_at=at(9)).expect(409).code == "not_amendable"
    running = reserve(acme, starts_at=at(4), ends_at=at(5))
    assert amend(acme, running).expect(422).code == "nothing_to_amend"
    amend(stack.tenant("other"), running, count=1).expect(404)


def test_a_suspended_tenant_amends_nothing(hall, guest):
    made = reserve(guest)
    (tenant,) = hall.operator.items("/v1/system/tenants?name=" + guest.tenant)
    hall.operator.post(f"/v1/system/tenants/{tenant['id']}/suspend").expect(200)
    assert eventually(lambda: patch(guest, made, count=3).code, "it is known") == "tenant_suspended"
    assert amend(guest, made, count=3).expect(403).code == "tenant_suspended"
    hall.operator.post(f"/v1/system/tenants/{tenant['id']}/resume").expect(200)
    eventually(lambda: patch(guest, made, count=3).status == 200, "it may again")


def test_other_fields_change_without_a_verdict(guest):
    guest.create("/v1/projects", {"name": "research"})
    made = reserve(guest, name="train", labels={"team": "a", "cost": "x"})
    etag = guest.get(f"/v1/reservations/{made['id']}").headers["ETag"]
    changed = patch(guest, made, headers={"If-Match": etag}, name="eval", project="research", labels={"cost": None, "run": "7"},
                    if_unavailable="waitlist").expect(200).body
    assert (changed["name"], changed["project"], changed["if_unavailable"]) == ("eval", "research", "waitlist")
    assert changed["labels"] == {"team": "a", "run": "7"}
    assert patch(guest, made, headers={"If-Match": etag}, name="late").expect(412).code == "precondition_failed"
    assert patch(guest, made, headers={"If-Match": etag}, count=1).expect(412).code == "precondition_failed"
    other = reserve(guest, name="other")
    assert patch(guest, other, name="eval").expect(409).code == "name_taken"
    assert patch(guest, made, name=None).expect(200).body["name"] is None
    assert patch(guest, made).expect(200).body["name"] is None


def test_who_began_at_once_may_be_put_the_same_again_when_amended(guest):
    body = {"instance_type": "h100.8x", "zone": "us-east-1a", "ends_at": at(4)}
    made = guest.post("/v1/reservations", body).expect(201).body
    path, more = f"/v1/reservations/{made['id']}", {**body, "count": 2}
    first = guest.request("PUT", path, more).expect(200)
    assert first.body["starts_at"] is None and first.body["status"]["starts_at"] == at(1) and first.body["count"] == 2
    again = guest.request("PUT", path, more).expect(200)
    assert again.headers["ETag"] == first.headers["ETag"] and again.body["starts_at"] is None
    longer = guest.request("PUT", path, {**more, "ends_at": at(5)}).expect(200).body
    assert (longer["starts_at"], longer["ends_at"], longer["count"]) == (None, at(5), 2)
    assert guest.request("PUT", path, {**more, "starts_at": at(2)}).expect(409).code == "start_is_past"
    said = guest.request("PUT", path, {**more, "starts_at": at(1), "ends_at": at(5)}).expect(200)
    assert (said.body["starts_at"], said.body["ends_at"]) == (at(1), at(5)), "what is granted already comes back as it is said now"


def test_an_amendment_need_not_be_waited_for(hall, guest):
    made = reserve(guest)
    hall.provisioner.stop()
    asked = guest.post(f"/v1/reservations/{made['id']}/amendments", {"count": 3}, headers={"Prefer": "respond-async"}).expect(202).body
    assert asked["state"] == "requested" and asked["decided_at"] is None
    late = patch(guest, made, headers={"Prefer": "wait=1"}, count=4).expect(202).body
    assert late["count"] == 2
    hall.provisioner.start()
    eventually(lambda: show(guest, made)["count"] == 4, "both are decided, in their order")
    assert [item["state"] for item in guest.items(f"/v1/reservations/{made['id']}/amendments")] == ["granted", "granted"]


def test_a_repetition_gets_the_same_verdict(guest):
    made = reserve(guest)
    path, key = f"/v1/reservations/{made['id']}/amendments", {"Idempotency-Key": "more"}
    first = guest.post(path, {"count": 3}, headers=key).expect(201)
    again = guest.post(path, {"count": 3}, headers=key).expect(201)
    assert again.body == first.body and again.headers["Idempotent-Replayed"] == "true"
    assert guest.post(path, {"count": 1}, headers=key).expect(422).code == "idempotency_key_reused"
    assert len(guest.items(path)) == 1
    refused = guest.post(path, {"count": 9}, headers={"Idempotency-Key": "too many"}).expect(409)
    again = guest.post(path, {"count": 9}, headers={"Idempotency-Key": "too many"}).expect(409)
    assert again.body["amendment"] == refused.body["amendment"]
    assert (refused.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]) == (None, "true")


def test_what_was_open_when_it_ended_is_cancelled_with_it(hall, guest):
    made = reserve(guest)
    hall.provisioner.stop()
    guest.post(f"/v1/reservations/{made['id']}/amendments", {"count": 3}, headers={"Prefer": "respond-async"}).expect(202)
    guest.post(f"/v1/reservations/{made['id']}/cancel").expect(200)
    hall.provisioner.start()
    eventually(lambda: show(guest, made)["status"]["state"] == "cancelled", "it is cancelled")
    (listed,) = guest.items(f"/v1/reservations/{made['id']}/amendments")
    assert listed["state"] == "cancelled"


def test_those_who_amend_at_once_never_get_more_than_there_is(guest):
    made = [reserve(guest, count=1) for _ in range(2)]
    answers = []

    def more(reservation):
        client = guest.clone()
        answers.append(amend(client, reservation, count=3).status)
        client.close()

    threads = [threading.Thread(target=more, args=(reservation,)) for reservation in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409]
    assert sorted(show(guest, reservation)["count"] for reservation in made) == [1, 3]


def test_terms_survive_the_leader(stack, acme):
    made = reserve(acme, name="train")
    patch(acme, made, count=3, ends_at=at(6)).expect(200)
    stack.provisioner.kill()
    stack.provisioner.start()
    stack.advance(at(2, 1))
    assert show(acme, made)["status"]["delivered_count"] == 3
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"]
    acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)
    stack.advance(at(3))
    assert stack.sql("SELECT count(*)::int AS n FROM allocation WHERE kind = 'instance' AND upper(period) > %s", (at(3),)) == [{"n": 0}]


def test_a_preview_prices_it_and_changes_nothing(stack, acme):
    made = reserve(acme, name="train")  # 2 nodes of 8 GPUs at 2 USD an hour
    path = f"/v1/reservations/{made['id']}/amendments"
    before, allocations = show(acme, made), stack.sql("SELECT * FROM allocation ORDER BY id")
    would = acme.post(path + "?validate_only=true", {"ends_at": at(5), "count": 3}).expect(200).body
    assert would["terms"] == {"starts_at": at(2), "ends_at": at(5), "count": 3} and "id" not in would
    assert would["changes"] == {"ends_at": at(5), "count": 3} and would["warnings"] == []
    assert would["cost_delta"] == {"amount": f"{(3 * 72 - 2 * 48) * 8 * 2}.000000", "currency": "USD"}
    refused = acme.post(path + "?validate_only=true", {"count": 5}).expect(409)
    assert refused.code == "capacity_unavailable" and refused.body["binding"]["asked"] == 5 and "amendment" not in refused.body
    assert acme.post(path + "?validate_only=true", {"ends_at": None}).expect(200).body["cost_delta"] is None
    assert show(acme, made) == before and stack.sql("SELECT * FROM allocation ORDER BY id") == allocations
    assert acme.items(path) == []
    stack.advance(at(3))
    less = acme.post(path + "?validate_only=true", {"count": 1}).expect(200).body
    assert less["cost_delta"]["amount"] == f"{-24 * 8 * 2}.000000"
    assert show(acme, made)["status"]["delivered_count"] == 2
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"]


def test_each_verdict_is_an_event_and_so_is_what_follows(stack, acme):
    made = reserve(acme, name="train")
    stack.advance(at(2, 12))
    amendment = amend(acme, made, ends_at=at(5)).expect(201).body
    amend(acme, made, count=9).expect(409)

    def kinds():
        return [(event["kind"], event["object_id"][:4]) for event in acme.items("/v1/events")
                if "amend" in event["kind"]]

    expected = {("reservation.amendment_requested", "rsv_"): 2, ("amendment.granted", "amd_"): 1, ("amendment.refused", "amd_"): 1,
                ("reservation.amended", "rsv_"): 1, ("instance.amended", "ins_"): 2}
    eventually(lambda: {kind: kinds().count(kind) for kind in set(kinds())} == expected, "all of them are told")
    assert any(event["object_id"] == amendment["id"] for event in acme.items("/v1/events"))


def overlaps(item, start, end):
    status = item["status"]
    starts_at, ends_at = status["starts_at"] or item["starts_at"], status["ends_at"] or item["ends_at"]
    return starts_at < end and (ends_at is None or ends_at > start)


def test_reservations_are_found_by_all_that_a_list_of_them_shows(stack, acme):
    """And an operator amends one in its tenant's place, sees where it is, and what it earned against its cost."""
    other = stack.tenant("other")
    acme.post("/v1/projects", {"name": "search"}).expect(201)
    stack.operator.post("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": "preemptible",
                                              "gpu_hour": {"amount": "1.000000", "currency": "USD"}}).expect(201)
    train = reserve(acme, name="Train-1")
    reserve(acme, name="serve", tier="preemptible", starts_at=at(3), ends_at=at(5), count=1, project="search")
    reserve(other, name="train-2", starts_at=at(10), ends_at=at(12), count=4)
    reserve(other, starts_at=at(20), ends_at=None, count=1)
    operator = stack.operator
    everything = operator.items("/v1/system/reservations")
    filters = {
        "find=TRAIN": lambda item: "train" in (item["name"] or "").lower(),
        "find=search": lambda item: item["project"] == "search",
        "find=other&tier=reserved": lambda item: item["tenant"] == "other",
        "tier=preemptible": lambda item: item["tier"] == "preemptible",
        "instance_type=h100.8x&tenant=acme": lambda item: item["tenant"] == "acme",
        f"from={at(4)}": lambda item: overlaps(item, at(4), at(30)),
        f"from={at(4)}&to={at(11)}": lambda item: overlaps(item, at(4), at(11)),
        f"to={at(3)}": lambda item: overlaps(item, at(1), at(3)),
    }
    for query, holds in filters.items():
        wanted = [item["id"] for item in everything if holds(item)]
        assert [item["id"] for item in operator.items(f"/v1/system/reservations?{query}")] == wanted and wanted, query
        newest = operator.items(f"/v1/system/reservations?{query}&order=newest&limit=1")
        assert [item["id"] for item in newest] == wanted[::-1], query
    assert [item["id"] for item in operator.items("/v1/system/reservations?order=newest&limit=2")] == [item["id"] for item in everything[::-1]]
    assert [item["name"] for item in acme.items("/v1/reservations?find=2")] == [], "a tenant finds its own only"

    where = f"/v1/system/reservations/{train['id']}"
    preview = operator.post(f"{where}/amendments?validate_only=true", {"ends_at": at(5)}).expect(200).body
    assert preview["cost_delta"]["amount"] == "768.000000", "two instances of 8 GPUs a day longer, at 2.00"
    assert operator.post(f"{where}/amendments", {"ends_at": at(5)}).expect(201).body["terms"]["ends_at"] == at(5)
    refused = operator.post(f"{where}/amendments", {"count": 9}).expect(409).body
    assert refused["code"] == "capacity_unavailable" and show(acme, train)["status"]["ends_at"] == at(5)
    assert [item["state"] for item in acme.items(f"/v1/reservations/{train['id']}/amendments")] == ["granted", "refused"]

    names = {node["id"]: node["name"] for node in operator.items("/v1/system/nodes")}
    places = operator.items(f"{where}/placement")
    assert [(place["ordinal"], place["slot_from"], place["slot_to"]) for place in places] == [(0, 0, 8000), (1, 0, 8000)]
    assert all(names[place["node"]] == place["node_name"] and place["from"] == at(2) and place["to"] == at(5) for place in places)

    stack.advance(at(8))
    eventually(lambda: operator.get(f"{where}/margin").body["until"] == at(8)[:10], "the days are closed")
    margin = operator.get(f"{where}/margin").expect(200).body
    assert margin["revenue"]["amount"] == "2304.000000", "two instances of 8 GPUs for three days at 2.00"
    sums = operator.get(f"/v1/system/margin?by=reservation&from={at(1)[:10]}&to={at(8)[:10]}").expect(200).body["items"]
    (mine,) = [item for item in sums if item["key"] == train["id"]]
    assert [margin[key] for key in ("revenue", "cost", "margin")] == [mine[key] for key in ("revenue", "cost", "margin")]

    def summed(by):
        found = acme.items(f"/v1/usage-summary?by={by}&from={at(1)[:10]}&to={at(8)[:10]}")
        return {item["key"]: (item["gpu_hours"], item["amount"]["amount"]) for item in found}

    assert summed("tier")["reserved"] == ("1152.000000", "2304.000000")
    assert summed("day")["2026-01-02"] == ("384.000000", "768.000000")
    assert set(summed("project")) == {"default", "search"} and set(summed("instance_type")) == {"h100.8x"}
