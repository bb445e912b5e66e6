/* The earliest start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#define LATER_TRIES 64

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
    return search_gang(planner, &moved, request, (request->scope_preferred ? PLANNER_FLEET : request->scope));
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
