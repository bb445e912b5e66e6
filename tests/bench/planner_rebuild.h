/* What it takes to rebuild a planner from the rows that a database would have. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"

/* Instances 0 to count - 1 of one reservation. */
struct bench_booking {
    uint32_t number;
    uint32_t count;
    int64_t gpu_milli_s; /* within the horizon */
};

struct bench_rebuild {
    uint32_t allocations;
    uint32_t rectangles;
    double load_s;           /* nodes and allocations */
    double first_question_s; /* which the index is made for */
    double memory_mib;       /* allocated, of the planner alone */
};

/* Replaces the planner, which holds just these bookings, by one that was rebuilt from its own answers. */
struct bench_rebuild bench_rebuild(struct planner **planner, uint32_t node_count, const struct bench_booking *bookings,
                                   uint32_t booking_count);
