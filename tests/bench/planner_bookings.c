/* Bookings are made during the horizon, each for a window that begins soon or in days. Most are small, most of the GPU
 * time is wanted by gangs; short windows and long ones are about as frequent in logarithm. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_bookings.h"
#include "common/alloc.h"
#include "tests/bench/planner_bench.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR INT64_C(3600)

/* Kinds of bookings; instances and sizes are chosen evenly from a range, sizes as powers of two. */
// clang-format off
static const struct kind {
    uint32_t percent;
    uint32_t count_least, count_most;
    uint32_t gpus_log_least, gpus_log_most; /* GPUs: 1 << this */
    bool share;
} kinds[] = {
    {20, 1,  1, 0, 0, true},
    {40, 1,  1, 0, 2, false},
    {15, 1,  1, 3, 3, false},
    {15, 2, 12, 0, 2, false}, /* small gangs: workers of a few GPUs */
    {10, 2, 24, 3, 3, false}, /* gangs of whole nodes */
};
// clang-format on

static const int64_t lengths_s[] = {HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 4 * DAY, 10 * DAY};
static const int64_t cpu_per_gpu_milli[] = {8000, 12000, 20000, 28000};

int64_t ask_weight(const struct ask *ask)
{
    return shape_milli(&ask->shape) * ask->count * (ask->to - ask->from);
}

static const struct kind *kind_any(uint64_t *state)
{
    uint32_t at = (uint32_t)bench_between(state, 1, 100);
    const struct kind *kind = kinds;
    for (; at > kind->percent; kind++)
        at -= kind->percent;
    return kind;
}

/* Gangs ask for the tightest scope that could hold them on an empty fleet, or the next; half of them insist. */
static void scope_choose(struct ask *ask, uint64_t *state)
{
    static const enum planner_scope scopes[] = {PLANNER_RACK, PLANNER_LEAF, PLANNER_FABRIC};
    static const uint32_t nodes[] = {BOOKINGS_RACK_NODES, BOOKINGS_LEAF_NODES, BOOKINGS_FABRIC_NODES};
    uint32_t tightest = 0;
    while (tightest + 1 < COUNT_OF(nodes) && ask->count * ask->shape.gpus > nodes[tightest] * BOOKINGS_GPUS)
        tightest++;
    uint32_t looser = (uint32_t)bench_between(state, 0, 1);
    ask->scope = scopes[tightest + looser < COUNT_OF(scopes) ? tightest + looser : tightest];
    ask->scope_preferred = bench_between(state, 0, 1) == 1;
}

static struct booking_ask ask_any(uint64_t *state)
{
    const struct kind *kind = kind_any(state);
    bool soon = bench_between(state, 0, 1) == 0;
    struct booking_ask asked = {.now = bench_between(state, 0, BENCH_HORIZON_S / 300 - 1) * 300};
    struct ask *ask = &asked.ask;
    ask->count = (uint32_t)bench_between(state, kind->count_least, kind->count_most);
    ask->scope = PLANNER_FLEET;
    ask->from = asked.now + bench_between(state, 0, (soon ? 6 * HOUR : 14 * DAY) / 300) * 300;
    ask->to = ask->from + lengths_s[bench_between(state, 0, COUNT_OF(lengths_s) - 1)];
    if (kind->share)
        ask->shape.gpu_milli = (uint32_t)bench_between(state, 1, 9) * 100;
    else
        ask->shape.gpus = UINT32_C(1) << bench_between(state, kind->gpus_log_least, kind->gpus_log_most);
    if (ask->count > 1)
        scope_choose(ask, state);
    int64_t milli = shape_milli(&ask->shape);
    int64_t cpu_milli = cpu_per_gpu_milli[bench_between(state, 0, COUNT_OF(cpu_per_gpu_milli) - 1)];
    if (ask->shape.gpus == BOOKINGS_GPUS && cpu_milli * BOOKINGS_GPUS > BOOKINGS_CPU_MILLI)
        cpu_milli = BOOKINGS_CPU_MILLI / BOOKINGS_GPUS;
    ask->shape.cpu_milli = milli * cpu_milli / PLANNER_GPU_MILLI;
    ask->shape.memory_mib = milli * 128;
    return asked;
}

static int by_now(const void *left, const void *right)
{
    const struct booking_ask *a = left;
    const struct booking_ask *b = right;
    if (a->now != b->now)
        return a->now < b->now ? -1 : 1;
    return a->ask.number < b->ask.number ? -1 : 1;
}

