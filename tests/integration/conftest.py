"""Fixtures: a PostgreSQL cluster per run of pytest, a fresh stack per test. On failure the daemons' logs are shown."""
# SPDX-License-Identifier: Apache-2.0

import shutil

import pytest

from stack import Cluster, Stack, binaries, scratch_directory


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
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def database(cluster):
    """The name of a fresh migrated database with a virtual clock, without daemons."""
    name = cluster.create_database()
    yield name
    cluster.drop_database(name)


@pytest.fixture
def make_stack(cluster, tmp_path, request):
    """Makes stacks: make_stack(start=..., settings=...) returns one that runs; all are stopped after the test."""
    for name in ("sluice-api", "sluice-provisioner", "sluice-billing"):
        if not (binaries() / name).exists():
            pytest.fail(f"{binaries() / name} is not built")
    made = []
    request.node.stacks = made

    def make(**options):
        directory = tmp_path / f"stack-{len(made)}"
        directory.mkdir()
        stack = Stack(cluster, directory, **options)
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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for stack in getattr(item, "stacks", []):
            for daemon in stack.daemons.values():
                report.sections.append((f"log of {daemon.name}", daemon.log_tail()))
