"""A backup comes back as it was: to the last change in the archive, or to an instant, checked and with a new generation."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import subprocess

import pytest

from cluster import DEPLOY, Cluster
from stack import eventually

NODE = "00000000-0000-7000-8000-00000000000a"


@pytest.fixture
def origin(scratch):
    """A cluster of its own with a migrated database, because it is archived from."""
    made = Cluster(scratch / "origin")
    try:
        made.start_prepared()
        made.drop_database("sluice")
        made.copy_template("sluice")
        yield made
    finally:
        made.remove()


@pytest.fixture
def restored(scratch):
    made = Cluster(scratch / "restored")
    yield made
    made.remove()


def ask(cluster, query, parameters=None):
    with contextlib.closing(cluster.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []


def add_tenant(cluster, number):
    ask(cluster, "INSERT INTO tenant (id, name) VALUES (gen_random_uuid(), %s)", (f"tenant-{number}",))


def tenants(cluster):
    return [row[0] for row in ask(cluster, "SELECT name FROM tenant ORDER BY name")]


def deploy(script, *arguments):
    return subprocess.run([DEPLOY / script, *arguments], capture_output=True, text=True, check=False)


def backup(origin, directory, *arguments):
    done = deploy("backup", "--to", directory, "--dir", origin.directory, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def archive_everything(origin, directory):
    """Closes the running WAL segment and waits until the archive has it."""
    segment = ask(origin, "SELECT pg_walfile_name(pg_switch_wal())")[0][0]
    eventually((directory / "wal" / segment).exists, f"{segment} is archived")


def test_a_restore_brings_back_what_was_committed_after_the_base(origin, restored, scratch):
    store = scratch / "store-all"
    add_tenant(origin, 1)
    ask(origin, """
        INSERT INTO event_cursor VALUES ('billing', 1, '7', 7);
        INSERT INTO account (code, currency, kind) VALUES ('cash', 'USD', 'asset'), ('capital', 'USD', 'equity');
        INSERT INTO journal (idempotency_key, posted_at, source_type) VALUES ('k', now(), 'test');
        INSERT INTO entry (journal_id, seq, account_id, debit_u, credit_u)
        SELECT j.id, a.id, a.id, CASE a.code WHEN 'cash' THEN 5 ELSE 0 END, CASE a.code WHEN 'cash' THEN 0 ELSE 5 END
          FROM journal j, account a""")
    backup(origin, store)
    add_tenant(origin, 2)
    archive_everything(origin, store)

    done = deploy("restore", "--from", store, "--dir", restored.directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tenants(restored) == ["tenant-1", "tenant-2"]
    assert ask(restored, "SELECT sum(debit_u), sum(credit_u) FROM entry") == [(5, 5)]
    assert ask(restored, "SELECT generation FROM event_generation") == [(2,)]
    assert ask(restored, "SELECT generation, seq FROM event_cursor") == [(2, 7)]
    assert ask(origin, "SELECT generation FROM event_generation") == [(1,)]
    # It is a cluster like any other: writable, and still one after a restart.
    add_tenant(restored, 3)
    restored.stop()
    restored.start()
    assert tenants(restored) == ["tenant-1", "tenant-2", "tenant-3"]


def test_a_restore_stops_at_the_instant_it_was_told(origin, restored, scratch):
    store = scratch / "store-until"
    add_tenant(origin, 1)
    backup(origin, store)
    add_tenant(origin, 2)
    # The wished instant lies between the two commits: recovery stops before the first commit after it.
    instant = ask(origin, "SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
    add_tenant(origin, 3)
    archive_everything(origin, store)

    done = deploy("restore", "--from", store, "--dir", restored.directory, "--until", instant)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tenants(restored) == ["tenant-1", "tenant-2"]


def test_a_restore_refuses_a_double_booking(origin, restored, scratch):
    store = scratch / "store-double"
    ask(origin, "ALTER TABLE allocation DROP CONSTRAINT allocation_no_double_booking")
    for _ in range(2):
        ask(origin, """
            INSERT INTO allocation (node_id, zone_id, slots, period, kind, maintenance_window_id)
            VALUES (%s, %s, '[0,1000)', '[2026-01-01Z,2026-01-02Z)', 'maintenance', %s)""", (NODE, NODE, NODE))
    backup(origin, store)
    done = deploy("restore", "--from", store, "--dir", restored.directory)
    assert done.returncode == 1
    assert "contradicts itself" in done.stderr


def test_a_restore_never_touches_a_cluster_that_is_there(origin, scratch):
    store = scratch / "store-there"
    backup(origin, store)
    done = deploy("restore", "--from", store, "--dir", origin.directory)
    assert done.returncode == 1
    assert "not empty" in done.stderr


def test_old_backups_go_and_the_newest_still_restores(origin, restored, scratch):
    store = scratch / "store-keep"
    first = backup(origin, store)
    add_tenant(origin, 1)
    assert backup(origin, store, "--keep", "1") != first
    assert len(list((store / "base").iterdir())) == 1
    done = deploy("restore", "--from", store, "--dir", restored.directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tenants(restored) == ["tenant-1"]
