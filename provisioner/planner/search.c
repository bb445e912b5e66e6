/* One node for all that is asked. The index says which blocks of nodes are worth a look, those with little free first;
 * fit_room has the last word on each node, so what is refused really does not fit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"
#include "provisioner/planner/prefetch.h"

#include <string.h>

/* How long to look for a better node. The index knows the window's first and last hours only roughly, and nothing of
 * CPU: of nodes with as much free, so many may turn out not to fit, and so many blocks have none, before emptier ones
 * are tried. All are looked at before anything is refused. */
struct budget {
    uint32_t compared; /* nodes that fit, those with the least free GPUs first */
    uint32_t failed;
    uint32_t visits;
    bool stops_at_full; /* a node that is full then is good enough, if nobody insists on its model */
};

/* So many blocks are searched for nodes in use, the fullest first, before an empty one will do. */
#define NEAR_BLOCKS 128

/* Where scanning the fleet costs little, more is spent on comparing. (Compiled with 0, all fleets are searched as large
 * ones are, to measure how the rest grows.) */
#ifndef SMALL_BLOCKS
#define SMALL_BLOCKS 128
#endif
static const struct budget budget_small = {16, 256, 64, false};
static const struct budget budget_large = {8, 16, 16, true};

/* So many nodes wait to be looked at while what that reads comes into the cache: first their records, then their
 * timelines. A power of two. */
#define AHEAD 4

/* A search through one model's nodes. */
struct node_search {
    const struct planner *planner;
    struct model *model;
    const struct budget *budget;
    const struct question *question;
    uint32_t need;      /* instances */
    uint32_t need_gpus; /* wholly free ones, for all of them */
    /* the blocks that may answer: those of a group's parts, or all */
    const struct part *parts;
    uint32_t block_count;
    uint32_t visits_left;
    uint32_t failed_left;
    bool last_resort; /* until something is found, no budget binds */
    uint32_t compared;
    uint32_t node; /* the best so far */
    int64_t score;
    int64_t demand;        /* of the model, by others: part of the score */
    uint32_t queue[AHEAD]; /* a ring: nodes to be looked at; NONE: behind a block's last one */
    uint32_t queued;
    uint32_t served;
};

