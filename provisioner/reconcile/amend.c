/* New terms for a reservation that has its place: all of them or none. It keeps its last good terms until the planner
 * grants others; then its instances follow: they last to the new end, more of them come, or the last ones go.
 *
 * A reservation's open amendments are decided one by one, in the order in which they were asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/verdict.h"

#include "common/least.h"

#include <inttypes.h>
#include <string.h>

/* ---- The verdict ---- */

static const struct {
    const char *text;
    const char *event;
} verdicts[AMENDMENT_STATE_COUNT] = {
    [AMENDMENT_REQUESTED] = {"requested", NULL},
    [AMENDMENT_GRANTED] = {"granted", "amendment.granted"},
    [AMENDMENT_REFUSED] = {"refused", "amendment.refused"},
    [AMENDMENT_CANCELLED] = {"cancelled", "amendment.cancelled"},
};

const char *amendment_state_text(enum amendment_state state)
{
    return verdicts[state].text;
}

static void conclude(struct reservation *reservation, struct amendment *amendment, enum amendment_state state,
                     const char *reason)
{
    struct world *world = reservation->world;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(reservation->wish.id, id);
    amendment->state = state;
    amendment->reason = reason;
    reservation->changed = true; /* its status says up to which revision of the wish all is decided */
    const char *quote = reason == NULL ? "" : "\"";
    world_record(world, &(struct event_record){
                            .tenant = &reservation->wish.tenant,
                            .object_type = "amendment",
                            .object = amendment->id,
                            .revision = 1,
                            .kind = verdicts[state].event,
                            .payload = arena_format(world->arena, "{\"reservation_id\":\"%s\",\"reason\":%s%s%s}", id,
                                                    quote, reason == NULL ? "null" : reason, quote),
                            .occurred_at_s = world->now_s,
                        });
}

struct amend_terms amend_terms_of(const struct reservation *reservation, const struct amendment *amendment)
{
    int64_t now_s = reservation->world->now_s;
    int64_t wished_start_s = amendment->starts_s == NEVER ? now_s : amendment->starts_s;
    return (struct amend_terms){
        .starts_s = amendment->changes_start ? wished_start_s : reservation->starts_s,
        .ends_s = amendment->changes_end ? amendment->ends_s : reservation->ends_s,
        .count = amendment->count == 0 ? reservation->wish.count : amendment->count,
    };
}

static bool has_place(const struct reservation *reservation)
{
    int state = reservation->is.state;
    bool is_there = state == RESERVATION_SCHEDULED || state == RESERVATION_ACTIVATING || state == RESERVATION_ACTIVE;
    return is_there && !reservation->wish.cancel_requested;
}

/* Why these terms cannot even be put to the planner: a code, or NULL. */
static const char *wrong_with(const struct reservation *reservation, const struct amend_terms *terms)
{
    int64_t now_s = reservation->world->now_s;
    bool moves_start = terms->starts_s != reservation->starts_s;
    if (!has_place(reservation) || reservation->ends_s <= now_s ||
        reservation->ends_by_s != NEVER) /* over, or giving way */
        return "not_amendable";
    if (moves_start && reservation->is.state != RESERVATION_SCHEDULED)
        return "start_is_past"; /* its instances are being made ready, or run */
    if (moves_start && terms->starts_s < now_s)
        return "window_in_past";
    if (terms->ends_s <= terms->starts_s)
        return "window_reversed";
    return terms->ends_s <= now_s ? "window_in_past" : NULL;
}

/* ---- Instances ---- */

/* The planner keeps what has begun. What it was about to move, because it has not, may be starting there already: how
 * many. */
static uint32_t starting_moved(const struct reservation *reservation)
{
    const struct world *world = reservation->world;
    uint32_t count = 0;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        if (!instance_lasts(instance) || !instance->on_node || instance->ordinal >= reservation->wish.count)
            continue;
        struct planner_key key = instance_key(instance);
        const struct planner_node *place = planner_node_of(world->planner, &key, world->now_s);
        count += place != NULL && !identity_equal(identity_of(place->id), instance->node);
    }
    return count;
}

