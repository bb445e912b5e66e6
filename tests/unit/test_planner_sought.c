/* Offers against the naive oracle, which makes the whole list by itself, hour by hour: whatever is sought (shares, spread,
 * several models, within a budget), what is offered is just what there is to offer, and each of it can be placed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_history.h"

#define SMALLER_MAX 2 /* offers of these kinds, as planner.h has ten at most */
#define LOOSER_MAX  4

/* -- what is sought --------------------------------------------------------------------------------------------- */

static int64_t milli_of(const struct planner_request *request)
{
    return request->shape.gpus > 0 ? request->shape.gpus * 1000 : request->shape.gpu_milli;
}

/* Half of them have a budget: from less than the least to more than the most, hardly ever for full hours. */
static int64_t budget_any(struct world *world, const struct planner_search *search)
{
    int64_t least = milli_of(&search->request) * search->duration_least_s;
    int64_t most = milli_of(&search->request) * search->request.count * search->duration_most_s;
    if (chance(world, 50))
        return 0;
    return chance(world, 5) ? INT64_MAX : between(world, least / 2, most + most / 4);
}

static struct planner_search search_any(struct world *world)
{
    struct planner_search search = {.request = question_any(world)};
    if (search.request.spread == PLANNER_SPREAD_NONE && chance(world, 50)) /* so that there is more to choose from */
        search.request.count = (uint32_t)between(world, 3, 8);
    if (chance(world, 30)) /* looser scopes begin one after the other */
        search.request.scope = (enum planner_scope)between(world, PLANNER_NODE, PLANNER_NVLINK_DOMAIN);
    search.start_from = search.request.from;
    search.start_to = search.start_from + between(world, 0, 40) * HOUR;
    search.duration_least_s = between(world, 1, 20) * HOUR;
    search.duration_most_s = search.duration_least_s + between(world, 0, 20) * HOUR;
    search.count_least = chance(world, 50) ? 1 : (uint32_t)between(world, 0, search.request.count);
    search.gpu_milli_s_max = budget_any(world, &search);
    return search;
}

/* -- what there is to offer ------------------------------------------------------------------------------------- */

struct list {
    struct world *world;
    const struct planner_search *search;
    struct planner_request request; /* at the shortest duration, as many as the budget bears, from the first start on */
    uint32_t count_least;
    struct planner_offer offers[PLANNER_OFFERS_MAX];
    uint32_t count;
};

static void expect(struct list *list, enum planner_offer_kind kind, const struct planner_request *request)
{
    ck_assert_uint_lt(list->count, PLANNER_OFFERS_MAX);
    list->offers[list->count++] = (struct planner_offer){.kind = kind,
                                                         .from = request->from,
                                                         .to = request->to,
                                                         .count = request->count,
                                                         .scope = request->scope,
                                                         .scope_preferred = request->scope_preferred,
                                                         .preemptible = request->preemptible};
}

/* Moves it to its first start before `before`, within the range; false: there is none. */
static bool begin_before(const struct list *list, struct planner_request *request, int64_t before)
{
    int64_t length_s = request->to - request->from;
    struct planner_request first = *request;
    first.from = list->search->start_from;
    first.to = first.from + length_s;
    int64_t from = first_start(list->world, &first, 0, (before - 1 - first.from) / HOUR);
    if (before <= first.from || from < 0)
        return false;
    request->from = from;
    request->to = from + length_s;
    return true;
}

/* As long as the budget bears of what is asked for. */
static int64_t longest_s(const struct list *list)
{
    int64_t budget = list->search->gpu_milli_s_max;
    int64_t borne_s = budget / (milli_of(&list->request) * list->request.count);
    return budget != 0 && borne_s < list->search->duration_most_s ? borne_s : list->search->duration_most_s;
}

