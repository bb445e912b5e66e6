/* What holds of a reservation now: its tenant's wishes, the planner's verdict, its time, how many of its instances run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/reservation_events.h"

#include <string.h>

struct reservation_tally reservation_tally(const struct reservation *reservation)
{
    struct reservation_tally tally = {0};
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        tally.running += instance_is_delivered(instance) && instance_lasts(instance);
        tally.gone += instance_is_gone(instance);
        tally.lasting += instance_lasts(instance);
        tally.gave_way += instance_gave_way(instance);
    }
    return tally;
}

const char *reservation_health(const struct reservation *reservation)
{
    struct reservation_tally tally = reservation_tally(reservation);
    if (tally.lasting < reservation->wish.count)
        return "short";
    return tally.running < reservation->wish.count ? "degraded" : "ok";
}

/* ---- Events: conditions that hold now ---- */

bool reservation_is_cancelled(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->wish.cancel_requested;
}

bool reservation_is_too_late(const void *subject)
{
    const struct reservation *reservation = subject;
    const struct wish *wish = &reservation->wish;
    int64_t now_s = reservation->world->now_s;
    return wish->decide_by_s < now_s || wish->ends_s <= now_s || (wish->duration_s > 0 && wish->start_to_s < now_s);
}

static bool is_granted(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->granted;
}

static bool is_refused(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->refused;
}

static bool is_lead_reached(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->starts_s - reservation->world->zone->lead_s <= reservation->world->now_s;
}

static bool is_window_over(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->ends_s <= reservation->world->now_s;
}

static bool are_all_running(const void *subject)
{
    const struct reservation *reservation = subject;
    struct reservation_tally tally = reservation_tally(reservation);
    return tally.running > 0 && tally.running + tally.gave_way == reservation->wish.count;
}

static bool are_all_gone(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation_tally(reservation).gone == reservation->instance_count;
}

static bool is_health_changed(const void *subject)
{
    const struct reservation *reservation = subject;
    return strcmp(reservation->health, reservation_health(reservation)) != 0;
}

static bool is_deadline_passed(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->is.deadline_s <= reservation->world->now_s;
}

static bool is_confirmed(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->wish.is_confirmed;
}

static bool is_hold_over(const void *subject)
{
    const struct reservation *reservation = subject;
    int64_t now_s = reservation->world->now_s;
    return wish_is_quote(&reservation->wish) &&
           (reservation->wish.hold_until_s <= now_s || reservation->starts_s <= now_s);
}

static bool is_amended(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->amended;
}

static bool is_told(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->told;
}

static bool is_estimate_new(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->estimate_s != reservation->estimated_s;
}

const struct fsm_event reservation_events[RESERVATION_EVENT_COUNT] = {
    [CANCEL_REQUESTED] = {"cancel_requested", reservation_is_cancelled, false},
    [DECIDE_BY_PASSED] = {"decide_by_passed", reservation_is_too_late, true},
    [GRANTED] = {"granted", is_granted, false},
    [REFUSED] = {"refused", is_refused, false},
    [LEAD_TIME_REACHED] = {"lead_time_reached", is_lead_reached, true},
    [WINDOW_ENDED] = {"window_ended", is_window_over, true},
    [ALL_RUNNING] = {"all_running", are_all_running, false},
    [ALL_GONE] = {"all_gone", are_all_gone, false},
    [HEALTH_CHANGED] = {"health_changed", is_health_changed, false},
    [DEADLINE_PASSED] = {"deadline_passed", is_deadline_passed, true},
    [CONFIRMED] = {"confirmed", is_confirmed, false},
    [HOLD_OVER] = {"hold_over", is_hold_over, true},
    [AMENDED] = {"amended", is_amended, false},
    [GIVES_WAY] = {"gives_way", is_told, false},
    [ESTIMATE_CHANGED] = {"estimate_changed", is_estimate_new, false},
};
