"""What a reservation may cost at most, and whether a credit limit covers it (docs/money.md, "Credit limits and holds")."""
# SPDX-License-Identifier: Apache-2.0

from dataclasses import dataclass
from fractions import Fraction

from . import books as oracle_books
from .amounts import DAY_S, GPU_HOUR
from .metering import FOREVER


@dataclass
class Hold:
    """Of a reservation with a place, or that was asked for one."""

    reservation: object
    begin: int
    end: int        # FOREVER: open, held for a day and rolled on
    gpu_milli: int  # of all its instances
    models: tuple   # on which a shape of its own may land
    state: str = "pending"
    amount_u: int = 0


def highest(price):
    return max([price.unit_u, *(unit for _, unit in price.tiers), *(window.unit_u for window in price.windows)])


def most(world, hold, closed_until, now):
    """(exact bound, parts that are rounded up one by one): each second at the highest price that the nearest book asks, a begun package whole."""
    begin = max(hold.begin, closed_until)
    end = hold.end if hold.end != FOREVER else max(hold.begin, now) + DAY_S
    skus = (hold.reservation.sku,) if hold.reservation.sku else hold.models
    return max((of_sku(world, hold, sku, begin, end) for sku in skus), default=(Fraction(0), 0))


def of_sku(world, hold, sku, begin, end):
    reservation = hold.reservation
    found = [p for p in world.book.prices if (p.sku, p.tier, p.currency) == (sku, reservation.tier, reservation.tenant.currency) and p.withdrawn_at == FOREVER
             and p.tenant in (None, reservation.tenant.id) and p.project in (None, reservation.project) and p.begins < p.ends]
    marks = sorted({begin, end, *(mark for p in found for mark in (p.begins, p.ends) if begin < mark < end)}) if begin < end else []
    cost, parts, last = Fraction(0), 0, None
    for low, high in zip(marks, marks[1:]):
        holding = [p for p in found if p.begins <= low < p.ends]
        nearest = max(holding, key=lambda p: (p.project is not None) + (p.tenant is not None), default=None)
        if nearest is not None:
            cost += highest(nearest) * Fraction((high - low) * hold.gpu_milli, GPU_HOUR)
        if nearest is not None and nearest is not last:
            cost += highest(nearest) * nearest.package
            parts += 1
        last = nearest
    return cost, parts


def used(world, books, today, now):
    """What a tenant owes less what it has: rated and not invoiced, invoiced and not settled, prepaid credit and its own."""
    tenant = books.tenant
    rated = sum(total.billed_u for period in oracle_books.periods_of(world, tenant, today) for total in world.groups(tenant, period, today).values())
    prepaid = sum(grant.left_u for grant in books.grants if grant.expires_at > now)
    owed = books.accounts["unbilled_receivable"] + books.accounts["receivable"] + books.accounts["customer_credit"]
    return rated + owed - prepaid
