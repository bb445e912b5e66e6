/* Whether a request fits, and when first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

bool planner_fits(struct planner *planner, const struct planner_request *request)
{
    must(planner_request_wrong(request) == NULL);
    struct question question = question_of(planner, request);
    question.apart_level = spread_level(request->spread);
    spread_mark(planner, request->reservation, NONE, request->from, question.apart_level, true);
    bool fits = search_gang(planner, &question, request, scope_limit(request));
    question.preempts = preempt_any(planner, request);
    if (!fits && question.preempts)
        fits = search_gang(planner, &question, request, scope_limit(request));
    spread_mark(planner, request->reservation, NONE, request->from, question.apart_level, false);
    return fits;
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

/* What fits by preemption may begin before what fits beside all that is held. */
static bool earliest_of(struct planner *planner, struct question question, const struct planner_request *request,
                        int64_t start_to, int64_t *ret_from)
{
    bool found = earliest_start(planner, &question, request, scope_limit(request), start_to, ret_from);
    question.preempts = preempt_any(planner, request);
    if (!question.preempts || (found && *ret_from == question.from))
        return found;
    return earliest_start(planner, &question, request, scope_limit(request), found ? *ret_from - 1 : start_to,
                          ret_from) ||
           found;
}

bool planner_earliest(struct planner *planner, const struct planner_request *request, int64_t start_to,
                      int64_t *ret_from)
{
    must(planner_request_wrong(request) == NULL && start_to <= PLANNER_INSTANT_MAX);
    if (request->from <= start_to && planner_fits(planner, request)) { /* often, and much cheaper to find */
        *ret_from = request->from;
        return true;
    }
    return earliest_of(planner, question_of(planner, request), request, start_to, ret_from);
}
