/* How many instances of a shape a node can take in a window, and what taking one would leave behind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

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

static uint32_t fit_gpus(const struct node *node, const struct question *question, struct room *room)
{
    uint32_t milli = question->shape.gpu_milli;
    uint32_t count = 0;
    room->whole = 0;
    room->parts = 0;
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        uint32_t free_milli = room->free_milli[gpu];
        room->whole |= (uint64_t)(free_milli == PLANNER_GPU_MILLI) << gpu;
        room->parts |= (uint64_t)(free_milli > 0 && free_milli < PLANNER_GPU_MILLI) << gpu;
        count += milli > 0 ? free_milli / milli : 0;
    }
    return milli > 0 ? count : slots_instances(room->whole, node->spec.gpus, question->shape.gpus, node->spec.grouping);
}

static uint32_t fit_beside(int64_t left, int64_t each, uint32_t count)
{
    if (each == 0)
        return count;
    int64_t most = left / each;
    must(most >= 0);
    return most < count ? (uint32_t)most : count;
}

uint32_t fit_room(const struct planner *planner, const struct node *node, const struct question *question,
                  struct room *ret)
{
    timeline_free_milli(planner, node, question, ret->free_milli);
    uint32_t count = fit_gpus(node, question, ret);
    if (count == 0)
        return 0;
    int64_t cpu_milli = 0;
    int64_t memory_mib = 0;
    if (!question->ignore_taken)
        timeline_peak_for(planner, node, question, &cpu_milli, &memory_mib);
    ret->cpu_milli = node->spec.cpu_milli - cpu_milli;
    ret->memory_mib = node->spec.memory_mib - memory_mib;
    if (!question->ignore_cpu)
        count = fit_beside(ret->cpu_milli, question->shape.cpu_milli, count);
    if (!question->ignore_memory)
        count = fit_beside(ret->memory_mib, question->shape.memory_mib, count);
    return count;
}

/* What stays free: GPUs that are whole, or, for a share, first the rest of the GPU that it takes. */
static uint32_t left_over(const struct node *node, const struct question *question, const struct room *room)
{
    uint32_t whole = (uint32_t)__builtin_popcountll(room->whole);
    uint32_t rest = UINT32_MAX;
    if (question->shape.gpus > 0)
        return whole - question->shape.gpus;
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        uint32_t free_milli = room->free_milli[gpu];
        if (free_milli >= question->shape.gpu_milli && free_milli - question->shape.gpu_milli < rest)
            rest = free_milli - question->shape.gpu_milli;
    }
    return rest * (PLANNER_NODE_GPUS_MAX + 1) + whole;
}

struct fit fit_node(const struct planner *planner, const struct node *node, const struct question *question)
{
    UNCLEARED struct room room;
    uint32_t count = fit_room(planner, node, question, &room);
    return (struct fit){count, count == 0 ? 0 : left_over(node, question, &room)};
}
