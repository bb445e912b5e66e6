/* Linear first fit over the nodes' lists of what is taken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_first_fit.h"
#include "common/alloc.h"
#include "tests/bench/planner_bench.h"

struct taken {
    int64_t from;
    int64_t to;
    uint32_t gpus; /* a bit each */
    uint32_t number;
};

struct first_fit {
    struct line {
        struct taken *taken;
        uint32_t count;
        uint32_t room;
    } * lines;
    uint32_t *node_of; /* by booking */
    uint32_t node_count;
    uint32_t bookings_max;
};

struct first_fit *first_fit_new(uint32_t node_count, uint32_t bookings_max)
{
    struct first_fit *fleet = alloc_zero(1, sizeof *fleet);
    fleet->lines = alloc_zero(node_count, sizeof fleet->lines[0]);
    fleet->node_of = alloc_zero(bookings_max, sizeof fleet->node_of[0]);
    fleet->node_count = node_count;
    fleet->bookings_max = bookings_max;
    return fleet;
}

void first_fit_free(struct first_fit *fleet)
{
    if (fleet == NULL)
        return;
    for (uint32_t i = 0; i < fleet->node_count; i++)
        free(fleet->lines[i].taken);
    free(fleet->lines);
    free(fleet->node_of);
    free(fleet);
}

void first_fit_take(struct first_fit *fleet, uint32_t node, int64_t from, int64_t to, uint32_t gpus, uint32_t number)
{
    struct line *line = &fleet->lines[node];
    if (line->count == line->room) {
        line->room = line->room == 0 ? 16 : line->room * 2;
        line->taken = alloc_resize(line->taken, line->room, sizeof line->taken[0]);
    }
    line->taken[line->count++] = (struct taken){from, to, gpus, number};
    fleet->node_of[number % fleet->bookings_max] = node;
}

bool first_fit_place(struct first_fit *fleet, const struct planner_request *request, uint32_t number)
{
    for (uint32_t node = 0; node < fleet->node_count; node++) {
        struct line *line = &fleet->lines[node];
        uint32_t free_gpus = (1U << BENCH_GPUS) - 1;
        for (uint32_t i = 0; i < line->count; i++) {
            if (line->taken[i].from < request->to && request->from < line->taken[i].to)
                free_gpus &= ~line->taken[i].gpus;
        }
        if ((uint32_t)__builtin_popcount(free_gpus) < request->shape.gpus)
            continue;
        while ((uint32_t)__builtin_popcount(free_gpus) > request->shape.gpus)
            free_gpus &= free_gpus - 1;
        first_fit_take(fleet, node, request->from, request->to, free_gpus, number);
        return true;
    }
    return false;
}

void first_fit_release(struct first_fit *fleet, uint32_t number)
{
    struct line *line = &fleet->lines[fleet->node_of[number % fleet->bookings_max]];
    for (uint32_t i = 0; i < line->count; i++) {
        if (line->taken[i].number == number)
            line->taken[i--] = line->taken[--line->count];
    }
}
