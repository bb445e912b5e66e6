/* Keeping the instances of a gang apart: which groups hold one already. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

enum planner_scope spread_level(enum planner_spread spread)
{
    static const enum planner_scope levels[PLANNER_SPREAD_COUNT] = {
        [PLANNER_SPREAD_NONE] = PLANNER_FLEET,
        [PLANNER_SPREAD_NODE] = PLANNER_NODE,
        [PLANNER_SPREAD_RACK] = PLANNER_RACK,
        [PLANNER_SPREAD_LEAF] = PLANNER_LEAF,
    };
    return levels[spread];
}

void spread_reserve(struct planner *planner, enum planner_scope level)
{
    uint32_t groups = planner->groups[level].count;
    if (groups <= planner->apart_room)
        return;
    free(planner->apart);
    planner->apart = alloc_zero(groups, sizeof planner->apart[0]);
    planner->apart_room = groups;
}

void spread_mark(struct planner *planner, struct planner_id reservation, uint32_t but, int64_t instant,
                 enum planner_scope level, bool value)
{
    if (level == PLANNER_FLEET)
        return;
    spread_reserve(planner, level);
    uint32_t at = NONE;
    while ((at = allocation_sibling(planner, reservation, at)) != NONE) {
        const struct allocation *allocation = &planner->allocations[at];
        if (allocation->key.ordinal != but && allocation->from < allocation->to && allocation->to > instant)
            planner->apart[group_of(planner, level, allocation->node)] = value;
    }
}
