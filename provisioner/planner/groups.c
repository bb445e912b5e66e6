/* Gangs: the tightest group of nodes that holds all instances, and which of its nodes take them.
 *
 * Groups are ranked by bounds from above, first by block, then, once their blocks were looked at, by node, at last
 * exactly. A group is given up only when a bound or the exact count is too little, so what is refused does not fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/gang.h"
#include "provisioner/planner/prefetch.h"

/* So many groups are looked at, the least promising that may do first, before the tightest of them is taken. */
#define GROUPS_COMPARED_MAX 8
/* So many nodes more than a gang needs are looked at, to choose from. */
#define SPARE_NODES_MAX 64
/* Once so many nodes were looked at, no further group is. */
#define GROUP_NODES_MAX 128

/* -- which nodes ------------------------------------------------------------------------------------------------ */

/* The least fit above `above` in the group; 0 if there is none. */
static uint32_t next_fit(const struct gang *gang, uint32_t place, uint32_t above)
{
    const struct table *table = &gang->model->table;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++) {
        const struct part *part = &gang->level->parts[i];
        for (uint32_t left = probe_has_fits(table, part->block) ? part->lanes : 0; left != 0; left &= left - 1) {
            uint32_t fit = table->fits[part->block * LANES + (uint32_t)__builtin_ctz(left)];
            if (fit > above && fit < least)
                least = fit;
        }
    }
    return least == UINT32_MAX ? 0 : least;
}

static int64_t score(const struct gang *gang, uint32_t index, uint32_t count)
{
    const struct node *node = &gang->planner->nodes[index];
    UNCLEARED struct room room;
    uint32_t fits = fit_room(gang->planner, node, gang->question, &room);
    must(fits >= count);
    gaps_measure(node, gang->question, &room);
    return fragmentation_score(&gang->model->mix, &room, &gang->question->shape, count);
}

/* Nodes of the part whose bound is `fit` will be tried. */
static void part_prefetch(const struct gang *gang, const struct part *part, uint32_t fit)
{
    const struct table *table = &gang->model->table;
    uint32_t lanes = probe_has_fits(table, part->block) ? part->lanes : 0;
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t left = lanes; left != 0; left &= left - 1) {
            uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
            if (table->fits[column] == fit)
                (i == 0 ? node_prefetch : node_timeline_prefetch)(&gang->planner->nodes[table->columns[column]]);
        }
    }
}

/* Tries nodes of one part whose bound is `fit`; returns how many instances they take. */
static uint32_t try_part(const struct gang *gang, const struct part *part, uint32_t fit, uint32_t sum)
{
    struct planner *planner = gang->planner;
    const struct table *table = &gang->model->table;
    part_prefetch(gang, part, fit);
    for (uint32_t left = probe_has_fits(table, part->block) ? part->lanes : 0; left != 0; left &= left - 1) {
        uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
        if (sum >= gang->count && planner->tried_count >= gang->count + SPARE_NODES_MAX)
            break;
        if (table->fits[column] != fit)
            continue;
        struct fit found = gang_fit(gang, column);
        sum += gang_apart_add(gang, table->columns[column], found.count);
        if (found.count == 0)
            continue;
        ARRAY_RESERVE(planner->tried, planner->tried_room, planner->tried_count + 1);
        planner->tried[planner->tried_count] =
            (struct tried){table->columns[column], found.count, 0, planner->tried_count};
        planner->tried_count++;
    }
    return sum;
}

/* Those that take the fewest first: they are the fullest. */
static int tried_compare(const void *left, const void *right)
{
    const struct tried *a = left;
    const struct tried *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Picks nodes of the group, the fullest first, until all have a place. No node is tried twice. *ret_lost: their scores
 * together. */
static bool group_pick(const struct gang *gang, uint32_t place, int64_t *ret_lost)
{
    struct planner *planner = gang->planner;
    uint32_t sum = 0;
    planner->tried_count = 0;
    gang_apart_begin(gang);
    for (uint32_t fit = next_fit(gang, place, 0); fit > 0; fit = next_fit(gang, place, fit)) {
        for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++)
            sum = try_part(gang, &gang->level->parts[i], fit, sum);
        if (sum >= gang->count)
            break;
    }
    if (sum < gang->count)
        return false;
    for (uint32_t i = 0; i < planner->tried_count; i++)
        planner->tried[i].score = score(gang, planner->tried[i].node, planner->tried[i].count);
    qsort(planner->tried, planner->tried_count, sizeof planner->tried[0], tried_compare);
    uint32_t missing = gang->count;
    *ret_lost = 0;
    planner->pick_count = 0;
    gang_apart_begin(gang);
    for (uint32_t i = 0; i < planner->tried_count && missing > 0; i++) {
        uint32_t taken = gang_apart_add(gang, planner->tried[i].node, planner->tried[i].count);
        taken = taken < missing ? taken : missing;
        if (taken == 0)
            continue;
        ARRAY_RESERVE(planner->picks, planner->pick_room, planner->pick_count + 1);
        planner->picks[planner->pick_count++] = (struct pick){planner->tried[i].node, taken};
        *ret_lost += planner->tried[i].score;
        missing -= taken;
    }
    must(missing == 0);
    return true;
}

