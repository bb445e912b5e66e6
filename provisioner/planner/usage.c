/* What the fleet does over time: GPU-seconds by what they are for, and how much more would fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

struct steps {
    int64_t from;
    int64_t step_s;
    uint32_t count;
    struct planner_usage *usage;
};

static int64_t *amount_at(struct planner_usage *usage, size_t offset)
{
    return (int64_t *)(void *)((char *)usage + offset);
}

/* Moves milli during [from, to) from one amount to another, step by step. */
static void shift(const struct steps *steps, int64_t from, int64_t to, int64_t milli, size_t source, size_t target)
{
    int64_t end = steps->from + steps->step_s * (int64_t)steps->count;
    from = from < steps->from ? steps->from : from;
    to = to > end ? end : to;
    while (from < to) {
        int64_t step = (from - steps->from) / steps->step_s;
        int64_t next = steps->from + (step + 1) * steps->step_s;
        next = next < to ? next : to;
        *amount_at(&steps->usage[step], source) -= milli * (next - from);
        *amount_at(&steps->usage[step], target) += milli * (next - from);
        from = next;
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
    struct steps all = {from, step_s, steps, ret};
    uint32_t number = level == PLANNER_FLEET ? 0 : id_map_get(&planner->groups[level], group);
    uint32_t model = gpu_model == NULL ? NONE : model_find(planner, gpu_model);
    memset(ret, 0, steps * sizeof ret[0]);
    for (uint32_t i = 0; i < planner->node_count; i++) {
        bool wanted = gpu_model == NULL || planner->nodes[i].model == model;
        if (wanted && group_of(planner, level, i) == number)
            node_used(&all, planner, &planner->nodes[i]);
    }
}

/* Marks the steps whose answer for the node may differ from that of the step before: those that see an instant, at
 * which something on it begins or ends, otherwise than the step before does. A step sees up to its end and the
 * turnaround behind it. */
static void mark_change(const struct steps *steps, int64_t turnaround_s, int64_t instant, bool *changed)
{
    int64_t before = instant - turnaround_s - steps->from;
    int64_t first = before < 0 ? 0 : before / steps->step_s;
    int64_t last = instant < steps->from ? -1 : (instant - steps->from) / steps->step_s + 1;
    for (int64_t step = first; step <= last && step < (int64_t)steps->count; step++)
        changed[step] = true;
}

static void mark_changes(const struct steps *steps, const struct node *node, bool *changed)
{
    int64_t turnaround_s = node->spec.turnaround_s;
    int64_t end = steps->from + steps->step_s * (int64_t)steps->count + turnaround_s;
    memset(changed, 0, steps->count * sizeof changed[0]);
    changed[0] = true;
    if (node->spec.plannable_from < end)
        mark_change(steps, turnaround_s, node->spec.plannable_from, changed);
    if (node->spec.plannable_until < end)
        mark_change(steps, turnaround_s, node->spec.plannable_until, changed);
    for (uint32_t i = timeline_first(node, steps->from); i < node->slice_count && node->slices[i].from < end; i++) {
        mark_change(steps, turnaround_s, node->slices[i].from, changed);
        if (node->slices[i].to < end)
            mark_change(steps, turnaround_s, node->slices[i].to, changed);
        if (node->slices[i].clean < end)
            mark_change(steps, turnaround_s, node->slices[i].clean, changed);
    }
}

/* What fits on all nodes of one model, step by step, into sums. */
static void free_of_model(const struct planner *planner, const struct model *model, const struct steps *steps,
                          const struct question *questions, bool *changed, uint32_t *sums)
{
    memset(sums, 0, steps->count * sizeof sums[0]);
    for (uint32_t column = 0; column < model->node_count; column++) {
        const struct node *node = &planner->nodes[model->nodes[column]];
        uint32_t count = 0;
        mark_changes(steps, node, changed);
        for (uint32_t step = 0; step < steps->count; step++) {
            const struct question *question = &questions[step];
            if (changed[step])
                count = fit_eligible(planner, node, question) ? fit_node(planner, node, question).count : 0;
            sums[step] += count;
        }
    }
}

void planner_free_instances(struct planner *planner, const struct planner_request *request, int64_t from,
                            int64_t step_s, uint32_t steps, uint32_t ret[])
{
    must(step_s > 0 && steps > 0);
    struct steps all = {from, step_s, steps, NULL};
    struct question *questions = alloc_resize(NULL, steps, sizeof questions[0]);
    bool *changed = alloc_resize(NULL, steps, sizeof changed[0]);
    uint32_t *sums = alloc_resize(NULL, steps, sizeof sums[0]);
    for (uint32_t step = 0; step < steps; step++) {
        struct planner_request window = *request;
        window.from = from + step_s * (int64_t)step;
        window.to = window.from + step_s;
        window.count = 1;
        must(planner_request_wrong(&window) == NULL);
        questions[step] = question_of(planner, &window);
        ret[step] = 0;
    }
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        if (model == NULL)
            continue;
        free_of_model(planner, model, &all, questions, changed, sums);
        for (uint32_t step = 0; step < steps; step++)
            ret[step] = sums[step] > ret[step] ? sums[step] : ret[step];
    }
    free(questions);
    free(changed);
    free(sums);
}
