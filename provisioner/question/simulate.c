/* The simulation's fields, and the wishes' part of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/simulate.h"
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/verdict.h"

#include <string.h>

#define LINES_MAX 1000 /* of additions, and of removals */

// clang-format off
#define AT(member) offsetof(struct simulate_addition, member)
static const struct question_field addition_fields[] = {
    {"gpu_model",      .type = QUESTION_TEXT, AT(gpu_model), .required = true},
    {"grouping",       .type = QUESTION_TEXT, AT(grouping)},
    {"fabric",         .type = QUESTION_ID,   AT(fabric)},
    {"nodes_per_rack", .type = QUESTION_INT,  AT(nodes_per_rack), .if_absent = 8, .least = 1, .most = SIMULATE_NODES_MAX},
    {"gpus",           .type = QUESTION_INT,  AT(gpus), .required = true, .least = 1, .most = PLANNER_NODE_GPUS_MAX},
    {"count",          .type = QUESTION_INT,  AT(count), .required = true, .least = 1, .most = SIMULATE_NODES_MAX},
    {"cpu_milli",      .type = QUESTION_INT,  AT(cpu_milli), .required = true, .least = 0, .most = INT64_MAX},
    {"memory_mib",     .type = QUESTION_INT,  AT(memory_mib), .required = true, .least = 0, .most = INT64_MAX},
    {"turnaround_s",   .type = QUESTION_INT,  AT(turnaround_s), .least = 0, .most = INT32_MAX},
    {.name = NULL},
};
#undef AT

static const struct question_field removal_fields[] = {
    {"node", .type = QUESTION_ID, offsetof(struct simulate_removal, node), .required = true},
    {.name = NULL},
};

static const struct question_field simulate_fields[] = {
    {"wishes",    .type = QUESTION_ROWS, offsetof(struct simulate, wishes), .least = 0, .most = SIMULATE_WISHES_MAX, .fields = question_wish_fields, .size = sizeof(struct question_wish)},
    {"additions", .type = QUESTION_ROWS, offsetof(struct simulate, additions), .least = 0, .most = LINES_MAX, .fields = addition_fields, .size = sizeof(struct simulate_addition)},
    {"removals",  .type = QUESTION_ROWS, offsetof(struct simulate, removals), .least = 0, .most = LINES_MAX, .fields = removal_fields, .size = sizeof(struct simulate_removal)},
    {.name = NULL},
};
// clang-format on

/* A reservation that nobody else has: its place in the list. */
static struct identity reservation_of(uint32_t place)
{
    struct identity id = {0};
    uint32_t number = place + 1;
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

/* Those whose places its verdict took. */
static void displace(struct world *world, json_t *displaced)
{
    for (uint32_t i = 0; i < world->eviction_count; i++) {
        const struct eviction *eviction = &world->evictions[i];
        struct planner_key key = {.reservation = planner_id_of(eviction->reservation), .ordinal = eviction->ordinal};
        json_array_append_new(displaced,
                              simulate_displaced(&key, planner_id_of(eviction->node), "preempted", eviction->ends_s));
    }
    world->eviction_count = 0;
}

static json_t *refused(json_t *binding)
{
    return json_pack("{s:b, s:o}", "admitted", 0, "binding", binding);
}

/* As a verdict is reached, and held for those behind it. */
static json_t *decide(struct world *world, const struct question_wish *wish, uint32_t place,
                      const struct question_view *view, json_t *displaced)
{
    struct wish_posted posted;
    struct reservation reservation;
    const char *wrong = question_wish_read(wish, view, world, &posted, &reservation);
    if (wrong != NULL)
        return refused(json_pack("{s:s, s:s}", "constraint", "request", "message", wrong));
    reservation.wish.id = reservation_of(place);
    verdict_decide(&reservation);
    if (!reservation.granted)
        return refused(json_loads(reservation.binding, 0, NULL));
    displace(world, displaced);
    reservation.is.state = RESERVATION_SCHEDULED;
    holding_follow(&reservation);
    json_t *to = reservation.ends_s == NEVER ? json_null() : json_integer(reservation.ends_s);
    return json_pack("{s:b, s:I, s:o}", "admitted", 1, "from_s", (json_int_t)reservation.starts_s, "to_s", to);
}

/* Upon the changed fleet, each upon the last; the quotas are as before when it ends. */
static json_t *decide_all(struct planner *planner, const struct simulate *question, const struct question_view *view,
                          json_t *displaced)
{
    const struct question_wish *wishes = question->wishes.items;
    struct world world = *view->world;
    world.arena = view->arena;
    world.planner = planner;
    simulate_nodes(question, &world);
    json_t *items = json_array(); /* in the order of the wishes */
    if (world.quotas != NULL)
        quotas_begin(world.quotas);
    for (uint32_t i = 0; i < question->wishes.count; i++)
        json_array_append_new(items, decide(&world, &wishes[i], i, view, displaced));
    if (world.quotas != NULL)
        quotas_rollback(world.quotas);
    return items;
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct simulate *question = asked;
    struct planner *planner = planner_copy(view->planner);
    json_t *displaced = json_array();
    int64_t moved = 0;
    const char *wrong = simulate_add(planner, question, view);
    if (wrong == NULL)
        wrong = simulate_remove(planner, question, view, displaced, &moved);
    if (wrong == NULL) {
        json_t *items = decide_all(planner, question, view, displaced);
        ret->answer = json_pack("{s:o, s:o, s:I}", "items", items, "displaced", displaced, "moved", (json_int_t)moved);
    } else {
        json_decref(displaced);
        question_refuse(view, ret, "cannot_simulate", "%s", wrong);
    }
    planner_free(planner);
}

const struct question_kind question_simulate = {"simulate", simulate_fields, sizeof(struct simulate), answer, false};
