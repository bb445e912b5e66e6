"""Every kind of charge, over three months in the calendar of Berlin: each line's arithmetic holds and goes back to facts, and FOCUS has all of it."""
# SPDX-License-Identifier: Apache-2.0

import csv
import datetime
import decimal
import hashlib
import os
import pathlib
import random
import re
import zlib
from fractions import Fraction

import pytest

from test_focus import UNSUPPORTED, amount, broken, export, rules

ZONE, SLOW = "us-east-1a", "us-west-1a"
TIERS = [{"up_to_gpu_hours": 100, "gpu_hour": "2.490000"}, {"up_to_gpu_hours": None, "gpu_hour": "2.190000"}]
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PRICES = {
    "night.8x": {"gpu_hour": "3.000000", "windows": [{"days": EVERY_DAY, "from": "22:00", "to": "06:00", "gpu_hour": "1.000000"}]},
    "graduated.8x": {"gpu_hour": "2.490000", "model": "graduated", "tiers": TIERS},
    "volume.8x": {"gpu_hour": "2.490000", "model": "volume", "tiers": TIERS},
    "package.8x": {"gpu_hour": "1.900000", "model": "package", "package_gpu_hours": 100},
    "minimum.8x": {"gpu_hour": "2.000000", "minimum_s": 7200},
    "loyal.8x": {"gpu_hour": "2.000000"},
    "own.8x": {"gpu_hour": "2.000000"},
}
# name: instance type, window
RESERVED = {
    "flat": ("h100.8x", "2026-01-10T00:00:00Z", "2026-01-12T12:34:57Z"),
    "night": ("night.8x", "2026-01-10T00:00:00Z", "2026-01-11T03:21:07Z"),
    "graduated": ("graduated.8x", "2026-01-10T00:00:00Z", "2026-01-10T20:00:01Z"),
    "other graduated": ("graduated.8x", "2026-01-11T00:00:00Z", "2026-01-11T03:00:07Z"),
    "volume": ("volume.8x", "2026-01-13T00:00:00Z", "2026-01-13T20:00:01Z"),
    "package": ("package.8x", "2026-01-13T00:00:00Z", "2026-01-13T20:00:01Z"),
    "short": ("minimum.8x", "2026-01-14T00:00:00Z", "2026-01-14T00:30:00Z"),
    "loyal": ("loyal.8x", "2026-01-14T00:00:00Z", "2026-01-14T10:20:30Z"),
    "own": ("own.8x", "2026-01-15T00:00:00Z", "2026-01-16T06:00:00Z"),
    "never": ("loyal.8x", "2026-01-25T00:00:00Z", "2026-01-26T00:00:00Z"),
    "left early": ("h100.8x", "2026-01-27T00:00:00Z", "2026-01-29T00:00:00Z"),
    "over the end": ("loyal.8x", "2026-01-31T12:00:00Z", "2026-02-02T07:00:01Z"),
}
METERS = {"egress": ("GB", "sum"), "storage": ("TB", "level"), "seats": ("licences", "sum")}
INCLUDED = {"model": "graduated", "tiers": [{"up_to_gpu_hours": 10, "gpu_hour": "0.000000"}, {"up_to_gpu_hours": None, "gpu_hour": "0.090000"}]}
# Tenants that are billed by meters, too, in currencies of two decimals, of none and of three: currency, what is given to them, what a credit note
# takes back, and prices.
CARRIERS = {
    "carrier": ("USD", "5.00", "0.070000", {"egress": ("0.000000", INCLUDED), "storage": ("3.100000", {}), "seats": ("7.000000", {"model": "package", "package_gpu_hours": 5})}),
    "yen": ("JPY", "500", "3.000000", {"h100.8x": ("380.000000", {}), "minimum.8x": ("310.500000", {"minimum_s": 7200}), "egress": ("13.500000", {}), "storage": ("0.333333", {})}),
    "dinar": ("KWD", "5.000", "0.001000", {"h100.8x": ("0.765000", {}), "minimum.8x": ("0.612345", {"minimum_s": 7200}), "egress": ("0.027001", {}), "storage": ("0.000777", {})}),
}


def usd(text):
    return {"amount": text, "currency": "USD"}


