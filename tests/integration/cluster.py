"""PostgreSQL for tests: a cluster of its own for each run, copied from one that is made and migrated once per build."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile
import time

import psycopg2

from contract import ROOT, binaries

DEPLOY = ROOT / "deploy"
START_OF_TIME = "2026-01-01T00:00:00Z"
TEMPLATE = "sluice_template"

MEMORY = "/dev/shm"
MEMORY_ROOM_BYTES = 6 << 30  # eight clusters, their logs and the programs beside them


def memory_has_room():
    """Is there memory for a few test clusters beside all else?"""
    try:
        free = shutil.disk_usage(MEMORY).free
        available = int(re.search(r"MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text()).group(1)) * 1024
    except (OSError, AttributeError):
        return False
    return min(free, available) >= MEMORY_ROOM_BYTES


def scratch_directory(on_disk=False):
    """A short directory that the cluster's owner can enter, whoever runs the tests. In memory where that has room: a
    cluster is two thousand files, which a disk's file system takes ten times as long to make. on_disk: for what is measured."""
    parent = MEMORY if not on_disk and memory_has_room() else "/tmp"
    path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test-", dir=parent))
    path.chmod(0o755)
    return path


class Cluster:
    """A throw-away PostgreSQL cluster, made by deploy/postgres as deploy/up makes the real one."""

    def __init__(self, directory, fsync=False, small=True):
        self.directory = pathlib.Path(directory)
        self.fsync = fsync
        self.small = small
        self.url_pattern = None

    def _run(self, action, *arguments):
        done = subprocess.run(
            [DEPLOY / "postgres", action, "--dir", self.directory, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"deploy/postgres {action}: {done.stderr}")
        return done.stdout.strip()

    def start(self):
        self._run("init", *(["--small"] if self.small else []), *([] if self.fsync else ["--no-fsync"]))
        self._run("start")
        return self

    def start_prepared(self):
        """Starts from a copy of a cluster that is made and migrated once per build: most of what start() takes."""
        self.copy_prepared()
        self._run("start")
        return self

    def copy_prepared(self):
        assert self.small and not self.fsync, "what is prepared is for tests"
        self.directory.mkdir()
        with prepared_data() as prepared:
            subprocess.run(["cp", "-a", "--reflink=auto", prepared, self.directory / "data"], check=True)
        shutil.copystat(self.directory / "data", self.directory)
        owner = (self.directory / "data").stat()
        os.chown(self.directory, owner.st_uid, owner.st_gid)

    def stop(self):
        self._run("stop")

    def remove(self):
        run_directory = self.directory / "run_directory"
        if run_directory.exists():
            self.stop()
            shutil.rmtree(run_directory.read_text().strip(), ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database="sluice", role=None):
        """With patience: on a crowded machine the server may stand still for longer than the programs would wait for it."""
        if self.url_pattern is None:
            self.url_pattern = self._run("url", "--database", "DATABASE", "--role", "ROLE") + "&connect_timeout=30"
        return self.url_pattern.replace("ROLE@", f"{role}@" if role else "").replace("DATABASE", database)

    def connect(self, database="sluice", role="postgres"):
        """A psycopg2 connection in autocommit mode, in UTC, that finds the schema sluice."""
        connection = psycopg2.connect(self.url(database, role), options="-c search_path=sluice,public -c timezone=UTC")
        connection.autocommit = True
        return connection

    def migrate(self, database, *arguments, check=True):
        """Runs deploy/migrate as the cluster's superuser; returns the finished process."""
        environment = dict(os.environ, SLUICE_DATABASE_URL=self.url(database), PGUSER="postgres")
        done = subprocess.run([DEPLOY / "migrate", *arguments], env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"deploy/migrate: {done.stderr}")
        return done

    def create_template(self):
        """The migrated database that others are copied from, unless there is one."""
        with contextlib.closing(self.connect("postgres")) as admin, admin.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (TEMPLATE,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {TEMPLATE}")
                self.migrate(TEMPLATE)
                self.cut_partitions(TEMPLATE)

    def cut_partitions(self, name):
        """Makes the partitions of a virtual clock's first months, which every sluice-api would make as it starts."""
        with contextlib.closing(self.connect(name)) as database, database.cursor() as cursor:
            cursor.execute("SELECT partition_ensure(table_name, %s, %s::timestamptz + ahead * ('1 ' || step)::interval) FROM partition_policy WHERE domain_time",
                           (START_OF_TIME, START_OF_TIME))

    def copy_template(self, name):
        """A migrated database of that name."""
        self.create_template()
        with contextlib.closing(self.connect("postgres")) as admin, admin.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")  # a quarter of the work of going through the log

    def create_database(self, start=START_OF_TIME):
        """A fresh migrated database: with a virtual clock at start, or a real one (None)."""
        name = "test_" + secrets.token_hex(8)
        self.copy_template(name)
        if start is not None:
            with contextlib.closing(self.connect(name)) as database, database.cursor() as cursor:
                cursor.execute("UPDATE sluice.domain_clock SET virtual = true, now = %s", (start,))
        return name

    def drop_database(self, name):
        with contextlib.closing(self.connect("postgres")) as admin, admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def prepared_data():
    """The data directory of a stopped cluster with the template in it: one per build, per what it is made from and per day, for
    migrations make the partitions of the days to come. Nobody replaces it meanwhile."""
    sources = [DEPLOY / "postgres", DEPLOY / "migrate", pathlib.Path(__file__), *sorted((ROOT / "migrations").glob("*.sql"))]
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()[:16]
    shelf = binaries().parent / "prepared-clusters"
    shelf.mkdir(exist_ok=True)
    with open(shelf / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = shelf / f"{digest}-{time.strftime('%Y%m%d', time.gmtime())}-{os.getuid()}"
        if not kept.exists():
            for old in shelf.glob(f"*-{os.getuid()}"):
                shutil.rmtree(old)
            prepare_data(kept)
        yield kept


def prepare_data(kept):
    scratch = scratch_directory()  # the server's user may enter it; it need not be able to enter the build's
    made = Cluster(scratch / "pg")
    try:
        made.start().create_template()
        made.stop()
        shutil.rmtree(kept.with_suffix(".new"), ignore_errors=True)
        subprocess.run(["cp", "-a", made.directory / "data", kept.with_suffix(".new")], check=True)
        kept.with_suffix(".new").rename(kept)
    finally:
        made.remove()
        shutil.rmtree(scratch, ignore_errors=True)
