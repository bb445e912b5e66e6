/* The small fleet's life: what is asked of it, what the database would then have, and what must be true of that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_world.h"

static const char *const models[] = {"h100", "t4"};
static const char *const orders[] = {"h100", "t4", "h100"};

/* -- the database ----------------------------------------------------------------------------------------------- */

void store(struct world *world)
{
    size_t count = 0;
    const struct planner_change *changes = planner_changes(world->planner, &count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < world->row_count; j++) {
            const struct planner_allocation *old = &world->rows[j].allocation;
            if (same_key(&old->key, &changes[i].key) && same_id(old->node, changes[i].node))
                world->rows[j--] = world->rows[--world->row_count];
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct row *row = &world->rows[world->row_count];
        bool exists = planner_get(world->planner, &changes[i].key, changes[i].node, &row->allocation);
        ck_assert(exists == changes[i].exists);
        if (!exists)
            continue;
        ck_assert_uint_le(row->allocation.rectangle_count, RECTANGLES_MAX);
        memcpy(row->rectangles, row->allocation.rectangles,
               row->allocation.rectangle_count * sizeof row->rectangles[0]);
        ck_assert_uint_lt(++world->row_count, ROWS_MAX);
    }
}

static void no_two_rectangles_overlap(const struct world *world)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            const struct row *a = &world->rows[i];
            const struct row *b = &world->rows[j];
            if (!same_id(a->allocation.node, b->allocation.node))
                continue;
            for (uint32_t k = 0; k < a->allocation.rectangle_count; k++) {
                for (uint32_t l = 0; l < (i == j ? k : b->allocation.rectangle_count); l++) {
                    const struct planner_rectangle *p = &a->rectangles[k];
                    const struct planner_rectangle *q = &b->rectangles[l];
                    ck_assert(p->to <= q->from || q->to <= p->from || p->slots_to <= q->slots_from ||
                              q->slots_to <= p->slots_from);
                }
            }
        }
    }
}

/* A planner rebuilt from the rows that are not history yet. */
static void a_rebuilt_planner_is_the_same(const struct world *world)
{
    CLEANUP(planner_freep) struct planner *rebuilt = planner_new();
    int64_t now = world->now_h * HOUR;
    for (uint32_t i = 0; i < world->node_count; i++)
        ck_assert_ptr_null(planner_node_put(rebuilt, &world->nodes[i]));
    for (uint32_t i = world->row_count; i-- > 0;) {
        struct row row = world->rows[i];
        uint32_t kept = 0;
        for (uint32_t j = 0; j < row.allocation.rectangle_count; j++) {
            if (row.rectangles[j].to > now)
                row.rectangles[kept++] = row.rectangles[j];
        }
        row.allocation.rectangles = row.rectangles;
        row.allocation.rectangle_count = kept;
        if (kept > 0)
            ck_assert_ptr_null(planner_load(rebuilt, &row.allocation));
    }
    planner_verify(rebuilt);
    ck_assert_uint_eq(planner_fingerprint(rebuilt, now), planner_fingerprint(world->planner, now));
}

void world_check(const struct world *world)
{
    planner_verify(world->planner);
    no_two_rectangles_overlap(world);
    a_rebuilt_planner_is_the_same(world);
}

/* -- the fleet and what is asked of it -------------------------------------------------------------------------- */

static void fleet_begin(struct world *world)
{
    world->planner = planner_new();
    world->node_count = (uint32_t)between(world, 1, NODES_MAX);
    bool leaves = chance(world, 50);
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct planner_node node = node_of(i + 1, models[between(world, 0, 99) < 30], (uint32_t)between(world, 0, 5));
        node.gpus = chance(world, 30) ? GPUS_MAX : node.gpus;
        node.rack = id_of((uint32_t)between(world, 1, 3));
        node.fabric = id_of(number_of(node.rack) / 2 + 1);
        node.leaf = leaves ? id_of(200 + number_of(node.fabric)) : id_of(0);
        node.nvlink_domain = chance(world, 60) ? id_of(100 + 2 * number_of(node.rack) + chance(world, 50)) : id_of(0);
        node.grouping = (enum planner_grouping)between(world, 0, PLANNER_GROUPING_COUNT - 1);
        node.turnaround_s = chance(world, 50) ? 0 : between(world, 1, 3) * HOUR;
        node.cpu_milli = between(world, 4, 48) * 1000;
        node.memory_mib = between(world, 4, 48) * 1000;
        if (chance(world, 20)) {
            node.plannable_from = between(world, 0, 24) * HOUR;
            node.plannable_until = between(world, 48, 120) * HOUR;
        }
        world->nodes[i] = node;
        ck_assert_ptr_null(planner_node_put(world->planner, &node));
    }
}