class Twins:
    """Tenants with one reservation each, of every price model, that was quoted before: ids, and what each was told it costs."""

    def __init__(self, stack, dice, count=10):
        self.told = {}
        for number in range(count):
            kind = dice.choice([*sorted(PRICES.keys() - {"loyal.8x"}), "h100.8x", "shape"])  # that one's price is corrected later
            name = f"twin-{number}-{kind.split('.')[0]}"
            who = stack.tenant(name, may_shape=True, billing_timezone=dice.choice(("UTC", "Europe/Berlin", "Asia/Kolkata")))
            starts = datetime.datetime(2026, 1, 3) + datetime.timedelta(seconds=dice.randrange(27 * 86400))
            ends = starts + datetime.timedelta(seconds=dice.randrange(1, 40 * 3600))
            subject = {"tenant": name, "sku_kind": "instance_type", "sku": kind} if kind != "shape" else {"tenant": name, "sku_kind": "gpu_model", "sku": "H100"}
            if dice.random() < 0.5:
                terms = {"percent_bp": dice.randrange(1, 9999)} if dice.random() < 0.7 else {"gpu_hour": usd(f"0.{dice.randrange(10 ** 6):06}")}
                stack.operator.create("/v1/system/discounts", {**subject, **terms, "reason": "loyal"})
            if dice.random() < 0.5:
                changes = starts + (ends - starts) * dice.random()
                stack.operator.create("/v1/system/prices", {**subject, "gpu_hour": usd(f"{dice.randrange(1, 9)}.{dice.randrange(10 ** 6):06}"),
                                                            "valid_from": f"{changes:%Y-%m-%dT%H:%M:%SZ}"})
            what = {"instance_type": kind} if kind != "shape" else {"shape": {"gpu_milli": dice.choice((125, 500)), "gpu_models": ["H100"]}}
            quote = who.create("/v1/quotes", {"zone": ZONE, "count": 1, "starts_at": f"{starts:%Y-%m-%dT%H:%M:%SZ}", "ends_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}", **what})
            made = who.create("/v1/reservations", {"quote": quote["id"]})
            self.told[name] = (who, made["id"], [quote["price"]["estimate"]])

    def live(self):
        """What each is projected to cost now."""
        for who, ident, told in self.told.values():
            told.append(who.get(f"/v1/reservations/{ident}/cost").expect(200).body["projected"])


