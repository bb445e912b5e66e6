/* Notices that are withdrawn: whoever was told to go for a place that others no longer want has it back, as far as it is
 * free, while it is still there. Who waits is served before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/world.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool may_regain(const struct reservation *reservation)
{
    int state = reservation->is.state;
    bool has_place = state == RESERVATION_SCHEDULED || state == RESERVATION_ACTIVATING || state == RESERVATION_ACTIVE;
    return has_place && reservation->wish.preemptible && reservation->ends_by_s != NEVER &&
           !reservation->wish.cancel_requested;
}

/* What was open-ended is so again; a window with an end kept it all the time. */
static void tell(struct reservation *reservation, uint32_t ordinal, int64_t ends_by_s)
{
    int64_t window_end_s = reservation->ends_s;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *instance = &reservation->instances[i];
        bool lasts = !instance_is_gone(instance) && instance->is.state != INSTANCE_STOPPING;
        if (instance->ordinal != ordinal || !lasts || instance->ends_by_s == ends_by_s)
            continue;
        instance->ends_by_s = ends_by_s;
        instance->ends_s = window_end_s == NEVER ? ends_by_s : window_end_s;
        instance->told = true;
    }
}

static void regain(struct reservation *reservation)
{
    struct world *world = reservation->world;
    int64_t from_s = reservation->starts_s > world->now_s ? reservation->starts_s : world->now_s;
    int64_t first_s = NEVER;
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
        int64_t until_s = 0;
        if (!world_held_until(world, &key, from_s, &until_s)) { /* gone, or it lost all of it */
            first_s = least(first_s, reservation->ends_by_s);
            continue;
        }
        if (until_s < reservation->ends_s)
            until_s = planner_extend(world->planner, &key, reservation->ends_s);
        int64_t ends_by_s = until_s < reservation->ends_s ? until_s : NEVER;
        first_s = least(first_s, ends_by_s);
        tell(reservation, ordinal, ends_by_s);
    }
    reservation->told = reservation->told || first_s != reservation->ends_by_s;
    reservation->ends_by_s = first_s;
}

void notices_withdraw(struct world *world)
{
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        struct reservation *reservation = &world->reservations[i];
        if (!may_regain(reservation))
            continue;
        regain(reservation);
        reservation_drive(reservation);
    }
}