struct world *world_new(struct property random, uint32_t *tally)
{
    struct world *world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    world->random = random;
    world->tally = tally;
    fleet_begin(world);
    return world;
}

void world_free(struct world *world)
{
    planner_free(world->planner);
    free(world);
}

struct planner_request request_any(struct world *world)
{
    int64_t from = (world->now_h + between(world, 0, 72)) * HOUR;
    if (world->row_count > 0 && chance(world, 40)) { /* close behind something: turnaround matters there */
        int64_t end = row_end(&world->rows[between(world, 0, world->row_count - 1)]);
        from = end >= from && end < END_H / 2 * HOUR ? end + between(world, 0, 2) * HOUR : from;
    }
    int64_t to = chance(world, 5) ? PLANNER_OPEN : from + between(world, 1, 48) * HOUR;
    struct planner_request request = whole(++world->reservations, (uint32_t)between(world, 1, 3), 1, 1, from, to);
    if (chance(world, 50))
        request.shape.gpus = (uint32_t)between(world, 1, chance(world, 20) ? 8 : 3);
    else
        request.shape = (struct planner_shape){.gpu_milli = (uint32_t)between(world, 1, 999)};
    request.count = (uint32_t)(chance(world, 65) ? 1 : between(world, 2, 5));
    request.shape.cpu_milli = chance(world, 50) ? 0 : between(world, 0, 4) * 1000;
    request.shape.memory_mib = chance(world, 50) ? 0 : between(world, 0, 4) * 1000;
    request.scope = (enum planner_scope)between(world, PLANNER_NODE, PLANNER_FLEET);
    request.scope_preferred = chance(world, 20);
    request.preemptible = chance(world, 30);
    request.gpu_models = orders + between(world, 0, 1); /* one of two, both in either order, or any */
    request.gpu_model_count = (uint32_t)between(world, 0, 2);
    if (chance(world, 10))
        request.avoid_node = id_of((uint32_t)between(world, 1, NODES_MAX));
    if (!chance(world, 20))
        return request;
    request.spread = (enum planner_spread)between(world, PLANNER_SPREAD_NODE, PLANNER_SPREAD_LEAF);
    request.count = (uint32_t)between(world, 1, 3);
    request.shape.gpus = request.shape.gpus > 2 ? 2 : request.shape.gpus; /* or hardly any would fit */
    request.scope = chance(world, 70) ? PLANNER_FLEET : request.scope;
    return request;
}

struct planner_request question_any(struct world *world)
{
    struct planner_request request = request_any(world);
    if (!request.preemptible && chance(world, 50)) {
        request.preempts = true;
        request.evict_from = request.from + between(world, -4, 4) * HOUR;
        request.spares_unbegun = chance(world, 30);
    }
    return request;
}

struct planner_key key_any(struct world *world)
{
    if (world->row_count > 0 && chance(world, 70))
        return world->rows[between(world, 0, world->row_count - 1)].allocation.key;
    return key_of(
        (uint32_t)between(world, world->reservations > 40 ? world->reservations - 40 : 1, world->reservations + 1),
        (uint32_t)between(world, 0, 2));
}

/* -- placing ---------------------------------------------------------------------------------------------------- */

static void assert_holds(const struct planner_request *request, const struct planner_node *node,
                         const struct planner_allocation *given, int64_t at)
{
    int32_t held = 0;
    uint32_t gpus = 0;
    for (uint32_t j = 0; j < given->rectangle_count; j++) {
        const struct planner_rectangle *piece = &given->rectangles[j];
        if (piece->kind != PLANNER_HELD || piece->from > at || piece->to <= at)
            continue;
        held += piece->slots_to - piece->slots_from;
        for (int32_t gpu = piece->slots_from / 1000; gpu <= (piece->slots_to - 1) / 1000; gpu++)
            gpus |= 1U << gpu;
    }
    if (request->shape.gpus > 0)
        ck_assert(groups_keep(gpus, node->gpus, request->shape.gpus, node->grouping));
    else
        ck_assert_int_eq(__builtin_popcount(gpus), 1);
    ck_assert_int_eq(held,
                     request->shape.gpus > 0 ? (int32_t)request->shape.gpus * 1000 : (int32_t)request->shape.gpu_milli);
}

