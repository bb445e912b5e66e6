"""From events to rated lines: how long sluice-billing takes for a day, beside a bare COPY of the rows it writes.

Not a program of its own: tests/bench/run --only billing."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import io
import shutil
import time

from bookkeeping import Bookkeeping
from cluster import Cluster, scratch_directory
from stack import eventually

DAY = "2026-03-02"
NEXT_DAY = "2026-03-03"
RESERVATIONS = 20_000
TENANTS = 200
# What each instance goes through, in seconds of the day: five intervals, and then the window ends.
STATES = (("planned", 0), ("running", 300), ("stopped", 20_000), ("running", 40_000), ("replacing", 50_000), ("running", 50_600),
          ("terminated", 80_000))


def fill(books):
    """Reservations of one instance each, with the events of a day that has not been closed."""
    books.run("INSERT INTO tenant (id, name) SELECT gen_random_uuid(), 't' || n FROM generate_series(1, %s) n", TENANTS)
    eight = books.instance_type("h100.8x")
    books.price("h100.8x", 2_490_000, "2026-01-01T00:00:00Z")
    node = books.node("n1", states=("ready",))
    books.run("""
        INSERT INTO reservation (id, tenant_id, principal_id, zone_id, instance_type_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
                                 memory_mib, count, tier)
        SELECT gen_random_uuid(), t.id, gen_random_uuid(), %s, %s, 8, 0, '{}', 0, 0, 1, 'reserved'
          FROM (SELECT id, row_number() OVER () - 1 AS n FROM tenant) t JOIN generate_series(0, %s - 1) AS s (number) ON s.number %% %s = t.n""",
              books.zone, eight, RESERVATIONS, TENANTS)
    books.run("""
        INSERT INTO instance (id, tenant_id, reservation_id, ordinal, zone_id, node_id, state, gpu_milli, cpu_milli, memory_mib, starts_at, ends_at)
        SELECT gen_random_uuid(), tenant_id, id, 0, zone_id, %s, 'planned', 8000, 0, 0, %s, %s::timestamptz + %s * interval '1 second'
          FROM reservation""", node, DAY, DAY, STATES[-1][1])
    for revision, (state, second) in enumerate(STATES, 1):
        books.run("""
            SELECT count(event_append(i.tenant_id, i.zone_id, 'instance', i.id, %s, 'instance.' || %s, NULL, jsonb_build_object('state', %s,
                     'reservation_id', i.reservation_id, 'node_id', i.node_id, 'gpu_milli', i.gpu_milli,
                     'starts_at', extract(epoch FROM i.starts_at)::bigint, 'ends_at', extract(epoch FROM i.ends_at)::bigint),
                   i.starts_at + %s * interval '1 second')) FROM instance i""", revision, state, state, second)
    books.run("ANALYZE")


def copied_s(books, table):
    """Seconds that a bare COPY of a table's rows into one like it takes, indexes included."""
    rows = io.StringIO()
    with books.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY (SELECT * FROM {table}) TO STDOUT", rows)
        cursor.execute(f"CREATE TABLE copied (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)")
        rows.seek(0)
        started = time.monotonic()
        cursor.copy_expert("COPY copied FROM STDIN", rows)
        took = time.monotonic() - started
        cursor.execute("DROP TABLE copied")
    return took


def measure():
    """Rows of the table that tests/bench/run prints."""
    with contextlib.ExitStack() as stack:
        folder = scratch_directory(on_disk=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(folder / "pg", fsync=True, small=False).start()  # as deploy/up makes the real one
        stack.callback(cluster.stop)
        books = Bookkeeping(cluster, folder, start=f"{DAY}T00:00:00Z")
        stack.callback(books.close)
        fill(books)
        books.tick(f"{NEXT_DAY}T00:00:00Z")
        started = time.monotonic()
        books.daemon.launch()
        eventually(lambda: books.value("SELECT count(*) FROM billing_day WHERE day = %s", DAY) == 1, "the day is closed", 200)
        took = time.monotonic() - started
        intervals = books.value("SELECT count(*) FROM usage_interval")
        lines = books.value("SELECT count(*) FROM rated_line")
        copied = copied_s(books, "usage_interval") + copied_s(books, "rated_line")
        books.sound()
    return [
        {"what": "events to intervals to rated lines, a day of 20,000 reservations", "intervals": intervals, "lines": lines, "seconds": f"{took:.2f}",
         "intervals per s": round(intervals / took), "to baseline": f"{copied / took:.2f}x", "bar": "20000"},
        {"what": "bare COPY of the same rows, with their indexes", "intervals": intervals, "lines": lines, "seconds": f"{copied:.2f}",
         "intervals per s": round(intervals / copied), "to baseline": "", "bar": ""},
    ]
