/* Why not: counts what fits, and searches once more as if one thing at a time did not matter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

static enum planner_scope scope_limit(const struct planner_request *request)
{
    return request->scope_preferred ? PLANNER_FLEET : request->scope;
}

static struct planner_id group_id(const struct planner *planner, enum planner_scope scope, uint32_t group)
{
    const struct id_map *map = &planner->groups[scope];
    for (uint32_t i = 0; i < map->room; i++) {
        if (map->slots[i].value == group)
            return map->slots[i].id;
    }
    return (struct planner_id){{0}};
}

/* The first thing that, if it did not matter, would let the request fit. */
static enum planner_binding binding_of(struct planner *planner, const struct question *question,
                                       const struct planner_request *request)
{
    static const struct {
        enum planner_binding binding;
        bool plannable, cpu, memory;
    } relaxations[] = {
        {PLANNER_BINDS_UNPLANNABLE, true, false, false},
        {PLANNER_BINDS_CPU, false, true, false},
        {PLANNER_BINDS_MEMORY, false, false, true},
        {PLANNER_BINDS_CPU, false, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(relaxations); i++) {
        struct question relaxed = *question;
        relaxed.ignore_plannable = relaxations[i].plannable;
        relaxed.ignore_cpu = relaxations[i].cpu;
        relaxed.ignore_memory = relaxations[i].memory;
        if (search_gang(planner, &relaxed, request, scope_limit(request)))
            return relaxations[i].binding;
    }
    return PLANNER_BINDS_CAPACITY;
}

struct planner_refusal refuse(struct planner *planner, const struct question *question,
                              const struct planner_request *request)
{
    enum planner_scope limit = scope_limit(request);
    struct planner_refusal refusal = {.scope = request->scope, .asked = request->count};
    struct counted counted = search_count(planner, question, request, limit);
    refusal.best_count = counted.best;
    refusal.fleet_count = counted.fleet;
    if (limit != PLANNER_FLEET && counted.group != NONE)
        refusal.where = group_id(planner, limit, counted.group);
    must(counted.best < request->count);

    struct question empty = *question;
    empty.ignore_plannable = true;
    empty.ignore_taken = true;
    if (!counted.model_exists)
        refusal.binding = PLANNER_BINDS_MODEL;
    else if (!search_gang(planner, &empty, request, PLANNER_FLEET))
        refusal.binding = PLANNER_BINDS_COUNT_OVER_FLEET;
    else if (counted.fleet >= request->count)
        refusal.binding = PLANNER_BINDS_SCOPE;
    else
        refusal.binding = binding_of(planner, question, request);
    return refusal;
}
