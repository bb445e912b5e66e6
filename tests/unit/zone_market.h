/* A zone in memory in which some give way to others, with the whole of a piece of work: for tests of what one verdict moves in
 * other objects. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/reconcile/verdict.h"
#include "tests/unit/zone_scene.h"

#define NOTICE_S 120

static inline struct scene *market_new(uint32_t nodes)
{
    struct scene *scene = scene_new(nodes, 0, (struct driver_settings){0});
    scene->terms.preemption_notice_s = NOTICE_S;
    return scene;
}

/* Whom the zone would read of the database. */
static inline struct told told_of(struct scene *scene)
{
    struct world *world = &scene->world;
    struct told told = {.ids = arena_alloc(world->arena, RESERVATIONS_MAX * sizeof *told.ids)};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        if (reservation->ends_by_s > world->now_s && reservation->ends_by_s != NEVER)
            told.ids[told.count++] = reservation->wish.id;
    }
    return told;
}

/* One piece of work at an instant, as the zone does it. */
static inline void work_at(struct scene *scene, int64_t now_s)
{
    struct world *world = &scene->world;
    world->now_s = now_s;
    world->evicting_count = 0;
    planner_begin(world->planner);
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        world->reservations[i].was = world->reservations[i].is;
        world->reservations[i].granted = world->reservations[i].refused = false;
    }
    for (uint32_t i = 0; i < world->reservation_count; i++)
        horizon_hold(&world->reservations[i]);
    for (uint32_t i = 0; i < world->window_count; i++)
        maintenance_drive(&world->windows[i]);
    for (uint32_t i = 0; i < world->reservation_count; i++)
        reservation_drive(&world->reservations[i]);
    for (uint32_t i = 0; i < world->reservation_count && world->capacity_returned; i++)
        reservation_drive(&world->reservations[i]); /* whoever waits for another place asks again */
    waitlist_serve(world);
    evictions_settle(world);
    struct told told = told_of(scene);
    if (world->capacity_returned)
        ck_assert_uint_eq(notices_withdraw(world, told.ids, told.count), told.count);
    world->capacity_returned = false;
    planner_commit(world->planner);
    planner_verify(world->planner);
}

static inline struct reservation *preemptible_for(struct scene *scene, uint8_t number, int64_t count, int64_t ends_s)
{
    struct reservation *reservation = wish_number(scene, number, count, NEVER, ends_s);
    reservation->wish.preemptible = true;
    return reservation;
}
