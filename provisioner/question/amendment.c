/* What would come of an amendment if it were decided now: the same calls upon the planner, which are undone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/terms.h"
#include "provisioner/reconcile/amend.h"

struct amendment_question {
    struct question_terms terms; /* all of it as it shall be */
    const char *project;
    int64_t starts_s, ends_s;
    int64_t held_starts_s, held_ends_s, held_count; /* as it is */
    int64_t horizon_s;                              /* of the tenant's open-ended ones; 0: they are held for ever */
    bool has_begun;
};

#define AT(member) offsetof(struct amendment_question, member)

// clang-format off
static const struct question_field fields[] = {
    {"terms",         .type = QUESTION_OBJECT, AT(terms), .required = true, .fields = question_terms_fields},
    {"project",       .type = QUESTION_TEXT,   AT(project), .required = true},
    {"starts_s",      .type = QUESTION_INT,    AT(starts_s), .required = true},
    {"ends_s",        .type = QUESTION_INT,    AT(ends_s), .if_absent = NEVER},
    {"held_starts_s", .type = QUESTION_INT,    AT(held_starts_s), .required = true},
    {"held_ends_s",   .type = QUESTION_INT,    AT(held_ends_s), .if_absent = NEVER},
    {"held_count",    .type = QUESTION_INT,    AT(held_count), .required = true, .least = 1, .most = PLANNER_COUNT_MAX},
    {"horizon_s",     .type = QUESTION_INT,    AT(horizon_s), .least = 0, .most = INT32_MAX},
    {"has_begun",     .type = QUESTION_BOOL,   AT(has_begun)},
    {.name = NULL},
};
// clang-format on

static json_t *tree_of(const char *text)
{
    json_t *tree = text == NULL ? NULL : json_loads(text, 0, NULL);
    return tree == NULL ? json_null() : tree;
}

/* The reservation as it is, as far as a verdict upon its terms needs it: of its instances only what the planner has. */
static struct reservation held_of(const struct amendment_question *question, const struct planner_request *request,
                                  struct world *world)
{
    return (struct reservation){
        .world = world,
        .wish = {.id = question->terms.reservation,
                 .tenant = question->terms.tenant,
                 .project = question->project,
                 .shape = request->shape,
                 .count = question->held_count,
                 .starts_s = question->held_starts_s,
                 .ends_s = question->held_ends_s,
                 .gpu_models = request->gpu_models,
                 .gpu_model_count = request->gpu_model_count,
                 .scope = request->scope,
                 .scope_required = !request->scope_preferred,
                 .spread = request->spread,
                 .preemptible = request->preemptible,
                 .horizon_s = question->horizon_s,
                 .open_max_percent = -1},
        .is = {.state = question->has_begun ? RESERVATION_ACTIVE : RESERVATION_SCHEDULED},
        .starts_s = question->held_starts_s,
        .ends_s = question->held_ends_s,
        .ends_by_s = NEVER,
    };
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct amendment_question *question = asked;
    struct world world = *view->world;
    world.arena = view->arena;
    struct planner_request terms;
    const char *wrong = question_terms_read(&question->terms, view, &terms);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "%s", wrong);
        return;
    }
    struct reservation held = held_of(question, &terms, &world);
    const struct amendment amendment = {.changes_start = question->starts_s != question->held_starts_s,
                                        .changes_end = question->ends_s != question->held_ends_s,
                                        .starts_s = question->starts_s,
                                        .ends_s = question->ends_s,
                                        .count = question->terms.count};
    struct amend_outcome outcome;
    if (amend_try(&held, &amendment, &outcome))
        ret->answer = json_pack("{s:b}", "granted", 1);
    else
        ret->answer = json_pack("{s:b, s:s, s:o, s:o}", "granted", 0, "reason", outcome.reason, "binding",
                                tree_of(outcome.binding), "alternatives", tree_of(outcome.alternatives));
}

const struct question_kind question_amendment = {"amendment", fields, sizeof(struct amendment_question), answer, true};
