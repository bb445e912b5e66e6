/* From a wish to the planner's question, and its answer: a place, or a refusal (refusal.c says of it what is told). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/verdict.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/horizon.h"

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    int64_t raised = value < least ? least : value;
    return raised > most ? most : raised;
}

/* The first start that is asked for. What is left open begins now; of a quote when it holds no longer, so that it can
 * be confirmed until then. */
static int64_t first_start(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t now_s = reservation->world->now_s;
    int64_t open_s = wish_is_quote(wish) ? wish->hold_until_s : now_s;
    bool waits = reservation->is.state == RESERVATION_WAITLISTED;
    if (wish->duration_s > 0)
        return within(wish->start_from_s == NEVER ? open_s : wish->start_from_s, open_s, wish->start_to_s);
    if (wish->starts_s == NEVER)
        return open_s;
    return waits && wish->starts_s < now_s ? now_s : wish->starts_s;
}

/* Nobody goes for what may never be confirmed: whom a quote takes a place from goes once it holds no longer, and has that
 * place back where it was not confirmed. */
static int64_t notice_from(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t free_s = world_free_s(reservation->world);
    return wish_is_quote(wish) && wish->hold_until_s > free_s ? wish->hold_until_s : free_s;
}

/* As the planner's ids differ from ours in type only, a wish is nearly a request. */
struct planner_request verdict_request(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t from_s = first_start(reservation);
    return (struct planner_request){
        .reservation = planner_id_of(wish->id),
        .tenant = planner_id_of(wish->tenant),
        .count = (uint32_t)wish->count,
        .shape = wish->shape,
        .from = from_s,
        .to = wish->duration_s > 0 ? from_s + wish->duration_s : horizon_end(wish, from_s, wish->ends_s),
        .gpu_models = wish->gpu_models,
        .gpu_model_count = wish->gpu_model_count,
        .zone = planner_id_of(reservation->world->zone->id),
        .scope = wish->scope,
        .scope_preferred = !wish->scope_required,
        .spread = wish->spread,
        .preemptible = wish->preemptible,
        .preempts = !wish->preemptible,
        .evict_from = notice_from(reservation) + reservation->world->zone->preemption_notice_s,
        .spares_unbegun = wish_is_quote(wish),
    };
}

static void grant(struct reservation *reservation, const struct planner_request *request)
{
    reservation->granted = true;
    reservation->starts_s = request->from;
    reservation->ends_s = wish_is_open(&reservation->wish) ? NEVER : request->to; /* held for its horizon at least */
    reservation->world->granted_count++;
}

static void refuse(struct reservation *reservation, const struct planner_request *request,
                   const struct planner_refusal *refusal)
{
    reservation->refused = true;
    if (reservation->is.state != RESERVATION_PENDING)
        return; /* it waits already, and was told why */
    reservation->world->refused_count++;
    refusal_tell(reservation, request, refusal);
}

static bool is_given_up(const struct reservation *reservation)
{
    const struct identity *given_up = reservation->world->given_up;
    return given_up != NULL && identity_equal(*given_up, reservation->wish.id);
}

static void give_up(struct reservation *reservation)
{
    reservation->refused = true;
    reservation->wish.if_unavailable = UNAVAILABLE_REJECT; /* waiting would only fail again */
    reservation->reason = "internal";
    reservation->binding = "{\"constraint\":\"internal\",\"message\":\"It could not be decided; this is our fault.\"}";
    reservation->world->refused_count++;
    reservation->world->has_given_up = true;
}

static bool may_fit_later(const struct planner_refusal *refusal)
{
    return refusal->binding != PLANNER_BINDS_MODEL && refusal->binding != PLANNER_BINDS_COUNT_OVER_FLEET;
}

/* A later start that the wish allows, with room by planner and quotas: within its range, or else the next window if it
 * takes that. *request becomes it. */
static bool find_allowed(const struct reservation *reservation, struct planner_request *request)
{
    const struct wish *wish = &reservation->wish;
    struct planner_request last = *request;
    if (wish->duration_s > 0) {
        if (holding_earliest(reservation, request, wish->start_to_s))
            return true;
        last = request_moved(request, wish->start_to_s);
    }
    bool is_found = wish->if_unavailable == UNAVAILABLE_NEXT_WINDOW &&
                    holding_earliest(reservation, &last, last.from + PLANNER_LATER_LIMIT_S);
    if (is_found)
        *request = last;
    return is_found;
}

