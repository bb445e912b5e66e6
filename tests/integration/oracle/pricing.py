"""Which price holds at a second, and what quantities come to by it (docs/money.md, "What a second costs")."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import functools
import zoneinfo
from dataclasses import dataclass, field
from fractions import Fraction

from .amounts import DAY_S, GPU_HOUR, half_even, largest_remainder, local
from .metering import FOREVER

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

@dataclass
class Window:
    days: tuple
    begins: str  # "22:00"
    ends: str    # not after begins: of the next day
    unit_u: int

    def holds(self, at, zone):
        here = local(at, zone)
        clock = here.strftime("%H:%M")
        today, yesterday = DAYS[here.weekday()], DAYS[(here.weekday() - 1) % 7]
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        return (today in self.days and clock >= self.begins) or (yesterday in self.days and clock < self.ends)


@dataclass
class Price:
    id: str
    kind: str
    sku: str
    tier: str
    currency: str
    unit_u: int
    begins: int
    ends: int = FOREVER
    tenant: str = None
    project: str = None
    model: str = "flat"
    tiers: tuple = ()  # (end in GPU-hours or None, unit)
    package: int = 0   # GPU-hours
    windows: tuple = ()
    minimum_s: int = 0
    created_at: int = 0
    withdrawn_at: int = FOREVER
    per: int = GPU_HOUR  # what it is the price of, in the measure of its quantities: milli-GPU-seconds, or a meter's

    def amount(self, quantity):
        """What so many milli-GPU-seconds, or thousandths of a meter's unit (x seconds), come to, exactly; of a negative quantity the negative amount of its size."""
        if quantity < 0:
            return -self.amount(-quantity)
        if self.model == "flat":
            return Fraction(self.unit_u * quantity, self.per)
        if self.model == "package":
            begun = -(-quantity // (self.package * self.per))
            return Fraction(self.unit_u * self.package * begun)
        if self.model == "volume":
            (unit,) = [u for end, u in self.tiers if end is None or quantity <= end * self.per][:1]
            return Fraction(unit * quantity, self.per)
        total, below = Fraction(0), 0
        for end, unit in self.tiers:
            top = quantity if end is None else min(quantity, end * self.per)
            total += Fraction(unit * max(0, top - below), self.per)
            below = max(below, top)
        return total


@dataclass
class Discount:
    id: str
    tenant: str
    begins: int
    ends: int = FOREVER
    project: str = None
    sku: str = None
    percent_bp: int = None
    fixed_u: int = None
    currency: str = None


@dataclass
class Subject:
    """Who pays for what."""

    tenant: str
    project: str
    kind: str
    sku: str
    tier: str
    currency: str
    zone: str


@dataclass
class Book:
    prices: list = field(default_factory=list)
    discounts: list = field(default_factory=list)

    def _versions(self, subject, known):
        return [p for p in self.prices if (p.kind, p.sku, p.tier, p.currency) == (subject.kind, subject.sku, subject.tier, subject.currency)
                and p.created_at < known <= p.withdrawn_at]

    @staticmethod
    def _at(price, at, zone):
        """(unit, number of the window) of a version at an instant."""
        for number, window in enumerate(price.windows, 1):
            if window.holds(at, zone):
                return window.unit_u, number
        return price.unit_u, 0

    def _discount(self, subject, at):
        def level(d):
            return (d.project is None, d.sku is None)

        found = [d for d in self.discounts if d.tenant == subject.tenant and d.begins <= at < d.ends and d.project in (None, subject.project)
                 and d.sku in (None, subject.sku) and d.currency in (None, subject.currency)]
        return min(found, key=level, default=None)

    def terms(self, subject, at, known):
        """What holds at a second: the price with its window and unit, the list's likewise, and the discount; None without a price."""
        versions = [p for p in self._versions(subject, known) if p.begins <= at < p.ends]
        own = [p for p in versions if p.tenant == subject.tenant and p.project == subject.project is not None]
        tenants = [p for p in versions if p.tenant == subject.tenant and p.project is None]
        listed = [p for p in versions if p.tenant is None]
        chosen = (own or tenants or listed or [None])[0]
        if chosen is None:
            return None
        unit, window = self._at(chosen, at, subject.zone)
        of_list = listed[0] if listed else None
        list_unit, list_window = self._at(of_list, at, subject.zone) if of_list else (unit, 0)
        return Terms(chosen, window, unit, of_list, list_window, list_unit, self._discount(subject, at))

    def marks(self, subject, begin, end, known):
        """Instants at which the terms may change."""
        found = {begin, end}
        for price in self._versions(subject, known):
            found |= {price.begins, price.ends}
            for window in price.windows:
                for day in range(begin // DAY_S - 1, end // DAY_S + 2):
                    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
                    for clock in (window.begins, window.ends):
                        found |= set(instants_of(date, clock, subject.zone))
            if price.windows:  # where clocks are put forward or back a window may begin or end, too
                found |= changes_of_clock(begin, end, subject.zone)
        for discount in self.discounts:
            found |= {discount.begins, discount.ends}
        return sorted(mark for mark in found if begin <= mark <= end)


def instants_of(date, clock, zone):
    """The instants at which the clock shows a time of a day: one, two, or (put forward) the one at which it jumps over it."""
    hour, minute = map(int, clock.split(":"))
    naive = datetime.datetime.combine(date, datetime.time(hour, minute), zoneinfo.ZoneInfo(zone))
    return {int(naive.replace(fold=fold).timestamp()) for fold in (0, 1)}


@functools.cache
def changes_of_year(year, zone):
    """Instants at which the zone's clocks are put forward or back: at a full or half hour."""
    begin, end = (int(datetime.datetime(y, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) for y in (year, year + 1))
    days = [day for day in range(begin, end, DAY_S) if local(day, zone).utcoffset() != local(day + DAY_S, zone).utcoffset()]
    return {at for day in days for at in range(day, day + DAY_S, 1800) if local(at, zone).utcoffset() != local(at - 1, zone).utcoffset()}


def changes_of_clock(begin, end, zone):
    years = {local(at, "UTC").year for at in (begin, end)}
    return {at for year in years for at in changes_of_year(year, zone) if begin <= at <= end}


@dataclass
class Terms:
    price: Price
    window: int
    unit_u: int
    of_list: Price
    list_window: int
    list_unit_u: int
    discount: Discount

    def left(self):
        """What a percentage leaves of an amount."""
        return 1 - Fraction(self.discount.percent_bp or 0, 10000) if self.discount else Fraction(1)

    def is_fixed(self):
        return self.discount is not None and self.discount.fixed_u is not None

    def is_flat(self):
        return self.price.model == "flat" or self.is_fixed()

    def unit(self):
        """Of a GPU-hour, of what is flat, exactly."""
        return Fraction(self.discount.fixed_u) if self.is_fixed() else self.unit_u * self.left()

    def key(self):
        """In the order in which ties are broken, after reservation and price."""
        of_list = "" if self.of_list is None or self.of_list is self.price else self.of_list.id
        return (of_list, self.discount.id if self.discount else "", self.window, self.list_window if of_list else 0)


@dataclass
class Item:
    """Usage of one reservation at one set of terms."""

    reservation: object
    terms: Terms
    capacity: str
    quantity: int

    def sorting(self):
        return (self.reservation.id, self.terms.price.id, *self.terms.key(), {"": 0, "used": 1, "unused": 2}[self.capacity])


def priced(items):
    """What is billed for each item's quantity, per item: of a flat price the exact sum of its (reservation, price) is rounded once,
    of another the tariff of the tenant's total is split. Returns amounts in the order of the items, which are sorted."""
    amounts, sums = [0] * len(items), {}
    for n, item in enumerate(items):
        if not item.terms.is_flat():
            continue
        group = item.reservation.id, item.terms.price.id
        before = sums.get(group, Fraction(0))
        sums[group] = before + item.terms.unit() * item.quantity / item.terms.price.per
        amounts[n] = half_even(sums[group]) - half_even(before)
    for price in {i.terms.price.id: i.terms.price for i in items}.values():
        pool = [n for n, item in enumerate(items) if item.terms.price is price and not item.terms.is_flat()]
        total = sum(items[n].quantity for n in pool)
        parts = largest_remainder(half_even(price.amount(total)), [items[n].quantity for n in pool])
        for n, part in zip(pool, parts):
            amounts[n] = half_even(part * items[n].terms.left())
    return amounts
