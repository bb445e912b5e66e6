"""What comes late, and what is put right: usage, prices and corrections that find their day, or their month, closed."""
# SPDX-License-Identifier: Apache-2.0

import pytest

from bookkeeping import billed, delivered

TIERS = [{"up_to_gpu_hours": 500, "gpu_hour_u": 2_490_000}, {"up_to_gpu_hours": None, "gpu_hour_u": 2_190_000}]


@pytest.mark.parametrize("model, before, after", [("graduated", 1_195_200_000, 1_288_800_000), ("volume", 1_195_200_000, 1_138_800_000)])
def test_g17_usage_that_comes_late_is_a_signed_difference(keep_books, model, before, after):
    books = keep_books(start="2026-04-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node, other = books.node("n1"), books.node("n2")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z", model=model, tiers=TIERS)
    reservation = delivered(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-02T12:00:00Z")  # 36 h x 8 = 288
    delivered(books, tenant, eight, other, "2026-04-02T12:00:00Z", "2026-04-03T12:00:00Z")               # and 192: 480
    books.advance("2026-04-05T00:00:00Z")
    assert billed(books)["billed"] == before
    correct(books, tenant, reservation, "2026-04-02T00:00:00Z", "2026-04-02T05:00:00Z", 8000)
    books.advance("2026-04-06T00:00:00Z")
    assert billed(books)["billed"] == after
    books.advance("2026-04-08T00:00:00Z")
    assert billed(books)["billed"] == after
    books.sound()


def correct(books, tenant, reservation, starts_at, ends_at, gpu_milli):
    books.insert("usage_correction", {"id": books.value("SELECT gen_random_uuid()"), "tenant_id": tenant, "reservation_id": reservation,
                                      "starts_at": starts_at, "ends_at": ends_at, "gpu_milli": gpu_milli, "reason": "an outage that was not seen"})


def test_a_closed_month_is_corrected_in_the_open_one(keep_books):
    books = keep_books(start="2026-04-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    price = books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    reservation = delivered(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-03T00:00:00Z")
    books.advance("2026-05-01T00:00:00Z")
    april = books.rows("SELECT * FROM rated_line ORDER BY id")
    correct(books, tenant, reservation, "2026-04-02T00:00:00Z", "2026-04-02T03:20:00Z", -8000)
    books.advance("2026-05-02T00:00:00Z")
    correction = billed(books, charge_class="correction", corrects="2026-04-01T00:00:00Z", period_start="2026-05-01T00:00:00Z")
    assert correction["billed"] == -66_400_000  # G15: 12,000 s of 8 GPUs at 2.49
    books.run("UPDATE price SET withdrawn_at = sluice_now() WHERE id = %s", price)
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", corrects=price)
    books.advance("2026-05-03T00:00:00Z")
    hours_billed = 48 * 8 - 80 / 3
    assert billed(books)["billed"] == round(hours_billed * 2_000_000)
    assert books.rows("SELECT * FROM rated_line ORDER BY id")[:len(april)] == april
    books.advance("2026-05-04T00:00:00Z")
    assert billed(books)["billed"] == round(hours_billed * 2_000_000)
    books.sound()


def test_a_correction_around_a_whole_february_corrects_three_months(keep_books):
    books = keep_books(start="2026-01-31T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 3_600_000, "2026-01-01T00:00:00Z")
    reservation = delivered(books, tenant, eight, books.node("n1"), "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z")
    correct(books, tenant, reservation, "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z", -1000)
    books.advance("2026-03-03T00:00:00Z")
    taken_back = books.rows("SELECT coalesce(corrects, period_start)::date::text AS month, sum(amount_u)::bigint AS u FROM rated_line"
                            " GROUP BY 1 ORDER BY 1")
    assert taken_back == [{"month": f"2026-{month:02}-01", "u": days * 86400 * 7 * 1000} for month, days in ((1, 1), (2, 28), (3, 1))]
    books.sound()


def test_what_was_promised_and_not_delivered_is_credited_by_rule(keep_books):
    books = keep_books(start="2026-04-29T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    for kind, steps in (("sla_credit", [{"least": 10, "share_bp": 1000}, {"least": 500, "share_bp": 2500}]),
                        ("cancellation", [{"least": 0, "share_bp": 5000}])):
        books.insert("charge_policy", {"id": books.value("SELECT gen_random_uuid()"), "kind": kind, "steps": steps},
                     ("2026-01-01T00:00:00Z", None))
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, node, "2026-04-29T00:00:00Z", "2026-04-30T00:00:00Z")
    books.step("2026-04-29T01:12:00Z")  # of 24 hours, 1.2 are 5 %: the second step
    books.instance_becomes(instance, "running")
    books.advance("2026-04-30T00:00:00Z")
    books.instance_becomes(instance, "terminated")
    short = delivered(books, tenant, eight, node, "2026-04-30T00:00:00Z", "2026-04-30T00:30:00Z")
    cancelled = books.reservation(tenant, eight)
    books.insert("cancellation", {"reservation_id": cancelled, "tenant_id": tenant, "kind": "cancellation", "requested_at": "2026-04-30T01:00:00Z",
                                  "currency": "USD", "remaining_u": 100_000_001, "charge_bp": 5000})
    books.advance("2026-05-02T00:00:00Z")
    usage = 22.8 * 8 * 2_000_000
    assert billed(books, reservation_id=reservation, charge_category="usage")["billed"] == usage
    assert billed(books, reservation_id=reservation, charge_category="credit", reason="sla_credit")["billed"] == -usage / 4
    assert billed(books, reservation_id=short, reason="minimum")["billed"] == 1.5 * 8 * 2_000_000
    assert billed(books, reservation_id=cancelled, reason="cancellation")["billed"] == 50_000_000  # half to even
    # The month is closed. What is taken back of its usage takes a share of the credit back, in the open month; and another hour gives more.
    april = books.rows("SELECT * FROM rated_line ORDER BY id")
    correct(books, tenant, reservation, "2026-04-29T12:00:00Z", "2026-04-29T22:00:00Z", -8000)
    # A cancellation that was asked for in April and came to be known afterwards: charged once, however often a week of closes looks at it.
    unheard = books.reservation(tenant, eight)
    books.insert("cancellation", {"reservation_id": unheard, "tenant_id": tenant, "kind": "cancellation", "requested_at": "2026-04-30T23:00:00Z",
                                  "currency": "USD", "remaining_u": 10_000_000, "charge_bp": 5000})
    books.advance("2026-05-03T00:00:00Z")
    correction = billed(books, reservation_id=reservation, reason="sla_credit", charge_class="correction", corrects="2026-04-01T00:00:00Z", period_start="2026-05-01T00:00:00Z")
    assert correction["billed"] == 10 * 8 * 2_000_000 / 4
    correct(books, tenant, reservation, "2026-04-29T12:00:00Z", "2026-04-29T13:00:00Z", 8000)
    books.advance("2026-05-06T00:00:00Z")
    assert billed(books, reservation_id=reservation, reason="sla_credit")["billed"] == -13.8 * 8 * 2_000_000 / 4
    assert billed(books, reservation_id=unheard, reason="cancellation")["billed"] == 5_000_000
    assert books.rows("SELECT * FROM rated_line ORDER BY id")[:len(april)] == april
    books.sound()


def corrections(books):
    """Sums of corrections by the period they are of, and whether anything of what was written before has changed."""
    return {row["of"]: row["u"] for row in books.rows("SELECT corrects::date::text AS of, sum(amount_u)::bigint AS u FROM rated_line WHERE corrects IS NOT NULL GROUP BY 1")}


@pytest.mark.parametrize("project", [None, "default"])
def test_an_own_price_that_begins_in_the_past_rates_its_days_again(keep_books, project):
    books = keep_books(start="2026-04-28T00:00:00Z")
    tenant, other = books.tenant("acme"), books.tenant("other")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 3_000_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    if project:
        books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", tenant=tenant)
    before = 2_000_000 if project else 3_000_000
    delivered(books, tenant, eight, node, "2026-04-28T00:00:00Z", "2026-04-30T00:00:00Z")
    short = delivered(books, tenant, eight, node, "2026-04-30T00:00:00Z", "2026-04-30T01:00:00Z")  # and an hour to the list price's minimum
    delivered(books, other, eight, node, "2026-04-30T01:00:00Z", "2026-05-01T00:00:00Z")
    delivered(books, tenant, eight, node, "2026-05-01T00:00:00Z", "2026-05-02T12:00:00Z")
    books.advance("2026-05-03T00:00:00Z")
    minimum = 0 if project else 3_000_000
    assert billed(books, tenant_id=tenant)["billed"] == 8 * (85 * before + minimum)
    written = books.rows("SELECT * FROM rated_line ORDER BY id")
    books.price("h100.8x", 1_000_000, "2026-04-29T00:00:00Z", tenant=tenant, project=project, minimum_s=10_800)
    books.advance("2026-05-06T00:00:00Z")
    after = 8 * (24 * before + (24 + 1 + 2 + 36) * 1_000_000)
    assert billed(books, tenant_id=tenant)["billed"] == after, "rated as if the price had been there: with its minimum of three hours"
    assert billed(books, reservation_id=short, reason="minimum")["billed"] == 8 * 2_000_000
    assert corrections(books) == {"2026-04-01": 8 * (25 * (1_000_000 - before) + 2_000_000 - minimum)}
    assert books.rows("SELECT * FROM rated_line ORDER BY id")[:len(written)] == written
    assert billed(books, tenant_id=other)["billed"] == 8 * 23 * 3_000_000
    books.sound()


def test_a_list_price_that_comes_after_a_tenants_own_is_told_beside_it(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 1_000_000, "2026-01-01T00:00:00Z", tenant=tenant)
    delivered(books, tenant, eight, books.node("n1"), "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
    books.advance("2026-03-03T00:00:00Z")
    assert billed(books)["list"] == 24 * 8 * 1_000_000
    books.price("h100.8x", 3_000_000, "2026-01-01T00:00:00Z")
    books.advance("2026-03-05T00:00:00Z")
    assert billed(books) == {"list": 24 * 8 * 3_000_000, "contracted": 24 * 8 * 1_000_000, "effective": 24 * 8 * 1_000_000, "billed": 24 * 8 * 1_000_000}
    books.sound()


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_window_made_longer_after_its_day_was_closed_is_billed_to_the_second(keep_books, state):
    """It went on all the time: the hour before midnight was over when its day, and its month, were closed."""
    books = keep_books(start="2026-04-30T22:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1", cost_minor=36_500_00, in_service="2026-01-01", life_months=12)
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, node, "2026-04-30T22:00:00Z", "2026-04-30T23:00:00Z")
    books.instance_becomes(instance, state)
    books.advance("2026-05-01T06:00:00Z")
    assert billed(books)["billed"] == 8 * 2 * 2_000_000, "an hour, and one that lacks to the minimum"
    (invoice,) = books.rows("SELECT * FROM invoice")
    written = books.rows("SELECT * FROM rated_line ORDER BY id")
    costs = books.rows("SELECT * FROM cost_allocation ORDER BY day, node_id, target")
    books.instance_becomes(instance, state, ends_at="2026-05-01T12:00:00Z")
    books.step("2026-05-01T07:00:00Z")
    assert books.value("SELECT count(*) FROM late_usage") == 1
    books.sound()
    books.advance("2026-05-03T00:00:00Z")
    assert billed(books)["billed"] == 8 * 14 * 2_000_000
    assert billed(books, charge_category="usage", charge_class="correction", corrects="2026-04-01T00:00:00Z")["billed"] == 8 * 2_000_000
    assert billed(books, charge_category="adjustment", corrects="2026-04-01T00:00:00Z")["billed"] == -8 * 2_000_000, "it was longer than the minimum"
    assert books.rows("SELECT * FROM rated_line ORDER BY id")[:len(written)] == written
    assert books.rows("SELECT * FROM cost_allocation WHERE day <= '2026-04-30' ORDER BY day, node_id, target") == costs
    assert books.rows("SELECT * FROM invoice WHERE id = %s", invoice["id"]) == [invoice]
    books.sound()


def test_late_usage_of_an_open_month_is_usage_of_that_month(keep_books):
    books = keep_books(start="2026-04-10T22:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z", model="volume", tiers=TIERS)
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, books.node("n1"), "2026-04-10T22:00:00Z", "2026-04-10T23:00:00Z")
    books.instance_becomes(instance, "running")
    books.advance("2026-04-12T06:00:00Z")
    books.instance_becomes(instance, "running", ends_at="2026-04-14T00:00:00Z")
    books.advance("2026-04-15T00:00:00Z")
    assert billed(books) == billed(books, corrects=None)
    assert billed(books)["billed"] == 8 * 74 * 2_190_000  # 592 GPU-hours: all at the second tier
    assert books.value("SELECT count(*) FROM late_usage") == 2, "what was left of the 10th, and the 11th"
    books.sound()


