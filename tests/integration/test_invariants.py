"""The 26 invariants of the design over random histories: the running system against an oracle that was written from the design alone.

A history is made by its seed, which is printed; SLUICE_TEST_SEED=N plays that one, SLUICE_TEST_DAYS=N no more of it than its first days (the
fewest that still fail are soon found by halving), SLUICE_PROPERTY_CASES=N plays so many, one after the other."""
# SPDX-License-Identifier: Apache-2.0

import os

import pytest

from histories import DAYS, History
from invariants import check_all

SEED = int(os.environ.get("SLUICE_TEST_SEED", "1"))
CASES = int(os.environ.get("SLUICE_PROPERTY_CASES", "1"))
LENGTH = int(os.environ.get("SLUICE_TEST_DAYS", str(DAYS)))


@pytest.mark.parametrize("seed", range(SEED, SEED + CASES))
def test_any_history_keeps_the_invariants(cluster, tmp_path, seed):
    print(f"SLUICE_TEST_SEED={seed}, {LENGTH} days")
    history = History(cluster, tmp_path, seed, LENGTH)
    try:
        history.play()
        print(history.summary())
        check_all(history)
    finally:
        history.house.close()
