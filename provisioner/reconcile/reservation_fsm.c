/* A reservation: decided once, then its instances come, run and go with its window. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/instance.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/reservation_events.h"
#include "provisioner/reconcile/verdict.h"

#include "common/cleanup.h"
#include "common/least.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define MOVES_MAX 16 /* at one instant; more is a loop in the table */

/* ---- Guards ---- */

static bool always(const void *subject)
{
    (void)subject;
    return true;
}

static bool wants_waitlist(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->wish.if_unavailable == UNAVAILABLE_WAITLIST;
}

static bool is_quote(const void *subject)
{
    const struct reservation *reservation = subject;
    return wish_is_quote(&reservation->wish);
}

static bool window_is_open(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->starts_s <= reservation->world->now_s;
}

static bool was_cancelled(const void *subject)
{
    const struct reservation *reservation = subject;
    return reservation->wish.cancel_requested;
}

static struct planner_key key_of(const struct reservation *reservation, uint32_t ordinal)
{
    return (struct planner_key){.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
}

static bool holds_nothing(const void *subject)
{
    const struct reservation *reservation = subject;
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = key_of(reservation, ordinal);
        if (planner_node_of(reservation->world->planner, &key, reservation->starts_s) != NULL)
            return false;
    }
    return true;
}

static bool some_gave_way(const void *subject)
{
    return reservation_tally(subject).gave_way > 0;
}

/* ---- Actions ---- */

static void nothing(void *subject)
{
    (void)subject; /* the verdict is on the row already */
}

static void join_waitlist(void *subject)
{
    waitlist_stir(subject);
}

static void note_estimate(void *subject)
{
    struct reservation *reservation = subject;
    reservation->estimated_s = reservation->estimate_s;
}

static void forget_refusal(void *subject)
{
    struct reservation *reservation = subject;
    reservation->reason = NULL;
    reservation->binding = NULL;
    reservation->alternatives = NULL;
}

static void expire(void *subject)
{
    struct reservation *reservation = subject;
    reservation->reason = "decide_by_passed";
}

static void note_cancel(void *subject)
{
    struct reservation *reservation = subject;
    reservation->reason = "cancelled";
}

static void give_place_back(struct reservation *reservation)
{
    struct world *world = reservation->world;
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = key_of(reservation, ordinal);
        (void)planner_release(world->planner, &key); /* false: none is held, which is what is wanted */
    }
    world->capacity_returned = true;
}

static void release_place(void *subject)
{
    struct reservation *reservation = subject;
    give_place_back(reservation);
    reservation->reason = "cancelled";
}

static void lapse(void *subject)
{
    struct reservation *reservation = subject;
    give_place_back(reservation);
    reservation->reason = "hold_over";
}

static void note_notice(void *subject)
{
    struct reservation *reservation = subject;
    reservation->told = false; /* the event says from when on */
}

static void note_preempted(void *subject)
{
    struct reservation *reservation = subject;
    reservation->told = false;
    reservation->reason = "preempted";
}

/* The rest of its window is free for others; its instances' windows keep their ends, and their loss is metered. */
static void end_early(void *subject)
{
    struct reservation *reservation = subject;
    int64_t now_s = reservation->world->now_s;
    if (now_s < reservation->ends_s)
        reservation->ends_s = now_s;
    reservation->reason = reservation->wish.preemptible ? "preempted" : "horizon_ended";
}

static void make_instances(void *subject)
{
    struct reservation *reservation = subject;
    reservation_make_instances(reservation);
    int64_t free_s = world_free_s(reservation->world);
    reservation->is.deadline_s = (reservation->starts_s > free_s ? reservation->starts_s : free_s) + ACTIVATION_LIMIT_S;
}

static void end_instances(void *subject)
{
    struct reservation *reservation = subject;
    reservation->is.deadline_s =
        world_free_s(reservation->world) + reservation->world->zone->driver.stop_s + ENDING_LIMIT_S;
    reservation->world->capacity_returned = true;
}

