/* How many instances of each of some types are free in each step of time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/steps.h"
#include "provisioner/question/terms.h"

#define TYPES_MAX 256

struct availability_type {
    const char *name;
    struct question_terms terms;
};

struct availability {
    struct question_steps steps;
    struct question_rows types;
};

// clang-format off
static const struct question_field type_fields[] = {
    {"name",  .type = QUESTION_TEXT,   offsetof(struct availability_type, name), .required = true},
    {"terms", .type = QUESTION_OBJECT, offsetof(struct availability_type, terms), .required = true, .fields = question_terms_fields},
    {.name = NULL},
};

static const struct question_field availability_fields[] = {
    QUESTION_STEPS_FIELDS(struct availability, steps),
    {"types", .type = QUESTION_ROWS, offsetof(struct availability, types), .required = true, .least = 0, .most = TYPES_MAX, .fields = type_fields, .size = sizeof(struct availability_type)},
    {.name = NULL},
};
// clang-format on

static json_t *free_of(const struct availability_type *type, const struct question_steps *steps,
                       const struct question_view *view)
{
    struct planner_request request;
    uint32_t count = (uint32_t)steps->count;
    uint32_t *free_counts = arena_alloc(view->arena, count * sizeof *free_counts);
    const char *wrong = question_terms_read(&type->terms, view, &request);
    request.preempts = false; /* free is what nobody has, not what somebody would give up */
    if (wrong == NULL)        /* else nothing of the kind can be placed */
        planner_free_instances(view->planner, &request, steps->from_s, steps->step_s, count, free_counts);
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(free_counts[i]));
    return list;
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct availability *question = asked;
    int64_t looks_per_step = (int64_t)planner_node_count(view->planner) * question->types.count;
    if (!question_affords(view, looks_per_step, question->steps.count, ret))
        return;
    const struct availability_type *types = question->types.items;
    json_t *items = json_array();
    for (uint32_t i = 0; i < question->types.count; i++)
        json_array_append_new(items, json_pack("{s:s, s:s, s:o}", "zone", view->world->zone->name, "instance_type",
                                               types[i].name, "free", free_of(&types[i], &question->steps, view)));
    ret->answer = json_pack("{s:o}", "items", items);
}

const struct question_kind question_availability = {"availability", availability_fields, sizeof(struct availability),
                                                    answer, false};
