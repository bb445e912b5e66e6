/* Offers: the earliest window for what is sought, and what lies around it. Each is found by planner_earliest and
 * planner_fits in the present state, so each can be placed as it stands. One that is not better than another in
 * anything is not made: looser or smaller offers only where they begin earlier. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

/* Offers of these kinds; with one that is the earliest, two longer and one cheaper they are ten. */
#define SMALLER_MAX 2
#define LOOSER_MAX  4

struct seeking {
    struct planner *planner;
    const struct planner_search *search;
    struct planner_request request; /* the terms sought, at the shortest duration */
    uint32_t count_least;
    struct planner_offer *offers;
    uint32_t count;
};

struct planner_request planner_offer_request(const struct planner_search *search, const struct planner_offer *offer)
{
    struct planner_request request = search->request;
    request.from = offer->from;
    request.to = offer->to;
    request.count = offer->count;
    request.scope = offer->scope;
    request.scope_preferred = offer->scope_preferred;
    request.preemptible = offer->preemptible;
    request.preempts = search->request.preempts && !offer->preemptible;
    return request;
}

/* How often the budget holds one instance for so long, or one second of so many instances. */
static int64_t affordable(const struct planner_search *search, int64_t times)
{
    const struct planner_shape *shape = &search->request.shape;
    int64_t milli = shape->gpus > 0 ? (int64_t)shape->gpus * PLANNER_GPU_MILLI : (int64_t)shape->gpu_milli;
    return search->gpu_milli_s_max == 0 ? INT64_MAX : search->gpu_milli_s_max / milli / times;
}

/* `a` makes `b` pointless: alike in all that is a matter of taste, and in nothing worse. */
static bool makes_pointless(const struct planner_offer *a, const struct planner_offer *b)
{
    enum planner_scope a_scope = a->scope_preferred ? PLANNER_FLEET : a->scope;
    enum planner_scope b_scope = b->scope_preferred ? PLANNER_FLEET : b->scope;
    return a->count == b->count && a->to - a->from == b->to - b->from && a->preemptible == b->preemptible &&
           a->from <= b->from && a_scope <= b_scope;
}

static void offer_add(struct seeking *seeking, enum planner_offer_kind kind, const struct planner_request *request)
{
    struct planner_offer offer = {
        .kind = kind,
        .from = request->from,
        .to = request->to,
        .count = request->count,
        .scope = request->scope,
        .scope_preferred = request->scope_preferred,
        .preemptible = request->preemptible,
    };
    for (uint32_t i = 0; i < seeking->count; i++) {
        if (makes_pointless(&seeking->offers[i], &offer))
            return;
    }
    must(seeking->count < PLANNER_OFFERS_MAX);
    must(planner_fits(seeking->planner, request)); /* what is offered can be placed */
    seeking->offers[seeking->count++] = offer;
}

/* Moves the request to its earliest start before `before`. */
static bool seek_before(const struct seeking *seeking, struct planner_request *request, int64_t before)
{
    int64_t from = 0;
    if (!planner_earliest(seeking->planner, request, before - 1, &from))
        return false;
    *request = request_at(request, from);
    return true;
}

/* The longest at the earliest start; and, where that is less than was wished, the earliest start of the longest. */
static void seek_longer(struct seeking *seeking, const struct planner_request *earliest)
{
    const struct planner_search *search = seeking->search;
    int64_t most_s = affordable(search, earliest->count);
    struct planner_request longer = *earliest;
    if (most_s > search->duration_most_s)
        most_s = search->duration_most_s;
    if (most_s <= search->duration_least_s)
        return;
    longer.to = longer.from + most_s;
    if (planner_fits(seeking->planner, &longer)) {
        offer_add(seeking, PLANNER_OFFER_LONGER, &longer);
        return;
    }
    struct planner_request there = longer;
    if (relax_shorter(seeking->planner, &longer, earliest->to + 1, &there.to))
        offer_add(seeking, PLANNER_OFFER_LONGER, &there);
    if (seek_before(seeking, &longer, search->start_to + 1))
        offer_add(seeking, PLANNER_OFFER_LONGER, &longer);
}

/* Fewer instances that begin before `before`: the earliest start of the fewest, the most that fit there, and so on. */
static void seek_smaller(struct seeking *seeking, int64_t before)
{
    struct planner_request smaller = seeking->request;
    smaller.count = seeking->count_least;
    for (uint32_t i = 0; i < SMALLER_MAX && smaller.count < seeking->request.count; i++) {
        if (!seek_before(seeking, &smaller, before))
            return;
        struct planner_request most = smaller;
        uint32_t more = smaller.count;
        most.count = seeking->request.count;
        if (relax_smaller(seeking->planner, &most, smaller.count, &more))
            smaller.count = more;
        offer_add(seeking, PLANNER_OFFER_SMALLER, &smaller);
        smaller.count++;
    }
}