/* The window ends now, or is empty if it has not begun. */
static void cut_window(void *subject)
{
    struct reservation *reservation = subject;
    struct world *world = reservation->world;
    int64_t now_s = world->now_s;
    int64_t end_s = reservation->starts_s > now_s ? reservation->starts_s : now_s;
    if (end_s < reservation->ends_s)
        reservation->ends_s = end_s;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *instance = &reservation->instances[i];
        struct planner_key key = instance_key(instance);
        (void)planner_cut(world->planner, &key, now_s); /* false: it holds nothing any more */
        if (instance_is_gone(instance) || instance->ends_s <= reservation->ends_s)
            continue;
        instance->ends_s = reservation->ends_s; /* the event of stopping carries it, or in a pause a note does */
        instance->changed = instance->window_changed = true;
    }
    reservation->reason = "cancelled";
    end_instances(reservation);
    world->capacity_returned = true;
}

static void record_health(void *subject)
{
    struct reservation *reservation = subject;
    reservation->health = reservation_health(reservation);
}

static void record_lateness(void *subject)
{
    struct reservation *reservation = subject;
    reservation->is.last_error = "not all instances ran in time";
    reservation->health = reservation_health(reservation);
}

/* Its terms, and what follows for its instances, are there already. */
static void record_terms(void *subject)
{
    struct reservation *reservation = subject;
    reservation->amended = false;
}

static void record_overdue(void *subject)
{
    struct reservation *reservation = subject;
    reservation->is.last_error = "not all instances stopped in time";
}

/* ---- The machine ---- */

