/* What changes what was granted, against the naive oracle: evictions, amendments, extensions, maintenance, copies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_history.h"

#define VICTIMS_TRIED 6 /* every set of so many is tried */

/* -- evictions -------------------------------------------------------------------------------------------------- */

/* One stay without a gap: two stays on one node are one row of the database, but not one for the planner. */
static bool in_one_piece(const struct row *row)
{
    for (int64_t at = row_start(row); at < hours_end(row_end(row)); at += HOUR) {
        bool held = false;
        for (uint32_t i = 0; i < row->allocation.rectangle_count; i++)
            held |=
                row->rectangles[i].kind == PLANNER_HELD && row->rectangles[i].from <= at && at < row->rectangles[i].to;
        if (!held)
            return false;
    }
    return true;
}

static bool all_in_one_piece(const struct world *world)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        if (row_end(&world->rows[i]) > INT64_MIN && !in_one_piece(&world->rows[i]))
            return false;
    }
    return true;
}

static uint32_t row_of(const struct world *world, const struct planner_eviction *eviction)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        if (same_key(&world->rows[i].allocation.key, &eviction->key) &&
            same_id(world->rows[i].allocation.node, eviction->node))
            return i;
    }
    ck_abort_msg("evicted somebody who is not there");
}

static bool fits_without(const struct world *world, const struct planner_request *request, const uint32_t rows[],
                         uint32_t count, uint32_t set)
{
    struct world *without = world_without(world, request, rows, count, set);
    bool fit = most_within(without, request, scope_allowed(request)) >= request->count;
    free(without);
    return fit;
}

/* The least loss of any set of victims that makes room. */
static int64_t least_loss(const struct world *world, const struct planner_request *request, const uint32_t rows[],
                          uint32_t count)
{
    int64_t least = INT64_MAX;
    for (uint32_t set = 0; set < 1U << count; set++) {
        int64_t loss = 0;
        for (uint32_t i = 0; i < count; i++)
            loss += (set >> i & 1) != 0 ? row_loss(request, &world->rows[rows[i]]) : 0;
        if (loss < least && fits_without(world, request, rows, count, set))
            least = loss;
    }
    return least;
}

/* Each is told in advance, each was needed, and all together are enough. */
static void assert_evictions(const struct world *world, const struct planner_request *request,
                             const struct planner_verdict *verdict)
{
    uint32_t rows[20];
    uint32_t candidates[VICTIMS_TRIED + 1];
    int64_t loss = 0;
    uint32_t count = verdict->eviction_count;
    if (count > COUNT_OF(rows))
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct planner_eviction *eviction = &verdict->evictions[i];
        rows[i] = row_of(world, eviction);
        const struct row *row = &world->rows[rows[i]];
        int64_t cut = cut_for(request, row);
        ck_assert(row->allocation.preemptible);
        ck_assert_int_eq(eviction->ends, cut > row_start(row) ? cut : row_start(row));
        ck_assert_int_ge(eviction->ends, request->evict_from);
        ck_assert_int_eq(eviction->lost_gpu_milli_s, row_loss(request, row));
        loss += eviction->lost_gpu_milli_s;
    }
    /* sorted, as world_without takes from the last */
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = i; j > 0 && rows[j] < rows[j - 1]; j--) {
            uint32_t swapped = rows[j];
            rows[j] = rows[j - 1];
            rows[j - 1] = swapped;
        }
    }
    ck_assert(fits_without(world, request, rows, count, UINT32_MAX));
    for (uint32_t i = 0; i < count; i++)
        ck_assert(!fits_without(world, request, rows, count, ~(1U << i)));
    uint32_t tried = victims_of(world, request, COUNT_OF(candidates), candidates);
    if (request->count == 1 && count > 0 && tried <= VICTIMS_TRIED) {
        ck_assert_int_eq(loss, least_loss(world, request, candidates, tried));
        world->tally[TALLY_LEAST_LOSS]++;
    }
    world->tally[TALLY_EVICTED] += count;
    world->tally[TALLY_GANG_EVICTED] += request->count > 1 && count > 0;
}

/* Something that gives way, where there is room. */
static void lend(struct world *world)
{
    struct planner_request request = request_any(world);
    request.from = (world->now_h + between(world, 0, 30)) * HOUR;
    request.to = request.from + between(world, 10, 48) * HOUR;
    request.count = (uint32_t)between(world, 1, 3);
    request.shape.cpu_milli /= 2;
    request.preemptible = true;
    request.scope = PLANNER_FLEET;
    request.spread = PLANNER_SPREAD_NONE;
    request.gpu_model_count = 0;
    world->tally[TALLY_PLACED] += place(world->planner, request).placed;
}

