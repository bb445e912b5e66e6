/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_reference.h"
#include "common/alloc.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

#define WORDS ((PLANNER_GPU_MILLI + 63) / 64)

/* A rectangle, clean again at `clean`; CPU and memory of its instance stand in one of them. */
struct taken {
    int64_t from;
    int64_t to;
    int64_t clean;
    int32_t slots_from;
    int32_t slots_to;
    int64_t cpu_milli;
    int64_t memory_mib;
};

/* Milli of one GPU that are taken at some instant of a window. */
struct milli_set {
    uint64_t words[WORDS];
};

void placements_add(struct placements *placements, struct placed placed)
{
    if (placements->count == placements->room) {
        placements->room = placements->room == 0 ? 64 : placements->room * 2;
        placements->rows = alloc_resize(placements->rows, placements->room, sizeof placements->rows[0]);
    }
    placements->rows[placements->count++] = placed;
}

void reference_free(struct reference *reference)
{
    for (uint32_t i = 0; i < reference->node_count; i++)
        free(reference->nodes[i].taken);
    free(reference->nodes);
}

int64_t reference_capacity(const struct reference *reference)
{
    int64_t milli = 0;
    for (uint32_t i = 0; i < reference->node_count; i++)
        milli += (int64_t)reference->nodes[i].gpus * PLANNER_GPU_MILLI;
    return milli;
}

int64_t shape_milli(const struct planner_shape *shape)
{
    return shape->gpus > 0 ? (int64_t)shape->gpus * PLANNER_GPU_MILLI : (int64_t)shape->gpu_milli;
}

static int64_t clean_of(const struct reference *reference, int64_t to)
{
    return to == PLANNER_OPEN ? to : to + reference->turnaround_s;
}

/* In the way of a window that is clean again at `clean`. */
static bool meets(const struct taken *taken, int64_t from, int64_t clean)
{
    return taken->from < clean && from < taken->clean && taken->slots_from < taken->slots_to;
}

static void cpu_at(const struct reference_node *node, int64_t instant, int64_t *ret_cpu, int64_t *ret_memory)
{
    *ret_cpu = 0;
    *ret_memory = 0;
    for (uint32_t i = 0; i < node->taken_count; i++) {
        const struct taken *taken = &node->taken[i];
        if (taken->from <= instant && instant < taken->to) {
            *ret_cpu += taken->cpu_milli;
            *ret_memory += taken->memory_mib;
        }
    }
}

/* The peak is reached where the window or something in it begins. */
static void room_beside(const struct reference_node *node, int64_t from, int64_t to, struct reference_room *ret)
{
    int64_t cpu_peak;
    int64_t memory_peak;
    cpu_at(node, from, &cpu_peak, &memory_peak);
    for (uint32_t i = 0; i < node->taken_count; i++) {
        int64_t cpu_milli;
        int64_t memory_mib;
        if (node->taken[i].from <= from || node->taken[i].from >= to)
            continue;
        cpu_at(node, node->taken[i].from, &cpu_milli, &memory_mib);
        cpu_peak = cpu_milli > cpu_peak ? cpu_milli : cpu_peak;
        memory_peak = memory_mib > memory_peak ? memory_mib : memory_peak;
    }
    ret->cpu_milli = node->cpu_milli - cpu_peak;
    ret->memory_mib = node->memory_mib - memory_peak;
}

static void set_add(struct milli_set *set, int32_t from, int32_t to)
{
    for (int32_t at = from; at < to; at++)
        set->words[at / 64] |= UINT64_C(1) << (at % 64);
}

static struct milli_set set_of(const struct reference_node *node, uint32_t gpu, int64_t from, int64_t clean)
{
    struct milli_set set = {{0}};
    int32_t base = (int32_t)(gpu * PLANNER_GPU_MILLI);
    for (uint32_t i = 0; i < node->taken_count; i++) {
        const struct taken *taken = &node->taken[i];
        if (!meets(taken, from, clean) || taken->slots_from >= base + PLANNER_GPU_MILLI || taken->slots_to <= base)
            continue;
        set_add(&set, taken->slots_from > base ? taken->slots_from - base : 0,
                taken->slots_to - base < PLANNER_GPU_MILLI ? taken->slots_to - base : PLANNER_GPU_MILLI);
    }
    return set;
}

