/* How many instances of a shape a node can take in a window, and what taking one would leave behind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

bool fit_eligible(const struct planner *planner, const struct node *node, const struct question *question)
{
    uint32_t index = (uint32_t)(node - planner->nodes);
    if (question->avoid == index || (question->only_node != NONE && question->only_node != index))
        return false;
    if (question->in_zone && node->groups[PLANNER_ZONE] != question->zone)
        return false;
    if (question->near_group != NONE && node->groups[question->near_scope] != question->near_group)
        return false;
    if (question->apart_level != PLANNER_FLEET && planner->apart[node->groups[question->apart_level]])
        return false;
    if (question->ignore_plannable)
        return true;
    return !node->spec.cordoned && node->spec.plannable_from <= question->from &&
           question->to <= node->spec.plannable_until;
}

/* Whole GPUs: what stays free on the node. */
static struct fit fit_whole(const struct planner *planner, const struct node *node, const struct question *question)
{
    uint32_t k = question->shape.gpus;
    uint64_t free_gpus = timeline_free_gpus(planner, node, question);
    uint32_t free_count = (uint32_t)__builtin_popcountll(free_gpus);
    if (free_count < k)
        return (struct fit){0, 0};
    uint32_t count = slots_instances(free_gpus, node->spec.gpus, k, node->spec.grouping);
    return (struct fit){count, free_count - k};
}

/* A share: what stays free of the GPU it takes, then how many untouched GPUs the node has. */
static struct fit fit_share(const struct planner *planner, const struct node *node, const struct question *question)
{
    uint32_t milli = question->shape.gpu_milli;
    uint32_t free_milli[PLANNER_NODE_GPUS_MAX];
    uint32_t least = UINT32_MAX;
    uint32_t untouched = 0;
    uint32_t count = 0;
    timeline_free_milli(planner, node, question, free_milli);
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        untouched += free_milli[gpu] == PLANNER_GPU_MILLI;
        count += free_milli[gpu] / milli;
        if (free_milli[gpu] >= milli && free_milli[gpu] - milli < least)
            least = free_milli[gpu] - milli;
    }
    return (struct fit){count, count == 0 ? 0 : least * (PLANNER_NODE_GPUS_MAX + 1) + untouched};
}

static uint32_t fit_beside(int64_t has, int64_t taken, int64_t each, uint32_t count)
{
    if (each == 0)
        return count;
    int64_t most = (has - taken) / each;
    must(most >= 0);
    return most < count ? (uint32_t)most : count;
}

struct fit fit_node(const struct planner *planner, const struct node *node, const struct question *question)
{
    struct fit fit = question->shape.gpus > 0 ? fit_whole(planner, node, question) : fit_share(planner, node, question);
    if (fit.count == 0 || (question->shape.cpu_milli == 0 && question->shape.memory_mib == 0))
        return fit;

    int64_t cpu_milli = 0;
    int64_t memory_mib = 0;
    if (!question->ignore_taken)
        timeline_peak_for(planner, node, question, &cpu_milli, &memory_mib);
    if (!question->ignore_cpu)
        fit.count = fit_beside(node->spec.cpu_milli, cpu_milli, question->shape.cpu_milli, fit.count);
    if (!question->ignore_memory)
        fit.count = fit_beside(node->spec.memory_mib, memory_mib, question->shape.memory_mib, fit.count);
    return fit;
}
