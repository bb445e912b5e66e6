/* The waitlist: who waits is served in order, and nobody waits longer for who came after.
 *
 * Conservative backfill. Each waiter in turn is put to the planner. One that does not fit is given, for as long as the
 * others are asked, the place at its earliest start that the planner knows now; whoever comes after must do without
 * that place, so no earliest start before it moves. What becomes of it is an estimate only: capacity that returns
 * unforeseen makes it earlier, and wishes that are decided at once do not wait behind the waitlist.
 *
 * Bounded: of a longer list the first WAITLIST_DEPTH are considered, with so many questions in one piece of work;
 * whom neither reaches keeps its place and its estimate. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/verdict.h"

#include "common/must.h"

#define QUESTIONS_MAX 1024

struct service {
    struct world *world;
    struct reservation *held[WAITLIST_DEPTH]; /* those with a place for the time being */
    uint32_t held_count;
    uint32_t questions;
};

static bool fits_at(struct service *service, const struct planner_request *request, int64_t from_s)
{
    struct planner_request moved = *request;
    moved.from = from_s;
    service->questions++;
    return planner_fits(service->world->planner, &moved);
}

/* While it waits its window keeps its end: what fits from one instant on fits from each later one. */
static bool first_within_window(struct service *service, const struct planner_request *request, int64_t *ret_from_s)
{
    int64_t misfit_s = request->from, fit_s = request->to - 1;
    if (fit_s <= misfit_s || !fits_at(service, request, fit_s))
        return false;
    while (fit_s - misfit_s > 1) {
        int64_t middle_s = misfit_s + (fit_s - misfit_s) / 2;
        if (fits_at(service, request, middle_s))
            fit_s = middle_s;
        else
            misfit_s = middle_s;
    }
    *ret_from_s = fit_s;
    return true;
}

static bool first_start(struct service *service, const struct wish *wish, const struct planner_request *request,
                        int64_t *ret_from_s)
{
    if (wish->duration_s == 0 && wish->ends_s != NEVER)
        return first_within_window(service, request, ret_from_s);
    int64_t last_s = wish->duration_s > 0 ? wish->start_to_s : request->from + PLANNER_LATER_LIMIT_S;
    service->questions++;
    return planner_earliest(service->world->planner, request, last_s, ret_from_s);
}

/* Keeps the place of its earliest start until all have been asked. It takes nobody's, and nobody takes it. */
static void hold(struct service *service, struct reservation *reservation)
{
    struct planner_request request = verdict_request(reservation);
    struct planner_verdict verdict = {0};
    request.preempts = false;
    request.preemptible = false;
    reservation->estimate_s = NEVER;
    int64_t start_s = 0;
    struct quota_refusal refusal;
    if (!holding_narrow(reservation, &request, &refusal))
        return; /* it waits for its own quota: nobody does without a place for that */
    if (!first_start(service, &reservation->wish, &request, &start_s))
        return;
    reservation->estimate_s = start_s;
    bool keeps_end = reservation->wish.duration_s == 0 && reservation->wish.ends_s != NEVER;
    if (!keeps_end && request.to != NEVER)
        request.to += start_s - request.from;
    request.from = start_s;
    planner_place(service->world->planner, &request, &verdict);
    must(verdict.placed); /* it was just said to fit */
    service->held[service->held_count++] = reservation;
}

static void let_go(struct service *service)
{
    for (uint32_t i = 0; i < service->held_count; i++) {
        const struct wish *wish = &service->held[i]->wish;
        for (uint32_t ordinal = 0; ordinal < (uint32_t)wish->count; ordinal++) {
            struct planner_key key = {.reservation = planner_id_of(wish->id), .ordinal = ordinal};
            must(planner_release(service->world->planner, &key));
        }
    }
}

static void serve(struct service *service, struct reservation *reservation)
{
    reservation->is_its_turn = true;
    service->questions++;
    reservation_drive(reservation);
    reservation->is_its_turn = false;
    if (reservation->is.state != RESERVATION_WAITLISTED)
        return;
    hold(service, reservation);
    reservation_drive(reservation); /* tells a new estimate */
}

void waitlist_stir(struct reservation *reservation)
{
    struct world *world = reservation->world;
    bool waits = reservation->is.state == RESERVATION_WAITLISTED;
    if (waits && reservation->was.state != RESERVATION_WAITLISTED)
        world->waitlist_stirred |= world->waiting_count < WAITLIST_DEPTH; /* an estimate, for the first at least */
    else
        world->waitlist_stirred |= !waits || reservation->is.due_s <= world->now_s;
}

void waitlist_serve(struct world *world)
{
    struct service service = {.world = world};
    uint32_t considered = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        struct reservation *reservation = &world->reservations[i];
        if (reservation->is.state != RESERVATION_WAITLISTED || reservation->was.state != RESERVATION_WAITLISTED)
            continue; /* who came just now comes after those */
        if (considered < WAITLIST_DEPTH && service.questions < QUESTIONS_MAX)
            serve(&service, reservation);
        else
            reservation_drive(reservation); /* its own end, if any */
        considered++;
    }
    let_go(&service);
}
