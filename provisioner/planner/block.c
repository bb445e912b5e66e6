/* Maintenance: a node taken as a whole, and who would be hit by it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

static bool held_within(const struct slice *slice, int64_t from, int64_t to)
{
    return slice->from < slice->to && slice->from < to && slice->to > from;
}

/* Ends the turnaround of shares where the maintenance begins, which sees to the cleaning. (That of whole GPUs gives way
 * to who follows by itself.) */
static void turnaround_yields(struct planner *planner, uint32_t index, int64_t from)
{
    struct allocation body = planner->allocations[index];
    uint32_t count = allocation_slices(planner, index);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice slice = planner->cut[i];
        if (slice.to <= from && slice.clean > from)
            slice.clean = from;
        if (slice.from < slice.clean)
            planner->cut[kept++] = slice;
    }
    allocation_remove(planner, index);
    if (kept > 0)
        (void)allocation_add(planner, &body, planner->cut, kept); /* known by its key */
}

/* A share's allocation on the node whose turnaround reaches into [from, to), or NONE. */
static uint32_t yielding(const struct node *node, int64_t from, int64_t to)
{
    for (uint32_t i = timeline_first(node, from); i < node->slice_count && node->slices[i].from < to; i++) {
        if (slice_is_share(&node->slices[i]) && node->slices[i].clean > from)
            return node->slices[i].allocation;
    }
    return NONE;
}

bool planner_block(struct planner *planner, const struct planner_key *key, struct planner_id id, int64_t from,
                   int64_t to)
{
    must(from < to && held_after(planner, key, INT64_MIN) == NONE);
    uint32_t index = id_find(&planner->node_ids, id);
    if (index == NONE)
        return false;
    const struct node *node = &planner->nodes[index];
    for (uint32_t i = timeline_first(node, from); i < node->slice_count && node->slices[i].from < to; i++) {
        if (held_within(&node->slices[i], from, to))
            return false;
    }
    if (node->spec.gpus == 0)
        return true; /* nothing to take */
    uint32_t share;
    while ((share = yielding(node, from, to)) != NONE)
        turnaround_yields(planner, share, from);
    struct slice all = {from, to, to, 0, (int32_t)(node->spec.gpus * PLANNER_GPU_MILLI), NONE, 0};
    struct allocation body = {
        .key = *key, .shape = {.gpus = node->spec.gpus}, .from = from, .to = to, .node = index, .maintenance = true};
    (void)allocation_add(planner, &body, &all, 1); /* known by its key */
    return true;
}

/* By start, then by key. */
static bool hit_before(const struct planner *planner, uint32_t left, uint32_t right)
{
    const struct allocation *a = &planner->allocations[left];
    const struct allocation *b = &planner->allocations[right];
    if (a->from != b->from)
        return a->from < b->from;
    int order = memcmp(&a->key.reservation, &b->key.reservation, sizeof a->key.reservation);
    return order != 0 ? order < 0 : a->key.ordinal < b->key.ordinal;
}

const struct planner_allocation *planner_hits(struct planner *planner, struct planner_id id, int64_t from, int64_t to,
                                              uint32_t *ret_count)
{
    uint32_t index = id_find(&planner->node_ids, id);
    uint32_t count = 0;
    if (index != NONE)
        ARRAY_RESERVE(planner->sums, planner->sum_room, planner->nodes[index].slice_count);
    for (uint32_t i = 0; index != NONE && i < planner->nodes[index].slice_count; i++) {
        const struct slice *slice = &planner->nodes[index].slices[i];
        bool known = !held_within(slice, from, to);
        for (uint32_t j = 0; j < count && !known; j++)
            known = planner->sums[j] == slice->allocation;
        if (known)
            continue;
        uint32_t at = count++;
        for (; at > 0 && hit_before(planner, slice->allocation, planner->sums[at - 1]); at--)
            planner->sums[at] = planner->sums[at - 1];
        planner->sums[at] = slice->allocation;
    }
    give_begin(planner);
    for (uint32_t i = 0; i < count; i++)
        give(planner, planner->sums[i]);
    give_end(planner);
    *ret_count = count;
    return planner->given;
}