static uint32_t set_free(const struct milli_set *set)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        taken += (uint32_t)__builtin_popcountll(set->words[i]);
    return PLANNER_GPU_MILLI - taken;
}

static void room_compute(const struct reference *reference, const struct reference_node *node, int64_t from, int64_t to,
                         struct reference_room *ret)
{
    int64_t clean = clean_of(reference, to);
    uint64_t whole_taken = 0;
    uint64_t part_taken = 0;
    room_beside(node, from, to, ret);
    for (uint32_t i = 0; i < node->taken_count; i++) {
        const struct taken *taken = &node->taken[i];
        if (!meets(taken, from, clean))
            continue;
        bool part = taken->slots_to - taken->slots_from < PLANNER_GPU_MILLI;
        for (int32_t gpu = taken->slots_from / PLANNER_GPU_MILLI; gpu * PLANNER_GPU_MILLI < taken->slots_to; gpu++)
            *(part ? &part_taken : &whole_taken) |= UINT64_C(1) << gpu;
    }
    ret->whole = 0;
    ret->milli = 0;
    for (uint32_t gpu = 0; gpu < node->gpus; gpu++) {
        ret->free_milli[gpu] = whole_taken >> gpu & 1 ? 0 : PLANNER_GPU_MILLI;
        if (part_taken >> gpu & 1 && ret->free_milli[gpu] > 0) {
            struct milli_set set = set_of(node, gpu, from, clean);
            ret->free_milli[gpu] = set_free(&set);
        }
        ret->whole += ret->free_milli[gpu] == PLANNER_GPU_MILLI;
        ret->milli += ret->free_milli[gpu];
    }
}

void reference_room(const struct reference *reference, uint32_t index, int64_t from, int64_t to,
                    struct reference_room *ret)
{
    struct reference_node *node = &reference->nodes[index];
    if (!node->known || node->known_from != from || node->known_to != to) {
        room_compute(reference, node, from, to, &node->known_room);
        node->known = true;
        node->known_from = from;
        node->known_to = to;
    }
    *ret = node->known_room;
}

bool reference_allowed(const struct reference *reference, uint32_t node, const struct ask *ask)
{
    return ask->models == 0 || (reference->nodes[node].model & ask->models) != 0;
}

uint32_t reference_count(const struct reference_room *room, const struct planner_shape *shape)
{
    int64_t count = INT32_MAX;
    if (shape->gpus > 0) {
        count = room->whole / shape->gpus;
    } else if (shape->gpu_milli > 0) {
        count = 0;
        /* room->free_milli is set only as far as there are GPUs, so stop when all that is free was seen */
        int64_t seen = 0;
        for (uint32_t gpu = 0; seen < room->milli; gpu++) {
            seen += room->free_milli[gpu];
            count += room->free_milli[gpu] / shape->gpu_milli;
        }
    }
    if (shape->cpu_milli > 0 && room->cpu_milli / shape->cpu_milli < count)
        count = room->cpu_milli / shape->cpu_milli;
    if (shape->memory_mib > 0 && room->memory_mib / shape->memory_mib < count)
        count = room->memory_mib / shape->memory_mib;
    return count < 0 ? 0 : (uint32_t)count;
}

static void taken_add(struct reference_node *node, struct taken taken)
{
    if (node->taken_count == node->taken_room) {
        node->taken_room = node->taken_room == 0 ? 16 : node->taken_room * 2;
        node->taken = alloc_resize(node->taken, node->taken_room, sizeof node->taken[0]);
    }
    node->taken[node->taken_count++] = taken;
    node->known = false;
}