// clang-format off
#define ROW(number, from, on, guard, to, action, why)                                                                  \
    {number, RESERVATION_##from, on, guard, #guard, RESERVATION_##to, action, #action, why, false}

static const struct fsm_transition transitions[] = {
    ROW(110, PENDING,    CANCEL_REQUESTED,  always,         CANCELLED,  note_cancel,     "cancelled before it was decided"),
    ROW(120, PENDING,    DECIDE_BY_PASSED,  always,         EXPIRED,    expire,          "nobody decided in time; nothing is started late"),
    ROW(125, PENDING,    GRANTED,           is_quote,       HELD,       forget_refusal,  "all its instances have a place, for as long as the quote holds"),
    ROW(130, PENDING,    GRANTED,           always,         SCHEDULED,  forget_refusal,  "all its instances have a place"),
    ROW(140, PENDING,    REFUSED,           wants_waitlist, WAITLISTED, join_waitlist,   "it does not fit now, and wants to wait"),
    ROW(150, PENDING,    REFUSED,           always,         REJECTED,   nothing,         "it does not fit"),
    ROW(210, WAITLISTED, CANCEL_REQUESTED,  always,         CANCELLED,  note_cancel,     "its tenant no longer waits"),
    ROW(220, WAITLISTED, DECIDE_BY_PASSED,  always,         EXPIRED,    expire,          "its window passed while it waited"),
    ROW(230, WAITLISTED, GRANTED,           always,         SCHEDULED,  forget_refusal,  "capacity has returned"),
    ROW(240, WAITLISTED, ESTIMATE_CHANGED,  always,         WAITLISTED, note_estimate,   "it would start at another time than it was told"),
    ROW(250, HELD,       CANCEL_REQUESTED,  always,         CANCELLED,  release_place,   "its tenant gave the quote back"),
    ROW(260, HELD,       CONFIRMED,         always,         SCHEDULED,  forget_refusal,  "its tenant confirmed the quote"),
    ROW(270, HELD,       HOLD_OVER,         always,         EXPIRED,    lapse,           "nobody confirmed the quote in time, or before its start"),
    ROW(280, HELD,       GIVES_WAY,         holds_nothing,  CANCELLED,  note_preempted,  "others took all of its places"),
    ROW(290, HELD,       GIVES_WAY,         always,         HELD,       note_notice,     "others took some of its places"),
    ROW(310, SCHEDULED,  CANCEL_REQUESTED,  always,         CANCELLED,  release_place,   "cancelled before its start"),
    ROW(315, SCHEDULED,  GIVES_WAY,         holds_nothing,  CANCELLED,  note_preempted,  "others took all of its places before its start"),
    ROW(320, SCHEDULED,  LEAD_TIME_REACHED, always,         ACTIVATING, make_instances,  "its window is near"),
    ROW(330, SCHEDULED,  AMENDED,           always,         SCHEDULED,  record_terms,    "it has other terms"),
    ROW(335, SCHEDULED,  GIVES_WAY,         always,         SCHEDULED,  note_notice,     "others took some of its places"),
    ROW(410, ACTIVATING, CANCEL_REQUESTED,  always,         ENDING,     cut_window,      "cancelled while its instances came up"),
    ROW(420, ACTIVATING, WINDOW_ENDED,      always,         ENDING,     end_instances,   "its window was over before all instances ran"),
    ROW(430, ACTIVATING, ALL_RUNNING,       window_is_open, ACTIVE,     record_health,   "all its instances run"),
    ROW(440, ACTIVATING, DEADLINE_PASSED,   always,         ACTIVE,     record_lateness, "it goes on with the instances that run"),
    ROW(450, ACTIVATING, AMENDED,           always,         ACTIVATING, record_terms,    "it has other terms"),
    ROW(460, ACTIVATING, ALL_GONE,          some_gave_way,  ENDED,      end_early,       "others took all of its places, or its horizon ended"),
    ROW(470, ACTIVATING, GIVES_WAY,         always,         ACTIVATING, note_notice,     "others took some of its places"),
    ROW(510, ACTIVE,     CANCEL_REQUESTED,  always,         ENDING,     cut_window,      "cancelled by its tenant"),
    ROW(520, ACTIVE,     WINDOW_ENDED,      always,         ENDING,     end_instances,   "its window is over"),
    ROW(530, ACTIVE,     HEALTH_CHANGED,    always,         ACTIVE,     record_health,   "its instances fail or recover"),
    ROW(540, ACTIVE,     AMENDED,           always,         ACTIVE,     record_terms,    "it has other terms"),
    ROW(550, ACTIVE,     ALL_GONE,          some_gave_way,  ENDED,      end_early,       "others took all of its places, or its horizon ended"),
    ROW(560, ACTIVE,     GIVES_WAY,         always,         ACTIVE,     note_notice,     "others took some of its places"),
    ROW(610, ENDING,     ALL_GONE,          was_cancelled,  CANCELLED,  note_cancel,     "all its instances are gone"),
    ROW(620, ENDING,     ALL_GONE,          always,         ENDED,      forget_refusal,  "all its instances are gone"),
    ROW(630, ENDING,     DEADLINE_PASSED,   was_cancelled,  CANCELLED,  record_overdue,  "some instances would not stop in time"),
    ROW(640, ENDING,     DEADLINE_PASSED,   always,         ENDED,      record_overdue,  "some instances would not stop in time"),
};
// clang-format on

#define BEFORE_INSTANCES                                                                                               \
    (FSM_BIT(WINDOW_ENDED) | FSM_BIT(ALL_RUNNING) | FSM_BIT(ALL_GONE) | FSM_BIT(HEALTH_CHANGED) |                      \
     FSM_BIT(DEADLINE_PASSED))
#define UNDECIDED     (FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(GIVES_WAY))
#define ESTIMATE      FSM_BIT(ESTIMATE_CHANGED)
#define AFTER_VERDICT (FSM_BIT(DECIDE_BY_PASSED) | FSM_BIT(GRANTED) | FSM_BIT(REFUSED) | FSM_BIT(ESTIMATE_CHANGED))

#define OF_QUOTES (FSM_BIT(CONFIRMED) | FSM_BIT(HOLD_OVER))

static const struct fsm_state states[RESERVATION_STATE_COUNT] = {
    // clang-format off
    [RESERVATION_PENDING]    = {"pending", FSM_BIT(AMENDED) | OF_QUOTES | BEFORE_INSTANCES | UNDECIDED | ESTIMATE, false, true},
    [RESERVATION_WAITLISTED] = {"waitlisted", FSM_BIT(AMENDED) | OF_QUOTES | BEFORE_INSTANCES | UNDECIDED | FSM_BIT(REFUSED), false, true},
    [RESERVATION_HELD]       = {"held", FSM_BIT(AMENDED) | BEFORE_INSTANCES | AFTER_VERDICT | FSM_BIT(LEAD_TIME_REACHED), false, true},
    [RESERVATION_SCHEDULED]  = {"scheduled", OF_QUOTES | BEFORE_INSTANCES | AFTER_VERDICT, false, true},
    [RESERVATION_ACTIVATING] = {"activating", OF_QUOTES | AFTER_VERDICT | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(HEALTH_CHANGED), false, true},
    [RESERVATION_ACTIVE]     = {"active", OF_QUOTES | AFTER_VERDICT | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(ALL_RUNNING) | FSM_BIT(DEADLINE_PASSED), false, false},
    [RESERVATION_ENDING]     = {"ending", FSM_BIT(AMENDED) | OF_QUOTES | AFTER_VERDICT | FSM_BIT(CANCEL_REQUESTED) | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(WINDOW_ENDED) | FSM_BIT(ALL_RUNNING) | FSM_BIT(HEALTH_CHANGED) | FSM_BIT(GIVES_WAY), false, true},
    [RESERVATION_ENDED]      = {"ended", 0, true, false},
    [RESERVATION_CANCELLED]  = {"cancelled", 0, true, false},
    [RESERVATION_REJECTED]   = {"rejected", 0, true, false},
    [RESERVATION_EXPIRED]    = {"expired", 0, true, false},
    // clang-format on
};

const struct fsm reservation_fsm = {
    .name = "reservation",
    .about = "A tenant's claim on instances for a window of time. Its health (ok, degraded, short) is a column, from "
             "its instances; pending is the absence of a row. A quote is held until it is confirmed.",
    .states = states,
    .state_count = RESERVATION_STATE_COUNT,
    .initial = RESERVATION_PENDING,
    .events = reservation_events,
    .event_count = RESERVATION_EVENT_COUNT,
    .transitions = transitions,
    .transition_count = COUNT_OF(transitions),
};

/* ---- Driving ---- */

/* What happened, where it is not a new state. */
static const char *kind_of(const struct reservation *reservation, const struct fsm_transition *row, const char *state)
{
    if (row->to != row->from)
        return state;
    switch (row->on) {
    case GIVES_WAY:
        return reservation->wish.preemptible ? "preemption_notice" : "end_notice";
    case ESTIMATE_CHANGED:
        return "estimate";
    case AMENDED:
        return "amended";
    default:
        return "health";
    }
}

static void record(struct reservation *reservation, const struct fsm_transition *row)
{
    struct world *world = reservation->world;
    const char *state = states[reservation->is.state].name;
    bool has_window = reservation->starts_s != NEVER;
    const char *quote = reservation->reason != NULL ? "\"" : "";
    const char *payload = arena_format(
        world->arena,
        "{\"state\":\"%s\",\"health\":\"%s\",\"count\":%" PRId64 ",\"starts_at\":%s,\"ends_at\":%s,\"ends_by\":%s,"
        "\"estimated_start\":%s,\"reason\":%s%s%s}",
        state, reservation->health, reservation->wish.count, json_instant(world->arena, reservation->starts_s),
        has_window ? json_instant(world->arena, reservation->ends_s) : "null",
        json_instant(world->arena, reservation->ends_by_s), json_instant(world->arena, reservation->estimated_s), quote,
        reservation->reason != NULL ? reservation->reason : "null", quote);
    bool is_end = row->on == WINDOW_ENDED && reservation->ends_s < world->now_s;
    world_record(world, &(struct event_record){
                            .tenant = &reservation->wish.tenant,
                            .object_type = "reservation",
                            .object = reservation->wish.id,
                            .revision = reservation->is.revision,
                            .kind = arena_format(world->arena, "reservation.%s", kind_of(reservation, row, state)),
                            .transition = row->number,
                            .payload = payload,
                            .occurred_at_s = is_end ? reservation->ends_s : world->now_s,
                        });
}

/* From then on nothing can be decided any more. */
static int64_t last_chance(const struct wish *wish)
{
    return wish->duration_s > 0 ? wish->start_to_s + 1 : wish->ends_s;
}

static int64_t next_look(const struct reservation *reservation)
{
    int64_t now_s = reservation->world->now_s;
    switch (reservation->is.state) {
    case RESERVATION_WAITLISTED: {
        int64_t again_s = now_s + WAITLIST_AGAIN_S;
        bool is_ahead = reservation->estimated_s > now_s;
        return least_of(last_chance(&reservation->wish),
                        is_ahead ? least_of(reservation->estimated_s, again_s) : again_s);
    }
    case RESERVATION_HELD:
        return least_of(reservation->wish.hold_until_s, reservation->starts_s);
    case RESERVATION_SCHEDULED:
        return least_of(reservation->starts_s - reservation->world->zone->lead_s, reservation->horizon_due_s);
    case RESERVATION_ACTIVATING: {
        int64_t end_s = least_of(least_of(reservation->ends_s, reservation->is.deadline_s), reservation->horizon_due_s);
        return reservation->starts_s > now_s ? least_of(reservation->starts_s, end_s) : end_s;
    }
    case RESERVATION_ACTIVE:
        return least_of(reservation->ends_s, reservation->horizon_due_s);
    case RESERVATION_ENDING:
        return reservation->is.deadline_s;
    default:
        return NEVER;
    }
}

static void look(struct reservation *reservation)
{
    int state = reservation->is.state;
    bool is_waiting = state == RESERVATION_WAITLISTED;
    bool is_undecided = state == RESERVATION_PENDING || (is_waiting && reservation->is_its_turn);
    bool is_dropped = reservation_is_cancelled(reservation) || reservation_is_too_late(reservation);
    if (is_undecided && !is_dropped && !reservation->refused)
        verdict_decide(reservation);
    amend_look(reservation);
    horizon_keep(reservation);
    for (uint32_t i = 0; i < reservation->instance_count; i++)
        instance_drive(&reservation->instances[i]);
}

void reservation_drive(struct reservation *reservation)
{
    if (states[reservation->is.state].is_final) {
        amend_look(reservation);
        holding_follow(reservation); /* its project may be another */
        for (uint32_t i = 0; i < reservation->instance_count; i++)
            instance_settle_action(&reservation->instances[i]);
        return;
    }
    bool was_waiting = reservation->is.state == RESERVATION_WAITLISTED;
    look(reservation);
    struct fsm_pause pause = {.is_on = world_is_paused(reservation->world)};
    int moves = 0;
    for (const struct fsm_transition *row = fsm_next(&reservation_fsm, reservation->is.state, reservation, &pause);
         row != NULL; row = fsm_next(&reservation_fsm, reservation->is.state, reservation, &pause)) {
        must(++moves <= MOVES_MAX);
        reservation->world->overdue_count += row->on == DEADLINE_PASSED;
        lifecycle_move(&reservation->is, row);
        row->action(reservation);
        record(reservation, row);
        reservation->changed = true;
        holding_follow(reservation);
        look(reservation);
    }
    notice_follow(reservation);
    holding_follow(reservation);
    if (was_waiting && !reservation->is_its_turn)
        waitlist_stir(reservation);
    int64_t delivered = reservation_tally(reservation).running;
    int64_t due_s = next_look(reservation);
    reservation->changed |= due_s != reservation->is.due_s || delivered != reservation->delivered;
    reservation->is.due_s = due_s;
    reservation->delivered = delivered;
}