/* The longest at the earliest start, and the earliest start of the longest. */
static void expect_longer(struct list *list, const struct planner_request *earliest)
{
    struct planner_request there = *earliest;
    struct planner_request longest = *earliest;
    longest.to = longest.from + longest_s(list);
    for (there.to = longest.to; there.to > earliest->to && !fits(list->world, &there);)
        there.to -= there.to % HOUR == 0 ? HOUR : there.to % HOUR;
    if (there.to > earliest->to)
        expect(list, PLANNER_OFFER_LONGER, &there);
    if (longest.to > earliest->to && there.to < longest.to && begin_before(list, &longest, list->search->start_to + 1))
        expect(list, PLANNER_OFFER_LONGER, &longest);
}

/* The first start of the fewest, and as many as begin there; then of more than those. */
static void expect_smaller(struct list *list, int64_t before)
{
    struct planner_request smaller = list->request;
    smaller.count = list->count_least;
    for (uint32_t i = 0; i < SMALLER_MAX && smaller.count < list->request.count; i++) {
        if (!begin_before(list, &smaller, before))
            return;
        struct planner_request more = smaller;
        for (more.count++; more.count < list->request.count && fits(list->world, &more); more.count++)
            smaller.count = more.count;
        expect(list, PLANNER_OFFER_SMALLER, &smaller);
        smaller.count++;
    }
}

/* Each looser scope that lets it begin before all tighter ones do. */
static void expect_looser(struct list *list, int64_t before)
{
    uint32_t found = 0;
    if (list->request.scope_preferred)
        return;
    for (uint32_t scope = list->request.scope + 1U; scope < PLANNER_SCOPE_COUNT && found < LOOSER_MAX; scope++) {
        struct planner_request looser = list->request;
        looser.scope = (enum planner_scope)scope;
        if (!begin_before(list, &looser, before))
            continue;
        expect(list, PLANNER_OFFER_LOOSER, &looser);
        before = looser.from;
        found++;
    }
}

static void expect_all(struct list *list)
{
    const struct planner_search *search = list->search;
    int64_t before = search->start_to + 1;
    struct planner_request earliest = list->request;
    if (begin_before(list, &earliest, before)) {
        bool whole = earliest.count == search->request.count;
        expect(list, whole ? PLANNER_OFFER_EARLIEST : PLANNER_OFFER_SMALLER, &earliest);
        expect_longer(list, &earliest);
        before = earliest.from;
    }
    struct planner_request cheaper = list->request;
    cheaper.preemptible = true;
    cheaper.preempts = false;
    if (!list->request.preemptible && begin_before(list, &cheaper, search->start_to + 1)) {
        ck_assert_uint_gt(list->count, 0); /* where it could begin, what is firm could */
        expect(list, PLANNER_OFFER_CHEAPER, &cheaper);
    }
    expect_smaller(list, before);
    expect_looser(list, before);
}

static struct list list_of(struct world *world, const struct planner_search *search)
{
    struct list list = {.world = world, .search = search, .request = search->request};
    uint32_t asked = search->request.count;
    int64_t borne = search->gpu_milli_s_max / (milli_of(&search->request) * search->duration_least_s);
    list.count_least = search->count_least > 0 ? search->count_least : asked > 1 ? asked / 2 : 1;
    list.request.from = search->start_from;
    list.request.to = search->start_from + search->duration_least_s;
    if (search->gpu_milli_s_max != 0 && borne < asked)
        list.request.count = (uint32_t)borne;
    if (list.request.count >= list.count_least)
        expect_all(&list);
    return list;
}

/* -- what is offered -------------------------------------------------------------------------------------------- */

static bool same_offer(const struct planner_offer *a, const struct planner_offer *b)
{
    return a->kind == b->kind && a->from == b->from && a->to == b->to && a->count == b->count && a->scope == b->scope &&
           a->scope_preferred == b->scope_preferred && a->preemptible == b->preemptible;
}

static bool is_among(const struct planner_offer *offer, const struct planner_offer offers[], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (same_offer(offer, &offers[i]))
            return true;
    }
    return false;
}

static enum planner_scope scope_of(const struct planner_offer *offer)
{
    return offer->scope_preferred ? PLANNER_FLEET : offer->scope;
}

