"""What the money comes to: sluice-billing on a real database, facts written by the test."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import signal
import zoneinfo

import pytest

from bookkeeping import billed, delivered
from stack import eventually


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
    assert books.daemon.log.read_text().count('"usage_without_price"') == 1, "told of once, though each close of a day tries again"
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


# ---- Price models, commitments, discounts: one month of one tenant each ----


def test_g14_a_commitments_fee_is_its_used_and_its_unused_cost(keep_books):
    books = keep_books(start="2026-04-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    node = books.node("n1")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    commitment = books.commitment(tenant, "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z", 2, 2 * 925_000, sku_kind="instance_type",
                                  sku="h100.8x", gpu_hours=5000, unit_price_u=1_850_000)
    delivered(books, tenant, eight, node, "2026-04-01T00:00:00Z", "2026-04-22T21:00:00Z")  # 525 h x 8 = 4,200 GPU-hours
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
    delivered(books, tenant, eight, node, "2026-05-02T00:00:00Z", "2026-05-30T07:41:15Z")  # 679.6875 h x 8 = 5,437.5 GPU-hours
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
    delivered(books, tenant, eight, node, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")
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