struct change {
    int64_t at;
    int64_t milli;
};

static int by_at(const void *left, const void *right)
{
    const struct change *a = left;
    const struct change *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

/* At each instant no policy can serve more than is asked for then, nor more than there is: the integral of the smaller
 * of the two. It is the optimum of the relaxation in which windows may be cut up in time and GPUs, so no schedule of
 * whole windows exceeds it. */
static double bound_of(const struct bookings *bookings, int64_t capacity_milli)
{
    struct change *changes = alloc_zero(2 * (size_t)bookings->count, sizeof changes[0]);
    for (uint32_t i = 0; i < bookings->count; i++) {
        const struct ask *ask = &bookings->asks[i].ask;
        int64_t milli = shape_milli(&ask->shape) * ask->count;
        changes[2 * (size_t)i] = (struct change){ask->from, milli};
        changes[2 * (size_t)i + 1] = (struct change){ask->to, -milli};
    }
    qsort(changes, 2 * (size_t)bookings->count, sizeof changes[0], by_at);
    double asked = 0;
    double served = 0;
    int64_t level = 0;
    for (size_t i = 0; i + 1 < 2 * (size_t)bookings->count; i++) {
        level += changes[i].milli;
        double length_s = (double)(changes[i + 1].at - changes[i].at);
        asked += (double)level * length_s;
        served += (double)(level < capacity_milli ? level : capacity_milli) * length_s;
    }
    free(changes);
    return asked > 0 ? served * 100 / asked : 0;
}

struct bookings bookings_new(uint32_t nodes, uint32_t load_percent, uint64_t seed)
{
    struct bookings bookings = {0};
    int64_t capacity = (int64_t)nodes * BOOKINGS_GPUS * PLANNER_GPU_MILLI;
    int64_t missing = capacity / 100 * load_percent * BENCH_HORIZON_S;
    uint64_t state = (seed + load_percent) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    uint32_t room = 0;
    while (missing > 0) {
        struct booking_ask asked = ask_any(&state);
        int64_t to = asked.ask.to < BENCH_HORIZON_S ? asked.ask.to : BENCH_HORIZON_S;
        if (asked.ask.from >= to || asked.ask.count * asked.ask.shape.gpus > nodes * BOOKINGS_GPUS)
            continue;
        if (bookings.count == room) {
            room = room == 0 ? 1024 : room * 2;
            bookings.asks = alloc_resize(bookings.asks, room, sizeof bookings.asks[0]);
        }
        asked.ask.number = bookings.count + 1;
        missing -= ask_weight(&asked.ask) / (asked.ask.to - asked.ask.from) * (to - asked.ask.from);
        bookings.asks[bookings.count++] = asked;
    }
    qsort(bookings.asks, bookings.count, sizeof bookings.asks[0], by_now);
    bookings.bound_percent = bound_of(&bookings, capacity);
    return bookings;
}

void bookings_free(struct bookings *bookings)
{
    free(bookings->asks);
}

struct reference bookings_fleet(uint32_t nodes, char (*names)[TRACE_NAME_SIZE])
{
    struct reference reference = {.node_count = nodes, .turnaround_s = BOOKINGS_TURNAROUND_S};
    reference.nodes = alloc_zero(nodes, sizeof reference.nodes[0]);
    for (uint32_t i = 0; i < nodes; i++) {
        struct reference_node *node = &reference.nodes[i];
        const uint32_t groups[REFERENCE_LEVELS] = {
            [PLANNER_NODE] = i,
            [PLANNER_NVLINK_DOMAIN] = i,
            [PLANNER_RACK] = i / BOOKINGS_RACK_NODES,
            [PLANNER_LEAF] = i / BOOKINGS_LEAF_NODES,
            [PLANNER_FABRIC] = i / BOOKINGS_FABRIC_NODES,
            [PLANNER_ZONE] = 0,
        };
        (void)snprintf(names[i], TRACE_NAME_SIZE, "%u/%u/%u/%u", groups[PLANNER_FABRIC], groups[PLANNER_LEAF],
                       groups[PLANNER_RACK], i); /* four numbers fit */
        node->name = names[i];
        node->gpus = BOOKINGS_GPUS;
        node->cpu_milli = BOOKINGS_CPU_MILLI;
        node->memory_mib = BOOKINGS_MEMORY_MIB;
        for (uint32_t level = 0; level < REFERENCE_LEVELS; level++) {
            node->groups[level] = groups[level];
            reference.group_counts[level] = groups[level] + 1;
        }
    }
    return reference;
}
