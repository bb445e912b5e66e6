/* Random histories of small fleets against a naive oracle, which knows only what the planner's user knows: the rows
 * that the database would have. It counts by hours and by trying every subset of GPUs.
 *
 * SLUICE_SEED repeats a run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/property.h"

#define NODES_MAX      6
#define GPUS_MAX       8
#define ROWS_MAX       512
#define RECTANGLES_MAX 64
#define HISTORIES      12
#define STEPS          160
#define END_H          400 /* nothing finite reaches here */

/* One allocation on one node, as the database keeps it. */
struct row {
    struct planner_allocation allocation;
    struct planner_rectangle rectangles[RECTANGLES_MAX];
};

struct world {
    struct property random;
    struct planner *planner;
    struct planner_node nodes[NODES_MAX];
    uint32_t node_count;
    struct row rows[ROWS_MAX];
    uint32_t row_count;
    struct row saved[ROWS_MAX]; /* at the batch's begin */
    uint32_t saved_count;
    uint32_t reservations;
    int64_t now_h;
    uint32_t placed;
    uint32_t refused;
};

static const char *const models[] = {"h100", "t4"};

static int64_t between(struct world *world, int64_t least, int64_t most)
{
    return property_between(&world->random, least, most);
}

static bool chance(struct world *world, int64_t percent)
{
    return between(world, 1, 100) <= percent;
}

/* -- the oracle ------------------------------------------------------------------------------------------------- */

static int64_t end_of(const struct row *row)
{
    int64_t end = INT64_MIN;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        if (row->rectangles[i].kind == PLANNER_HELD && row->rectangles[i].to > end)
            end = row->rectangles[i].to;
    }
    return end;
}

static int64_t plus(int64_t instant, int64_t seconds)
{
    return instant == PLANNER_OPEN ? PLANNER_OPEN : instant + seconds;
}

/* Milli of a GPU that are not to be had by the request at an hour. */
static int32_t taken_milli(const struct world *world, const struct planner_request *request,
                           const struct planner_node *node, uint32_t gpu, int64_t instant)
{
    int32_t taken = 0;
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct row *row = &world->rows[i];
        bool whole_row = row->allocation.shape.gpus > 0;
        bool own = whole_row && request->shape.gpus > 0 &&
                   memcmp(&row->allocation.tenant, &request->tenant, sizeof request->tenant) == 0;
        if (memcmp(&row->allocation.node, &node->id, sizeof node->id) != 0)
            continue;
        for (uint32_t j = 0; j < row->allocation.rectangle_count; j++) {
            const struct planner_rectangle *piece = &row->rectangles[j];
            int64_t to = piece->to;
            if (piece->slots_to <= (int32_t)gpu * 1000 || piece->slots_from >= (int32_t)(gpu + 1) * 1000)
                continue;
            if (whole_row && piece->kind == PLANNER_TURNAROUND)
                to = plus(piece->from, node->turnaround_s); /* its row may be cut short; for others it is not */
            if (whole_row && piece->kind == PLANNER_HELD && !own)
                to = plus(to, node->turnaround_s);
            if (own && (piece->kind == PLANNER_TURNAROUND || instant >= request->to))
                continue;
            if (piece->from <= instant && instant < to)
                taken += whole_row ? 1000 : piece->slots_to - piece->slots_from;
        }
    }
    return taken > 1000 ? 1000 : taken;
}

static int64_t hours_end(int64_t to)
{
    return to == PLANNER_OPEN ? END_H * HOUR : to;
}

static bool groups_keep(uint32_t subset, uint32_t gpus, uint32_t k, enum planner_grouping grouping)
{
    uint32_t size = grouping == PLANNER_ANY ? 1 : grouping == PLANNER_PAIRS ? 2 : 4;
    uint32_t full = 0;
    uint32_t partial = 0;
    for (uint32_t first = 0; first < gpus; first += size) {
        uint32_t mine = (uint32_t)__builtin_popcount(subset >> first & ((1U << size) - 1));
        full += mine == size;
        partial += mine > 0 && mine < size;
    }
    return full == k / size && partial <= 1;
}

/* The most disjoint instances in a set of free GPUs, by trying all. */
static uint32_t instances(uint32_t free_gpus, const struct planner_node *node, uint32_t k)
{
    uint32_t most[1U << GPUS_MAX] = {0};
    for (uint32_t set = 1; set <= free_gpus; set++) {
        if ((set & ~free_gpus) != 0)
            continue;
        for (uint32_t subset = set; subset > 0; subset = (subset - 1) & set) {
            if ((uint32_t)__builtin_popcount(subset) == k && groups_keep(subset, node->gpus, k, node->grouping) &&
                most[set & ~subset] + 1 > most[set])
                most[set] = most[set & ~subset] + 1;
        }
    }
    return most[free_gpus];
}

