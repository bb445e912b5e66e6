"""A day's close with readings of meters beside the same day without: so many reservations that report a meter each hour, a hundred tenants and one
that has a tenth of them all. The month is near its end: 28 days of sums and lines are there already.

Not a program of its own: tests/bench/run --only meters."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import shutil
import time

from bookkeeping import Bookkeeping
from cluster import Cluster, scratch_directory
from cpu import cpu_us
from stack import eventually

TENANTS = 100
WITHOUT, DAY, NEXT_DAY = "2026-03-29", "2026-03-30", "2026-03-31"


def fill(books, reservations):
    """Tenants with reservations; the first has a tenth of all."""
    books.run("INSERT INTO tenant (id, name) SELECT gen_random_uuid(), 't' || n FROM generate_series(0, %s) n", TENANTS)
    books.run("""
        INSERT INTO reservation (id, tenant_id, principal_id, zone_id, gpu_count, gpu_milli, gpu_models, cpu_milli, memory_mib, count, tier)
        SELECT gen_random_uuid(), t.id, gen_random_uuid(), %s, 8, 0, '{}', 0, 0, 1, 'reserved'
          FROM (SELECT id, row_number() OVER (ORDER BY name) - 1 AS n FROM tenant) t
          JOIN generate_series(0, %s - 1) AS s (number) ON CASE WHEN s.number %% 10 = 0 THEN 0 ELSE 1 + s.number / 10 %% %s END = t.n""",
              books.zone, reservations, TENANTS)
    books.run("INSERT INTO meter (id, name, unit, aggregation, decimals) VALUES (gen_random_uuid(), 'egress', 'GB', 'sum', 3)")
    books.price("egress", 90_000, "2026-03-01T00:00:00Z", kind="meter", tier="any", created_at="2026-02-01T00:00:00Z")
    books.node("n1")


def fill_month(books):
    """What closes before left: a sum and a line a day."""
    books.run("SELECT partition_ensure('meter_usage', '2026-03-01', '2026-03-31'), partition_ensure('meter_reading', '2026-03-01', '2026-03-31')")
    books.run("INSERT INTO billing_day (day) SELECT d::date FROM generate_series('2026-03-01'::timestamp, %s::timestamp - interval '1 day', '1 day') d", WITHOUT)
    books.run("INSERT INTO billing_period (tenant_id, starts_at, ends_at) SELECT id, '2026-03-01', '2026-04-01' FROM tenant")
    books.run("""
        INSERT INTO meter_usage (tenant_id, reservation_id, meter_id, starts_at, ends_at, counted_with, quantity)
        SELECT r.tenant_id, r.id, m.id, d, d + interval '1 day', d::date, 24000
          FROM reservation r, meter m, generate_series('2026-03-01'::timestamptz, %s::timestamptz - interval '1 day', '1 day') d""", WITHOUT)
    books.run("""
        INSERT INTO rated_line (day, tenant_id, reservation_id, price_id, list_price_id, period_start, charge_category, currency, seconds, gpu_milli_seconds,
                                list_u, contracted_u, effective_u, amount_u, meter_id, meter_quantity)
        SELECT u.counted_with, u.tenant_id, u.reservation_id, p.id, NULL, '2026-03-01', 'usage', 'USD', 0, 0, 2160000, 2160000, 2160000, 2160000,
               u.meter_id, u.quantity FROM meter_usage u, price p""")


def report(books):
    """A reading each hour of the day."""
    books.run("""
        INSERT INTO meter_reading (tenant_id, event_id, reservation_id, meter_id, from_at, to_at, quantity_milli)
        SELECT r.tenant_id, r.id || '-' || h, r.id, m.id, %s::timestamptz + h * interval '1 hour', %s::timestamptz + (h + 1) * interval '1 hour', 1000
          FROM generate_series(0, 23) h, meter m, reservation r""", DAY, DAY)


def peak_mib(pid):
    """The most memory that a process held so far."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        (line,) = [line for line in file if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


def close(books, day, midnight):
    """Seconds that the close of the day takes, and CPU seconds of the daemon in it."""
    pid = books.daemon.process.pid
    used, started = cpu_us(pid), time.monotonic()
    books.tick(f"{midnight}T00:00:00Z")
    eventually(lambda: books.value("SELECT count(*) FROM billing_day WHERE day = %s", day) == 1, "the day is closed", 300)
    return time.monotonic() - started, (cpu_us(pid) - used) / 1e6


def measure(reservations):
    """Rows of the table that tests/bench/run prints."""
    with contextlib.ExitStack() as stack:
        folder = scratch_directory(on_disk=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(folder / "pg", fsync=True, small=False).start()
        stack.callback(cluster.stop)
        books = Bookkeeping(cluster, folder, start=f"{WITHOUT}T23:59:59Z")
        stack.callback(books.close)
        fill(books, reservations)
        fill_month(books)
        books.run("ANALYZE")
        books.daemon.launch()
        bare_s, bare_cpu_s = close(books, WITHOUT, DAY)
        report(books)
        started = time.monotonic()
        books.tick(f"{DAY}T23:59:59Z")
        eventually(lambda: books.value("SELECT coalesce(sum(quantity), 0) FROM meter_usage WHERE starts_at = %s", DAY) == reservations * 24_000, "all is counted", 200)
        counted_s = time.monotonic() - started
        eventually(lambda: books.value("SELECT count(*) FROM provisional_day WHERE day = %s AND as_of = sluice_now()", DAY) == 1, "the open day is told", 100)
        close_s, cpu_s = close(books, DAY, NEXT_DAY)
        largest = books.value("SELECT max(n) FROM (SELECT count(*) AS n FROM reservation GROUP BY tenant_id) t")
        assert books.value("SELECT sum(amount_u) FROM rated_line WHERE day = %s", DAY) == reservations * 2_160_000
        what = f"{reservations:,} reservations, {largest:,} of one tenant"
        return [
            {"what": f"a day's close, {what}, no readings", "seconds": f"{bare_s:.2f}", "CPU s": f"{bare_cpu_s:.2f}", "per s": "", "MiB": ""},
            {"what": "counting 24 readings of each", "seconds": f"{counted_s:.1f}", "CPU s": "", "per s": round(reservations * 24 / counted_s), "MiB": ""},
            {"what": "a day's close with them, at a month's end", "seconds": f"{close_s:.2f}", "CPU s": f"{cpu_s:.2f}", "per s": round(reservations / close_s),
             "MiB": peak_mib(books.daemon.process.pid)},
        ]