/* Better or equal in everything that is asked for. */
static bool dominates(const struct planner_offer *a, const struct planner_offer *b)
{
    int64_t a_s = a->to - a->from;
    int64_t b_s = b->to - b->from;
    return a->from <= b->from && a_s >= b_s && a->count >= b->count && a->count * a_s <= b->count * b_s &&
           scope_of(a) <= scope_of(b) && a->preemptible == b->preemptible;
}

static void assert_placeable(struct world *world, const struct planner_search *search,
                             const struct planner_offer *offer)
{
    struct planner_request request = planner_offer_request(search, offer);
    struct planner_verdict verdict;
    uint32_t savepoint = planner_savepoint(world->planner);
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    int64_t cost = (offer->to - offer->from) * offer->count * milli_of(&request);
    ck_assert(search->gpu_milli_s_max == 0 || cost <= search->gpu_milli_s_max);
    planner_place(world->planner, &request, &verdict);
    ck_assert(verdict.placed);
    assert_as_asked(world, &request, verdict.allocations);
    planner_rollback_to(world->planner, savepoint);
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
}

static void count_offers(struct world *world, const struct planner_search *search, const struct list *expected)
{
    const struct planner_request *request = &search->request;
    world->tally[TALLY_OFFERED] += expected->count;
    world->tally[TALLY_OFFERED_SHARES] += request->shape.gpus == 0 ? expected->count : 0;
    world->tally[TALLY_OFFERED_SPREAD] +=
        request->spread != PLANNER_SPREAD_NONE && request->count > 1 ? expected->count : 0;
    world->tally[TALLY_OFFERED_MODELS] += request->gpu_model_count == 2 ? expected->count : 0;
    for (uint32_t i = 1; i < expected->count; i++) /* smaller or looser ones */
        world->tally[TALLY_OFFERED_SEVERAL] += expected->offers[i].kind >= PLANNER_OFFER_SMALLER &&
                                               expected->offers[i].kind == expected->offers[i - 1].kind;
    world->tally[TALLY_OFFERED_LESS] += expected->count > 0 && (expected->request.count < request->count ||
                                                                longest_s(expected) < search->duration_most_s);
}

static void seek(struct world *world)
{
    struct planner_search search = search_any(world);
    struct planner_offer found[PLANNER_OFFERS_MAX];
    uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
    ck_assert_ptr_null(planner_search_wrong(&search));
    uint32_t count = planner_offers(world->planner, &search, found);
    ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
    struct list expected = list_of(world, &search);
    for (uint32_t i = 0; i < expected.count; i++)
        ck_assert_msg(is_among(&expected.offers[i], found, count), "not offered: %s",
                      planner_offer_kind_text(expected.offers[i].kind));
    ck_assert_uint_eq(count, expected.count);
    for (uint32_t i = 0; i < count; i++) {
        assert_placeable(world, &search, &found[i]);
        for (uint32_t j = 0; j < count; j++)
            ck_assert(i == j || !dominates(&found[i], &found[j]));
        bool is_in_order = i < 2 || found[i - 1].from <= found[i].from;
        ck_assert(is_in_order && (i == 0 || found[i].kind != PLANNER_OFFER_EARLIEST));
    }
    count_offers(world, &search, &expected);
}

static void step_seek(struct world *world)
{
    int64_t what = between(world, 1, 100);
    if (what <= 50)
        step_place(world);
    else if (what <= 65)
        step_lose(world);
    else
        seek(world);
}

int main(void)
{
    const struct promise promises[] = {
        {"what_is_offered_is_all_there_is_within_budget_spread_and_models",
         step_seek,
         8,
         60,
         {TALLY_PLACED, TALLY_OFFERED, TALLY_OFFERED_SHARES, TALLY_OFFERED_SPREAD, TALLY_OFFERED_MODELS,
          TALLY_OFFERED_LESS, TALLY_OFFERED_SEVERAL, TALLY_COUNT}},
    };
    return promises_kept("planner_sought", promises, COUNT_OF(promises));
}