def waiting(books):
    """Milli-GPU-seconds that wait for a price by the day whose books would have them: as they are noted, and as reports tell of them."""
    noted = books.rows("SELECT t.name AS tenant, l.day::text AS day, l.gpu_milli_seconds AS amount FROM unpriced_late l JOIN tenant t ON t.id = l.tenant_id ORDER BY 1, 2")
    told = books.rows("SELECT key AS tenant, period_start::text AS day, gpu_milli_seconds_unpriced AS amount FROM margin_report('tenant', 'day', '2026-04-01', '2026-06-01')"
                      " WHERE gpu_milli_seconds_unpriced <> 0 ORDER BY 1, 2")
    assert noted == told
    return {(row["tenant"], row["day"]): row["amount"] for row in noted}


def test_what_comes_late_and_has_no_price_waits_for_it_however_long(keep_books):
    """An hour of a closed month: of a tenant that was billed for it, and of one that never was; and a correction beside it."""
    books = keep_books(start="2026-04-30T22:00:00Z")
    eight, bare = books.instance_type("h100.8x"), books.instance_type("bare.8x")
    tenants = {name: books.tenant(name) for name in ("acme", "only")}
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", "2026-04-30T23:00:00Z")
    books.price("h100.8x", 2_000_000, "2026-05-01T00:00:00Z")
    ran = {}
    for (name, tenant), kind, state in zip(tenants.items(), (eight, bare), ("running", "planned")):
        reservation = books.reservation(tenant, kind)
        ran[name] = books.instance(reservation, tenant, books.node(f"of-{name}"), "2026-04-30T22:00:00Z", "2026-04-30T23:00:00Z")
        books.instance_becomes(ran[name], state)
    books.advance("2026-05-01T06:00:00Z")
    assert billed(books)["billed"] == 8 * 2_000_000 and books.value("SELECT count(*) FROM invoice") == 1
    for name, ends_at in (("acme", "2026-05-01T01:00:00Z"), ("only", "2026-05-01T00:00:00Z")):
        books.instance_becomes(ran[name], "running", ends_at=ends_at)
    correct(books, tenants["acme"], books.value("SELECT reservation_id FROM instance WHERE id = %s", ran["acme"]), "2026-04-30T23:30:00Z", "2026-04-30T23:40:00Z", 1000)
    books.advance("2026-05-12T00:00:00Z")
    assert billed(books, charge_category="usage")["billed"] == 2 * 8 * 2_000_000, "what has a price goes on"
    assert waiting(books) == {("acme", "2026-05-01"): 8000 * 3600 + 600 * 1000, ("only", "2026-05-01"): 8000 * 3600}
    assert books.rows("SELECT name FROM billing_check WHERE violations > 0") == [{"name": "usage_has_prices"}]
    books.price("h100.8x", 3_600_000, "2026-04-30T23:00:00Z", "2026-05-01T00:00:00Z")
    books.price("bare.8x", 1_000_000, "2026-01-01T00:00:00Z")
    books.advance("2026-05-14T00:00:00Z")
    assert waiting(books) == {}
    assert billed(books, tenant_id=tenants["acme"], corrects="2026-04-01T00:00:00Z")["billed"] == 8 * 3_600_000 + 600_000
    assert billed(books, tenant_id=tenants["only"])["billed"] == 8 * 1_000_000
    books.sound()


