"""What surrounds the daemons fails: the database goes away, storage fills up, a leader stands still, the API is told to
stop while a thousand requests wait. Each has its documented answer, and nothing is lost."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cluster import Cluster
from stack import A_SECOND_S, Client, Daemon, Stack, eventually
from streams import Streams

WISH = {
    "instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
    "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-03T01:00:00Z",
}
NO_WAIT = {"Prefer": "respond-async"}


def known_ids(client):
    return {item["id"] for item in client.items("/v1/reservations?limit=1000")}


@pytest.fixture
def own_cluster(scratch):
    """A PostgreSQL cluster that a test may break."""
    made = Cluster(scratch / f"pg-{time.monotonic_ns()}")
    try:
        yield made
    finally:
        made.remove()


@contextlib.contextmanager
def small_disk(path, size_mib):
    """A file system of a given size; needs root, as mounting does."""
    path = pathlib.Path(path)
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0777", "tmpfs", path], check=False).returncode != 0:
        pytest.skip("a file system of a given size cannot be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(disk):
    """Takes all the room that is left. Returns the file to remove."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))
    with open(ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    return ballast


# ---- The database ----


def test_the_database_away_is_503_and_comes_back_by_itself(own_cluster, tmp_path):
    stack = Stack(own_cluster.start_prepared(), tmp_path).start()
    try:
        stack.fleet(2)
        tenant = stack.tenant("acme")
        before = tenant.create("/v1/reservations", WISH)
        own_cluster.stop()

        for method, path, body in (("GET", "/v1/reservations", None), ("POST", "/v1/reservations", WISH)):
            answer = tenant.request(method, path, body)
            assert answer.status == 503, answer
            assert answer.code == "database_unavailable" and answer.body["retryable"]
            assert int(answer.headers["Retry-After"]) >= 1
        assert stack.api.process.poll() is None and stack.client().port

        own_cluster._run("start")
        eventually(lambda: tenant.get(f"/v1/reservations/{before['id']}").status == 200, "reads work again")
        after = eventually(lambda: (lambda a: a.body if a.status == 201 else None)(tenant.post("/v1/reservations", WISH)), "creates are decided again", 40)
        assert {before["id"], after["id"]} <= known_ids(tenant)
        stack.advance("2026-01-04T00:00:00Z")
        assert tenant.get(f"/v1/reservations/{after['id']}").body["status"]["state"] == "ended"
    finally:
        stack.stop()


def test_the_database_away_ends_streams_and_shows_in_every_programs_metrics(own_cluster, tmp_path):
    stack = Stack(own_cluster.start_prepared(), tmp_path).start()
    daemons = (stack.api, stack.provisioner, stack.billing)

    def ready():
        return [daemon.metrics()["sluice_ready"] for daemon in daemons]

    try:
        stack.fleet(1)
        eventually(lambda: ready() == [1, 1, 1], "all are ready")
        with Streams(stack.port, stack.operator.token, 2) as streams:
            assert streams.until_all_say(b"retry", 30) is not None
            own_cluster.stop()
            assert streams.until_all_end(60), "silence is not calm: whoever watches hears that nothing can be heard"
        eventually(lambda: ready() == [0, 0, 0], "none is ready, whatever they told last")

        own_cluster._run("start")
        eventually(lambda: ready() == [1, 1, 1], "all are ready again", 40)
        with Streams(stack.port, stack.operator.token, 2) as streams:
            assert streams.until_all_say(b"retry", 30) is not None
            stack.node("after")
            assert streams.until_all_say(b"node.enrolled", 30) is not None
    finally:
        stack.stop()


def server_processes(cluster):
    """The server's own first, then its children."""
    parent = int((cluster.directory / "data" / "postmaster.pid").read_text().split()[0])
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=True).stdout
    return [parent, *map(int, listed.split())]


