"""What open days come to so far: sluice-billing on a real database, and reports before and after a day's close."""
# SPDX-License-Identifier: Apache-2.0

import functools
import uuid

import pytest

from stack import eventually

KEYS = ("tenant", "project", "instance_type", "node", "rack", "cohort", "day", "reservation")


@pytest.fixture
def keep_books(keep_books):
    return functools.partial(keep_books, settings={"SLUICE_LEASE_TTL_MS": "1000"})


def settled(books):
    """Waits until the reports are of the present instant."""
    def is_now():
        return books.value("SELECT coalesce(bool_and(as_of = sluice_now()), false) FROM provisional_day")

    eventually(is_now, f"open days are told of as they are:\n{books.daemon.log_tail()}")


def report(books, by, day):
    return {row["key"]: row for row in books.rows("SELECT * FROM margin_report(%s, NULL, %s::date, %s::date + 1)", by, day, day)}


def node_alone_is_as_among_all(books, day):
    """A report of one node is the node's row of the report of all."""
    for node, row in report(books, "node", day).items():
        if node != "none":
            assert books.rows("SELECT * FROM margin_report('node', NULL, %s::date, %s::date + 1, %s)", day, day, node) == [row], node


def revenue(books, by, day):
    return {key: row["revenue_u"] for key, row in report(books, by, day).items() if row["revenue_u"] != 0}


def rate(books, pool, basis, amount_u):
    books.run("INSERT INTO cost_rate (id, pool, basis, currency, amount_u, valid) VALUES (%s, %s, %s, 'USD', %s, '[2026-01-01,)')",
              str(uuid.uuid4()), pool, basis, amount_u)


def running(books, tenant, kind, node, starts_at, ends_at, gpus=8):
    reservation = books.reservation(tenant, kind, gpus=gpus)
    instance = books.instance(reservation, tenant, node, starts_at, ends_at, gpus=gpus)
    books.instance_becomes(instance, "running", at=starts_at)
    return reservation, instance


