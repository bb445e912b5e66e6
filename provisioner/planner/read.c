/* Reading the state: rectangles as the database keeps them, and one number over all of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

static void rectangle_append(struct planner *planner, const struct slice *slots, int64_t from, int64_t to,
                             enum planner_kind kind)
{
    ARRAY_RESERVE(planner->rectangles, planner->rectangle_room, planner->rectangle_count + 1);
    planner->rectangles[planner->rectangle_count++] =
        (struct planner_rectangle){slots->slots_from, slots->slots_to, from, to, kind};
}

int64_t turnaround_end(const struct node *node, const struct slice *slice, uint32_t gpu)
{
    int32_t slot = (int32_t)(gpu * PLANNER_GPU_MILLI);
    struct slice slots = {.slots_from = slot, .slots_to = slot + PLANNER_GPU_MILLI};
    int64_t end = slice->clean;
    for (uint32_t i = timeline_from(node, slice->to); i < node->slice_count && node->slices[i].from < end; i++) {
        const struct slice *next = &node->slices[i];
        if (next != slice && slots_overlap(next, &slots))
            end = next->from;
    }
    return end;
}

/* Turnaround behind whole GPUs lasts until they are clean or its own tenant's next window takes them, GPU by GPU. */
static void turnaround_append(struct planner *planner, const struct node *node, const struct slice *slice)
{
    struct slice run = *slice;
    int64_t run_end = slice->to;
    for (int32_t slot = slice->slots_from; slot < slice->slots_to; slot += PLANNER_GPU_MILLI) {
        int64_t end = turnaround_end(node, slice, (uint32_t)slot / PLANNER_GPU_MILLI);
        if (end != run_end) {
            if (run_end > slice->to)
                rectangle_append(planner, &run, slice->to, run_end, PLANNER_TURNAROUND);
            run.slots_from = slot;
            run_end = end;
        }
        run.slots_to = slot + PLANNER_GPU_MILLI;
    }
    if (run_end > slice->to)
        rectangle_append(planner, &run, slice->to, run_end, PLANNER_TURNAROUND);
}

static bool rectangle_before(const struct planner_rectangle *a, const struct planner_rectangle *b)
{
    return a->from != b->from ? a->from < b->from : a->slots_from < b->slots_from;
}

static void rectangles_sort(struct planner_rectangle *rectangles, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct planner_rectangle moved = rectangles[i];
        uint32_t at = i;
        for (; at > 0 && rectangle_before(&moved, &rectangles[at - 1]); at--)
            rectangles[at] = rectangles[at - 1];
        rectangles[at] = moved;
    }
}

void rectangles_append(struct planner *planner, uint32_t index)
{
    const struct node *node = &planner->nodes[planner->allocations[index].node];
    uint32_t first = planner->rectangle_count;
    uint32_t at = 0;
    for (const struct slice *slice = NULL; (slice = allocation_slice_next(planner, index, &at)) != NULL;) {
        if (slice->from < slice->to)
            rectangle_append(planner, slice, slice->from, slice->to, PLANNER_HELD);
        if (slice->to < slice->clean && slice_is_share(slice))
            rectangle_append(planner, slice, slice->to, slice->clean, PLANNER_TURNAROUND);
        else if (slice->to < slice->clean)
            turnaround_append(planner, node, slice);
    }
    rectangles_sort(planner->rectangles + first, planner->rectangle_count - first);
}

struct planner_allocation allocation_told(const struct planner *planner, uint32_t index)
{
    const struct allocation *allocation = &planner->allocations[index];
    return (struct planner_allocation){
        .key = allocation->key,
        .tenant = allocation->tenant,
        .node = planner->nodes[allocation->node].spec.id,
        .shape = allocation->shape,
        .turnaround_s = allocation->turnaround_s,
        .preemptible = allocation->preemptible,
        .maintenance = allocation->maintenance,
    };
}

