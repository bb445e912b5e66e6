"""What a credit limit holds for a reservation is the most that it can come to, whenever it is ended: against every second, priced by hand."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import random

import pytest

from bookkeeping import UTC, Bookkeeping

SEED = 80231
CASES = 150
HOUR = 3600
BEGIN = datetime.datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def books(cluster, tmp_path):
    made = Bookkeeping(cluster, tmp_path, start="2026-03-01T00:00:00Z")
    yield made
    made.close()


def after(hours):
    return BEGIN + datetime.timedelta(hours=hours)


def history(chance):
    """Prices one after the other: from and until (hours), micro-units a GPU-hour, hours of the minimum; and a window and the day's close so far."""
    edges = [0, *sorted(chance.sample(range(1, 40), chance.randrange(3))), 1000]
    prices = [(start, end, chance.randrange(1, 9) * HOUR, chance.choice((0, 0, 1, 5, 12, 30))) for start, end in zip(edges, edges[1:])]
    starts = chance.randrange(0, 30)
    ends = starts + chance.randrange(1, 20)
    closed = chance.choice((0, 0, 24, 48))
    return prices, starts, ends, closed


def owed(prices, starts, closed, end_s, gpus):
    """Beyond what is rated, if it is ended at a second: what it used since, and what lacks to the minimum of the price that holds at the end."""
    from_s = max(starts, closed) * HOUR
    amount = sum(max(0, min(end_s, until * HOUR) - max(from_s, start * HOUR)) * price for start, until, price, _ in prices)
    ((price, minimum),) = [(price, minimum) for start, until, price, minimum in prices if start * HOUR <= end_s - 1 < until * HOUR]
    return (amount + max(0, minimum * HOUR - (end_s - starts * HOUR)) * price) * gpus // HOUR


def test_a_hold_is_the_most_that_a_reservation_can_still_come_to_whenever_it_is_ended(books):
    chance = random.Random(SEED)
    print("seed", SEED)
    acme = books.tenant("acme")
    for case in range(CASES):
        prices, starts, ends, closed = history(chance)
        kind = books.instance_type(f"t{case}")
        gpus = chance.randrange(1, 5)
        books.run("DELETE FROM billing_day")
        if closed > 0:
            books.run("INSERT INTO billing_day (day) VALUES (%s)", (after(closed) - datetime.timedelta(days=1)).date())
        for start, until, price, minimum in prices:
            books.price(f"t{case}", price, after(start), after(until), minimum_s=minimum * HOUR)
        held = books.value("SELECT credit_need(%s, 'default', %s, NULL, 'reserved', 'USD', %s, %s, %s)", acme, kind, after(starts), after(ends), gpus * 1000)
        first, last = max(starts, closed) * HOUR + 1, ends * HOUR
        # What is owed rises with each second but where a price ends: the most is at one of its ends.
        seconds = {each for start, until, _, _ in prices for each in (start * HOUR + 1, until * HOUR) if first <= each <= last} | {first, last}
        expected = max(owed(prices, starts, closed, each, gpus) for each in seconds) if first <= last else 0
        assert held == expected, (case, prices, starts, ends, closed, gpus)
        for _ in range(5):
            if first <= last:
                assert owed(prices, starts, closed, chance.randint(first, last), gpus) <= held, (case, prices, starts, ends, closed)
