"""Fixtures: a PostgreSQL cluster per run of pytest, a fresh stack per test. On failure the daemons' logs are shown."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import shutil
import subprocess

import pytest

from bookkeeping import Bookkeeping
from cluster import Cluster, scratch_directory
from command_line import Done, Misbehaving
from contract import binaries
from stack import Stack


@pytest.fixture(scope="session")
def scratch():
    """A short directory for the whole run, removed at its end."""
    directory = scratch_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(scratch):
    """One PostgreSQL cluster for the run; databases in it are per test."""
    made = Cluster(scratch / "pg")
    try:
        yield made.start_prepared()
    finally:
        made.remove()


@pytest.fixture
def database(cluster):
    """The name of a fresh migrated database with a virtual clock, without daemons."""
    name = cluster.create_database()
    yield name
    cluster.drop_database(name)


@contextlib.contextmanager
def stacks_of(cluster, directory, made):
    """Gives a function that makes stacks that run: make(start=..., settings=...); all are stopped at the end."""
    for name in ("sluice-api", "sluice-provisioner", "sluice-billing"):
        if not (binaries() / name).exists():
            pytest.fail(f"{binaries() / name} is not built")

    def make(**options):
        place = directory / f"stack-{len(made)}"
        place.mkdir()
        stack = Stack(cluster, place, **options)
        made.append(stack)
        return stack.start()

    yield make
    troubles = []
    for stack in made:
        try:
            stack.stop()
        except AssertionError as error:
            troubles.append(str(error))
        cluster.drop_database(stack.database)
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def make_stack(cluster, tmp_path, request):
    """Makes stacks for one test: make_stack(start=..., settings=...)."""
    request.node.stacks = []
    with stacks_of(cluster, tmp_path, request.node.stacks) as make:
        yield make


@pytest.fixture(scope="module")
def make_module_stack(cluster, tmp_path_factory, request):
    """Makes stacks that all tests of a module share, where they do not mind each other."""
    request.node.stacks = []
    with stacks_of(cluster, tmp_path_factory.mktemp("module"), request.node.stacks) as make:
        yield make


@pytest.fixture
def stack(make_stack):
    """A running Sluice under a virtual clock, empty."""
    return make_stack()


@pytest.fixture(scope="module")
def module_stack(cluster, tmp_path_factory):
    """One running Sluice for all tests of a file: for those that leave nothing behind which another would trip over."""
    made = Stack(cluster, tmp_path_factory.mktemp("stack"))
    try:
        yield made.start()
    finally:
        try:
            made.stop()
        finally:
            cluster.drop_database(made.database)


@pytest.fixture
def keep_books(cluster, tmp_path):
    """keep_books(start=...) returns Bookkeeping whose daemon runs."""
    made = []

    def make(**options):
        books = Bookkeeping(cluster, tmp_path, **options)
        made.append(books)
        books.daemon.start()
        return books

    yield make
    for books in made:
        books.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for stack in getattr(item, "stacks", []) + getattr(item.parent, "stacks", []):
            for daemon in stack.daemons.values():
                report.sections.append((f"log of {daemon.name}", daemon.log_tail()))


# ---- The command line ----


@pytest.fixture
def sluice(tmp_path):
    """Runs sluice with an own home and nothing of the caller's environment."""

    def run(*arguments, url=None, token=None, stdin="", **environment):
        environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
        environment["ASAN_OPTIONS"] = "exitcode=99"
        if url is not None:
            environment["SLUICE_URL"] = url
        if token is not None:
            environment["SLUICE_TOKEN"] = token
        return Done(subprocess.run([binaries() / "sluice", *arguments], env=environment, input=stdin, check=False,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120))

    return run


@pytest.fixture
def server():
    made = Misbehaving()
    yield made
    made.stop()


@pytest.fixture
def ask(sluice, server):
    """Runs sluice with a tenant's token against the misbehaving server."""
    return lambda *arguments, **options: sluice(*arguments, url=server.url, token="slu_x", **options)


@pytest.fixture
def guest(hall):
    """A tenant for one test, of the stack that its module shares as `hall`."""
    with hall.guests() as make:
        yield make()
