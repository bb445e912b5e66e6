/* Giving way: what a verdict by preemption means for those whose place it took.
 *
 * The planner has cut them when it answered; here they are told. Their reservations belong to the same piece of work as
 * the verdict, so that both are written or neither is: those it had not read are read after deciding, before this. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/giving_way.h"

#include "common/least.h"
#include "common/must.h"

void evictions_note(struct world *world, const struct planner_verdict *verdict)
{
    for (uint32_t i = 0; verdict->placed && i < verdict->eviction_count; i++) {
        const struct planner_eviction *eviction = &verdict->evictions[i];
        world_evict(world, &(struct eviction){.reservation = identity_of(eviction->key.reservation),
                                              .ordinal = eviction->key.ordinal,
                                              .node = identity_of(eviction->node),
                                              .ends_s = eviction->ends});
    }
}

/* What was open-ended is promised until then and no longer; a window with an end keeps it, and its rest is lost. */
static void tell_instance(struct instance *instance, int64_t ends_s)
{
    if (!instance_goes_on(instance))
        return;
    instance->ends_by_s = ends_s;
    instance->told = true;
    if (instance->ends_s == NEVER)
        instance->ends_s = ends_s;
}

/* Instances that are still to be made find in the planner what is left to them. */
static void tell(struct reservation *reservation, const struct eviction *eviction)
{
    int64_t ends_s = eviction->ends_s > reservation->starts_s ? eviction->ends_s : reservation->starts_s;
    bool is_of_who_went = reservation->ends_by_s <= reservation->world->now_s;
    reservation->ends_by_s = is_of_who_went ? ends_s : least_of(reservation->ends_by_s, ends_s);
    reservation->told = true;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        if (reservation->instances[i].ordinal == eviction->ordinal)
            tell_instance(&reservation->instances[i], ends_s);
    }
}

void evictions_settle(struct world *world)
{
    for (uint32_t i = 0; i < world->eviction_count; i++) {
        struct reservation *reservation = world_reservation(world, world->evictions[i].reservation);
        must(reservation != NULL);
        tell(reservation, &world->evictions[i]);
    }
    for (uint32_t i = 0; i < world->eviction_count; i++) {
        struct reservation *reservation = world_reservation(world, world->evictions[i].reservation);
        if (reservation->told)
            reservation_drive(reservation);
    }
    world->eviction_count = 0;
}
