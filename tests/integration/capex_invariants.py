"""Invariants 16 to 22: depreciation, a node's day, margin and the price floor. See invariants.py."""
# SPDX-License-Identifier: Apache-2.0

from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction

from counting_house import identity_of
from oracle import capex
from oracle.amounts import DAY_S, are_largest_remainder

EXPENSES = ("cost_of_revenue", "power", "colocation", "operations", "network", "storage")


def charges(house, asset):
    """day -> minor units, as posted."""
    return {row["d"]: row["a"] for row in house.rows("SELECT day - date '1970-01-01' AS d, amount_minor AS a FROM depreciation WHERE asset_id = %s", asset.id)}


def due_charge(house, asset, day):
    """Of a day, computed alone."""
    if asset.terms.method != "units_of_production":
        return asset.charge(day)
    node = house.node_of(asset)
    before = house.units(asset, day)
    return asset.charge(day, before, before + sum(house.weights_of(node, day)[0].values()))


def schedules_sum_and_fall(history):
    house, last = history.house, history.house.today // DAY_S
    for asset in house.assets:
        posted, opening = charges(house, asset), asset.opening
        assert house.value("SELECT opening_minor FROM asset_book WHERE asset_id = %s", asset.id) == opening, asset.serial
        end = last if asset.disposed_on is None else min(last, asset.disposed_on)
        for day in range(asset.recognised_on, end):
            due = due_charge(house, asset, day)
            assert posted.get(day, 0) == due >= 0, f"{asset.serial} on {capex.date_of(day)}: {posted.get(day, 0)}, expected {due}; {asset.terms}, {asset.changes}"
        assert not [day for day in posted if day >= end]
        if asset.disposed_on is None:
            balance = asset.actual.balance(last, house.units(asset, last))
            assert balance.carrying() >= asset.actual.chain[-1][0].salvage
            whole = asset.actual.chain[-1][0]
            assert whole.at(capex.day_of(capex.datetime.date(2100, 1, 1)), 10 ** 18) == whole.opening - whole.salvage, "a whole life charges the whole base"
    for identity, amount in house.expected_changes:
        (row,) = house.rows("SELECT outcome, problem, amount_minor FROM asset_change_status WHERE change_id = %s", identity)
        assert (row["outcome"] == "applied", row["amount_minor"] if amount is not None else None) == (amount is not None, amount), (row, amount)


def an_estimate_changes_only_what_follows(history):
    house = history.house
    for asset in house.assets:
        estimates = [change for change, _ in asset.changes if change.kind == "re_estimate"]
        if not estimates or asset.terms.method == "units_of_production" or asset.disposed_on is not None:
            continue
        first = asset.changes[0][0].day
        untouched = capex.Asset(asset.id, asset.serial, asset.node, "USD", asset.terms, asset.recognised_on)
        posted = charges(house, asset)
        assert all(posted.get(day, 0) == untouched.charge(day) for day in range(asset.recognised_on, first))
        if any(each is asset for each, _, _ in history.changes):
            continue  # a schedule knows what is wished, too
        months = house.operator.items(f"/v1/system/assets/{identity_of('ast', asset.id)}/schedule")
        assert cents(months[-1]["net_book_value"]) == asset.actual.chain[-1][0].salvage, asset.serial


def cents(money):
    return int(Decimal(money["amount"]) * 100)


def disposal_leaves_nothing(history):
    house = history.house
    for asset in house.assets:
        found = Counter()
        for row in house.rows("SELECT a.code, e.debit_u - e.credit_u AS u FROM entry e JOIN account a ON a.id = e.account_id JOIN journal j ON j.id = e.journal_id"
                              " WHERE j.source_type = 'asset' AND j.source_id = %s", asset.id):
            found[row["code"]] += row["u"]
        found["accumulated_depreciation"] -= sum(charges(house, asset).values()) * 10 ** 4
        last = house.today // DAY_S
        balance = capex.Balance(0) if asset.disposed_on is not None else asset.actual.balance(last, house.units(asset, last))
        assert found["hardware_cost"] == balance.cost * 10 ** 4, asset.serial
        assert found["accumulated_depreciation"] == -balance.accumulated * 10 ** 4, (asset.serial, found, balance)
        assert found["accumulated_impairment"] == -balance.impairment * 10 ** 4, asset.serial
        if asset.disposed_on is not None:
            gain = [amount for change, amount in asset.changes if change.kind in ("dispose", "replace_part")]
            assert found["disposal_loss"] + found["disposal_gain"] == -sum(gain) * 10 ** 4


