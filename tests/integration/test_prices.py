"""What operators set of prices, commitments, discounts and policies, and what tenants are told that it comes to."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import zoneinfo
from fractions import Fraction

import pytest

from stack import eventually

USD = "USD"


def money(amount):
    return {"amount": amount, "currency": USD}


@pytest.fixture(scope="module")
def lived(module_stack):
    """A stack with a fleet and a list price of 2.000000."""
    module_stack.fleet(nodes=8, price="2.000000")
    return module_stack


def tenant(stack, name):
    return stack.tenant(name)


def cents(answer):
    return None if answer is None else int(answer["amount"].replace(".", ""))


def test_each_model_of_a_price_is_told_as_it_was_set(lived):
    operator = lived.operator
    tenant(lived, "models")
    tiers = [{"up_to_gpu_hours": 500, "gpu_hour": "2.490000"}, {"up_to_gpu_hours": None, "gpu_hour": "2.190000"}]
    windows = [{"days": ["sat", "sun"], "from": "22:00", "to": "06:00", "gpu_hour": "1.000000"}]
    wishes = {
        "graduated": {"model": "graduated", "tiers": tiers, "gpu_hour": money("2.490000")},
        "volume": {"model": "volume", "tiers": tiers, "gpu_hour": money("2.490000")},
        "package": {"model": "package", "package_gpu_hours": 100, "gpu_hour": money("1.900000")},
        "flat": {"windows": windows, "minimum_s": 3600, "gpu_hour": money("2.500000")},
    }
    subject = {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "models"}
    for day, (model, wish) in enumerate(wishes.items(), 2):
        made = operator.create("/v1/system/prices", {**subject, **wish, "valid_from": f"2026-06-{day:02}T00:00:00Z"})
        assert made["model"] == model and {key: made[key] for key in wish} == wish
    for wrong in ({"model": "graduated"}, {"tiers": tiers}, {"model": "volume", "tiers": tiers[::-1]}, {"model": "package"}, {"model": "package",
                  "package_gpu_hours": 5, "windows": windows}, {"windows": [{**windows[0], "from": "24:00"}]}, {"project": "no-such"}):
        operator.post("/v1/system/prices", {**subject, "gpu_hour": money("2.490000"), **wrong}).expect(422)
    too_much = money("100000000.000001")  # a slip of the pen that no book could bear
    for wrong, where in (({"gpu_hour": too_much}, "/gpu_hour/amount"), ({"windows": [{**windows[0], "gpu_hour": too_much["amount"]}]}, "/gpu_hour/amount"),
                         ({"model": "package", "package_gpu_hours": 1_000_000, "gpu_hour": money("1000000.000001")}, "/package_gpu_hours")):
        refused = operator.post("/v1/system/prices", {**subject, "gpu_hour": money("2.490000"), **wrong}).expect(422)
        assert [(each["pointer"], each["code"]) for each in refused.body["errors"]] == [(where, "out_of_range")]
    corrected = operator.create("/v1/system/prices", {**subject, "corrects": made["id"], "gpu_hour": money("2.400000")})
    assert corrected["valid_from"] == made["valid_from"] and corrected["corrects"] == made["id"]
    assert operator.get(f"/v1/system/prices/{made['id']}").expect(200).body["withdrawn_at"] is not None
    assert operator.post("/v1/system/prices", {**subject, "corrects": made["id"], "gpu_hour": money("2.400000")}).expect(409).code == "price_overlaps"
    ended = operator.post(f"/v1/system/prices/{corrected['id']}/end", {"valid_until": "2026-07-01T00:00:00Z"}).expect(200).body
    assert ended["valid_until"] == "2026-07-01T00:00:00Z"


def test_a_commitment_is_a_total_over_its_months(lived):
    acme = tenant(lived, "committed")
    made = lived.operator.create("/v1/system/commitments", {
        "tenant": "committed", "category": "usage", "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hours": 5000, "unit_price": money("1.850000"),
        "first_month": "2026-02-01", "months": 3, "payment_model": "partial_upfront", "upfront_bp": 5000})
    assert made["total"] == money("27750.00") and made["status"] == "pending" and made["ends_at"] == "2026-05-01T00:00:00Z"
    assert made["break_even_utilisation_ppm"] == 925_000, "at a list price of 2.00"
    assert acme.get(f"/v1/commitments/{made['id']}").expect(200).body == made
    assert acme.items(f"/v1/commitments/{made['id']}/periods") == [] and made["amount"] is None
    monthly = lived.operator.create("/v1/system/commitments", {
        "tenant": "committed", "category": "spend", "amount": money("9250.00"), "first_month": "2026-02-01", "months": 12})
    assert monthly["break_even_utilisation_ppm"] is None
    lived.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "committed", "gpu_hour": money("2.490000"),
                                                "valid_from": "2026-02-01T00:00:00Z"})
    assert acme.get(f"/v1/commitments/{made['id']}").expect(200).body["break_even_utilisation_ppm"] == 742_972, "G14: 74.297 %"
    assert (monthly["amount"], monthly["total"]) == (money("9250.00"), money("111000.00"))
    for wrong in ({"category": "spend"}, {"first_month": "2026-02-02"}, {"first_month": "2025-12-01"}, {"upfront_bp": None}, {"tenant": "nobody"},
                  {"unit_price": {"amount": "1.000000", "currency": "EUR"}}):
        lived.operator.post("/v1/system/commitments", {**{key: made[key] for key in (
            "tenant", "category", "sku_kind", "sku", "gpu_hours", "unit_price", "first_month", "months", "payment_model", "upfront_bp")}, **wrong}).expect(422)


def test_a_discount_is_in_the_estimate_and_ends(lived):
    acme = tenant(lived, "loyal")
    wish = {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-02-02T00:00:00Z"}
    full = cents(acme.post("/v1/quotes", wish).expect(201).body["price"]["estimate"])
    made = lived.operator.create("/v1/system/discounts", {"tenant": "loyal", "percent_bp": 1250, "reason": "loyal"})
    assert cents(acme.post("/v1/quotes", wish).expect(201).body["price"]["estimate"]) == full * 7 // 8
    overlap = lived.operator.post("/v1/system/discounts", {"tenant": "loyal", "percent_bp": 100, "reason": "again"}).expect(409)
    assert overlap.code == "price_overlaps"
    lived.operator.create("/v1/system/discounts", {"tenant": "loyal", "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hour": money("1.000000"),
                                                   "valid_from": "2026-02-01T12:00:00Z", "reason": "fixed"})
    assert cents(acme.post("/v1/quotes", wish).expect(201).body["price"]["estimate"]) == full * 7 // 16 + 12 * 8 * 1_000_000
    assert lived.operator.post(f"/v1/system/discounts/{made['id']}/end", {"valid_until": "2026-02-01T06:00:00Z"}).expect(200).body["valid_until"]
    assert [item["reason"] for item in acme.items("/v1/discounts")] == ["loyal", "fixed"]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_an_estimate_follows_the_clock_at_whatever_second_it_begins(lived, day):
    """Over the night in which clocks change in Berlin, from and to an odd second; the window of the day holds while the clock shows its times."""
    begin = datetime.datetime.fromisoformat(f"{day}T22:13:07+00:00")
    client = lived.tenant(f"berlin-{day[5:7]}", billing_timezone="Europe/Berlin", currency=USD)
    lived.operator.create("/v1/system/prices", {
        "sku_kind": "instance_type", "sku": "h100.8x", "tenant": f"berlin-{day[5:7]}", "gpu_hour": money("1.000000"), "valid_from": "2026-02-01T00:00:00Z",
        "windows": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "02:30", "to": "03:30", "gpu_hour": "3.000000"}]})
    clocks = [(begin + datetime.timedelta(seconds=s)).astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).strftime("%H:%M") for s in range(6 * 3600 + 11)]
    within = sum("02:30" <= clock < "03:30" for clock in clocks)
    held = client.post("/v1/quotes", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
                                      "ends_at": f"{begin + datetime.timedelta(seconds=len(clocks)):%Y-%m-%dT%H:%M:%SZ}"}).expect(201).body
    assert cents(held["price"]["estimate"]) == round(Fraction(8 * (len(clocks) + 2 * within) * 1_000_000, 3600)), within


def test_what_the_books_could_not_bear_is_not_charged_for_a_cancellation(lived):
    """What is charged stands once it is asked for: so a price that is a slip of the pen is mended before."""
    acme, operator = tenant(lived, "slipped"), lived.operator
    subject = {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "slipped"}
    slip = operator.create("/v1/system/prices", {**subject, "gpu_hour": money("100000000.000000"), "valid_from": "2026-01-01T00:00:00Z"})
    operator.create("/v1/system/charge-policies", {"kind": "cancellation", "tenant": "slipped", "steps": [{"least": 0, "share_bp": 10000}]})
    made = acme.create("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-07-01T00:00:00Z"})
    for query in ("?validate_only=true", ""):
        assert acme.post(f"/v1/reservations/{made['id']}/cancel{query}").expect(422).code == "amount_out_of_range"
    operator.create("/v1/system/prices", {**subject, "corrects": slip["id"], "gpu_hour": money("1.000000")})
    assert cents(acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200).body["cost_delta"]) == 0


def test_a_cancellation_charges_what_it_says_and_what_ran_is_told_live(lived):
    """Last of its file: it moves the clock."""
    acme = tenant(lived, "fickle")
    for kind, steps in (("cancellation", [{"least": 0, "share_bp": 5000}, {"least": 864000, "share_bp": 1000}]), ("early_release", [{"least": 0, "share_bp": 2500}])):
        lived.operator.create("/v1/system/charge-policies", {"kind": kind, "tenant": "fickle", "steps": steps})
        past = {"kind": kind, "tenant": "fickle", "tier": "preemptible", "steps": steps, "valid_from": "2025-12-31T00:00:00Z"}
        refused = lived.operator.post("/v1/system/charge-policies", past).expect(422)
        assert [error["pointer"] for error in refused.body["errors"]] == ["/valid_from"]
    wish = {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a"}
    far = acme.create("/v1/reservations", {**wish, "starts_at": "2026-01-21T00:00:00Z", "ends_at": "2026-01-22T00:00:00Z"})["id"]
    near = acme.create("/v1/reservations", {**wish, "starts_at": "2026-01-05T00:00:00Z", "ends_at": "2026-01-06T00:00:00Z"})["id"]
    whole = 24 * 8 * 2_000_000
    told = acme.post(f"/v1/reservations/{far}/cancel?validate_only=true").expect(200).body
    assert cents(told["cost_delta"]) == whole // 10 - whole
    assert acme.post(f"/v1/reservations/{far}/cancel").expect(200).body["cost_delta"] == told["cost_delta"]
    run = acme.create("/v1/reservations", {**wish, "starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-04T00:00:00Z"})["id"]
    lived.advance("2026-01-02T12:00:00Z")
    delivered = lived.sql("SELECT sum(gpu_milli * extract(epoch FROM least(ends_at, sluice_now()) - open_since))::bigint AS s FROM meter_instance"
                          " WHERE tenant_id = (SELECT id FROM tenant WHERE name = 'fickle') AND class = 'used'")[0]["s"]

    def cost():
        return acme.get(f"/v1/reservations/{run}/cost").expect(200).body

    eventually(lambda: cents(cost()["so_far"]) not in (None, 0), "the meter has what runs")
    seen = cost()
    assert cents(seen["billed"]) == 0 and 0 < cents(seen["so_far"]) <= 12 * 8 * 2_000_000 and delivered > 0
    assert cents(seen["projected"]) == cents(seen["so_far"]) + 36 * 8 * 2_000_000
    assert cents(seen["cancelling_now"]) == 36 * 8 * 2_000_000 // 4
    assert cents(acme.post(f"/v1/reservations/{near}/cancel").expect(200).body["cost_delta"]) == whole // 2 - whole
    lived.advance("2026-01-05T00:00:00Z")
    closed = cost()
    assert closed["billed"] == closed["so_far"] == closed["projected"] and cents(closed["cancelling_now"]) == 0
    charged = lived.sql("SELECT reason, amount_u FROM rated_line WHERE charge_category = 'adjustment'"
                         " AND tenant_id = (SELECT id FROM tenant WHERE name = 'fickle') ORDER BY amount_u")
    assert [row["amount_u"] for row in charged] == [whole // 10, whole // 2]
    assert lived.sql("SELECT name FROM billing_check WHERE violations > 0") == []