void assert_as_asked(const struct world *world, const struct planner_request *request,
                     const struct planner_allocation *allocations)
{
    static const enum planner_scope levels[] = {PLANNER_FLEET, PLANNER_NODE, PLANNER_RACK, PLANNER_LEAF};
    const struct planner_node *first = planner_node_get(world->planner, allocations[0].node);
    enum planner_scope scope = scope_allowed(request);
    enum planner_scope apart = levels[request->spread];
    for (uint32_t i = 0; i < request->count; i++) {
        const struct planner_allocation *given = &allocations[i];
        const struct planner_node *node = planner_node_get(world->planner, given->node);
        ck_assert_uint_eq(given->key.ordinal, i);
        ck_assert(given->preemptible == request->preemptible && !given->maintenance);
        ck_assert_str_eq(node->gpu_model, first->gpu_model);
        ck_assert(same_id(group_of(node, scope), group_of(first, scope)));
        for (uint32_t j = 0; j < i && apart != PLANNER_FLEET; j++)
            ck_assert(!same_id(group_of(node, apart),
                               group_of(planner_node_get(world->planner, allocations[j].node), apart)));
        for (int64_t at = request->from; at < hours_end(request->to); at += HOUR)
            assert_holds(request, node, given, at);
    }
}

void step_place(struct world *world)
{
    struct planner_request request = request_any(world);
    uint32_t best = most_within(world, &request, scope_allowed(&request));
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    struct planner_verdict verdict;
    ck_assert(planner_fits(world->planner, &request) == (best >= request.count));
    planner_place(world->planner, &request, &verdict);
    ck_assert_msg(verdict.placed == (best >= request.count), "the oracle finds room for %u of %u", best, request.count);
    if (verdict.placed) {
        world->tally[TALLY_PLACED]++;
        world->tally[TALLY_SPREAD] += request.count > 1 && request.spread != PLANNER_SPREAD_NONE;
        ck_assert_uint_eq(verdict.allocation_count, request.count);
        ck_assert_uint_eq(verdict.eviction_count, 0);
        assert_as_asked(world, &request, verdict.allocations);
        if (!chance(world, 10))
            return;
        for (uint32_t i = 0; i < request.count; i++)
            ck_assert(planner_release(world->planner, &(struct planner_key){request.reservation, i}));
    } else {
        world->tally[TALLY_REFUSED]++;
        ck_assert_uint_eq(verdict.refusal.best_count, best);
        ck_assert_uint_eq(verdict.refusal.fleet_count, most_within(world, &request, PLANNER_FLEET));
    }
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
}

/* -- losing ----------------------------------------------------------------------------------------------------- */

/* Where a sibling of the instance stands there is none of its spread's groups to go to. */
static bool stands_apart(const struct world *world, const struct planner_replacement *replacement,
                         const struct planner_node *node)
{
    static const enum planner_scope levels[] = {PLANNER_FLEET, PLANNER_NODE, PLANNER_RACK, PLANNER_LEAF};
    enum planner_scope apart = levels[replacement->spread];
    for (uint32_t i = 0; i < world->row_count && apart != PLANNER_FLEET; i++) {
        const struct planner_allocation *other = &world->rows[i].allocation;
        if (same_id(other->key.reservation, replacement->key.reservation) &&
            other->key.ordinal != replacement->key.ordinal && row_end(&world->rows[i]) > replacement->now &&
            same_id(group_of(planner_node_get(world->planner, other->node), apart), group_of(node, apart)))
            return false;
    }
    return true;
}

static bool was_preemptible(const struct world *world, const struct planner_key *key)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct planner_allocation *allocation = &world->rows[i].allocation;
        if (same_id(allocation->key.reservation, key->reservation) && allocation->key.ordinal == key->ordinal)
            return allocation->preemptible;
    }
    return false;
}

/* Only where it may, on the node it goes to, from the notice on, and only who is preemptible. */
static void assert_evicts_in_need(const struct world *world, const struct planner_replacement *replacement,
                                  const struct planner_verdict *verdict)
{
    const struct planner_allocation *place = &verdict->allocations[0];
    for (uint32_t i = 0; i < verdict->eviction_count; i++) {
        const struct planner_eviction *eviction = &verdict->evictions[i];
        ck_assert(replacement->preempts && !place->preemptible);
        ck_assert(same_id(eviction->node, place->node));
        ck_assert_int_ge(eviction->ends, replacement->evict_from);
        /* or it had not begun */
        ck_assert(eviction->ends <= place->rectangles[0].from || eviction->lost_gpu_milli_s == 0);
        ck_assert(was_preemptible(world, &eviction->key));
    }
}

