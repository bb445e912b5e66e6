/* What would make a refused request fit: one thing changed at a time, as little as possible.
 *
 * A request that fits also fits shorter, and with fewer instances, so both are found by halving. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

bool relax_shorter(struct planner *planner, const struct planner_request *request, int64_t least_to, int64_t *ret_to)
{
    struct planner_request shorter = *request;
    int64_t fits = least_to;
    int64_t fails = request->to <= PLANNER_INSTANT_MAX ? request->to : PLANNER_INSTANT_MAX + 1;
    shorter.to = least_to;
    if (least_to >= fails || !planner_fits(planner, &shorter))
        return false;
    while (fails - fits > 1) {
        shorter.to = fits + (fails - fits) / 2;
        if (planner_fits(planner, &shorter))
            fits = shorter.to;
        else
            fails = shorter.to;
    }
    *ret_to = fits;
    return true;
}

bool relax_smaller(struct planner *planner, const struct planner_request *request, uint32_t least, uint32_t *ret_count)
{
    struct planner_request smaller = *request;
    uint32_t fits = least;
    uint32_t fails = request->count;
    smaller.count = least;
    if (least >= fails || !planner_fits(planner, &smaller))
        return false;
    while (fails - fits > 1) {
        smaller.count = fits + (fails - fits) / 2;
        if (planner_fits(planner, &smaller))
            fits = smaller.count;
        else
            fails = smaller.count;
    }
    *ret_count = fits;
    return true;
}

static bool relax_looser(struct planner *planner, const struct planner_request *request, enum planner_scope *ret_scope)
{
    struct planner_request looser = *request;
    for (uint32_t scope = request->scope + 1; scope <= PLANNER_FLEET && !request->scope_preferred; scope++) {
        looser.scope = (enum planner_scope)scope;
        if (!planner_fits(planner, &looser))
            continue;
        *ret_scope = looser.scope;
        return true;
    }
    return false;
}

void planner_relax(struct planner *planner, const struct planner_request *request, struct planner_relaxations *ret)
{
    must(planner_request_wrong(request) == NULL);
    struct planner_relaxations found = {0};
    struct planner_request later = request_at(request, request->from + 1);
    found.has_later = planner_request_wrong(&later) == NULL &&
                      planner_earliest(planner, &later, request->from + PLANNER_LATER_LIMIT_S, &found.later_from);
    found.has_shorter = relax_shorter(planner, request, request->from + 1, &found.shorter_to);
    found.has_smaller = relax_smaller(planner, request, 1, &found.smaller_count);
    found.has_looser = relax_looser(planner, request, &found.looser_scope);
    *ret = found;
}
