/* Open-ended reservations. Where the tenant has a horizon they are guaranteed for that long from now on, step by step:
 * the planner holds a step more than the horizon, so that later windows may be sold behind it, and who cannot be held
 * longer learns it a whole horizon ahead. And of a type only so much is sold without an end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/horizon.h"

#include "common/calendar.h"
#include "common/least.h"

#include <inttypes.h>
#include <string.h>

#define STEPS_PER_HORIZON 8
#define STEP_LEAST_S      60
#define CLOSED_MOST_S     (366 * CALENDAR_DAY_S)
#define ASKED_CREDIT_S    CALENDAR_DAY_S /* for what has no end, where the tenant has no horizon (credit_need) */

static int64_t step_of(const struct wish *wish)
{
    int64_t step_s = wish->horizon_s / STEPS_PER_HORIZON;
    return step_s > STEP_LEAST_S ? step_s : STEP_LEAST_S;
}

int64_t horizon_end(const struct wish *wish, int64_t from_s, int64_t ends_s)
{
    return ends_s == NEVER && wish->horizon_s > 0 ? from_s + wish->horizon_s + step_of(wish) : ends_s;
}

/* Its end may come nearer, go further away, or out of sight again. */
static void tell(struct reservation *reservation, uint32_t ordinal, int64_t ends_by_s)
{
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *instance = &reservation->instances[i];
        if (instance->ordinal != ordinal || !instance_goes_on(instance) || instance->ends_by_s == ends_by_s)
            continue;
        instance->ends_by_s = ends_by_s;
        instance->ends_s = ends_by_s;
        instance->told = true;
    }
}

static bool is_rolling(const struct reservation *reservation)
{
    int state = reservation->is.state;
    bool has_place = state == RESERVATION_SCHEDULED || state == RESERVATION_ACTIVATING || state == RESERVATION_ACTIVE;
    return has_place && reservation->ends_s == NEVER && !reservation->wish.preemptible &&
           !reservation->wish.cancel_requested;
}

static int64_t from_s_of(const struct reservation *reservation)
{
    return greatest_of(reservation->starts_s, reservation->world->now_s);
}

/* The end of what is guaranteed now. */
static int64_t guaranteed_s(const struct reservation *reservation)
{
    int64_t horizon_s = reservation->wish.horizon_s;
    return horizon_s > 0 ? from_s_of(reservation) + horizon_s : NEVER;
}

/* The plan holds nothing for it any more, as if it were over; but it is there, or was to be. (What is being replaced has
 * its place taken from it, and asks for another.) */
static bool has_lapsed(const struct reservation *reservation, uint32_t ordinal)
{
    bool is_there = reservation->instance_count == 0 && reservation->starts_s <= reservation->world->now_s;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        is_there |=
            instance->ordinal == ordinal && instance_lasts(instance) && instance->is.state != INSTANCE_REPLACING;
    }
    return is_there;
}

/* Until when one place is held: longer where it is time, and anew where nobody led while that passed; as far as it is
 * free. False: it is over, or without a place for now. */
static bool hold_place(const struct reservation *reservation, uint32_t ordinal, int64_t *ret_until_s)
{
    struct world *world = reservation->world;
    struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
    int64_t from_s = from_s_of(reservation);
    int64_t to_s = horizon_end(&reservation->wish, from_s, NEVER);
    if (world_held_until(world, &key, from_s, ret_until_s)) {
        if (*ret_until_s != NEVER && *ret_until_s <= guaranteed_s(reservation))
            *ret_until_s = planner_extend(world->planner, &key, to_s);
        return true;
    }
    if (!has_lapsed(reservation, ordinal))
        return false;
    *ret_until_s = planner_resume(world->planner, &key, from_s, to_s);
    return true;
}

void horizon_hold(const struct reservation *reservation)
{
    for (uint32_t ordinal = 0; is_rolling(reservation) && ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        int64_t until_s = 0;
        (void)hold_place(reservation, ordinal, &until_s); /* what became of it horizon_keep tells */
    }
}

/* When to look again at a place that is held until then. */
static int64_t due_s_of(const struct reservation *reservation, int64_t until_s)
{
    if (until_s == NEVER)
        return NEVER;
    bool is_short = until_s <= guaranteed_s(reservation);
    return is_short ? reservation->world->now_s + step_of(&reservation->wish) : until_s - reservation->wish.horizon_s;
}