struct question question_of(const struct planner *planner, const struct planner_request *request)
{
    struct question question = {
        .tenant = request->tenant,
        .tenant_tag = tenant_tag(request->tenant),
        .shape = request->shape,
        .from = request->from,
        .to = request->to,
        .avoid = id_find(&planner->node_ids, request->avoid_node),
        .in_zone = !id_is_none(request->zone),
        .near_group = NONE,
        .only_node = NONE,
        .beside = NONE,
        .spread = request->count > 1 ? request->spread : PLANNER_SPREAD_NONE,
        .apart_level = PLANNER_FLEET,
        .preemptible = request->preemptible,
        .evict_from = request->evict_from,
        .spares_unbegun = request->spares_unbegun,
    };
    if (question.in_zone)
        question.zone = id_find(&planner->groups[PLANNER_ZONE], request->zone);
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

/* Whether what is asked leaves nothing free of the node. */
static bool fills(const struct node_search *search, const struct room *room)
{
    const struct planner_shape *shape = &search->question->shape;
    if (shape->gpus > 0)
        return room->parts == 0 && bits_of(room->whole) == search->need_gpus;
    return search->need == 1 && room->whole == 0 && (room->parts & (room->parts - 1)) == 0 &&
           room->free_milli[__builtin_ctzll(room->parts)] == shape->gpu_milli;
}

static void consider(struct node_search *search, uint32_t index)
{
    const struct node *node = &search->planner->nodes[index];
    if (!fit_eligible(search->planner, node, search->question))
        return;
    UNCLEARED struct room room;
    if (fit_room(search->planner, node, search->question, &room) < search->need) {
        search->failed_left -= search->failed_left > 0;
        return;
    }
    search->compared++;
    int64_t score = INT64_MIN;
    if (!search->budget->stops_at_full || search->demand > 0 || !fills(search, &room)) {
        gaps_measure(node, search->question, &room);
        score =
            fragmentation_score(&search->model->mix, &room, &search->question->shape, search->need) + search->demand;
    }
    if (score < search->score) {
        search->node = index;
        search->score = score;
    }
}

static bool enough(const struct node_search *search)
{
    bool impatient = search->compared > 0 || !search->last_resort;
    return search->compared >= search->budget->compared || search->score == INT64_MIN ||
           (impatient && (search->failed_left == 0 || search->visits_left == 0));
}

/* What was found meanwhile does not matter: nodes are considered in the order in which they were queued, and no longer
 * than the budget lasts. */
static void serve(struct node_search *search)
{
    uint32_t node = search->queue[search->served++ % AHEAD];
    if (node == NONE)
        search->visits_left -= search->visits_left > 0;
    else if (!enough(search))
        consider(search, node);
}

static void prefetch_timeline(const struct node_search *search, uint32_t at)
{
    uint32_t node = search->queue[at % AHEAD];
    if (node != NONE)
        node_timeline_prefetch(&search->planner->nodes[node]);
}

static void queue(struct node_search *search, uint32_t node)
{
    if (search->queued - search->served == AHEAD)
        serve(search);
    if (node != NONE)
        node_prefetch(&search->planner->nodes[node]);
    search->queue[search->queued % AHEAD] = node;
    if (search->queued - search->served >= AHEAD / 2)
        prefetch_timeline(search, search->queued - AHEAD / 2);
    search->queued++;
}

static void serve_all(struct node_search *search)
{
    for (uint32_t at = search->served; at != search->queued; at++)
        prefetch_timeline(search, at);
    while (search->served != search->queued)
        serve(search);
}

/* Queues the block's nodes that may have from need_gpus to `most_gpus` free, those with the least first. */
static void visit(struct node_search *search, const struct part *part, uint32_t most_gpus)
{
    const struct table *table = &search->model->table;
    const struct block *block = &table->blocks[part->block];
    uint32_t lanes = part->lanes & block->seated & (search->question->ignore_plannable ? UINT32_MAX : ~block->cordoned);
    uint32_t by_step[STEPS + 1] = {0};
    struct block_bounds bounds;
    probe_block(table, part->block, &bounds);
    for (; lanes != 0; lanes &= lanes - 1) {
        uint32_t lane = (uint32_t)__builtin_ctz(lanes);
        uint32_t free_gpus = bounds.whole[lane];
        if (free_gpus < search->need_gpus || free_gpus > most_gpus || (table->tier > 0 && bounds.share[lane] == 0))
            continue;
        by_step[free_gpus < STEPS ? free_gpus : STEPS] |= UINT32_C(1) << lane;
    }
    for (uint32_t step = 0; step <= STEPS; step++) {
        for (uint32_t left = by_step[step]; left != 0; left &= left - 1)
            queue(search, table->columns[part->block * LANES + (uint32_t)__builtin_ctz(left)]);
    }
    queue(search, NONE);
}

static struct part part_at(const struct node_search *search, uint32_t i)
{
    return search->parts == NULL ? (struct part){i, UINT32_MAX, LANES} : search->parts[i];
}

/* How many of the block's nodes, at most, have so many GPUs free, if any has room for what is asked. */
static uint32_t seen(const struct node_search *search, uint32_t step, uint32_t block)
{
    struct table *table = &search->model->table;
    uint32_t least = probe_least(table, step, block)[block];
    if (least > 0 && table->tier > 0 && step > 0 && probe_least(table, 0, block)[block] == 0)
        return 0;
    return least > 0 && probe_plannable(table, block, search->question) ? least : 0;
}

/* Whether none of these eight blocks seems to have a node with just `step` GPUs free. */
static bool none_of_eight(const struct node_search *search, uint32_t step, uint32_t top, uint32_t block)
{
    struct table *table = &search->model->table;
    uint64_t least;
    uint64_t above = 0;
    memcpy(&least, probe_least(table, step, block) + block, sizeof least);
    if (least != 0 && step < top)
        memcpy(&above, probe_least(table, step + 1, block) + block, sizeof above);
    return least == above;
}

/* Visits the block that waits, while the cells of the next one come into the cache. */
static void visit_in_turn(struct node_search *search, struct part *waiting, struct part next, uint32_t most_gpus)
{
    if (next.count > 0)
        probe_prefetch(&search->model->table, next.block);
    if (waiting->count > 0 && !enough(search))
        visit(search, waiting, most_gpus);
    *waiting = next;
}

/* Visits blocks that seem to have a node with just `step` GPUs free, `count` of them from `at` on. */
static void search_step(struct node_search *search, uint32_t step, uint32_t top, uint32_t at, uint32_t count)
{
    struct table *table = &search->model->table;
    uint32_t most_gpus = step == top ? UINT32_MAX : step;
    struct part waiting = {0};
    if (search->compared == 0) { /* otherwise what is left of it has to do */
        search->failed_left = search->budget->failed;
        search->visits_left = search->budget->visits;
    }
    for (uint32_t i = 0; i < count && !enough(search); i++, at++) {
        at = at == search->block_count ? 0 : at;
        struct part part = part_at(search, at);
        if (waiting.count > 0 && part.block / STRETCH != waiting.block / STRETCH) {
            visit_in_turn(search, &waiting, (struct part){0}, most_gpus);
            serve_all(search); /* it may do without the counts of another stretch */
            if (enough(search))
                return;
        }
        if (search->parts == NULL && at % 8 == 0 && at + 8 <= search->block_count &&
            none_of_eight(search, step, top, at)) {
            at += 7;
            i += 7;
            continue;
        }
        uint32_t at_least = seen(search, step, part.block);
        if (at_least == 0 || (step < top && at_least <= probe_least(table, step + 1, part.block)[part.block]))
            continue;
        visit_in_turn(search, &waiting, part, most_gpus);
    }
    visit_in_turn(search, &waiting, (struct part){0}, most_gpus);
    serve_all(search);
}

static uint32_t fewer(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Nodes in use near a place of the question's own, so that not the same ones fail every time; empty ones in the fleet's
 * order, so that racks stay whole. */
static void search_fullest(struct node_search *search)
{
    uint32_t top = fewer(search->model->gpus_max, STEPS);
    uint32_t near = fewer(NEAR_BLOCKS, search->block_count);
    uint64_t hash = hash_mix((uint64_t)search->question->from ^ hash_mix((uint64_t)search->question->to));
    uint32_t first = (uint32_t)(hash % search->block_count);
    if (near < search->block_count) /* whole stretches of counts are read */
        first = first / STRETCH * STRETCH;
    for (uint32_t step = fewer(search->need_gpus, STEPS); step < top && (search->compared == 0 || !enough(search));
         step++)
        search_step(search, step, top, first, near);
    search->last_resort = search->compared == 0;
    if (search->last_resort)
        search_step(search, top, top, 0, search->block_count);
    else if (!enough(search))
        search_step(search, top, top, 0, near);
}

/* Whatever there is. */
static void search_any(struct node_search *search)
{
    uint32_t step = search->need_gpus < STEPS ? search->need_gpus : STEPS;
    search->last_resort = true;
    for (uint32_t i = 0; i < search->block_count && search->compared == 0; i++) {
        struct part part = part_at(search, i);
        if (seen(search, step, part.block) > 0)
            visit(search, &part, UINT32_MAX);
        serve_all(search);
    }
}

/* Which blocks may answer; false if none. */
static bool search_where(struct node_search *search)
{
    const struct question *question = search->question;
    bool near = question->near_group != NONE;
    const struct level *level = &search->model->table.levels[near ? question->near_scope : PLANNER_ZONE];
    search->parts = NULL;
    search->block_count = search->model->table.block_count;
    if (near || question->in_zone) {
        uint32_t place = level_find(level, near ? question->near_group : question->zone);
        if (place == NONE)
            return false;
        if (level->group_count > 1) {
            search->parts = level->parts + level->groups[place].first;
            search->block_count = level->groups[place + 1].first - level->groups[place].first;
        }
    }
    return search->block_count > 0;
}

uint32_t search_node(struct planner *planner, const struct question *question, const struct planner_request *request,
                     uint32_t need)
{
    struct node_search search = {
        .planner = planner, .question = question, .need = need, .node = NONE, .score = INT64_MAX};
    if ((uint64_t)question->shape.gpus * need > PLANNER_NODE_GPUS_MAX ||
        (question->spread != PLANNER_SPREAD_NONE && need > 1))
        return NONE;
    search.need_gpus = question->shape.gpus * need;
    table_ready(planner, question->from);
    for (uint32_t pass = 0; pass < 2 && search.node == NONE; pass++) {
        for (uint32_t i = 0; i < request_models(planner, request) && search.score > INT64_MIN; i++) {
            search.model = request_model(planner, request, i);
            if (search.model == NULL || search.need_gpus > search.model->gpus_max || !search_where(&search))
                continue;
            search.compared = 0;
            search.last_resort = false;
            search.budget = search.model->table.block_count <= SMALL_BLOCKS ? &budget_small : &budget_large;
            if (request_models(planner, request) > 1)
                search.demand = fragmentation_demand(search.model, &question->shape, need);
            probe_begin(planner, search.model, question);
            if (pass == 0)
                search_fullest(&search);
            else
                search_any(&search);
        }
    }
    return search.node;
}
