/* A task without a GPU goes where the CPU and memory that it takes strand the fewest free GPUs: the planner's own
 * measure of loss (provisioner/planner/fragmentation.c), over what has asked for GPUs so far. So nodes without free
 * GPUs, which lose nothing, come first, then those with more CPU than their GPUs need. Of nodes that lose alike, the
 * one that is left with the least CPU: what is left is too little for most tasks, so it should be in few places. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_cpu_only.h"
#include "common/alloc.h"

#include <stdlib.h>

/* As the planner's: CPU and memory feed so many times the GPUs that they would feed if all tasks were of one shape. */
#define FEED 2
/* GPU milli: a tenth of a GPU. What is expected of the next tasks is no more exact than that; finer differences would
 * keep nodes from being filled to the brim. */
#define LOSS_STEP 100

struct demand_shape {
    struct planner_shape shape;
    int64_t count;
};

/* What a node has free. */
struct free_part {
    const struct reference_room *room; /* its GPUs */
    uint32_t gpus;
    int64_t cpu_milli;
    int64_t memory_mib;
};

struct choice {
    uint32_t node;
    int64_t loss; /* in steps */
    bool gpus_free;
    int64_t cpu_left;
};

static bool same_shape(const struct planner_shape *a, const struct planner_shape *b)
{
    return a->gpus == b->gpus && a->gpu_milli == b->gpu_milli && a->cpu_milli == b->cpu_milli &&
           a->memory_mib == b->memory_mib;
}

void demand_add(struct demand *demand, const struct planner_shape *shape)
{
    uint32_t at = 0;
    while (at < demand->shape_count && !same_shape(&demand->shapes[at].shape, shape))
        at++;
    if (at == demand->shape_room) {
        demand->shape_room = demand->shape_room == 0 ? 64 : demand->shape_room * 2;
        demand->shapes = alloc_resize(demand->shapes, demand->shape_room, sizeof demand->shapes[0]);
    }
    if (at == demand->shape_count)
        demand->shapes[demand->shape_count++] = (struct demand_shape){*shape, 0};
    demand->shapes[at].count++;
    demand->count++;
}

void demand_free(struct demand *demand)
{
    free(demand->shapes);
    *demand = (struct demand){0};
}

static int64_t fed(int64_t milli, int64_t amount, int64_t need, int64_t need_milli)
{
    int64_t feeds = need > 0 ? amount * need_milli * FEED / need : milli;
    return feeds < milli ? feeds : milli;
}

/* The milli that tasks of this shape could use. */
static int64_t usable(const struct free_part *part, const struct planner_shape *shape)
{
    int64_t milli = 0;
    if (shape->cpu_milli > part->cpu_milli || shape->memory_mib > part->memory_mib || shape->gpus > part->room->whole)
        return 0;
    if (shape->gpus > 0)
        milli = (int64_t)part->room->whole * PLANNER_GPU_MILLI;
    for (uint32_t gpu = 0; shape->gpus == 0 && gpu < part->gpus; gpu++) {
        uint32_t free_milli = part->room->free_milli[gpu];
        milli += free_milli >= shape->gpu_milli ? free_milli : 0;
    }
    milli = fed(milli, part->cpu_milli, shape->cpu_milli, shape_milli(shape));
    return fed(milli, part->memory_mib, shape->memory_mib, shape_milli(shape));
}

/* What is free is worth its usable milli, expected over the demand (times its count). */
static int64_t worth(const struct free_part *part, const struct demand *demand)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < demand->shape_count; i++)
        sum += demand->shapes[i].count * usable(part, &demand->shapes[i].shape);
    return sum;
}

static int64_t loss(const struct reference_node *node, const struct reference_room *room, const struct demand *demand,
                    const struct planner_shape *shape)
{
    struct free_part part = {room, node->gpus, room->cpu_milli, room->memory_mib};
    if (room->milli == 0 || demand->count == 0)
        return 0;
    int64_t before = worth(&part, demand);
    part.cpu_milli -= shape->cpu_milli;
    part.memory_mib -= shape->memory_mib;
    return ((before - worth(&part, demand)) / demand->count + LOSS_STEP / 2) / LOSS_STEP;
}

static bool better(const struct choice *a, const struct choice *b)
{
    if (a->loss != b->loss)
        return a->loss < b->loss;
    if (a->gpus_free != b->gpus_free)
        return b->gpus_free;
    return a->cpu_left < b->cpu_left;
}

uint32_t cpu_only_choose(const struct reference *reference, const struct demand *demand, const struct ask *ask)
{
    struct choice best = {.node = CPU_ONLY_NOWHERE};
    for (uint32_t i = 0; i < reference->node_count; i++) {
        struct reference_room room;
        reference_room(reference, i, ask->from, ask->to, &room);
        if (reference_count(&room, &ask->shape) == 0)
            continue;
        struct choice choice = {
            .node = i,
            .loss = loss(&reference->nodes[i], &room, demand, &ask->shape),
            .gpus_free = room.milli > 0,
            .cpu_left = room.cpu_milli - ask->shape.cpu_milli,
        };
        if (best.node == CPU_ONLY_NOWHERE || better(&choice, &best))
            best = choice;
    }
    return best.node;
}
