/* A node's timeline: what is taken, sorted by start. As no slice is longer than the longest, queries look only at what
 * begins less than that before the window and ends at the window's end: a few cache lines, however far ahead it is,
 * unless something open-ended is held. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

static bool slice_before(const struct slice *a, const struct slice *b)
{
    if (a->from != b->from)
        return a->from < b->from;
    if (a->slots_from != b->slots_from)
        return a->slots_from < b->slots_from;
    return a->to < b->to;
}

/* Nothing that begins before this reaches beyond `instant`. */
static int64_t reach_back(int64_t instant, int64_t longest_s)
{
    return longest_s == PLANNER_OPEN || instant < INT64_MIN + longest_s ? INT64_MIN : instant - longest_s;
}

static int64_t length_of(int64_t from, int64_t to)
{
    return to == PLANNER_OPEN ? PLANNER_OPEN : to - from;
}

uint32_t timeline_from(const struct node *node, int64_t instant)
{
    uint32_t low = 0;
    for (uint32_t high = node->slice_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (node->slices[middle].from < instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t timeline_first(const struct node *node, int64_t instant)
{
    return timeline_from(node, reach_back(instant, node->slice_longest_s));
}

/* The first hold that begins at or after `instant`. */
static uint32_t hold_from(const struct node *node, int64_t instant)
{
    uint32_t low = 0;
    for (uint32_t high = node->hold_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (node->holds[middle].from < instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t timeline_hold_first(const struct node *node, int64_t instant)
{
    return hold_from(node, reach_back(instant, node->hold_longest_s));
}

static uint32_t place_of(const struct node *node, const struct slice *slice)
{
    uint32_t low = 0;
    for (uint32_t high = node->slice_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_before(slice, &node->slices[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void timeline_insert(struct node *node, const struct slice *slice)
{
    ARRAY_RESERVE(node->slices, node->slice_room, node->slice_count + 1);
    uint32_t at = place_of(node, slice);
    int64_t length_s = length_of(slice->from, slice->clean);
    if (length_s > node->slice_longest_s)
        node->slice_longest_s = length_s;
    memmove(&node->slices[at + 1], &node->slices[at], (node->slice_count - at) * sizeof *slice);
    node->slices[at] = *slice;
    node->slice_count++;
}

uint64_t timeline_remove(struct node *node, uint32_t allocation)
{
    uint64_t gpus = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->slice_count; i++) {
        if (node->slices[i].allocation != allocation)
            node->slices[kept++] = node->slices[i];
        else
            gpus |= slice_gpus(&node->slices[i]);
    }
    must(kept < node->slice_count);
    node->slice_count = kept;

    kept = 0;
    for (uint32_t i = 0; i < node->hold_count; i++) {
        if (node->holds[i].allocation != allocation)
            node->holds[kept++] = node->holds[i];
    }
    node->hold_count = kept;
    return gpus;
}

void timeline_hold(struct node *node, const struct hold *hold)
{
    ARRAY_RESERVE(node->holds, node->hold_room, node->hold_count + 1);
    uint32_t at = hold_from(node, hold->from);
    memmove(&node->holds[at + 1], &node->holds[at], (node->hold_count - at) * sizeof *hold);
    node->holds[at] = *hold;
    node->hold_count++;
    int64_t length_s = length_of(hold->from, hold->to);
    if (length_s > node->hold_longest_s)
        node->hold_longest_s = length_s;
}

bool timeline_blocks(const struct planner *planner, const struct slice *slice, const struct question *question,
                     int64_t clean)
{
    bool inside = slice->from < question->to && slice->to > question->from;
    if (!inside && (slice->from >= clean || slice->clean <= question->from))
        return false;
    if (question->preempts && preempt_may(planner, slice->allocation, question))
        return false;
    if (inside)
        return true;
    /* Only turnaround is in the way, its or ours: whole GPUs owe none to their own tenant. */
    return slice_is_share(slice) || question->shape.gpus == 0 || slice->tenant != question->tenant_tag ||
           !id_equal(planner->allocations[slice->allocation].tenant, question->tenant);
}

/* Milli of a GPU that shares take at one instant. Slots taken at one instant are disjoint, so they add up. */
static uint32_t milli_taken_at(const struct planner *planner, const struct node *node, const struct question *question,
                               uint32_t gpu, int64_t instant)
{
    uint32_t taken = 0;
    for (uint32_t i = timeline_first(node, instant); i < node->slice_count && node->slices[i].from <= instant; i++) {
        const struct slice *slice = &node->slices[i];
        if (slice->clean > instant && slice_is_share(slice) && (uint32_t)slice->slots_from / PLANNER_GPU_MILLI == gpu &&
            !(question->preempts && preempt_may(planner, slice->allocation, question)))
            taken += (uint32_t)(slice->slots_to - slice->slots_from);
    }
    return taken;
}

/* The peak is reached at the window's start or where a slice begins in it. */
static void free_milli_lower(const struct planner *planner, const struct node *node, const struct question *question,
                             int64_t clean, uint32_t free_milli[PLANNER_NODE_GPUS_MAX], uint64_t moving)
{
    for (uint32_t i = timeline_first(node, question->from); i < node->slice_count && node->slices[i].from < clean;
         i++) {
        const struct slice *slice = &node->slices[i];
        uint32_t gpu = (uint32_t)slice->slots_from / PLANNER_GPU_MILLI;
        if (slice->clean <= question->from || !slice_is_share(slice) || (moving >> gpu & 1) == 0)
            continue;
        uint32_t taken =
            milli_taken_at(planner, node, question, gpu, slice->from > question->from ? slice->from : question->from);
        must(taken <= PLANNER_GPU_MILLI);
        if (PLANNER_GPU_MILLI - taken < free_milli[gpu])
            free_milli[gpu] = PLANNER_GPU_MILLI - taken;
    }
}

void timeline_free_milli(const struct planner *planner, const struct node *node, const struct question *question,
                         uint32_t free_milli[PLANNER_NODE_GPUS_MAX])
{
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    uint64_t taken_whole = 0;
    uint64_t moving = 0; /* GPUs whose shares come or go within the window */
    if (question->only_gpus != 0)
        taken_whole = ~question->only_gpus;
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++)
        free_milli[gpu] = (taken_whole >> gpu & 1) != 0 ? 0 : PLANNER_GPU_MILLI;
    if (question->ignore_taken)
        return;
    for (uint32_t i = timeline_first(node, question->from); i < node->slice_count && node->slices[i].from < clean;
         i++) {
        const struct slice *slice = &node->slices[i];
        if (!timeline_blocks(planner, slice, question, clean))
            continue;
        uint32_t gpu = (uint32_t)slice->slots_from / PLANNER_GPU_MILLI;
        if (!slice_is_share(slice))
            taken_whole |= slice_gpus(slice);
        else if (slice->from > question->from)
            moving |= UINT64_C(1) << gpu;
        else if ((taken_whole >> gpu & 1) == 0) /* held at the window's first instant, all together */
            free_milli[gpu] -= (uint32_t)(slice->slots_to - slice->slots_from);
    }
    if ((moving & ~taken_whole) != 0)
        free_milli_lower(planner, node, question, clean, free_milli, moving & ~taken_whole);
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        if (taken_whole >> gpu & 1)
            free_milli[gpu] = 0;
    }
}

/* Without what `question` may evict, if there is one. No hold before `first` reaches beyond the instant. */
static void held_at(const struct planner *planner, const struct node *node, const struct question *question,
                    uint32_t first, int64_t instant, int64_t *ret_cpu_milli, int64_t *ret_memory_mib)
{
    *ret_cpu_milli = 0;
    *ret_memory_mib = 0;
    for (uint32_t i = first; i < node->hold_count && node->holds[i].from <= instant; i++) {
        const struct hold *hold = &node->holds[i];
        if (hold->to <= instant ||
            (question != NULL && question->preempts && preempt_may(planner, hold->allocation, question)))
            continue;
        *ret_cpu_milli += hold->cpu_milli;
        *ret_memory_mib += hold->memory_mib;
    }
}

static void peak(const struct planner *planner, const struct node *node, const struct question *question, int64_t from,
                 int64_t to, int64_t *ret_cpu_milli, int64_t *ret_memory_mib)
{
    uint32_t first = timeline_hold_first(node, from);
    held_at(planner, node, question, first, from, ret_cpu_milli, ret_memory_mib);
    for (uint32_t i = first; i < node->hold_count && node->holds[i].from < to; i++) {
        int64_t instant = node->holds[i].from;
        int64_t cpu_milli;
        int64_t memory_mib;
        if (instant <= from)
            continue;
        while (node->holds[first].from < reach_back(instant, node->hold_longest_s))
            first++; /* ends at i at the latest */
        held_at(planner, node, question, first, instant, &cpu_milli, &memory_mib);
        if (cpu_milli > *ret_cpu_milli)
            *ret_cpu_milli = cpu_milli;
        if (memory_mib > *ret_memory_mib)
            *ret_memory_mib = memory_mib;
    }
}

void timeline_peak(const struct node *node, int64_t from, int64_t to, int64_t *ret_cpu_milli, int64_t *ret_memory_mib)
{
    peak(NULL, node, NULL, from, to, ret_cpu_milli, ret_memory_mib);
}

void timeline_peak_for(const struct planner *planner, const struct node *node, const struct question *question,
                       int64_t *ret_cpu_milli, int64_t *ret_memory_mib)
{
    peak(planner, node, question, question->from, question->to, ret_cpu_milli, ret_memory_mib);
}