static uint32_t beside(const struct world *world, const struct planner_request *request,
                       const struct planner_node *node, uint32_t count)
{
    for (int64_t instant = request->from; instant < hours_end(request->to); instant += HOUR) {
        int64_t cpu_milli = node->cpu_milli;
        int64_t memory_mib = node->memory_mib;
        for (uint32_t i = 0; i < world->row_count; i++) {
            const struct row *row = &world->rows[i];
            bool held = false;
            for (uint32_t j = 0; j < row->allocation.rectangle_count; j++)
                held |= row->rectangles[j].kind == PLANNER_HELD && row->rectangles[j].from <= instant &&
                        instant < row->rectangles[j].to;
            if (!held || memcmp(&row->allocation.node, &node->id, sizeof node->id) != 0)
                continue;
            cpu_milli -= row->allocation.shape.cpu_milli;
            memory_mib -= row->allocation.shape.memory_mib;
        }
        ck_assert(cpu_milli >= 0 && memory_mib >= 0);
        while (count > 0 &&
               (count * request->shape.cpu_milli > cpu_milli || count * request->shape.memory_mib > memory_mib))
            count--;
    }
    return count;
}

/* How many instances a node can take. */
static uint32_t node_takes(const struct world *world, const struct planner_request *request,
                           const struct planner_node *node)
{
    uint32_t free_gpus = 0;
    uint32_t shares = 0;
    if (node->cordoned || node->plannable_from > request->from || request->to > node->plannable_until ||
        memcmp(&node->id, &request->avoid_node, sizeof node->id) == 0)
        return 0;
    for (uint32_t gpu = 0; gpu < node->gpus; gpu++) {
        int32_t taken = 0;
        int64_t clean = hours_end(plus(request->to, node->turnaround_s));
        for (int64_t instant = request->from; instant < clean; instant += HOUR) {
            int32_t here = taken_milli(world, request, node, gpu, instant);
            taken = here > taken ? here : taken;
        }
        free_gpus |= (uint32_t)(taken == 0) << gpu;
        if (request->shape.gpu_milli > 0)
            shares += (uint32_t)(1000 - taken) / request->shape.gpu_milli;
    }
    uint32_t count = request->shape.gpus > 0 ? instances(free_gpus, node, request->shape.gpus) : shares;
    return beside(world, request, node, count);
}

/* An unknown group is as large as the next tighter one. */
static struct planner_id group_of(const struct planner_node *node, enum planner_scope scope)
{
    const struct planner_id groups[] = {node->id,     node->nvlink_domain, node->rack, node->leaf,
                                        node->fabric, node->zone,          id_of(1)};
    uint32_t level = scope;
    while (number_of(groups[level]) == 0)
        level--;
    return groups[level];
}

static bool allowed(const struct planner_request *request, const char *model)
{
    for (uint32_t i = 0; i < request->gpu_model_count; i++) {
        if (strcmp(request->gpu_models[i], model) == 0)
            return true;
    }
    return request->gpu_model_count == 0;
}

