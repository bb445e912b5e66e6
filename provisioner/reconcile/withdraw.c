/* Notices that are withdrawn: whoever was told to go for a place that others no longer want has it back, as far as it
 * is free, while it is still there. Who waits is served before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/holding.h"

#include "common/least.h"

/* Instances looked at in one piece of work: each is up to 40 looks at its node. */
#define LOOKS_MAX 512

static bool may_regain(const struct reservation *reservation)
{
    int state = reservation->is.state;
    bool has_place = state == RESERVATION_SCHEDULED || state == RESERVATION_ACTIVATING || state == RESERVATION_ACTIVE;
    return has_place && reservation->wish.preemptible && reservation->ends_by_s != NEVER &&
           !reservation->wish.cancel_requested;
}

/* The ordinal's one that goes on, or else its last; NULL: none was made yet. */
static struct instance *instance_of(struct reservation *reservation, uint32_t ordinal)
{
    struct instance *last = NULL;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *each = &reservation->instances[i];
        if (each->ordinal == ordinal && (last == NULL || instance_goes_on(each) || !instance_goes_on(last)))
            last = each;
    }
    return last;
}

/* What was open-ended is so again; a window with an end kept it all the time. */
static void tell(struct instance *instance, int64_t ends_by_s)
{
    int64_t window_end_s = instance->reservation->ends_s;
    if (!instance_goes_on(instance) || instance->ends_by_s == ends_by_s)
        return;
    instance->ends_by_s = ends_by_s;
    instance->ends_s = window_end_s == NEVER ? ends_by_s : window_end_s;
    instance->told = true;
    holding_follow_instance(instance);
}

/* As far as it is free, and as its tenant's quotas bear it. Returns when it is to be gone; NEVER: it is not. */
static int64_t regain_one(struct reservation *reservation, uint32_t ordinal, struct instance *instance, int64_t until_s)
{
    struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
    int64_t ends_s = reservation->ends_s;
    int64_t borne_s = instance == NULL ? ends_s : holding_borne_until(instance, until_s, ends_s);
    if (until_s < borne_s)
        until_s = planner_extend(reservation->world->planner, &key, borne_s);
    int64_t ends_by_s = until_s < ends_s ? until_s : NEVER;
    if (instance != NULL)
        tell(instance, ends_by_s);
    return ends_by_s;
}

/* Its first end is that of who is still there; where none of them is to go, when the first went who is gone. */
static void regain(struct reservation *reservation)
{
    struct world *world = reservation->world;
    int64_t from_s = reservation->starts_s > world->now_s ? reservation->starts_s : world->now_s;
    int64_t first_s = NEVER, went_s = NEVER;
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
        struct instance *instance = instance_of(reservation, ordinal);
        int64_t until_s = 0;
        if (world_held_until(world, &key, from_s, &until_s))
            first_s = least_of(first_s, regain_one(reservation, ordinal, instance, until_s));
        else if (instance == NULL) /* it lost all of it before it began */
            first_s = least_of(first_s, reservation->ends_by_s);
        else
            went_s = least_of(went_s, instance->ends_by_s);
    }
    int64_t ends_by_s = first_s == NEVER ? went_s : first_s;
    reservation->told = reservation->told || ends_by_s != reservation->ends_by_s;
    reservation->ends_by_s = ends_by_s;
}

uint32_t notices_withdraw(struct world *world, const struct identity *told, uint32_t count)
{
    uint32_t looked = 0;
    int64_t looks = 0;
    for (; looked < count && looks < LOOKS_MAX; looked++) {
        struct reservation *reservation = world_reservation(world, told[looked]);
        if (reservation == NULL || !may_regain(reservation))
            continue;
        looks += reservation->wish.count;
        regain(reservation);
        reservation_drive(reservation);
    }
    return looked;
}

void notice_follow(struct reservation *reservation)
{
    int64_t now_s = reservation->world->now_s;
    int64_t next_s = NEVER;
    if (!reservation->wish.preemptible || reservation->ends_by_s > now_s)
        return;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        if (instance_goes_on(instance) && instance->ends_by_s > now_s)
            next_s = least_of(next_s, instance->ends_by_s);
    }
    if (next_s == NEVER)
        return;
    reservation->ends_by_s = next_s;
    reservation->changed = true;
}

/* ---- Whose turn it is ---- */

void withdrawal_want(struct withdrawal *withdrawal)
{
    if (withdrawal->is_under_way)
        withdrawal->begins_again = true;
    else
        *withdrawal = (struct withdrawal){.is_under_way = true};
}

void withdrawal_go_on(struct withdrawal *withdrawal, const struct told *told, uint32_t looked)
{
    if (looked < told->count || told->has_more)
        withdrawal->after = told->ids[looked - 1];
    else
        *withdrawal = (struct withdrawal){.is_under_way = withdrawal->begins_again};
}
