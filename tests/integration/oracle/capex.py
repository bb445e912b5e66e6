"""What assets lose in value and what a node's day costs (docs/capex.md). Days are since 1970-01-01, amounts minor units."""
# SPDX-License-Identifier: Apache-2.0

import datetime
from dataclasses import dataclass, field, replace
from fractions import Fraction

from .amounts import half_away, half_even

EPOCH = datetime.date(1970, 1, 1)
FACTOR = {"declining_balance_150": Fraction(3, 2), "declining_balance_double": Fraction(2)}


def date_of(day):
    return EPOCH + datetime.timedelta(days=day)


def day_of(date):
    return (date - EPOCH).days


def month_start(months):
    """The first day of a month, counted from year 0."""
    return day_of(datetime.date(months // 12, months % 12 + 1, 1))


def months_of(day):
    return date_of(day).year * 12 + date_of(day).month - 1


def add_months(day, months):
    """The same day of the month, or its last."""
    wanted = months_of(day) + months
    return min(month_start(wanted) + date_of(day).day - 1, month_start(wanted + 1) - 1)


@dataclass
class Stretch:
    """A part of a life under one set of terms: periods (from, to, position at its begin and end), of positions in all."""

    begin: int
    end: int
    opening: int
    salvage: int
    method: str
    whole: int
    periods: list
    steps: list  # positions at which the rate applies anew
    units_from: int = 0
    units_whole: int = 0
    known: dict = field(default_factory=dict)  # position -> what is charged through it

    def through(self, position):
        """What is charged through a position."""
        if position not in self.known:
            self.known[position] = self.worked_out(position)
        return self.known[position]

    def worked_out(self, position):
        base = self.opening - self.salvage
        if self.method == "straight_line":
            return half_away(Fraction(base * position, self.whole))
        return (self.by_digits if self.method == "sum_of_years_digits" else self.declining)(position)

    def by_digits(self, position):
        base, weights = self.opening - self.salvage, [(b - a) * (self.whole - a) for a, b in zip(self.steps, self.steps[1:])]
        before = 0
        for number, (a, b) in enumerate(zip(self.steps, self.steps[1:]), 1):
            after = half_away(Fraction(base * sum(weights[:number]), sum(weights)))
            if position <= b:
                return before + half_away(Fraction((after - before) * (position - a), b - a))
            before = after
        return before

    def declining(self, position):
        charged = 0
        for a, b in zip(self.steps, self.steps[1:]):
            carrying = self.opening - charged
            left, time_left = carrying - self.salvage, self.whole - a
            if Fraction(left, time_left) > Fraction(carrying) * FACTOR[self.method] / self.whole:
                return charged + half_away(Fraction(left * (position - a), time_left))
            charge = min(left, half_away(carrying * min(Fraction(1), FACTOR[self.method] * (b - a) / self.whole)))
            if position <= b:
                return charged + half_away(Fraction(charge * (position - a), b - a))
            charged += charge
        return charged

    def at(self, day, units=0):
        """What is charged of it before a day."""
        if self.method == "units_of_production":
            used = min(max(0, units - self.units_from), self.units_whole)
            return half_away(Fraction((self.opening - self.salvage) * used, self.units_whole)) if self.units_whole else self.opening - self.salvage
        if day <= self.begin:
            return 0
        if day >= self.end:
            return self.opening - self.salvage
        ((first, last, low, high),) = [p for p in self.periods if p[0] <= day < p[1]]
        before = self.through(low)
        return before + half_away(Fraction((self.through(high) - before) * (day - first), last - first))


@dataclass
class Terms:
    method: str
    convention: str
    in_service: int
    life_months: int
    cost: int
    salvage: int
    step_months: int = 12
    lifetime_units: int = 0


def daily(terms, begin):
    end = add_months(terms.in_service, terms.life_months)
    whole = end - begin
    steps = [0]
    while steps[-1] < whole:
        steps.append(min(whole, add_months(begin, terms.step_months * len(steps)) - begin))
    return end, whole, [(begin + n, begin + n + 1, n, n + 1) for n in range(whole)], steps


def monthly(begin, first, halves, step_months, per_period=2, months=1):
    """Periods of so many months from the one that holds begin; the first has so many half months."""
    periods, position, month, day = [], 0, months_of(begin) // months * months, begin
    while position < halves:
        size = min(first if not periods else per_period, halves - position)
        month_end = month + months if not periods or size == per_period else month + (size + 1) // 2
        periods.append((day, month_start(month_end), position, position + size))
        position, month, day = position + size, month + months, month_start(month + months)
    steps = list(range(0, halves, 2 * step_months)) + [halves]
    return periods[-1][1], halves, periods, steps


def laid(terms):
    """(begin, end, whole, periods, steps) of the whole life by its convention."""
    begin, halves = terms.in_service, 2 * terms.life_months
    if terms.convention == "daily":
        return (begin, *daily(terms, begin))
    if terms.convention == "half_year":
        return (begin, *monthly(begin, min(12, halves), halves, terms.step_months, 24, 12))
    if terms.convention == "next_month":
        begin = month_start(months_of(begin) + 1)
    return (begin, *monthly(begin, 1 if terms.convention == "mid_month" else 2, halves, terms.step_months))


def rest(terms, day):
    """The same of what is left from a day on: by days, or by months of which the last may be half."""
    if terms.convention == "daily":
        return (day, *daily(terms, day))
    end = laid(terms)[1]
    halves = 2 * (months_of(end) - months_of(day)) - (terms.convention == "mid_month")
    return (day, *monthly(day, 2, halves, terms.step_months))


@dataclass
class Balance:
    cost: int
    accumulated: int = 0
    impairment: int = 0

    def carrying(self):
        return self.cost - self.accumulated - self.impairment


@dataclass
class Change:
    kind: str
    day: int
    life_months: int = None
    salvage: int = None
    standard: str = None
    undiscounted: int = None
    fair_value: int = 0
    value_in_use: int = None
    selling_cost: int = 0
    proceeds: int = 0
    part_count: int = 0
    part_total: int = 1


@dataclass
class Life:
    """One course of an asset: a chain of stretches, each with the balance it began with."""

    terms: Terms
    chain: list = field(default_factory=list)  # (Stretch, Balance)

    def begin(self):
        begin, end, whole, periods, steps = laid(self.terms)
        stretch = Stretch(begin, end, self.terms.cost, self.terms.salvage, self.terms.method, whole, periods, steps, 0, self.terms.lifetime_units)
        self.chain = [(stretch, Balance(self.terms.cost))]
        return self

    def balance(self, day, units=0):
        stretch, opening = [link for link in self.chain if link[0].begin <= day or link is self.chain[0]][-1]
        return replace(opening, accumulated=opening.accumulated + stretch.at(day, units))

    def go_on(self, day, after, salvage, units):
        before = self.chain[-1][0]
        begin, end, whole, periods, steps = rest(self.terms, day)
        left = max(0, before.units_whole - (units - before.units_from))
        self.chain.append((Stretch(begin, end, after.carrying(), salvage, self.terms.method, whole, periods, steps, units, left), after))


@dataclass
class Asset:
    id: str
    serial: str
    node: object  # None: in stock, or where that is which it is a component of
    currency: str
    terms: Terms
    recognised_on: int
    component_of: object = None
    changes: list = field(default_factory=list)  # applied ones, in order: (Change, amount)
    disposed_on: int = None

    def __post_init__(self):
        self.actual, self.unimpaired = Life(replace(self.terms)).begin(), Life(replace(self.terms)).begin()
        self.lost_for_good = False
        by_time = self.terms.method != "units_of_production"
        self.opening = self.actual.balance(self.recognised_on).accumulated if by_time else 0  # charged before it entered the books

    def may(self, change):
        """Whether its day allows it: in order, while it lives, with something to change."""
        if self.disposed_on is not None or change.day < max([c.day for c, _ in self.changes], default=0):
            return False
        if change.kind == "dispose":
            return True
        new = replace(self.actual.terms, life_months=change.life_months or self.actual.terms.life_months)
        says_something = change.kind != "re_estimate" or change.life_months is not None or change.salvage is not None
        is_over = self.terms.method != "units_of_production" and laid(new)[1] <= change.day
        return says_something and change.day > self.terms.in_service and not is_over

    def apply(self, change, units=0):
        """The amount in the income statement, or None where the rules forbid it. IAS 36.117 looks at a life that knows of no loss."""
        before = self.actual.balance(change.day, units)
        worked = getattr(self, "_" + change.kind)(change, before, units)
        if worked is None:
            return None
        after, amount = worked
        if change.kind == "dispose":
            self.disposed_on = change.day
        else:
            self._continue(change, after, units)
        self.changes.append((change, amount))
        return amount

    def _continue(self, change, after, units):
        for life, balance in ((self.actual, after), (self.unimpaired, self.unimpaired.balance(change.day, units))):
            if life is self.unimpaired and change.kind in ("impair", "reverse"):
                continue
            if life is self.unimpaired and change.kind == "replace_part":
                balance = without(change, balance)
            salvage = life.chain[-1][0].salvage
            if change.salvage is not None:
                salvage = change.salvage
            elif change.kind == "replace_part":
                salvage -= share(change, salvage)
            if change.life_months is not None:
                life.terms.life_months = change.life_months
            life.go_on(change.day, balance, min(salvage, balance.carrying()), units)

    def _re_estimate(self, change, before, _units):
        salvage = self.actual.chain[-1][0].salvage if change.salvage is None else change.salvage
        return (before, 0) if salvage <= before.carrying() or change.salvage is None else None

    def _impair(self, change, before, _units):
        if change.standard == "asc_360":
            if before.carrying() <= change.undiscounted:
                return None
            worth = change.fair_value
            self.lost_for_good = self.lost_for_good or worth < before.carrying()
        else:
            worth = recoverable(change)
        loss = before.carrying() - max(0, worth)
        return (replace(before, impairment=before.impairment + loss), -loss) if loss > 0 else None

    def _reverse(self, change, before, units):
        most = min(recoverable(change), self.unimpaired.balance(change.day, units).carrying())
        amount = min(most - before.carrying(), before.impairment)
        if self.lost_for_good or amount <= 0:
            return None
        return replace(before, impairment=before.impairment - amount), amount

    def _replace_part(self, change, before, _units):
        after = without(change, before)
        return after, change.proceeds - change.selling_cost - (before.carrying() - after.carrying())

    def _dispose(self, change, before, _units):
        return Balance(0), change.proceeds - change.selling_cost - before.carrying()

    def charge(self, day, units_from=0, units_to=0):
        """Depreciation of a day."""
        if self.disposed_on is not None and day >= self.disposed_on:
            return 0
        stretch, _ = [link for link in self.actual.chain if link[0].begin <= day or link is self.actual.chain[0]][-1]
        return stretch.at(day + 1, units_to) - stretch.at(day, units_from)


def recoverable(change):
    """IAS 36.18: the higher of fair value less costs to sell and value in use."""
    return max(change.fair_value - change.selling_cost, change.value_in_use or 0)


def share(change, amount):
    return half_away(Fraction(amount * change.part_count, change.part_total))


def without(change, before):
    """Parts go at their share of the net book value, and of what was charged."""
    accumulated, impairment = share(change, before.accumulated), share(change, before.impairment)
    return Balance(before.cost - share(change, before.carrying()) - accumulated - impairment, before.accumulated - accumulated,
                   before.impairment - impairment)


# ---- A node's day ----

POOLS = ("depreciation", "power", "colocation", "operations", "network", "storage")
DAY_IN_MONTHS = Fraction(48, 1461)  # a month is 8766 / 12 hours


@dataclass
class Rate:
    pool: str
    basis: str
    amount_u: int
    begins: int  # day
    zone: str = None
    pue_milli: int = 1000


@dataclass
class Fleet:
    rates: list = field(default_factory=list)
    profiles: dict = field(default_factory=dict)   # (model, gpus) -> (idle W, full W)
    readings: dict = field(default_factory=dict)   # (node id, day) -> Wh

    def rates_of(self, day, zone):
        """The latest version of each, a zone's own before that of all zones."""
        found = {}
        for rate in sorted(self.rates, key=lambda r: r.begins):
            if rate.begins <= day and rate.zone in (None, zone):
                found[rate.pool, rate.basis, rate.zone] = rate
        return [rate for key, rate in found.items() if key[2] is not None or (*key[:2], zone) not in found]

    def energy_wh(self, node, day, busy, on_s):
        """What was metered; else idle power while in service, and from there to full power by the share of GPU-time used."""
        if (node.id, day) in self.readings:
            return self.readings[node.id, day]
        if (node.model, node.gpus) not in self.profiles:
            return None
        idle, full = self.profiles[node.model, node.gpus]
        return half_even(Fraction(idle * on_s, 3600) + Fraction((full - idle) * busy, 3600 * 1000 * node.gpus))

    def costs(self, node, day, zone, busy, on_s, depreciation_u):
        """Micro-units by pool, rounded once per rate."""
        costs = dict.fromkeys(POOLS, 0)
        costs["depreciation"] = depreciation_u
        profile, energy = self.profiles.get((node.model, node.gpus)), self.energy_wh(node, day, busy, on_s)
        for rate in self.rates_of(day, zone):
            units = {"kwh": Fraction((energy or 0) * rate.pue_milli, 10 ** 6), "node_month": DAY_IN_MONTHS, "gpu_month": node.gpus * DAY_IN_MONTHS,
                     "kw_month": Fraction(profile[1], 1000) * DAY_IN_MONTHS if profile else 0}[rate.basis]
            costs[rate.pool] += half_even(rate.amount_u * units)
        return costs