static void evict(struct world *world)
{
    struct planner_request request = request_any(world);
    struct planner_verdict verdict;
    request.scope = chance(world, 50) ? PLANNER_FLEET : request.scope;
    request.gpu_model_count = chance(world, 50) ? 0 : request.gpu_model_count;
    request.from = (world->now_h + between(world, 0, 40)) * HOUR;
    request.to = request.from + between(world, 1, 40) * HOUR;
    request.preemptible = false;
    request.preempts = true;
    request.evict_from = request.from - between(world, -1, 4) * HOUR;
    bool without = most_within(world, &request, scope_allowed(&request)) >= request.count;
    bool expected = fits(world, &request);
    bool told = all_in_one_piece(world);
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    if (!told)
        return;
    ck_assert(planner_fits(world->planner, &request) == expected);
    planner_place(world->planner, &request, &verdict);
    ck_assert(verdict.placed == expected);
    if (verdict.placed) {
        ck_assert((verdict.eviction_count == 0) == without);
        assert_evictions(world, &request, &verdict);
        assert_as_asked(world, &request, verdict.allocations);
        return;
    }
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
    if (!verdict.refusal.preempts_later)
        return;
    ck_assert_int_gt(verdict.refusal.preempts_from, request.from);
    struct planner_request later = request;
    later.from = verdict.refusal.preempts_from;
    later.to = plus(request.to, later.from - request.from);
    ck_assert(fits(world, &later));
}

/* -- amendments ------------------------------------------------------------------------------------------------- */

static const struct row *row_any(struct world *world, int64_t now)
{
    for (uint32_t tries = 0; tries < 8 && world->row_count > 0; tries++) {
        const struct row *row = &world->rows[between(world, 0, world->row_count - 1)];
        if (row_end(row) > now && !row->allocation.maintenance)
            return row;
    }
    return NULL;
}

/* New terms around what the reservation has. */
static struct planner_request terms_any(struct world *world, const struct row *row, int64_t now)
{
    struct planner_request terms = request_any(world);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct row *other = &world->rows[i];
        if (same_id(other->allocation.key.reservation, row->allocation.key.reservation) && row_end(other) > now)
            count++;
    }
    terms.reservation = row->allocation.key.reservation;
    terms.tenant = row->allocation.tenant;
    terms.shape = row->allocation.shape;
    terms.count = (uint32_t)between(world, count > 1 ? count - 1 : 1, count + 1);
    terms.from = row_start(row) + (chance(world, 50) ? 0 : between(world, -6, 6) * HOUR);
    terms.to = row_end(row);
    if (terms.to != PLANNER_OPEN && chance(world, 70))
        terms.to += between(world, -6, 12) * HOUR;
    int64_t from = terms.from > now ? terms.from : now;
    if (terms.to <= from)
        terms.to = from + HOUR;
    terms.scope = chance(world, 50) ? PLANNER_FLEET : terms.scope;
    terms.preemptible = row->allocation.preemptible;
    terms.gpu_model_count = 0;
    terms.avoid_node = id_of(0);
    if (!terms.preemptible && chance(world, 30)) {
        terms.preempts = true;
        terms.evict_from = now;
    }
    return terms;
}

/* The world without what the reservation holds from now on; how many of its instances have begun, and whether one
 * stands where nothing new may. */
static struct world *world_before(const struct world *world, const struct planner_request *terms, int64_t now,
                                  uint32_t *ret_begun, bool *ret_closed)
{
    struct world *without = world_copy(world);
    *ret_begun = 0;
    *ret_closed = false;
    for (uint32_t i = 0; i < without->row_count; i++) {
        struct row *row = &without->rows[i];
        const struct planner_node *node = planner_node_get(world->planner, row->allocation.node);
        if (!same_id(row->allocation.key.reservation, terms->reservation) || row_end(row) <= now)
            continue;
        *ret_begun += row_start(row) <= now;
        *ret_closed |= node->cordoned || node->plannable_from > terms->from || terms->to > node->plannable_until;
        *row = without->rows[--without->row_count];
        i--;
    }
    return without;
}