class Charged:
    """Acme has a commitment of GPU-hours, the spender one of money; the idler is credited in a month in which it uses nothing."""

    def __init__(self, stack):
        self.stack, self.operator = stack, stack.operator
        make = stack.operator.create
        self.seed = os.environ.get("SLUICE_TEST_SEED", "8")
        stack.fleet(16, price="2.490000")
        make("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": "preemptible", "gpu_hour": usd("1.100000")})
        make("/v1/system/prices", {"sku_kind": "gpu_model", "sku": "H100", "gpu_hour": usd("2.700000")})
        for name, price in PRICES.items():
            make("/v1/system/instance-types", {"name": name, "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 9000, "memory_mib": 104857})
            made = make("/v1/system/prices", {"sku_kind": "instance_type", "sku": name, **price, "gpu_hour": usd(price["gpu_hour"])})
            if name == "loyal.8x":
                self.wrong_price = made["id"]
        for kind, steps in (("sla_credit", [{"least": 10, "share_bp": 1000}]), ("cancellation", [{"least": 0, "share_bp": 5000}]),
                            ("early_release", [{"least": 0, "share_bp": 2500}])):
            make("/v1/system/charge-policies", {"kind": kind, "steps": steps})
        self.acme = stack.tenant("acme", tax_rate_bp=1900, billing_timezone="Europe/Berlin", may_shape=True)
        self.spender = stack.tenant("spender", tax_rate_bp=700)
        self.idler = stack.tenant("idler", tax_rate_bp=1900)
        make("/v1/system/prices", {"sku_kind": "instance_type", "sku": "own.8x", "tenant": "acme", "gpu_hour": usd("1.500000"), "valid_from": "2026-01-15T13:00:00Z"})
        make("/v1/system/commitments", {"tenant": "acme", "category": "usage", "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hours": 500,
                                        "unit_price": usd("1.850000"), "first_month": "2026-01-01", "months": 3, "payment_model": "partial_upfront", "upfront_bp": 3333})
        make("/v1/system/commitments", {"tenant": "spender", "category": "spend", "amount": usd("500.00"), "first_month": "2026-01-01", "months": 2})
        make("/v1/system/discounts", {"tenant": "acme", "sku_kind": "instance_type", "sku": "loyal.8x", "percent_bp": 1250, "reason": "loyal"})
        self.ids = {}
        for name, (kind, starts, ends) in RESERVED.items():
            self.reserve(self.acme, name, starts, ends, instance_type=kind)
        self.reserve(self.acme, "spot", "2026-01-20T00:00:00Z", "2026-01-20T02:17:43Z", instance_type="h100.8x", tier="preemptible")
        self.reserve(self.acme, "shape", "2026-01-16T00:00:00Z", "2026-01-16T05:00:03Z", shape={"gpus": 3, "cpu_milli": 1000, "memory_mib": 1024})
        self.reserve(self.spender, "little", "2026-01-05T00:00:00Z", "2026-01-05T10:00:01Z", instance_type="loyal.8x")
        self.reserve(self.spender, "much", "2026-02-05T00:00:00Z", "2026-02-07T10:00:01Z", instance_type="loyal.8x")
        self.reserve(self.idler, "once", "2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z", instance_type="h100.8x")
        stack.zone(SLOW, sim_start_s=90)
        for number in range(2 * len(CARRIERS)):
            stack.node(f"w{number}", SLOW)
        self.carriers = {name: self.carrier(name, *terms) for name, terms in CARRIERS.items()}
        # A package of a hundred million is begun for two seconds of a thousandth of a GPU.
        self.dear = stack.tenant("dear", may_shape=True)
        make("/v1/system/prices", {"sku_kind": "gpu_model", "sku": "H100", "tenant": "dear", "gpu_hour": usd("100.000000"), "model": "package", "package_gpu_hours": 1_000_000})
        self.reserve(self.dear, "tiny", "2026-01-05T00:00:00Z", "2026-01-05T00:00:02Z", shape={"gpu_milli": 1, "gpu_models": ["H100"]})
        self.twins = Twins(stack, random.Random(self.seed))
        self.live()

    def carrier(self, name, currency, given, _, prices):
        if not self.operator.items("/v1/system/meters"):
            for meter, (unit, aggregation) in METERS.items():
                self.operator.create("/v1/system/meters", {"name": meter, "unit": unit, "aggregation": aggregation})
        who = self.stack.tenant(name, tax_rate_bp=1900, currency=currency)
        for sku, (text, more) in prices.items():
            kind = "meter" if sku in METERS else "instance_type"
            self.operator.create("/v1/system/prices", {"sku_kind": kind, "sku": sku, "gpu_hour": {"amount": text, "currency": currency}, **more})
        self.operator.create("/v1/system/charge-policies", {"kind": "sla_credit", "tenant": name, "steps": [{"least": 1, "share_bp": 2500}]})
        self.operator.post("/v1/system/credit-grants", {"tenant": name, "kind": "promotional", "amount": {"amount": given, "currency": currency},
                                                        "expires_at": "2026-02-02T12:00:00Z"}).expect(201)
        self.reserve(who, f"{name}'s", "2026-01-05T00:00:00Z", "2026-01-25T00:00:01Z", instance_type="h100.8x", zone=SLOW)
        self.reserve(who, f"{name}'s short", "2026-01-06T00:00:00Z", "2026-01-06T00:30:01Z", instance_type="minimum.8x", zone=SLOW)
        return who

    def report(self, name, meter, quantity, to, since=None):
        self.reported += 1
        item = {"event": f"e{self.reported}", "reservation": self.ids[f"{name}'s"], "meter": meter, "to": to, "quantity": quantity}
        self.operator.post("/v1/system/meter-readings", {"items": [item if since is None else {**item, "from": since}]}).expect(204)

    def reserve(self, who, name, starts, ends, **what):
        self.ids[name] = who.create("/v1/reservations", {"zone": ZONE, "count": 1, "name": name, "labels": {"team": "a"}, "starts_at": starts, "ends_at": ends, **what})["id"]

    def correct(self, name, starts, ends, gpu_milli):
        self.operator.create("/v1/system/usage-corrections", {"reservation": self.ids[name], "starts_at": starts, "ends_at": ends, "gpu_milli": gpu_milli, "reason": "seen late"})

    def act(self, action):
        """What is held and stopped is charged, too."""
        for name, who in self.carriers.items():
            (instance,) = who.items(f"/v1/instances?reservation={self.ids[name + chr(39) + 's']}")
            who.post(f"/v1/instances/{instance['id']}/actions", {"action": action}).expect(202)

    def carry(self):
        """On the 28th of January."""
        for name in CARRIERS:
            self.report(name, "egress", "13.751000", "2026-01-07T12:00:00Z")
            self.report(name, "storage", "500.500000", "2026-01-08T12:00:00Z", "2026-01-08T00:00:00Z")
            self.report(name, "seats", "12.000000", "2026-01-09T12:00:00Z")

    def carry_late(self):
        """After January was invoiced: a reading, a price that was wrong, an outage; and an invoice whose place another takes, which is credited then."""
        finance = self.stack.token("finance")
        prices = self.operator.items("/v1/system/prices?sku=egress")
        for name, (currency, _, some, _) in CARRIERS.items():
            (invoice,) = self.carriers[name].items("/v1/invoices")
            draft = finance.post(f"/v1/system/invoices/{invoice['id']}/void", {"reason": "to another address"}).expect(201).body["draft"]
            finance.post(f"/v1/system/invoices/{draft}/issue").expect(201)
            metered = [line["line_no"] for line in self.operator.items(f"/v1/system/invoices/{draft}/lines") if line["meter"] == "storage"]
            for lines in ([{"line_no": number, "share_numerator": 1, "share_denominator": 3} for number in (1, *metered)],
                          [{"line_no": number, "net": {"amount": some, "currency": currency}} for number in (1, *metered)]):
                finance.post(f"/v1/system/invoices/{draft}/credit", {"reason": "an outage", "lines": lines}).expect(201)
            finance.post(f"/v1/system/invoices/{draft}/credit", {"reason": "another", "share": {"numerator": 1, "denominator": 7}}).expect(201)
            self.report(name, "egress", "2.000000", "2026-01-20T12:00:00Z")
            self.correct(f"{name}'s", "2026-01-10T05:00:00Z", "2026-01-10T08:20:00Z", -8000)
            (wrong,) = [price for price in prices if price["gpu_hour"]["currency"] == currency]
            tiers = {"tiers": [{**tier, "gpu_hour": "0.010000"} for tier in INCLUDED["tiers"]], "model": "graduated"} if name == "carrier" else {}
            self.operator.create("/v1/system/prices", {"sku_kind": "meter", "sku": "egress", "corrects": wrong["id"],
                                                       "gpu_hour": {"amount": "0.010000", "currency": currency}, **tiers})

    def live(self):
        stack, acme, self.reported = self.stack, self.acme, 0
        self.twins.live()
        stack.advance("2026-01-10T07:08:09Z")
        self.twins.live()
        self.act("stop")
        stack.advance("2026-01-24T00:00:00Z")
        self.twins.live()
        self.act("start")
        acme.post(f"/v1/reservations/{self.ids['never']}/cancel").expect(200)
        stack.advance("2026-01-28T01:02:03Z")
        acme.post(f"/v1/reservations/{self.ids['left early']}/cancel").expect(200)
        self.carry()
        stack.advance("2026-02-03T00:00:00Z")
        finance = stack.token("finance")
        for who, lines in ((acme, [{"line_no": 1, "gpu_milli_seconds": 28_800_000}, {"line_no": 4, "share_numerator": 1, "share_denominator": 3}]),
                           (acme, [{"line_no": 4, "share_numerator": 1, "share_denominator": 3}, {"line_no": 5, "net": usd("1.010000")}]), (self.idler, None)):
            (invoice,) = who.items("/v1/invoices")
            finance.post(f"/v1/system/invoices/{invoice['id']}/credit", {"reason": "an outage", **({"lines": lines} if lines else {})}).expect(201)
        acme.patch(f"/v1/reservations/{self.ids['short']}", {"name": "renamed"}, headers={"If-Match": "*"}).expect(200)
        self.correct("flat", "2026-01-10T05:00:00Z", "2026-01-10T08:20:00Z", -8000)
        self.correct("spot", "2026-01-20T00:00:00Z", "2026-01-20T00:00:07Z", 1)
        self.correct("graduated", "2026-01-10T05:00:00Z", "2026-01-10T08:20:00Z", 1000)
        self.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "loyal.8x", "corrects": self.wrong_price, "gpu_hour": usd("1.900000")})
        self.carry_late()
        stack.advance("2026-03-02T00:00:00Z")
        self.correct("flat", "2026-01-11T05:00:00Z", "2026-01-11T08:20:01Z", -8000)
        stack.advance("2026-04-02T00:00:00Z")

    def tenants(self):
        return {"acme": self.acme, "spender": self.spender, "idler": self.idler, "dear": self.dear, **self.carriers}

    def lines(self):
        """Each line of each invoice with what explains it."""
        for who in self.tenants().values():
            for invoice in who.items("/v1/invoices"):
                for line in who.items(f"/v1/invoices/{invoice['id']}/lines"):
                    path = f"/v1/invoices/{invoice['id']}/lines/{line['line_no']}/explain"
                    yield who, line, path, who.get(path).expect(200).body