def test_a_database_that_stands_still_is_told_and_holds_up_nobody_who_asks(own_cluster, tmp_path):
    """Its storage hangs, say: connections stay, and nothing is answered."""
    stack = Stack(own_cluster.start_prepared(), tmp_path).start()
    daemons = (stack.api, stack.provisioner, stack.billing)
    try:
        for process in (processes := server_processes(own_cluster)):
            os.kill(process, signal.SIGSTOP)
        try:
            for daemon in daemons:
                eventually(lambda one=daemon: not one.is_ready(), f"{daemon.name} tells")
                for path, status in (("/readyz", 503), ("/livez", 200), ("/metrics", 200)):
                    assert Client(daemon.admin_port).get(path, timeout=A_SECOND_S).status == status, path
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        eventually(lambda: all([daemon.is_ready() for daemon in daemons]), "all are ready again")
    finally:
        stack.stop()


# ---- Storage ----


def test_a_full_tablespace_is_507_and_loses_nothing(own_cluster, tmp_path, scratch):
    with small_disk(scratch / "tablespace", 12) as disk:
        stack = Stack(own_cluster.start_prepared(), tmp_path).start()
        try:
            stack.fleet(2)
            tenant = stack.tenant("acme")
            (disk / "space").mkdir()
            shutil.chown(disk / "space", "sluice", "sluice")
            stack.sql(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
            for index in stack.sql("SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'sluice.reservation'::regclass"):
                stack.sql(f"ALTER INDEX {index['name']} SET TABLESPACE small")
            stack.sql("ALTER TABLE sluice.reservation SET TABLESPACE small")

            ballast = fill(disk)
            made, refused = set(), None
            for _ in range(2000):
                answer = tenant.post("/v1/reservations", dict(WISH, labels={"filler": "x" * 200}), headers=NO_WAIT)
                if answer.status != 202:
                    refused = answer
                    break
                made.add(answer.body["id"])
            assert refused is not None and refused.status == 507, refused
            assert refused.code == "storage_full"
            assert tenant.get("/v1/reservations?limit=1").status == 200, "reads go on"

            ballast.unlink()
            made.add(tenant.create("/v1/reservations", WISH, headers=NO_WAIT)["id"])
            assert known_ids(tenant) == made, "what was acknowledged is there, what was refused is not"
            stack.stop()
        finally:
            own_cluster.stop()


def test_a_full_wal_stops_postgresql_and_loses_nothing(own_cluster, tmp_path, scratch):
    own_cluster.copy_prepared()
    wal = own_cluster.directory / "data" / "pg_wal"
    with small_disk(scratch / "wal", 96) as disk:
        shutil.move(wal, disk / "pg_wal")
        wal.symlink_to(disk / "pg_wal")
        subprocess.run(["chown", "-R", "--no-dereference", "sluice:sluice", disk / "pg_wal", wal], check=True)
        own_cluster._run("start")
        stack = Stack(own_cluster, tmp_path).start()
        try:
            stack.fleet(2)
            tenant = stack.tenant("acme")
            made = {tenant.create("/v1/reservations", WISH, headers=NO_WAIT)["id"]}
            ballast = fill(disk)

            # PostgreSQL panics where it cannot write its log; every answer until then was durable.
            refused = None
            for _ in range(200):
                with contextlib.suppress(Exception):  # the superuser's connection dies with the server
                    stack.sql("SELECT pg_switch_wal()")
                answer = tenant.post("/v1/reservations", WISH, headers=NO_WAIT)
                if answer.status != 202:
                    refused = answer
                    break
                made.add(answer.body["id"])
            assert refused is not None and refused.status in (503, 507), refused
            assert refused.code in ("database_unavailable", "outcome_unknown", "storage_full"), refused

            ballast.unlink()
            own_cluster._run("start")  # as a supervisor would; nothing to do where it came back by itself
            eventually(lambda: tenant.get("/v1/reservations?limit=1").status == 200, "reads work again", 60)
            made.add(eventually(lambda: (lambda a: a.body["id"] if a.status == 202 else None)(
                tenant.post("/v1/reservations", WISH, headers=NO_WAIT)), "creates work again", 60))
            found = known_ids(tenant)
            assert made <= found and len(found - made) <= 1, "only the one whose outcome was not known may be there besides"
        finally:
            stack.stop()
            own_cluster.stop()


# ---- Leaders ----


def stands_still(pid):
    """A signal stops one thread, which tells the others: on a busy machine those may run on for a while."""
    states = [path.read_text().rsplit(")", 1)[1].split()[0] for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


def test_a_leader_that_stands_still_before_its_commit_changes_nothing(make_stack, tmp_path):
    """The leader is stopped between the check of its epoch and its commit; another takes over; the first wakes up."""
    lease = {"SLUICE_LEASE_TTL_MS": "2000"}
    stack = make_stack(settings={"sluice-provisioner": lease})
    stack.fleet(2)
    tenant = stack.tenant("acme")
    first = stack.provisioner
    second_port = stack.ports.take()
    environment = dict(first.environment, SLUICE_ADMIN_LISTEN=f"127.0.0.1:{second_port}")
    second = Daemon("sluice-provisioner", tmp_path, environment, second_port)

    with contextlib.closing(stack.cluster.connect(stack.database)) as blocker:
        blocker.autocommit = False
        with blocker.cursor() as cursor:
            # The verdict's INSERT waits here: the leader has passed its fence and cannot commit.
            cursor.execute("LOCK TABLE reservation_status IN SHARE MODE")
            wish = tenant.post("/v1/reservations", WISH, headers=NO_WAIT).expect(202).body
            eventually(lambda: stack.sql("""SELECT pid FROM pg_stat_activity WHERE usename = 'sluice_provisioner' AND wait_event_type = 'Lock'"""),
                       "the leader waits in its transaction")
            epoch = stack.sql("SELECT epoch FROM leader_epoch WHERE name LIKE 'zone:%'")[0]["epoch"]
            first.signal(signal.SIGSTOP)
            eventually(lambda: stands_still(first.process.pid), "each of its threads stands still")
        blocker.rollback()  # the statement goes on in the server; nobody is there to commit it
    try:
        second.launch()
        try:
            second.wait_ready()
            eventually(lambda: stack.sql("SELECT state FROM reservation_status"), "the second leader decides", 60)
            assert stack.sql("SELECT epoch FROM leader_epoch WHERE name LIKE 'zone:%'")[0]["epoch"] > epoch
        finally:
            first.signal(signal.SIGCONT)
        eventually(first.is_ready, "the first leader lives on as a standby")
        other = tenant.create("/v1/reservations", WISH)
        assert other["status"]["state"] == "scheduled"
        assert tenant.get(f"/v1/reservations/{wish['id']}").body["status"]["state"] == "scheduled"
        taken = stack.sql("SELECT reservation_id, count(*) AS n FROM allocation WHERE kind = 'instance' GROUP BY reservation_id")
        assert [row["n"] for row in taken] == [1, 1], "each wish was decided once"
        assert [row["revision"] for row in stack.sql("SELECT revision FROM reservation_status")] == [1, 1]
    finally:
        second.stop()


# ---- Stopping ----


def test_a_thousand_waiting_requests_are_answered_before_the_api_stops(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_SUSPENDED_MAX": "2000", "SLUICE_SUSPENDED_PER_TENANT_MAX": "2000"}})
    stack.fleet(2)
    tenant = stack.tenant("acme")
    stack.provisioner.stop()  # nobody decides, so all wait

    body = b'{"instance_type":"h100.8x","zone":"us-east-1a","count":1,"starts_at":"2026-01-03T00:00:00Z","ends_at":"2026-01-03T01:00:00Z"}'
    head = (f"POST /v1/reservations HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {tenant.token}\r\nPrefer: wait=60\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    waiting = []
    for _ in range(1000):
        connection = socket.create_connection(("127.0.0.1", stack.port))
        connection.sendall(head + body)
        waiting.append(connection)
    eventually(lambda: stack.sql("SELECT count(*) AS n FROM reservation")[0]["n"] == 1000, "all are admitted and wait", 60)

    stack.api.process.terminate()
    statuses = []
    for connection in waiting:
        answered = select.poll()
        answered.register(connection, select.POLLIN)
        assert answered.poll(30_000), "a waiting request got no answer"
        statuses.append(connection.recv(65536).split(b" ", 2)[1])
        connection.close()
    assert set(statuses) <= {b"202", b"200", b"503"} and statuses.count(b"202") > 0, set(statuses)
    assert stack.api.process.wait(30) == 0, stack.api.log_tail()
    stack.api.process = None