bool planner_get(struct planner *planner, const struct planner_key *key, struct planner_id node,
                 struct planner_allocation *ret)
{
    uint32_t index = id_find(&planner->node_ids, node);
    bool found = false;
    planner->rectangle_count = 0;
    for (uint32_t at = allocation_find(planner, key, NONE); at != NONE; at = allocation_find(planner, key, at)) {
        if (planner->allocations[at].node != index)
            continue;
        rectangles_append(planner, at);
        *ret = allocation_told(planner, at);
        found = true;
    }
    if (found) {
        rectangles_sort(planner->rectangles, planner->rectangle_count);
        ret->rectangles = planner->rectangles;
        ret->rectangle_count = planner->rectangle_count;
    }
    return found;
}

const struct planner_node *planner_node_of(const struct planner *planner, const struct planner_key *key,
                                           int64_t instant)
{
    const struct allocation *best = NULL;
    for (uint32_t at = allocation_find(planner, key, NONE); at != NONE; at = allocation_find(planner, key, at)) {
        const struct allocation *allocation = &planner->allocations[at];
        if (allocation->from < allocation->to && allocation->to > instant &&
            (best == NULL || allocation->from < best->from))
            best = allocation;
    }
    return best == NULL ? NULL : &planner->nodes[best->node].spec;
}

static uint64_t mix_in(uint64_t hash, uint64_t value)
{
    return hash_mix(hash + UINT64_C(0x9e3779b97f4a7c15) + value);
}

static uint64_t node_hash(const struct planner_node *node)
{
    uint64_t hash = id_hash(node->id);
    const uint64_t values[] = {
        id_hash(node->zone),
        id_hash(node->fabric),
        id_hash(node->leaf),
        id_hash(node->rack),
        id_hash(node->nvlink_domain),
        node->gpus,
        (uint64_t)node->grouping,
        (uint64_t)node->cpu_milli,
        (uint64_t)node->memory_mib,
        (uint64_t)node->turnaround_s,
        (uint64_t)node->plannable_from,
        (uint64_t)node->plannable_until,
        node->cordoned,
    };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        hash = mix_in(hash, values[i]);
    for (size_t i = 0; node->gpu_model[i] != 0; i++)
        hash = mix_in(hash, (unsigned char)node->gpu_model[i]);
    return hash;
}

/* The parts are summed, so their order does not matter. */
static uint64_t allocation_hash(struct planner *planner, uint32_t index, int64_t from)
{
    const struct allocation *allocation = &planner->allocations[index];
    uint64_t base = mix_in(id_hash(allocation->key.reservation), allocation->key.ordinal);
    base = mix_in(base, id_hash(allocation->tenant));
    base = mix_in(base, id_hash(planner->nodes[allocation->node].spec.id));
    base = mix_in(base, (uint64_t)allocation->preemptible << 1 | allocation->maintenance);
    uint64_t sum = 0;
    planner->rectangle_count = 0;
    rectangles_append(planner, index);
    for (uint32_t i = 0; i < planner->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &planner->rectangles[i];
        if (rectangle->to <= from)
            continue;
        uint64_t hash = mix_in(base, (uint64_t)(uint32_t)rectangle->slots_from << 32 | (uint32_t)rectangle->slots_to);
        hash = mix_in(mix_in(hash, (uint64_t)rectangle->from), (uint64_t)rectangle->to);
        sum += mix_in(hash, (uint64_t)rectangle->kind);
    }
    if (allocation->from < allocation->to && allocation->to > from) {
        uint64_t hash = mix_in(base, (uint64_t)allocation->shape.cpu_milli);
        hash = mix_in(hash, (uint64_t)allocation->shape.memory_mib);
        hash = mix_in(hash, (uint64_t)(allocation->from > from ? allocation->from : from));
        sum += mix_in(hash, (uint64_t)allocation->to);
    }
    return sum;
}

uint64_t planner_fingerprint(struct planner *planner, int64_t from)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < planner->node_count; i++)
        sum += node_hash(&planner->nodes[i].spec);
    for (uint32_t i = 0; i < planner->allocation_top; i++) {
        if (planner->allocations[i].node != NONE)
            sum += allocation_hash(planner, i, from);
    }
    return hash_mix(sum);
}