/* Not so where an instance left its node and came back: the planner may have forgotten the earlier stay since. */
static bool is_one_stay(const struct row *row)
{
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        if (row->rectangles[i].kind == PLANNER_HELD && row->rectangles[i].from != row_start(row))
            return false;
    }
    return true;
}

/* Who had begun is where it was, since when it was, until the new end. */
static void assert_begun_stay(const struct world *world, const struct planner_request *terms, int64_t now,
                              const struct planner_verdict *verdict)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct row *row = &world->rows[i];
        const struct planner_key *key = &row->allocation.key;
        if (!same_id(key->reservation, terms->reservation) || row_end(row) <= now || row_start(row) > now ||
            key->ordinal >= terms->count)
            continue;
        ck_assert(same_id(verdict->allocations[key->ordinal].node, row->allocation.node));
        struct planner_allocation given;
        int64_t from = INT64_MAX;
        int64_t to = INT64_MIN;
        ck_assert(planner_get(world->planner, key, row->allocation.node, &given));
        for (uint32_t j = 0; j < given.rectangle_count; j++) {
            if (given.rectangles[j].kind != PLANNER_HELD)
                continue;
            from = given.rectangles[j].from < from ? given.rectangles[j].from : from;
            to = given.rectangles[j].to > to ? given.rectangles[j].to : to;
        }
        if (is_one_stay(row))
            ck_assert_int_eq(from, row_start(row));
        ck_assert(from >= row_start(row) && from <= now);
        ck_assert_int_eq(to, terms->to);
    }
}

static void amend(struct world *world)
{
    int64_t now = world->now_h * HOUR;
    const struct row *row = row_any(world, now);
    struct planner_verdict verdict;
    uint32_t begun = 0;
    bool closed = false;
    if (row == NULL || !all_in_one_piece(world))
        return;
    struct planner_amendment amendment = {.terms = terms_any(world, row, now), .now = now};
    struct planner_request fresh = amendment.terms;
    fresh.from = fresh.from > now ? fresh.from : now;
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    struct world *without = world_before(world, &fresh, now, &begun, &closed);
    bool expected = begun == 0 && fits(without, &fresh);
    free(without);
    planner_amend(world->planner, &amendment, &verdict);
    if (begun == 0 && (expected || !closed))
        ck_assert(verdict.placed == expected);
    if (!verdict.placed) {
        ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
        ck_assert_uint_eq(verdict.refusal.asked, fresh.count);
        world->tally[TALLY_UNAMENDED]++;
        return;
    }
    world->tally[TALLY_AMENDED]++;
    ck_assert_uint_eq(verdict.allocation_count, fresh.count);
    assert_begun_stay(world, &fresh, now, &verdict);
    if (begun == 0)
        assert_as_asked(world, &fresh, verdict.allocations);
    for (uint32_t ordinal = fresh.count; ordinal < fresh.count + 4; ordinal++) {
        struct planner_key key = {fresh.reservation, ordinal};
        ck_assert_ptr_null(planner_node_of(world->planner, &key, now));
    }
}

/* -- extensions ------------------------------------------------------------------------------------------------- */

static uint32_t gpus_at_end(const struct row *row)
{
    uint32_t gpus = 0;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        const struct planner_rectangle *piece = &row->rectangles[i];
        if (piece->kind != PLANNER_HELD || piece->to != row_end(row))
            continue;
        for (int32_t gpu = piece->slots_from / 1000; gpu <= (piece->slots_to - 1) / 1000; gpu++)
            gpus |= 1U << gpu;
    }
    return gpus;
}

static bool free_on(const struct world *world, const struct planner_request *request, const struct planner_node *node,
                    uint32_t gpus)
{
    int32_t need = request->shape.gpus > 0 ? 1000 : (int32_t)request->shape.gpu_milli;
    for (uint32_t gpu = 0; gpu < node->gpus; gpu++) {
        for (int64_t at = request->from;
             (gpus >> gpu & 1) != 0 && at < hours_end(plus(request->to, node->turnaround_s)); at += HOUR) {
            if (taken_milli(world, request, node, gpu, at) + need > 1000)
                return false;
        }
    }
    return cpu_and_memory(world, request, node, 1) == 1 && !node->cordoned && request->to <= node->plannable_until &&
           request->from >= node->plannable_from;
}

