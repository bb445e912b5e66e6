/* Bounds of groups from above: by block, then, once their blocks were looked at, by node, at last exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/muster.h"

#include <string.h>

struct muster muster_of(struct planner *planner, struct model *model, const struct question *question,
                        enum planner_scope scope, uint32_t count)
{
    static const enum planner_scope levels[PLANNER_SPREAD_COUNT] = {
        [PLANNER_SPREAD_NONE] = PLANNER_NODE,
        [PLANNER_SPREAD_NODE] = PLANNER_NODE,
        [PLANNER_SPREAD_RACK] = PLANNER_RACK,
        [PLANNER_SPREAD_LEAF] = PLANNER_LEAF,
    };
    return (struct muster){
        .planner = planner,
        .model = model,
        .question = question,
        .level = &model->table.levels[scope],
        .count = count,
        .spread = levels[question->spread] != PLANNER_NODE, /* one a node is what its fit says */
        .apart = levels[question->spread],
    };
}

/* -- keeping apart ---------------------------------------------------------------------------------------------- */

void muster_apart_begin(const struct muster *muster)
{
    struct planner *planner = muster->planner;
    uint32_t groups = planner->groups[muster->apart].count;
    if (!muster->spread)
        return;
    if (groups > planner->stamp_room || planner->stamp == UINT32_MAX) {
        ARRAY_RESERVE(planner->stamps, planner->stamp_room, groups);
        memset(planner->stamps, 0, planner->stamp_room * sizeof planner->stamps[0]);
        planner->stamp = 0;
    }
    planner->stamp++;
}

uint32_t muster_apart_add(const struct muster *muster, uint32_t node, uint32_t count)
{
    struct planner *planner = muster->planner;
    if (!muster->spread || count == 0)
        return count;
    uint32_t *stamp = &planner->stamps[planner->nodes[node].groups[muster->apart]];
    if (*stamp == planner->stamp)
        return 0;
    *stamp = planner->stamp;
    return 1;
}

/* -- bounds of groups ------------------------------------------------------------------------------------------- */

static uint32_t lanes_sum(const struct muster *muster, const struct part *part)
{
    const struct table *table = &muster->model->table;
    uint32_t sum = 0;
    for (uint32_t left = part->lanes; left != 0; left &= left - 1) {
        uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
        sum += muster_apart_add(muster, table->columns[column], table->fits[column]);
    }
    return sum;
}

uint64_t muster_bound(const struct muster *muster, uint32_t place)
{
    const struct table *table = &muster->model->table;
    uint32_t most = sight_node_most(muster->model, muster->question);
    uint64_t sum = 0;
    muster_apart_begin(muster);
    for (uint32_t i = muster->level->groups[place].first; i < parts_end(muster->level, place); i++) {
        const struct part *part = &muster->level->parts[i];
        uint32_t here = sight_instances(muster->planner, muster->model, muster->question, part->block)[part->block];
        uint32_t seats = part->count * most;
        if (here > 0 && sight_looked(table, part->block))
            sum += lanes_sum(muster, part);
        else
            sum += here < seats ? here : seats;
    }
    return sum;
}

bool muster_looked(const struct muster *muster, uint32_t place)
{
    const struct table *table = &muster->model->table;
    for (uint32_t i = muster->level->groups[place].first; i < parts_end(muster->level, place); i++) {
        uint32_t block = muster->level->parts[i].block;
        if (table->instances[block] > 0 && !sight_looked(table, block))
            return false;
    }
    return true;
}

void muster_look(const struct muster *muster, uint32_t place)
{
    for (uint32_t i = muster->level->groups[place].first; i < parts_end(muster->level, place); i++) {
        uint32_t block = muster->level->parts[i].block;
        if (muster->model->table.instances[block] > 0)
            sight_fits(muster->model, muster->question, block);
    }
}

struct fit muster_fit(const struct muster *muster, uint32_t column)
{
    struct table *table = &muster->model->table;
    const struct node *node = &muster->planner->nodes[table->columns[column]];
    struct fit fit = {0, 0};
    if (fit_eligible(muster->planner, node, muster->question))
        fit = fit_node(muster->planner, node, muster->question);
    if (fit.count > 1 && muster->question->spread != PLANNER_SPREAD_NONE)
        fit.count = 1;
    must(fit.count <= table->fits[column]);
    table->fits[column] = (uint16_t)fit.count;
    return fit;
}

bool muster_may_hold(const struct muster *muster)
{
    return muster->level->nodes_most > 1 &&
           (uint64_t)muster->level->nodes_most * sight_node_most(muster->model, muster->question) >= muster->count;
}
