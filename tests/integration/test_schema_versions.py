"""Which programs run upon which schema: upon any number of migrations more than they know, up to one that excludes them."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import re
import signal
import subprocess

import pytest

from contract import ROOT, binaries
from stack import Client, eventually

DAEMONS = ["sluice-api", "sluice-provisioner", "sluice-billing"]
KNOWN = int(re.search(r"#define DB_SCHEMA_KNOWN (\d+)", (ROOT / "common/db.h").read_text())[1])


def migrate_beyond(cluster, database, count, oldest_known=0):
    """As that many migrations would of which the last one excludes programs that do not know oldest_known."""
    with contextlib.closing(cluster.connect(database)) as connection, connection.cursor() as cursor:
        for version in range(KNOWN + 1, KNOWN + count + 1):
            cursor.execute("INSERT INTO schema_migration (version, name, checksum, oldest_known) VALUES (%s, 'from_the_future', '', %s)",
                           (version, oldest_known if version == KNOWN + count else 0))


def refused(cluster, database, program):
    """What a daemon says that does not start."""
    environment = dict(os.environ, SLUICE_DATABASE_URL=cluster.url(database))
    done = subprocess.run([binaries() / program], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode not in (0, -signal.SIGABRT)
    return done.stderr


def unready(daemon):
    """What /readyz says of the database, where it is not 200."""
    answer = Client(daemon.admin_port).get("/readyz?verbose")
    return answer.status == 503 and answer.content.decode()


def test_the_programs_know_the_newest_migration_and_say_so():
    newest = max(int(path.name.split("_")[0]) for path in (ROOT / "migrations").glob("[0-9]*.sql"))
    assert KNOWN == newest
    for program in DAEMONS:
        said = subprocess.run([binaries() / program, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.endswith(f"(knows schema {newest})\n"), said


def test_programs_start_and_work_upon_ten_migrations_more(stack):
    migrate_beyond(stack.cluster, stack.database, 10, oldest_known=KNOWN)
    for daemon in stack.daemons.values():
        daemon.stop()
        daemon.start()  # waits for /readyz
    stack.fleet(nodes=1)
    stack.advance("2026-01-01T01:00:00Z")


@pytest.mark.parametrize("program", DAEMONS)
def test_a_daemon_does_not_start_upon_a_schema_that_excludes_it(cluster, database, program):
    migrate_beyond(cluster, database, 10, oldest_known=KNOWN + 5)
    said = refused(cluster, database, program)
    assert f"the database has schema {KNOWN + 10}, upon which programs run that know {KNOWN + 5} at least" in said, said
    assert f"this one knows {KNOWN}: replace it by that of a later release" in said, said


@pytest.mark.parametrize("program", DAEMONS)
def test_a_daemon_does_not_start_upon_a_schema_that_lacks_what_it_needs(cluster, database, program):
    with contextlib.closing(cluster.connect(database)) as connection, connection.cursor() as cursor:
        # As it was before the database said which programs may run: a column less.
        cursor.execute("DELETE FROM schema_migration WHERE version > 80; ALTER TABLE schema_migration DROP COLUMN oldest_known")
    said = refused(cluster, database, program)
    assert "the database has schema 80, this program needs" in said and "run the deploy/migrate of its release" in said, said


def test_daemons_that_run_say_that_the_schema_has_outrun_them(stack):
    migrate_beyond(stack.cluster, stack.database, 1, oldest_known=KNOWN + 1)
    for daemon in stack.daemons.values():
        eventually(lambda daemon=daemon: unready(daemon), f"{daemon.name} is not ready")
    for daemon in (stack.api, stack.provisioner):
        assert f"this one knows {KNOWN}: replace it by that of a later release" in unready(daemon)
    eventually(lambda: "replace it by that of a later release" in stack.billing.log.read_text(), "the log of billing says why")
