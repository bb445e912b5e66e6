/* Where the planner's experiment puts a task without a GPU, which the planner itself does not hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/bench/planner_reference.h"

#define CPU_ONLY_NOWHERE UINT32_MAX

/* What asked for GPUs so far. All zeroes: nothing yet. */
struct demand {
    struct demand_shape *shapes; /* each once */
    uint32_t shape_count;
    uint32_t shape_room;
    int64_t count; /* of all shapes */
};

/* shape: of a GPU or a share of one. */
void demand_add(struct demand *demand, const struct planner_shape *shape);
void demand_free(struct demand *demand);
/* The node for a task that asks for CPU and memory alone, or CPU_ONLY_NOWHERE. */
uint32_t cpu_only_choose(const struct reference *reference, const struct demand *demand, const struct ask *ask);
