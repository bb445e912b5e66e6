"""A whole Sluice for a test: a PostgreSQL cluster of its own, a migrated database, the three daemons, and clients.

Nothing here sleeps for luck: every wait is for a condition, with a deadline. Everything is stopped by process id.
Every answer is held against the OpenAPI document (contract.py).

As a program it runs a command beside a fresh stack:

    tests/integration/stack.py [--real-clock] COMMAND...     with SLUICE_URL, SLUICE_TOKEN, SLUICE_DATABASE_URL set
"""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import fcntl
import http.client
import json
import math
import os
import pathlib
import random
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2
import psycopg2.extras

from cluster import START_OF_TIME, Cluster, scratch_directory
from contract import binaries, contract

# A test asks faster than any tenant does.
UNLIMITED = {f"SLUICE_RATE_{rate}_PER_S": "0" for rate in ("READ", "WRITE", "REPORT", "UNAUTHENTICATED")}

# Where nobody is in a hurry: what decides and answers may stand still for a while, and who asked is told all the same.
PATIENT = {"SLUICE_VERDICT_WAIT_MS": "60000", "SLUICE_QUESTION_WAIT_MS": "30000"}

# So long waits a test for what will happen: far longer than it takes, for the machine may be crowded.
HAPPENS_WITHIN_S = 60
# What is promised within a second, and what a crowded machine takes besides.
A_SECOND_S = 5
READY_WITHIN_S = 60
STOPPED_WITHIN_S = 60
ANSWER_WITHIN_S = 90  # a move of the clock reports a stall after 60 s: let it say so


def says_something(connection):
    """What an idle server does only to say good-bye. By poll(): select() knows no descriptor beyond 1,023."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))


def eventually(condition, what, within_s=HAPPENS_WITHIN_S):
    """Waits until condition() is true and returns its value. Raises AssertionError that names what did not happen."""
    deadline = time.monotonic() + within_s
    while True:
        is_late = time.monotonic() > deadline  # before it looks: it may be this process that stood still
        value = condition()
        if value:
            return value
        if is_late:
            raise AssertionError(f"within {within_s} s it did not happen that {what}")
        time.sleep(0.02)


def least(measure, limit, tries=3):
    """The least of what is measured, as often as it takes to come below the limit: a crowded machine spoils some."""
    found = math.inf
    while tries > 0 and found >= limit:
        found, tries = min(found, measure()), tries - 1
    return found


# ---- HTTP ----


class Ports:
    """TCP ports below the ephemeral range, each locked until release, so that parallel tests never meet."""

    def __init__(self):
        self.locks = []

    def _lock(self, port):
        directory = pathlib.Path(tempfile.gettempdir()) / f"sluice-test-ports-{os.getuid()}"
        directory.mkdir(exist_ok=True)
        lock = open(directory / str(port), "w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return None
        return lock

    def take(self):
        return self.take_row(1)

    def take_row(self, length):
        """The first of so many free ports that follow each other."""
        for first in random.sample(range(20000, 30000, length), 500):
            locks = [lock for lock in map(self._lock, range(first, first + length)) if lock]
            if len(locks) == length:
                self.locks += locks
                return first
            for lock in locks:
                lock.close()
        raise AssertionError("no free TCP port between 20000 and 30000")

    def release(self):
        while self.locks:
            self.locks.pop().close()


class Answer:
    """An HTTP answer: status, headers, bytes, and the JSON body (None where it is not JSON)."""

    def __init__(self, status, headers, content):
        self.status = status
        self.headers = headers
        self.content = content
        is_json = "json" in (headers.get("Content-Type") or "")
        self.body = json.loads(content) if is_json and content else None

    @property
    def code(self):
        """The problem's code; None where the answer is no problem."""
        return self.body.get("code") if isinstance(self.body, dict) else None

    def expect(self, *statuses):
        assert self.status in statuses, f"status {self.status}, not {statuses}: {self.content[:2000]!r}"
        return self

    def __repr__(self):
        return f"<Answer {self.status} {self.content[:200]!r}>"


