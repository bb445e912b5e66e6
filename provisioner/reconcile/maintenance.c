/* Taking nodes for maintenance: who stands in the way is moved aside, or named. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/maintenance.h"

#include "provisioner/reconcile/moving.h"

#include <inttypes.h>
#include <string.h>

static struct planner_key key_of(const struct maintenance *window, uint32_t node)
{
    return (struct planner_key){.reservation = planner_id_of(window->id), .ordinal = node};
}

bool maintenance_is_of(const struct world *world, struct identity id)
{
    for (uint32_t i = 0; i < world->window_count; i++) {
        if (identity_equal(world->windows[i].id, id))
            return true;
    }
    return false;
}

static void find_hits_on(const struct world *world, const struct maintenance *window, struct identity node,
                         void (*found)(void *context, struct identity reservation), void *context)
{
    uint32_t count = 0;
    const struct planner_allocation *hits =
        planner_hits(world->planner, planner_id_of(node), window->starts_s, window->ends_s, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!hits[i].maintenance)
            found(context, identity_of(hits[i].key.reservation));
    }
}

void maintenance_find_hits(const struct world *world, void (*found)(void *context, struct identity reservation),
                           void *context)
{
    for (uint32_t i = 0; i < world->window_count; i++) {
        const struct maintenance *window = &world->windows[i];
        for (uint32_t j = 0; window->is.state == MAINTENANCE_PENDING && j < window->node_count; j++)
            find_hits_on(world, window, window->nodes[j], found, context);
    }
}

/* ---- Who stands in the way ---- */

struct aside {
    struct maintenance *window;
    struct reservation **movable; /* each once */
    uint32_t count, capacity;
    const char *conflict; /* JSON rows, separated by commas; "" while there is none */
};

static void object_to(struct aside *aside, struct identity id, const char *why)
{
    struct arena *arena = aside->window->world->arena;
    char uuid[UUID_TEXT_SIZE];
    identity_to_uuid(id, uuid);
    if (strstr(aside->conflict, uuid) != NULL)
        return; /* named already: it holds several of the nodes */
    aside->conflict = arena_format(arena, "%s%s{\"id\":\"%s\",\"why\":\"%s\"}", aside->conflict,
                                   aside->conflict[0] == '\0' ? "" : ",", uuid, why);
}

static void add_movable(struct aside *aside, struct reservation *reservation)
{
    for (uint32_t i = 0; i < aside->count; i++) {
        if (aside->movable[i] == reservation)
            return;
    }
    if (aside->count == aside->capacity) {
        struct arena *arena = aside->window->world->arena;
        aside->capacity = aside->capacity == 0 ? 16 : 2 * aside->capacity;
        struct reservation **larger = arena_alloc(arena, aside->capacity * sizeof *larger);
        if (aside->count > 0)
            memcpy(larger, aside->movable, aside->count * sizeof *larger);
        aside->movable = larger;
    }
    aside->movable[aside->count++] = reservation;
}

static void look_at_node(struct aside *aside, struct identity node)
{
    struct maintenance *window = aside->window;
    struct world *world = window->world;
    uint32_t count = 0;
    const struct planner_allocation *hits =
        planner_hits(world->planner, planner_id_of(node), window->starts_s, window->ends_s, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct identity id = identity_of(hits[i].key.reservation);
        struct reservation *reservation = hits[i].maintenance ? NULL : world_reservation(world, id);
        if (hits[i].maintenance)
            object_to(aside, id, "maintenance");
        else if (reservation_may_move(reservation))
            add_movable(aside, reservation);
        else
            object_to(aside, id, "begun");
    }
}

/* ---- Taking the nodes ---- */

static void take(struct aside *aside)
{
    struct maintenance *window = aside->window;
    struct planner *planner = window->world->planner;
    for (uint32_t i = 0; i < aside->count; i++)
        reservation_release(aside->movable[i]);
    for (uint32_t i = 0; i < window->node_count; i++) {
        struct planner_key key = key_of(window, i);
        if (!planner_block(planner, &key, planner_id_of(window->nodes[i]), window->starts_s, window->ends_s))
            object_to(aside, window->nodes[i], "node_unknown");
    }
    for (uint32_t i = 0; i < aside->count; i++) {
        if (!reservation_place_again(aside->movable[i]))
            object_to(aside, aside->movable[i]->wish.id, "no_other_place");
    }
}

void maintenance_decide(struct maintenance *window)
{
    struct planner *planner = window->world->planner;
    struct aside aside = {.window = window, .conflict = ""};
    uint32_t savepoint = planner_savepoint(planner);
    for (uint32_t i = 0; i < window->node_count; i++)
        look_at_node(&aside, window->nodes[i]);
    if (aside.conflict[0] == '\0')
        take(&aside);
    window->granted = aside.conflict[0] == '\0';
    window->refused = !window->granted;
    window->moved_count = window->granted ? aside.count : 0;
    if (window->granted)
        return;
    planner_rollback_to(planner, savepoint);
    window->reason = "maintenance_conflict";
    window->conflict = arena_format(window->world->arena, "[%s]", aside.conflict);
}