@pytest.fixture(scope="module")
def charged(module_stack):
    return Charged(module_stack)


# ---- Doing again what is spelled out ----


def half_even(exact):
    return round(exact)


def value(text):
    """"2490000 x 7 + 3 x 4 x 8750/10000", or "7 - 3"."""
    total = Fraction(0)
    for sign, product in re.findall(r"(^|[+-]) ?(-?[\dx /]+)", text):
        part = Fraction(1)
        for factor in product.strip().split(" x "):
            part *= Fraction(factor)
        total += -part if sign == "-" else part
    return total


def again(how):
    """What a step's arithmetic comes to, or None where words say how."""
    if found := re.fullmatch(r"\((.+?)\) / (\d+), half to even", how):
        return half_even(value(found[1]) / int(found[2]))
    if found := re.match(r"\((.+?)( begun packages)?\) / (\d+), half to even: (-?\d+) for the tenant's (\d+) .+? at this price; of it (\d+) / \5", how):
        whole = half_even(value(found[1]) / int(found[3]))
        assert whole == int(found[4]), how
        return whole * int(found[6]) // int(found[5]), whole * int(found[6]) // int(found[5]) + 1  # largest remainder
    if found := re.fullmatch(r"(\d+) x (\d+) / 10000 minor units, half away from zero, of (\d+) micro-units", how):
        return (int(found[1]) * int(found[2]) * 2 + 10000) // 20000 * int(found[3])
    if found := re.fullmatch(r"(\d+) x (\d+) / (\d+) less (\d+) x (\d+) / (\d+) minor units, each half away from zero, of (\d+) micro-units", how):
        total, until, whole, _, since, _, micro = map(int, found.groups())
        return ((total * until * 2 + whole) // (2 * whole) - (total * since * 2 + whole) // (2 * whole)) * micro
    if found := re.match(r"(-?\d+) / 10000 of the (-?\d+) that", how):
        return half_even(Fraction(int(found[1]) * int(found[2]), 10000)) * (-1 if "given back" in how else 1)
    if re.fullmatch(r"-?\d+( [+-] \d+)+", how):
        return value(how)
    return None


def micro(money):
    return int(decimal.Decimal(money["amount"]) * 1_000_000)


def test_each_line_is_the_sum_of_its_steps_and_each_step_can_be_done_again(charged):
    kinds, done = set(), 0
    for _, line, _, explained in charged.lines():
        steps = {step["what"]: step for step in explained["steps"]}
        names = [step["what"] for step in explained["steps"]]
        quantity = next(name for name in names if name.startswith("quantity, in "))
        amounts = names[names.index(quantity) + 1:names.index("exact amount, in micro-units")]
        for parts, total in ((names[:names.index(quantity)], quantity), (amounts, "exact amount, in micro-units")):
            assert not parts or sum(int(steps[part]["result"]) for part in parts) == int(steps[total]["result"]), (line, explained["steps"])
        assert int(steps["exact amount, in micro-units"]["result"]) == micro(line["amount_exact"])
        assert line["meter"] or int(steps[quantity]["result"]) == line["gpu_milli_seconds"]
        for step in explained["steps"][:-3]:
            expected = again(step["how"])
            if expected is not None:
                done += 1
                assert int(step["result"]) in (expected if isinstance(expected, tuple) else (expected,)), (line, step)
        kinds.add((line["category"], line["class"], line["reason"]))
    assert kinds >= {("usage", None, None), ("usage", "correction", None), ("purchase", None, None), ("adjustment", None, "minimum"),
                     ("adjustment", None, "cancellation"), ("adjustment", None, "early_release")}
    assert done > 40


def test_usage_and_corrections_behind_a_line_are_what_its_price_was_paid_for(charged):
    seen = set()
    for who, line, path, explained in charged.lines():
        if line["category"] != "usage" or line["reservation"] is None:
            continue
        usage, corrections = who.items(f"{path}/usage?limit=2"), who.items(f"{path}/corrections?limit=1")
        if line["meter"]:
            assert usage == corrections == [], "no GPU-time is behind what was metered"
            continue
        behind = sum(each["gpu_milli_seconds"] for each in usage if each["is_billed"]) + sum(each["gpu_milli_seconds"] for each in corrections)
        assert behind == int(explained["steps"][0]["result"]), (line, usage, corrections)
        assert charged.ids[explained["reservation_name"]] == line["reservation"]
        seen |= {(explained["reservation_name"], line["class"], bool(corrections))}
    assert seen >= {("flat", "correction", True), ("flat", None, False), ("own", None, False), ("shape", None, False), ("loyal", "correction", False)}


def test_a_line_names_its_reservation_as_it_was_called_in_every_document(charged):
    names = {ident: name for name, ident in charged.ids.items()}
    for who in (charged.acme, charged.spender):
        for invoice in who.items("/v1/invoices"):
            lines = who.items(f"/v1/invoices/{invoice['id']}/lines")
            assert all(line["reservation_name"] == names.get(line["reservation"]) for line in lines)
            pdf = who.get(f"/v1/invoices/{invoice['id']}/pdf", headers={"Accept": "application/pdf"}).expect(200).content
            assert hashlib.sha256(pdf).hexdigest() == invoice["pdf_sha256"], "as it was issued, whatever it is called now"
            printed = b"".join(zlib.decompress(stream) for stream in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", pdf, re.DOTALL))
            assert all(f"{line['reservation_name']}, {line['reservation']}".encode() in printed for line in lines if line["reservation"])
    previewed = charged.acme.get("/v1/invoice-preview?month=2026-01-01").expect(200).body["lines"]
    assert {line["reservation_name"] for line in previewed} >= {"flat", "renamed", None} and charged.acme.get(f"/v1/reservations/{charged.ids['short']}").body["name"] == "renamed"
    (note, _) = charged.acme.items("/v1/credit-notes")
    credited = charged.acme.items(f"/v1/credit-notes/{note['id']}/lines")
    assert all(names[line["reservation"]] == line["reservation_name"] for line in credited)


def test_a_minimum_and_a_cancellation_say_what_they_are_of(charged):
    told = {line["reason"]: explained["steps"][1]["how"] for who, line, _, explained in charged.lines() if line["reason"] and who is charged.acme}
    assert told["minimum"].startswith("43200000 milli-GPU-seconds that lacked to the minimum of 7200 s of 1 instances")
    assert told["cancellation"].startswith("5000 / 10000 of the 336000000 ")  # 24 h of 8 GPUs at 2.00, an eighth off


def test_a_line_of_a_credit_note_is_explained(charged):
    credited = {}
    for note in charged.acme.items("/v1/credit-notes"):
        for line in charged.acme.items(f"/v1/credit-notes/{note['id']}/lines"):
            path = f"/v1/credit-notes/{note['id']}/lines/{line['line_no']}/explain"
            told = charged.acme.get(path).expect(200).body
            exact, net = told["steps"][:2]
            (billed,) = [each for each in charged.acme.items(f"/v1/invoices/{note['invoice']}/lines") if each["line_no"] == line["invoice_line_no"]]
            before_u, before = credited.get(line["invoice_line_no"], (0, 0))
            found = re.match(r"(\d+) x (\d+) / (\d+) ", exact["how"])
            assert int(exact["result"]) == (half_even(Fraction(int(found[1]) * int(found[2]), int(found[3]))) if found else 1_010_000)
            assert told["description"] == billed["description"] and told["reservation"] == billed["reservation"]
            then_u = before_u + int(exact["result"])
            assert before + int(net["result"]) == (then_u + 5000) // 10000, "rounded with what was credited of the line before"
            credited[line["invoice_line_no"]] = (then_u, before + int(net["result"]))
            assert charged.operator.get(path.replace("/v1/", "/v1/system/")).expect(200).body == told
            charged.spender.get(path).expect(404)
    assert sorted(credited) == [1, 4, 5]


# ---- One function: quote, live cost, preview and invoice ----


def test_quote_live_cost_preview_and_invoice_agree_to_the_micro_unit(charged):
    for name, (who, ident, told) in charged.twins.told.items():
        lines = [line for invoice in who.items("/v1/invoices") for line in who.items(f"/v1/invoices/{invoice['id']}/lines")]
        cost = who.get(f"/v1/reservations/{ident}/cost").expect(200).body
        previewed = [line for month in ("2026-01-01", "2026-02-01") for line in who.get(f"/v1/invoice-preview?month={month}").expect(200).body["lines"]]
        minimum = sum(micro(line["amount_exact"]) for line in lines if line["reason"] == "minimum")
        quoted, *projected = told
        assert micro(quoted) == micro(cost["billed"]), (name, told, cost, minimum, charged.seed)
        for said in (*projected, cost["so_far"], cost["projected"]):
            assert micro(said) + minimum == micro(cost["billed"]), (name, told, cost, minimum, charged.seed)
        assert sum(micro(line["amount_exact"]) for line in lines) == sum(micro(line["amount_exact"]) for line in previewed) == micro(cost["billed"]), (name, charged.seed)


def test_a_quote_of_less_than_a_minimum_tells_what_lacks_to_it(charged):
    """Of each instance alone, as it is billed."""
    dinar = charged.carriers["dinar"]
    wish = {"zone": ZONE, "count": 2, "instance_type": "minimum.8x", "starts_at": "2026-05-02T00:00:00Z", "ends_at": "2026-05-02T00:30:01Z"}
    used, lacks = half_even(Fraction(612_345 * 16 * 1801, 3600)), half_even(Fraction(612_345 * 8 * (7200 - 1801), 3600))
    quoted = dinar.create("/v1/quotes", wish)["price"]
    assert micro(quoted["estimate"]) == used + 2 * lacks
    assert dinar.post("/v1/quotes?validate_only=true", wish).expect(200).body["price"]["estimate"] == quoted["estimate"]


# ---- Meters and voids ----


def test_a_quote_tells_what_is_metered_besides(charged):
    dinar = charged.carriers["dinar"]
    wish = {"zone": ZONE, "count": 1, "instance_type": "h100.8x", "starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-05-01T01:00:00Z"}
    charged.operator.create("/v1/system/prices", {"sku_kind": "meter", "sku": "storage", "tenant": "dinar", "gpu_hour": {"amount": "0.000500", "currency": "KWD"}})
    listed, own = dinar.create("/v1/quotes", wish)["price"]["metered"]
    assert (listed["meter"], listed["unit"], listed["model"], listed["unit_price"]) == ("egress", "GB", "flat", {"amount": "0.010000", "currency": "KWD"})
    assert (own["meter"], own["unit"], own["unit_price"]["amount"]) == ("storage", "TB-Hours", "0.000500")
    assert dinar.get(f"/v1/prices/{own['price']}").expect(200).body["tenant"] == "dinar"
    previewed = dinar.post("/v1/quotes?validate_only=true", wish).expect(200).body["price"]
    assert previewed == {"hourly": {"amount": "6.120000", "currency": "KWD"}, "estimate": {"amount": "6.120000", "currency": "KWD"}, "metered": [listed, own]}


def test_a_preview_and_a_simulated_deal_ask_the_price_of_their_project(charged):
    yen = charged.carriers["yen"]
    yen.create("/v1/projects", {"name": "research"})
    charged.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "yen", "project": "research",
                                                  "gpu_hour": {"amount": "1.000000", "currency": "JPY"}})
    wish = {"zone": ZONE, "count": 1, "instance_type": "h100.8x", "project": "research", "starts_at": "2026-05-01T00:00:00Z", "ends_at": "2026-05-01T01:00:00Z"}
    previewed = yen.post("/v1/quotes?validate_only=true", wish).expect(200).body["price"]
    (simulated,) = charged.operator.post("/v1/system/simulate", {"zone": ZONE, "tenant": "yen", "reservations": [wish]}).expect(200).body["items"]
    assert simulated["earned"]["estimate"] == previewed["estimate"] == {"amount": "8.000000", "currency": "JPY"}
    assert previewed == yen.create("/v1/quotes", wish)["price"]


