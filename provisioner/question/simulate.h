/* What would come of a proposed deal or of a change of the fleet: the same planner, on a copy. Pure.
 *
 * In this order: nodes come and go, what was on those that go is placed anew where it finds a place, and the wishes are
 * decided, each upon the last. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/wish.h"

#define SIMULATE_WISHES_MAX 64
#define SIMULATE_NODES_MAX  10000 /* that come, in all */

struct simulate_addition {
    const char *gpu_model, *grouping;
    struct identity fabric; /* absent: one of their own */
    int64_t gpus, count, nodes_per_rack, cpu_milli, memory_mib, turnaround_s;
};

struct simulate_removal {
    struct identity node;
};

struct simulate {
    struct question_rows wishes, additions, removals; /* of struct question_wish and the two above */
};

/* ---- simulate_fleet.c: the part that changes nodes. `planner` is a copy, outside of any batch. ---- */
/* NULL, or what is wrong with one of them (a static text). */
const char *simulate_add(struct planner *planner, const struct simulate *question, const struct question_view *view);
/* Takes nodes out of service now. Adds to `displaced` what finds no other place; how many did is *ret_moved. */
const char *simulate_remove(struct planner *planner, const struct simulate *question, const struct question_view *view,
                            json_t *displaced, int64_t *ret_moved);
/* After simulate_add: the world knows a node of each line more, so that verdicts know of new models. */
void simulate_nodes(const struct simulate *question, struct world *world);

/* One instance that loses its place. */
json_t *simulate_displaced(const struct planner_key *key, struct planner_id node, const char *cause, int64_t ends_s);
