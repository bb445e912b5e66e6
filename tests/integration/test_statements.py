"""Every statement of every program fits the migrated schema under the role that runs it: --check-statements, which
operators run before an upgrade as well."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import re
import subprocess

import pytest

from contract import ROOT, binaries

PROGRAMS = {"sluice-api": "api", "sluice-provisioner": "provisioner", "sluice-billing": "billing"}
DEFINITION = re.compile(r'const struct db_stmt \w+ = \{\s*\.name = "(\w+)"')


def check(cluster, database, program):
    """(exit status, {statement: (role, verdict)}); a name that stands twice fails the test."""
    done = subprocess.run([binaries() / program, "--check-statements"], env=dict(os.environ, SLUICE_DATABASE_URL=cluster.url(database)),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    checked = {name: (role, verdict) for role, name, verdict in lines}
    assert len(checked) == len(lines), "two statements of one name cannot be prepared on one connection"
    return done.returncode, checked


def defined_in(folder):
    names = [name for path in (ROOT / folder).rglob("*.c") for name in DEFINITION.findall(path.read_text())]
    assert names, f"no statement found in {folder}"
    return set(names)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_statement_fits_the_schema_and_its_role(cluster, database, program):
    status, checked = check(cluster, database, program)
    assert {name: verdict for name, (_, verdict) in checked.items() if verdict != "ok"} == {}
    assert status == 0


def test_no_statement_is_left_out(cluster, database):
    """What stands in a program's folder is in its list; what stands in common is in somebody's."""
    everything = set()
    for program, folder in PROGRAMS.items():
        _, checked = check(cluster, database, program)
        assert defined_in(folder) - set(checked) == set(), f"{program} does not list them"
        everything |= set(checked)
    assert defined_in("common") - everything == set()


@pytest.mark.parametrize("program, damage, names, complaint", [
    ("sluice-api", "ALTER TABLE zone RENAME COLUMN lead_s TO lead", {"zone_list"}, "does not exist"),
    ("sluice-api", "REVOKE EXECUTE ON FUNCTION admission_enter FROM sluice_api_writer", {"admission_admit"}, "permission denied"),
    ("sluice-provisioner", "REVOKE INSERT ON allocation FROM sluice_provisioner", {"apply_allocation_insert"}, "permission denied"),
    ("sluice-billing", "ALTER TABLE invoice RENAME COLUMN number TO label", {"invoice_issue"}, "does not exist"),
])
def test_a_schema_that_does_not_fit_is_told_apart(cluster, database, program, damage, names, complaint):
    with contextlib.closing(cluster.connect(database)) as admin, admin.cursor() as cursor:
        cursor.execute(damage)
    status, checked = check(cluster, database, program)
    misfits = {name: verdict for name, (_, verdict) in checked.items() if verdict != "ok"}
    assert status == 1 and names <= set(misfits), misfits
    assert any(complaint in misfits[name] for name in names), misfits
