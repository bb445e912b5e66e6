"""What the hardware costs: sluice-billing on a real database; assets, rates and changes as the API would write them."""
# SPDX-License-Identifier: Apache-2.0

import itertools
import uuid

import pytest

from bookkeeping import Bookkeeping

SERIAL = itertools.count()


@pytest.fixture(scope="module")
def books(cluster, tmp_path_factory):
    made = Bookkeeping(cluster, tmp_path_factory.mktemp("capex"), start="2026-03-01T00:00:00Z")
    made.daemon.start()
    yield made
    made.close()


class Capex:
    """What the API writes."""

    def __init__(self, books):
        self.books = books

    def asset(self, serial, node, cost, salvage=0, in_service=None, life=60, component_of=None, **columns):
        made = str(uuid.uuid4())
        values = {"id": made, "serial": serial, "node_id": node, "cohort": "c1", "currency": "USD", "cost_minor": cost,
                  "salvage_minor": salvage, "in_service": in_service or self.books.now().date(), "life_months": life,
                  "component_of": component_of, **columns}
        names = ", ".join(values)
        self.books.run(f"INSERT INTO asset ({names}) VALUES ({', '.join(['%s'] * len(values))})", *values.values())
        return made

    def change(self, asset, kind, day, **columns):
        made = str(uuid.UUID(int=uuid.uuid1().time << 64 | next(SERIAL)))  # in the order of time, as UUIDv7 is
        values = {"id": made, "asset_id": asset, "kind": kind, "effective_on": day, "reason": "because", **columns}
        self.books.run(f"INSERT INTO asset_change ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", *values.values())
        return made

    def rate(self, pool, basis, amount_u, zone=None, pue=None, valid="[2026-01-01,)"):
        self.books.run("INSERT INTO cost_rate (id, pool, basis, zone_id, currency, amount_u, pue_milli, valid)"
                       " VALUES (gen_random_uuid(), %s, %s, %s, 'USD', %s, %s, %s)", pool, basis, zone, amount_u, pue, valid)

    def outcome(self, change):
        (row,) = self.books.rows("SELECT outcome, problem, amount_minor FROM asset_change_status WHERE change_id = %s", change)
        return row

    def accounts_of(self, asset):
        """Debit balance of each account by the journals of the asset and its own depreciation, in minor units."""
        found = {row["code"]: int(row["balance"]) for row in self.books.rows(
            "SELECT a.code, sum(e.debit_u - e.credit_u) / 10000 AS balance FROM entry e JOIN account a ON a.id = e.account_id"
            " JOIN journal j ON j.id = e.journal_id WHERE j.source_type = 'asset' AND j.source_id = %s GROUP BY 1", asset)}
        charged = self.books.value("SELECT coalesce(sum(amount_minor), 0)::bigint FROM depreciation WHERE asset_id = %s", asset)
        found["accumulated_depreciation"] = found.get("accumulated_depreciation", 0) - charged
        return {code: balance for code, balance in found.items() if balance != 0}

    def sound(self):
        self.books.sound()


@pytest.fixture
def capex(books):
    return Capex(books)


