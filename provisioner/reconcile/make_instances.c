/* The instances of a reservation whose window is near: one for each place that it was given. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/instance.h"

#include "common/must.h"

/* What a preemptible instance has left, if others took its place since the verdict; NEVER: all of its window. */
static int64_t left_until_s(const struct reservation *reservation, const struct planner_key *key)
{
    int64_t until_s = 0;
    if (!reservation->wish.preemptible)
        return NEVER;
    if (!world_held_until(reservation->world, key, reservation->starts_s, &until_s))
        return reservation->starts_s;
    return until_s < reservation->ends_s ? until_s : NEVER;
}

void instance_make(struct reservation *reservation, struct instance *ret, uint32_t ordinal, int64_t starts_s)
{
    struct world *world = reservation->world;
    struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
    const struct planner_node *place = planner_node_of(world->planner, &key, starts_s);
    *ret = (struct instance){
        .reservation = reservation,
        .id = identity_new(),
        .ordinal = ordinal,
        .has_node = place != NULL,
        .incarnation = 1,
        .starts_s = starts_s,
        .ends_s = reservation->ends_s,
        .ends_by_s = left_until_s(reservation, &key),
        .changed = true,
        .is = {.state = INSTANCE_PLANNED, .revision = 1, .due_s = NEVER},
    };
    if (place != NULL)
        ret->node = identity_of(place->id);
    /* Within the window the place is its own. */
    ret->is_clean = place != NULL && starts_s <= world->now_s && instance_place_is_clean(world, ret->node);
    int64_t free_s = world_free_s(world);
    int64_t later_s = starts_s > free_s ? starts_s : free_s;
    ret->is.deadline_s = later_s + CLEAN_LIMIT_S;
    if (ret->ends_s == NEVER)
        ret->ends_s = ret->ends_by_s;
    instance_record(ret, "planned", 0, world->now_s);
}

void reservation_make_instances(struct reservation *reservation)
{
    must(reservation->instance_count == 0);
    reservation->instance_count = (uint32_t)reservation->wish.count;
    reservation->instances =
        arena_alloc(reservation->world->arena, reservation->instance_count * sizeof *reservation->instances);
    for (uint32_t ordinal = 0; ordinal < reservation->instance_count; ordinal++)
        instance_make(reservation, &reservation->instances[ordinal], ordinal, reservation->starts_s);
}
