/* Holding an instance from earlier on than was planned, where it stands: the same slots, before. That they are free from
 * one instant on implies that they are from any later one, so the first is found by halving. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

/* What an allocation holds first is in its slices that begin with it. */
static bool begins(const struct allocation *body, const struct slice *slice)
{
    return slice->from == body->from && slice->from < slice->to;
}

/* The time before an allocation begins, as a question; its first slots into planner->cut, whose count it returns. */
static uint32_t before_begin(struct planner *planner, uint32_t index, struct question *ret)
{
    const struct allocation *body = &planner->allocations[index];
    *ret = (struct question){
        .tenant = body->tenant,
        .tenant_tag = tenant_tag(body->tenant),
        .shape = body->shape,
        .to = body->from,
    };
    uint32_t count = allocation_slices(planner, index);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (begins(body, &planner->cut[i]))
            planner->cut[kept++] = planner->cut[i];
    }
    return kept;
}

/* Its slots in planner->cut are nobody's for all of the question's time, nor are CPU and memory; what follows is its own. */
static bool is_free(const struct planner *planner, const struct node *node, const struct question *before,
                    uint32_t count)
{
    for (uint32_t i = timeline_first(node, before->from); i < node->slice_count && node->slices[i].from < before->to;
         i++) {
        if (!timeline_blocks(planner, &node->slices[i], before, before->to))
            continue;
        for (uint32_t j = 0; j < count; j++) {
            if (slots_overlap(&node->slices[i], &planner->cut[j]))
                return false;
        }
    }
    int64_t cpu_milli = 0;
    int64_t memory_mib = 0;
    timeline_peak_for(planner, node, before, &cpu_milli, &memory_mib);
    return cpu_milli + before->shape.cpu_milli <= node->spec.cpu_milli &&
           memory_mib + before->shape.memory_mib <= node->spec.memory_mib;
}

int64_t planner_free_since(struct planner *planner, const struct planner_key *key, int64_t from)
{
    uint32_t index = held_after(planner, key, from);
    must(index != NONE);
    if (planner->allocations[index].from <= from)
        return from;
    const struct node *node = &planner->nodes[planner->allocations[index].node];
    struct question before;
    uint32_t count = before_begin(planner, index, &before);
    int64_t taken = from;
    int64_t free = before.to;
    before.from = from;
    if (is_free(planner, node, &before, count))
        return from;
    while (free - taken > 1) {
        before.from = taken + (free - taken) / 2;
        if (is_free(planner, node, &before, count))
            free = before.from;
        else
            taken = before.from;
    }
    return free;
}

void planner_begin_early(struct planner *planner, const struct planner_key *key, int64_t from)
{
    must(planner_free_since(planner, key, from) == from);
    uint32_t index = held_after(planner, key, from);
    struct allocation body = planner->allocations[index];
    if (body.from <= from)
        return;
    uint32_t count = allocation_slices(planner, index);
    allocation_remove(planner, index);
    for (uint32_t i = 0; i < count; i++) {
        if (begins(&body, &planner->cut[i]))
            planner->cut[i].from = from;
    }
    body.from = from;
    (void)allocation_add(planner, &body, planner->cut, count); /* known by its key */
}
