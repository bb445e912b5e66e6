"""Rating, commitments, invoices and credit notes, by the formulas of docs/money.md (G13 to G23 of tests/unit/golden) and nothing else."""
# SPDX-License-Identifier: Apache-2.0

from fractions import Fraction

from exact import GPU_H, away, cumulative, even, hamilton


def tariff(dice):
    model = dice.choice(("flat", "graduated", "volume", "package"))
    unit = dice.choice((1, 10_000, dice.randrange(1, 5_000_000)))
    ends = sorted(dice.sample(range(1, 2000), dice.randrange(0, 4)))
    tiers = [(end, dice.randrange(1, 5_000_000)) for end in [*ends, None]] if model in ("graduated", "volume") else []
    return {"model": model, "unit": unit, "package": dice.randrange(1, 200) if model == "package" else 0, "tiers": tiers}


def exactly(of, quantity):
    """What a quantity comes to before it is rounded."""
    hours = Fraction(abs(quantity), GPU_H)
    if of["model"] == "flat":
        amount = of["unit"] * hours
    elif of["model"] == "package":
        amount = of["unit"] * of["package"] * -(-hours // of["package"])
    elif of["model"] == "volume":
        amount = next(unit for end, unit in of["tiers"] if end is None or hours <= end) * hours
    else:
        amount, below = Fraction(0), 0
        for end, unit in of["tiers"]:
            within = max(Fraction(0), (hours if end is None else min(hours, end)) - below)
            amount, below = amount + unit * within, end
    return amount if quantity >= 0 else -amount


def some_quantity(dice):
    """At tiers' ends, at exact halves of a micro-unit, and anywhere."""
    return dice.choice((GPU_H * dice.randrange(0, 2100), 1_800_000 * dice.randrange(1, 999), dice.randrange(0, 2100 * GPU_H)))


def tariffs(dice):
    of, quantity = tariff(dice), some_quantity(dice) * dice.choice((1, 1, 1, -1))
    return {"kind": "tariff", **of, "quantity": quantity}, even(exactly(of, quantity))


def flat_periods(dice):
    """A reservation's usage at one price: summed exactly, discount off, rounded once."""
    unit, off = dice.choice((1, 10_000, dice.randrange(1, 5_000_000))), dice.choice((0, 0, 5000, dice.randrange(0, 10_001)))
    items = [{"group": 0, "is_tariff": 0, "unit": unit, "discount_bp": off, "quantity": some_quantity(dice)} for _ in range(dice.randrange(1, 9))]
    whole = even(Fraction(unit * (10_000 - off) * sum(item["quantity"] for item in items), 10_000 * GPU_H))
    return period(items), lambda told: sum(told["billed"]) == whole


def tariff_periods(dice):
    """The tariff of the tenant's total, split by largest remainder; each share's discount off by itself."""
    of = {**tariff(dice)}
    items = [{"group": n, "is_tariff": 1, "unit": 0, "discount_bp": dice.choice((0, 5000, 1000)), "quantity": some_quantity(dice)} for n in range(dice.randrange(1, 9))]
    if of["model"] == "flat" or not any(item["quantity"] for item in items):
        return None
    total = even(exactly(of, sum(item["quantity"] for item in items)))
    parts = hamilton(total, [item["quantity"] for item in items])
    return period(items, of), {"billed": [even(Fraction(part * (10_000 - item["discount_bp"]), 10_000)) for part, item in zip(parts, items)], "used": 0, "overage": 0}


def period(items, of=None, committed=0, cost=0):
    return {"kind": "period", "items": items, "tariff": of or {"model": "flat", "unit": 0, "tiers": []}, "committed": committed, "cost": cost}


def commitments(dice):
    """Used, unused and overage of GPU-hours (G14)."""
    hours, price, unit = dice.randrange(1, 6000), dice.randrange(1, 2_000_000), dice.randrange(1, 3_000_000)
    quantity = some_quantity(dice)
    cost = hours * price
    covered = min(quantity, hours * GPU_H)
    overage = even(Fraction(unit * (quantity - covered), GPU_H))
    used = even(Fraction(cost * covered, hours * GPU_H))
    item = {"group": 0, "is_tariff": 0, "unit": unit, "discount_bp": 0, "quantity": quantity}
    return period([item], None, hours * GPU_H, cost), {"billed": [overage], "used": used, "overage": overage}


def terms(dice):
    """What is paid upfront is spread over the term by time, the rest falls due in equal parts (G22)."""
    count, total = dice.randrange(1, 37), dice.choice((dice.randrange(1, 10 ** 8), 4 * dice.randrange(1000) + 1))
    marks = [dice.randrange(0, 10 ** 9)]
    for _ in range(count):
        marks.append(marks[-1] + 86_400 * dice.choice((28, 29, 30, 31)) + dice.choice((0, 0, 3600, -3600)))
    upfront_bp = dice.choice((0, 5000, 5000, 10_000, dice.randrange(0, 10_001)))
    upfront = away(Fraction(total * upfront_bp, 10_000))
    parts = cumulative(total - upfront, [Fraction(n, count) for n in range(count + 1)])
    spread = cumulative(upfront, [Fraction(mark - marks[0], marks[-1] - marks[0]) for mark in marks])
    costs = [[part + (upfront if n == 0 else 0), part + more] for n, (part, more) in enumerate(zip(parts, spread))]
    assert sum(cost for _, cost in costs) == sum(billed for billed, _ in costs) == total
    return {"kind": "commitment", "total": total, "upfront_bp": upfront_bp, "marks": marks}, costs


def invoices(dice):
    """Lines rounded from their micro totals, tax once on their sum and shown by largest remainder (G16)."""
    exponent = dice.choice((0, 2, 2, 3))
    size = 10 ** (6 - exponent)
    signs = dice.choice(((1,), (1,), (-1,), (1, 1, -1)))  # credits by rule are lines of the next invoice
    def amount():
        return dice.choice((dice.randrange(0, 10 ** 10), size // 2 * dice.randrange(0, 2000), 1001 * size, size * dice.randrange(0, 200)))

    amounts = [dice.choice(signs) * amount() for _ in range(dice.randrange(1, 9))]
    nets = [away(Fraction(amount, size)) for amount in amounts]
    rate = dice.choice((0, 500, 700, 825, 1900, 2550, 5000, dice.randrange(0, 10_001)))
    tax = away(Fraction(sum(nets) * rate, 10_000))
    sums = {"nets": nets, "tax": tax, "total": sum(nets) + tax}
    return {"kind": "invoice", "amounts": amounts, "exponent": exponent, "rate_bp": rate}, lambda told: (
        {name: told[name] for name in sums} == sums and is_split(tax, nets, rate, told["shown"]))


def is_split(tax, nets, rate, shown):
    """Each line shows its own tax, cut off or rounded up; those that are rounded up have the largest remainders, and lines of one sign
    are split as Hamilton has it."""
    if sum(shown) != tax or any(abs(part - Fraction(net * rate, 10_000)) >= 1 for part, net in zip(shown, nets)):
        return False
    whole = [abs(net) * rate // 10_000 for net in nets]
    is_of_one_sign = all(net >= 0 for net in nets) or all(net <= 0 for net in nets)
    rests = sorted(((abs(net) * rate % 10_000, abs(part) - floor) for net, part, floor in zip(nets, shown, whole)), reverse=True)
    given = [more for _, more in rests]
    return not is_of_one_sign or (set(given) <= {0, 1} and all(one[1] >= other[1] for one, other in zip(rests, rests[1:]) if one[0] > other[0]))


def credit_notes(dice):
    """Shares of a line, rounded together with what was credited before; tax follows the credited net; never more than there was (G15)."""
    net, rate = dice.randrange(1, 10 ** 7), dice.choice((0, 700, 1900, 2500, 5000))
    tax, denominator = away(Fraction(net * rate, 10_000)), dice.randrange(1, 9)
    amount = net * 10_000  # whole cents
    shares = [(1, denominator)] * denominator + [(1, denominator)]
    expected, credited_u, credited, taxed = [], 0, 0, 0
    for numerator, of in shares:
        then_u = credited_u + even(Fraction(amount * numerator, of))
        if away(Fraction(then_u, 10_000)) > net:
            expected.append(None)
            continue
        credited_u, now = then_u, away(Fraction(then_u, 10_000))
        now_taxed = away(Fraction(tax * now, net))
        expected.append([now - credited, now_taxed - taxed])
        credited, taxed = now, now_taxed
    return {"kind": "credits", "amount": amount, "net": net, "tax": tax, "exponent": 2, "shares": shares}, lambda told: (
        told[:denominator] == expected[:denominator] and sum(note[0] for note in told[:denominator]) == net and sum(note[1] for note in told[:denominator]) == tax
        and told[denominator] is None)


EXAMPLES = (tariffs, tariffs, flat_periods, tariff_periods, commitments, terms, invoices, credit_notes)
