"""The books of a history: invoices, credit notes, how they are settled, and the balance of every account (docs/money.md, "The ledger")."""
# SPDX-License-Identifier: Apache-2.0

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction

from .amounts import DAY_S, half_away, half_even, micro_per_minor, minor_of, month_of, months_between
from .metering import FOREVER


@dataclass
class Grant:
    id: str
    at: int
    amount_u: int
    promotional: bool
    priority: int
    expires_at: int = FOREVER
    left_u: int = 0
    expired_u: int = 0


@dataclass
class Line:
    group: object
    corrects: int  # the period's begin; None: of its own period
    quantity: int
    amount_u: int
    net: int
    credited: int = 0      # minor units
    credited_u: int = 0    # micro-units
    credits: int = 0       # how often


@dataclass
class Invoice:
    tenant: object
    period: tuple
    issued_at: int
    lines: list
    rate_bp: int
    id: str = None
    number: str = None
    line_numbers: list = None  # in the system, of each line
    open_u: int = 0
    own_u: int = 0                               # what payments and customer credit settled of it
    drawn: list = field(default_factory=list)    # [grant, amount] in the order of drawing
    reopened: dict = field(default_factory=dict)  # grant's id -> the most that a void invoice in whose place this one is had drawn of it
    is_frozen: bool = False    # its terms are those of that moment
    is_credited: bool = False
    is_void: bool = False

    def freeze(self):
        if not self.is_frozen:
            self.rate_bp, self.is_frozen = rate_of(self.tenant, self.period), True

    @property
    def net(self):
        return sum(line.net for line in self.lines)

    @property
    def tax(self):
        return half_away(Fraction(self.net * self.rate_bp, 10000))

    @property
    def total(self):
        return self.net + self.tax


def booked(world, tenant, period, knowledge):
    """What is billed with a period: all that is known of it when it closes, and what became known meanwhile of those closed before.
    (group, corrected period or None) -> Sum. knowledge: the days, as midnights at their ends, on which something became known."""
    closes = world.closes(tenant, period)
    lines = {(group, None): total for group, total in world.groups(tenant, period, closes).items()}
    for midnight in knowledge:
        if month_of(midnight - 1, tenant.zone) != period:
            continue
        for earlier in {period_of for period_of in periods_of(world, tenant, midnight) if world.closes(tenant, period_of) < midnight}:
            for group, total in difference(world.groups(tenant, earlier, midnight), world.groups(tenant, earlier, midnight - DAY_S)).items():
                key = (group, earlier[0])
                lines[key] = lines[key] if key in lines else type(total)()
                lines[key] += total
    return {key: total for key, total in lines.items() if total}


def difference(now, before):
    empty = type(next(iter({**now, **before}.values()), None))
    changed = {group: now.get(group, empty()) - before.get(group, empty()) for group in {*now, *before}} if empty is not type(None) else {}
    return {group: total for group, total in changed.items() if total}


def periods_of(world, tenant, until):
    """Billing periods of a tenant in which something of it happened, up to an instant."""
    begins = [i.starts_at for i in world.instances if i.reservation.tenant is tenant]
    begins += [c.begins for c in world.commitments if c.tenant is tenant]
    begins += [c.at for c in world.cancellations if c.reservation.tenant is tenant]
    return months_between(min(begins), until, tenant.zone) if begins and min(begins) < until else []


