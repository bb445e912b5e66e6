"""Depreciation and what happens to assets, period by period, by the formulas of docs/capex.md (G1 to G10 of tests/unit/golden) and nothing else."""
# SPDX-License-Identifier: Apache-2.0

import datetime
from fractions import Fraction

from exact import away

EPOCH = datetime.date(1970, 1, 1)
FACTOR = {"declining_balance_double": Fraction(2), "declining_balance_150": Fraction(3, 2)}


def day_of(year, month, day=1):
    """Months may run over a year's end."""
    return (datetime.date(year + (month - 1) // 12, (month - 1) % 12 + 1, day) - EPOCH).days


def month_after(day, months):
    """The first of a month so many months after that of a day."""
    date = EPOCH + datetime.timedelta(days=day)
    return day_of(date.year, date.month + months)


def same_day_after(day, months):
    """A life ends on the same day of a month (days up to the 28th)."""
    date = EPOCH + datetime.timedelta(days=day)
    return day_of(date.year, date.month + months, date.day)


# Each returns [(day, accumulated)]: at the ends of periods.

def straight_line(terms):
    base, n, first = terms["cost"] - terms["salvage"], terms["life_months"], terms["in_service"]
    if terms["convention"] == "daily":
        end = same_day_after(first, n)
        return [(day, away(Fraction(base * (day - first), end - first))) for day in range(first, end + 1, 7)] + [(end, base)]
    if terms["convention"] == "half_year":
        return [(day_of(year_of(first) + k, 1), away(base * min(Fraction(1), (k - Fraction(1, 2)) * 12 / n))) for k in range(1, n // 12 + 2)]
    begin, half = (1, 0) if terms["convention"] == "next_month" else (0, Fraction(1, 2) if terms["convention"] == "mid_month" else 0)
    rows = n + 1 if half else n
    return [(month_after(first, begin + k), away(base * min(Fraction(1), Fraction(k - half) / n))) for k in range(1, rows + 1)]


def year_of(day):
    return (EPOCH + datetime.timedelta(days=day)).year


def declining(terms):
    """The rate on what is carried, never below salvage; straight line of the remainder from where that is more, which is one line then."""
    step, n, salvage = terms["step_months"], terms["life_months"], terms["salvage"]
    carried, found = terms["cost"], []
    for begin in range(0, n, step):
        rate = carried * FACTOR[terms["method"]] / n
        if Fraction(carried - salvage, n - begin) > rate:
            return found + [(month_after(terms["in_service"], begin + k), terms["cost"] - carried + away(Fraction((carried - salvage) * k, n - begin)))
                            for k in range(step, n - begin + 1, step)]
        carried -= min(away(rate * step), carried - salvage)
        found.append((month_after(terms["in_service"], begin + step), terms["cost"] - carried))
    return found


def by_digits(terms):
    """D (n - k + 1) / (n (n + 1) / 2), summed and then rounded."""
    base, step = terms["cost"] - terms["salvage"], terms["step_months"]
    n = terms["life_months"] // step
    return [(month_after(terms["in_service"], k * step), away(Fraction(base * sum(n - j + 1 for j in range(1, k + 1)), n * (n + 1) // 2))) for k in range(1, n + 1)]


METHODS = {"straight_line": straight_line, "declining_balance_double": declining, "declining_balance_150": declining, "sum_of_years_digits": by_digits}


def random_terms(dice, method, convention):
    cost = dice.choice((dice.randrange(100, 10 ** 8), 1000 * dice.randrange(1, 10 ** 5)))
    lives = (12, 24, 36, 48, 60, 72, 84) if method != "straight_line" or convention == "half_year" else (12, 18, 36, 48, 60, 66, 72, 120)
    day = 1 if method != "straight_line" else dice.randrange(1, 29)
    return {"method": method, "convention": convention, "in_service": day_of(dice.randrange(2020, 2030), dice.randrange(1, 13), day),
            "life_months": dice.choice(lives), "cost": cost, "salvage": dice.choice((0, cost // 10, dice.randrange(0, cost))), "step_months": dice.choice((12, 1))}


def schedules(dice):
    """Of every method and convention."""
    method = dice.choice(tuple(METHODS))
    convention = dice.choice(("daily", "full_month", "next_month", "mid_month", "half_year")) if method == "straight_line" else "full_month"
    terms = random_terms(dice, method, convention)
    rows = METHODS[method](terms)
    return {"kind": "life", "terms": terms, "changes": [], "at": [(day, 0) for day, _ in rows]}, {
        "amounts": [], "balances": [[terms["cost"], accumulated, 0] for _, accumulated in rows]}


def units(dice):
    terms = {**random_terms(dice, "straight_line", "daily"), "method": "units_of_production", "step_months": 12, "lifetime_units": 3_600_000 * dice.randrange(1000, 300_000)}
    at = sorted((terms["in_service"] + dice.randrange(1, 2000), dice.randrange(0, 2 * terms["lifetime_units"])) for _ in range(5))
    base = terms["cost"] - terms["salvage"]
    return {"kind": "life", "terms": terms, "changes": [], "at": at}, {
        "amounts": [], "balances": [[terms["cost"], away(Fraction(base * min(used, terms["lifetime_units"]), terms["lifetime_units"])), 0] for _, used in at]}


# ---- What happens to an asset of straight line and full months, after so many of them ----

def asset(dice):
    terms = random_terms(dice, "straight_line", "full_month")
    terms["in_service"] = month_after(terms["in_service"], 0)
    after = dice.randrange(1, terms["life_months"])
    accumulated = away(Fraction((terms["cost"] - terms["salvage"]) * after, terms["life_months"]))
    return terms, after, accumulated


def goes_on(terms, after, balance, salvage, left):
    """What is asked, and what is carried then: (NBV - S) / remaining, from a change on."""
    cost, accumulated, impairment = balance
    base = cost - accumulated - impairment - salvage
    rows = [(month_after(terms["in_service"], after + k), [cost, accumulated + away(Fraction(base * k, left)), impairment]) for k in range(0, left + 1)]
    return [(day, 0) for day, _ in rows], [row for _, row in rows]


def asked(terms, after, change, at):
    return {"kind": "life", "terms": terms, "changes": [{"day": month_after(terms["in_service"], after), **change}], "at": at}


def re_estimates(dice):
    """Another life or salvage value, or both: prospective only (G7)."""
    terms, after, accumulated = asset(dice)
    life = dice.randrange(after + 1, 240)
    salvage = dice.randrange(0, terms["cost"] - accumulated + 1)
    at, balances = goes_on(terms, after, (terms["cost"], accumulated, 0), salvage, life - after)
    return asked(terms, after, {"kind": "re_estimate", "life_months": life, "salvage": salvage}, at), {"amounts": [0], "balances": balances}


def impairments(dice):
    """ASC 360: only if undiscounted flows are below what is carried, to fair value. IAS 36: to the higher of fair value less costs and value in use (G8)."""
    terms, after, accumulated = asset(dice)
    carried = terms["cost"] - accumulated
    numbers = {name: dice.randrange(0, carried + carried // 5 + 2) for name in ("undiscounted", "fair_value", "value_in_use")}
    standard, selling = dice.choice(("asc_360", "ias_36")), dice.randrange(0, carried // 10 + 1)
    worth = numbers["fair_value"] if standard == "asc_360" else max(numbers["fair_value"] - selling, numbers["value_in_use"])
    loss = carried - worth if standard == "ias_36" or carried > numbers["undiscounted"] else 0
    salvage = min(terms["salvage"], carried - max(loss, 0))
    balance = (terms["cost"], accumulated, max(loss, 0))
    at, balances = goes_on(terms, after, balance, salvage if loss > 0 else terms["salvage"], terms["life_months"] - after)
    if loss <= 0:  # nothing happens: the schedule is that of before
        balances = [[terms["cost"], away(Fraction((terms["cost"] - terms["salvage"]) * (after + k), terms["life_months"])), 0] for k in range(len(at))]
    change = {"kind": "impair", "standard": standard, "selling_cost": selling, **numbers}
    return asked(terms, after, change, at), {"amounts": [-loss if loss > 0 else None], "balances": balances}


def reversals(dice):
    """Up to what would be carried had there been no loss (IAS 36.117, G8)."""
    terms, after, accumulated = asset(dice)
    carried = terms["cost"] - accumulated
    if terms["life_months"] - after < 3 or carried - terms["salvage"] < 100:
        return None
    worth = dice.randrange(terms["salvage"], carried)
    later = after + dice.randrange(1, terms["life_months"] - after)
    impaired = worth - away(Fraction((worth - terms["salvage"]) * (later - after), terms["life_months"] - after))
    cap = terms["cost"] - away(Fraction((terms["cost"] - terms["salvage"]) * later, terms["life_months"]))
    recoverable = dice.choice((cap + dice.randrange(0, 10 ** 6), dice.randrange(0, cap + 1)))
    amount = min(recoverable, cap) - impaired
    changes = [{"kind": "impair", "standard": "ias_36", "fair_value": worth, "day": month_after(terms["in_service"], after)},
               {"kind": "reverse", "standard": "ias_36", "fair_value": recoverable, "day": month_after(terms["in_service"], later)}]
    return {"kind": "life", "terms": terms, "changes": changes, "at": [(month_after(terms["in_service"], later), 0)]}, {
        "amounts": [worth - carried, amount if amount > 0 else None],
        "balances": [[terms["cost"], terms["cost"] - (carried - worth) - impaired, carried - worth - max(amount, 0)]]}


def replacements(dice):
    """So many of so many equal parts go with their share of what is carried (G10)."""
    terms, after, accumulated = asset(dice)
    total = dice.choice((2, 4, 8))
    count = dice.randrange(1, total)
    proceeds = dice.choice((0, dice.randrange(0, 100_000)))
    carried = terms["cost"] - accumulated
    gone, gone_of_it = (away(Fraction(amount * count, total)) for amount in (carried, accumulated))
    change = {"kind": "replace_part", "part_count": count, "part_total": total, "proceeds": proceeds}
    return asked(terms, after, change, [(month_after(terms["in_service"], after), 0)]), {
        "amounts": [proceeds - gone], "balances": [[terms["cost"] - gone - gone_of_it, accumulated - gone_of_it, 0]]}


def disposals(dice):
    """By days, to the day exclusive: net proceeds less what is carried (G9)."""
    terms = random_terms(dice, "straight_line", "daily")
    end = same_day_after(terms["in_service"], terms["life_months"])
    day = dice.randrange(terms["in_service"] + 1, end)
    carried = terms["cost"] - away(Fraction((terms["cost"] - terms["salvage"]) * (day - terms["in_service"]), end - terms["in_service"]))
    proceeds, selling = dice.randrange(0, terms["cost"]), dice.randrange(0, 10_000)
    change = {"kind": "dispose", "day": day, "proceeds": proceeds, "selling_cost": selling}
    return {"kind": "life", "terms": terms, "changes": [change], "at": [(day, 0)]}, {"amounts": [proceeds - selling - carried], "balances": [[0, 0, 0]]}


EXAMPLES = (schedules, schedules, schedules, units, re_estimates, impairments, reversals, replacements, disposals)
