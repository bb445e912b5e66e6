"""What a tenant's billing period comes to, from everything that is known of it at an instant: rated anew each time.

Nothing here knows of runs or differences: what the system wrote in however many steps must sum to this."""
# SPDX-License-Identifier: Apache-2.0

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from .amounts import DAY_S, GPU_HOUR, half_even, largest_remainder, micro_per_minor, midnight_after, month_of, part_of_time
from .pricing import Book, Item, Subject, priced

READING_GRACE_S = 7200  # sluice-billing's default


@dataclass(eq=False)
class Tenant:
    id: str
    name: str
    zone: str = "UTC"
    currency: str = "USD"
    tax_rates: list = field(default_factory=list)  # (from, basis points): its own, or those of its tax code
    by_hand: bool = False                          # its invoices wait for an operator


@dataclass(eq=False)
class Reservation:
    id: str
    tenant: Tenant
    project: str
    sku: str  # the instance type; None: a shape of its own, priced by the node's GPU model
    tier: str


@dataclass
class Correction:
    reservation: Reservation
    begin: int
    end: int
    gpu_milli: int
    model: str
    known_at: int


@dataclass
class Reading:
    """Of a meter: an amount, or what was held for a span."""

    reservation: Reservation
    meter: str
    milli: int     # thousandths of its unit
    end: int       # its last second decides what it is of
    held_for: int  # seconds; None: it is an amount
    known_at: int

    def counts(self):
        return self.milli if self.held_for is None else self.milli * self.held_for


@dataclass
class Commitment:
    id: str
    tenant: Tenant
    category: str
    total_minor: int
    begins: int
    ends: int
    months: int
    upfront_bp: int = 0
    sku: str = None
    tier: str = "reserved"
    gpu_hours: int = 0
    serial: int = 0

    def of_period(self, begin, end, number):
        """(billed, cost) in micro-units: what is paid upfront is spread over the term by time, the rest falls due in equal parts (G14, G22)."""
        upfront = int(Fraction(self.total_minor * self.upfront_bp, 10000) + Fraction(1, 2))
        part = part_of_time(self.total_minor - upfront, number, number + 1, self.months)
        spread = part_of_time(upfront, begin - self.begins, end - self.begins, self.ends - self.begins)
        size = micro_per_minor(self.tenant.currency)
        return (part + (upfront if number == 0 else 0)) * size, (part + spread) * size


@dataclass
class Policy:
    kind: str
    steps: list  # (least, share in basis points)
    begins: int
    tenant: Tenant = None
    tier: str = "reserved"

    def share(self, reached):
        return ([share for least, share in self.steps if least <= reached] or [0])[-1]


@dataclass
class Cancellation:
    reservation: Reservation
    kind: str
    at: int
    remaining_u: int
    share_bp: int


@dataclass
class Sum:
    """Of a group of rated lines."""

    quantity: int = 0
    contracted_u: int = 0
    effective_u: int = 0
    billed_u: int = 0

    def __iadd__(self, other):
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __sub__(self, other):
        return Sum(*(getattr(self, name) - getattr(other, name) for name in vars(self)))

    def __bool__(self):
        return any(vars(self).values())


@dataclass(frozen=True)
class Group:
    """What an invoice line is of, but for the period that it corrects."""

    reservation: str
    price: str
    commitment: str = None
    status: str = None
    category: str = "usage"
    reason: str = None


