/* What the planner's benchmarks share: random numbers, a clock, a made-up fleet and what is booked on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"

#define DAY                INT64_C(86400)
#define BENCH_HORIZON_S    (30 * DAY)
#define BENCH_GPUS         8 /* of each node */
#define BENCH_RACK_NODES   8
#define BENCH_FABRIC_NODES 512

/* A subcommand of bench_planner: arguments behind its name; what it returns is the exit status. */
int bench_speed(int argc, char **argv);
int bench_fill(int argc, char **argv);
int bench_windows(int argc, char **argv);

/* Marsaglia's xorshift64; the state is never 0. */
uint64_t bench_random(uint64_t *state);
int64_t bench_between(uint64_t *state, int64_t least, int64_t most);
/* Nanoseconds of processor time of this process, so that other work on the machine does not count; reading it takes a
 * microsecond or two. */
int64_t bench_cpu_ns(void);
/* Nanoseconds of the monotonic clock, which costs next to nothing to read. */
int64_t bench_now_ns(void);
struct planner_id bench_id(uint32_t kind, uint32_t number);
struct planner *bench_fleet(uint32_t count);

/* What is booked, in one workload. */
struct bench_workload {
    const char *name;
    uint32_t share_percent; /* shares among the bookings */
    uint32_t gang;          /* 0: single instances; otherwise so many whole nodes in one fabric */
    uint32_t rectangles;    /* to fill a fleet until there are so many for each node; 0: until half is sold */
    bool rising;            /* nothing was booked before today: the fleet is empty now and crowded in a month */
    bool first_fit;         /* has a baseline */
};

/* A booking that starts at `earliest` (seconds from now, which is 0) or later: bookings made before now keep the fleet
 * as full today as in a month. */
struct planner_request bench_request(uint64_t *state, const struct bench_workload *workload, uint32_t number,
                                     int64_t earliest);
/* GPU-milli times seconds that a booking takes of the horizon. */
int64_t bench_weight(const struct planner_request *request);
