/* Windows booked ahead on a made-up fleet: what the experiment with windows asks for. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/bench/planner_policies.h"

#define BOOKINGS_GPUS         8 /* of each node */
#define BOOKINGS_RACK_NODES   8
#define BOOKINGS_LEAF_NODES   32
#define BOOKINGS_FABRIC_NODES 128
#define BOOKINGS_CPU_MILLI    192000
#define BOOKINGS_MEMORY_MIB   (2048 * 1024)
#define BOOKINGS_TURNAROUND_S 600

struct booking_ask {
    int64_t now; /* when it is asked; its window begins then or later */
    struct ask ask;
};

struct bookings {
    struct booking_ask *asks; /* by now */
    uint32_t count;
    double bound_percent; /* of the GPU time asked for, no policy can admit more */
};

/* Asks of all kinds until they want load_percent of the GPU time of the horizon. */
struct bookings bookings_new(uint32_t nodes, uint32_t load_percent, uint64_t seed);
void bookings_free(struct bookings *bookings);
/* The fleet; names are paths: fabric/leaf/rack/node. They belong to the caller with the fleet: bookings_names_free. */
struct reference bookings_fleet(uint32_t nodes, char (*names)[TRACE_NAME_SIZE]);
/* GPU-milli times seconds. */
int64_t ask_weight(const struct ask *ask);
