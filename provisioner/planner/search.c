/* Where to put what is asked. The tables' bounds say which nodes are worth a look, in order of how little they have
 * free; fit_node has the last word on each, so what is refused really does not fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

/* Of nodes that look alike to the table, compare this many that fit; more gains little and costs time. */
#define COMPARED_MAX 16
/* The table knows the window's first and last hours only roughly. Of nodes that look alike, so many may turn out not
 * to fit before emptier ones are tried; all of them are looked at before anything is refused. */
#define FAILED_MAX 16

struct best {
    uint32_t node;
    uint32_t score;
    uint32_t compared;
    uint32_t failed;
    uint32_t failed_max;
};

struct question question_of(const struct planner *planner, const struct planner_request *request)
{
    struct question question = {
        .tenant = request->tenant,
        .shape = request->shape,
        .from = request->from,
        .to = request->to,
        .avoid = id_map_get(&planner->node_ids, request->avoid_node),
        .in_zone = !id_is_none(request->zone),
        .near_group = NONE,
    };
    if (question.in_zone)
        question.zone = id_map_get(&planner->groups[PLANNER_ZONE], request->zone);
    return question;
}

uint32_t request_models(const struct planner *planner, const struct planner_request *request)
{
    return request->gpu_model_count == 0 ? planner->model_count : request->gpu_model_count;
}

struct model *request_model(struct planner *planner, const struct planner_request *request, uint32_t i)
{
    uint32_t index = request->gpu_model_count == 0 ? i : model_find(planner, request->gpu_models[i]);
    return index == NONE ? NULL : &planner->models[index];
}

/* -- one node for all instances --------------------------------------------------------------------------------- */

static void consider(const struct planner *planner, const struct question *question, uint32_t index, uint32_t need,
                     struct best *best)
{
    const struct node *node = &planner->nodes[index];
    if (!fit_eligible(planner, node, question))
        return;
    struct fit fit = fit_node(planner, node, question);
    if (fit.count < need) {
        best->failed++;
        return;
    }
    best->compared++;
    if (fit.score < best->score) {
        best->node = index;
        best->score = fit.score;
    }
}

static bool enough(const struct best *best)
{
    return best->compared >= COMPARED_MAX || best->score == 0 || best->failed >= best->failed_max;
}

/* Looks at the model's nodes of columns [column, end) whose bound is `free_gpus`, until that is enough. */
static void search_columns(const struct planner *planner, const struct model *model, const struct question *question,
                           uint32_t free_gpus, uint32_t need, uint32_t column, uint32_t end, struct best *best)
{
    const struct table *table = &model->table;
    while (column < end && !enough(best)) {
        const uint8_t *found = memchr(table->bound_whole + column, (int)free_gpus, end - column);
        if (found == NULL)
            return;
        column = (uint32_t)(found - table->bound_whole);
        if (question->shape.gpus > 0 || table->bound_share[column] > 0)
            consider(planner, question, model->nodes[column], need, best);
        column++;
    }
}

/* Nodes in use are taken in an order of the question's own, so that not the same ones fail every time; empty ones in
 * the fleet's order, so that racks stay whole. */
static uint32_t first_column(const struct model *model, const struct question *question, uint32_t free_gpus)
{
    uint64_t hash = hash_mix((uint64_t)question->from ^ hash_mix((uint64_t)question->to));
    return free_gpus == model->gpus_max ? 0 : (uint32_t)(hash % model->node_count);
}

static void search_model(struct planner *planner, const struct model *model, const struct question *question,
                         uint32_t need, struct best *best)
{
    best->compared = 0;
    for (uint32_t gpus = question->shape.gpus * need; gpus <= model->gpus_max && best->compared == 0; gpus++) {
        uint32_t first = first_column(model, question, gpus);
        best->failed = 0;
        search_columns(planner, model, question, gpus, need, first, model->node_count, best);
        search_columns(planner, model, question, gpus, need, 0, first, best);
    }
}

/* The node that is left with the least after taking `need` instances, fullest nodes first; NONE if no node can. */
static uint32_t search_node(struct planner *planner, const struct question *question,
                            const struct planner_request *request, uint32_t need)
{
    struct best best = {.node = NONE, .score = UINT32_MAX, .failed_max = FAILED_MAX};
    for (uint32_t pass = 0; pass < 2 && best.node == NONE; pass++) {
        for (uint32_t i = 0; i < request_models(planner, request) && best.score > 0; i++) {
            struct model *model = request_model(planner, request, i);
            if (model == NULL || model->node_count == 0 || (uint64_t)question->shape.gpus * need > model->gpus_max)
                continue;
            table_bound(planner, model, question);
            search_model(planner, model, question, need, &best);
        }
        best.failed_max = UINT32_MAX; /* nothing yet: now all of them */
    }
    return best.node;
}

/* -- gangs ------------------------------------------------------------------------------------------------------ */

static uint32_t fit_exact(struct planner *planner, const struct question *question, uint32_t index)
{
    const struct node *node = &planner->nodes[index];
    if (!planner->fit_known[index]) {
        planner->fit_known[index] = true;
        if (planner->fit[index] > 0)
            planner->fit[index] = fit_eligible(planner, node, question) ? fit_node(planner, node, question).count : 0;
    }
    return planner->fit[index];
}

