"""An in-memory ledger, written from docs/money.md and from nothing else: what tenants owe and have after a history."""
# SPDX-License-Identifier: Apache-2.0

from dataclasses import dataclass, field
from decimal import Decimal

FOREVER = "9999"


@dataclass
class Grant:
    amount: Decimal
    expires_at: str
    serial: int
    promotional: bool
    priority: int
    left: Decimal = Decimal(0)
    is_expired: bool = False


@dataclass
class Books:
    """One tenant. Instants are texts in UTC, so they compare; days are the first ten letters."""

    usage: list = field(default_factory=list)  # (day, amount): what each day's delivery costs
    rated_until: str = "2026-01-01"
    grants: list = field(default_factory=list)
    invoices: list = field(default_factory=list)  # what is open of each, oldest first
    unbilled: Decimal = Decimal(0)
    customer_credit: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    revenue: Decimal = Decimal(0)

    def uses(self, day, amount):
        self.usage.append((day, amount))

    def grant(self, amount, expires_at, promotional, priority):
        made = Grant(amount, expires_at or FOREVER, len(self.grants), promotional, priority, left=amount)
        self.grants.append(made)
        if promotional:
            self.revenue -= amount
        else:
            self.cash += amount

    def pass_to(self, days, midnights):
        """The days that are over, in order; each midnight that begins a month issues what the month came to."""
        for day in days:
            for at, amount in self.usage:
                if at == day:
                    self.unbilled += amount
                    self.revenue += amount
            next_midnight = midnights[day]
            if next_midnight.endswith("-01"):
                self.issue(next_midnight)
            self.expire(next_midnight)

    def expire(self, now):
        for grant in self.grants:
            if grant.left > 0 and grant.expires_at[:10] <= now:
                self.revenue += grant.left
                grant.left, grant.is_expired = Decimal(0), True

    def issue(self, now):
        due, self.unbilled = self.unbilled, Decimal(0)
        if due == 0:
            return
        for grant in sorted(self.grants, key=lambda g: (g.priority, g.expires_at, g.serial)):
            if grant.expires_at[:10] > now:
                drawn = min(grant.left, due)
                grant.left -= drawn
                due -= drawn
        drawn = min(self.customer_credit, due)
        self.customer_credit -= drawn
        self.invoices.append(due - drawn)

    def pay(self, amount):
        self.cash += amount
        for number, open_of_it in enumerate(self.invoices):
            paid = min(open_of_it, amount)
            self.invoices[number] -= paid
            amount -= paid
        self.customer_credit += amount

    def refund(self, amount):
        """Whether it may be paid back."""
        if amount > self.customer_credit:
            return False
        self.customer_credit -= amount
        self.cash -= amount
        return True

    def told(self):
        return {"unbilled": self.unbilled, "receivable": sum(self.invoices, Decimal(0)), "customer_credit": self.customer_credit,
                "prepaid": sum((grant.left for grant in self.grants), Decimal(0))}
