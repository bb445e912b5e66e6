/* Property tests over random histories. Each history runs in a process of its own; one that fails is shrunk: as long
 * as it still fails, batches are left out of it. Each batch draws from a seed of its own, so the others stay as they
 * are. What is left is printed, and
 *
 *     SLUICE_SEED=<number> SLUICE_HISTORY=<number> SLUICE_STEPS=<1,5,9> test_planner_...
 *
 * runs just that again. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/planner_world.h"

struct promise {
    const char *name;
    void (*step)(struct world *); /* several make a batch */
    uint32_t histories;
    uint32_t batches;       /* of each history, at most 256 */
    enum tally happened[8]; /* what must have happened in them, TALLY_COUNT behind the last */
};

/* What main returns. */
int promises_kept(const char *program, const struct promise promises[], size_t count);
