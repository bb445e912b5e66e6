/* Why not: counts what fits, and searches once more as if one thing at a time did not matter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

enum planner_scope scope_limit(const struct planner_request *request)
{
    return request->scope_preferred ? PLANNER_FLEET : request->scope;
}

static struct planner_id group_id(const struct planner *planner, enum planner_scope scope, uint32_t group)
{
    const struct idmap *map = &planner->groups[scope];
    for (uint32_t i = 0; i < map->size; i++) {
        if (map->slots[i].value == group)
            return id_of_slot(&map->slots[i]);
    }
    return (struct planner_id){{0}};
}

/* What may stand in the way besides GPUs that are taken, in the order in which it is told. */
static const struct {
    enum planner_binding binding;
    bool plannable, cpu, memory;
} obstacles[] = {
    {PLANNER_BINDS_UNPLANNABLE, true, false, false},
    {PLANNER_BINDS_CPU, false, true, false},
    {PLANNER_BINDS_MEMORY, false, false, true},
    {PLANNER_BINDS_CPU, false, true, true},
};

static struct question question_without(const struct question *question, size_t obstacle)
{
    struct question relaxed = *question;
    relaxed.ignore_plannable = obstacles[obstacle].plannable;
    relaxed.ignore_cpu = obstacles[obstacle].cpu;
    relaxed.ignore_memory = obstacles[obstacle].memory;
    return relaxed;
}

/* The first thing that, if it did not matter, would let the request fit. */
static enum planner_binding binding_of(struct planner *planner, const struct question *question,
                                       const struct planner_request *request)
{
    struct question free_of_all = *question;
    free_of_all.ignore_plannable = free_of_all.ignore_cpu = free_of_all.ignore_memory = true;
    if (!search_gang(planner, &free_of_all, request, scope_limit(request)))
        return PLANNER_BINDS_CAPACITY; /* as mostly */
    for (size_t i = 0; i < COUNT_OF(obstacles); i++) {
        struct question relaxed = question_without(question, i);
        if (search_gang(planner, &relaxed, request, scope_limit(request)))
            return obstacles[i].binding;
    }
    return PLANNER_BINDS_CAPACITY;
}

enum planner_binding binding_on(const struct planner *planner, const struct question *question, uint32_t index)
{
    const struct node *node = &planner->nodes[index];
    for (size_t i = 0; i < COUNT_OF(obstacles); i++) {
        struct question relaxed = question_without(question, i);
        if (fit_eligible(planner, node, &relaxed) && fit_node(planner, node, &relaxed).count > 0)
            return obstacles[i].binding;
    }
    return PLANNER_BINDS_CAPACITY;
}

/* How many groups of the scope have a node of an allowed model in the zone. */
static uint32_t count_groups(struct planner *planner, const struct question *question,
                             const struct planner_request *request, enum planner_scope scope)
{
    uint32_t groups = planner->groups[scope].count;
    uint32_t count = 0;
    ARRAY_RESERVE(planner->sums, planner->sum_room, groups);
    if (groups == 0) /* a zone without a node: there is no array either */
        return 0;
    memset(planner->sums, 0, groups * sizeof planner->sums[0]);
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        if (model == NULL)
            continue;
        /* a group lies in the zone as its first node does */
        const struct level *level = &model->table.levels[scope];
        for (uint32_t place = 0; place < level->group_count; place++) {
            const struct part *part = &level->parts[level->groups[place].first];
            uint32_t node = model->table.columns[part->block * LANES + (uint32_t)__builtin_ctz(part->lanes)];
            if (!question->in_zone || planner->nodes[node].groups[PLANNER_ZONE] == question->zone)
                count += planner->sums[level->groups[place].group]++ == 0;
        }
    }
    return count;
}

struct planner_refusal refuse(struct planner *planner, const struct question *asked,
                              const struct planner_request *request)
{
    enum planner_scope limit = scope_limit(request);
    struct question question = *asked;
    question.preempts = preempt_any(planner, request);
    struct planner_refusal refusal = {.scope = request->scope, .asked = request->count};
    struct counted counted = search_count(planner, &question, request, limit);
    refusal.best_count = counted.best;
    refusal.fleet_count = counted.fleet;
    if (limit == PLANNER_FLEET)
        refusal.scope_count = counted.model_exists;
    else
        refusal.scope_count = count_groups(planner, &question, request, limit);
    if (limit != PLANNER_FLEET && counted.group != NONE)
        refusal.where = group_id(planner, limit, counted.group);
    must(counted.best < request->count);

    struct question empty = question;
    empty.ignore_plannable = true;
    empty.ignore_taken = true;
    if (!counted.model_exists)
        refusal.binding = PLANNER_BINDS_MODEL;
    else if (!search_gang(planner, &empty, request, PLANNER_FLEET))
        refusal.binding = PLANNER_BINDS_COUNT_OVER_FLEET;
    else if (counted.fleet >= request->count)
        refusal.binding = PLANNER_BINDS_SCOPE;
    else
        refusal.binding = binding_of(planner, &question, request);
    refusal.preempts_later = preempt_any(planner, request) && preempt_later(planner, request, &refusal.preempts_from);
    return refusal;
}
