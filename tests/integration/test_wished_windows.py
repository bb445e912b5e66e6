"""The window of a reservation comes back as it was sent last, whatever was granted and amended: PUT of the same is no change."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest

from contract import ROOT
from stack import eventually

HEAD = {"If-Match": "*", "Prefer": "wait=60"}
WINDOW = ("starts_at", "ends_at", "duration_s", "start_range")
DAY_S = 86400


def at(day, hour=0):
    return f"2026-01-{day:02}T{hour:02}:00:00Z"


@pytest.fixture(scope="module")
def hall(module_stack):
    """A fleet of four nodes, under a clock that nobody moves."""
    module_stack.fleet(nodes=4)
    return module_stack


def wish(**fields):
    return {"instance_type": "h100.8x", "zone": "us-east-1a", **fields}


def flexible(**fields):
    return wish(**{"duration_s": 2 * DAY_S, "start_range": [at(5), at(9)], **fields})


def address(reservation):
    return f"/v1/reservations/{reservation['id']}"


def window_of(body):
    return {name: body[name] for name in WINDOW if body.get(name) is not None}


def granted_of(body):
    return body["status"]["starts_at"], body["status"]["ends_at"]


def granted(client, reservation):
    return granted_of(client.get(address(reservation)).expect(200).body)


def wish_of(answer):
    """Its version and what it says: what runs may move meanwhile."""
    said = {name: value for name, value in answer.body.items() if name not in ("status", "instances")}
    return answer.headers["ETag"].split("-")[0], said


def put(client, reservation, body):
    """The body comes back, and sent again it changes nothing."""
    first = client.request("PUT", address(reservation), body, headers=HEAD).expect(200)
    assert window_of(first.body) == window_of(body) and first.body["count"] == body.get("count", 1)
    assert granted_of(unchanged(client, reservation, body)) == granted_of(first.body)


def unchanged(client, reservation, body):
    before = client.get(address(reservation)).expect(200)
    assert window_of(before.body) == window_of(body)
    again = client.request("PUT", address(reservation), body, headers=HEAD).expect(200)
    assert wish_of(again) == wish_of(before) and granted_of(again.body) == granted_of(before.body)
    return again.body


def amend(client, reservation, **fields):
    return client.post(f"{address(reservation)}/amendments", fields)


@pytest.mark.parametrize("window, start", [
    ({"duration_s": 2 * DAY_S, "start_range": [at(5), at(9)]}, at(5)), ({"duration_s": 2 * DAY_S, "start_range": [None, at(9)]}, at(1)),
    ({"ends_at": at(3)}, at(1)), ({}, at(1)), ({"starts_at": at(5)}, at(5)), ({"starts_at": at(5), "ends_at": at(7)}, at(5))])
def test_another_count_leaves_the_window_as_it_was_sent(guest, window, start):
    made = guest.create("/v1/reservations", wish(**window, tier="preemptible"))
    amend(guest, made, count=2).expect(201)
    unchanged(guest, made, wish(**window, tier="preemptible", count=2))
    put(guest, made, wish(**window, tier="preemptible", count=1))
    assert granted(guest, made)[0] == start


def test_a_start_that_was_found_later_is_not_lost_to_a_put(guest):
    others = guest.create("/v1/reservations", wish(count=4, starts_at=at(1), ends_at=at(6)))
    body = wish(name="train", ends_at=None, if_unavailable="next_window", tier="preemptible")
    made = guest.create("/v1/reservations", body)
    assert made["status"]["state"] == "scheduled" and granted(guest, made) == (at(6), None)
    put(guest, made, {**body, "count": 2})
    guest.post(f"{address(others)}/cancel").expect(200)
    put(guest, made, {**body, "count": 2})
    put(guest, made, {**body, "count": 1, "ends_at": at(8)})
    assert granted(guest, made) == (at(6), at(8))


def test_a_length_is_changed_by_a_put_from_the_start_that_there_is(guest):
    made = guest.create("/v1/reservations", flexible())
    put(guest, made, flexible(duration_s=3 * DAY_S))
    assert granted(guest, made) == (at(5), at(8))
    put(guest, made, flexible(start_range=[at(4), at(20)]))
    assert granted(guest, made) == (at(5), at(7)), "the start lies within the other range, too"
    put(guest, made, flexible(start_range=[at(7), at(20)]))
    assert granted(guest, made) == (at(7), at(9))
    put(guest, made, flexible(start_range=[None, at(3)]))
    assert granted(guest, made) == (at(3), at(5))
    guest.create("/v1/reservations", wish(count=4, starts_at=at(6), ends_at=at(7)))
    refused = guest.request("PUT", address(made), flexible(duration_s=9 * DAY_S, start_range=[None, at(3)]), headers=HEAD).expect(409)
    assert refused.code == "capacity_unavailable"
    unchanged(guest, made, flexible(start_range=[None, at(3)]))


def test_a_length_that_has_no_room_from_the_start_that_there_is_begins_where_the_range_has_some(guest):
    made = guest.create("/v1/reservations", flexible(start_range=[at(5), at(20)]))
    guest.create("/v1/reservations", wish(count=4, starts_at=at(7), ends_at=at(9)))
    longer = flexible(duration_s=3 * DAY_S, start_range=[at(4), at(20)])
    patch = {name: longer[name] for name in ("duration_s", "start_range")}
    previewed = guest.patch(f"{address(made)}?validate_only=true", patch).expect(200).body
    assert window_of(previewed) == window_of(longer)
    put(guest, made, longer)
    assert granted(guest, made) == (at(4), at(7)), "the earliest"
    put(guest, made, flexible(duration_s=4 * DAY_S, start_range=[at(4), at(20)]))
    assert granted(guest, made) == (at(9), at(13))
    refused = guest.request("PUT", address(made), flexible(duration_s=4 * DAY_S, start_range=[at(4), at(8)]), headers=HEAD).expect(409)
    assert refused.code == "capacity_unavailable"
    assert granted(guest, made) == (at(9), at(13))


def test_the_changes_of_an_amendment_are_told_as_they_were_sent(guest):
    made = guest.create("/v1/reservations", flexible())
    put(guest, made, flexible(duration_s=3 * DAY_S, count=2))
    put(guest, made, flexible(duration_s=3 * DAY_S, start_range=[None, at(9)], count=2))
    amend(guest, made, ends_at=at(6)).expect(201)
    listed = [item["changes"] for item in guest.items(f"{address(made)}/amendments")]
    assert listed == [{"duration_s": 3 * DAY_S, "start_range": [at(5), at(9)], "count": 2},
                      {"duration_s": 3 * DAY_S, "start_range": [None, at(9)]}, {"ends_at": at(6)}]


def test_a_window_is_said_in_the_other_way_by_a_put(guest):
    made = guest.create("/v1/reservations", flexible())
    put(guest, made, wish(starts_at=at(5), ends_at=at(7)))
    put(guest, made, flexible())
    put(guest, made, wish(ends_at=at(8)))
    assert granted(guest, made) == (at(5), at(8)), "without a start it keeps the one that it has"
    put(guest, made, flexible(duration_s=DAY_S))
    assert granted(guest, made) == (at(5), at(6))
    refused = guest.request("PUT", address(made), flexible(ends_at=at(8)), headers=HEAD).expect(422)
    assert [error["pointer"] for error in refused.body["errors"]] == ["/ends_at"]
    refused = guest.request("PUT", address(made), wish(duration_s=DAY_S), headers=HEAD).expect(422)
    assert [error["pointer"] for error in refused.body["errors"]] == ["/start_range"]
    put(guest, made, {**wish(count=1)})
    assert granted(guest, made) == (at(5), None)


def test_a_time_that_somebody_amends_takes_the_place_of_a_length_until_it_is_put_back(guest):
    made = guest.create("/v1/reservations", flexible())
    amend(guest, made, ends_at=at(8)).expect(201)
    unchanged(guest, made, wish(starts_at=at(5), ends_at=at(8)))
    put(guest, made, flexible())
    assert granted(guest, made) == (at(5), at(7))
    patched = guest.patch(address(made), {"starts_at": at(4)}).expect(200).body
    assert window_of(patched) == {"starts_at": at(4), "ends_at": at(7)} == dict(zip(WINDOW, granted(guest, made)))
    patched = guest.patch(address(made), {"starts_at": None, "ends_at": None, "duration_s": DAY_S, "start_range": [at(5), at(6)]}).expect(200).body
    assert window_of(patched) == {"duration_s": DAY_S, "start_range": [at(5), at(6)]} and granted(guest, made) == (at(5), at(6))
    patched = guest.patch(address(made), {"duration_s": 2 * DAY_S}).expect(200).body
    assert window_of(patched) == {"duration_s": 2 * DAY_S, "start_range": [at(5), at(6)]} and granted(guest, made) == (at(5), at(7))


def test_what_has_begun_keeps_its_start(guest):
    body = wish(duration_s=DAY_S, start_range=[None, at(9)])
    made = guest.create("/v1/reservations", body)
    assert granted(guest, made) == (at(1), at(2))
    put(guest, made, {**body, "duration_s": 2 * DAY_S, "count": 2})
    assert granted(guest, made) == (at(1), at(3))
    moved = guest.request("PUT", address(made), {**body, "start_range": [at(5), at(9)]}, headers=HEAD).expect(409)
    assert moved.code == "start_is_past"
    refused = guest.request("PUT", address(made), wish(ends_at="2025-12-31T00:00:00Z"), headers=HEAD).expect(422)
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("/ends_at", "window_reversed")]


def test_a_start_that_is_said_no_more_is_none_though_it_has_begun(guest):
    body = wish(starts_at=at(1), ends_at=at(3))
    made = guest.create("/v1/reservations", body)
    put(guest, made, wish(ends_at=at(3)))
    put(guest, made, body)
    patched = guest.patch(address(made), {"starts_at": None}).expect(200).body
    assert window_of(patched) == {"ends_at": at(3)} and granted(guest, made) == (at(1), at(3))


def test_a_put_while_others_wait_is_decided_after_them(hall, guest):
    made = guest.create("/v1/reservations", flexible())
    hall.provisioner.stop()
    asked = {"Prefer": "respond-async"}
    guest.post(f"{address(made)}/amendments", {"ends_at": at(12)}, headers=asked).expect(202)
    guest.post(f"{address(made)}/amendments", {"starts_at": at(6)}, headers=asked).expect(202)
    waiting = guest.get(address(made)).expect(200).body
    assert window_of(waiting) == window_of(flexible())
    hall.provisioner.start()
    eventually(lambda: granted(guest, made) == (at(6), at(12)), "both are granted")
    unchanged(guest, made, wish(starts_at=at(6), ends_at=at(12)))
    hall.provisioner.stop()
    guest.post(f"{address(made)}/amendments", {"ends_at": at(13)}, headers=asked).expect(202)
    guest.request("PUT", address(made), flexible(), headers={"If-Match": "*", **asked}).expect(202)
    hall.provisioner.start()
    eventually(lambda: granted(guest, made) == (at(6), at(8)), "the last word holds")
    unchanged(guest, made, flexible())


def test_a_preview_tells_the_window_as_it_would_be_said(guest):
    made = guest.create("/v1/reservations", flexible())
    for body in (flexible(), flexible(duration_s=DAY_S), wish(starts_at=at(5), ends_at=at(7)), wish(ends_at=at(9))):
        preview = guest.request("PUT", f"{address(made)}?validate_only=true", body, headers=HEAD).expect(200).body
        assert window_of(preview) == window_of(body)
    unchanged(guest, made, flexible())


def test_what_was_amended_before_windows_were_kept_comes_back_as_it_was_sent(hall, guest):
    bodies = [flexible(count=2), wish(ends_at=at(3), count=2), wish(starts_at=at(8), ends_at=at(9)), flexible(duration_s=DAY_S)]
    made = [guest.create("/v1/reservations", {**body, "count": 1}) for body in bodies]
    for each, change in zip(made, ({"count": 2}, {"count": 2}, {"starts_at": at(7)}, {"ends_at": at(8)})):
        amend(guest, each, **change).expect(201)
    before = [window_of(guest.get(address(each)).expect(200).body) for each in made]
    assert before == [window_of(bodies[0]), {"ends_at": at(3)}, {"starts_at": at(7), "ends_at": at(9)}, {"starts_at": at(5), "ends_at": at(8)}]
    columns = [f"wished_{name}" for name in ("starts_at", "ends_at", "duration_s", "start_from", "start_to")]
    hall.sql("UPDATE reservation_status SET " + ", ".join(f"{column} = NULL" for column in columns) + " RETURNING 1")
    assert [window_of(guest.get(address(each)).expect(200).body) for each in made] == [{}] * 4
    migration = (ROOT / "migrations/0084_windows_as_wished.sql").read_text()
    (again,) = re.findall(r"^DO \$\$.*?^END \$\$;", migration, re.DOTALL | re.MULTILINE)
    with hall.superuser().cursor() as cursor:
        cursor.execute(again)
    assert [window_of(guest.get(address(each)).expect(200).body) for each in made] == before
