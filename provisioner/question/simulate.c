/* The simulation's fields, and the wishes' part of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/simulate.h"

#include <string.h>

#define LINES_MAX 1000 /* of additions, and of removals */

// clang-format off
static const struct question_field wish_fields[] = {
    {"terms",  .type = QUESTION_OBJECT, offsetof(struct simulate_wish, terms), .required = true, .fields = question_terms_fields},
    {"from_s", .type = QUESTION_INT,    offsetof(struct simulate_wish, from_s), .if_absent = PLANNER_OPEN},
    {"to_s",   .type = QUESTION_INT,    offsetof(struct simulate_wish, to_s), .if_absent = PLANNER_OPEN},
    {"duration_s", .type = QUESTION_INT, offsetof(struct simulate_wish, duration_s), .least = 0, .most = PLANNER_INSTANT_MAX / 2},
    {"start_to_s", .type = QUESTION_INT, offsetof(struct simulate_wish, start_to_s), .if_absent = PLANNER_OPEN},
    {.name = NULL},
};

#define AT(member) offsetof(struct simulate_addition, member)
static const struct question_field addition_fields[] = {
    {"gpu_model",    .type = QUESTION_TEXT, AT(gpu_model), .required = true},
    {"grouping",     .type = QUESTION_TEXT, AT(grouping)},
    {"fabric",         .type = QUESTION_ID,   AT(fabric)},
    {"nodes_per_rack", .type = QUESTION_INT,  AT(nodes_per_rack), .if_absent = 8, .least = 1, .most = SIMULATE_NODES_MAX},
    {"gpus",         .type = QUESTION_INT,  AT(gpus), .required = true, .least = 1, .most = PLANNER_NODE_GPUS_MAX},
    {"count",        .type = QUESTION_INT,  AT(count), .required = true, .least = 1, .most = SIMULATE_NODES_MAX},
    {"cpu_milli",    .type = QUESTION_INT,  AT(cpu_milli), .required = true, .least = 0, .most = INT64_MAX},
    {"memory_mib",   .type = QUESTION_INT,  AT(memory_mib), .required = true, .least = 0, .most = INT64_MAX},
    {"turnaround_s", .type = QUESTION_INT,  AT(turnaround_s), .least = 0, .most = INT32_MAX},
    {.name = NULL},
};
#undef AT

static const struct question_field removal_fields[] = {
    {"node", .type = QUESTION_ID, offsetof(struct simulate_removal, node), .required = true},
    {.name = NULL},
};

static const struct question_field simulate_fields[] = {
    {"wishes",    .type = QUESTION_ROWS, offsetof(struct simulate, wishes), .least = 0, .most = SIMULATE_WISHES_MAX, .fields = wish_fields, .size = sizeof(struct simulate_wish)},
    {"additions", .type = QUESTION_ROWS, offsetof(struct simulate, additions), .least = 0, .most = LINES_MAX, .fields = addition_fields, .size = sizeof(struct simulate_addition)},
    {"removals",  .type = QUESTION_ROWS, offsetof(struct simulate, removals), .least = 0, .most = LINES_MAX, .fields = removal_fields, .size = sizeof(struct simulate_removal)},
    {.name = NULL},
};
// clang-format on

/* A reservation that nobody else has: its place in the list. */
static struct planner_id reservation_of(uint32_t place)
{
    struct planner_id id = {0};
    uint32_t number = place + 1;
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static json_t *admitted(const struct planner_request *request, const struct planner_verdict *verdict, json_t *displaced)
{
    for (uint32_t i = 0; i < verdict->eviction_count; i++) {
        const struct planner_eviction *eviction = &verdict->evictions[i];
        json_array_append_new(displaced,
                              simulate_displaced(&eviction->key, eviction->node, "preempted", eviction->ends));
    }
    json_t *to = request->to == PLANNER_OPEN ? json_null() : json_integer(request->to);
    return json_pack("{s:b, s:I, s:o}", "admitted", 1, "from_s", (json_int_t)request->from, "to_s", to);
}

static json_t *refused(const char *binding_json)
{
    return json_pack("{s:b, s:o}", "admitted", 0, "binding", json_loads(binding_json, 0, NULL));
}

static json_t *decide(struct planner *planner, const struct simulate_wish *wish, uint32_t place,
                      const struct question_view *view, json_t *displaced)
{
    struct planner_request request;
    const char *wrong = question_terms_read(&wish->terms, view, &request);
    request.reservation = reservation_of(place);
    request.from = wish->from_s == PLANNER_OPEN ? view->world->now_s : wish->from_s;
    request.to = wish->duration_s > 0 ? request.from + wish->duration_s : wish->to_s;
    if (wrong == NULL)
        wrong = planner_request_wrong(&request);
    if (wrong != NULL)
        return json_pack("{s:b, s:{s:s, s:s}}", "admitted", 0, "binding", "constraint", "request", "message", wrong);
    int64_t from_s = 0;
    if (wish->duration_s > 0 && planner_earliest(planner, &request, wish->start_to_s, &from_s)) {
        request.from = from_s;
        request.to = from_s + wish->duration_s;
    }
    struct planner_verdict verdict = {0};
    planner_place(planner, &request, &verdict);
    return verdict.placed ? admitted(&request, &verdict, displaced)
                          : refused(refusal_binding(view->world, &request, &verdict.refusal));
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct simulate *question = asked;
    struct planner *planner = planner_copy(view->planner);
    json_t *displaced = json_array();
    json_t *items = json_array(); /* in the order of the wishes */
    int64_t moved = 0;
    const char *wrong = simulate_add(planner, question, view);
    if (wrong == NULL)
        wrong = simulate_remove(planner, question, view, displaced, &moved);
    const struct simulate_wish *wishes = question->wishes.items;
    for (uint32_t i = 0; i < question->wishes.count && wrong == NULL; i++)
        json_array_append_new(items, decide(planner, &wishes[i], i, view, displaced));
    planner_free(planner);
    if (wrong == NULL) {
        ret->answer = json_pack("{s:o, s:o, s:I}", "items", items, "displaced", displaced, "moved", (json_int_t)moved);
        return;
    }
    json_decref(items);
    json_decref(displaced);
    question_refuse(view, ret, "cannot_simulate", "%s", wrong);
}

const struct question_kind question_simulate = {"simulate", simulate_fields, sizeof(struct simulate), answer, false};
