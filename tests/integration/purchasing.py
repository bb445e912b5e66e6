"""What a history buys while it runs: purchase orders, and their assets from a spreadsheet, all of it or nothing (docs/capex.md, "Into the books")."""
# SPDX-License-Identifier: Apache-2.0

import csv
import io
from dataclasses import dataclass, field

from counting_house import identity_of, minor, minor_text, uuid_of
from oracle import capex
from oracle.amounts import DAY_S, GPU_HOUR

HEAD = ("serial", "node", "cohort", "purchase_order", "cost.amount", "cost.currency", "salvage.amount", "salvage.currency", "in_service", "life_months", "method",
        "convention", "step_months", "lifetime_gpu_hours")
# (column, what is wrong with it, what is told of it)
WRONGS = (("cost.amount", "1.5", "/cost/amount"), ("life_months", "sixty", "/life_months"), ("convention", "weekly", "/convention"),
          ("in_service", "2026-02-30", "/in_service"), ("serial", "S1", "/serial"), ("purchase_order", "PO-0", "/purchase_order"))


@dataclass
class Order:
    number: str
    to_capitalise: int  # minor units: price, freight, duty and installation (IAS 16.16)
    assets: list = field(default_factory=list)


class Purchasing:
    """Of a History."""

    def buy(self):
        """An order, whose assets come now; what of it is no asset yet is its difference."""
        dice, house = self.dice, self.house
        order = self.order()
        made = []
        for _ in range(dice.randrange(1, 4)):
            self.serial += 1
            made.append(capex.Asset(None, f"S{self.serial}", dice.choice(house.world.nodes), "USD", self.asset_terms(), house.today // DAY_S))
        rows = [row_of(asset, order) for asset in made]
        self.refuse(rows)
        answer = house.operator.post("/v1/system/assets/import", sheet(rows)).expect(201).body
        assert answer["assets"] == len(made), answer
        ids = {row["serial"]: row["id"] for row in house.rows("SELECT serial, id::text AS id FROM asset")}
        for asset in made:
            asset.id = ids[asset.serial]
        house.assets += made
        order.assets += made

    def order(self):
        dice, house = self.dice, self.house
        amounts = {name: dice.choice((0, dice.randrange(1, 900_000))) for name in ("freight", "duty", "installation")}
        amounts["price"] = dice.randrange(1_000_000, 90_000_000)
        order = Order(f"PO-{len(self.orders) + 1}", sum(amounts.values()))
        house.operator.create("/v1/system/purchase-orders", {"number": order.number, "vendor": "Example Systems", "ordered_on": "2025-12-01",
                                                             **{name: minor(amount, "USD") for name, amount in amounts.items()}})
        self.orders.append(order)
        return order

    def refuse(self, rows):
        """The same with one cell wrong: it is told, and nothing is made."""
        column, cell, pointer = self.dice.choice(WRONGS)
        number = self.dice.randrange(len(rows))
        wrong = [dict(row) for row in rows]
        wrong[number][column] = cell
        before = self.house.value("SELECT count(*) FROM asset")
        problems = self.house.operator.post("/v1/system/assets/import", sheet(wrong)).expect(409, 422).body["errors"]
        assert f"/rows/{number}{pointer}" in [problem["pointer"] for problem in problems], (column, number, problems)
        assert self.house.value("SELECT count(*) FROM asset") == before


def row_of(asset, order):
    terms = asset.terms
    return {"serial": asset.serial, "node": identity_of("nod", asset.node.id), "cohort": "c2", "purchase_order": order.number,
            "cost.amount": minor_text(terms.cost, "USD"), "cost.currency": "USD", "salvage.amount": minor_text(terms.salvage, "USD"), "salvage.currency": "USD",
            "in_service": str(capex.date_of(terms.in_service)), "life_months": terms.life_months, "method": terms.method, "convention": terms.convention,
            "step_months": terms.step_months, "lifetime_gpu_hours": terms.lifetime_units // GPU_HOUR or ""}


def sheet(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, HEAD)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def orders_are_capitalised(history):
    """An order's cost is that of its assets and what is left of it; no asset is of two."""
    for order in history.orders:
        (told,) = history.house.operator.items(f"/v1/system/purchase-orders?number={order.number}")
        cost = sum(asset.terms.cost for asset in order.assets)
        status = {name: told["status"][name]["amount"] for name in ("cost", "capitalised", "difference")}
        assert status == {name: signed_text(amount) for name, amount in
                          (("cost", order.to_capitalise), ("capitalised", cost), ("difference", order.to_capitalise - cost))}, (order, status)
        assert told["status"]["assets"] == len(order.assets)
        made = history.house.operator.items(f"/v1/system/assets?purchase_order={order.number}")
        assert {uuid_of(each["id"]) for each in made} == {asset.id for asset in order.assets}


def signed_text(amount):
    return ("-" if amount < 0 else "") + minor_text(abs(amount), "USD")
