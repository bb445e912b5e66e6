#!/usr/bin/python3
"""Schemathesis against a live Sluice, from the document that it serves: examples, coverage, fuzzing and the stateful walk
along the links, under every check.

    tests/contract/drive.py ENVIRONMENT SECONDS [SEED]

Before that both documents are held against the OpenAPI specification. ENVIRONMENT is where run installed the tools.

Each operation is called as a role that may call it: the operators' as an administrator of the provider, the others as one of
a tenant. The seed is printed; the same one draws the same requests.
"""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from cluster import Cluster, scratch_directory  # noqa: E402
from stack import Stack  # noqa: E402

# What is tested is not the limits: no rate is one.
# What is drawn asks of zones, too, that nobody leads yet: it waits for these as a tenant does.
SETTINGS = {"sluice-api": {**{f"SLUICE_RATE_{name}_PER_S": "0" for name in ("READ", "WRITE", "REPORT", "UNAUTHENTICATED")},
                           "SLUICE_VERDICT_WAIT_MS": "2000", "SLUICE_QUESTION_WAIT_MS": "5000"}}

# A body that fits the schema may name a zone that is not there, or a window that has passed: 422 by contract. Its object may be
# missing, taken, suspended or changed; and what needs If-Match says so.
REFUSALS = '["2xx", "304", "401", "403", "404", "409", "412", "422", "428", "429"]'

CONFIGURATION = """
hooks = "{hooks}"
headers = {{ Authorization = "Bearer {tenant}" }}
request-timeout = 30

[checks.positive_data_acceptance]
expected-statuses = {refusals}

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "414", "415", "422", "428", "429", "431"]

[checks.missing_required_header]
expected-statuses = ["400", "401", "403", "404", "406", "422", "428"]

# Only the links that the document gives: what is guessed beside them leads nowhere.
[phases.stateful]
max-steps = 12

[phases.stateful.generation]
mode = "positive"

[phases.stateful.inference]
algorithms = []

# A schema cannot say what is a table in CSV.
[[operations]]
include-path-regex = "^/v1/system/assets/import$"
headers = {{ Authorization = "Bearer {operator}" }}

[operations.checks.positive_data_acceptance]
expected-statuses = {csv_refusals}

[[operations]]
include-path-regex = "^/v1/system/(?!assets/import$)"
headers = {{ Authorization = "Bearer {operator}" }}
"""

# The walk along the links takes what the phases before it leave, which is nothing: so it has a time of its own; and it is among
# what can be made of a drawn body, so that there is something to walk from.
PHASES = (("examples,coverage,fuzzing", 60, "."),
          ("stateful", 40, "^/v1/(projects|ssh-keys|service-accounts|reservations|quotes|system/(images|quotas|zones|instance-types"
                           "|maintenance-windows|prices))(/|$)"))


@contextlib.contextmanager
def running():
    directory = scratch_directory()
    cluster = Cluster(directory / "pg")
    stack = None
    try:
        stack = Stack(cluster.start_prepared(), directory, start=None, settings=SETTINGS).start()
        yield stack, directory
    finally:
        try:
            if stack is not None:
                stack.stop()
        finally:
            cluster.remove()
            shutil.rmtree(directory, ignore_errors=True)


def is_valid(tools, directory, url, name):
    """Is it OpenAPI, as the specification has it?"""
    with urllib.request.urlopen(f"{url}/{name}") as answer:
        (directory / name).write_bytes(answer.read())
    done = subprocess.run([tools / "openapi-spec-validator", directory / name], capture_output=True, text=True, check=False)
    print(f"{name}: {'valid' if done.returncode == 0 else done.stdout + done.stderr}", flush=True)
    return done.returncode == 0


def walk(tools, directory, url, phases, paths, seconds, seed, kept):
    """Runs some phases; the seed draws the same requests each time. Its exit status."""
    done = subprocess.run(
        [tools / "schemathesis", "--config-file", directory / "schemathesis.toml", "run", url + "/openapi.json", "--checks", "all", "--phases",
         phases, "--include-path-regex", paths, "--max-time", str(seconds), "--seed", str(seed), "--continue-on-failure",
         "--workers", "1", "--no-color"],  # with more, Python 3.11's ast.parse fails now and then (SystemError)
        cwd=directory, env=dict(os.environ, SLUICE_KEPT=",".join(kept)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(re.sub(r"slu_[a-z]_\w+", "slu_...", done.stdout), flush=True)
    return done.returncode


def main():
    tools, seconds = pathlib.Path(sys.argv[1]).resolve() / "bin", int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(2**31)
    print(f"seed {seed}", flush=True)
    with running() as (stack, directory):
        stack.fleet(4)
        tenant = stack.tenant("acme")
        kept = [item["id"] for name in ("tenants", "tokens", "members", "service-accounts")
                for item in stack.operator.items(f"/v1/system/{name}")]
        valid = [is_valid(tools, directory, stack.url, name) for name in ("openapi.json", "openapi-3.0.json")]
        (directory / "schemathesis.toml").write_text(CONFIGURATION.format(tenant=tenant.token, operator=stack.operator.token, refusals=REFUSALS,
                                                      csv_refusals=REFUSALS.replace("[", '["400", '),
                                                      hooks=ROOT / "tests/contract/hooks.py"))
        done = [walk(tools, directory, stack.url, phases, paths, share * seconds // 100, seed, kept) for phases, share, paths in PHASES]
    sys.exit(any(done) or not all(valid))


if __name__ == "__main__":
    main()
