/* Holding an instance longer where it stands: the same GPUs, further on. That it fits for a time implies that it fits
 * for less, so the furthest end is found by halving. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

uint64_t allocation_gpus(struct planner *planner, uint32_t index)
{
    const struct allocation *allocation = &planner->allocations[index];
    uint32_t count = allocation_slices(planner, index);
    uint64_t gpus = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (planner->cut[i].to == allocation->to && planner->cut[i].from < planner->cut[i].to)
            gpus |= slice_gpus(&planner->cut[i]);
    }
    return gpus;
}

struct question onward_begin(struct planner *planner, uint32_t index)
{
    struct allocation body = planner->allocations[index];
    struct question onward = {
        .tenant = body.tenant,
        .tenant_tag = tenant_tag(body.tenant),
        .shape = body.shape,
        .from = body.to,
        .avoid = NONE,
        .near_group = NONE,
        .only_node = NONE,
        .beside = NONE,
        .only_gpus = allocation_gpus(planner, index),
        .apart_level = PLANNER_FLEET,
        .preemptible = body.preemptible,
    };
    uint32_t count = allocation_slices(planner, index);
    ARRAY_RESERVE(planner->kept, planner->kept_room, count);
    planner->kept_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice slice = planner->cut[i];
        bool ends = slice.to == body.to && slice.from < slice.to;
        if (body.shape.gpus == 0 && slice.from >= body.to)
            continue; /* its turnaround: it comes later now */
        if (body.shape.gpus == 0 && slice.clean > body.to)
            slice.clean = body.to;
        slice.allocation = ends ? NONE : 0; /* marks what goes on */
        planner->kept[planner->kept_count++] = slice;
    }
    allocation_remove(planner, index);
    return onward;
}

void onward_end(struct planner *planner, struct allocation *body, const struct question *onward)
{
    const struct node *node = &planner->nodes[body->node];
    bool share = body->shape.gpus == 0;
    uint32_t count = 0;
    if (share)
        count = share_slices(planner, node, onward, (uint32_t)__builtin_ctzll(onward->only_gpus));
    ARRAY_RESERVE(planner->cut, planner->cut_room, count + planner->kept_count);
    for (uint32_t i = 0; i < planner->kept_count; i++) {
        struct slice slice = planner->kept[i];
        if (!share && slice.allocation == NONE) {
            slice.to = onward->to;
            slice.clean = instant_add(onward->to, node->spec.turnaround_s);
        }
        planner->cut[count++] = slice;
    }
    body->to = onward->to;
    body->turnaround_s = node->spec.turnaround_s;
    (void)allocation_add(planner, body, planner->cut, count); /* known by its key */
}

static bool onward_fits(const struct planner *planner, const struct node *node, struct question *onward, int64_t to)
{
    onward->to = to;
    return fit_eligible(planner, node, onward) && fit_node(planner, node, onward).count > 0;
}

int64_t onward_latest(const struct planner *planner, const struct node *node, struct question *onward, int64_t to)
{
    int64_t fits = onward->from;
    int64_t fails = to <= PLANNER_INSTANT_MAX ? to : PLANNER_INSTANT_MAX + 1;
    if (onward_fits(planner, node, onward, to))
        return to;
    while (fails - fits > 1) {
        int64_t middle = fits + (fails - fits) / 2;
        if (onward_fits(planner, node, onward, middle))
            fits = middle;
        else
            fails = middle;
    }
    return fits;
}

/* The allocation under the key that is held the longest. */
static uint32_t held_last(const struct planner *planner, const struct planner_key *key)
{
    uint32_t best = NONE;
    for (uint32_t at = allocation_find(planner, key, NONE); at != NONE; at = allocation_find(planner, key, at)) {
        const struct allocation *allocation = &planner->allocations[at];
        if (allocation->from < allocation->to && (best == NONE || allocation->to > planner->allocations[best].to))
            best = at;
    }
    return best;
}

int64_t planner_resume(struct planner *planner, const struct planner_key *key, int64_t from, int64_t to)
{
    uint32_t index = held_last(planner, key);
    must(to <= PLANNER_INSTANT_MAX || to == PLANNER_OPEN);
    if (index == NONE)
        return from;
    uint32_t at = planner->allocations[index].node;
    must(planner->allocations[index].to <= from && from < to);
    struct attempt attempt = attempt_begin(planner);
    struct question onward = onward_begin(planner, index); /* what is over is forgotten */
    onward.from = from;
    onward.ignore_plannable = true;
    onward.to = onward_latest(planner, &planner->nodes[at], &onward, to);
    if (onward.to > from)
        (void)take(planner, at, &onward, *key); /* known by its key */
    else
        attempt_undo(planner, attempt);
    attempt_keep(planner, attempt);
    return onward.to;
}

int64_t planner_extend(struct planner *planner, const struct planner_key *key, int64_t to)
{
    uint32_t index = held_last(planner, key);
    must(index != NONE && (to <= PLANNER_INSTANT_MAX || to == PLANNER_OPEN));
    struct allocation body = planner->allocations[index];
    int64_t present = body.to;
    if (to <= present)
        return present;
    struct attempt attempt = attempt_begin(planner);
    struct question onward = onward_begin(planner, index);
    onward.to = onward_latest(planner, &planner->nodes[body.node], &onward, to);
    if (onward.to > present)
        onward_end(planner, &body, &onward);
    else
        attempt_undo(planner, attempt);
    attempt_keep(planner, attempt);
    return onward.to;
}
