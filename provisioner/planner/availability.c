/* How many instances fit in each step of a range: the fleet's free capacity over time.
 *
 * Whole GPUs: each slice is noted on the steps that it is in the way of, then each step counts; steps in which CPU or
 * memory may be short are looked at as a placement would. So are shares, but only in steps that see something begin or
 * end: in the others it is as in the step before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

struct availability {
    struct planner *planner;
    const struct planner_request *request;
    int64_t from;
    int64_t step_s;
    uint32_t steps;
    bool *changed;  /* by step: what one node takes may differ from the step before */
    uint64_t *busy; /* by step: GPUs of one node */
    int64_t *cpu_milli;
    int64_t *memory_mib; /* held in a step, if all of it were held at once */
    uint32_t *sums;      /* by step: instances on one model */
};

static int64_t step_start(const struct availability *all, uint32_t step)
{
    return all->from + all->step_s * (int64_t)step;
}

/* The steps that overlap [from, to), as [*ret_first, *ret_end). */
static void steps_of(const struct availability *all, int64_t from, int64_t to, uint32_t *ret_first, uint32_t *ret_end)
{
    int64_t end = step_start(all, all->steps);
    from = from < all->from ? all->from : from;
    to = to > end ? end : to;
    *ret_first = *ret_end = 0;
    if (from >= to)
        return;
    *ret_first = (uint32_t)((from - all->from) / all->step_s);
    *ret_end = (uint32_t)((to - 1 - all->from) / all->step_s) + 1;
}

static void busy_note(const struct availability *all, const struct node *node)
{
    int64_t turnaround_s = node->spec.turnaround_s;
    int64_t clean = step_start(all, all->steps) + turnaround_s;
    memset(all->busy, 0, all->steps * sizeof all->busy[0]);
    for (uint32_t i = timeline_first(node, all->from); i < node->slice_count && node->slices[i].from < clean; i++) {
        const struct slice *slice = &node->slices[i];
        bool own = !slice_is_share(slice) &&
                   id_equal(all->planner->allocations[slice->allocation].tenant, all->request->tenant);
        uint32_t step;
        uint32_t end;
        steps_of(all, own ? slice->from : slice->from - turnaround_s, own ? slice->to : slice->clean, &step, &end);
        for (; step < end; step++)
            all->busy[step] |= slice_gpus(slice);
    }
}

static void beside_note(const struct availability *all, const struct node *node)
{
    memset(all->cpu_milli, 0, all->steps * sizeof all->cpu_milli[0]);
    memset(all->memory_mib, 0, all->steps * sizeof all->memory_mib[0]);
    for (uint32_t i = timeline_hold_first(node, all->from); i < node->hold_count; i++) {
        const struct hold *hold = &node->holds[i];
        uint32_t step;
        uint32_t end;
        steps_of(all, hold->from, hold->to, &step, &end);
        for (; step < end; step++) {
            all->cpu_milli[step] += hold->cpu_milli;
            all->memory_mib[step] += hold->memory_mib;
        }
    }
}

/* Whether CPU and memory are there for `count` even if all that is held in the step were held at once. */
static bool surely_beside(const struct availability *all, const struct node *node, uint32_t step, uint32_t count)
{
    const struct planner_shape *shape = &all->request->shape;
    return all->cpu_milli[step] + shape->cpu_milli * (int64_t)count <= node->spec.cpu_milli &&
           all->memory_mib[step] + shape->memory_mib * (int64_t)count <= node->spec.memory_mib;
}