/* Ends it now; before its start it never was. The row that stops it tells the new end, or in a pause a note does. */
static void give_up(struct instance *instance)
{
    int64_t now_s = instance->reservation->world->now_s;
    instance->ends_s = instance->starts_s > now_s ? instance->starts_s : now_s;
    instance->changed = instance->window_changed = instance->is_given_up = true;
}

static void adopt(struct instance *instance)
{
    const struct reservation *reservation = instance->reservation;
    struct planner_key key = instance_key(instance);
    const struct planner_node *place = planner_node_of(reservation->world->planner, &key, reservation->world->now_s);
    if (!instance->on_node && place != NULL) {
        instance_settle(instance, identity_of(place->id));
        instance->changed = true;
    }
    instance->window_changed = instance->ends_s != reservation->ends_s;
    instance->ends_s = reservation->ends_s;
}

/* Those that are there take the new end or go; for each ordinal without one, an instance is made. */
static void amend_instances(struct reservation *reservation)
{
    if (reservation->is.state == RESERVATION_SCHEDULED)
        return; /* they are made when its window is near */
    struct world *world = reservation->world;
    uint32_t count = (uint32_t)reservation->wish.count;
    struct instance *grown = arena_alloc(world->arena, (reservation->instance_count + count) * sizeof *grown);
    bool *is_there = arena_alloc(world->arena, count * sizeof *is_there);
    memset(is_there, 0, count * sizeof *is_there);
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *instance = &grown[i];
        *instance = reservation->instances[i];
        if (!instance_lasts(instance))
            continue;
        if (instance->ordinal >= count) {
            give_up(instance);
        } else {
            adopt(instance);
            is_there[instance->ordinal] = true;
        }
    }
    reservation->instances = grown;
    int64_t starts_s = reservation->starts_s > world->now_s ? reservation->starts_s : world->now_s;
    for (uint32_t ordinal = 0; ordinal < count; ordinal++) {
        if (!is_there[ordinal])
            instance_make(reservation, &grown[reservation->instance_count++], ordinal, starts_s);
    }
}

/* ---- Deciding ---- */

static void grant(struct reservation *reservation, struct amendment *amendment, const struct amend_terms *terms)
{
    bool gives_back = terms->ends_s < reservation->ends_s || terms->count < reservation->wish.count ||
                      terms->starts_s != reservation->starts_s;
    reservation->world->capacity_returned |= gives_back;
    reservation->starts_s = terms->starts_s;
    reservation->ends_s = terms->ends_s;
    reservation->wish.count = terms->count;
    reservation->amended = true;
    amendment->granted_starts_s = terms->starts_s;
    amendment->granted_ends_s = terms->ends_s;
    amendment->granted_count = terms->count;
    conclude(reservation, amendment, AMENDMENT_GRANTED, NULL);
    amend_instances(reservation);
}

/* What is opened counts in the share of its type that is sold without an end. */
static bool may_be_open(const struct reservation *reservation, const struct amend_terms *terms,
                        const char **ret_binding)
{
    struct reservation opened = *reservation;
    opened.wish.starts_s = terms->starts_s;
    opened.wish.ends_s = NEVER;
    opened.wish.duration_s = 0;
    opened.wish.count = terms->count;
    bool may = terms->ends_s != NEVER || reservation->ends_s == NEVER || horizon_has_share(&opened);
    *ret_binding = may ? NULL : opened.binding;
    return may;
}

/* Why quotas, credit or the share of what is sold without an end do not bear it; true: they do. */
static bool is_borne(const struct reservation *reservation, const struct amend_terms *terms, const char *uncovered,
                     struct amend_outcome *ret)
{
    struct quota_refusal over;
    if (!holding_may_become(reservation, terms->starts_s, terms->ends_s, terms->count, &over)) {
        ret->reason = "quota_exceeded";
        ret->binding = holding_binding(reservation->world->arena, &over, NEVER);
        return false;
    }
    if (uncovered != NULL) {
        ret->reason = "credit_exhausted";
        ret->binding = uncovered;
        return false;
    }
    if (!may_be_open(reservation, terms, &ret->binding)) {
        ret->reason = "capacity_unavailable";
        return false;
    }
    return true;
}

