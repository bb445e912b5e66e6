/* Every decision of an experiment as CSV, so that another program can check it (tests/bench/check_placements.py). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/bench/planner_policies.h"

#include <stdio.h>

/* NULL, and said why on stderr, if the file cannot be made. Its first line is the header. */
FILE *placements_open(const char *path);
/* One row for each rectangle, or one that says "refused". `task`: the name of what was asked, or "". */
void placements_write(FILE *file, const struct contestant *contestant, uint64_t seed, uint32_t load_percent,
                      const char *task, const struct ask *ask, const struct placements *placements);
/* False, and said why, if anything could not be written. */
bool placements_close(FILE *file, const char *path);