@dataclass
class World:
    """Everything that happened."""

    tenants: list = field(default_factory=list)
    nodes: list = field(default_factory=list)
    reservations: list = field(default_factory=list)
    instances: list = field(default_factory=list)
    corrections: list = field(default_factory=list)
    readings: list = field(default_factory=list)
    commitments: list = field(default_factory=list)
    policies: list = field(default_factory=list)
    cancellations: list = field(default_factory=list)
    book: Book = field(default_factory=Book)
    taxes: dict = field(default_factory=dict)  # (code, country) -> [(from, basis points)]

    # ---- Usage ----

    def stretches_of(self, tenant, begin, end, known):
        """(reservation, stretch) of a tenant's instances within [begin, end), as far as it is known."""
        for instance in self.instances:
            if instance.reservation.tenant is tenant:
                for stretch in instance.stretches(end, known):
                    if stretch.end > begin and stretch.begin < end:
                        yield instance.reservation, stretch

    def items(self, tenant, period, known):
        """The tenant's billable usage of a period by reservation, terms and capacity, corrections included."""
        begin, end = period
        models = {node.id: node.model for node in self.nodes}
        found = defaultdict(int)
        terms_of = {}

        def add(reservation, first, last, milli, capacity, model):
            first, last = max(first, begin), min(last, end)
            if last <= first:
                return
            kind, sku = ("instance_type", reservation.sku) if reservation.sku else ("gpu_model", model)
            subject = Subject(tenant.id, reservation.project, kind, sku, reservation.tier, tenant.currency, tenant.zone)
            marks = self.book.marks(subject, first, last, known)
            for low, high in zip(marks, marks[1:]):
                terms = self.book.terms(subject, low, known)
                assert terms is not None, f"a price of {subject} at {low}"
                key = (reservation.id, terms.price.id, terms.key(), capacity)
                terms_of[key] = reservation, terms
                found[key] += (high - low) * milli

        for reservation, each in self.stretches_of(tenant, begin, min(end, known), known):
            preemptible = reservation.tier == "preemptible"
            if each.kind == "used" or (each.kind == "unused" and not preemptible):
                add(reservation, each.begin, each.end, each.gpu_milli, "" if preemptible else each.kind, models.get(each.node))
        for each in self.corrections:
            if each.reservation.tenant is tenant and each.known_at < known:
                preemptible = each.reservation.tier == "preemptible"
                add(each.reservation, each.begin, each.end, each.gpu_milli, "" if preemptible else "used", each.model)
        for each in self.readings:
            if each.reservation.tenant is tenant and begin < each.end <= end and each.known_at < known:
                subject = Subject(tenant.id, each.reservation.project, "meter", each.meter, "any", tenant.currency, tenant.zone)
                terms = self.book.terms(subject, each.end - 1, known)
                if terms is not None:  # else it is free
                    key = (each.reservation.id, terms.price.id, terms.key(), "")
                    terms_of[key] = each.reservation, terms
                    found[key] += each.counts()
        items = [Item(*terms_of[key], key[3], quantity) for key, quantity in found.items() if quantity]
        return sorted(items, key=Item.sorting)

    # ---- A period ----

    def usage_groups(self, tenant, period, known):
        """Group -> Sum: usage, fees and what of commitments was not used."""
        groups, items = defaultdict(Sum), self.items(tenant, period, known)
        held = [c for c in self.commitments if c.tenant is tenant and c.begins <= period[0] and period[1] <= c.ends]
        held.sort(key=lambda c: (c.begins, c.id))
        costs = {c.id: c.of_period(*period, self.number_of(c, period)) for c in held}
        used = {}
        for one in (c for c in held if c.category == "usage"):
            used[one.id] = cover_usage(one, costs[one.id][1], items, groups)
        amounts = priced(items)
        spent = {}
        for one in (c for c in held if c.category == "spend"):
            spent[one.id] = cover_spend(one, costs[one.id][1], items, amounts, groups)
        for item, amount in zip(items, amounts):
            groups[Group(item.reservation.id, item.terms.price.id)] += Sum(item.quantity, amount, amount, amount)
        for one in held:
            billed, cost = costs[one.id]
            groups[Group(None, None, one.id, None, "purchase")] += Sum(0, billed, 0, billed)
            if period[1] <= known:
                left = one.gpu_hours * GPU_HOUR - used[one.id][0] if one.category == "usage" else 0
                groups[Group(None, None, one.id, "unused")] += Sum(left, 0, cost - (used.get(one.id) or spent[one.id])[1], 0)
        return groups

    def number_of(self, commitment, period):
        number, at = 0, commitment.begins
        while at < period[0]:
            number, at = number + 1, month_of(at, commitment.tenant.zone)[1]
        return number

    def closes(self, tenant, period):
        """The midnight by which a period is closed: where meters are billed in it, agents get a grace."""
        first = midnight_after(period[1])
        is_billed = any(each.reservation.tenant is tenant and period[0] < each.end <= period[1] and each.known_at < first and each.counts() > 0
                        and self.book.terms(Subject(tenant.id, each.reservation.project, "meter", each.meter, "any", tenant.currency, tenant.zone),
                                            each.end - 1, first) is not None for each in self.readings)
        return first + DAY_S if is_billed and first < period[1] + READING_GRACE_S else first

    def rule_groups(self, tenant, period, known):
        """What is charged and credited by rule; credits once the period is closed, and from then on by what is known of it."""
        groups = defaultdict(Sum)
        for each in self.cancellations:
            if each.reservation.tenant is tenant and period[0] <= each.at < period[1] and each.at < known:
                amount = half_even(Fraction(each.remaining_u * each.share_bp, 10000))
                groups[Group(each.reservation.id, None, None, None, "adjustment", each.kind)] += Sum(0, amount, amount, amount)
        self.add_minimum(tenant, period, known, groups)
        if midnight_after(period[1]) <= known:
            self.add_credits(tenant, period, known, groups)
        return groups

    def add_minimum(self, tenant, period, known, groups):
        for instance in self.instances:
            reservation = instance.reservation
            parts = instance.stretches(known, known) if reservation.tenant is tenant else []
            if not parts or not instance.is_over(known) or parts[-1].kind in ("failed", "preempted") or not {p.kind for p in parts} & {"used", "unused"}:
                continue
            end = parts[-1].end
            if not period[0] < end <= period[1]:
                continue
            model = max((n.model for n in self.nodes if n.id in {p.node for p in parts}), default=None)
            kind, sku = ("instance_type", reservation.sku) if reservation.sku else ("gpu_model", model)
            terms = self.book.terms(Subject(tenant.id, reservation.project, kind, sku, reservation.tier, tenant.currency, tenant.zone), end - 1, known)
            lacks = terms.price.minimum_s - sum(p.end - p.begin for p in parts)
            if lacks > 0:
                quantity = lacks * instance.gpu_milli
                amount = half_even(Fraction(terms.unit() * quantity, GPU_HOUR))
                groups[Group(reservation.id, terms.price.id, None, None, "adjustment", "minimum")] += Sum(0, amount, amount, amount)

    def add_credits(self, tenant, period, known, groups):
        promised, missing = defaultdict(int), defaultdict(int)
        for reservation, each in self.stretches_of(tenant, *period, known):
            weight = (min(each.end, period[1]) - max(each.begin, period[0])) * each.gpu_milli
            if each.kind != "preempted":
                promised[reservation.id] += weight
            if each.kind in ("unready", "failed"):
                missing[reservation.id] += weight
        cost, metered = defaultdict(int), {p.id for p in self.book.prices if p.kind == "meter"}
        for group, total in self.usage_groups(tenant, period, known).items():
            if group.price not in metered:
                cost[group.reservation] += total.effective_u
        for reservation in self.reservations:
            if reservation.tenant is not tenant or not missing[reservation.id]:
                continue
            held = [p for p in self.policies if p.kind == "sla_credit" and p.tier == reservation.tier and p.begins <= period[0]
                    and p.tenant in (None, tenant)]
            held.sort(key=lambda p: (p.tenant is None, -p.begins))
            if held:
                share = held[0].share(Fraction(missing[reservation.id] * 10000, promised[reservation.id]))
                amount = half_even(-Fraction(cost[reservation.id] * share, 10000))
                groups[Group(reservation.id, None, None, None, "credit", "sla_credit")] += Sum(0, amount, amount, amount)

    def groups(self, tenant, period, known):
        both = self.usage_groups(tenant, period, known)
        for group, total in self.rule_groups(tenant, period, known).items():
            both[group] += total
        return {group: total for group, total in both.items() if total}