def knowledge_of(world):
    """Midnights by which a day is closed on which something came to be known of days before."""
    instants = [c.known_at for c in (*world.corrections, *world.readings)]
    for price in world.book.prices:
        instants += [price.withdrawn_at] if price.withdrawn_at < FOREVER else []
        instants += [price.created_at] if price.created_at > price.begins else []
    for instance in world.instances:
        instants += instance.reopened()
    return sorted({at // DAY_S * DAY_S + DAY_S for at in instants})


def rate_of(tenant, period):
    """The rate of the period's last second."""
    return [rate for begins, rate in tenant.tax_rates if begins <= period[1] - 1][-1]


def drawn_up(world, tenant, period, knowledge):
    sums = {}
    for (group, corrects), total in booked(world, tenant, period, knowledge).items():
        key = replace(group, status=None), corrects  # a line does not tell covered from uncovered but by its commitment
        sums[key] = sums[key] if key in sums else type(total)()
        sums[key] += total
    lines = [Line(*key, total.quantity, total.billed_u, minor_of(total.billed_u, tenant.currency)) for key, total in sums.items()]
    return Invoice(tenant, period, world.closes(tenant, period), lines, rate_of(tenant, period)) if any(line.amount_u for line in lines) else None


@dataclass
class Books:
    """Of one tenant. Amounts by account are debits less credits, micro-units."""

    tenant: object
    accounts: dict = field(default_factory=lambda: defaultdict(int))
    grants: list = field(default_factory=list)
    invoices: list = field(default_factory=list)

    def post(self, **amounts):
        assert sum(amounts.values()) == 0, amounts
        for code, amount in amounts.items():
            self.accounts[code] += amount

    def rate(self, groups):
        billed, effective = (sum(getattr(t, name) for t in groups) for name in ("billed_u", "effective_u"))
        self.post(unbilled_receivable=billed, revenue=-effective, deferred_revenue=effective - billed)

    def grant(self, grant):
        grant.left_u = grant.amount_u
        self.grants.append(grant)
        self.post(**{"revenue" if grant.promotional else "cash": grant.amount_u}, deferred_revenue=-grant.amount_u)

    def expire(self, now):
        for grant in self.grants:
            if grant.left_u and grant.expires_at <= now:
                self.lapse(grant, grant.left_u)
                grant.left_u = 0

    def lapse(self, grant, amount_u):
        self.post(deferred_revenue=amount_u, revenue=-amount_u)
        grant.expired_u += amount_u

    def post_invoice(self, invoice, sign):
        size = micro_per_minor(self.tenant.currency)
        micro = sum(line.amount_u for line in invoice.lines)
        self.post(receivable=sign * invoice.total * size, tax_payable=-sign * invoice.tax * size, unbilled_receivable=-sign * micro,
                  rounding=sign * (micro - invoice.net * size))

    def issue(self, invoice):
        size = micro_per_minor(self.tenant.currency)
        self.post_invoice(invoice, 1)
        invoice.open_u = invoice.total * size
        self.invoices.append(invoice)
        for grant in sorted(self.grants, key=lambda g: (g.priority, g.expires_at, g.at, g.id)):
            is_over = grant.expires_at <= invoice.issued_at
            room = min(invoice.reopened.get(grant.id, 0), grant.left_u + grant.expired_u) if is_over else grant.left_u
            drawn = max(0, min(room, invoice.open_u))
            revived = max(0, drawn - grant.left_u)
            self.lapse(grant, -revived)
            grant.left_u -= drawn - revived
            invoice.open_u -= drawn
            invoice.drawn.append([grant, drawn])
            self.post(deferred_revenue=drawn, receivable=-drawn)
        self.draw_own(invoice, invoice.open_u)
        self.give_back(invoice, invoice.issued_at)

    def draw_own(self, invoice, amount_u):
        """Customer credit, as far as there is any, settles so much of it."""
        drawn = max(0, min(-self.accounts["customer_credit"], amount_u))
        invoice.open_u -= drawn
        invoice.own_u += drawn
        self.post(customer_credit=drawn, receivable=-drawn)

    def void(self, invoice, at):
        """Its journal is reversed; what settled it goes back."""
        self.post_invoice(invoice, -1)
        invoice.is_void = True
        for grant, drawn in invoice.drawn:
            invoice.reopened[grant.id] = max(drawn, invoice.reopened.get(grant.id, 0))
        self.lessen(invoice, invoice.total * micro_per_minor(self.tenant.currency), at)

    def lessen(self, invoice, amount_u, at):
        """Less is owed of it by so much (or more, where it was less than nothing)."""
        invoice.open_u -= amount_u
        if amount_u < 0:
            self.draw_own(invoice, min(invoice.open_u, -amount_u))
        self.give_back(invoice, at)

    def give_back(self, invoice, at):
        """What settled it beyond what it comes to is undone from the last to the first, so that it is as if the invoice had been smaller:
        what the customer paid is the customer's; then each grant has its own again, of which what is over by now is gone at once."""
        excess = max(0, -invoice.open_u)
        invoice.open_u += excess
        of_grants = max(0, min(excess - max(0, invoice.own_u), sum(amount for _, amount in invoice.drawn)))
        invoice.own_u -= excess - of_grants
        self.post(receivable=excess - of_grants, customer_credit=of_grants - excess)
        for each in reversed(invoice.drawn):
            back = min(of_grants, each[1])
            of_grants -= back
            each[1] -= back
            self.post(receivable=back, deferred_revenue=-back)
            if each[0].expires_at <= at:
                self.lapse(each[0], back)
            else:
                each[0].left_u += back

    def pay(self, amount_u, named=()):
        self.accounts["cash"] += amount_u
        for invoice in named or sorted(self.invoices, key=lambda i: (i.issued_at, i.id)):
            paid = min(amount_u, invoice.open_u)
            invoice.open_u -= paid
            invoice.own_u += paid
            amount_u -= paid
            self.accounts["receivable"] -= paid
        self.accounts["customer_credit"] -= amount_u

    def refund(self, amount_u):
        """Whether it may be paid back."""
        if amount_u > -self.accounts["customer_credit"]:
            return False
        self.post(customer_credit=amount_u, cash=-amount_u)
        return True

    def credit(self, invoice, asked, at):
        """asked: (index of line, numerator, denominator) each, or None for all that is left. (net, tax) of the credit note, or None where it is refused.
        What was credited of a line is rounded together (to micro-units half to even, to minor units once more), and tax follows the credited net."""
        size = micro_per_minor(self.tenant.currency)
        parts = credited(invoice, asked, size)
        if parts is None or not any(part for _, part in parts.values()):
            return None
        invoice.is_credited = True
        before = sum(line.credited for line in invoice.lines)
        before_u = [line.credited_u for line in invoice.lines]
        net = sum(part for _, part in parts.values())
        tax = tax_through(invoice, before + net) - tax_through(invoice, before)
        for number, (then_u, part) in parts.items():
            invoice.lines[number].credited_u = then_u
            invoice.lines[number].credited += part
            invoice.lines[number].credits += bool(part or then_u != before_u[number])
        self.post(revenue=net * size, tax_payable=tax * size, receivable=-(net + tax) * size)
        self.lessen(invoice, (net + tax) * size, at)
        return net, tax


def tax_through(invoice, net):
    return half_away(Fraction(invoice.tax * net, invoice.net)) if invoice.net else 0


def credited(invoice, asked, size):
    """Line's index -> (what is credited of it then, micro-units; what is credited now, minor units); None where it is more than the line
    came to. asked: (index, numerator, denominator) each; None: all that is left."""
    if asked is None:
        return {n: (line.amount_u, line.net - line.credited) for n, line in enumerate(invoice.lines)}
    parts = {}
    for number, numerator, denominator in asked:
        line = invoice.lines[number]
        then_u = line.credited_u + half_even(Fraction(line.amount_u * numerator, denominator))
        then = half_away(Fraction(then_u, size))
        if abs(then) > abs(line.net):
            return None
        if abs(then_u) >= abs(line.amount_u) or 2 * abs(line.amount_u - then_u) <= line.credits + 1:  # each was rounded by a half at most
            then_u, then = line.amount_u, line.net
        parts[number] = then_u, then - line.credited
    return parts
