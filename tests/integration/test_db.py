"""The database module's promises (db_probe.c), on a real server with a connection cut around COMMIT."""
# SPDX-License-Identifier: Apache-2.0

import subprocess

from contract import binaries


def test_the_database_module_keeps_its_promises(cluster, database):
    done = subprocess.run([binaries() / "db_probe", cluster.url(database)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
