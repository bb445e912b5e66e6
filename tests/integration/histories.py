"""Random histories of a provider: a seed says all of what happens. Each day's acts go to the running system and to the oracle alike."""
# SPDX-License-Identifier: Apache-2.0

import hashlib
import random
from collections import defaultdict

from counting_house import CountingHouse, identity_of
from crashes import Crashes
from halves import Halves
from invoicing import Invoicing
from lending import Lending
from oracle import books as oracle_books
from oracle import capex
from oracle.amounts import DAY_S, instant, midnight_after, month_of, text_of
from oracle.metering import FOREVER, Fact
from oracle.pricing import Window
from purchasing import Purchasing

# Around the ends of months in which clocks change, a year ends, or February is long or short. A whole month is in each, so that SLA credits are.
STARTS = ("2026-02-19", "2026-09-21", "2027-12-22", "2028-01-20", "2026-01-21", "2027-03-21")
DAYS = 42
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")
TYPES = {"eight": 8000, "one": 1000, "half": 500}
MODELS = ("H100", "A100")
METERS = {"egress": ("GB", "sum"), "storage": ("GB", "level")}
TIERS = ("reserved", "on_demand", "preemptible")
METHODS = ("straight_line", "declining_balance_150", "declining_balance_double", "sum_of_years_digits", "units_of_production")
CONVENTIONS = ("daily", "full_month", "next_month", "mid_month", "half_year")
# Tenants of the same reservations, of which each relation says something: see invariants.py.
TWINS = ("base", "shuffled", "split", "tripled", "early", "late", "signed")