/* Runs of free milli, lowest first, until there are enough. */
static void share_choose(const struct milli_set *set, uint32_t gpu, uint32_t milli, struct placed row,
                         struct placements *placements)
{
    int32_t base = (int32_t)(gpu * PLANNER_GPU_MILLI);
    for (int32_t at = 0; milli > 0;) {
        must(at < PLANNER_GPU_MILLI);
        if (set->words[at / 64] >> (at % 64) & 1) {
            at++;
            continue;
        }
        row.slots_from = base + at;
        while (at < PLANNER_GPU_MILLI && milli > 0 && (set->words[at / 64] >> (at % 64) & 1) == 0) {
            at++;
            milli--;
        }
        row.slots_to = base + at;
        placements_add(placements, row);
    }
}

void reference_take(struct reference *reference, uint32_t index, uint32_t gpu, const struct ask *ask, uint32_t instance,
                    struct placements *placements)
{
    const struct reference_node *node = &reference->nodes[index];
    struct placed row = {.instance = instance, .node = index, .from = ask->from, .to = ask->to};
    uint32_t before = placements->count;
    if (shape_milli(&ask->shape) == 0) {
        placements_add(placements, row);
    } else if (ask->shape.gpus == 0) {
        struct milli_set set = set_of(node, gpu, ask->from, clean_of(reference, ask->to));
        share_choose(&set, gpu, ask->shape.gpu_milli, row, placements);
    } else {
        struct reference_room room;
        uint32_t missing = ask->shape.gpus;
        reference_room(reference, index, ask->from, ask->to, &room);
        for (uint32_t i = 0; missing > 0; i++) {
            must(i < node->gpus);
            if (room.free_milli[i] < PLANNER_GPU_MILLI)
                continue;
            row.slots_from = (int32_t)(i * PLANNER_GPU_MILLI);
            row.slots_to = row.slots_from + PLANNER_GPU_MILLI;
            placements_add(placements, row);
            missing--;
        }
    }
    reference_put(reference, ask, placements->rows + before, placements->count - before);
}

void reference_forget(struct reference *reference, int64_t instant)
{
    for (uint32_t i = 0; i < reference->node_count; i++) {
        struct reference_node *node = &reference->nodes[i];
        node->known = false;
        for (uint32_t j = 0; j < node->taken_count; j++) {
            if (node->taken[j].clean <= instant)
                node->taken[j--] = node->taken[--node->taken_count];
        }
    }
}

/* Turnaround of a share is of some milli, not of slots, so only whole GPUs are held to theirs. */
static bool is_free(const struct reference *reference, const struct placed *row)
{
    const struct reference_node *node = &reference->nodes[row->node];
    bool share = row->slots_to - row->slots_from < PLANNER_GPU_MILLI;
    for (uint32_t i = 0; i < node->taken_count; i++) {
        const struct taken *taken = &node->taken[i];
        bool loose = share || taken->slots_to - taken->slots_from < PLANNER_GPU_MILLI;
        if (taken->slots_from >= row->slots_to || row->slots_from >= taken->slots_to)
            continue;
        if (loose ? taken->from < row->to && row->from < taken->to
                  : meets(taken, row->from, clean_of(reference, row->to)))
            return false;
    }
    return true;
}

void reference_put(struct reference *reference, const struct ask *ask, const struct placed *rows, uint32_t count)
{
    must(count > 0);
    struct reference_node *node = &reference->nodes[rows[0].node];
    struct reference_room room;
    room_beside(node, ask->from, ask->to, &room);
    must(room.cpu_milli >= ask->shape.cpu_milli && room.memory_mib >= ask->shape.memory_mib);
    for (uint32_t i = 0; i < count; i++) {
        must(rows[i].node == rows[0].node && is_free(reference, &rows[i]));
        taken_add(node, (struct taken){rows[i].from, rows[i].to, clean_of(reference, rows[i].to), rows[i].slots_from,
                                       rows[i].slots_to, 0, 0});
    }
    /* CPU and memory are held for the whole window, wherever the slots are: a rectangle without slots */
    if (ask->shape.cpu_milli > 0 || ask->shape.memory_mib > 0)
        taken_add(node, (struct taken){ask->from, ask->to, ask->to, 0, 0, ask->shape.cpu_milli, ask->shape.memory_mib});
}