static void extend(struct world *world)
{
    const struct row *row = row_any(world, world->now_h * HOUR);
    if (row == NULL || row_end(row) > END_H / 2 * HOUR || !in_one_piece(row))
        return;
    struct planner_key key = row->allocation.key;
    for (uint32_t i = 0; i < world->row_count; i++) { /* it has moved: its last place counts */
        if (same_key(&world->rows[i].allocation.key, &key) && row_end(&world->rows[i]) > row_end(row))
            return;
    }
    const struct planner_node *node = planner_node_get(world->planner, row->allocation.node);
    struct planner_request request =
        whole(number_of(key.reservation), number_of(row->allocation.tenant), 1, 1, row_end(row), row_end(row));
    request.shape = row->allocation.shape;
    uint32_t gpus = gpus_at_end(row);
    uint32_t number = (uint32_t)(row - world->rows);
    struct world *without = world_copy(world);
    without->rows[number] = without->rows[--without->row_count];
    int64_t expected = request.from;
    int64_t most = request.from + between(world, 0, 30) * HOUR;
    for (request.to += HOUR; request.to <= most && free_on(without, &request, node, gpus); request.to += HOUR)
        expected = request.to;
    free(without);
    ck_assert_int_eq(planner_extend(world->planner, &key, most), expected);
    ck_assert(same_id(planner_node_of(world->planner, &key, expected - 1)->id, node->id));
    world->tally[TALLY_EXTENDED] += expected > request.from;
}

/* -- maintenance and copies ------------------------------------------------------------------------------------- */

static void block(struct world *world)
{
    const struct planner_node *node = &world->nodes[between(world, 0, world->node_count - 1)];
    int64_t from = (world->now_h + between(world, 0, 72)) * HOUR;
    int64_t to = from + between(world, 1, 12) * HOUR;
    struct planner_key key = key_of(++world->reservations, 0);
    uint32_t expected = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct row *row = &world->rows[i];
        bool hit = false;
        for (uint32_t j = 0; j < row->allocation.rectangle_count; j++)
            hit |=
                row->rectangles[j].kind == PLANNER_HELD && row->rectangles[j].from < to && row->rectangles[j].to > from;
        expected += hit && same_id(row->allocation.node, node->id);
    }
    const struct planner_allocation *hits = planner_hits(world->planner, node->id, from, to, &count);
    ck_assert_uint_eq(count, expected);
    for (uint32_t i = 0; i < count; i++)
        ck_assert(same_id(hits[i].node, node->id));
    ck_assert(planner_block(world->planner, &key, node->id, from, to) == (expected == 0));
    world->tally[expected == 0 ? TALLY_BLOCKED : TALLY_HIT]++;
}

static void copy(struct world *world)
{
    CLEANUP(planner_freep) struct planner *copied = planner_copy(world->planner);
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    struct planner_request request = request_any(world);
    ck_assert_uint_eq(planner_fingerprint(copied, INT64_MIN), before);
    bool fit = planner_fits(world->planner, &request);
    ck_assert(place(copied, request).placed == fit);
    planner_verify(copied);
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
}

static void step_change(struct world *world, void (*change)(struct world *))
{
    int64_t what = between(world, 1, 100);
    if (what <= 50)
        step_place(world);
    else if (what <= 60)
        step_lose(world);
    else
        change(world);
}

static void step_evict(struct world *world)
{
    if (chance(world, 45))
        lend(world);
    else
        step_change(world, evict);
}

static void step_amend(struct world *world)
{
    step_change(world, amend);
}

static void step_other(struct world *world)
{
    static void (*const others[])(struct world *) = {extend, extend, block, copy};
    step_change(world, others[between(world, 0, COUNT_OF(others) - 1)]);
}

int main(void)
{
    const struct promise promises[] = {
        {"the_least_is_evicted_and_nobody_in_vain",
         step_evict,
         8,
         100,
         {TALLY_EVICTED, TALLY_GANG_EVICTED, TALLY_LEAST_LOSS, TALLY_COUNT}},
        {"an_amendment_is_granted_exactly_when_its_terms_fit",
         step_amend,
         8,
         100,
         {TALLY_AMENDED, TALLY_UNAMENDED, TALLY_COUNT}},
        {"extensions_maintenance_and_copies_are_exact",
         step_other,
         8,
         100,
         {TALLY_EXTENDED, TALLY_BLOCKED, TALLY_HIT, TALLY_COUNT}},
    };
    return promises_kept("planner_changes", promises, COUNT_OF(promises));
}