def test_a_late_minute_less_and_one_more_are_charged_once(keep_books):
    """A late minute of one instance lessens the charge for its minimum; another of its reservation lacks as much on the same day."""
    books = keep_books(start="2026-04-10T22:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 3_600_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    reservation = books.reservation(tenant, eight)
    first = books.instance(reservation, tenant, books.node("n1"), "2026-04-10T22:00:00Z", "2026-04-10T23:00:00Z")
    books.instance_becomes(first, "running")
    books.advance("2026-04-11T06:00:00Z")
    assert billed(books, reason="minimum")["billed"] == 3600 * 8 * 1000
    books.instance_becomes(first, "running", ends_at="2026-04-10T23:01:00Z")
    second = books.instance(reservation, tenant, books.node("n2"), "2026-04-11T06:00:00Z", "2026-04-11T07:59:00Z")
    books.instance_becomes(second, "running")
    for day in ("12", "13", "22"):
        books.advance(f"2026-04-{day}T00:00:00Z")
        assert billed(books, reason="minimum")["billed"] == (3540 + 60) * 8 * 1000, day
    books.sound()


def test_a_window_made_longer_at_midnight_is_charged_less_for_its_minimum(keep_books):
    """It was over with the day, and charged for; it goes on with the next one, and nothing of it is late."""
    books = keep_books(start="2026-04-10T23:00:00Z")
    tenant = books.tenant("acme")
    books.price("h100.8x", 3_600_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    reservation = books.reservation(tenant, books.instance_type("h100.8x"))
    instance = books.instance(reservation, tenant, books.node("n1"), "2026-04-10T23:00:00Z", "2026-04-11T00:00:00Z")
    books.instance_becomes(instance, "running")
    books.advance("2026-04-11T00:00:00Z")
    assert billed(books, reason="minimum")["billed"] == 3600 * 8 * 1000
    books.instance_becomes(instance, "running", ends_at="2026-04-11T00:30:00Z")
    books.advance("2026-04-13T00:00:00Z")
    assert billed(books, reason="minimum")["billed"] == 1800 * 8 * 1000
    books.sound()


@pytest.mark.parametrize("begin, midnight, until", [("2026-04-10T22:00:00Z", "2026-04-11T06:00:00Z", "2026-04-13T00:00:00Z"),
                                                    ("2026-04-30T22:00:00Z", "2026-05-01T06:00:00Z", "2026-05-03T00:00:00Z")])
def test_an_end_that_is_told_after_its_day_is_charged_for_its_minimum(keep_books, begin, midnight, until):
    """It ended at half past eleven, and was metered until midnight before anybody said so."""
    books = keep_books(start=begin)
    tenant = books.tenant("acme")
    books.price("h100.8x", 3_600_000, "2026-01-01T00:00:00Z", minimum_s=10_800)
    reservation = books.reservation(tenant, books.instance_type("h100.8x"))
    instance = books.instance(reservation, tenant, books.node("n1"), begin, None)
    books.instance_becomes(instance, "running")
    books.advance(midnight)
    books.instance_becomes(instance, "terminated", at=begin.replace("T22:00", "T23:30"), ends_at=f"{midnight[:10]}T00:00:00Z")
    books.advance(until)
    assert billed(books, charge_category="usage")["billed"] == 7200 * 8 * 1000
    assert billed(books, reason="minimum")["billed"] == 3600 * 8 * 1000
    books.sound()


def test_g21_what_a_reservation_leaves(keep_books):
    """Ten days of eight GPUs on G11's node, whose power is metered at 62 % of what it can draw."""
    books = keep_books(start="2026-01-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    node = books.node("n1", cost_minor=31_200_000, salvage_minor=3_120_000, in_service="2026-01-01", life_months=60)
    books.insert("power_profile", {"gpu_model": "H100", "gpu_count": 8, "idle_w": 3400, "full_w": 10200})
    for pool, basis, amount_u, pue in (("power", "kwh", 85_000, 1300), ("colocation", "kw_month", 180_000_000, None), ("operations", "node_month", 900_000_000, None)):
        books.insert("cost_rate", {"id": books.value("SELECT gen_random_uuid()"), "pool": pool, "basis": basis, "currency": "USD", "amount_u": amount_u,
                                   "pue_milli": pue, "valid": "[2026-01-01,)"})
    for day in range(1, 11):
        books.insert("node_energy", {"node_id": node, "day": f"2026-01-{day:02}", "watt_hours": 10200 * 24 * 62 // 100})
    reservation = delivered(books, tenant, eight, node, "2026-01-01T00:00:00Z", "2026-01-11T00:00:00Z")
    (row,) = [row for row in books.rows("SELECT * FROM margin_report('reservation', NULL, '2026-01-01', '2026-01-11')") if row["key"] == reservation]
    cents = {name: round(row[f"{name}_u"] / 10_000) for name in ("revenue", "depreciation", "colocation", "operations", "power")}
    assert cents == {"revenue": 478_080, "depreciation": 153_779, "colocation": 60_320, "operations": 29_569, "power": 16_771}
    assert round((row["revenue_u"] - sum(row[f"{name}_u"] for name in cents if name != "revenue")) / 10_000) == 217_641
    books.sound()