/* The most instances of one model within one group of the scope. */
static uint32_t most_within(const struct world *world, const struct planner_request *request, enum planner_scope scope)
{
    uint32_t takes[NODES_MAX];
    uint32_t most = 0;
    for (uint32_t i = 0; i < world->node_count; i++)
        takes[i] = allowed(request, world->nodes[i].gpu_model) ? node_takes(world, request, &world->nodes[i]) : 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        uint32_t sum = 0;
        for (uint32_t j = 0; j < world->node_count; j++) {
            if (number_of(group_of(&world->nodes[i], scope)) == number_of(group_of(&world->nodes[j], scope)) &&
                strcmp(world->nodes[i].gpu_model, world->nodes[j].gpu_model) == 0)
                sum += takes[j];
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* -- the database ----------------------------------------------------------------------------------------------- */

/* Deletes and inserts the rows that changed, as the planner's user does, and refuses what overlaps. */
static void store(struct world *world)
{
    size_t count = 0;
    const struct planner_change *changes = planner_changes(world->planner, &count);
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < world->row_count; j++) {
            const struct planner_allocation *old = &world->rows[j].allocation;
            if (memcmp(&old->key, &changes[i].key, sizeof old->key) == 0 &&
                memcmp(&old->node, &changes[i].node, sizeof old->node) == 0)
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

/* The exclusion constraint. */
static void no_two_rectangles_overlap(const struct world *world)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            const struct row *a = &world->rows[i];
            const struct row *b = &world->rows[j];
            if (memcmp(&a->allocation.node, &b->allocation.node, sizeof a->allocation.node) != 0)
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
static void a_rebuilt_planner_is_the_same(struct world *world)
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

/* -- what happens ----------------------------------------------------------------------------------------------- */

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

static struct planner_request request_any(struct world *world)
{
    int64_t from = (world->now_h + between(world, 0, 72)) * HOUR;
    if (world->row_count > 0 && chance(world, 40)) { /* close behind something: turnaround matters there */
        int64_t end = end_of(&world->rows[between(world, 0, world->row_count - 1)]);
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
    request.gpu_models = models + (chance(world, 50) ? 0 : 1);
    request.gpu_model_count = (uint32_t)between(world, 0, 1);
    if (chance(world, 10))
        request.avoid_node = id_of((uint32_t)between(world, 1, NODES_MAX));
    return request;
}

/* What was placed is what was asked for: its amount at every hour, its groups, its model and its scope. */
static void assert_as_asked(const struct world *world, const struct planner_request *request,
                            const struct planner_verdict *verdict)
{
    ck_assert_uint_eq(verdict->allocation_count, request->count);
    const struct planner_node *first = planner_node_get(world->planner, verdict->allocations[0].node);
    enum planner_scope scope = request->scope_preferred ? PLANNER_FLEET : request->scope;
    for (uint32_t i = 0; i < request->count; i++) {
        const struct planner_allocation *given = &verdict->allocations[i];
        const struct planner_node *node = planner_node_get(world->planner, given->node);
        ck_assert_uint_eq(given->key.ordinal, i);
        ck_assert_str_eq(node->gpu_model, first->gpu_model);
        ck_assert_uint_eq(number_of(group_of(node, scope)), number_of(group_of(first, scope)));
        for (int64_t at = request->from; at < hours_end(request->to); at += HOUR) {
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
            ck_assert_int_eq(held, request->shape.gpus > 0 ? (int32_t)request->shape.gpus * 1000
                                                           : (int32_t)request->shape.gpu_milli);
        }
    }
}

/* Every hour is tried. */
static void assert_later_is_earliest(struct world *world, const struct planner_request *request)
{
    enum planner_scope scope = request->scope_preferred ? PLANNER_FLEET : request->scope;
    int64_t last = request->from + between(world, 1, END_H / 2 - 1) * HOUR;
    int64_t later = 0;
    int64_t earliest = 0;
    bool found_later = planner_later_start(world->planner, request, &later);
    bool found = planner_earliest(world->planner, request, last, &earliest);
    struct planner_request moved = *request;
    for (int64_t hour = 1; hour < END_H / 2; hour++) {
        moved.from = request->from + hour * HOUR;
        moved.to = plus(request->to, hour * HOUR);
        if (most_within(world, &moved, scope) < request->count)
            continue;
        ck_assert(found_later);
        ck_assert_int_eq(later, moved.from);
        ck_assert(found == (moved.from <= last));
        ck_assert_int_eq(found ? earliest : moved.from, moved.from);
        return;
    }
    ck_assert(!found_later && !found);
}

static void step_place(struct world *world)
{
    struct planner_request request = request_any(world);
    enum planner_scope scope = request.scope_preferred ? PLANNER_FLEET : request.scope;
    uint32_t best = most_within(world, &request, scope);
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    struct planner_verdict verdict;
    planner_place(world->planner, &request, &verdict);
    ck_assert_msg(verdict.placed == (best >= request.count), "the oracle finds room for %u of %u", best, request.count);
    if (verdict.placed) {
        world->placed++;
        assert_as_asked(world, &request, &verdict);
        if (!chance(world, 10))
            return;
        for (uint32_t i = 0; i < request.count; i++)
            ck_assert(planner_release(world->planner, &(struct planner_key){request.reservation, i}));
    } else {
        world->refused++;
        ck_assert_uint_eq(verdict.refusal.best_count, best);
        ck_assert_uint_eq(verdict.refusal.fleet_count, most_within(world, &request, PLANNER_FLEET));
        if (chance(world, 20))
            assert_later_is_earliest(world, &request);
    }
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
}

static struct planner_key key_any(struct world *world)
{
    return key_of(
        (uint32_t)between(world, world->reservations > 40 ? world->reservations - 40 : 1, world->reservations + 1),
        (uint32_t)between(world, 0, 2));
}

static void step_replace(struct world *world)
{
    struct planner_replacement replacement = {.key = key_any(world), .now = world->now_h * HOUR};
    replacement.scope = (enum planner_scope)between(world, PLANNER_RACK, PLANNER_FLEET);
    const struct planner_node *present = planner_node_of(world->planner, &replacement.key, replacement.now);
    struct planner_id old = present == NULL ? id_of(0) : present->id;
    struct planner_verdict verdict;
    bool found = planner_replace(world->planner, &replacement, &verdict);
    ck_assert(found == (present != NULL));
    if (found && verdict.placed) {
        const struct planner_node *node = planner_node_get(world->planner, verdict.allocations[0].node);
        ck_assert_uint_ne(number_of(node->id), number_of(old));
        ck_assert_uint_eq(number_of(group_of(node, replacement.scope)),
                          number_of(group_of(planner_node_get(world->planner, old), replacement.scope)));
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

static void step_any(struct world *world)
{
    int64_t what = between(world, 1, 100);
    struct planner_key key = key_any(world);
    if (what <= 75) {
        step_place(world);
    } else if (what <= 82) {
        const struct planner_node *node = planner_node_of(world->planner, &key, INT64_MIN);
        ck_assert(planner_release(world->planner, &key) || node == NULL);
    } else if (what <= 92) {
        step_cut(world, key);
    } else {
        step_replace(world);
    }
}

static void batch(struct world *world)
{
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    memcpy(world->saved, world->rows, world->row_count * sizeof world->rows[0]);
    world->saved_count = world->row_count;
    planner_begin(world->planner);
    for (int64_t steps = between(world, 1, 4); steps > 0; steps--) {
        step_any(world);
        store(world); /* so that the oracle knows of it */
    }
    if (chance(world, 75)) {
        planner_commit(world->planner);
        return;
    }
    planner_rollback(world->planner);
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
    memcpy(world->rows, world->saved, world->saved_count * sizeof world->rows[0]);
    world->row_count = world->saved_count;
}

/* Cordons come and go, time passes and the past is forgotten. */
static void between_batches(struct world *world)
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
        bool over = end_of(&world->rows[i]) <= world->now_h * HOUR;
        for (uint32_t j = 0; j < world->rows[i].allocation.rectangle_count; j++)
            over &= world->rows[i].rectangles[j].to <= world->now_h * HOUR;
        if (over)
            world->rows[i--] = world->rows[--world->row_count];
    }
}

static uint64_t history(struct property *random, uint32_t *placed, uint32_t *refused)
{
    struct world *world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    world->random = *random;
    fleet_begin(world);
    for (uint32_t i = 0; i < STEPS; i++) {
        batch(world);
        between_batches(world);
        if (i % 8 == 0) {
            planner_verify(world->planner);
            no_two_rectangles_overlap(world);
            a_rebuilt_planner_is_the_same(world);
        }
    }
    uint64_t fingerprint = planner_fingerprint(world->planner, INT64_MIN);
    *random = world->random;
    *placed += world->placed;
    *refused += world->refused;
    planner_free(world->planner);
    free(world);
    return fingerprint;
}

START_TEST(placed_exactly_when_it_fits_and_undone_without_a_trace)
{
    struct property random = property_begin("placed_exactly_when_it_fits_and_undone_without_a_trace");
    uint32_t placed = 0;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < HISTORIES; i++)
        (void)history(&random, &placed, &refused); /* determinism is the next test's */
    printf("%u placed, %u refused\n", placed, refused);
    ck_assert_uint_gt(placed, 100); /* it did try both */
    ck_assert_uint_gt(refused, 100);
}
END_TEST

START_TEST(the_same_history_gives_the_same_state)
{
    struct property random = property_begin("the_same_history_gives_the_same_state");
    struct property again = random;
    uint32_t placed = 0;
    uint32_t refused = 0;
    uint64_t fingerprint = history(&random, &placed, &refused);
    ck_assert_uint_eq(history(&again, &placed, &refused), fingerprint);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("planner_properties");
    TCase *tests = tcase_create("properties");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, placed_exactly_when_it_fits_and_undone_without_a_trace);
    tcase_add_test(tests, the_same_history_gives_the_same_state);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