def test_what_runs_is_in_every_report_within_a_minute_and_the_close_replaces_it(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    day = "2026-03-01"
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    node = books.node("n1", cost_minor=36_500_00, in_service="2026-01-01", life_months=12)  # 100.00 a day
    rate(books, "operations", "node_month", 2_922_000_000)  # 96.00 a day
    books.step("2026-03-01T06:00:00Z")
    reservation, instance = running(books, tenant, eight, node, "2026-03-01T06:00:00Z", "2026-03-02T00:00:00Z")
    books.step("2026-03-01T06:30:00Z")
    settled(books)
    named = {"tenant": "acme", "project": "acme/default", "instance_type": "h100.8x", "node": node, "rack": "f/r", "cohort": "c1",
             "day": day, "reservation": reservation}
    for by in KEYS:
        row = report(books, by, day)[named[by]]
        assert row["revenue_u"] == 8_000_000 and row["gpu_milli_seconds_billed"] == 1800 * 8000, by
        assert row["is_provisional"], by
        bears_idle = by in ("node", "rack", "cohort", "day")
        assert row["depreciation_u"] == (27_083_333 if bears_idle else 2_083_333), by  # 6.5 and 0.5 of 24 hours
        assert row["operations_u"] == (26_000_000 if bears_idle else 2_000_000), by
    assert {row["cause"]: row["amount_u"] for row in books.rows("SELECT * FROM idle_report(%s, %s::date + 1)", day, day)} == {
        "unsold": 49_000_000}
    # It is in reports alone.
    assert books.value("SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM rated_line) + (SELECT count(*) FROM node_cost)") == 0
    books.step("2026-03-01T18:00:00Z")
    books.instance_becomes(instance, "terminated", ends_at="2026-03-01T18:00:00Z")
    books.step("2026-03-01T19:00:00Z")
    settled(books)
    before = {by: revenue(books, by, day) for by in KEYS}
    assert before["tenant"] == {"acme": 12 * 8 * 2_000_000}
    books.advance("2026-03-02T00:00:00Z")
    after = {by: revenue(books, by, day) for by in KEYS}
    assert after == before
    row = report(books, "day", day)[day]
    assert not row["is_provisional"] and row["depreciation_u"] == 100_000_000 and row["operations_u"] == 96_000_000
    assert books.value("SELECT count(*) FROM provisional_day") == 0
    books.sound()
    what_an_older_release_closed_is_summed_up(books)
    assert {by: revenue(books, by, day) for by in KEYS} == after
    # A closed day is of the racks and cohorts that its nodes were of, revenue as cost.
    books.run("UPDATE asset SET cohort = 'c9'")
    told = report(books, "cohort", day)
    assert set(told) == {"c1"} and told["c1"]["revenue_u"] == after["tenant"]["acme"] and told["c1"]["depreciation_u"] == 100_000_000
    books.sound()


def what_an_older_release_closed_is_summed_up(books):
    """As if the day had been closed by a release that knows neither summaries nor results of cohorts."""
    results = books.rows("SELECT * FROM cohort_result")
    summaries = books.value("SELECT count(*) FROM cost_summary")
    assert results and summaries
    books.daemon.stop()
    books.run("DELETE FROM cost_summary; DELETE FROM cohort_result")
    books.daemon.start()
    eventually(lambda: books.value("SELECT count(*) FROM cost_summary") == summaries, "the closed day is summed up again")
    assert books.rows("SELECT * FROM cohort_result") == results


def test_so_far_is_rated_as_the_close_will(keep_books):
    """Flat prices, tiers, a commitment, a minimum, a cancellation and two billing months: what is told is what is closed."""
    books = keep_books(start="2026-03-30T00:00:00Z")
    eight, four, two = books.instance_type("h100.8x"), books.instance_type("h100.4x", gpus=4), books.instance_type("h100.2x", gpus=2)
    nodes = [books.node(f"n{number}") for number in range(4)]
    tenants = {name: books.tenant(name, timezone=zone) for name, zone in (("flat", "Europe/Berlin"), ("tiered", "UTC"), ("committed", "UTC"))}
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z", minimum_s=36_000)
    books.price("h100.4x", 2_490_000, "2026-01-01T00:00:00Z", model="graduated",
                tiers=[{"up_to_gpu_hours": 100, "gpu_hour_u": 2_490_000}, {"up_to_gpu_hours": None, "gpu_hour_u": 2_190_000}])
    books.price("h100.2x", 1_234_567, "2026-01-01T00:00:00Z")
    books.commitment(tenants["committed"], "2026-03-01T00:00:00Z", "2026-06-01T00:00:00Z", 3, 30_000, sku_kind="instance_type", sku="h100.2x",
                     tier="reserved", gpu_hours=100, unit_price_u=1_000_000)
    for day, following in (("2026-03-30", "2026-03-31"), ("2026-03-31", "2026-04-01")):
        ran = []
        for name, kind, gpus, node, minutes in (("flat", eight, 8, nodes[0], 437), ("tiered", four, 4, nodes[1], 1001), ("tiered", two, 2, nodes[2], 77),
                                                ("committed", two, 2, nodes[3], 1111)):
            ran.append((running(books, tenants[name], kind, node, f"{day}T00:00:00Z", f"{following}T00:00:00Z", gpus)[1], minutes))
        for instance, minutes in sorted(ran, key=lambda one: one[1]):
            ended = f"{day}T{minutes // 60:02}:{minutes % 60:02}:17Z"
            books.step(ended)
            books.instance_becomes(instance, "terminated", ends_at=ended)
        books.step(f"{day}T23:00:00Z")
        if day == "2026-03-30":
            books.insert("cancellation", {"reservation_id": books.value("SELECT reservation_id FROM instance WHERE id = %s", ran[0][0]),
                                          "tenant_id": tenants["flat"], "kind": "early_release", "requested_at": f"{day}T07:00:00Z",
                                          "remaining_u": 10_000_000, "charge_bp": 5000, "currency": "USD"})
        books.step(f"{day}T23:30:00Z")
        settled(books)
        told = {by: revenue(books, by, day) for by in ("tenant", "reservation", "node")}
        assert len(told["tenant"]) == 3
        node_alone_is_as_among_all(books, day)
        books.advance(f"{following}T00:00:00Z")
        closed = {by: revenue(books, by, day) for by in ("tenant", "reservation", "node")}
        if day == "2026-03-31":  # what the commitment was not used for shows with the end of its month
            unused = closed["tenant"]["committed"] - told["tenant"]["committed"]
            assert unused > 0 and closed["reservation"].pop("none") == unused
            closed["tenant"]["committed"] -= unused
            closed["node"]["none"] -= unused  # what tiers take back of the day before stays: no node delivered it on this one
        assert told == closed, day
        node_alone_is_as_among_all(books, day)
    books.sound()


def test_a_crash_on_the_way_leaves_the_last_figures_and_nothing_twice(keep_books):
    books = keep_books(start="2026-03-01T00:00:00Z")
    tenant = books.tenant("acme")
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    node = books.node("n1", cost_minor=36_500_00, in_service="2026-01-01", life_months=12)
    running(books, tenant, eight, node, "2026-03-01T00:00:00Z", None)
    for hour in range(1, 8):
        books.step(f"2026-03-01T{hour:02}:00:00Z")
        if hour % 2:
            settled(books)
        generation = books.value("SELECT coalesce(max(generation), 0) + 1 FROM provisional_day")
        books.daemon.kill()
        # Half a generation: rows that no day has.
        books.run("INSERT INTO provisional_revenue VALUES (%s, '2026-03-01', %s, NULL, 'USD', 1000000, 0, '2026-03-01', 'usage', 0)", generation, tenant)
        known = revenue(books, "tenant", "2026-03-01").get("acme", 0)
        assert known % 16_000_000 == 0 and known <= hour * 16_000_000
        books.daemon.start()
        settled(books)
        assert revenue(books, "tenant", "2026-03-01") == {"acme": hour * 16_000_000}
    books.daemon.kill()
    tick = books.tick("2026-03-02T00:00:00Z")
    books.daemon.start()
    eventually(lambda: books.value("SELECT count(*) FROM billing_day") == 1, f"the day of tick {tick} is closed")
    assert revenue(books, "tenant", "2026-03-01") == {"acme": 24 * 16_000_000}
    assert report(books, "day", "2026-03-01")["2026-03-01"]["depreciation_u"] == 100_000_000
    books.sound()


def test_what_a_close_credits_and_corrects_is_told_before_and_what_has_no_price_is_counted(keep_books):
    """A month that ends within the open day, a correction and an own price of today, and an hour that nothing prices."""
    books = keep_books(start="2026-03-30T00:00:00Z")
    eight, bare = books.instance_type("h100.8x"), books.instance_type("bare.8x")
    tenants = {name: books.tenant(name, timezone=zone) for name, zone in (("berlin", "Europe/Berlin"), ("late", "UTC"), ("agreed", "UTC"), ("free", "UTC"))}
    nodes = [books.node(f"n{number}") for number in range(4)]
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z", minimum_s=7200)
    books.insert("charge_policy", {"id": str(uuid.uuid4()), "kind": "sla_credit", "steps": [{"least": 10, "share_bp": 1000}]}, ("2026-01-01T00:00:00Z", None))
    unready = books.reservation(tenants["berlin"], eight)
    books.instance(unready, tenants["berlin"], nodes[0], "2026-03-30T00:00:00Z", "2026-03-31T23:15:00Z")
    books.step("2026-03-30T06:00:00Z")
    books.instance_becomes(next(iter(books.instances)), "running")
    for name, kind, node in (("late", eight, nodes[1]), ("agreed", eight, nodes[2]), ("free", bare, nodes[3])):
        running(books, tenants[name], kind, node, "2026-03-30T06:00:00Z", "2026-03-30T07:00:00Z")
    books.advance("2026-03-31T00:00:00Z")
    running(books, tenants["late"], eight, nodes[1], "2026-03-31T00:00:00Z", "2026-03-31T10:00:00Z")
    running(books, tenants["free"], bare, nodes[3], "2026-03-31T00:00:00Z", "2026-03-31T05:00:00Z")
    corrected = books.value("SELECT reservation_id FROM usage_interval WHERE tenant_id = %s", tenants["late"])
    books.insert("usage_correction", {"id": str(uuid.uuid4()), "tenant_id": tenants["late"], "reservation_id": corrected, "starts_at": "2026-03-30T06:00:00Z",
                                      "ends_at": "2026-03-30T06:30:00Z", "gpu_milli": -8000, "reason": "an outage that was not seen"})
    books.price("h100.8x", 1_000_000, "2026-03-30T00:00:00Z", tenant=tenants["agreed"], minimum_s=10_800)
    books.step("2026-03-31T23:30:00Z")
    settled(books)
    told = {by: revenue(books, by, "2026-03-31") for by in ("tenant", "reservation", "node")}
    march, april = 8 * (18 + 22) * 2_000_000, 8 * 5 // 4 * 2_000_000  # until 22:00Z, and a quarter past 23:00Z
    assert told["tenant"] == {"berlin": march - 8 * 18 * 2_000_000 + april - march // 10, "late": 8 * 19 * 1_000_000, "agreed": 8 * (3 - 4) * 1_000_000}
    waits = {day: {key: row["gpu_milli_seconds_unpriced"] for key, row in report(books, "tenant", day).items() if row["gpu_milli_seconds_unpriced"]}
             for day in ("2026-03-30", "2026-03-31")}
    assert waits == {"2026-03-30": {"free": 8000 * 3600}, "2026-03-31": {"free": 8000 * 5 * 3600}}
    assert report(books, "node", "2026-03-31")[nodes[3]]["gpu_milli_seconds_unpriced"] == 8000 * 5 * 3600
    books.advance("2026-04-01T00:00:00Z")
    assert {by: revenue(books, by, "2026-03-31") for by in told} == told
    assert report(books, "tenant", "2026-03-31")["free"]["gpu_milli_seconds_unpriced"] == 8000 * 5 * 3600
    # March is closed but for what waits: a correction of it changes the credit too. One without a price costs its tenant nothing else.
    running(books, tenants["free"], eight, nodes[3], "2026-04-01T00:00:00Z", "2026-04-01T10:00:00Z")
    bare_ones = books.value("SELECT min(reservation_id::text) FROM unpriced_usage WHERE day = '2026-03-30'")
    for tenant, reservation, milli, hours in (("berlin", unready, -8000, 4), ("free", bare_ones, 1000, 1)):
        books.insert("usage_correction", {"id": str(uuid.uuid4()), "tenant_id": tenants[tenant], "reservation_id": reservation, "starts_at": "2026-03-30T10:00:00Z",
                                          "ends_at": f"2026-03-30T{10 + hours}:00:00Z", "gpu_milli": milli, "reason": "an outage that was not seen"})
    books.step("2026-04-01T23:30:00Z")
    settled(books)
    told = {by: revenue(books, by, "2026-04-01") for by in ("tenant", "reservation", "node")}
    taken_back = 8 * 4 * 2_000_000
    assert told["tenant"] == {"berlin": taken_back // 10 - taken_back, "free": 8 * 10 * 2_000_000}
    assert report(books, "tenant", "2026-04-01")["free"]["gpu_milli_seconds_unpriced"] == 1000 * 3600
    books.advance("2026-04-02T00:00:00Z")
    assert {by: revenue(books, by, "2026-04-01") for by in told} == told
    assert report(books, "tenant", "2026-04-01")["free"]["gpu_milli_seconds_unpriced"] == 1000 * 3600
    books.price("bare.8x", 1_000_000, "2026-01-01T00:00:00Z")
    books.advance("2026-04-03T00:00:00Z")
    assert books.value("SELECT sum(amount_u) FROM rated_line l JOIN reservation r ON r.id = l.reservation_id WHERE r.instance_type_id = %s", bare) == (8 * 6 + 1) * 1_000_000
    books.sound()
