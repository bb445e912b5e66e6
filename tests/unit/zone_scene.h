/* A zone in memory for tests of the state machines: a fleet, wishes, a simulated driver, no database. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/must.h"
#include "tests/unit/zone_parts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define START INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define HOUR  3600

#define NODES_MAX        4
#define RESERVATIONS_MAX 4

struct scene {
    struct zone_terms terms;
    struct node nodes[NODES_MAX];
    struct idmap node_by_id;
    struct arena *arena;
    struct world world;
    struct reservation reservations[RESERVATIONS_MAX];
};

static inline void put_node(struct scene *scene, struct node *node)
{
    node_plannable(&scene->world, node, &node->spec);
    ck_assert_ptr_null(planner_node_put(scene->world.planner, &node->spec));
}

static inline void fleet_of(struct scene *scene, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = &scene->nodes[i];
        *node = enrolled_node(&scene->terms, i + 1);
        idmap_put(&scene->node_by_id, node->id, i);
        node_drive(&scene->world, node);
        put_node(scene, node);
    }
    scene->world.node_count = count;
}

static inline struct scene *scene_new(uint32_t nodes, int64_t lead_s, struct driver_settings driver)
{
    struct scene *scene = calloc(1, sizeof *scene);
    must(scene != NULL);
    scene->terms = (struct zone_terms){.id = identity_number(9, 1), .name = "z", .lead_s = lead_s, .driver = driver};
    scene->arena = arena_new();
    scene->world = (struct world){
        .arena = scene->arena,
        .now_s = START,
        .zone = &scene->terms,
        .planner = planner_new(),
        .driver_ops = &driver_sim,
        .driver = driver_sim.open(),
        .nodes = scene->nodes,
        .node_by_id = &scene->node_by_id,
        .reservations = scene->reservations,
    };
    driver_sim.set(scene->world.driver, &driver);
    fleet_of(scene, nodes);
    return scene;
}

static inline void scene_free(struct scene *scene)
{
    planner_free(scene->world.planner);
    driver_sim.close(scene->world.driver);
    idmap_clear(&scene->node_by_id);
    arena_free(scene->arena);
    free(scene);
}

/* The wish of that number, from 0; they are decided in this order. */
static inline struct reservation *wish_number(struct scene *scene, uint8_t number, int64_t count, int64_t starts_s,
                                              int64_t ends_s)
{
    must(number < RESERVATIONS_MAX);
    if (scene->world.reservation_count <= number)
        scene->world.reservation_count = number + 1U;
    const struct wish wish = {
        .id = identity_number(2, number + 1U),
        .tenant = identity_number(3, 1),
        .shape = {.gpus = 8, .cpu_milli = 1000, .memory_mib = 1000},
        .count = count,
        .starts_s = starts_s,
        .ends_s = ends_s,
        .scope = PLANNER_ZONE,
        .scope_required = true,
        .decide_by_s = NEVER,
        .open_max_percent = -1, /* no cap on what has no end */
    };
    scene->reservations[number] = pending_reservation(&scene->world, &wish);
    return &scene->reservations[number];
}

static inline struct reservation *wish_for(struct scene *scene, int64_t count, int64_t starts_s, int64_t ends_s)
{
    return wish_number(scene, 0, count, starts_s, ends_s);
}

static inline void drive_at(struct scene *scene, int64_t now_s)
{
    scene->world.now_s = now_s;
    reservation_drive(&scene->reservations[0]);
}

static inline bool has_event(const struct scene *scene, const char *kind)
{
    for (uint32_t i = 0; i < scene->world.event_count; i++) {
        if (strcmp(scene->world.events[i].kind, kind) == 0)
            return true;
    }
    return false;
}
