/* Seating the fleet: nodes of one model and fabric sit together in blocks, in the order of their leaves and racks, and
 * each level's groups know in which blocks their nodes sit. Done when the first question is put, for all nodes that
 * came since the last one: a rebuild seats and counts everything at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

void table_free(struct table *table)
{
    for (uint32_t i = 0; i < table->block_count; i++) {
        for (uint32_t tier = 1; tier < TIERS; tier++)
            free(table->blocks[i].cells[tier]);
    }
    for (uint32_t step = 0; step <= STEPS; step++) {
        free(table->least[step]);
        free(table->least_probe[step]);
    }
    for (uint32_t scope = 0; scope < PLANNER_SCOPE_COUNT; scope++) {
        free(table->levels[scope].parts);
        free(table->levels[scope].groups);
    }
    void *const arrays[] = {table->blocks,     table->columns,        table->cells,     table->counts,
                            table->fits_probe, table->fits,           table->instances, table->open_from,
                            table->open_until, table->instances_probe};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        free(arrays[i]);
}

/* A larger array with the old one's content and zeros behind it. */
static void *widen(void *old, size_t old_count, size_t count, size_t size)
{
    void *wide = alloc_table(count, size);
    if (old_count > 0)
        memcpy(wide, old, old_count * size);
    free(old);
    return wide;
}

/* Makes room for so many blocks, in whole stretches. */
static void table_widen(struct table *table, uint32_t blocks)
{
    uint32_t old = table->block_room;
    uint32_t room = old == 0 ? STRETCH : old;
    while (room < blocks)
        room *= 2;
    if (room == old)
        return;
    table->counts = widen(table->counts, old / STRETCH, room / STRETCH, (size_t)ROWS * COUNTS * STRETCH);
    table->cells = widen(table->cells, old, room, (size_t)ROWS * LANES);
    for (uint32_t step = 0; step <= STEPS; step++) {
        table->least[step] = widen(table->least[step], old, room, 1);
        table->least_probe[step] =
            widen(table->least_probe[step], old / STRETCH, room / STRETCH, sizeof table->least_probe[0][0]);
    }
    table->instances_probe =
        widen(table->instances_probe, old / STRETCH, room / STRETCH, sizeof table->instances_probe[0]);
    table->open_from = widen(table->open_from, old, room, sizeof table->open_from[0]);
    table->open_until = widen(table->open_until, old, room, sizeof table->open_until[0]);
    table->blocks = widen(table->blocks, old, room, sizeof table->blocks[0]);
    table->fits_probe = widen(table->fits_probe, old, room, sizeof table->fits_probe[0]);
    table->instances = widen(table->instances, old, room, sizeof table->instances[0]);
    table->columns = widen(table->columns, (size_t)old * LANES, (size_t)room * LANES, sizeof table->columns[0]);
    table->fits = widen(table->fits, (size_t)old * LANES, (size_t)room * LANES, sizeof table->fits[0]);
    table->block_room = room;
    for (uint32_t block = 0; block < table->block_count; block++)
        table->blocks[block].cells[0] = table->cells + (size_t)block * ROWS * LANES;
}

/* A block with a free seat for nodes of this fabric; the last one is the likeliest. */
static uint32_t block_for(struct table *table, uint32_t fabric)
{
    for (uint32_t number = table->block_count; number-- > 0;) {
        const struct block *block = &table->blocks[number];
        if (block->fabric == fabric && block->seated != UINT32_MAX)
            return number;
    }
    table_widen(table, table->block_count + 1);
    uint32_t number = table->block_count++;
    struct block *block = &table->blocks[number];
    *block = (struct block){.fabric = fabric, .stale = true};
    block->cells[0] = table->cells + (size_t)number * ROWS * LANES;
    memset(block->cells[0], UINT8_MAX, (size_t)ROWS * LANES);
    for (uint32_t lane = 0; lane < LANES; lane++)
        table->columns[number * LANES + lane] = NONE;
    return number;
}

/* Nodes whose fabric is unknown sit together. */
static uint32_t fabric_of(const struct node *node)
{
    return id_is_none(node->spec.fabric) ? NONE : node->groups[PLANNER_FABRIC];
}

/* When any of the block's nodes may take something new. */
static void open_make(const struct planner *planner, struct table *table, uint32_t number)
{
    const struct block *block = &table->blocks[number];
    table->open_from[number] = INT64_MAX;
    table->open_until[number] = INT64_MIN;
    for (uint32_t left = block->seated & ~block->cordoned; left != 0; left &= left - 1) {
        uint32_t column = number * LANES + (uint32_t)__builtin_ctz(left);
        const struct planner_node *spec = &planner->nodes[table->columns[column]].spec;
        if (spec->plannable_from < table->open_from[number])
            table->open_from[number] = spec->plannable_from;
        if (spec->plannable_until > table->open_until[number])
            table->open_until[number] = spec->plannable_until;
    }
}

static void seat(struct planner *planner, struct node *node)
{
    struct table *table = &planner->models[node->model].table;
    uint32_t number = block_for(table, fabric_of(node));
    struct block *block = &table->blocks[number];
    uint32_t lane = (uint32_t)__builtin_ctz(~block->seated);
    block->seated |= UINT32_C(1) << lane;
    block->scale[lane] = (uint8_t)((node->spec.gpus + 7) / 8);
    block->stale = true;
    node->column = number * LANES + lane;
    table->columns[node->column] = (uint32_t)(node - planner->nodes);
    table->levels_stale = true;
    seat_mark(planner, node);
    cells_fill(planner, node);
}

