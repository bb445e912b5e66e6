/* When: the first start at which a request fits. A request can begin to fit only where something ends: an allocation,
 * its turnaround, what CPU or memory is held for, a node's unplannable time, the notice of who may be evicted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#define LATER_TRIES 64 /* and as many again to narrow down: at most 128 in all */

bool planner_fits(struct planner *planner, const struct planner_request *request)
{
    must(planner_request_wrong(request) == NULL);
    struct question question = question_of(planner, request);
    if (search_gang(planner, &question, request, scope_limit(request)))
        return true;
    question.preempts = request->preempts;
    return request->preempts && search_gang(planner, &question, request, scope_limit(request));
}

struct planner_request request_at(const struct planner_request *request, int64_t from)
{
    struct planner_request moved = *request;
    moved.to = instant_add(request->to, from - request->from);
    moved.from = from;
    return moved;
}

static int instant_compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void instants_sort(struct planner *planner)
{
    uint32_t kept = 0;
    if (planner->instant_count > 1)
        qsort(planner->instants, planner->instant_count, sizeof planner->instants[0], instant_compare);
    for (uint32_t i = 0; i < planner->instant_count; i++) {
        if (kept == 0 || planner->instants[i] != planner->instants[kept - 1])
            planner->instants[kept++] = planner->instants[i];
    }
    planner->instant_count = kept;
}

static struct question question_at(const struct question *question, int64_t from)
{
    struct question moved = *question;
    moved.to = instant_add(question->to, from - question->from);
    moved.from = from;
    return moved;
}

/* Something on the node ends at these instants: only there can a question begin to fit. */
static void instants_of_node(struct planner *planner, const struct node *node, const struct question *question,
                             int64_t after, int64_t until)
{
    uint32_t need = planner->instant_count + 4 * node->slice_count + node->hold_count + 1;
    ARRAY_RESERVE(planner->instants, planner->instant_room, need);
    int64_t *instants = planner->instants;
    uint32_t count = planner->instant_count;
    instants[count++] = node->spec.plannable_from;
    for (uint32_t i = timeline_first(node, after); i < node->slice_count && node->slices[i].from < until; i++) {
        const struct allocation *allocation = &planner->allocations[node->slices[i].allocation];
        instants[count++] = node->slices[i].to;
        instants[count++] = node->slices[i].clean;
        if (question->preempts && allocation->preemptible) {
            instants[count++] = question->evict_from;
            instants[count++] = question->evict_from + allocation->turnaround_s;
        }
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
    instants_of_node(planner, node, question, question->from, *earliest - 1);
    for (uint32_t i = 0; i < planner->instant_count; i++) {
        struct question moved = question_at(question, planner->instants[i]);
        if (moved.from < *earliest && fit_eligible(planner, node, &moved) && fit_node(planner, node, &moved).count > 0)
            *earliest = moved.from;
    }
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
    instants_sort(planner);
    uint32_t count = planner->instant_count;
    if (count == 0)
        return false;
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

/* The first start after the question's, up to `limit`, of one instance; limit + 1 if there is none. */
static int64_t later_single(struct planner *planner, const struct question *question,
                            const struct planner_request *request, int64_t limit)
{
    int64_t earliest = limit + 1;
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        for (uint32_t column = 0; model != NULL && column < model->node_count; column++)
            later_on_node(planner, question, &planner->nodes[model->nodes[column]], &earliest);
    }
    return earliest;
}

static void instants_gather(struct planner *planner, const struct question *question,
                            const struct planner_request *request, int64_t limit)
{
    planner->instant_count = 0;
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        for (uint32_t column = 0; model != NULL && column < model->node_count; column++)
            instants_of_node(planner, &planner->nodes[model->nodes[column]], question, request->from, limit);
    }
    instants_sort(planner);
}

bool planner_later_start(struct planner *planner, const struct planner_request *request, int64_t *ret_from)
{
    must(planner_request_wrong(request) == NULL);
    struct question question = question_of(planner, request);
    int64_t limit = request->from + PLANNER_LATER_LIMIT_S;
    question.preempts = request->preempts;
    if (request->count > 1) {
        instants_gather(planner, &question, request, limit);
        return later_gang(planner, &question, request, ret_from);
    }
    int64_t earliest = later_single(planner, &question, request, limit);
    if (earliest > limit)
        return false;
    *ret_from = earliest;
    return true;
}

bool planner_earliest(struct planner *planner, const struct planner_request *request, int64_t start_to,
                      int64_t *ret_from)
{
    must(planner_request_wrong(request) == NULL && start_to <= PLANNER_INSTANT_MAX);
    struct question question = question_of(planner, request);
    question.preempts = request->preempts;
    if (request->from <= start_to && planner_fits(planner, request)) {
        *ret_from = request->from;
        return true;
    }
    instants_gather(planner, &question, request, start_to);
    for (uint32_t i = 0; i < planner->instant_count; i++) {
        if (!gang_fits_at(planner, &question, request, i))
            continue;
        *ret_from = planner->instants[i];
        return true;
    }
    return false;
}
