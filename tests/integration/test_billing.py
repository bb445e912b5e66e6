"""What the money comes to: sluice-billing on a real database, facts written by the test."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import signal
import zoneinfo

import pytest

from bookkeeping import Bookkeeping
from stack import eventually


@pytest.fixture
def keep_books(cluster, tmp_path):
    """keep_books(start=...) returns Bookkeeping whose daemon runs."""
    made = []

    def make(**options):
        books = Bookkeeping(cluster, tmp_path, **options)
        made.append(books)
        books.daemon.start()
        return books

    yield make
    for books in made:
        books.close()


def delivered(books, tenant, instance_type, node, starts_at, ends_at, **options):
    """A reservation that ran without a hitch for its whole window, which begins now."""
    reservation = books.reservation(tenant, instance_type, **options)
    instance = books.instance(reservation, tenant, node, starts_at, ends_at)
    books.instance_becomes(instance, "running")
    books.advance(ends_at)
    books.instance_becomes(instance, "terminated")
    return reservation


@pytest.mark.parametrize("timezone, month_start, month_end, day_after, expected_minor", [
    ("UTC", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z", 1482048),
    ("Europe/Berlin", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "2026-04-02T00:00:00Z", 1480056),
    ("Europe/Berlin", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "2026-11-02T00:00:00Z", 1484040),
    ("UTC", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z", "2028-03-02T00:00:00Z", 1386432),
])
def test_g18_a_month_is_the_tenants_own(keep_books, timezone, month_start, month_end, day_after, expected_minor):
    books = keep_books(start=month_start)
    tenant = books.tenant("acme", timezone=timezone)
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, node, month_start, None)
    books.instance_becomes(instance, "running")
    books.advance(day_after)
    (invoice,) = books.rows("SELECT net_minor, period_start = %s AS starts, period_end = %s AS ends FROM invoice",
                            month_start, month_end)
    assert invoice == {"net_minor": expected_minor, "starts": True, "ends": True}
    books.sound()


def test_g13_a_change_of_price_splits_the_invoice_and_tax_is_rounded_once(keep_books):
    books = keep_books(start="2026-06-01T00:00:00Z")
    tenant = books.tenant("acme", tax_rate_bp=1900)
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z", "2026-06-16T12:00:00Z")
    books.price("h100.8x", 2_290_000, "2026-06-16T12:00:00Z")
    delivered(books, tenant, eight, node, "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z")
    lines = books.rows("SELECT gpu_milli_seconds, net_minor, tax_shown_minor FROM invoice_line ORDER BY line_no")
    assert [line["gpu_milli_seconds"] for line in lines] == [1_339_200 * 8000, 1_252_800 * 8000]
    assert [line["net_minor"] for line in lines] == [741024, 637536]
    (invoice,) = books.rows("SELECT number, net_minor, tax_minor, total_minor FROM invoice")
    assert invoice == {"number": 1, "net_minor": 1378560, "tax_minor": 261926, "total_minor": 1640486}
    assert sum(line["tax_shown_minor"] for line in lines) == 261926
    books.sound()


def test_the_cost_of_a_day_goes_to_who_had_the_node_and_to_idle_by_cause(keep_books):
    books = keep_books(start="2026-03-01T06:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    node = books.node("n1", cost_minor=36_500_00, in_service="2026-01-01", life_months=12)  # 100.00 a day
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, node, "2026-03-01T06:00:00Z", "2026-03-01T18:00:00Z")
    books.step("2026-03-01T07:00:00Z")
    books.instance_becomes(instance, "running")  # an hour late
    books.step("2026-03-01T18:00:00Z")
    books.instance_becomes(instance, "terminated")
    books.node_becomes(node, "sanitizing")
    books.step("2026-03-01T20:00:00Z")
    books.node_becomes(node, "validating")
    books.step("2026-03-01T21:00:00Z")
    books.node_becomes(node, "ready")
    books.advance("2026-03-02T00:00:00Z")
    hours = {row["target"]: (row["weight"] / 8000 / 3600, row["amount_u"]) for row in
             books.rows("SELECT target, weight, amount_u FROM cost_allocation")}
    assert {target: weight for target, (weight, _) in hours.items()} == {
        "not_in_service": 6, "unready": 1, "used": 11, "sanitizing": 3, "unsold": 3}
    assert sum(amount for _, amount in hours.values()) == 100_000_000
    assert hours["used"][1] == 45_833_333
    (margin,) = books.rows("SELECT key, revenue_u, depreciation_u FROM margin_report('tenant', NULL, '2026-03-01', '2026-03-02')")
    assert margin == {"key": "acme", "revenue_u": 11 * 8 * 2_000_000, "depreciation_u": 45_833_333}
    books.sound()


def test_usage_without_a_price_waits_and_its_month_stays_open(keep_books):
    books = keep_books(start="2026-03-30T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    delivered(books, tenant, eight, node, "2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z")
    books.advance("2026-04-02T00:00:00Z")
    assert books.value("SELECT count(*) FROM unpriced_usage") == 1
    assert books.value("SELECT count(*) FROM rated_line") == 0
    books.price("h100.8x", 1_000_000, "2026-01-01T00:00:00Z")
    books.advance("2026-04-03T00:00:00Z")
    assert books.value("SELECT count(*) FROM unpriced_usage") == 0
    assert books.value("SELECT net_minor FROM invoice") == 24 * 8 * 100
    books.sound()


def test_a_tenants_own_price_holds_before_the_list(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 3_000_000, "2026-01-01T00:00:00Z")
    books.price("h100.8x", 1_000_000, "2026-03-01T06:00:00Z", "2026-03-01T12:00:00Z", tenant=tenant)
    delivered(books, tenant, eight, node, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
    assert books.value("SELECT sum(amount_u) FROM rated_line") == 8 * (18 * 3_000_000 + 6 * 1_000_000)
    books.sound()


def test_a_replaced_instance_is_not_billed_while_it_is_away(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    tenant = books.tenant("acme")
    first, second = books.node("n1", cost_minor=365_00, life_months=12), books.node("n2")
    books.price("H100", 1_000_000, "2026-01-01T00:00:00Z", kind="gpu_model")
    reservation = books.reservation(tenant)
    instance = books.instance(reservation, tenant, first, "2026-03-01T00:00:00Z", "2026-03-01T10:00:00Z")
    books.instance_becomes(instance, "running")
    books.step("2026-03-01T02:00:00Z")
    books.instance_becomes(instance, "replacing", node_id=None)
    books.node_becomes(first, "quarantined")
    books.instance_becomes(instance, "provisioning", node_id=second)
    books.step("2026-03-01T03:00:00Z")
    books.instance_becomes(instance, "running")
    books.step("2026-03-01T10:00:00Z")
    books.instance_becomes(instance, "terminated")
    books.advance("2026-03-02T00:00:00Z")
    classes = books.rows("SELECT class, extract(epoch FROM sum(period_end - period_start))::int AS s FROM usage_interval"
                         " GROUP BY 1 ORDER BY 1")
    assert classes == [{"class": "unready", "s": 3600}, {"class": "used", "s": 9 * 3600}]
    assert books.value("SELECT sum(amount_u) FROM rated_line") == 9 * 8 * 1_000_000
    assert books.value("SELECT weight FROM cost_allocation WHERE target = 'quarantined'") == 22 * 3600 * 8000
    books.sound()


def test_a_crash_anywhere_in_a_close_loses_and_doubles_nothing(keep_books):
    books = keep_books(start="2026-01-01T00:00:00Z", settings={"SLUICE_LEASE_TTL_MS": "1000"})
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    for number in range(40):
        tenant = books.tenant(f"t{number}", tax_rate_bp=700)
        node = books.node(f"n{number}", cost_minor=31_250_000, salvage_minor=3_125_000, life_months=72)
        reservation = books.reservation(tenant, eight)
        instance = books.instance(reservation, tenant, node, "2026-01-01T00:00:00Z", None)
        books.instance_becomes(instance, "running")
    books.step("2026-01-01T00:00:00Z")
    books.step("2026-02-03T00:00:00Z")
    tick = books.tick("2026-02-03T00:00:00Z")
    for round_number in range(12):  # a later kill each time, measured by what is done
        reached = books.value("SELECT count(*) FROM rated_line")
        eventually(lambda at_least=reached: books.value("SELECT count(*) FROM rated_line") > at_least
                   or books.value("SELECT count(*) FROM invoice") == 40, f"the close goes on in round {round_number}")
        books.daemon.kill()
        books.daemon.start()
    eventually(lambda: books.value("SELECT tick FROM clock_acknowledgement WHERE component = 'billing'") == tick, "the tick is acknowledged")
    assert books.value("SELECT count(*) FROM billing_day") == 33
    assert books.value("SELECT count(*) FROM invoice") == 40
    assert books.value("SELECT count(DISTINCT net_minor) FROM invoice") == 1
    assert books.value("SELECT max(net_minor) FROM invoice") == 1482048
    assert books.value("SELECT count(*) FROM depreciation") == 33 * 40
    books.sound()


def test_a_revision_that_no_event_has_is_counted_and_stops_nothing(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    tenant = books.tenant("acme")
    node = books.node("n1")
    reservation = books.reservation(tenant)
    instance = books.instance(reservation, tenant, node, "2026-03-01T00:00:00Z", "2026-03-01T10:00:00Z")
    books.revision[instance] += 2
    books.instance_becomes(instance, "running")
    books.step("2026-03-01T00:00:00Z")
    books.step("2026-03-01T10:00:00Z")
    assert books.daemon.metrics()["sluice_billing_missing_events_total"] == 2
    books.instance_becomes(instance, "terminated")
    books.step("2026-03-01T11:00:00Z")
    assert books.rows("SELECT class FROM usage_interval") == [{"class": "used"}]


def test_a_standby_takes_over_and_the_old_leader_writes_nothing(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z", settings={"SLUICE_LEASE_TTL_MS": "1000"})
    books.node("n1", cost_minor=365_00, life_months=12)
    books.step("2026-03-01T00:00:00Z")
    books.daemon.signal(signal.SIGSTOP)
    try:
        eventually(lambda: books.value("SELECT expires_at < clock_timestamp() FROM leader_lease WHERE name = 'billing'"),
                   "the stopped leader's lease ends")
        epoch = books.value("SELECT leader_take('billing', 'another', interval '1 minute')")
    finally:
        books.daemon.signal(signal.SIGCONT)
    books.tick("2026-03-03T00:00:00Z")
    books.tick("2026-03-03T00:00:00Z")
    eventually(lambda: books.daemon.metrics()["sluice_billing_leader"] == 0, "the old leader stands by")
    assert books.value("SELECT count(*) FROM billing_day") == 0
    assert books.value("SELECT epoch FROM leader_epoch WHERE name = 'billing'") == epoch
    books.run("SELECT leader_give('billing', 'another')")
    eventually(lambda: books.value("SELECT max(tick) FROM clock_acknowledgement WHERE component = 'billing'") >= 3, "it leads again and acknowledges")


# ---- Price models, commitments, discounts, rules, corrections: one month of one tenant each ----


def hours(books, tenant, instance_type, node, starts_at, ends_at, **options):
    """A reservation whose instance runs from its start, which is now, to its end."""
    return delivered(books, tenant, instance_type, node, starts_at, ends_at, **options)


def billed(books, **by):
    """Sums of rated lines by column values, in micro-units."""
    where = " AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in by) or "true"
    (row,) = books.rows("SELECT coalesce(sum(list_u), 0)::bigint AS list, coalesce(sum(contracted_u), 0)::bigint AS contracted,"
                        " coalesce(sum(effective_u), 0)::bigint AS effective, coalesce(sum(amount_u), 0)::bigint AS billed"
                        f" FROM rated_line WHERE {where}", *by.values())
    return row


def test_g14_a_commitments_fee_is_its_used_and_its_unused_cost(keep_books):
    books = keep_books(start="2026-04-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    commitment = books.commitment(tenant, "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z", 2, 2 * 925_000, sku_kind="instance_type",
                                  sku="h100.8x", gpu_hours=5000, unit_price_u=1_850_000)
    hours(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-22T21:00:00Z")  # 525 h x 8 = 4,200 GPU-hours
    books.advance("2026-05-01T00:00:00Z")
    assert billed(books, charge_category="purchase")["billed"] == 9_250_000_000
    used = billed(books, commitment_status="used")
    assert (used["billed"], used["effective"], used["list"]) == (0, 7_770_000_000, 4200 * 2_490_000)
    unused = billed(books, commitment_status="unused")
    assert (unused["billed"], unused["effective"]) == (0, 1_480_000_000)
    (period,) = books.rows("SELECT used_gpu_milli_seconds / 3600000 AS used, overage_u, used_u, cost_u, billed_u, rated_until = period_end AS over"
                           " FROM commitment_period WHERE commitment_id = %s", commitment)
    assert period == {"used": 4200, "overage_u": 0, "used_u": 7_770_000_000, "cost_u": 9_250_000_000, "billed_u": 9_250_000_000, "over": True}
    books.advance("2026-05-02T00:00:00Z")
    hours(books, tenant, eight, node, "2026-05-02T00:00:00Z", "2026-05-30T07:41:15Z")  # 679.6875 h x 8 = 5,437.5 GPU-hours
    books.advance("2026-06-01T00:00:00Z")
    may = billed(books, period_start="2026-05-01T00:00:00Z")
    assert may["billed"] == 10_339_375_000 and may["effective"] == 10_339_375_000
    deferred = books.value("SELECT sum(debit_u - credit_u) FROM trial_balance WHERE code = 'deferred_revenue'")
    assert deferred == 0
    books.sound()


def test_an_upfront_fee_is_earned_month_by_month(keep_books):
    books = keep_books(start="2027-11-01T00:00:00Z")
    tenant = books.tenant("acme")
    books.node("n1")
    books.commitment(tenant, "2027-11-01T00:00:00Z", "2028-11-01T00:00:00Z", 12, 10_000_000, payment_model="all_upfront", upfront_bp=10000)
    books.advance("2028-01-01T00:00:00Z")
    earned = books.rows("SELECT sum(effective_u)::bigint AS u, sum(amount_u)::bigint AS billed FROM rated_line GROUP BY period_start ORDER BY period_start")
    assert [row["u"] for row in earned[:2]] == [8_196_720_000, 8_469_950_000]
    assert [row["billed"] for row in earned[:2]] == [100_000_000_000, 0]
    assert books.value("SELECT sum(credit_u - debit_u) FROM trial_balance WHERE code = 'deferred_revenue'") == 100_000_000_000 - 16_666_670_000
    books.sound()


def test_the_most_specific_price_and_discount_hold_second_by_second(keep_books):
    books = keep_books(start="2026-03-28T00:00:00Z")
    tenant = books.tenant("acme", timezone="Europe/Berlin")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    nights = [{"days": 127, "from": "22:00", "to": "06:00", "gpu_hour_u": 1_000_000}]
    books.price("h100.8x", 3_000_000, "2026-01-01T00:00:00Z", windows=nights)
    books.price("h100.8x", 2_000_000, "2026-03-29T12:00:00Z", tenant=tenant, project="default")
    books.insert("discount", {"id": "00000000-0000-0000-0000-000000000001", "tenant_id": tenant, "percent_bp": 1000, "reason": "launch"},
                 ("2026-03-29T18:00:00Z", None))
    # Sunday 29 March: clocks in Berlin go from 02:00 to 03:00, so the night that begins on Saturday has seven hours.
    hours(books, tenant, eight, node, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")
    night_h = 5 + 7      # 00:00Z is 01:00 in Berlin: until 06:00; and 22:00 to 06:00
    day_h = 16 + 8       # until the project's own price holds at 12:00Z, which is 14:00
    lines = billed(books)
    assert lines["contracted"] == 8 * (night_h * 1_000_000 + day_h * 3_000_000 + 6 * 2_000_000 + 6 * 1_800_000)
    assert lines["list"] == 8 * ((night_h + 4) * 1_000_000 + (day_h + 8) * 3_000_000)
    assert books.value("SELECT count(DISTINCT window_no) FROM rated_line") == 2
    books.sound()


@pytest.mark.parametrize("zone, begin", [("Europe/Berlin", "2026-10-24"), ("Europe/Berlin", "2026-03-28"), ("Australia/Lord_Howe", "2026-10-03")])
def test_a_window_of_the_day_holds_while_the_clock_shows_its_times(keep_books, zone, begin):
    """Where clocks change, an hour (in Lord Howe half of one) comes twice or never: windows that begin or end within it, quarter by quarter."""
    start = datetime.datetime.fromisoformat(f"{begin}T00:00:00+00:00")
    books = keep_books(start=start.isoformat())
    eight = books.instance_type("h100.8x")
    due = {}
    for number, (first, last) in enumerate((("01:30", "02:30"), ("02:15", "02:45"), ("02:30", "03:30"), ("02:30", "02:00"))):
        tenant = books.tenant(f"t{number}", timezone=zone)
        books.price("h100.8x", 1_000_000, "2026-01-01T00:00:00Z", tenant=tenant,
                    windows=[{"days": 127, "from": first, "to": last, "gpu_hour_u": 3_000_000}])
        reservation = books.reservation(tenant, eight)
        instance = books.instance(reservation, tenant, books.node(f"n{number}"), start.isoformat(), (start + datetime.timedelta(days=2)).isoformat())
        books.instance_becomes(instance, "running")
        clocks = [(start + datetime.timedelta(minutes=15 * n)).astimezone(zoneinfo.ZoneInfo(zone)).strftime("%H:%M") for n in range(4 * 48)]
        within = sum(first <= clock < last if first < last else clock >= first or clock < last for clock in clocks)
        due[tenant] = 8 * (within * 750_000 + (len(clocks) - within) * 250_000)
    books.advance((start + datetime.timedelta(days=2)).isoformat())
    for tenant, amount in due.items():
        assert billed(books, tenant_id=tenant)["billed"] == amount
    books.sound()


TIERS = [{"up_to_gpu_hours": 500, "gpu_hour_u": 2_490_000}, {"up_to_gpu_hours": None, "gpu_hour_u": 2_190_000}]


@pytest.mark.parametrize("model, before, after", [("graduated", 1_195_200_000, 1_288_800_000), ("volume", 1_195_200_000, 1_138_800_000)])
def test_g17_usage_that_comes_late_is_a_signed_difference(keep_books, model, before, after):
    books = keep_books(start="2026-04-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node, other = books.node("n1"), books.node("n2")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z", model=model, tiers=TIERS)
    reservation = hours(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-02T12:00:00Z")  # 36 h x 8 = 288
    hours(books, tenant, eight, other, "2026-04-02T12:00:00Z", "2026-04-03T12:00:00Z")               # and 192: 480
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
    reservation = hours(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-03T00:00:00Z")
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
    reservation = hours(books, tenant, eight, books.node("n1"), "2026-01-31T00:00:00Z", "2026-03-02T00:00:00Z")
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
    short = hours(books, tenant, eight, node, "2026-04-30T00:00:00Z", "2026-04-30T00:30:00Z")
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


# ---- What comes late ----

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
    hours(books, tenant, eight, node, "2026-04-28T00:00:00Z", "2026-04-30T00:00:00Z")
    short = hours(books, tenant, eight, node, "2026-04-30T00:00:00Z", "2026-04-30T01:00:00Z")  # and an hour to the list price's minimum
    hours(books, other, eight, node, "2026-04-30T01:00:00Z", "2026-05-01T00:00:00Z")
    hours(books, tenant, eight, node, "2026-05-01T00:00:00Z", "2026-05-02T12:00:00Z")
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
    hours(books, tenant, eight, books.node("n1"), "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
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