void unseat(struct planner *planner, struct node *node)
{
    struct table *table = &planner->models[node->model].table;
    planner->table_stale = true;
    if (node->column == NONE)
        return;
    struct block *block = &table->blocks[node->column / LANES];
    block->stale = true;
    cells_clear(planner, node);
    block->seated &= ~(UINT32_C(1) << node->column % LANES);
    table->columns[node->column] = NONE;
    open_make(planner, table, node->column / LANES);
    table->levels_stale = true;
    node->column = NONE;
}

void seat_mark(struct planner *planner, const struct node *node)
{
    if (node->column == NONE)
        return;
    struct table *table = &planner->models[node->model].table;
    struct block *block = &table->blocks[node->column / LANES];
    uint32_t lane = UINT32_C(1) << node->column % LANES;
    block->cordoned = node->spec.cordoned ? block->cordoned | lane : block->cordoned & ~lane;
    open_make(planner, table, node->column / LANES);
}

/* -- levels ----------------------------------------------------------------------------------------------------- */

/* What is known of a group while its level is made. */
struct tally {
    uint32_t nodes;
    uint32_t parts;
    uint32_t last_block; /* plus 1: 0 is none */
    uint32_t at;         /* its next part, then its last one */
};

static void tally(const struct planner *planner, const struct table *table, enum planner_scope scope,
                  struct tally *tallies)
{
    for (uint32_t column = 0; column < table->block_count * LANES; column++) {
        if (table->columns[column] == NONE)
            continue;
        struct tally *group = &tallies[group_of(planner, scope, table->columns[column])];
        group->nodes++;
        group->parts += group->last_block != column / LANES + 1;
        group->last_block = column / LANES + 1;
    }
}

static void level_make(const struct planner *planner, struct table *table, enum planner_scope scope)
{
    struct level *level = &table->levels[scope];
    uint32_t groups = scope == PLANNER_FLEET ? 1 : planner->groups[scope].count;
    struct tally *tallies = alloc_zero(groups, sizeof tallies[0]);
    tally(planner, table, scope, tallies);
    level->group_count = level->part_count = level->nodes_most = 0;
    ARRAY_RESERVE(level->groups, level->group_room, groups + 1);
    for (uint32_t group = 0; group < groups; group++) {
        if (tallies[group].nodes == 0)
            continue;
        level->groups[level->group_count++] = (struct level_group){group, level->part_count};
        tallies[group].at = level->part_count;
        tallies[group].last_block = 0;
        level->part_count += tallies[group].parts;
        if (tallies[group].nodes > level->nodes_most)
            level->nodes_most = tallies[group].nodes;
    }
    level->groups[level->group_count] = (struct level_group){NONE, level->part_count};
    ARRAY_RESERVE(level->parts, level->part_room, level->part_count);
    for (uint32_t column = 0; column < table->block_count * LANES; column++) {
        if (table->columns[column] == NONE)
            continue;
        struct tally *group = &tallies[group_of(planner, scope, table->columns[column])];
        if (group->last_block != column / LANES + 1)
            level->parts[group->at++] = (struct part){.block = column / LANES};
        group->last_block = column / LANES + 1;
        level->parts[group->at - 1].lanes |= UINT32_C(1) << column % LANES;
        level->parts[group->at - 1].count++;
    }
    free(tallies);
}

uint32_t level_find(const struct level *level, uint32_t group)
{
    uint32_t low = 0;
    for (uint32_t high = level->group_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (level->groups[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low < level->group_count && level->groups[low].group == group ? low : NONE;
}

/* -- all at once ------------------------------------------------------------------------------------------------ */

/* By place, so that neighbours sit together, whatever order they came in. */
static int place_compare(const void *left, const void *right)
{
    const struct planner_node *a = &(*(struct node *const *)left)->spec;
    const struct planner_node *b = &(*(struct node *const *)right)->spec;
    const struct planner_id *const ids[][2] = {
        {&a->zone, &b->zone},
        {&a->fabric, &b->fabric},
        {&a->leaf, &b->leaf},
        {&a->rack, &b->rack},
        {&a->nvlink_domain, &b->nvlink_domain},
        {&a->id, &b->id},
    };
    int order = 0;
    for (size_t i = 0; i < COUNT_OF(ids) && order == 0; i++)
        order = memcmp(ids[i][0], ids[i][1], sizeof *ids[i][0]);
    return order;
}

/* Nothing that is held now ends before the first instant at which anything is over. */
static int64_t base_guess(const struct planner *planner, int64_t asked)
{
    for (uint32_t i = 0; i < planner->node_count; i++) {
        if (planner->over_next[i] < asked)
            asked = planner->over_next[i];
    }
    return asked;
}

void table_ready(struct planner *planner, int64_t asked)
{
    if (!planner->table_stale)
        return;
    if (!planner->table_based)
        table_move(planner, base_guess(planner, asked));
    struct node **unseated = alloc_zero(planner->node_count + 1, sizeof unseated[0]);
    uint32_t count = 0;
    for (uint32_t i = 0; i < planner->node_count; i++) {
        if (planner->nodes[i].column == NONE)
            unseated[count++] = &planner->nodes[i];
    }
    if (count > 1)
        qsort(unseated, count, sizeof unseated[0], place_compare);
    for (uint32_t i = 0; i < count; i++)
        seat(planner, unseated[i]);
    free(unseated);
    for (uint32_t i = 0; i < planner->model_count; i++) {
        struct table *table = &planner->models[i].table;
        for (uint32_t block = 0; block < table->block_count; block++) {
            if (table->blocks[block].stale)
                counts_make(table, block);
        }
        for (uint32_t scope = PLANNER_NODE; table->levels_stale && scope < PLANNER_SCOPE_COUNT; scope++)
            level_make(planner, table, (enum planner_scope)scope);
        table->levels_stale = false;
    }
    planner->table_stale = false;
}
