"""Windows at the end of the calendar: what would end beyond the year 9999 is refused, and nothing is moved there."""
# SPDX-License-Identifier: Apache-2.0

import pytest

DAY_S = 86400
LAST = "9999-12-31T23:59:59Z"
LAST_DAY = ["9999-12-31T00:00:00Z", LAST]


@pytest.fixture(scope="module")
def hall(module_stack):
    module_stack.fleet(nodes=3)
    return module_stack


def wish(**fields):
    return {"instance_type": "h100.8x", "zone": "us-east-1a", **fields}


def expect_out_of_range(answer):
    answer.expect(422)
    assert [(error["pointer"], error["code"]) for error in answer.body["errors"]] == [("/start_range", "out_of_range")]


@pytest.mark.parametrize("path", ["/v1/reservations", "/v1/reservations?validate_only=true", "/v1/quotes", "/v1/offers"])
def test_a_range_whose_window_has_no_end_is_refused(guest, path):
    length = {"least": 1, "most": DAY_S} if path == "/v1/offers" else DAY_S
    expect_out_of_range(guest.post(path, wish(duration_s=length, start_range=LAST_DAY)))


def test_a_put_of_such_a_range_is_refused(guest):
    made = guest.create("/v1/reservations", wish(duration_s=DAY_S, start_range=["2026-01-05T00:00:00Z", "2026-01-09T00:00:00Z"]))
    address = f"/v1/reservations/{made['id']}"
    expect_out_of_range(guest.request("PUT", address, wish(duration_s=DAY_S, start_range=LAST_DAY), headers={"If-Match": "*"}))
    expect_out_of_range(guest.patch(address, {"start_range": LAST_DAY}))
    last = wish(duration_s=DAY_S - 1, start_range=[None, LAST_DAY[0]])
    guest.request("PUT", address, last, headers={"If-Match": "*", "Prefer": "wait=60"}).expect(200)
    guest.create("/v1/reservations", {**last, "start_range": [LAST_DAY[0], LAST_DAY[0]]})


def test_no_window_is_moved_beyond_the_end(guest):
    window = {"starts_at": LAST_DAY[0], "ends_at": LAST}
    guest.create("/v1/reservations", wish(**window, count=3))
    for more in ({}, {"if_unavailable": "next_window"}, {"if_unavailable": "waitlist"}):
        refused = guest.post("/v1/reservations", wish(**window, **more), headers={"Prefer": "wait=60"})
        assert refused.status == (202 if more.get("if_unavailable") == "waitlist" else 409), refused.body
        bodies = refused.body["status"]["alternatives"] if refused.status == 202 else refused.body["alternatives"]
        assert all(body["ends_at"] is not None for body in bodies)


@pytest.mark.parametrize("path", ["/v1/availability", "/v1/system/capacity"])
def test_what_is_free_is_told_to_the_end(hall, guest, path):
    client = hall.operator if "/system/" in path else guest
    client.get(f"{path}?zone=us-east-1a&from={LAST_DAY[0]}").expect(200)
    refused = client.get(f"{path}?zone=us-east-1a&from={LAST}").expect(422)
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("?to", "window_reversed")]


def test_no_maintenance_is_proposed_beyond_the_end(hall):
    address = "/v1/system/maintenance-windows?validate_only=true&search_from"
    node = hall.operator.get("/v1/system/nodes").body["items"][0]["name"]
    window = {"zone": "us-east-1a", "nodes": [node], "starts_at": LAST_DAY[0], "ends_at": LAST, "reason": "Filters"}
    cheapest = hall.operator.post(f"{address}={LAST_DAY[0]}", window).expect(200).body["cheapest"]
    assert (cheapest["starts_at"], cheapest["ends_at"]) == (LAST_DAY[0], LAST)
    refused = hall.operator.post(f"{address}={LAST}", window).expect(422)
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("?search_from", "out_of_range")]


def test_no_commitment_ends_beyond_the_end(hall, guest):
    tenant = guest.get("/v1/me").expect(200).body["tenant"]
    body = {"tenant": tenant, "category": "spend", "total": {"amount": "12000.00", "currency": "USD"}, "first_month": "9999-11-01", "months": 2}
    refused = hall.operator.post("/v1/system/commitments", body).expect(422)
    assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("/months", "out_of_range")]
    made = hall.operator.create("/v1/system/commitments", {**body, "months": 1})
    guest.get(f"/v1/commitments/{made['id']}").expect(200)


def test_a_row_with_an_end_beyond_the_end_is_told(hall, guest):
    """Such a row was made by releases that did not refuse it."""
    made = guest.create("/v1/reservations", wish(starts_at="2026-02-01T00:00:00Z", ends_at="2026-02-02T00:00:00Z"))
    hall.sql("UPDATE reservation_status SET ends_at = '10000-01-02T00:00:00Z' WHERE reservation_id = (SELECT id FROM reservation ORDER BY id DESC LIMIT 1)")
    assert guest.get(f"/v1/reservations/{made['id']}").expect(200).body["status"]["ends_at"] == LAST


@pytest.mark.parametrize("month", ["9999-11-01", "9999-12-01"])
def test_the_close_of_a_last_month_is_tried_again(hall, guest, month):
    for tenant in (None, guest.get("/v1/me").expect(200).body["tenant"]):
        asked = hall.operator.post("/v1/system/month-closes", {"month": month, "tenant": tenant}, headers={"Prefer": "wait=60"}).expect(201).body
        assert (asked["state"], asked["month"]) == ("done", month)
