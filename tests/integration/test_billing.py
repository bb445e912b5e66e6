"""What the money comes to: sluice-billing on a real database, facts written by the test."""
# SPDX-License-Identifier: Apache-2.0

import signal

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
                   or books.value("SELECT count(*) FROM invoice") == 40, f"the close goes on in round {round_number}", 30)
        books.daemon.kill()
        books.daemon.start()
    eventually(lambda: books.value("SELECT tick FROM clock_acknowledgement WHERE component = 'billing'") == tick, "the tick is acknowledged", 60)
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
    eventually(lambda: books.value("SELECT max(tick) FROM clock_acknowledgement WHERE component = 'billing'") >= 3, "it leads again and acknowledges", 20)
