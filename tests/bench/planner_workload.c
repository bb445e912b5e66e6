/* A made-up fleet and bookings made ahead. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/must.h"
#include "tests/bench/planner_bench.h"

#include <string.h>
#include <time.h>

uint64_t bench_random(uint64_t *state)
{
    uint64_t value = *state; /* Marsaglia's xorshift64 */
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return *state = value;
}

int64_t bench_between(uint64_t *state, int64_t least, int64_t most)
{
    return least + (int64_t)(bench_random(state) % (uint64_t)(most - least + 1));
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

struct planner_id bench_id(uint32_t kind, uint32_t number)
{
    struct planner_id id = {{0}};
    memcpy(&id.bytes[8], &kind, sizeof kind);
    memcpy(&id.bytes[12], &number, sizeof number);
    return id;
}

struct planner *bench_fleet(uint32_t count)
{
    struct planner *planner = planner_new();
    for (uint32_t i = 0; i < count; i++) {
        struct planner_node node = {
            .id = bench_id(1, i),
            .rack = bench_id(2, i / BENCH_RACK_NODES),
            .fabric = bench_id(3, i / BENCH_FABRIC_NODES),
            .zone = bench_id(4, 0),
            .gpu_model = "h100",
            .gpus = BENCH_GPUS,
            .cpu_milli = 192000,
            .memory_mib = 2048 * 1024,
            .turnaround_s = 600,
            .plannable_from = -PLANNER_INSTANT_MAX,
            .plannable_until = PLANNER_OPEN,
        };
        must(planner_node_put(planner, &node) == NULL);
    }
    return planner;
}

struct planner_request bench_request(uint64_t *state, const struct bench_workload *workload, uint32_t number,
                                     int64_t earliest)
{
    static const uint32_t sizes[] = {1, 1, 2, 4, 8, 8};
    static const int64_t lengths_s[] = {3600, 4 * 3600, 12 * 3600, DAY, 3 * DAY, 7 * DAY, 14 * DAY};
    int64_t from = bench_between(state, earliest / 300, BENCH_HORIZON_S / 300 - 1) * 300;
    struct planner_request request = {
        .reservation = bench_id(5, number),
        .tenant = bench_id(6, (uint32_t)bench_between(state, 0, 199)),
        .count = 1,
        .from = from,
        .to = from + lengths_s[bench_between(state, 0, 6)],
        .scope = PLANNER_FLEET,
    };
    request.shape.gpus = sizes[bench_between(state, 0, 5)];
    if (workload->share_percent >= bench_between(state, 1, 100))
        request.shape = (struct planner_shape){.gpu_milli = (uint32_t)bench_between(state, 1, 9) * 100};
    uint32_t gpu_milli = request.shape.gpus > 0 ? request.shape.gpus * PLANNER_GPU_MILLI : request.shape.gpu_milli;
    request.shape.cpu_milli = (int64_t)gpu_milli * 20;
    request.shape.memory_mib = (int64_t)gpu_milli * 200;
    return request;
}

int64_t bench_weight(const struct planner_request *request)
{
    int64_t from = request->from > 0 ? request->from : 0;
    int64_t to = request->to < BENCH_HORIZON_S ? request->to : BENCH_HORIZON_S;
    int64_t milli =
        request->shape.gpus > 0 ? (int64_t)request->shape.gpus * PLANNER_GPU_MILLI : (int64_t)request->shape.gpu_milli;
    return from < to ? (to - from) * milli * request->count : 0;
}