static void step_replace(struct world *world)
{
    struct planner_replacement replacement = {.key = key_any(world), .now = world->now_h * HOUR};
    replacement.scope = (enum planner_scope)between(world, PLANNER_NVLINK_DOMAIN, PLANNER_FLEET);
    replacement.spread = (enum planner_spread)between(world, 0, PLANNER_SPREAD_COUNT - 1);
    replacement.preempts = chance(world, 50);
    replacement.evict_from = replacement.now + between(world, 0, 3) * HOUR;
    const struct planner_node *present = planner_node_of(world->planner, &replacement.key, replacement.now);
    struct planner_id old = present == NULL ? id_of(0) : present->id;
    struct planner_verdict verdict;
    bool found = planner_replace(world->planner, &replacement, &verdict);
    ck_assert(found == (present != NULL));
    if (found && verdict.placed) {
        const struct planner_node *node = planner_node_get(world->planner, verdict.allocations[0].node);
        world->tally[TALLY_REPLACED]++;
        ck_assert(!same_id(node->id, old));
        ck_assert(same_id(group_of(node, replacement.scope),
                          group_of(planner_node_get(world->planner, old), replacement.scope)));
        ck_assert(stands_apart(world, &replacement, node));
        assert_evicts_in_need(world, &replacement, &verdict);
    }
}

/* Whatever was held beyond the cut is free once the turnaround is over. */
static void step_cut(struct world *world, struct planner_key key)
{
    int64_t instant = (world->now_h + between(world, 0, 10)) * HOUR;
    const struct planner_node *node = planner_node_of(world->planner, &key, instant);
    struct planner_allocation left;
    ck_assert(planner_cut(world->planner, &key, instant) == (node != NULL));
    ck_assert_ptr_null(planner_node_of(world->planner, &key, instant));
    if (node == NULL || !planner_get(world->planner, &key, node->id, &left))
        return;
    for (uint32_t i = 0; i < left.rectangle_count; i++)
        ck_assert_int_le(left.rectangles[i].to, instant + node->turnaround_s);
}

void step_lose(struct world *world)
{
    struct planner_key key = key_any(world);
    int64_t what = between(world, 1, 25);
    if (what <= 7) {
        const struct planner_node *node = planner_node_of(world->planner, &key, INT64_MIN);
        ck_assert(planner_release(world->planner, &key) || node == NULL);
    } else if (what <= 17) {
        step_cut(world, key);
    } else {
        step_replace(world);
    }
}

/* -- batches ---------------------------------------------------------------------------------------------------- */

/* What is gone back to: the planner's state by its number, the database's by its rows. */
struct saved {
    uint64_t fingerprint;
    uint32_t row_count;
    struct row rows[ROWS_MAX];
};

static void save(const struct world *world, struct saved *ret)
{
    ret->fingerprint = planner_fingerprint(world->planner, INT64_MIN);
    ret->row_count = world->row_count;
    memcpy(ret->rows, world->rows, world->row_count * sizeof world->rows[0]);
}

static void assert_restored(struct world *world, const struct saved *saved)
{
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), saved->fingerprint);
    memcpy(world->rows, saved->rows, saved->row_count * sizeof world->rows[0]);
    world->row_count = saved->row_count;
}

void batch(struct world *world, void (*step)(struct world *))
{
    static struct saved before, between_steps;
    save(world, &before);
    planner_begin(world->planner);
    for (int64_t steps = between(world, 1, 4); steps > 0; steps--) {
        uint32_t savepoint = planner_savepoint(world->planner);
        bool goes_back = chance(world, 15);
        if (goes_back)
            save(world, &between_steps);
        step(world);
        store(world); /* so that the oracle knows of it */
        if (!goes_back)
            continue;
        planner_rollback_to(world->planner, savepoint);
        assert_restored(world, &between_steps);
        store(world);
    }
    if (chance(world, 75)) {
        planner_commit(world->planner);
        return;
    }
    planner_rollback(world->planner);
    assert_restored(world, &before);
}

void between_batches(struct world *world)
{
    struct planner_node *node = &world->nodes[between(world, 0, world->node_count - 1)];
    if (chance(world, 5)) {
        node->cordoned = !node->cordoned;
        ck_assert_ptr_null(planner_node_put(world->planner, node));
    }
    if (!chance(world, 10))
        return;
    world->now_h += between(world, 1, 8);
    planner_forget(world->planner, world->now_h * HOUR);
    for (uint32_t i = 0; i < world->row_count; i++) {
        bool over = row_end(&world->rows[i]) <= world->now_h * HOUR;
        for (uint32_t j = 0; j < world->rows[i].allocation.rectangle_count; j++)
            over &= world->rows[i].rectangles[j].to <= world->now_h * HOUR;
        if (over)
            world->rows[i--] = world->rows[--world->row_count];
    }
}
