"""deploy/postgres works from a path longer than a unix socket's may be (107 characters), as root and as a user."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import subprocess

import pytest

from cluster import DEPLOY, TEMPLATE, Cluster

LONG = 120
HUGE_PAGES = "/proc/sys/vm/nr_hugepages"


def long_directory(scratch, name):
    """A directory below scratch whose path has at least 120 characters, and a space."""
    path = scratch / name / "a path of"
    while len(str(path)) < LONG:
        path = path / "one-hundred-and-twenty"
    path.mkdir(parents=True)
    return path


def test_a_cluster_runs_from_a_path_of_120_characters(scratch):
    made = Cluster(long_directory(scratch, "long") / "pg")
    try:
        made.start_prepared()
        made.start()  # a second start finds it running
        made.stop()
        made.start()  # and what was there is there
        with contextlib.closing(made.connect(TEMPLATE)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) > 0 FROM schema_migration")
            assert cursor.fetchone() == (True,)
    finally:
        made.remove()


def test_a_cluster_listens_on_no_tcp_port(cluster):
    with contextlib.closing(cluster.connect("postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)


def huge_pages_can_be_had():
    """Some containers may not touch the kernel's settings; and the pages are to be those of this cluster."""
    available = re.search(r"MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"))[1]
    return os.getuid() == 0 and os.access(HUGE_PAGES, os.W_OK) and int(available) > 10 << 20


@pytest.mark.skipif(not huge_pages_can_be_had(), reason="needs root, a kernel that is one's own and 10 GiB")
def test_a_large_cluster_has_huge_pages_while_it_runs(scratch):
    made = Cluster(scratch / "large", small=False)
    noted = made.directory / "huge_pages"

    def mapped():
        server = (made.directory / "data" / "postmaster.pid").read_text().split()[0]
        return "/anon_hugepage" in pathlib.Path(f"/proc/{server}/maps").read_text()
    try:
        made.start()
        assert mapped()
        assert noted.exists()
        taken = noted.read_text()
        made.start()
        assert noted.read_text() == taken, "once"
        made.stop()
        assert not noted.exists()
    finally:
        made.remove()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_a_stranger_on_the_machine_may_be_no_role(cluster):
    for role in ("postgres", "sluice_api", "sluice_billing"):
        stranger = subprocess.run(
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "psql", "-X", cluster.url(role=role), "-c", "SELECT 1"],
            capture_output=True, text=True, cwd="/", check=False)
        assert stranger.returncode != 0
        assert "Peer authentication failed" in stranger.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_a_user_without_root_has_a_cluster_as_themselves(scratch):
    # The checkout may stand where that user cannot enter, so the script is copied.
    home = long_directory(scratch, "user")
    script = home / "postgres"
    shutil.copy(DEPLOY / "postgres", script)
    someone = pwd.getpwnam("nobody")
    os.chown(home, someone.pw_uid, someone.pw_gid)

    def run(*arguments):
        return subprocess.run(
            ["setpriv", f"--reuid={someone.pw_uid}", f"--regid={someone.pw_gid}", "--clear-groups", *arguments],
            capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"], "HOME": str(home)}, check=False)

    directory = home / "var" / "postgres"
    try:
        for action in (("init", "--small", "--no-fsync"), ("start",), ("status",)):
            done = run(script, action[0], "--dir", directory, *action[1:])
            assert done.returncode == 0, done.stderr
        url = run(script, "url", "--dir", directory, "--role", "postgres").stdout.strip()
        assert run("psql", "-X", "-At", url, "-c", "SELECT session_user").stdout == "postgres\n"
    finally:
        assert run(script, "stop", "--dir", directory).returncode == 0
        shutil.rmtree((directory / "run_directory").read_text().strip())
