/* The table of a wish's terms, and their translation into the planner's words. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/terms.h"

#define AT(member) offsetof(struct question_terms, member)

// clang-format off
const struct question_field question_terms_fields[] = {
    {"reservation",     .type = QUESTION_ID,    AT(reservation)},
    {"tenant",          .type = QUESTION_ID,    AT(tenant)},
    {"count",           .type = QUESTION_INT,   AT(count), .if_absent = 1, .least = 1, .most = PLANNER_COUNT_MAX},
    {"gpus",            .type = QUESTION_INT,   AT(gpus), .least = 0, .most = PLANNER_NODE_GPUS_MAX},
    {"gpu_milli",       .type = QUESTION_INT,   AT(gpu_milli), .least = 0, .most = PLANNER_GPU_MILLI - 1},
    {"cpu_milli",       .type = QUESTION_INT,   AT(cpu_milli), .least = 0, .most = INT64_MAX},
    {"memory_mib",      .type = QUESTION_INT,   AT(memory_mib), .least = 0, .most = INT64_MAX},
    {"gpu_models",      .type = QUESTION_TEXTS, AT(gpu_models)},
    {"scope",           .type = QUESTION_TEXT,  AT(scope)},
    {"scope_preferred", .type = QUESTION_BOOL,  AT(scope_preferred)},
    {"spread",          .type = QUESTION_TEXT,  AT(spread)},
    {"preemptible",     .type = QUESTION_BOOL,  AT(preemptible)},
    {.name = NULL},
};
// clang-format on

const char *question_terms_read(const struct question_terms *terms, const struct question_view *view,
                                struct planner_request *ret)
{
    int scope = terms->scope == NULL ? PLANNER_ZONE : planner_scope_of_text(terms->scope);
    int spread = terms->spread == NULL ? PLANNER_SPREAD_NONE : planner_spread_of_text(terms->spread);
    if (scope < 0 || spread < 0)
        return "unknown scope or spread";
    *ret = (struct planner_request){
        .reservation = planner_id_of(terms->reservation),
        .tenant = planner_id_of(terms->tenant),
        .count = (uint32_t)terms->count,
        .shape = {.gpus = (uint32_t)terms->gpus,
                  .gpu_milli = (uint32_t)terms->gpu_milli,
                  .cpu_milli = terms->cpu_milli,
                  .memory_mib = terms->memory_mib},
        .from = view->world->now_s,
        .to = view->world->now_s + 1,
        .gpu_models = terms->gpu_models.items,
        .gpu_model_count = terms->gpu_models.count,
        .zone = planner_id_of(view->world->zone->id),
        .scope = (enum planner_scope)scope,
        .scope_preferred = terms->scope_preferred,
        .spread = (enum planner_spread)spread,
        .preemptible = terms->preemptible,
        .preempts = !terms->preemptible,
        .evict_from = world_free_s(view->world) + view->world->zone->preemption_notice_s,
    };
    return planner_request_wrong(ret);
}
