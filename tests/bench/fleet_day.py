"""Depreciation and attribution of one day of a fleet, as sluice-billing does it at a day's close, beside a bare COPY of the
rows it writes. Half of the nodes were delivered, to one reservation or to two; every pool has a rate.

Not a program of its own: tests/bench/run --only billing."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import io
import pathlib
import tempfile
import time

from bookkeeping import Bookkeeping
from cluster import Cluster, scratch_directory
from cpu import cpu_us

NODES = 125_000
BAR_S = 20
BEFORE, DAY, NEXT_DAY = "2026-03-01", "2026-03-02", "2026-03-03"
TABLES = ("depreciation", "node_cost", "cost_allocation")


def write_fleet(books):
    """The usage is of preemptible reservations, stopped: delivered and not billed, so that nothing is rated."""
    tenant = books.tenant("acme")
    reservations = [books.reservation(tenant, tier="preemptible") for _ in range(100)]
    books.run("INSERT INTO power_profile VALUES ('H100', 8, 3400, 10200)")
    for pool, basis, pue in (("power", "kwh", 1300), ("colocation", "kw_month", None), ("operations", "node_month", None),
                             ("network", "gpu_month", None), ("storage", "gpu_month", None)):
        books.run("INSERT INTO cost_rate (id, pool, basis, currency, amount_u, pue_milli, valid)"
                  " VALUES (gen_random_uuid(), %s, %s, 'USD', 85000, %s, '[2026-01-01,)')", pool, basis, pue)
    books.run("INSERT INTO node (id, zone_id, rack_id, name, gpu_model, gpu_count, cpu_milli, memory_mib, enrolled_at)"
              " SELECT gen_random_uuid(), %s, %s, 'n' || n, 'H100', 8, 1, 1, %s FROM generate_series(1, %s) n",
              books.zone, books.rack, BEFORE, NODES)
    books.run("INSERT INTO asset (id, serial, node_id, cohort, currency, cost_minor, salvage_minor, in_service, life_months)"
              " SELECT gen_random_uuid(), name, id, 'c1', 'USD', 31250000, 3125000, date '2025-03-17', 72 FROM node")
    books.run("INSERT INTO asset_book (asset_id, recognised_on, in_service) SELECT id, date '2025-03-17', in_service FROM asset")
    books.run("INSERT INTO meter_node (node_id, starts_at, revision, cause) SELECT id, %s, 1, 'unsold' FROM node", BEFORE)
    books.run("""
        INSERT INTO usage_interval (period_start, period_end, instance_id, seq, tenant_id, reservation_id, node_id, gpu_milli, class)
        SELECT %s::date + half * interval '12 hours', %s::date + half * interval '12 hours' + interval '12 hours',
               gen_random_uuid(), half, %s, (%s::uuid[])[1 + (n + half * (n / 2 %% 2)) %% 100], id, 8000, 'unused'
          FROM (SELECT id, row_number() OVER () AS n FROM node) node, generate_series(0, 1) half WHERE n %% 2 = 0""",
              DAY, DAY, tenant, reservations)
    books.run("INSERT INTO billing_day (day) VALUES (%s)", BEFORE)
    books.run("ANALYZE")
    books.run("CHECKPOINT")


def copied_s(books):
    """Seconds that a bare COPY of the day's rows takes, indexes included."""
    took = 0.0
    with books.connection.cursor() as cursor:
        for table in TABLES:
            rows = io.StringIO()
            cursor.execute("SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                           " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''", (table,))
            (columns,) = cursor.fetchone()
            cursor.copy_expert(f"COPY (SELECT {columns} FROM {table} WHERE day = '{DAY}') TO STDOUT", rows)
            cursor.execute(f"CREATE TABLE copied (LIKE {table} INCLUDING ALL)")
            rows.seek(0)
            started = time.monotonic()
            cursor.copy_expert(f"COPY copied ({columns}) FROM STDIN", rows)
            took += time.monotonic() - started
            cursor.execute("DROP TABLE copied")
    return took


def measure():
    """Rows for a table."""
    with contextlib.ExitStack() as cleanup:
        directory = scratch_directory(on_disk=True)
        cluster = Cluster(directory / "pg", fsync=True, small=False)  # as deploy/up makes the real one
        cleanup.callback(cluster.remove)
        cluster.start()
        scratch = pathlib.Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        books = Bookkeeping(cluster, scratch, start=f"{DAY}T00:00:00Z")
        cleanup.callback(books.close)
        write_fleet(books)
        books.daemon.launch()
        books.step(f"{DAY}T00:00:00Z")
        started, cpu = time.monotonic(), cpu_us(books.daemon.process.pid)
        books.step(f"{NEXT_DAY}T00:00:00Z")
        took_s, own_s = time.monotonic() - started, (cpu_us(books.daemon.process.pid) - cpu) / 1e6
        rows = {table: books.value(f"SELECT count(*) FROM {table} WHERE day = %s", DAY) for table in TABLES}
        violated = books.value("SELECT count(*) FROM check_attribution")
        return [{"day of the fleet": f"{NODES} nodes", "rows": sum(rows.values()), "s": round(took_s, 1), "bar": f"< {BAR_S} s",
                 "own CPU s": round(own_s, 1), "bare COPY s": round(copied_s(books), 1), "node-days that do not sum": violated}]
