/* What is held against a tenant's quotas, as they are counted when something is decided. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/question.h"
#include "provisioner/quota/quota.h"

#define GPU_HOUR_MILLI_S INT64_C(3600000)

struct quotas_question {
    struct identity tenant;
};

// clang-format off
static const struct question_field fields[] = {
    {"tenant", .type = QUESTION_ID, offsetof(struct quotas_question, tenant), .required = true},
    {.name = NULL},
};
// clang-format on

static json_t *text_json(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct quotas_question *question = asked;
    const struct world *world = view->world;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    json_t *items = json_array();
    struct quota_state state = {0};
    while (quotas_next(world->quotas, question->tenant, world->now_s, &state)) {
        int64_t hours = (state.month_gpu_milli_s + GPU_HOUR_MILLI_S - 1) / GPU_HOUR_MILLI_S;
        json_array_append_new(items,
                              json_pack("{s:s, s:o, s:o, s:I, s:I, s:I}", "zone", zone, "project",
                                        text_json(state.project), "gpu_model", text_json(state.gpu_model),
                                        "held_gpu_milli", (json_int_t)state.held_gpu_milli, "held_peak_gpu_milli",
                                        (json_int_t)state.peak_gpu_milli, "held_month_gpu_hours", (json_int_t)hours));
    }
    ret->answer = json_pack("{s:o}", "items", items);
}

const struct question_kind question_quotas = {"quotas", fields, sizeof(struct quotas_question), answer, false};
