"""A tenant of exact halves: what it uses, is credited and taxed comes to an exact half of a micro-unit or of a cent, beside odd and even neighbours, so that
half to even, half away from zero and cutting off each come to something else (docs/money.md, units: micro-units go to the even neighbour, minor units away from zero)."""
# SPDX-License-Identifier: Apache-2.0

from oracle.amounts import DAY_S, instant
from oracle.metering import Fact

HALF_H = 1800
ODDS = (1, 3, 5, 7)  # of halves: 0.5, 1.5, 2.5 and 3.5


class Halves:
    """Its prices: a micro-unit an hour, and a cent an hour, of one GPU."""

    def __init__(self, history):
        self.history, self.house = history, history.house
        self.begin = history.begin + DAY_S
        month = self.house.value("SELECT (date_trunc('month', sluice_now()) + interval '1 month')::date::text")
        self.month_end = instant(f"{month}T00:00:00Z")
        self.invoice_is_credited = False
        self.tenant = self.house.new_tenant("halves", "UTC", "USD", 2500)
        self.sell(month)
        self.use()

    def sell(self, month):
        house, since = self.house, self.history.begin - 40 * DAY_S

        def price(sku, tier, unit_u, **more):
            house.new_price(sku, tier, "USD", unit_u, begins=since, tenant=self.tenant, **more)

        price("one", "reserved", 1)
        price("one", "on_demand", 10_000)
        price("one", "preemptible", 1, minimum_s=6 * HALF_H)
        price("half", "reserved", 1)
        price("eight", "reserved", 1, model="graduated", tiers=((1, 1), (None, 3)))
        price("eight", "on_demand", 1, model="volume", tiers=((1000, 1), (None, 1)))
        house.new_discount(self.tenant, self.house.at(), project="research", percent_bp=5000)
        house.new_commitment(self.tenant, month, 2, "half", "reserved", gpu_hours=20_000, unit_u=1)
        house.new_policy("sla_credit", ((1, 5000),), "reserved", self.tenant)
        # It is over at the very instant at which the month's invoice is issued: nothing is drawn of it.
        house.new_grant(self.tenant, 100, expires_at=self.month_end)

    def use(self):
        for odd in ODDS[:3]:
            self.run("eight", "on_demand", odd * 450, project="research")  # so many GPU-hours, of which half is let off
        self.run("eight", "reserved", 675)  # 1 GPU-hour at 1, half of one at 3
        for odd in ODDS:
            self.run("one", "reserved", odd * HALF_H)
            self.run("one", "on_demand", odd * HALF_H)
            self.run("one", "reserved", odd * 2 * HALF_H, self.month_end + DAY_S, late_s=600)  # half of it is credited
        for odd in ODDS[:3]:
            self.run("one", "preemptible", odd * HALF_H)  # and what lacks of the minimum
        self.run("half", "reserved", 10 * HALF_H, self.month_end + DAY_S)
        self.run("one", "on_demand", 30 * HALF_H)  # with which the net is 34 cents, and their tax 8.5
        for kind, odd in (("cancellation", 1), ("early_release", 3), ("cancellation", 5)):
            self.house.new_cancellation(self.run("one", "on_demand", odd * 2 * HALF_H), kind, odd, 5000)

    def run(self, sku, tier, seconds, begin=None, late_s=0, project="default"):
        """An instance that runs for so many seconds, after it was promised for some more."""
        history, begin = self.history, begin or self.begin
        milli, end = history.sizes[sku], begin + late_s + seconds
        node = history.find(milli, begin, end)
        reservation = self.house.new_reservation(self.tenant, sku, project, tier, history.types)
        instance = self.house.new_instance(reservation, milli, begin)
        history.plan(instance, [Fact(history.begin, "planned", node.id, end), Fact(begin + late_s, "running", node.id, end), Fact(end, "terminated", node.id, end)])
        return reservation

    def day(self):
        """Once its month is invoiced: lines of 1, 3 and 5 cents are credited by halves, twice; and 17 cents are then half of all, of whose tax of 9 cents half is credited."""
        books = self.house.books[self.tenant.name]
        if not books.invoices or self.invoice_is_credited:
            return
        invoice = books.invoices[0]
        if invoice.is_void:
            return
        halves = {line.amount_u // 5000: n for n, line in enumerate(invoice.lines)}  # of a cent -> the line
        for asked in ([(halves[n], 1, 2) for n in (2, 6, 10)], [(halves[n], 1, 2) for n in (2, 6, 10)], [(halves[n], 1, 1) for n in (1, 5, 7)]):
            self.house.new_credit(books, invoice, asked)
        self.invoice_is_credited = True
