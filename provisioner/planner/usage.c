/* What the fleet does over time: GPU-seconds by what they are for.
 *
 * What lasts for many steps is noted where it begins and where it ends; one pass over the steps makes sums of that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

struct steps {
    int64_t from;
    int64_t step_s;
    uint32_t count;
    struct planner_usage *usage; /* what steps have in part */
    struct planner_usage *more;  /* by how much a full step has more than the one before */
};

static int64_t *amount_at(struct planner_usage *usage, size_t offset)
{
    return (int64_t *)(void *)((char *)usage + offset);
}

static void move(struct planner_usage *usage, int64_t amount, size_t source, size_t target)
{
    *amount_at(usage, source) -= amount;
    *amount_at(usage, target) += amount;
}

/* Moves milli during [from, to) from one amount to another. */
static void shift(const struct steps *steps, int64_t from, int64_t to, int64_t milli, size_t source, size_t target)
{
    int64_t end = steps->from + steps->step_s * (int64_t)steps->count;
    from = from < steps->from ? steps->from : from;
    to = to > end ? end : to;
    if (from >= to)
        return;
    int64_t first = (from - steps->from) / steps->step_s;
    int64_t last = (to - steps->from) / steps->step_s; /* what is left in there may be nothing */
    if (first == last) {
        move(&steps->usage[first], milli * (to - from), source, target);
        return;
    }
    int64_t first_end = steps->from + (first + 1) * steps->step_s;
    int64_t last_start = steps->from + last * steps->step_s;
    move(&steps->usage[first], milli * (first_end - from), source, target);
    if (to > last_start)
        move(&steps->usage[last], milli * (to - last_start), source, target);
    move(&steps->more[first + 1], milli * steps->step_s, source, target);
    move(&steps->more[last], -milli * steps->step_s, source, target);
}

static void add(struct planner_usage *usage, const struct planner_usage *more)
{
    usage->held += more->held;
    usage->preemptible += more->preemptible;
    usage->turnaround += more->turnaround;
    usage->maintenance += more->maintenance;
    usage->unplannable += more->unplannable;
    usage->free += more->free;
}

static void sum_up(const struct steps *steps)
{
    struct planner_usage full = {0};
    for (uint32_t i = 0; i < steps->count; i++) {
        add(&full, &steps->more[i]);
        add(&steps->usage[i], &full);
    }
}

#define USAGE(member) offsetof(struct planner_usage, member)

/* What is taken is taken from what is free or, outside the node's plannable time, from what is unplannable. */
static void taken(const struct steps *steps, const struct node *node, int64_t from, int64_t to, int64_t milli,
                  size_t target)
{
    int64_t plannable_from = node->spec.cordoned ? PLANNER_OPEN : node->spec.plannable_from;
    int64_t plannable_until = node->spec.cordoned ? PLANNER_OPEN : node->spec.plannable_until;
    int64_t before = to < plannable_from ? to : plannable_from;
    int64_t behind = from > plannable_until ? from : plannable_until;
    int64_t inside_from = from > plannable_from ? from : plannable_from;
    int64_t inside_to = to < plannable_until ? to : plannable_until;
    shift(steps, from, before, milli, USAGE(unplannable), target);
    shift(steps, inside_from, inside_to, milli, USAGE(free), target);
    if (plannable_until > plannable_from)
        shift(steps, behind, to, milli, USAGE(unplannable), target);
}

static size_t held_as(const struct allocation *allocation)
{
    if (allocation->maintenance)
        return USAGE(maintenance);
    return allocation->preemptible ? USAGE(preemptible) : USAGE(held);
}

static void slice_taken(const struct steps *steps, const struct planner *planner, const struct node *node,
                        const struct slice *slice)
{
    int64_t milli = slice->slots_to - slice->slots_from;
    taken(steps, node, slice->from, slice->to, milli, held_as(&planner->allocations[slice->allocation]));
    if (slice_is_share(slice)) {
        taken(steps, node, slice->to, slice->clean, milli, USAGE(turnaround));
        return;
    }
    for (int32_t slot = slice->slots_from; slot < slice->slots_to; slot += PLANNER_GPU_MILLI) {
        int64_t clean = turnaround_end(node, slice, (uint32_t)slot / PLANNER_GPU_MILLI);
        taken(steps, node, slice->to, clean, PLANNER_GPU_MILLI, USAGE(turnaround));
    }
}

static void node_used(const struct steps *steps, const struct planner *planner, const struct node *node)
{
    int64_t end = steps->from + steps->step_s * (int64_t)steps->count;
    int64_t milli = (int64_t)node->spec.gpus * PLANNER_GPU_MILLI;
    for (uint32_t i = 0; i < steps->count; i++)
        steps->usage[i].unplannable += milli * steps->step_s;
    if (!node->spec.cordoned)
        shift(steps, node->spec.plannable_from, node->spec.plannable_until, milli, USAGE(unplannable), USAGE(free));
    for (uint32_t i = timeline_first(node, steps->from); i < node->slice_count && node->slices[i].from < end; i++)
        slice_taken(steps, planner, node, &node->slices[i]);
}

void planner_usage_of(const struct planner *planner, enum planner_scope level, struct planner_id group,
                      const char *gpu_model, int64_t from, int64_t step_s, uint32_t steps, struct planner_usage ret[])
{
    must(step_s > 0 && (unsigned)level < PLANNER_SCOPE_COUNT);
    struct planner_usage *more = alloc_zero((size_t)steps + 1, sizeof more[0]);
    struct steps all = {from, step_s, steps, ret, more};
    uint32_t number = level == PLANNER_FLEET ? 0 : id_find(&planner->groups[level], group);
    uint32_t model = gpu_model == NULL ? NONE : model_find(planner, gpu_model);
    memset(ret, 0, steps * sizeof ret[0]);
    for (uint32_t i = 0; i < planner->node_count; i++) {
        bool wanted = gpu_model == NULL || planner->nodes[i].model == model;
        if (wanted && group_of(planner, level, i) == number)
            node_used(&all, planner, &planner->nodes[i]);
    }
    sum_up(&all);
    free(more);
}