static void wholes_counted(const struct availability *all, struct question *question, const struct node *node)
{
    uint32_t k = question->shape.gpus;
    busy_note(all, node);
    beside_note(all, node);
    for (uint32_t step = 0; step < all->steps; step++) {
        question->from = step_start(all, step);
        question->to = step_start(all, step + 1);
        uint64_t free_gpus = gpu_mask(0, node->spec.gpus) & ~all->busy[step];
        if ((uint32_t)__builtin_popcountll(free_gpus) < k || !fit_eligible(all->planner, node, question))
            continue;
        uint32_t count = slots_instances(free_gpus, node->spec.gpus, k, node->spec.grouping);
        if (count > 0 && !surely_beside(all, node, step, count))
            count = fit_node(all->planner, node, question).count;
        all->sums[step] += count;
    }
}

/* A step sees up to its end and the turnaround behind it; one more may begin right where something ended. */
static void change_at(const struct availability *all, int64_t turnaround_s, int64_t instant)
{
    uint32_t step;
    uint32_t end;
    if (instant > step_start(all, all->steps) + turnaround_s)
        return;
    steps_of(all, instant - turnaround_s - 1, instant + all->step_s, &step, &end);
    for (; step < end; step++)
        all->changed[step] = true;
}

static void changes_note(const struct availability *all, const struct node *node)
{
    int64_t turnaround_s = node->spec.turnaround_s;
    int64_t end = step_start(all, all->steps) + turnaround_s;
    memset(all->changed, 0, all->steps * sizeof all->changed[0]);
    all->changed[0] = true;
    change_at(all, turnaround_s, node->spec.plannable_from);
    change_at(all, turnaround_s, node->spec.plannable_until);
    for (uint32_t i = timeline_first(node, all->from); i < node->slice_count && node->slices[i].from < end; i++) {
        change_at(all, turnaround_s, node->slices[i].from);
        change_at(all, turnaround_s, node->slices[i].to);
        change_at(all, turnaround_s, node->slices[i].clean);
    }
}

static void shares_counted(const struct availability *all, struct question *question, const struct node *node)
{
    uint32_t count = 0;
    changes_note(all, node);
    for (uint32_t step = 0; step < all->steps; step++) {
        question->from = step_start(all, step);
        question->to = step_start(all, step + 1);
        if (all->changed[step])
            count = fit_eligible(all->planner, node, question) ? fit_node(all->planner, node, question).count : 0;
        all->sums[step] += count;
    }
}

static void model_counted(const struct availability *all, struct question *question, const struct model *model)
{
    memset(all->sums, 0, all->steps * sizeof all->sums[0]);
    for (uint32_t at = 0; at < model->node_count; at++) {
        const struct node *node = &all->planner->nodes[model->nodes[at]];
        if (question->shape.gpus > 0)
            wholes_counted(all, question, node);
        else
            shares_counted(all, question, node);
    }
}

void planner_free_instances(struct planner *planner, const struct planner_request *request, int64_t from,
                            int64_t step_s, uint32_t steps, uint32_t ret[])
{
    struct planner_request window = *request;
    if (steps == 0)
        return;
    window.from = from;
    window.to = from + step_s * (int64_t)steps;
    window.count = 1;
    must(step_s > 0 && planner_request_wrong(&window) == NULL);
    struct availability all = {
        .planner = planner,
        .request = &window,
        .from = from,
        .step_s = step_s,
        .steps = steps,
        .changed = alloc_zero(steps, sizeof all.changed[0]),
        .busy = alloc_zero(steps, sizeof all.busy[0]),
        .cpu_milli = alloc_zero(steps, sizeof all.cpu_milli[0]),
        .memory_mib = alloc_zero(steps, sizeof all.memory_mib[0]),
        .sums = alloc_zero(steps, sizeof all.sums[0]),
    };
    struct question question = question_of(planner, &window);
    memset(ret, 0, steps * sizeof ret[0]);
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        if (model == NULL)
            continue;
        model_counted(&all, &question, model);
        for (uint32_t step = 0; step < steps; step++)
            ret[step] = all.sums[step] > ret[step] ? all.sums[step] : ret[step];
    }
    free(all.changed);
    free(all.busy);
    free(all.cpu_milli);
    free(all.memory_mib);
    free(all.sums);
}