/* Each looser scope that begins before all tighter ones. None begins before the loosest does. */
static void seek_looser(struct seeking *seeking, int64_t before)
{
    struct planner_request looser = seeking->request;
    looser.scope = PLANNER_FLEET;
    if (seeking->request.scope_preferred || seeking->request.scope == PLANNER_FLEET ||
        !seek_before(seeking, &looser, before))
        return;
    int64_t loosest_from = looser.from;
    uint32_t found = 0;
    for (uint32_t scope = seeking->request.scope + 1; found < LOOSER_MAX && before > loosest_from; scope++) {
        looser = request_at(&seeking->request, loosest_from);
        looser.scope = (enum planner_scope)scope;
        if (!seek_before(seeking, &looser, before))
            continue;
        offer_add(seeking, PLANNER_OFFER_LOOSER, &looser);
        before = looser.from;
        found++;
    }
}

/* Preemptible. It can begin no earlier than the firm one, which may do all that it may. */
static void seek_cheaper(struct seeking *seeking, const struct planner_request *earliest)
{
    struct planner_request cheaper = *earliest;
    if (cheaper.preemptible)
        return;
    cheaper.preemptible = true;
    cheaper.preempts = false;
    if (seek_before(seeking, &cheaper, seeking->search->start_to + 1))
        offer_add(seeking, PLANNER_OFFER_CHEAPER, &cheaper);
}

static bool offer_before(const struct planner_offer *a, const struct planner_offer *b)
{
    if ((a->kind == PLANNER_OFFER_EARLIEST) != (b->kind == PLANNER_OFFER_EARLIEST))
        return a->kind == PLANNER_OFFER_EARLIEST;
    return a->from != b->from ? a->from < b->from : a->kind < b->kind;
}

static void offers_sort(struct planner_offer *offers, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct planner_offer moved = offers[i];
        uint32_t at = i;
        for (; at > 0 && offer_before(&moved, &offers[at - 1]); at--)
            offers[at] = offers[at - 1];
        offers[at] = moved;
    }
}

const char *planner_search_wrong(const struct planner_search *search)
{
    struct planner_request request = search->request;
    if (search->duration_least_s < 1 || search->duration_most_s < search->duration_least_s ||
        search->duration_most_s > PLANNER_INSTANT_MAX)
        return "durations out of range";
    if (search->start_from > search->start_to || search->start_from < -PLANNER_INSTANT_MAX ||
        search->start_to > PLANNER_INSTANT_MAX - search->duration_most_s)
        return "starts out of range";
    if (search->count_least > request.count || search->gpu_milli_s_max < 0)
        return "counts or budget out of range";
    request.from = search->start_from;
    request.to = search->start_from + search->duration_least_s;
    return planner_request_wrong(&request);
}

uint32_t planner_offers(struct planner *planner, const struct planner_search *search,
                        struct planner_offer ret[PLANNER_OFFERS_MAX])
{
    must(planner_search_wrong(search) == NULL);
    struct seeking seeking = {.planner = planner,
                              .search = search,
                              .request = search->request,
                              .offers = ret,
                              .count_least = search->count_least};
    if (seeking.count_least == 0)
        seeking.count_least = search->request.count > 1 ? search->request.count / 2 : 1;
    int64_t affords = affordable(search, search->duration_least_s);
    if (affords < (int64_t)seeking.count_least)
        return 0;
    if (affords < (int64_t)seeking.request.count)
        seeking.request.count = (uint32_t)affords;
    seeking.request.from = search->start_from;
    seeking.request.to = search->start_from + search->duration_least_s;

    int64_t before = search->start_to + 1;
    struct planner_request earliest = seeking.request;
    if (seek_before(&seeking, &earliest, before)) {
        bool whole = earliest.count == search->request.count;
        offer_add(&seeking, whole ? PLANNER_OFFER_EARLIEST : PLANNER_OFFER_SMALLER, &earliest);
        seek_longer(&seeking, &earliest);
        seek_cheaper(&seeking, &earliest);
        before = earliest.from;
    }
    seek_smaller(&seeking, before);
    seek_looser(&seeking, before);
    offers_sort(ret, seeking.count);
    return seeking.count;
}