static struct planner_request asked_of(const struct reservation *reservation, const struct amend_terms *terms)
{
    struct planner_request asked = verdict_request(reservation);
    asked.from = terms->starts_s;
    asked.to = horizon_end(&reservation->wish, greatest_of(terms->starts_s, reservation->world->now_s), terms->ends_s);
    asked.count = (uint32_t)terms->count;
    return asked;
}

/* The planner takes the new terms, or has changed nothing and *ret says why, where that is wanted. */
static bool has_room(const struct reservation *reservation, const struct planner_request *asked, bool explains,
                     struct planner_verdict *ret)
{
    struct planner *planner = reservation->world->planner;
    const struct planner_amendment amendment = {
        .terms = *asked, .now = reservation->world->now_s, .unexplained = !explains};
    uint32_t before = planner_savepoint(planner);
    planner_amend(planner, &amendment, ret);
    uint32_t moved = ret->placed ? starting_moved(reservation) : 0;
    if (moved == 0)
        return ret->placed;
    planner_rollback_to(planner, before);
    *ret = (struct planner_verdict){.refusal = {
                                        .binding = PLANNER_BINDS_CAPACITY,
                                        .scope = asked->scope,
                                        .asked = asked->count,
                                        .best_count = asked->count - moved,
                                        .fleet_count = asked->count - moved,
                                        .stuck_count = moved,
                                        .stuck_from = NEVER,
                                    }};
    return false;
}

/* ---- In place of what is refused ---- */

static bool would_grant(const void *subject, const struct amend_terms *terms)
{
    const struct reservation *reservation = subject;
    struct planner *planner = reservation->world->planner;
    struct planner_request asked = asked_of(reservation, terms);
    struct amend_outcome why;
    struct planner_verdict verdict = {0};
    uint32_t before = planner_savepoint(planner);
    bool would = wrong_with(reservation, terms) == NULL && planner_request_wrong(&asked) == NULL &&
                 is_borne(reservation, terms, NULL, &why) && has_room(reservation, &asked, false, &verdict);
    planner_rollback_to(planner, before);
    return would;
}

/* As if it held nothing: what has not begun may go wherever there is room. */
static bool first_start(const void *subject, const struct amend_terms *terms, int64_t latest_s, int64_t *ret_starts_s)
{
    const struct reservation *reservation = subject;
    struct planner *planner = reservation->world->planner;
    struct planner_request asked = asked_of(reservation, terms);
    uint32_t before = planner_savepoint(planner);
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
        (void)planner_release(planner, &key); /* false: others took its place, which is as well */
    }
    holding_drop(reservation);
    bool is_found = planner_request_wrong(&asked) == NULL && holding_earliest(reservation, &asked, latest_s);
    planner_rollback_to(planner, before);
    holding_follow(reservation);
    *ret_starts_s = asked.from;
    return is_found;
}

/* Within the bounds on such searches. */
static const char *instead_of(const struct reservation *reservation, const struct amendment *amendment,
                              const struct amend_terms *terms)
{
    struct world *world = reservation->world;
    if (world->relaxed_count > 0 && !world->has_time)
        return "[]";
    world->relaxed_count++;
    return amend_instead(&(struct amend_search){
        .world = world,
        .held = {.starts_s = reservation->starts_s, .ends_s = reservation->ends_s, .count = reservation->wish.count},
        .asked = *terms,
        .starts_at_once = amendment->changes_start && amendment->starts_s == NEVER,
        .may_start_later = reservation->is.state == RESERVATION_SCHEDULED,
        .closed_most_s = horizon_closed_most_s(reservation),
        .subject = reservation,
        .would_grant = would_grant,
        .first_start = first_start,
    });
}

/* ---- The whole ---- */

