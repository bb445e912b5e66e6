"""The close of a day that breaks off at each of its commits, while facts go on arriving."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import datetime
import uuid

import pytest

from bookkeeping import Bookkeeping
from stack import STOPPED_WITHIN_S, eventually

# Which row of a close is refused, so that all before it stays and it has no effect: table and condition.
BROKEN = [
    ("usage_interval", "true"),
    ("billing_cut", "true"),
    ("rated_line", "NEW.charge_category = 'usage' AND NEW.meter_id IS NULL"),
    ("rated_line", "NEW.charge_category = 'usage' AND NEW.meter_id IS NOT NULL"),
    ("rated_line", "NEW.reason = 'minimum'"),
    ("asset_book", "true"),
    ("depreciation", "true"),
    ("cost_summary", "true"),
    ("journal", "NEW.source_type = 'depreciation'"),
    ("journal", "NEW.source_type = 'rating'"),
    ("billing_day", "true"),
]
REFUSE = """
CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING MESSAGE = 'refused on purpose';
END $$"""
FIRST = datetime.date(2026, 3, 2)
GPU_HOUR, GB = 2_490_000, 90_000  # in micro-units


def at(day, time):
    return f"{day}T{time}:00Z"


class Closing:
    """Each day the same happens: an instance runs all day, one is charged its minimum duration, one has no price yet, one is prolonged after it was
    over, a reading is reported before midnight and one after, and an asset is bought before and one after."""

    def __init__(self, cluster, directory):
        self.books = books = Bookkeeping(cluster, directory, start=at(FIRST, "00:00"))
        books.run(REFUSE)
        self.tenant = books.tenant("acme")
        self.nodes = [books.node(f"n{number}", cost_minor=10_000_00) for number in range(4)]
        self.types = {name: books.instance_type(name) for name in ("all-day", "short", "late", "prolonged")}
        for name in ("all-day", "prolonged"):
            books.price(name, GPU_HOUR, "2026-01-01T00:00:00Z")
        books.price("short", GPU_HOUR, "2026-01-01T00:00:00Z", minimum_s=3600)
        self.meters = {name: str(uuid.uuid4()) for name in ("egress", "seats")}
        for name, made in self.meters.items():
            books.insert("meter", {"id": made, "name": name, "unit": "GB", "aggregation": "sum", "decimals": 3})
        books.price("egress", GB, "2026-01-01T00:00:00Z", kind="meter", tier="any")
        self.reservations = {name: books.reservation(self.tenant, kind) for name, kind in self.types.items()}
        self.running = self.runs("all-day", 0, FIRST, None)
        books.daemon.start()

    def runs(self, name, node, day, until):
        made = self.books.instance(self.reservations[name], self.tenant, self.nodes[node], at(day, "00:00"), until and at(day, until))
        self.books.instance_becomes(made, "running")
        return made

    def reads(self, meter, day, time, count=1):
        self.books.run("INSERT INTO meter_reading (tenant_id, event_id, reservation_id, meter_id, to_at, quantity_milli)"
                       " SELECT %s, %s || n, %s, %s, %s, 1000 FROM generate_series(1, %s) n",
                       self.tenant, f"{meter}-{day}-{time}-", self.reservations["all-day"], self.meters[meter], at(day, time), count)

    def buys(self, serial, day):
        self.books.insert("asset", {"id": str(uuid.uuid4()), "serial": serial, "node_id": self.nodes[0], "cohort": "c1", "currency": "USD",
                                    "cost_minor": 100_000, "in_service": str(day), "life_months": 60})

    def begins(self, day):
        self.prolonged = self.runs("prolonged", 1, day, "06:00")
        self.runs("short", 2, day, "00:10")
        self.runs("late", 3, day, "01:00")
        self.reads("egress", day, "10:00")
        self.reads("seats", day, "10:00")
        self.buys(f"{day}-before", day)
        self.books.step(at(day, "12:00"))

    def is_late(self, day):
        """What arrives between two attempts."""
        self.reads("egress", day, "23:00")
        self.buys(f"{day}-after", day)
        self.books.price("late", GPU_HOUR, at(day, "00:00"), at(day, "02:00"))
        self.books.price("seats", GB, at(day, "00:00"), at(day, "12:00"), kind="meter", tier="any")
        self.books.instance_becomes(self.prolonged, "running", at=at(day, "05:00"), ends_at=at(day, "09:00"))

    def days_closed(self):
        return self.books.value("SELECT count(*) FROM billing_day")

    def breaks_off(self, day, table, condition):
        """Closes a day in two attempts, of which the first ends in a crash."""
        books, following = self.books, at(day + datetime.timedelta(days=1), "00:00")
        closed = self.days_closed()
        books.run(f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_row()")
        said = books.daemon.log.read_text().count("refused on purpose")
        books.tick(following)
        eventually(lambda: books.daemon.log.read_text().count("refused on purpose") > said, f"a row of {table} is refused")
        assert self.days_closed() == closed
        books.daemon.kill()
        self.is_late(day)
        books.run(f"DROP TRIGGER refuse ON {table}")
        books.daemon.launch()
        eventually(lambda: self.days_closed() == closed + 1, f"the day is closed after all:\n{books.daemon.log_tail()}")
        books.step(following)

    def rated(self):
        return {row["name"]: row["amount_u"] for row in self.books.rows(
            "SELECT coalesce(m.name, p.sku) AS name, sum(l.amount_u)::bigint AS amount_u FROM rated_line l"
            "  JOIN price p ON p.id = l.price_id LEFT JOIN meter m ON m.id = l.meter_id GROUP BY 1")}


@pytest.fixture
def closing(cluster, tmp_path):
    made = Closing(cluster, tmp_path)
    yield made
    made.books.close()


def test_a_close_that_breaks_off_anywhere_ends_although_facts_arrive_meanwhile(closing):
    for number, (table, condition) in enumerate(BROKEN):
        day = FIRST + datetime.timedelta(days=number)
        closing.begins(day)
        closing.breaks_off(day, table, condition)
        assert closing.books.rows("SELECT * FROM check_meters") == [], "a price that was made since is no alarm"
    days = len(BROKEN)
    closing.books.advance(at(FIRST + datetime.timedelta(days=days + 1), "00:00"))
    closing.books.sound()
    hour = 8 * GPU_HOUR
    assert closing.rated() == {"all-day": (days + 1) * 24 * hour, "prolonged": days * 9 * hour, "short": days * hour, "late": days * hour,
                               "egress": 2 * days * GB, "seats": days * GB}
    assert closing.books.value("SELECT count(DISTINCT asset_id) FROM depreciation") == 4 + 2 * days


@contextlib.contextmanager
def kept_from_writing(books, table):
    """Nobody else writes a table meanwhile; yields whether somebody waits for it."""
    with contextlib.closing(books.cluster.connect(books.database)) as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield lambda: books.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass)", table)
        connection.rollback()


def test_a_shutdown_leaves_a_day_open_whose_readings_are_not_all_counted(closing):
    books, following = closing.books, at(FIRST + datetime.timedelta(days=1), "00:00")
    count = 20_001  # more than one transaction counts
    closing.reads("egress", FIRST, "10:00")
    books.step(at(FIRST, "12:00"))
    with contextlib.ExitStack() as counting:
        with kept_from_writing(books, "usage_interval") as is_waited_for:
            books.tick(following)
            eventually(is_waited_for, "the day is being cut")
            closing.reads("egress", FIRST, "23:00", count)
            counting_waits = counting.enter_context(kept_from_writing(books, "meter_usage"))
        eventually(counting_waits, "readings are being counted")
        daemon = books.daemon.process
        daemon.terminate()
    books.daemon.process = None
    assert daemon.wait(STOPPED_WITHIN_S) == 0
    assert books.value("SELECT count(*) FROM billing_cut") == 0 and closing.days_closed() == 0
    books.daemon.launch()
    eventually(lambda: closing.days_closed() == 1, f"the day is closed:\n{books.daemon.log_tail()}")
    assert books.value("SELECT sum(meter_quantity) FROM rated_line WHERE day = %s", FIRST) == (1 + count) * 1000
    books.sound()
