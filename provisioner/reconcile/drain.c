/* Draining nodes: each reservation on them that may move does, or stays as it was. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/drain.h"

#include "provisioner/reconcile/moving.h"

void drains_find_hits(const struct world *world, void (*found)(void *context, struct identity reservation),
                      void *context)
{
    for (uint32_t i = 0; i < world->draining_count; i++) {
        uint32_t count = 0;
        const struct planner_allocation *hits =
            planner_hits(world->planner, planner_id_of(world->draining[i]), world->now_s, NEVER, &count);
        for (uint32_t j = 0; j < count; j++) {
            if (!hits[j].maintenance)
                found(context, identity_of(hits[j].key.reservation));
        }
    }
}

struct movable {
    struct world *world;
    struct reservation **items; /* some of them more than once */
    uint32_t count, capacity;
};

static void add(void *context, struct identity id)
{
    struct movable *movable = context;
    struct reservation *reservation = world_reservation(movable->world, id);
    if (!reservation_may_move(reservation))
        return;
    if (movable->count == movable->capacity) {
        movable->capacity = movable->capacity == 0 ? 16 : 2 * movable->capacity;
        struct reservation **larger = arena_alloc(movable->world->arena, movable->capacity * sizeof(*larger));
        for (uint32_t i = 0; i < movable->count; i++)
            larger[i] = movable->items[i];
        movable->items = larger;
    }
    movable->items[movable->count++] = reservation;
}

/* Elsewhere, or it stays as it is. */
static void move(struct world *world, struct reservation *reservation)
{
    uint32_t savepoint = planner_savepoint(world->planner);
    reservation_release(reservation);
    if (!reservation_place_again(reservation))
        planner_rollback_to(world->planner, savepoint);
}

void drains_drive(struct world *world)
{
    struct movable movable = {.world = world};
    drains_find_hits(world, add, &movable); /* the planner's answer holds until it is asked again: all of them first */
    for (uint32_t i = 0; i < movable.count; i++) {
        bool is_first = true;
        for (uint32_t j = 0; j < i && is_first; j++)
            is_first = movable.items[j] != movable.items[i];
        if (is_first)
            move(world, movable.items[i]);
    }
}