def test_a_day_costs_each_pool_and_everybody_bears_a_part_of_each(books, capex):
    """G11's rates and power; a node of 8 GPUs, half a day sold."""
    capex.rate("power", "kwh", 85_000, pue=1300)
    capex.rate("power", "kwh", 99_000, zone=books.zone, pue=1000, valid="[2026-01-01,2026-02-01)")  # over
    capex.rate("colocation", "kw_month", 999_000_000)
    capex.rate("colocation", "kw_month", 180_000_000, zone=books.zone)  # the zone's own holds
    capex.rate("operations", "node_month", 900_000_000)
    capex.rate("network", "gpu_month", 10_000_000)
    books.run("INSERT INTO power_profile VALUES ('H100', 8, 3400, 10200)")
    tenant, eight = books.tenant("acme"), books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    node, metered = books.node("p1", cost_minor=312_000_00, salvage_minor=31_200_00, in_service="2026-01-01"), books.node("p2")
    books.run("INSERT INTO node_energy VALUES (%s, '2026-03-01', 100000)", metered)
    reservation = books.reservation(tenant, eight)
    instance = books.instance(reservation, tenant, node, "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")
    books.instance_becomes(instance, "running")
    books.advance("2026-03-01T12:00:00Z")
    books.instance_becomes(instance, "terminated")
    books.advance("2026-03-02T00:00:00Z")
    (cost,) = books.rows("SELECT * FROM node_cost WHERE node_id = %s AND day = '2026-03-01'", node)
    energy_wh = (3400 + (10200 - 3400) // 2) * 24
    assert {name: cost[name] for name in ("energy_wh", "energy_is_metered", "power_u", "colocation_u", "operations_u", "network_u")} == {
        "energy_wh": energy_wh, "energy_is_metered": False, "power_u": energy_wh * 85_000 * 1300 // 1_000_000,
        "colocation_u": 60_320_329, "operations_u": 29_568_789, "network_u": 2_628_337}
    assert abs(cost["depreciation_u"] - 153_778_752) < 10_000  # 6.407448 an hour, to the cent of a day
    assert books.value("SELECT power_u FROM node_cost WHERE node_id = %s", metered) == 100_000 * 85_000 * 1300 // 1_000_000
    parts = {row["target"]: row for row in books.rows("SELECT * FROM cost_allocation WHERE node_id = %s", node)}
    assert set(parts) == {"used", "unsold"}
    for pool in ("depreciation_u", "power_u", "colocation_u", "operations_u", "network_u", "storage_u"):
        assert parts["used"][pool] + parts["unsold"][pool] == cost[pool]
        assert abs(parts["used"][pool] - parts["unsold"][pool]) <= 1
    loaded = books.rows("SELECT reservation_id, sum(amount_u + idle_u)::bigint AS cost_u FROM loaded_cost('2026-03-01', '2026-03-02') GROUP BY 1")
    assert {row["reservation_id"]: row["cost_u"] for row in loaded} == {
        reservation: cost["amount_u"], None: books.value("SELECT amount_u FROM node_cost WHERE node_id = %s", metered)}
    capex.sound()


def test_g9_disposal_leaves_nothing_of_the_asset_in_any_account(books, capex):
    node = books.node("d1")
    start = books.now().date()
    asset = capex.asset("D1", node, 312_500_00, 31_250_00, in_service=start, life=72)
    part = capex.asset("D1-nic", None, 2_400_00, component_of=asset, life=24)
    day = start.replace(day=start.day + 3)
    change = capex.change(asset, "dispose", day, proceeds_minor=118_500_00, selling_cost_minor=1_200_00)
    books.advance(f"{day}T12:00:00Z")
    books.advance(f"{day.replace(day=day.day + 1)}T12:00:00Z")
    charged = books.value("SELECT sum(amount_minor)::bigint FROM depreciation WHERE asset_id = %s", asset)
    assert books.value("SELECT count(*) FROM depreciation WHERE asset_id = %s", asset) == 3  # the day it goes is not depreciated
    loss = 118_500_00 - 1_200_00 - (312_500_00 - charged)
    assert capex.outcome(change) == {"outcome": "applied", "problem": None, "amount_minor": loss}
    assert capex.accounts_of(asset) == {"accounts_payable": -312_500_00, "cash": 117_300_00, "disposal_loss": -loss}
    assert books.value("SELECT count(*) FROM depreciation WHERE asset_id = %s AND node_id = %s", part, node) == 4
    capex.sound()


def test_changes_post_what_they_come_to_and_refused_ones_say_why(books, capex):
    node = books.node("c1")
    start = books.now().date()
    first = start.replace(month=start.month + 1, day=1)
    asset = capex.asset("C1", node, 300_000_00, 30_000_00, in_service="2023-10-01", life=60, convention="full_month")
    late = capex.change(asset, "re_estimate", "2026-03-01", life_months=72)
    loss = capex.change(asset, "impair", first, standard="ias_36", fair_value_minor=120_000_00, value_in_use_minor=132_500_00,
                        selling_cost_minor=2_000_00)
    parts = capex.change(asset, "replace_part", first, part_count=1, part_total=8)
    books.advance(f"{first}T12:00:00Z")
    books.advance(f"{first.replace(day=2)}T12:00:00Z")
    assert capex.outcome(late) == {"outcome": "refused", "problem": "its day was closed already", "amount_minor": None}
    assert capex.outcome(loss)["amount_minor"] == -32_500_00  # G8: carried at 165,000.00 after 30 months
    gone = 132_500_00 // 8
    assert capex.outcome(parts)["amount_minor"] == -gone
    found = capex.accounts_of(asset)
    assert (found["impairment_loss"], found["disposal_loss"]) == (32_500_00, gone)
    assert found["retained_earnings"] > 0  # what its schedule says of the days before it was entered
    (row,) = books.rows("SELECT cost_minor - accumulated_minor - impairment_minor AS carrying FROM asset_register WHERE asset_id = %s", asset)
    assert row["carrying"] == 132_500_00 - gone - books.value(
        "SELECT amount_minor FROM depreciation WHERE asset_id = %s AND day = %s", asset, first)
    capex.sound()


def test_units_of_production_follow_delivery_and_stock_is_not_depreciated_before_it_serves(books, capex):
    tenant = books.tenant("units")
    node = books.node("u1")
    today = books.now().date()
    books.price("H100", 1_000_000, "2026-01-01T00:00:00Z", kind="gpu_model")
    spare = capex.asset("U2", None, 36_500_00, in_service=today, life=12)
    asset = capex.asset("U1", node, 300_000_00, 30_000_00, in_service=today, method="units_of_production", lifetime_gpu_hours=245_280)
    reservation = books.reservation(tenant)
    midnight = f"{today.replace(day=today.day + 1)}T00:00:00Z"
    instance = books.instance(reservation, tenant, node, f"{today}T12:00:00Z", midnight)
    books.instance_becomes(instance, "running")
    books.advance(midnight)
    books.instance_becomes(instance, "terminated")
    books.run("UPDATE asset SET node_id = %s WHERE id = %s", node, spare)
    books.advance(f"{today.replace(day=today.day + 2)}T00:00:00Z")
    rows = books.rows("SELECT amount_minor, units_gpu_milli_s / 3600000 AS hours FROM depreciation WHERE asset_id = %s ORDER BY day", asset)
    assert rows == [{"amount_minor": 10568, "hours": 96}, {"amount_minor": 0, "hours": 96}]  # 270,000.00 * 96 / 245,280
    assert books.value("SELECT in_service FROM asset_book WHERE asset_id = %s", spare) == today.replace(day=today.day + 1)
    assert books.value("SELECT sum(amount_minor)::bigint FROM depreciation WHERE asset_id = %s", spare) == 100_00
    books.run("UPDATE asset SET node_id = NULL WHERE id = %s", spare)
    books.advance(f"{today.replace(day=today.day + 3)}T00:00:00Z")
    assert books.value("SELECT sum(amount_minor)::bigint FROM depreciation WHERE asset_id = %s AND node_id IS NULL", spare) == 100_00
    capex.sound()