static bool try_terms(struct reservation *reservation, const struct amendment *amendment,
                      const struct amend_terms *terms, struct amend_outcome *ret)
{
    struct world *world = reservation->world;
    if (!is_borne(reservation, terms, amendment->uncovered, ret))
        return false;
    struct planner_request asked = asked_of(reservation, terms);
    const char *wrong = planner_request_wrong(&asked);
    if (wrong != NULL) {
        ret->reason = "invalid_request";
        ret->binding = arena_format(world->arena, "{\"constraint\":\"request\",\"message\":\"%s\"}", wrong);
        return false;
    }
    struct planner_verdict verdict = {0};
    if (has_room(reservation, &asked, true, &verdict)) {
        evictions_note(world, &verdict);
        return true;
    }
    ret->reason = "capacity_unavailable";
    ret->binding = refusal_binding(world, &asked, &verdict.refusal);
    return false;
}

/* Where the start that it has does not do: the earliest within the range that does. */
static bool try_range(struct reservation *reservation, const struct amendment *amendment, struct amend_outcome *ret)
{
    int64_t now_s = reservation->world->now_s;
    if (amendment->duration_s == 0 || reservation->is.state != RESERVATION_SCHEDULED || amendment->start_to_s < now_s)
        return false;
    int64_t from_s = amendment->start_from_s == NEVER ? now_s : greatest_of(amendment->start_from_s, now_s);
    struct amend_terms terms = {
        .starts_s = from_s, .ends_s = from_s + amendment->duration_s, .count = ret->terms.count};
    if (!first_start(reservation, &terms, amendment->start_to_s, &terms.starts_s))
        return false;
    terms.ends_s = terms.starts_s + amendment->duration_s;
    struct amend_outcome outcome = {.terms = terms};
    if (!try_terms(reservation, amendment, &terms, &outcome))
        return false; /* it was refused already, for where it begins now */
    *ret = outcome;
    return true;
}

bool amend_try(struct reservation *reservation, const struct amendment *amendment, struct amend_outcome *ret)
{
    struct amend_terms terms = amend_terms_of(reservation, amendment);
    *ret = (struct amend_outcome){.terms = terms};
    ret->reason = wrong_with(reservation, &terms);
    if (ret->reason != NULL)
        return false;
    if (terms.starts_s == reservation->starts_s && terms.ends_s == reservation->ends_s &&
        terms.count == reservation->wish.count)
        return true; /* it holds them: only how they were said is another way */
    if (try_terms(reservation, amendment, &terms, ret))
        return true;
    bool is_movable = strcmp(ret->reason, "capacity_unavailable") == 0 || strcmp(ret->reason, "quota_exceeded") == 0;
    if (is_movable && try_range(reservation, amendment, ret))
        return true;
    ret->alternatives = is_movable ? instead_of(reservation, amendment, &terms) : "[]";
    return false;
}

/* The first that is open. */
static struct amendment *next_open(const struct reservation *reservation)
{
    for (uint32_t i = 0; i < reservation->amendment_count; i++) {
        if (reservation->amendments[i].state == AMENDMENT_REQUESTED)
            return &reservation->amendments[i];
    }
    return NULL;
}

static void refuse(struct reservation *reservation, struct amendment *amendment, const struct amend_outcome *outcome)
{
    amendment->binding = outcome->binding;
    amendment->alternatives = outcome->alternatives;
    conclude(reservation, amendment, AMENDMENT_REFUSED, outcome->reason);
}

/* Up to one that is granted: it is to be recorded before the next is decided. */
static void decide(struct reservation *reservation)
{
    for (struct amendment *amendment = next_open(reservation); amendment != NULL && !reservation->amended;
         amendment = next_open(reservation)) {
        struct amend_outcome outcome = {0};
        if (amend_try(reservation, amendment, &outcome))
            grant(reservation, amendment, &outcome.terms);
        else
            refuse(reservation, amendment, &outcome);
    }
}

static void cancel_open(struct reservation *reservation)
{
    for (struct amendment *amendment = next_open(reservation); amendment != NULL; amendment = next_open(reservation))
        conclude(reservation, amendment, AMENDMENT_CANCELLED, "not_amendable");
}

void amend_look(struct reservation *reservation)
{
    int state = reservation->is.state;
    if (has_place(reservation))
        decide(reservation);
    else if (state == RESERVATION_ENDING || reservation_fsm.states[state].is_final)
        cancel_open(reservation);
}
