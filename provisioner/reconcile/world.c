/* What the machines share: finding nodes, moving a lifecycle, recording what happened. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/world.h"

#include "common/must.h"

#include <string.h>

struct node *world_node(const struct world *world, struct identity id)
{
    uint32_t at = idmap_find(world->node_by_id, id);
    return at == IDMAP_NONE ? NULL : &world->nodes[at];
}

void lifecycle_move(struct lifecycle *is, const struct fsm_transition *row)
{
    if (row->to != row->from) {
        is->attempts = 0;
        is->due_s = NEVER;
        is->deadline_s = NEVER;
    }
    is->state = row->to;
    is->revision++;
}

/* Doubles an array of the arena's; what it leaves behind goes with the arena. */
static void *grown(struct arena *arena, const void *old, uint32_t count, uint32_t *capacity, size_t size)
{
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    void *larger = arena_alloc(arena, *capacity * size);
    if (count > 0)
        __builtin_memcpy(larger, old, count * size);
    return larger;
}

void world_record(struct world *world, const struct event_record *event)
{
    must(event->revision > 0);
    if (world->event_count == world->event_capacity)
        world->events =
            grown(world->arena, world->events, world->event_count, &world->event_capacity, sizeof *world->events);
    world->events[world->event_count++] = *event;
}

void world_touch(struct world *world, struct node *node)
{
    if (world->touched_count == world->touched_capacity)
        world->touched =
            grown(world->arena, world->touched, world->touched_count, &world->touched_capacity, sizeof *world->touched);
    world->touched[world->touched_count++] = node;
}

void world_stay(struct world *world, const struct stay *stay)
{
    if (world->stay_count == world->stay_capacity)
        world->stays =
            grown(world->arena, world->stays, world->stay_count, &world->stay_capacity, sizeof *world->stays);
    world->stays[world->stay_count++] = *stay;
}

void world_evict(struct world *world, const struct eviction *eviction)
{
    if (world->eviction_count == world->eviction_capacity)
        world->evictions = grown(world->arena, world->evictions, world->eviction_count, &world->eviction_capacity,
                                 sizeof *world->evictions);
    world->evictions[world->eviction_count++] = *eviction;
}

struct reservation *world_reservation(const struct world *world, struct identity id)
{
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        if (identity_equal(world->reservations[i].wish.id, id))
            return &world->reservations[i];
    }
    return NULL;
}

bool world_held_until(const struct world *world, const struct planner_key *key, int64_t instant, int64_t *ret_until_s)
{
    const struct planner_node *place = planner_node_of(world->planner, key, instant);
    struct planner_allocation held;
    if (place == NULL || !planner_get(world->planner, key, place->id, &held))
        return false;
    int64_t until_s = INT64_MIN;
    for (uint32_t i = 0; i < held.rectangle_count; i++) {
        if (held.rectangles[i].kind == PLANNER_HELD && held.rectangles[i].to > until_s)
            until_s = held.rectangles[i].to;
    }
    *ret_until_s = until_s;
    return true;
}

bool world_held_from(const struct world *world, const struct planner_key *key, int64_t instant, int64_t *ret_from_s)
{
    const struct planner_node *place = planner_node_of(world->planner, key, instant);
    struct planner_allocation held;
    if (place == NULL || !planner_get(world->planner, key, place->id, &held))
        return false;
    int64_t from_s = INT64_MAX;
    for (uint32_t i = 0; i < held.rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &held.rectangles[i];
        if (rectangle->kind == PLANNER_HELD && rectangle->to > instant && rectangle->from < from_s)
            from_s = rectangle->from;
    }
    *ret_from_s = from_s;
    return true;
}

bool world_has_verdict(const struct world *world)
{
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        int was = world->reservations[i].was.state;
        bool was_open = was == RESERVATION_PENDING || was == RESERVATION_WAITLISTED || was == RESERVATION_HELD;
        if ((was_open && world->reservations[i].changed) || world->reservations[i].amendment_count > 0)
            return true;
    }
    return false;
}