@pytest.mark.parametrize("name", CARRIERS)
def test_an_invoice_in_the_place_of_a_void_one_draws_what_that_had_drawn(charged, name):
    """The grant was over by the time it was issued, and of what it had drawn credit notes give back what was paid first, which is nothing."""
    (grant,) = charged.carriers[name].items("/v1/credit-grants")
    void, issued, _ = charged.carriers[name].items("/v1/invoices")
    assert (void["status"], issued["status"], grant["expires_at"]) == ("void", "issued", "2026-02-02T12:00:00Z")
    assert issued["issued_at"] > grant["expires_at"]
    assert (grant["state"], grant["expired"]["amount"].strip("0.")) == ("used_up", "")


# ---- FOCUS ----


def keep(name, rows):
    """For the validator of others, if it is asked for: docs/focus.md."""
    directory = os.environ.get("SLUICE_FOCUS_DIRECTORY")
    if directory and rows:
        with open(pathlib.Path(directory) / name, "w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, rows[0].keys())
            out.writeheader()
            out.writerows(rows)


@pytest.mark.parametrize("name", ("acme", "spender", "idler", "dear", *CARRIERS))
def test_focus_has_every_charge_correction_and_credit_note(charged, name):
    who = charged.tenants()[name]
    owed = {each["number"]: decimal.Decimal(each["total"]["amount"]) for each in who.items("/v1/invoices")}
    void = {each["number"] for each in who.items("/v1/invoices") if each["status"] == "void"}
    notes = {each["number"]: each for each in who.items("/v1/credit-notes")}
    owed |= {number: -decimal.Decimal(each["total"]["amount"]) for number, each in notes.items()}
    if name in CARRIERS:
        assert (len(void), len(notes)) == (1, 3)
    charges, details = {}, {}
    for month in ("2026-01-01", "2026-02-01", "2026-03-01"):
        for kept, dataset, path in ((charges, "CostAndUsage", "cost-and-usage"), (details, "InvoiceDetail", "invoice-details")):
            known = rules(dataset)
            rows = export(who, f"/v1/focus/{path}?month={month}")
            keep(f"{name}-{path}-{month}.csv", rows)
            for row in rows:
                wrong = [(column, cell, fault) for column, cell in row.items() if (fault := broken(known[column], cell))]
                assert not wrong and set(row) == set(known) - UNSUPPORTED[dataset], wrong
                kept.setdefault((row["InvoiceId"], row["InvoiceDetailId"]), []).append(row)
    for kept in (charges, details):
        for number, total in owed.items():
            due = 0 if kept is charges and number in void else total  # its charges are of the invoice in its place
            assert sum(amount(row) for key, rows in kept.items() if key[0] == number for row in rows) == due, number
    assert set(charges) <= set(details), "each charge is of a line that an invoice or credit note has"
    for key, rows in details.items():
        assert {row["InvoiceIssueStatus"] for row in rows} == {"Voided" if key[0] in void else "Issued"}
        assert key[0] in void or sum(map(amount, rows)) == sum(map(amount, charges.get(key, []))), key
        if key[0] in notes:
            assert {row["ReferenceInvoiceId"] for row in rows} == {notes[key[0]]["invoice_number"]}
            assert {(row["ChargeCategory"], row["ChargeClass"]) for row in charges.get(key, [])} <= {("Credit", "Correction"), ("Tax", "Correction")}
    for row in (row for rows in charges.values() for row in rows):
        if row["ChargeCategory"] in ("Usage", "Purchase"):
            assert row["SkuId"] and row["SkuPriceId"] and row["PricingCategory"] and row["PricingUnit"], row
        assert row["ChargeDescription"][0].isupper() and row["ChargePeriodStart"] < row["ChargePeriodEnd"]
    if name in CARRIERS:
        told = {(row["ChargeCategory"], row["ChargeClass"], row["SkuMeter"], row["CapacityReservationStatus"]) for rows in charges.values() for row in rows}
        assert told >= {("Usage", "", "GPU-Hours", "Unused"), ("Usage", "", "storage", ""), ("Usage", "Correction", "egress", ""), ("Credit", "", "", ""),
                        ("Credit", "Correction", "storage", ""), ("Adjustment", "", "GPU-Hours", ""), ("Tax", "Correction", "", "")}
    assert {row["BillingPeriodStart"] for row in export(who, "/v1/focus/billing-periods")} >= {row["BillingPeriodStart"] for rows in details.values() for row in rows}
    assert charged.stack.sql("SELECT name FROM sluice.billing_check WHERE violations > 0") == []