/* Upper bounds of how many instances each node of the model takes, from the table. */
static void fits_bound(struct planner *planner, struct model *model, const struct question *question)
{
    const struct table *table = &model->table;
    table_bound(planner, model, question);
    for (uint32_t column = 0; column < model->node_count; column++) {
        uint32_t index = model->nodes[column];
        uint32_t bound;
        if (question->shape.gpus > 0)
            bound = table->bound_whole[column] / question->shape.gpus;
        else
            bound = table->bound_share[column] * (PLANNER_GPU_MILLI / question->shape.gpu_milli);
        planner->fit[index] = bound;
        planner->fit_known[index] = false;
    }
}

static uint32_t group_of(const struct planner *planner, enum planner_scope scope, uint32_t node)
{
    return scope == PLANNER_FLEET ? 0 : planner->group_of[scope][node];
}

/* Sums the model's fits by group; returns the number of groups. */
static uint32_t sums_count(struct planner *planner, const struct model *model, enum planner_scope scope)
{
    uint32_t groups = scope == PLANNER_FLEET ? 1 : planner->groups[scope].count;
    ARRAY_RESERVE(planner->sums, planner->sum_room, groups);
    memset(planner->sums, 0, groups * sizeof planner->sums[0]);
    for (uint32_t column = 0; column < model->node_count; column++) {
        uint32_t index = model->nodes[column];
        planner->sums[group_of(planner, scope, index)] += planner->fit[index];
    }
    return groups;
}

/* The group with the least that is still enough, or NONE. */
static uint32_t group_tightest(const struct planner *planner, uint32_t groups, uint32_t count)
{
    uint32_t best = NONE;
    for (uint32_t group = 0; group < groups; group++) {
        if (planner->sums[group] >= count && (best == NONE || planner->sums[group] < planner->sums[best]))
            best = group;
    }
    return best;
}

/* The least fit above `above` in the group; 0 if there is none. */
static uint32_t next_fit(const struct planner *planner, const struct model *model, enum planner_scope scope,
                         uint32_t group, uint32_t above)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t column = 0; column < model->node_count; column++) {
        uint32_t index = model->nodes[column];
        uint32_t fit = planner->fit[index];
        if (fit > above && fit < least && group_of(planner, scope, index) == group)
            least = fit;
    }
    return least == UINT32_MAX ? 0 : least;
}

/* Picks nodes of the group, those that take the fewest first (they are the fullest), until `count` have a place. A
 * look turns a node's bound into its exact fit, which is never above the bound, so no node is visited twice. */
static bool group_pick(struct planner *planner, const struct model *model, const struct question *question,
                       enum planner_scope scope, uint32_t group, uint32_t count)
{
    uint32_t missing = count;
    planner->pick_count = 0;
    for (uint32_t fit = 0; missing > 0;) {
        fit = next_fit(planner, model, scope, group, fit);
        if (fit == 0)
            return false;
        for (uint32_t column = 0; column < model->node_count && missing > 0; column++) {
            uint32_t index = model->nodes[column];
            if (planner->fit[index] != fit || group_of(planner, scope, index) != group)
                continue;
            uint32_t exact = fit_exact(planner, question, index);
            uint32_t taken = exact < missing ? exact : missing;
            if (taken == 0)
                continue;
            ARRAY_RESERVE(planner->picks, planner->pick_room, planner->pick_count + 1);
            planner->picks[planner->pick_count++] = (struct pick){index, taken};
            missing -= taken;
        }
    }
    return true;
}

/* Tries the tightest group by the bounds first; if they promised too much, counts exactly and tries once more. */
static bool search_scope(struct planner *planner, const struct model *model, const struct question *question,
                         enum planner_scope scope, uint32_t count)
{
    uint32_t group = group_tightest(planner, sums_count(planner, model, scope), count);
    if (group == NONE)
        return false;
    if (group_pick(planner, model, question, scope, group, count))
        return true;
    for (uint32_t column = 0; column < model->node_count; column++)
        (void)fit_exact(planner, question, model->nodes[column]); /* for the sums */
    group = group_tightest(planner, sums_count(planner, model, scope), count);
    if (group == NONE)
        return false;
    bool picked = group_pick(planner, model, question, scope, group, count);
    must(picked);
    return true;
}

bool search_gang(struct planner *planner, const struct question *question, const struct planner_request *request,
                 enum planner_scope limit)
{
    uint32_t node = search_node(planner, question, request, request->count);
    if (node != NONE) {
        ARRAY_RESERVE(planner->picks, planner->pick_room, 1);
        planner->picks[0] = (struct pick){node, request->count};
        planner->pick_count = 1;
        return true;
    }
    if (request->count == 1 || limit == PLANNER_NODE)
        return false;
    ARRAY_RESERVE(planner->fit, planner->fit_room, planner->node_count);
    ARRAY_RESERVE(planner->fit_known, planner->fit_known_room, planner->node_count);
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        struct model *model = request_model(planner, request, i);
        if (model != NULL)
            fits_bound(planner, model, question);
    }
    for (uint32_t scope = PLANNER_NODE + 1; scope <= limit; scope++) {
        for (uint32_t i = 0; i < request_models(planner, request); i++) {
            struct model *model = request_model(planner, request, i);
            if (model != NULL && search_scope(planner, model, question, (enum planner_scope)scope, request->count))
                return true;
        }
    }
    return false;
}
