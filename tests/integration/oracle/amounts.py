"""Rounding, splitting and calendars of the oracle: exact fractions, one rounding at the end (docs/money.md, units)."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import zoneinfo
from fractions import Fraction

UTC = datetime.timezone.utc
DAY_S = 86400
GPU_HOUR = 3_600_000  # milli-GPU-seconds
EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}  # ISO 4217


def half_even(value):
    return round(Fraction(value))


def half_away(value):
    value = Fraction(value)
    size = abs(value) + Fraction(1, 2)
    whole = size.numerator // size.denominator
    return whole if value >= 0 else -whole


def micro_per_minor(currency):
    return 10 ** (6 - EXPONENTS[currency])


def minor_of(micro, currency):
    """An invoice line's amount: rounded once, from the micro total."""
    return half_away(Fraction(micro, micro_per_minor(currency)))


def largest_remainder(total, weights):
    """Parts that sum to total, by weights that sum to more than 0; what is left over goes to the largest remainders, ties to the first."""
    if total < 0:
        return [-part for part in largest_remainder(-total, weights)]
    whole = sum(weights)
    if whole == 0:
        return [0 for _ in weights]
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [value.numerator // value.denominator for value in exact]
    order = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[:total - sum(parts)]:
        parts[i] += 1
    return parts


def are_largest_remainder(total, weights, parts):
    """Whether parts are such ones, however ties were broken."""
    whole = sum(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    more = [value - part for value, part in zip(exact, parts) if part < value]        # the remainders of those that were cut off
    less = [value - part + 1 for value, part in zip(exact, parts) if part > value]    # and of those that got one more
    return sum(parts) == total and all(abs(value - part) < 1 for value, part in zip(exact, parts)) and (not more or not less or max(more) <= min(less))


def part_of_time(total, begin, end, whole):
    """Cumulative rounding: what falls into [begin, end) of a whole."""
    return half_away(Fraction(total * end, whole)) - half_away(Fraction(total * begin, whole))


def instant(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def text_of(at):
    return datetime.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight_after(at):
    """The first UTC midnight that is not before the instant."""
    return -(-at // DAY_S) * DAY_S


def local(at, zone):
    return datetime.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone))


def month_of(at, zone):
    """The billing period that holds an instant: a calendar month of the zone, as UTC instants."""
    first = local(at, zone).replace(day=1, hour=0, minute=0, second=0, tzinfo=None)
    following = (first + datetime.timedelta(days=32)).replace(day=1)
    return tuple(int(each.replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp()) for each in (first, following))


def months_between(begin, end, zone):
    """Every billing period that [begin, end) touches."""
    found, at = [], begin
    while at < end:
        found.append(month_of(at, zone))
        at = found[-1][1]
    return found