def cover_usage(commitment, cost_u, items, groups):
    """What it covers of its sku leaves the items; (quantity, cost of it)."""
    of_it = [i for i in items if (i.reservation.sku, i.reservation.tier) == (commitment.sku, commitment.tier) and i.terms.price.kind != "meter"]
    whole = sum(i.quantity for i in of_it)
    covered = max(0, min(whole, commitment.gpu_hours * GPU_HOUR))
    if not covered:
        return 0, 0
    quantities = largest_remainder(covered, [i.quantity for i in of_it])
    used_u = half_even(Fraction(cost_u * covered, commitment.gpu_hours * GPU_HOUR))
    for item, quantity, amount in zip(of_it, quantities, largest_remainder(used_u, quantities)):
        item.quantity -= quantity
        groups[Group(item.reservation.id, item.terms.price.id, commitment.id, "used")] += Sum(quantity, amount, amount, 0)
    return covered, used_u


def cover_spend(commitment, cost_u, items, amounts, groups):
    """What it pays of the items' amounts leaves them; quantities go with the money, cut off."""
    whole = sum(amounts)
    covered = max(0, min(whole, cost_u))
    if not covered:
        return 0, 0
    for n, part in enumerate(largest_remainder(covered, amounts)):
        if part:
            quantity = items[n].quantity * part // amounts[n]
            items[n].quantity -= quantity
            amounts[n] -= part
            groups[Group(items[n].reservation.id, items[n].terms.price.id, commitment.id, "used")] += Sum(quantity, part, part, 0)
    return 0, covered
