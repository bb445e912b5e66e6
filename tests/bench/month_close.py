"""The close of a month, as sluice-billing does it: from the start of the daemon to the last invoice issued and numbered."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import datetime
import shutil
import time

from billed_month import write_month
from bookkeeping import Bookkeeping
from cluster import Cluster, scratch_directory
from cpu import cpu_us
from stack import eventually

TENANTS, RESERVATIONS = 1000, 100  # of each tenant: 100,000 in all
BAR_S = 60

# What no close can do without: summing the rated lines by group and writing a line each, in one statement.
BASELINE = """
CREATE TABLE baseline (LIKE invoice_line INCLUDING ALL);
INSERT INTO baseline (invoice_id, line_no, tenant_id, reservation_id, price_id, description, gpu_milli_seconds, amount_u, net_minor, tax_shown_minor)
SELECT tenant_id, row_number() OVER (PARTITION BY tenant_id ORDER BY reservation_id), tenant_id, reservation_id, price_id, 'a line', sum(gpu_milli_seconds),
       sum(amount_u), round(sum(amount_u) / 10000), 0
  FROM rated_line GROUP BY tenant_id, reservation_id, price_id;
"""


def measure():
    """Rows for a table. The clock is the real one, so that each commit is as durable as in production."""
    with contextlib.ExitStack() as cleanup:
        directory = scratch_directory(on_disk=True)
        cleanup.callback(shutil.rmtree, directory, ignore_errors=True)
        cluster = Cluster(directory / "pg", fsync=True, small=False)  # as deploy/up makes the real one
        cleanup.callback(cluster.remove)
        return close(cluster.start(), directory)


def close(cluster, directory):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    month = (today.replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
    with contextlib.closing(Bookkeeping(cluster, directory, start=None)) as books:
        with books.connection.cursor() as cursor:
            write_month(cursor, month, today - datetime.timedelta(days=1), TENANTS, RESERVATIONS)
            started = time.monotonic()
            cursor.execute(BASELINE)
            baseline_s = time.monotonic() - started
            cursor.execute("DROP TABLE baseline; CHECKPOINT")
        started = time.monotonic()
        books.daemon.launch()
        eventually(lambda: books.value("SELECT finished_at IS NOT NULL FROM month_close WHERE month = %s UNION ALL SELECT false LIMIT 1", month), "the month is closed", 600)
        took_s = time.monotonic() - started
        cpu_s = {"sluice-billing": cpu_us(books.daemon.process.pid) / 1e6,
                 "postgres": sum(cpu_us(row["pid"]) for row in books.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice-billing'")) / 1e6}
        books.daemon.wait_ready()
        assert books.value("SELECT count(*) FROM invoice WHERE status = 'issued' AND pdf_sha256 IS NOT NULL") == TENANTS
        assert books.value("SELECT count(*) FROM invoice_line") == TENANTS * RESERVATIONS
        assert books.rows("SELECT * FROM check_invoices") == []
    return [
        {"what": f"month close: {TENANTS} tenants, {TENANTS * RESERVATIONS} reservations", "seconds": f"{took_s:.1f}",
         "CPU s": ", ".join(f"{name} {used:.1f}" for name, used in cpu_s.items()), "invoices/s": f"{TENANTS / took_s:.0f}",
         "to baseline": f"{took_s / baseline_s:.1f}x", "bar": f"< {BAR_S} s"},
        {"what": "baseline: the same lines by one INSERT ... SELECT ... GROUP BY", "seconds": f"{baseline_s:.1f}",
         "CPU s": "", "invoices/s": "", "to baseline": "", "bar": ""},
    ]
