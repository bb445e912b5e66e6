"""deploy/up and deploy/down, on a small fleet: the demo is whole, is made once, and what went down comes back."""
# SPDX-License-Identifier: Apache-2.0

import os
import pathlib
import shutil
import signal
import stat
import subprocess

import pytest

from cluster import DEPLOY
from contract import ROOT
from stack import Client, Ports, eventually

SERVICES = ["sluice-api", "sluice-provisioner", "sluice-billing", "door"]


class Machine:
    """What deploy/up made in a state directory of its own."""

    def __init__(self, state, port):
        self.state = state
        self.port = port

    def run(self, script, *arguments, cwd="/"):
        done = self.attempt(DEPLOY / script, *arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, script, *arguments, cwd="/"):
        environment = {name: value for name, value in os.environ.items() if name != "SLUICE_DATABASE_URL"}
        environment["SLUICE_STATE_DIR"] = str(self.state)
        return subprocess.run([script, *arguments], env=environment, cwd=cwd, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def up(self):
        return self.run("up", *self.arguments())

    def arguments(self):
        return ["--no-build", "--nodes", "24", "--port", str(self.port), "--https", f"127.0.0.1:{self.port + 4}"]

    def sql(self, statement):
        url = self.run("postgres", "url", "--dir", self.state / "postgres", "--role", "postgres").strip()
        return subprocess.run(["psql", "-X", "-q", "-At", url, "-c", statement], capture_output=True, text=True, check=True).stdout

    def token(self, name):
        lines = (self.state / "tokens").read_text().splitlines()
        return dict(line.split() for line in lines)[name]

    def client(self, name="system_admin"):
        return Client(self.port, self.token(name))

    def pid(self, service):
        return int((self.state / "run" / f"{service}.pid").read_text())


@pytest.fixture(scope="module")
def machine(scratch):
    if not (ROOT / "build/release/bin/sluice-api").exists():
        pytest.skip("the release build is not there: tests/run makes it")
    ports = Ports()
    made = Machine(scratch / "state", ports.take_row(5))
    try:
        made.said = made.up()
        yield made
    finally:
        made.run("down")
        for run_directory in made.state.glob("*/run_directory"):
            shutil.rmtree(run_directory.read_text().strip(), ignore_errors=True)
        ports.release()


def test_the_demo_shows_a_reservation_in_every_state(machine):
    found = {item["status"]["state"] for item in machine.client().items("/v1/system/reservations")}
    assert found >= {"scheduled", "activating", "active", "ending", "ended", "cancelled", "rejected", "waitlisted"}


def test_the_demo_has_two_invoiced_months_of_three_tenants(machine):
    months = {}
    for invoice in machine.client().items("/v1/system/invoices"):
        months.setdefault(invoice["tenant"], set()).add(invoice["period_start"])
    assert {tenant: len(starts) >= 2 for tenant, starts in months.items()} == {"acme": True, "borealis": True, "cedar": True}


def test_the_books_of_the_demo_are_whole(machine):
    assert machine.sql("SELECT name FROM sluice.billing_check WHERE violations <> 0") == ""


def test_tokens_are_for_their_owner_alone(machine):
    assert stat.S_IMODE((machine.state / "tokens").stat().st_mode) == 0o600
    assert machine.client("acme").get("/v1/me").expect(200).body["tenant"] == "acme"


def test_services_do_not_run_as_root(machine):
    for service in SERVICES:
        assert pathlib.Path(f"/proc/{machine.pid(service)}").stat().st_uid != 0


def test_the_door_answers_by_https_as_a_user_of_its_own(machine):
    done = subprocess.run(["curl", "-sS", "--cacert", machine.state / "door/door.pem", "-H", f"Authorization: Bearer {machine.token('acme')}",
                           f"https://localhost:{machine.port + 4}/v1/me"], capture_output=True, text=True, check=False)
    assert '"address":"127.0.0.1"' in done.stdout, done.stdout + done.stderr
    assert stat.S_IMODE(pathlib.Path((machine.state / "door/run_directory").read_text().strip()).stat().st_mode) == 0o2750
    if os.getuid() == 0:
        assert pathlib.Path(f"/proc/{machine.pid('door')}").owner() == "haproxy"
        assert (machine.state / "door/door.pem").owner() == "haproxy" and (machine.state / "door/agents_ca.key").owner() == "root"


def test_a_second_run_brings_back_what_is_down_and_seeds_nothing(machine):
    before = [len(machine.client().items(f"/v1/system/{what}")) for what in ("reservations", "nodes", "tokens", "prices", "assets")]
    untouched, killed = machine.pid("sluice-api"), machine.pid("sluice-billing")
    os.kill(killed, signal.SIGKILL)
    assert "is there already" in machine.up()
    assert machine.pid("sluice-api") == untouched
    assert machine.pid("sluice-billing") != killed
    after = [len(machine.client().items(f"/v1/system/{what}")) for what in ("reservations", "nodes", "tokens", "prices", "assets")]
    assert before == after


def test_a_crash_between_migrating_and_replacing_programs_does_no_harm(machine):
    # So it died: a release of ten migrations is applied, and the programs are those of before.
    machine.sql("INSERT INTO sluice.schema_migration (version, name, checksum) SELECT 900 + n, 'from_the_next_release', '' FROM generate_series(1, 10) n")
    try:
        for service in SERVICES[:3]:
            os.kill(machine.pid(service), signal.SIGKILL)
        machine.up()
        assert machine.client().get("/v1/me").expect(200)
    finally:
        machine.sql("DELETE FROM sluice.schema_migration WHERE version > 900")


def test_who_revokes_the_first_token_gets_another_and_keeps_all_others(machine):
    first, acme = machine.token("system_admin"), machine.token("acme")
    mine = machine.client().get("/v1/me").expect(200).body["token_id"]
    machine.client().post(f"/v1/system/tokens/{mine}/revoke").expect(200)
    machine.up()
    assert machine.token("system_admin") != first and machine.token("acme") == acme
    assert machine.client().get("/v1/me").expect(200) and machine.client("acme").get("/v1/me").expect(200)
    tokens = machine.state / "tokens"
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    tokens.write_text(tokens.read_text().replace(f"acme {acme}\n", ""))
    machine.up()
    assert machine.client("acme").get("/v1/me").expect(200).body["tenant"] == "acme", "a lost one is made anew"


def test_what_the_programs_cannot_run_upon_is_not_migrated(machine, scratch):
    tree = scratch / "next-release"
    for folder in ("deploy", "migrations"):
        shutil.copytree(ROOT / folder, tree / folder)
    (tree / "build").symlink_to(ROOT / "build")
    (tree / "migrations/0998_adds.sql").write_text("CREATE TABLE sluice.added (id integer);\n")
    (tree / "migrations/0999_takes.sql").write_text("-- oldest_known: 998\nDROP TABLE sluice.added;\n")
    before = [machine.pid(service) for service in SERVICES]
    refused = machine.attempt(tree / "deploy/up", *machine.arguments())
    assert refused.returncode == 1 and "build or install that of a later release first" in refused.stderr, refused.stdout + refused.stderr
    assert machine.sql("SELECT count(*) FROM sluice.schema_migration WHERE version > 900") == "0\n"
    assert before == [machine.pid(service) for service in SERVICES]
    assert machine.client().get("/v1/me").expect(200)


def test_down_leaves_nothing_running_and_up_brings_everything_back(machine):
    pids = [machine.pid(service) for service in SERVICES]
    postmaster = int((machine.state / "postgres/data/postmaster.pid").read_text().split()[0])
    page = machine.client().get("/v1/system/nodes?limit=1").expect(200).body["next_page"]
    assert (machine.state / "cursor-secret").read_text().strip() not in pathlib.Path(f"/proc/{machine.pid('sluice-api')}/cmdline").read_text()
    machine.run("down", cwd="/tmp")
    for pid in [*pids, postmaster]:
        eventually(lambda pid=pid: not pathlib.Path(f"/proc/{pid}").exists(), f"process {pid} is gone")
    machine.up()
    assert machine.client().get("/v1/me").expect(200).body["virtual_clock"] is True
    machine.client().get(f"/v1/system/nodes?limit=1&page={page}").expect(200)  # a list goes on where it was


def test_without_programs_it_says_how_to_get_them(scratch):
    shutil.copytree(DEPLOY, scratch / "unbuilt/deploy")
    machine = Machine(scratch / "unbuilt-state", 7070)
    refused = machine.attempt(scratch / "unbuilt/deploy/up", "--no-build")
    assert refused.returncode == 1 and "there is no build/release/bin/sluice-api: run deploy/up without --no-build once" in refused.stderr
    assert not machine.state.exists()