def node_days_sum(history):
    house = history.house
    parts = defaultdict(list)
    for row in house.rows("SELECT node_id::text AS n, day - date '1970-01-01' AS d, target, reservation_id::text AS r, weight, depreciation_u, power_u, colocation_u, operations_u,"
                          " network_u, storage_u FROM cost_allocation"):
        parts[row["n"], row["d"]].append(row)
    first = history.begin // DAY_S
    for row in house.rows("SELECT node_id::text AS n, day - date '1970-01-01' AS d, * FROM node_cost"):
        node = next(n for n in house.world.nodes if n.id == row["n"])
        delivered, idle = house.weights_of(node, row["d"])
        busy = sum(weight for (_, kind), weight in delivered.items() if kind == "used")
        on_s = DAY_S - idle.get("not_in_service", 0) // (node.gpus * 1000)
        depreciation = sum(due_charge(house, a, row["d"]) for a in house.assets if house.node_of(a) is node and a.recognised_on <= row["d"]) * 10 ** 4
        due = house.fleet.costs(node, row["d"], "z", busy, on_s, depreciation)
        assert {pool: row[f"{pool}_u"] for pool in capex.POOLS} == due, (capex.date_of(row["d"]), node)
        weights = {**reservations(delivered), **{("~", cause): w for cause, w in idle.items()}}
        told = {(p["r"] or "~", p["target"]): p for p in parts[row["n"], row["d"]]}
        assert {key: p["weight"] for key, p in told.items() if p["weight"]} == weights, (capex.date_of(row["d"]), node.id)
        assert all(p["weight"] >= 0 for p in told.values()) and sum(weights.values()) == node.gpus * 1000 * DAY_S, "idle is what is left, and nothing was clamped"
        for pool in capex.POOLS:
            parts_of_it = [told[key][f"{pool}_u"] for key in weights]
            assert are_largest_remainder(due[pool], list(weights.values()), parts_of_it), (pool, due[pool], node.id, weights, parts_of_it)
    assert house.value("SELECT count(*) FROM node_cost") == len(house.world.nodes) * (house.today // DAY_S - first)


def reservations(delivered):
    return {(reservation.id, kind): weight for (reservation, kind), weight in delivered.items()}


def expenses(house):
    """What the ledger has as the fleet's cost: the journals of node-days, not of what is in stock."""
    return house.value("SELECT coalesce(sum(e.debit_u), 0)::bigint FROM entry e JOIN account a ON a.id = e.account_id JOIN journal j ON j.id = e.journal_id"
                       " WHERE a.code = ANY (%s) AND a.currency = 'USD' AND j.source_type = ANY (%s)", list(EXPENSES), list(capex.POOLS))


def all_cost_is_borne_or_idle(history):
    house = history.house
    first, last = (str(capex.date_of(at // DAY_S)) for at in (history.begin, house.today))
    loaded = house.rows("SELECT reservation_id, sum(amount_u + idle_u)::bigint AS u FROM loaded_cost(%s, %s) GROUP BY 1", first, last)
    fleet = house.value("SELECT sum(amount_u)::bigint FROM node_cost")
    assert sum(row["u"] for row in loaded) == fleet == expenses(house)


def micro(money):
    return int(Decimal(money["amount"]) * 10 ** 6)


def margin_is_the_ledgers(history):
    house = history.house
    first, last = (str(capex.date_of(at // DAY_S)) for at in (history.begin, house.today))
    effective = house.value("SELECT coalesce(sum(effective_u), 0)::bigint FROM rated_line WHERE currency = 'USD'")
    booked = -house.value("SELECT coalesce(sum(e.debit_u - e.credit_u), 0)::bigint FROM entry e JOIN account a ON a.id = e.account_id JOIN journal j ON j.id = e.journal_id"
                          " WHERE a.code = 'revenue' AND a.currency = 'USD' AND j.idempotency_key LIKE 'rate:%%'")
    assert effective == booked
    for by in ("tenant", "node", "day"):
        told = house.operator.get(f"/v1/system/margin?by={by}&from={first}&to={last}&currency=USD").expect(200).body
        totals = {name: micro(told["totals"][name]) for name in ("revenue", "cost", "margin")}
        assert totals["revenue"] == booked and totals["cost"] == expenses(house) and totals["margin"] == booked - expenses(house), (by, totals, booked, expenses(house))
        if by != "node":  # fees and what nobody used of them are of no node
            assert sum(micro(item["revenue"]) for item in told["items"]) == booked, by
        assert sum(micro(each["amount"]) for each in told["idle"]) == house.value("SELECT sum(amount_u)::bigint FROM cost_allocation WHERE reservation_id IS NULL")


def the_floor_gives_its_margin(history):
    house, dice = history.house, history.dice
    for _ in range(3):
        used, margin = dice.randrange(100, 10001), dice.randrange(0, 9000)
        for item in house.operator.items(f"/v1/system/unit-costs?utilisation_bp={used}&margin_bp={margin}"):
            if item["gpu_count"] == 0 or item["tier"] is None:
                continue
            fixed, variable = micro(item["node_hour_depreciation"]) + micro(item["node_hour_cash"]), micro(item["gpu_hour_variable"])
            cost = Fraction(fixed * 10000, item["gpu_count"] * used) + variable
            floor = micro(item["gpu_hour_floor"])
            if item["tier"] == "preemptible":
                assert abs(floor - variable) <= 1
                continue
            # What is told of a node-hour is rounded: half a micro-unit each, spread over the GPU-hours sold.
            slack = Fraction(15000, item["gpu_count"] * used) + 1
            assert floor * (10000 - margin) >= (cost - slack) * 10000
            assert floor * (10000 - margin) <= (cost + slack) * 10000 + (10000 - margin)