/* Who would wait need not, where others give way: its window begins as soon as they are gone, and keeps its end. */
static bool preempts_instead_of_waiting(const struct reservation *reservation, const struct planner_request *request,
                                        const struct planner_refusal *refusal)
{
    const struct wish *wish = &reservation->wish;
    return wish->if_unavailable == UNAVAILABLE_WAITLIST && wish->duration_s == 0 && refusal->preempts_later &&
           refusal->preempts_from < request->to;
}

/* Why there is no place: a quota, else the planner. */
struct denial {
    bool is_over_quota;
    struct quota_refusal over;
    struct planner_refusal refusal;
};

/* Another window, where the first is denied: *tried, which is the request as its quotas narrowed it. */
static bool find_another(const struct reservation *reservation, const struct planner_request *request,
                         const struct denial *denial, struct planner_request *tried)
{
    if (!denial->is_over_quota && preempts_instead_of_waiting(reservation, request, &denial->refusal)) {
        tried->from = denial->refusal.preempts_from;
        return true;
    }
    *tried = *request;
    return (denial->is_over_quota || may_fit_later(&denial->refusal)) && find_allowed(reservation, tried);
}

/* *request becomes the window that was granted; refused, it is as it was, with the denial of its first start. */
static bool place(const struct reservation *reservation, struct planner_request *request, struct denial *ret)
{
    struct planner *planner = reservation->world->planner;
    struct planner_verdict verdict = {0};
    struct planner_request tried = *request;
    ret->is_over_quota = !holding_narrow(reservation, &tried, &ret->over);
    if (!ret->is_over_quota) {
        planner_place(planner, &tried, &verdict);
        ret->refusal = verdict.refusal;
    }
    if (!verdict.placed) {
        if (!find_another(reservation, request, ret, &tried))
            return false;
        planner_place(planner, &tried, &verdict);
    }
    evictions_note(reservation->world, &verdict);
    if (verdict.placed)
        *request = tried;
    return verdict.placed;
}

static void refuse_over_quota(struct reservation *reservation, const struct planner_request *request,
                              const struct quota_refusal *over)
{
    reservation->refused = true;
    if (reservation->is.state != RESERVATION_PENDING)
        return; /* it waits already, and was told why */
    reservation->world->refused_count++;
    reservation->wish.if_unavailable = UNAVAILABLE_REJECT; /* capacity that returns does not help */
    holding_tell(reservation, request, over);
}

static void refuse_uncovered(struct reservation *reservation)
{
    reservation->refused = true;
    if (reservation->is.state != RESERVATION_PENDING)
        return; /* it waits already, and was told why */
    reservation->world->refused_count++;
    reservation->wish.if_unavailable = UNAVAILABLE_REJECT; /* capacity that returns does not help */
    reservation->reason = "credit_exhausted";
    reservation->binding = reservation->uncovered;
    reservation->alternatives = "[]";
}

/* Of one that waits already, what it was told becomes true anew: its numbers have changed. */
static void refuse_open(struct reservation *reservation, const struct planner_request *request)
{
    reservation->refused = true;
    reservation->world->refused_count += reservation->is.state == RESERVATION_PENDING;
    refusal_tell_open(reservation, request);
}

void verdict_decide(struct reservation *reservation)
{
    struct world *world = reservation->world;
    if (is_given_up(reservation)) {
        give_up(reservation);
        return;
    }
    struct planner_request request = verdict_request(reservation);
    const char *wrong = planner_request_wrong(&request);
    if (wrong != NULL) { /* admission lets none through; a wish that cannot be asked is refused, not a crash */
        reservation->refused = true;
        reservation->reason = "invalid_request";
        reservation->binding = arena_format(world->arena, "{\"constraint\":\"request\",\"message\":\"%s\"}", wrong);
        world->refused_count++;
        return;
    }
    if (reservation->uncovered != NULL) {
        refuse_uncovered(reservation);
        return;
    }
    if (!horizon_has_share(reservation)) {
        refuse_open(reservation, &request);
        return;
    }
    struct denial denial = {0};
    if (place(reservation, &request, &denial))
        grant(reservation, &request);
    else if (denial.is_over_quota)
        refuse_over_quota(reservation, &request, &denial.over);
    else
        refuse(reservation, &request, &denial.refusal);
}
