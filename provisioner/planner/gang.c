/* Bounds of groups from above: by block, then, once their blocks were looked at, by node, at last exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/gang.h"

#include <string.h>

struct gang gang_of(struct planner *planner, struct model *model, const struct question *question,
                    enum planner_scope scope, uint32_t count)
{
    enum planner_scope apart = spread_level(question->spread);
    return (struct gang){
        .planner = planner,
        .model = model,
        .question = question,
        .level = &model->table.levels[scope],
        .count = count,
        .spread = apart != PLANNER_FLEET && apart != PLANNER_NODE, /* one a node is what its fit says */
        .apart = apart,
    };
}

/* -- keeping apart ---------------------------------------------------------------------------------------------- */

void gang_apart_begin(const struct gang *gang)
{
    struct planner *planner = gang->planner;
    if (!gang->spread)
        return;
    uint32_t groups = planner->groups[gang->apart].count;
    if (groups > planner->stamp_room || planner->stamp == UINT32_MAX) {
        ARRAY_RESERVE(planner->stamps, planner->stamp_room, groups);
        memset(planner->stamps, 0, planner->stamp_room * sizeof planner->stamps[0]);
        planner->stamp = 0;
    }
    planner->stamp++;
}

uint32_t gang_apart_add(const struct gang *gang, uint32_t node, uint32_t count)
{
    struct planner *planner = gang->planner;
    if (!gang->spread || count == 0)
        return count;
    uint32_t *stamp = &planner->stamps[planner->nodes[node].groups[gang->apart]];
    if (*stamp == planner->stamp)
        return 0;
    *stamp = planner->stamp;
    return 1;
}

/* -- bounds of groups ------------------------------------------------------------------------------------------- */

static uint32_t lanes_sum(const struct gang *gang, const struct part *part)
{
    const struct table *table = &gang->model->table;
    uint32_t sum = 0;
    for (uint32_t left = part->lanes; left != 0; left &= left - 1) {
        uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
        sum += gang_apart_add(gang, table->columns[column], table->fits[column]);
    }
    return sum;
}

uint64_t gang_bound(const struct gang *gang, uint32_t place)
{
    const struct table *table = &gang->model->table;
    uint32_t most = probe_node_most(gang->model, gang->question);
    uint64_t sum = 0;
    gang_apart_begin(gang);
    for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++) {
        const struct part *part = &gang->level->parts[i];
        uint32_t here = probe_instances(gang->planner, gang->model, gang->question, part->block)[part->block];
        uint32_t seats = part->count * most;
        if (here > 0 && probe_has_fits(table, part->block))
            sum += lanes_sum(gang, part);
        else
            sum += here < seats ? here : seats;
    }
    return sum;
}

bool gang_is_probed(const struct gang *gang, uint32_t place)
{
    const struct table *table = &gang->model->table;
    for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++) {
        uint32_t block = gang->level->parts[i].block;
        if (table->instances[block] > 0 && !probe_has_fits(table, block))
            return false;
    }
    return true;
}

void gang_probe(const struct gang *gang, uint32_t place)
{
    for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++) {
        uint32_t block = gang->level->parts[i].block;
        if (gang->model->table.instances[block] > 0)
            probe_fits(gang->model, gang->question, block);
    }
}

struct fit gang_fit(const struct gang *gang, uint32_t column)
{
    struct table *table = &gang->model->table;
    const struct node *node = &gang->planner->nodes[table->columns[column]];
    struct fit fit = {0, 0};
    if (fit_eligible(gang->planner, node, gang->question))
        fit = fit_node(gang->planner, node, gang->question);
    if (fit.count > 1 && gang->question->spread != PLANNER_SPREAD_NONE)
        fit.count = 1;
    must(fit.count <= table->fits[column]);
    table->fits[column] = (uint16_t)fit.count;
    return fit;
}

bool gang_may_hold(const struct gang *gang)
{
    return gang->level->nodes_most > 1 &&
           (uint64_t)gang->level->nodes_most * probe_node_most(gang->model, gang->question) >= gang->count;
}
