/* Why not: counts what would fit if one thing at a time did not matter, and looks for a later start. Slow against a
 * placement (each count looks at every node closely), which a refusal may be. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

#define LATER_TRIES 64 /* and as many again to narrow down: at most 128 in all */

struct counted {
    uint32_t best;     /* the most within one group */
    uint32_t group;    /* that group, or NONE */
    bool model_exists; /* some node has an allowed model and stands in the zone */
};

static void count_model(struct planner *planner, const struct question *question, const struct model *model,
                        enum planner_scope scope, struct counted *counted)
{
    uint32_t groups = scope == PLANNER_FLEET ? 1 : planner->groups[scope].count;
    ARRAY_RESERVE(planner->sums, planner->sum_room, groups);
    memset(planner->sums, 0, groups * sizeof planner->sums[0]);
    for (uint32_t column = 0; column < model->node_count; column++) {
        uint32_t index = model->nodes[column];
        const struct node *node = &planner->nodes[index];
        counted->model_exists |= !question->in_zone || node->groups[PLANNER_ZONE] == question->zone;
        if (!fit_eligible(planner, node, question))
            continue;
        uint32_t group = scope == PLANNER_FLEET ? 0 : node->groups[scope];
        planner->sums[group] += fit_node(planner, node, question).count;
        if (planner->sums[group] > counted->best) {
            counted->best = planner->sums[group];
            counted->group = group;
        }
    }
}

static struct counted count_best(struct planner *planner, const struct question *question,
                                 const struct planner_request *request, enum planner_scope scope)
{
    struct counted counted = {.group = NONE};
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        if (model != NULL)
            count_model(planner, question, model, scope, &counted);
    }
    return counted;
}

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
        if (count_best(planner, &relaxed, request, scope_limit(request)).best >= request->count)
            return relaxations[i].binding;
    }
    return PLANNER_BINDS_CAPACITY;
}

struct planner_refusal refuse(struct planner *planner, const struct question *question,
                              const struct planner_request *request)
{
    enum planner_scope limit = scope_limit(request);
    struct planner_refusal refusal = {.scope = request->scope, .asked = request->count};
    struct counted fleet = count_best(planner, question, request, PLANNER_FLEET);
    struct counted within = limit == PLANNER_FLEET ? fleet : count_best(planner, question, request, limit);
    refusal.best_count = within.best;
    refusal.fleet_count = fleet.best;
    if (limit != PLANNER_FLEET && within.group != NONE)
        refusal.where = group_id(planner, limit, within.group);
    must(within.best < request->count);

    struct question empty = *question;
    empty.ignore_plannable = true;
    empty.ignore_taken = true;
    if (!fleet.model_exists)
        refusal.binding = PLANNER_BINDS_MODEL;
    else if (count_best(planner, &empty, request, PLANNER_FLEET).best < request->count)
        refusal.binding = PLANNER_BINDS_COUNT_OVER_FLEET;
    else if (fleet.best >= request->count)
        refusal.binding = PLANNER_BINDS_SCOPE;
    else
        refusal.binding = binding_of(planner, question, request);
    return refusal;
}

/* -- later ------------------------------------------------------------------------------------------------------ */

static struct question question_at(const struct question *question, int64_t from)
{
    struct question moved = *question;
    moved.to = instant_add(question->to, from - question->from);
    moved.from = from;
    return moved;
}

/* Something on the node ends at these instants: only there can a question begin to fit. */
static void instants_of_node(struct planner *planner, const struct node *node, int64_t after, int64_t until)
{
    uint32_t need = planner->instant_count + 2 * node->slice_count + node->hold_count + 1;
    ARRAY_RESERVE(planner->instants, planner->instant_room, need);
    int64_t *instants = planner->instants;
    uint32_t count = planner->instant_count;
    instants[count++] = node->spec.plannable_from;
    for (uint32_t i = timeline_first(node, after); i < node->slice_count && node->slices[i].from < until; i++) {
        instants[count++] = node->slices[i].to;
        instants[count++] = node->slices[i].clean;
    }
    for (uint32_t i = 0; i < node->hold_count && node->holds[i].from < until; i++)
        instants[count++] = node->holds[i].to;

    uint32_t kept = planner->instant_count;
    for (uint32_t i = kept; i < count; i++) {
        if (instants[i] > after && instants[i] <= until)
            instants[kept++] = instants[i];
    }
    planner->instant_count = kept;
}

/* The earliest start before *earliest on one node. */
static void later_on_node(struct planner *planner, const struct question *question, const struct node *node,
                          int64_t *earliest)
{
    planner->instant_count = 0;
    instants_of_node(planner, node, question->from, *earliest - 1);
    for (uint32_t i = 0; i < planner->instant_count; i++) {
        struct question moved = question_at(question, planner->instants[i]);
        if (moved.from < *earliest && fit_eligible(planner, node, &moved) && fit_node(planner, node, &moved).count > 0)
            *earliest = moved.from;
    }
}

static int instant_compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static bool gang_fits_at(struct planner *planner, const struct question *question,
                         const struct planner_request *request, uint32_t i)
{
    struct question moved = question_at(question, planner->instants[i]);
    return search_gang(planner, &moved, request, scope_limit(request));
}

/* Tries instants evenly, then narrows down between the last that failed and the first that fits. */
static bool later_gang(struct planner *planner, const struct question *question, const struct planner_request *request,
                       int64_t *ret_from)
{
    uint32_t count = planner->instant_count;
    if (count == 0)
        return false;
    qsort(planner->instants, count, sizeof planner->instants[0], instant_compare);
    uint32_t tries = count < LATER_TRIES ? count : LATER_TRIES;
    int64_t failed = -1;
    uint32_t fits = NONE;
    for (uint32_t i = 1; i <= tries && fits == NONE; i++) {
        uint32_t at = (uint32_t)((uint64_t)count * i / tries) - 1;
        if (gang_fits_at(planner, question, request, at))
            fits = at;
        else
            failed = at;
    }
    if (fits == NONE)
        return false;
    while ((int64_t)fits - failed > 1) { /* halves: at most 32 rounds */
        uint32_t middle = (uint32_t)((failed + fits) / 2);
        if (gang_fits_at(planner, question, request, middle))
            fits = middle;
        else
            failed = middle;
    }
    *ret_from = planner->instants[fits];
    return true;
}

bool planner_later_start(struct planner *planner, const struct planner_request *request, int64_t *ret_from)
{
    must(planner_request_wrong(request) == NULL);
    struct question question = question_of(planner, request);
    int64_t limit = request->from + PLANNER_LATER_LIMIT_S;
    int64_t earliest = limit + 1;
    planner->instant_count = 0;
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        for (uint32_t column = 0; model != NULL && column < model->node_count; column++) {
            const struct node *node = &planner->nodes[model->nodes[column]];
            if (request->count == 1)
                later_on_node(planner, &question, node, &earliest);
            else
                instants_of_node(planner, node, request->from, limit);
        }
    }
    if (request->count > 1)
        return later_gang(planner, &question, request, ret_from);
    if (earliest > limit)
        return false;
    *ret_from = earliest;
    return true;
}
