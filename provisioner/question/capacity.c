/* What the GPUs of some racks, leaves or fabrics do in each step of time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/steps.h"

#define GROUPS_MAX 1000
#define CELLS_MAX  10000 /* groups times steps: bounds the answer */

struct capacity_group {
    struct identity id;
};

struct capacity {
    struct question_steps steps;
    const char *level;
    const char *gpu_model; /* NULL: any */
    struct question_rows groups;
};

// clang-format off
static const struct question_field group_fields[] = {
    {"id", .type = QUESTION_ID, offsetof(struct capacity_group, id), .required = true},
    {.name = NULL},
};

static const struct question_field capacity_fields[] = {
    QUESTION_STEPS_FIELDS(struct capacity, steps),
    {"level",     .type = QUESTION_TEXT, offsetof(struct capacity, level), .required = true},
    {"gpu_model", .type = QUESTION_TEXT, offsetof(struct capacity, gpu_model)},
    {"groups",    .type = QUESTION_ROWS, offsetof(struct capacity, groups), .required = true, .least = 0, .most = GROUPS_MAX, .fields = group_fields, .size = sizeof(struct capacity_group)},
    {.name = NULL},
};
// clang-format on

/* [held, preemptible, turnaround, maintenance, unplannable, free], in GPU-milli times seconds. */
static json_t *usage_json(const struct planner_usage *usage)
{
    return json_pack("[I, I, I, I, I, I]", (json_int_t)usage->held, (json_int_t)usage->preemptible,
                     (json_int_t)usage->turnaround, (json_int_t)usage->maintenance, (json_int_t)usage->unplannable,
                     (json_int_t)usage->free);
}

static json_t *group_json(const struct capacity *question, enum planner_scope level, struct planner_id id,
                          struct planner_usage *usage, const struct question_view *view)
{
    uint32_t count = (uint32_t)question->steps.count;
    planner_usage_of(view->planner, level, id, question->gpu_model, question->steps.from_s, question->steps.step_s,
                     count, usage);
    json_t *steps = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(steps, usage_json(&usage[i]));
    return steps;
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct capacity *question = asked;
    int level = planner_scope_of_text(question->level);
    if (level < 0 || question->steps.count * question->groups.count > CELLS_MAX) {
        question_refuse(view, ret, "malformed_question", "level '%s' is unknown, or too many cells", question->level);
        return;
    }
    const struct capacity_group *groups = question->groups.items;
    struct planner_usage *usage = arena_alloc(view->arena, (size_t)question->steps.count * sizeof *usage);
    json_t *items = json_array(); /* in the order of the groups */
    for (uint32_t i = 0; i < question->groups.count; i++)
        json_array_append_new(
            items, group_json(question, (enum planner_scope)level, planner_id_of(groups[i].id), usage, view));
    ret->answer = json_pack("{s:o}", "items", items);
}

const struct question_kind question_capacity = {"capacity", capacity_fields, sizeof(struct capacity), answer, false};