/* -- which group ------------------------------------------------------------------------------------------------ */

/* What is held for good leaves the groups with the most free whole: the tightest goes first. Windows that end come one
 * upon the other, each with another group the tightest; taken in one order, the fleet's, they keep the groups at its
 * end free for all of time. */
static bool in_order(const struct gang *gang)
{
    return gang->question->to != PLANNER_OPEN;
}

static bool ranked_before(const struct ranked *a, const struct ranked *b)
{
    return a->bound != b->bound ? a->bound < b->bound : a->place < b->place;
}

static void heap_push(struct planner *planner, struct ranked ranked)
{
    ARRAY_RESERVE(planner->ranked, planner->ranked_room, planner->ranked_count + 1);
    struct ranked *heap = planner->ranked;
    uint32_t at = planner->ranked_count++;
    for (; at > 0 && ranked_before(&ranked, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = ranked;
}

static struct ranked heap_pop(struct planner *planner)
{
    struct ranked *heap = planner->ranked;
    struct ranked top = heap[0];
    struct ranked moved = heap[--planner->ranked_count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < planner->ranked_count; child = at * 2 + 1) {
        if (child + 1 < planner->ranked_count && ranked_before(&heap[child + 1], &heap[child]))
            child++;
        if (!ranked_before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
    return top;
}

static void rank(const struct gang *gang)
{
    gang->planner->ranked_count = 0;
    for (uint32_t place = 0; place < gang->level->group_count; place++) {
        uint64_t bound = gang_bound(gang, place);
        if (bound >= gang->count)
            heap_push(gang->planner, (struct ranked){(uint32_t)bound, place});
    }
}

/* The first group from *next on that may hold the gang, by node; or NONE. */
static uint32_t group_first(const struct gang *gang, uint32_t *next)
{
    while (*next < gang->level->group_count) {
        uint32_t place = (*next)++;
        if (gang_bound(gang, place) < gang->count)
            continue;
        gang_probe(gang, place);
        if (gang_bound(gang, place) >= gang->count)
            return place;
    }
    return NONE;
}

/* The group with the least that is still enough, by bounds that are made sharper on the way; or NONE. */
static uint32_t group_tightest(const struct gang *gang)
{
    struct planner *planner = gang->planner;
    struct ranked best = {UINT32_MAX, NONE};
    for (uint32_t compared = 0; planner->ranked_count > 0 && compared < GROUPS_COMPARED_MAX;) {
        struct ranked top = heap_pop(planner);
        bool looked = gang_is_probed(gang, top.place);
        gang_probe(gang, top.place);
        uint64_t bound = gang_bound(gang, top.place);
        if (bound < gang->count)
            continue;
        struct ranked sharper = {(uint32_t)bound, top.place};
        heap_push(planner, sharper);
        if (ranked_before(&sharper, &best))
            best = sharper;
        compared++;
        if (bound == gang->count || (looked && bound == top.bound))
            break; /* none can be tighter; or all others have higher bounds */
    }
    return best.place;
}

/* The group whose nodes lose the least: for windows that end, of the first that hold the gang; else of the tightest
 * alone. */
static bool search_groups(const struct gang *gang)
{
    uint32_t best = NONE;
    uint32_t last = NONE;
    uint32_t tried = 0;
    uint32_t compared = 0;
    int64_t best_lost = INT64_MAX;
    uint32_t next = 0;
    if (!in_order(gang))
        rank(gang);
    while (compared < GROUPS_COMPARED_MAX && tried < GROUP_NODES_MAX) {
        uint32_t place = in_order(gang) ? group_first(gang, &next) : group_tightest(gang);
        int64_t lost;
        if (place == NONE)
            break;
        if (!group_pick(gang, place, &lost))
            continue;
        last = place;
        if (best == NONE || lost < best_lost) {
            best = place;
            best_lost = lost;
        }
        tried += gang->planner->tried_count;
        compared = in_order(gang) ? compared + 1 : GROUPS_COMPARED_MAX;
    }
    if (best != last) {
        bool picked = group_pick(gang, best, &best_lost);
        must(picked);
    }
    return best != NONE;
}

static bool search_level(struct planner *planner, struct model *model, const struct question *question,
                         enum planner_scope scope, uint32_t count)
{
    struct gang gang = gang_of(planner, model, question, scope, count);
    return gang_may_hold(&gang) && search_groups(&gang);
}

/* A model that a gang may have. */
struct wanted {
    struct model *model;
    int64_t demand; /* by others */
};

/* The request's models, those that others insist on last; of equal ones the first that is named. */
static uint32_t models_by_demand(struct planner *planner, const struct planner_request *request)
{
    uint32_t count = 0;
    ARRAY_RESERVE(planner->wanted, planner->wanted_room, request_models(planner, request));
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        struct model *model = request_model(planner, request, i);
        if (model == NULL)
            continue;
        int64_t demand = fragmentation_demand(model, &request->shape, request->count);
        uint32_t at = count++;
        for (; at > 0 && planner->wanted[at - 1].demand > demand; at--)
            planner->wanted[at] = planner->wanted[at - 1];
        planner->wanted[at] = (struct wanted){model, demand};
    }
    return count;
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
    table_ready(planner, question->from);
    uint32_t models = models_by_demand(planner, request);
    for (uint32_t i = 0; i < models; i++)
        probe_begin(planner, planner->wanted[i].model, question);
    for (uint32_t scope = PLANNER_NODE + 1; scope <= limit; scope++) {
        for (uint32_t i = 0; i < models; i++) {
            struct model *model = planner->wanted[i].model;
            if (search_level(planner, model, question, (enum planner_scope)scope, request->count))
                return true;
        }
    }
    return false;
}

/* -- counting --------------------------------------------------------------------------------------------------- */

/* Looks closely at every node that may take an instance. */
static void count_exactly(const struct gang *gang)
{
    struct table *table = &gang->model->table;
    const uint32_t *instances = probe_instances_all(gang->planner, gang->model, gang->question);
    for (uint32_t block = 0; block < table->block_count; block++) {
        if (instances[block] == 0)
            continue;
        probe_fits(gang->model, gang->question, block);
        for (uint32_t column = block * LANES; column < (block + 1) * LANES; column++) {
            if (table->fits[column] > 0)
                (void)gang_fit(gang, column); /* kept in fits */
        }
    }
}

/* The most within one node, whose number is its group's. */
static void count_nodes(const struct gang *gang, struct counted *counted)
{
    const struct table *table = &gang->model->table;
    for (uint32_t column = 0; column < table->block_count * LANES; column++) {
        if (table->instances[column / LANES] > 0 && table->fits[column] > counted->best) {
            counted->best = table->fits[column];
            counted->group = gang->planner->nodes[table->columns[column]].groups[PLANNER_NODE];
        }
    }
}

static void count_model(struct planner *planner, struct model *model, const struct question *question,
                        enum planner_scope scope, struct counted *counted)
{
    struct gang fleet = gang_of(planner, model, question, PLANNER_FLEET, 0);
    struct gang gang = gang_of(planner, model, question, scope, 0);
    probe_begin(planner, model, question);
    counted->model_exists |= !question->in_zone
                                 ? model->node_count > 0
                                 : level_find(&model->table.levels[PLANNER_ZONE], question->zone) != NONE;
    count_exactly(&fleet);
    uint64_t all = fleet.level->group_count == 0 ? 0 : gang_bound(&fleet, 0);
    counted->fleet = all > counted->fleet ? (uint32_t)all : counted->fleet;
    if (scope == PLANNER_NODE)
        count_nodes(&fleet, counted);
    for (uint32_t place = 0; place < gang.level->group_count; place++) {
        uint64_t sum = gang_bound(&gang, place);
        if (sum > counted->best) {
            counted->best = (uint32_t)sum;
            counted->group = gang.level->groups[place].group;
        }
    }
}

struct counted search_count(struct planner *planner, const struct question *question,
                            const struct planner_request *request, enum planner_scope scope)
{
    struct counted counted = {.group = NONE};
    table_ready(planner, question->from);
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        struct model *model = request_model(planner, request, i);
        if (model != NULL)
            count_model(planner, model, question, scope, &counted);
    }
    return counted;
}