void horizon_keep(struct reservation *reservation)
{
    reservation->horizon_due_s = NEVER;
    if (!is_rolling(reservation))
        return;
    int64_t first_s = NEVER;
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        int64_t until_s = 0;
        if (!hold_place(reservation, ordinal, &until_s)) {
            first_s = least_of(first_s, reservation->ends_by_s);
            continue;
        }
        bool is_short = until_s != NEVER && until_s <= guaranteed_s(reservation);
        int64_t ends_by_s = is_short ? until_s : NEVER;
        reservation->horizon_due_s = least_of(reservation->horizon_due_s, due_s_of(reservation, until_s));
        first_s = least_of(first_s, ends_by_s);
        tell(reservation, ordinal, ends_by_s);
    }
    reservation->told |= first_s != reservation->ends_by_s;
    reservation->ends_by_s = first_s;
}

/* ---- How much of a type is sold without an end ---- */

static bool allows(const struct wish *wish, const char *gpu_model)
{
    for (uint32_t i = 0; i < wish->gpu_model_count; i++) {
        if (strcmp(wish->gpu_models[i], gpu_model) == 0)
            return true;
    }
    return wish->gpu_model_count == 0;
}

static int64_t fleet_milli(const struct world *world, const struct wish *wish)
{
    int64_t milli = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct planner_node *node = &world->nodes[i].spec;
        if (allows(wish, node->gpu_model))
            milli += (int64_t)node->gpus * PLANNER_GPU_MILLI;
    }
    return milli;
}

int64_t horizon_taken_milli(const struct reservation *reservation)
{
    int state = reservation->is.state; /* of enum reservation_state */
    bool has_place = reservation->granted || state == RESERVATION_HELD || state == RESERVATION_SCHEDULED ||
                     state == RESERVATION_ACTIVATING || state == RESERVATION_ACTIVE;
    bool is_open = has_place && reservation->ends_s == NEVER;
    return is_open ? reservation->wish.count * instance_gpu_milli(&reservation->wish) : 0;
}

/* Beside what was read: what this piece of work has granted, less what it has ended. */
static int64_t sold_just_now(const struct world *world, const struct wish *wish)
{
    int64_t milli = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *other = &world->reservations[i];
        if (identity_equal(other->wish.type, wish->type))
            milli += horizon_taken_milli(other) - other->taken_milli_was;
    }
    return milli;
}

static int64_t sold_milli(const struct reservation *reservation)
{
    return reservation->wish.open_sold_milli + sold_just_now(reservation->world, &reservation->wish);
}

static int64_t most_milli(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    return fleet_milli(reservation->world, wish) * wish->open_max_percent / 100;
}

int64_t horizon_share_left(const struct reservation *reservation)
{
    int64_t left = most_milli(reservation) - sold_milli(reservation);
    return left > 0 ? left / instance_gpu_milli(&reservation->wish) : 0;
}

int64_t horizon_closed_most_s(const struct reservation *reservation)
{
    if (!reservation->is_limited)
        return CLOSED_MOST_S;
    return reservation->wish.horizon_s > 0 ? reservation->wish.horizon_s : ASKED_CREDIT_S;
}

bool horizon_has_share(struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    struct world *world = reservation->world;
    if (!wish_is_open(wish) || wish->open_max_percent < 0)
        return true;
    if (wish->count <= horizon_share_left(reservation))
        return true;
    int64_t asked = wish->count * instance_gpu_milli(wish);
    int64_t sold = sold_milli(reservation);
    int64_t most = most_milli(reservation);
    reservation->reason = "capacity_unavailable";
    reservation->binding = arena_format(world->arena,
                                        "{\"constraint\":\"open_ended_share\",\"message\":\"%" PRId64
                                        " %% of the type's GPUs are sold without an end; "
                                        "give the window one\",\"asked_gpu_milli\":%" PRId64
                                        ",\"sold_gpu_milli\":%" PRId64 ",\"most_gpu_milli\":%" PRId64 "}",
                                        wish->open_max_percent, asked, sold, most);
    return false;
}
