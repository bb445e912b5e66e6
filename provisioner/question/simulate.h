/* What would come of a proposed deal or of a change of the fleet: the same planner, on a copy. Pure.
 *
 * In this order: nodes come and go, what was on those that go is placed anew where it finds a place, and the wishes are
 * decided, each upon the last. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/terms.h"

#define SIMULATE_WISHES_MAX 64
#define SIMULATE_NODES_MAX  10000 /* that come, in all */

struct simulate_wish {
    struct question_terms terms;
    int64_t from_s, to_s; /* PLANNER_OPEN: now; until further notice */
    int64_t duration_s;   /* instead of to_s, where the start is flexible: the earliest from from_s up to start_to_s */
    int64_t start_to_s;
};

struct simulate_addition {
    const char *gpu_model, *grouping;
    struct identity fabric; /* absent: one of their own */
    int64_t gpus, count, nodes_per_rack, cpu_milli, memory_mib, turnaround_s;
};

struct simulate_removal {
    struct identity node;
};

struct simulate {
    struct question_rows wishes, additions, removals; /* of the three above */
};

/* ---- simulate_fleet.c: the part that changes nodes. `planner` is a copy, outside of any batch. ---- */
/* NULL, or what is wrong with one of them (a static text). */
const char *simulate_add(struct planner *planner, const struct simulate *question, const struct question_view *view);
/* Takes nodes out of service now. Adds to `displaced` what finds no other place; how many did is *ret_moved. */
const char *simulate_remove(struct planner *planner, const struct simulate *question, const struct question_view *view,
                            json_t *displaced, int64_t *ret_moved);

/* One instance that loses its place. */
json_t *simulate_displaced(const struct planner_key *key, struct planner_id node, const char *cause, int64_t ends_s);