class Client:
    """Speaks JSON over HTTP as the holder of one token. Not for use by several threads: use clone()."""

    def __init__(self, port, token=None, host="127.0.0.1"):
        self.host = host
        self.port = port
        self.token = token
        self.tenant = None  # its name, where Stack.tenant() made it
        self.connection = None

    def clone(self):
        return Client(self.port, self.token, self.host)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None, timeout=ANSWER_WITHIN_S):
        """Sends one request, at most once, on a kept connection. A dict or list is sent as JSON, a text as CSV,
        bytes as they are."""
        head = {"Accept": "application/json"}
        if self.token:
            head["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            head["Content-Type"] = "text/csv" if isinstance(body, str) else "application/json"
        head.update(headers or {})
        content = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        if self.connection is not None and self.connection.sock is not None and says_something(self.connection.sock):
            self.close()  # it was idle for long
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            self.connection.request(method, path, content, head)
            response = self.connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        contract().check(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, {} if body is None else body, **options)

    def patch(self, path, body, **options):
        return self.request("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def create(self, path, body, **options):
        """POST that must make something; returns the object."""
        return self.post(path, body, **options).expect(200, 201, 202).body

    def items(self, path):
        """Every item of a list, page by page."""
        page, found = None, []
        while True:
            mark = "&" if "?" in path else "?"
            body = self.get(path + (f"{mark}page={page}" if page else "")).expect(200).body
            found += body["items"]
            page = body.get("next_page")
            if not page:
                return found


# ---- Daemons ----


class Daemon:
    """One process of Sluice: its settings as environment, its log as a file."""

    def __init__(self, name, directory, environment, admin_port):
        self.name = name
        self.environment = environment
        self.admin_port = admin_port
        self.log = pathlib.Path(directory) / f"{name}.log"
        self.wrapper = []  # a command that ends in the program: it gets that as its last argument
        self.process = None

    def launch(self):
        assert self.process is None, f"{self.name} runs already"
        environment = dict(os.environ, **self.environment)
        # A sanitizer's finding must not be mistaken for an orderly exit.
        environment.setdefault("ASAN_OPTIONS", "exitcode=99")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=99")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, binaries() / self.name], env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/", start_new_session=True)
        return self

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}"
        try:
            return Client(self.admin_port).get("/readyz", timeout=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self):
        try:
            eventually(self.is_ready, f"{self.name} is ready", READY_WITHIN_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from None

    def metrics(self):
        """The numbers of /metrics: {'name{labels}': value}."""
        text = Client(self.admin_port).get("/metrics").expect(200).content.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self, expires=True):
        """kill -9, as a crash: nothing is flushed or said. expires: spares the test the seconds for which others wait for a
        leader that went silent."""
        process, self.process = self.process, None
        process.kill()
        process.wait()
        if not expires:
            return
        with contextlib.closing(psycopg2.connect(self.environment["SLUICE_DATABASE_URL"], user="postgres")) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute("UPDATE sluice.leader_lease SET expires_at = clock_timestamp() WHERE split_part(holder, ':', 2) = %s", (str(process.pid),))

    def stop(self):
        """An orderly stop; its exit status must be 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.terminate()
        try:
            status = process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not stop within {STOPPED_WITHIN_S} s:\n{self.log_tail()}") from None
        assert status == 0, f"{self.name} ended with {status}:\n{self.log_tail()}"

    def log_tail(self, lines=60):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Stack:
    """A database, sluice-api, sluice-provisioner and sluice-billing, and who may ask them."""

    def __init__(self, cluster, directory, start=START_OF_TIME, settings=None):
        """start: of the virtual clock; None for a real one. settings: {'sluice-api': {'SLUICE_BATCH_MAX': '8'}}."""
        self.cluster = cluster
        self.database = cluster.create_database(start)
        self.database_url = cluster.url(self.database)
        self.ports = Ports()
        self.port = self.ports.take()
        self.run_directory = scratch_directory()  # a socket's path is short
        self.socket = self.run_directory / "api.socket"
        self.daemons = {}
        for name in ("sluice-api", "sluice-provisioner", "sluice-billing"):
            admin_port = self.ports.take()
            environment = {"SLUICE_DATABASE_URL": self.database_url, "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"}
            if name == "sluice-api":
                environment.update(UNLIMITED, **PATIENT, SLUICE_LISTEN=f"127.0.0.1:{self.port},unix:{self.socket}")
                console = binaries().parent / "console"
                if console.is_dir():
                    environment["SLUICE_CONSOLE_DIR"] = str(console)
            environment.update((settings or {}).get(name, {}))
            self.daemons[name] = Daemon(name, directory, environment, admin_port)
        self.operator = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.superusers = threading.local()  # .connection: a thread may wait for a lock without holding up another's statements

    @property
    def api(self):
        return self.daemons["sluice-api"]

    @property
    def provisioner(self):
        return self.daemons["sluice-provisioner"]

    @property
    def billing(self):
        return self.daemons["sluice-billing"]

    def start(self):
        self.operator = Client(self.port, self.bootstrap_token())
        for daemon in self.daemons.values():
            daemon.launch()
        for daemon in self.daemons.values():
            daemon.wait_ready()
        return self

    def stop(self):
        """Stops all; a daemon that does not end in order fails the test, after the others were stopped too."""
        troubles = []
        for daemon in self.daemons.values():
            try:
                daemon.stop()
            except AssertionError as error:
                troubles.append(str(error))
        if hasattr(self.superusers, "connection"):
            self.superusers.connection.close()
        self.ports.release()
        shutil.rmtree(self.run_directory, ignore_errors=True)
        assert not troubles, "\n".join(troubles)

    # ---- Who asks ----

    def bootstrap_token(self, role="system_admin"):
        """A first token, made by the program on the database directly."""
        done = subprocess.run(
            [binaries() / "sluice-api", "token", "create", "--role", role, "--name", f"bootstrap-{role}"],
            env=dict(os.environ, **self.api.environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"sluice-api token create: {done.stderr}"
        return next(word for word in done.stdout.split() if word.startswith("slu_"))

    def client(self, token=None):
        return Client(self.port, token)

    def token(self, role, tenant=None, name=None):
        """A client that holds a new token of the role."""
        body = {"role": role, "name": name or f"{role}-{secrets.token_hex(8)}"}
        if tenant is not None:
            body["tenant"] = tenant
        return Client(self.port, self.operator.create("/v1/system/tokens", body)["token"])

    def tenant(self, name, role="admin", **fields):
        """Makes a tenant and returns a client of it."""
        self.operator.create("/v1/system/tenants", {"name": name, **fields})
        client = self.token(role, name)
        client.tenant = name
        return client

    @contextlib.contextmanager
    def guests(self):
        """Gives a function that makes tenants of a shared stack, of names that nobody else has; what they hold at the end is given back."""
        made = []

        def make(name="acme", **fields):
            made.append(self.tenant(f"{name}-{secrets.token_hex(8)}", **fields))
            return made[-1]

        yield make
        for client in made:
            for path in ("/v1/reservations", "/v1/quotes"):
                for item in client.items(path):
                    client.delete(f"{path}/{item['id']}").expect(204, 409)  # a quote that was confirmed stays
        taken = "SELECT FROM allocation a JOIN tenant t ON t.id = a.tenant_id WHERE t.name = ANY(%s) AND upper(a.period) > sluice_now()"
        eventually(lambda: not self.sql(taken, ([client.tenant for client in made],)), "all places are given back")

    # ---- What there is ----

    def zone(self, name="us-east-1a", **fields):
        return self.operator.create("/v1/system/zones", {"name": name, **fields})

    def node(self, name, zone="us-east-1a", **fields):
        body = {"name": name, "zone": zone, "fabric": "f1", "rack": "r1", "gpu_model": "H100", "gpu_count": 8,
                "cpu_milli": 192000, "memory_mib": 2097152, **fields}
        return self.operator.create("/v1/system/nodes", body)

    def fleet(self, nodes=4, zone="us-east-1a", price="3.000000", cost="240000.00", **fields):
        """A zone of equal nodes with the type h100.8x, its price and an asset per node. Returns the nodes."""
        self.zone(zone)
        self.operator.create("/v1/system/instance-types", {
            "name": "h100.8x", "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 96000, "memory_mib": 1048576})
        self.operator.create("/v1/system/prices", {
            "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hour": {"amount": price, "currency": "USD"}})
        made = [self.node(f"n{number:04}", zone, **fields) for number in range(nodes)]
        for number, node in enumerate(made):
            self.operator.create("/v1/system/assets", {
                "serial": f"S{number:05}", "node": node["id"], "cohort": "2025-q4", "vendor": "acme",
                "cost": {"amount": cost, "currency": "USD"}, "salvage": {"amount": "0.00", "currency": "USD"},
                "in_service": "2025-12-01", "life_months": 60})
        return made

    def quota(self, tenant, zone="us-east-1a", **fields):
        """Sets the quota of a tenant by name (and project, and GPU model), whether there is one already or not."""
        subject = {"tenant": tenant, "zone": zone, "project": fields.get("project"), "gpu_model": fields.get("gpu_model")}
        present = [each for each in self.operator.items(f"/v1/system/quotas?tenant={tenant}&zone={zone}")
                   if all(each[name] == value for name, value in subject.items())]
        if not present:
            return self.operator.create("/v1/system/quotas", {**subject, **fields})
        return self.operator.request("PUT", f"/v1/system/quotas/{present[0]['id']}", {**subject, **fields},
                                     headers={"If-Match": "*"}).expect(200).body

    def advance(self, instant):
        """Moves the virtual clock; when it answers, everything due until then is done."""
        return self.operator.post("/v1/system/clock", {"advance_to": instant}).expect(200).body

    def events(self, client, path="/v1/events"):
        """What a client reads of the event log, once readers may see all there is: they stop below the oldest
        transaction that still runs, whoever's it is."""
        eventually(lambda: self.sql("SELECT NOT EXISTS (SELECT FROM sluice.event WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())) AS all")[0]["all"],
                   "every event is in sight")
        return client.items(path)

    def superuser(self):
        """This thread's connection, kept from call to call."""
        kept = getattr(self.superusers, "connection", None)
        if kept is None or kept.closed or says_something(kept):
            kept = self.superusers.connection = self.cluster.connect(self.database)
        return kept

    def sql(self, query, parameters=None):
        """Rows as dictionaries, asked as a superuser past all policies."""
        with self.superuser().cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query, parameters)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []


def main():
    arguments = sys.argv[1:]
    start = START_OF_TIME
    if arguments[:1] == ["--real-clock"]:
        arguments, start = arguments[1:], None
    if not arguments:
        sys.exit(__doc__)
    directory = scratch_directory()
    cluster = Cluster(directory / "pg")
    stack = None
    try:
        stack = Stack(cluster.start_prepared(), directory, start).start()
        environment = dict(os.environ, SLUICE_URL=stack.url, SLUICE_TOKEN=stack.operator.token,
                           SLUICE_DATABASE_URL=stack.database_url)
        status = subprocess.run(arguments, env=environment, check=False).returncode
    finally:
        try:
            if stack is not None:
                stack.stop()
        finally:
            cluster.remove()
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