class History(Invoicing, Purchasing, Lending, Crashes):
    sizes = TYPES

    def __init__(self, cluster, directory, seed, days=DAYS):
        self.seed, self.days = seed, days
        self.dice = random.Random(seed)
        start = f"{self.dice.choice(STARTS)}T00:00:00Z"
        self.house = CountingHouse(cluster, directory, start).start()
        self.begin = instant(start)
        self.busy = defaultdict(list)  # node id -> [(from, to, milli)]
        self.told = []                 # (day on which it is told, order, instance, fact, dice or None)
        self.changes = []              # (asset, change, id): wished, not yet applied
        self.closed = {}               # (tenant's name, period's begin) -> digest of what was written of it
        self.documents = {}            # invoice's id -> how it looked when it was issued
        self.twins = {}
        self.serial = 0
        self.orders, self.holds, self.limits = [], [], {}

    # ---- The beginning ----

    def set_up(self):
        house, dice = self.house, self.dice
        made = house.operator.create
        self.types = {}
        for name, milli in TYPES.items():
            size = {"gpu_count": milli // 1000} if milli >= 1000 else {"gpu_count": 0, "gpu_milli": milli}
            made("/v1/system/instance-types", {"name": name, "gpu_models": list(MODELS), "cpu_milli": 1, "memory_mib": 1, **size})
        self.types = {row["name"]: row["id"] for row in house.rows("SELECT id, name FROM instance_type")}
        currencies = ["USD", dice.choice(("EUR", "JPY", "KWD"))]
        for currency in currencies:
            for sku in (*TYPES, *MODELS):
                for tier in TIERS:
                    self.price(sku, tier, currency, begins=self.begin - 40 * DAY_S)
        for name, (unit, aggregation) in METERS.items():
            house.new_meter(name, unit, aggregation)
            if name == "storage" or dice.random() < 0.7:  # what has no price is free, until it has one
                self.price(name, "any", "USD", begins=self.begin - 40 * DAY_S)
        self.tenants = [house.new_tenant(f"t{n}", dice.choice(ZONES), currencies[n == 2], dice.choice((0, 700, 1900, 2550))) for n in range(4)]
        zone = dice.choice(ZONES)
        self.twins = {name: house.new_tenant(name, zone, "USD", 1900) for name in TWINS}
        for n in range(9):
            node = house.new_node(f"n{n}", 8 if n < 8 else 4, MODELS[n % 2])
            house.node_is(node, self.begin, "ready")
        self.nodes = list(house.world.nodes)
        for number, model in enumerate(MODELS):
            house.new_profile(model, 8, 4 * dice.randrange(500, 1000) + (1, 3)[number], dice.randrange(5000, 11000))
            # In service for half an hour of the first day: half a watt-hour beside an even number of them, and beside an odd one.
            house.node_is(house.new_node(f"late-{model.lower()}", 8, model), self.begin + DAY_S - 1800, "ready")
        house.new_rate("power", "kwh", dice.randrange(50_001, 200_001, 2), pue_milli=1000)
        for node, watt_hours in zip(self.nodes, (500, 1500)):  # half a micro-unit, likewise
            house.new_reading(node, self.begin // DAY_S, watt_hours)
        house.new_rate("colocation", "kw_month", dice.randrange(10 ** 8, 3 * 10 ** 8), zone=dice.choice((None, "z")))
        house.new_rate("operations", "node_month", dice.randrange(10 ** 8, 10 ** 9))
        house.new_rate("network", "gpu_month", dice.randrange(10 ** 6, 10 ** 7))
        for node in house.world.nodes:
            self.asset(node)
        for kind, steps in (("sla_credit", ((10, 1000), (500, 2500), (2000, 5000))),):
            for tier in TIERS[:2]:
                house.new_policy(kind, steps, tier)
        first_month = house.value("SELECT (date_trunc('month', sluice_now()) + interval '1 month')::date::text")
        house.new_commitment(self.tenants[0], first_month, dice.choice((1, 2, 12)), "eight", "reserved", dice.randrange(500, 5000), dice.randrange(10 ** 6, 2 * 10 ** 6),
                             upfront_bp=dice.choice((0, 3333, 10000)))
        months = dice.choice((1, 3))  # of which the total is 4 n + 1 cents: half a cent is paid upfront, beside an even number of them
        house.new_commitment(self.tenants[1], first_month, months, amount=4 * dice.randrange(2500, 125_000) + months, upfront_bp=5000)
        self.set_up_invoicing()
        self.halves = Halves(self)
        self.begin_twins()
        self.set_up_crashes()

    def unit(self):
        """Micro-units of a GPU-hour; at 1, many a stretch of 225 s comes to exactly half a micro-unit."""
        return self.dice.choice((self.dice.randrange(900_000, 4_000_000), 10_000 * self.dice.randrange(90, 400), 1))

    def price(self, sku, tier, currency, **more):
        """A version of a random model."""
        dice, unit = self.dice, self.unit()
        model = dice.choice(("flat", "flat", "flat", "graduated", "volume", "package", "windows"))
        if more.get("tenant") is None and sku == "one" or sku in METERS and model == "windows":
            model = "flat"  # of which the twins are
        if model in ("graduated", "volume"):
            first = dice.randrange(10, 400)
            ends = (first, first + dice.randrange(1, 900), None)
            more.update(model=model, tiers=tuple((end, max(0, unit - n * dice.randrange(0, 300_000))) for n, end in enumerate(ends)))
            unit = more["tiers"][0][1]
        elif model == "package":
            more.update(model=model, package=dice.randrange(1, 200))
        elif model == "windows":
            more["windows"] = tuple(Window(tuple(dice.sample(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), dice.randrange(1, 8))), *dice.choice((
                ("22:00", "06:00"), ("09:30", "17:00"), ("02:00", "03:00"), ("00:00", "00:00"), ("01:30", "02:30"))), self.unit()) for _ in range(dice.randrange(1, 3)))
        elif dice.random() < 0.2 and more.get("tenant") is not None and sku not in METERS:
            more["minimum_s"] = dice.choice((3600, 86400, 5000))
        return self.house.new_price(sku, tier, currency, unit, **more)

    def asset_terms(self):
        dice = self.dice
        method, today = dice.choice(METHODS), self.house.today // DAY_S
        cost = dice.randrange(100_000, 40_000_000)
        convention = dice.choice(CONVENTIONS) if method != "units_of_production" else "daily"
        return capex.Terms(method, convention, today - dice.choice((0, dice.randrange(0, 1500))), dice.choice((12, 36, 48, 60, 66, 72)), cost,
                            dice.choice((0, cost // 10, dice.randrange(0, cost))), dice.choice((1, 12)),
                            3_600_000 * dice.randrange(100, 100_000) if method == "units_of_production" else 0)

    def asset(self, node, component_of=None):
        self.serial += 1
        made = self.house.new_asset(f"S{self.serial}", node, self.asset_terms(), component_of)
        if component_of is None and self.dice.random() < 0.3:
            self.asset(None, made)

    # ---- Reservations ----

    def find(self, milli, begin, end, model=None, avoid=None):
        """A node that has room for [begin, end), and takes it."""
        nodes = [n for n in self.nodes if model in (None, n.model) and n is not avoid]
        self.dice.shuffle(nodes)
        for node in nodes:
            taken = self.busy[node.id]
            marks = [begin, *(first for first, last, _ in taken if begin < first < end)]
            if all(sum(m for first, last, m in taken if first <= mark < last) + milli <= node.gpus * 1000 for mark in marks):
                taken.append((begin, end, milli))
                return node
        return None

    def reserve(self):
        """One of a random tenant, of one to three instances."""
        dice, tenant = self.dice, self.dice.choice(self.tenants)
        sku = dice.choice(("eight", "one", "half", None))
        milli = TYPES.get(sku) or dice.choice((250, 1000, 2500))
        tier = dice.choice(TIERS)
        begin = self.house.today + dice.randrange(0, 4 * DAY_S)
        lasts = dice.choice((1, dice.randrange(60, 7200), dice.randrange(3600, 12 * DAY_S), DAY_S * dice.randrange(1, 20), 225 * dice.randrange(1, 900)))
        end = FOREVER if dice.random() < 0.1 else begin + lasts
        reservation = None
        for _ in range(dice.choice((1, 1, 2, 3))):
            hold = min(end + 6 * DAY_S, FOREVER)
            node = self.find(milli, begin, hold)
            if node is None:
                return
            reservation = reservation or self.house.new_reservation(tenant, sku, dice.choice(("default", "research")), tier, self.types)
            instance = self.house.new_instance(reservation, milli, begin)
            self.plan(instance, self.life(instance, node, begin, end, hold, tier))

    def life(self, instance, node, begin, end, hold, tier):
        """What comes of an instance, in order of time."""
        dice = self.dice
        facts = [Fact(self.house.today, "planned", node.id, end)]
        at = begin + dice.choice((0, 0, dice.randrange(1, 7200)))
        facts.append(Fact(at, "running", node.id, end))
        last = min(end, begin + 40 * DAY_S)
        for _ in range(dice.choice((0, 0, 1, 2, 3))):
            if at + 4 >= last:
                break
            at = dice.randrange(at + 1, last - 2)
            what = dice.choice(("stop", "replace", "fail", "release", "extend", "shorten", "preempt"))
            if what == "stop":
                facts += [Fact(at, "stopped", node.id, end), Fact(min(last - 1, at + dice.randrange(1, 90_000)), "running", node.id, end)]
                at = facts[-1].at
            elif what == "replace":
                other = self.find(instance.gpu_milli, at, hold, node.model, node)
                facts.append(Fact(at, "replacing", None, end))
                if other is not None:
                    node = other
                    at = min(last - 1, at + dice.randrange(1, 9000))
                    facts += [Fact(at, "provisioning", node.id, end), Fact(min(last - 1, at + dice.randrange(0, 3600)), "running", node.id, end)]
                    at = facts[-1].at
            elif what == "fail":
                return [*facts, Fact(at, "failed", None, end)]
            elif what == "release":
                return [*facts, Fact(at, "terminated", node.id, dice.choice((at, end)))]
            elif what == "extend" and end != FOREVER:
                end = last = end + dice.randrange(1, 2 * DAY_S)
                facts.append(Fact(at, "running", node.id, end))
            elif what == "shorten" and end != FOREVER:
                end = last = dice.randrange(at + 1, last)
                facts.append(Fact(at, "running", node.id, end))
            elif what == "preempt" and tier == "preemptible" and end != FOREVER:
                gone = dice.randrange(at, last)
                return [*facts, Fact(at, "running", node.id, end, gone), Fact(gone, "terminated", node.id, end, gone)]
        if end == FOREVER:
            return facts
        later = end + dice.choice((dice.randrange(60, 7200), dice.randrange(3600, DAY_S)))
        if dice.random() < 0.15 and later + DAY_S < hold:
            return [*facts, *self.prolonged(facts[-1], later + dice.randrange(60, 2 * DAY_S), later)]
        return [*facts, Fact(end, "terminated", node.id, end)]

    @staticmethod
    def prolonged(last, at, ends_at):
        """It went on when its window was over, and is told so later, mostly of days that are closed."""
        return [Fact(at, last.state, last.node, ends_at), Fact(max(at, ends_at), "terminated", last.node, ends_at)]

    def plan(self, instance, facts, shuffled=None, is_prompt=False):
        """Told on their day, or some days late; never before an earlier one of the same instance. A window is prolonged before it is over."""
        told_on = 0
        is_prompt = is_prompt or shuffled is not None or instance.reservation.tenant not in self.tenants or any(b.ends_at > a.ends_at for a, b in zip(facts, facts[1:]))
        for number, fact in enumerate(facts):
            late = DAY_S * self.dice.choice((1, 2)) if number and not is_prompt and self.dice.random() < 0.05 else 0
            told_on = max(told_on, fact.at // DAY_S * DAY_S + late)
            self.told.append((told_on, instance, fact, shuffled))

    def tell(self):
        due = [each for each in self.told if each[0] <= self.house.today]
        self.told = [each for each in self.told if each[0] > self.house.today]
        plain = [(instance, fact) for _, instance, fact, shuffled in due if shuffled is None]
        mixed = [(instance, fact) for _, instance, fact, shuffled in due if shuffled is not None]
        if plain:
            self.house.tell(plain)
        if mixed:
            self.house.tell(mixed, self.dice)

    def begin_twins(self):
        """The same life for each, told and cut up in different ways."""
        dice = self.dice
        begin = self.begin + dice.randrange(DAY_S, 3 * DAY_S)
        end = begin + dice.randrange(20 * DAY_S, 38 * DAY_S)
        stops = sorted(dice.sample(range(begin + 10, end - 10), 4))
        self.twin_reservations = {}
        for name, tenant in self.twins.items():
            milli = 3000 if name == "tripled" else 1000
            node = self.find(milli, begin, end)
            reservation = self.house.new_reservation(tenant, "one", "default", "reserved", self.types)
            instance = self.house.new_instance(reservation, milli, begin)
            facts = [Fact(self.begin, "planned", node.id, end), Fact(begin + 77, "running", node.id, end), Fact(stops[1], "replacing", None, end),
                     Fact(stops[1] + 1234, "running", node.id, end), Fact(end, "terminated", node.id, end)]
            if name == "split":
                facts += [Fact(stops[0], "stopped", node.id, end), Fact(stops[0] + 1, "running", node.id, end), Fact(stops[2] + 2000, "stopped", node.id, end)]
            self.plan(instance, sorted(facts, key=lambda f: f.at), dice if name == "shuffled" else None)
            self.twin_reservations[name] = reservation
        self.outage = stops[3], min(end, stops[3] + dice.randrange(1, 80_000))

    # ---- What happens on a day ----

    def day(self):
        house, dice = self.house, self.dice
        house.evening()
        for books in house.books.values():
            books.expire(house.today + DAY_S - 1)
        if dice.random() < 0.1:
            self.crash_soon()
        acts = (self.reserve, self.reserve, self.reserve, self.reserve, self.new_version, self.discount, self.correct, self.correct_price, self.grant, self.pay, self.refund,
                self.credit, self.maintain, self.change, self.rate, self.read_meter, self.cancel, self.rest, self.new_terms, self.new_tax_rate, self.work_off, self.void,
                self.report, self.report, self.report, self.report, self.correct_price_of_meter, self.credit_of_meters, self.buy,
                self.new_limit, self.borrow, self.borrow, self.let_go)
        for _ in range(dice.randrange(1, 5)):
            dice.choice(acts)()
        self.correct_twins()
        self.halves.day()
        self.tell()
        self.apply_changes()
        self.end_holds()
        if text_of(house.today + DAY_S)[8:10] in ("01", "02"):  # months are closed, too
            self.crash_soon(6)
        elif dice.random() < 0.15:
            self.crash_soon()
        self.midnight_with_crash()
        self.match_holds(self.holds)
        self.close()

    def rest(self):
        """A day on which little happens."""

    def someone(self):
        return self.dice.choice(self.tenants)

    def soon(self):
        return self.house.today + self.dice.randrange(DAY_S, 6 * DAY_S)

    def new_version(self):
        tenant = self.dice.choice((None, self.someone(), self.someone()))
        sku = self.dice.choice((*TYPES, *MODELS, *METERS))
        if tenant is None and sku == "one":
            return
        project = self.dice.choice((None, "research")) if tenant else None
        currency = tenant.currency if tenant else "USD"
        self.price(sku, "any" if sku in METERS else self.dice.choice(TIERS), currency, begins=self.soon(), tenant=tenant, project=project)

    def discount(self):
        tenant, begins = self.someone(), self.soon()
        sku = self.dice.choice((None, "eight", "one", "H100"))
        less = {"percent_bp": self.dice.randrange(1, 10001)} if sku is None or self.dice.random() < 0.6 else {"fixed_u": self.unit()}
        self.house.new_discount(tenant, begins, self.dice.choice((None, begins + self.dice.randrange(1, 9 * DAY_S))), self.dice.choice((None, "research")), sku, **less)

    def used(self, tenants):
        """(reservation, stretch) of what was billable for more than an hour, by now."""
        now = self.house.today + DAY_S - 1
        return [(instance, s) for instance in self.house.world.instances if instance.reservation.tenant in tenants for s in instance.stretches(self.house.today)
                if s.kind == "used" and s.end - s.begin > 3600 and s.end <= now]

    def report(self):
        """Readings of meters, of now or of any day before, some of them sent again."""
        for _ in range(self.dice.randrange(1, 6)):
            found = self.used(self.tenants)
            if not found:
                return
            instance, stretch = self.dice.choice(found)
            meter = self.dice.choice(list(METERS))
            length = self.dice.randrange(1, 3600) if METERS[meter][1] == "level" or self.dice.random() < 0.3 else None
            self.serial += 1
            self.house.report(f"reading-{self.serial}", instance.reservation, meter, self.dice.choice((self.dice.randrange(1, 10 ** 7), 500, 0)),
                              self.dice.randrange(stretch.begin + 3600, stretch.end + 1), length, self.dice.choice((1, 1, 2)))

    def correct(self):
        """Some of what was used is taken back, or billed besides."""
        found = self.used(self.tenants)
        if not found:
            return
        instance, stretch = self.dice.choice(found)
        begin = self.dice.randrange(stretch.begin, stretch.end - 1)
        end = min(stretch.end, begin + self.dice.choice((self.dice.randrange(1, 7200), 31 * DAY_S)))
        if any(c.reservation is instance.reservation and c.gpu_milli < 0 for c in self.house.world.corrections):
            return  # no more is taken back than there was
        model = next(n.model for n in self.house.world.nodes if n.id == stretch.node)
        self.house.new_correction(instance.reservation, begin, end, self.dice.choice((-instance.gpu_milli, instance.gpu_milli, 7)), model)

    def correct_twins(self):
        """An outage that "early" and "signed" tell while the period is open, "late" long after; "signed" takes it back again."""
        begin, end = self.outage
        day = self.house.today
        def tell(name, milli):
            self.house.new_correction(self.twin_reservations[name], begin, end, milli)
        if day == midnight_after(end):
            tell("early", -1000)
            tell("signed", -1000)
        if day == self.begin + (self.days - 2) * DAY_S:
            tell("late", -1000)
            tell("signed", 1000)

    def correct_price(self, skus=(*TYPES, *MODELS, *METERS)):
        found = [p for p in self.house.world.book.prices if p.withdrawn_at == FOREVER and p.begins < self.house.today and not p.minimum_s and p.sku != "one" and p.sku in skus]
        if found:
            price = self.dice.choice(found)
            tenant = next((t for t in self.house.world.tenants if t.id == price.tenant), None)
            self.house.new_price(price.sku, price.tier, price.currency, self.unit(), tenant=tenant, project=price.project, corrects=price)

    def correct_price_of_meter(self):
        self.correct_price(tuple(METERS))

    def credit_of_meters(self):
        """A share of what an invoice's readings came to."""
        metered = {p.id for p in self.house.world.book.prices if p.sku in METERS}
        found = [(books, invoice, n) for books in self.house.books.values() for invoice in books.invoices if not invoice.is_void
                 for n, line in enumerate(invoice.lines) if line.group.price in metered and line.net > 0]
        if found:
            books, invoice, number = self.dice.choice(found)
            self.house.new_credit(books, invoice, [(number, 1, self.dice.choice((1, 2, 3, 7)))])

    def grant(self):
        tenant, today = self.someone(), self.house.today
        closes = midnight_after(month_of(today + DAY_S, tenant.zone)[1])  # when its invoice is issued: too late to draw upon
        expires = self.dice.choice((None, today + DAY_S * self.dice.randrange(1, 40) + DAY_S // 2, closes))
        self.house.new_grant(tenant, self.dice.randrange(1, 300_000), self.dice.random() < 0.3, self.dice.randrange(3), expires)

    def pay(self):
        tenant = self.dice.choice(self.house.world.tenants)
        invoices = [i for i in self.house.books[tenant.name].invoices if i.open_u > 0 and not i.is_void]
        named = self.dice.sample(invoices, 1) if invoices and self.dice.random() < 0.5 else ()
        self.house.new_payment(tenant, self.dice.randrange(1, 900_000), named)

    def refund(self):
        self.house.new_payment(self.dice.choice(self.house.world.tenants), self.dice.randrange(1, 100_000), refund=True)

    def credit(self):
        found = [(books, invoice) for books in self.house.books.values() for invoice in books.invoices if not invoice.is_void]
        if not found:
            return
        books, invoice = self.dice.choice(found)
        asked = None
        if self.dice.random() < 0.2:
            self.house.new_credit(books, invoice, None, (1, self.dice.choice((2, 3, 7))))
            return
        if self.dice.random() < 0.8:
            lines = self.dice.sample(range(len(invoice.lines)), self.dice.randrange(1, len(invoice.lines) + 1))
            asked = [(n, 1, self.dice.choice((1, 2, 3, 7))) for n in sorted(lines) if invoice.lines[n].net > 0]
            if not asked:
                return
        self.house.new_credit(books, invoice, asked)

    def maintain(self):
        node, at = self.dice.choice(self.house.world.nodes), self.house.today + self.dice.randrange(0, DAY_S // 2)
        at = max(at, *(when + 1 for when, _ in node.facts))
        for state in self.dice.choice((("maintenance", "validating", "ready"), ("sanitizing", "ready"), ("quarantined", "repair", "validating", "ready"),
                                       ("sanitizing", "validating", "ready"))):
            at = min(at + self.dice.randrange(1, 9000), self.house.today + DAY_S - 1)
            self.house.node_is(node, at, state)

    def rate(self):
        pool, basis = self.dice.choice((("power", "kwh"), ("colocation", "kw_month"), ("operations", "node_month"), ("network", "gpu_month"), ("storage", "gpu_month")))
        self.house.new_rate(pool, basis, self.dice.randrange(10_000, 10 ** 8), self.dice.choice((None, "z")), self.dice.choice((1000, 1300)) if pool == "power" else None,
                            self.house.today // DAY_S + self.dice.randrange(1, 5))

    def read_meter(self):
        self.house.new_reading(self.dice.choice(self.house.world.nodes), self.house.today // DAY_S,
                               self.dice.choice((self.dice.randrange(0, 300_000), self.dice.randrange(500, 300_000, 1000))))

    def cancel(self):
        found = [r for r in self.house.world.reservations if r.tenant in self.tenants and not any(c.reservation is r for c in self.house.world.cancellations)]
        if found:
            self.house.new_cancellation(self.dice.choice(found), self.dice.choice(("cancellation", "early_release")), self.dice.randrange(1, 10 ** 9),
                                        self.dice.choice((0, 5000, 3333)))

    def change(self):
        assets = [a for a in self.house.assets if a.disposed_on is None and not any(asset is a for asset, _, _ in self.changes)]
        if not assets:
            return
        asset, dice = self.dice.choice(assets), self.dice
        kind = dice.choice(("re_estimate", "impair", "reverse", "replace_part", "dispose"))
        day = self.house.today // DAY_S + dice.randrange(0, 3)
        if asset.terms.convention != "daily" and kind != "dispose":
            day = capex.month_start(capex.months_of(day) + 1)
        fields = {"re_estimate": {"life_months": dice.choice((None, 60, 90)), "salvage": dice.choice((None, 0, 1000))},
                  "impair": {"standard": dice.choice(("asc_360", "ias_36")), "undiscounted": dice.randrange(1, asset.terms.cost), "fair_value": dice.randrange(1, asset.terms.cost),
                             "value_in_use": dice.randrange(1, asset.terms.cost), "selling_cost": dice.randrange(1, 1000)},
                  "reverse": {"standard": "ias_36", "fair_value": asset.terms.cost, "value_in_use": asset.terms.cost - 1},
                  "replace_part": {"part_count": 1, "part_total": 8, "proceeds": dice.randrange(1, 10_000)},
                  "dispose": {"proceeds": dice.randrange(1, asset.terms.cost), "selling_cost": dice.randrange(1, 1000)}}[kind]
        if asset.terms.method == "units_of_production":
            fields.pop("life_months", None)
        change = capex.Change(kind, day, **fields)
        identity = self.house.new_change(asset, change)
        if identity:
            self.changes.append((asset, change, identity))

    def apply_changes(self):
        """Those of the day that is about to be closed."""
        for each in [e for e in self.changes if e[1].day == self.house.today // DAY_S]:
            asset, change, identity = each
            self.changes.remove(each)
            amount = asset.apply(change, self.house.units(asset, change.day)) if asset.may(change) else None
            self.house.expected_changes.append((identity, amount))

    def close(self):
        """The day before is closed: months that are over are invoiced."""
        house = self.house
        knowledge = oracle_books.knowledge_of(house.world)
        for tenant in house.world.tenants:
            for period in oracle_books.periods_of(house.world, tenant, house.today):
                if house.world.closes(tenant, period) == house.today:
                    invoice = oracle_books.drawn_up(house.world, tenant, period, knowledge)
                    house.books[tenant.name].expire(house.today)
                    house.match(tenant, period, invoice)
                    self.closed[tenant.name, period[0]] = self.digest(tenant.name, period[0])
                    if invoice:
                        self.after_close(tenant, invoice)

    def digest(self, tenant, begin):
        """Of what was rated, delivered and closed of a tenant's period."""
        return hashlib.sha256(repr(self.house.rows(
            "SELECT to_jsonb(l)::text FROM rated_line l JOIN tenant t ON t.id = l.tenant_id WHERE t.name = %s AND l.period_start = to_timestamp(%s) UNION ALL"
            " SELECT to_jsonb(u)::text FROM usage_interval u JOIN tenant t ON t.id = u.tenant_id JOIN billing_period p ON p.tenant_id = t.id AND p.starts_at = to_timestamp(%s)"
            "  WHERE t.name = %s AND u.period_start >= p.starts_at AND u.period_start < p.ends_at AND NOT EXISTS (SELECT FROM late_usage l WHERE l.period_start = u.period_start"
            "   AND l.instance_id = u.instance_id AND l.seq = u.seq AND l.rated_with::timestamp AT TIME ZONE 'UTC' >= p.ends_at) ORDER BY 1",
            tenant, begin, begin, tenant)).encode()).hexdigest()

    def document(self, invoice):
        """All that an issued invoice says, but for what was credited of it since; the document's hash, and the hash that it says."""
        path = f"/v1/system/invoices/{identity_of('inv', invoice)}"
        body = self.house.operator.get(path).expect(200).body
        body.pop("credited")
        pdf = self.house.operator.get(path, headers={"Accept": "application/pdf"}).expect(200).content
        lines = [{**line, "credited": None} for line in self.house.operator.items(f"{path}/lines")]
        return {**body, "lines": lines}, hashlib.sha256(pdf).hexdigest(), body["pdf_sha256"]

    def play(self):
        """Everything, day by day; what is still to come is not told."""
        self.set_up()
        for _ in range(self.days):
            self.day()
        return self

    def summary(self):
        """How much of what happened: a history without any says nothing of it."""
        counts = {"invoices": self.house.rows("SELECT status AS of, count(*) FROM invoice GROUP BY 1"),
                  "holds": self.house.rows("SELECT state AS of, count(*) FROM credit_hold GROUP BY 1"),
                  "taxes": self.house.rows("SELECT tax_code AS of, count(*) FROM invoice GROUP BY 1"),
                  "rules": self.house.rows("SELECT concat_ws(' ', reason, charge_class) AS of, count(*) FROM rated_line WHERE reason IS NOT NULL GROUP BY 1")}
        counts["meters"] = self.house.rows("SELECT 'lines' AS of, count(*) FROM invoice_line WHERE meter_id IS NOT NULL UNION ALL SELECT 'corrections', count(*) FROM"
                                           " rated_line WHERE meter_id IS NOT NULL AND charge_class = 'correction' UNION ALL SELECT 'credited', count(*) FROM credit_note_line c"
                                           " JOIN invoice_line l ON l.invoice_id = c.invoice_id AND l.line_no = c.invoice_line_no WHERE l.meter_id IS NOT NULL")
        tables = ("credit_note", "asset", "purchase_order", "asset_change", "usage_correction", "late_usage", "payment", "credit_grant", "meter_reading")
        by_kind = {name: {row["of"]: row["count"] for row in rows} for name, rows in counts.items()}
        return {"crashes": self.crashes} | by_kind | {t: self.house.value(f"SELECT count(*) FROM {t}") for t in tables}
