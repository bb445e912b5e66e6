/* What would come of an amendment if it were decided now: the same calls upon the planner, which are undone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/terms.h"
#include "provisioner/reconcile/holding.h"

struct amendment_question {
    struct question_terms terms; /* all of it as it shall be */
    const char *project;
    int64_t starts_s, ends_s;
    int64_t held_starts_s, held_ends_s, held_count; /* as it is */
    int64_t horizon_s; /* of the tenant's open-ended ones; 0: they are held for ever */
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

static void refused(struct question_reply *ret, const char *reason, const char *binding)
{
    ret->answer = json_pack("{s:b, s:s, s:o}", "granted", 0, "reason", reason, "binding", json_loads(binding, 0, NULL));
}

/* The reservation as far as its quotas need it. */
static struct reservation held_of(const struct amendment_question *question, const struct planner_request *request,
                                  struct world *world)
{
    return (struct reservation){
        .world = world,
        .wish = {.id = question->terms.reservation,
                 .tenant = question->terms.tenant,
                 .project = question->project,
                 .shape = request->shape,
                 .count = question->held_count},
        .is = {.state = question->has_begun ? RESERVATION_ACTIVE : RESERVATION_SCHEDULED},
        .starts_s = question->held_starts_s,
        .ends_s = question->held_ends_s,
    };
}

static bool is_borne(const struct amendment_question *question, const struct planner_request *request,
                     const struct question_view *view, struct quota_refusal *ret)
{
    struct world world = *view->world;
    world.arena = view->arena;
    struct reservation held = held_of(question, request, &world);
    if (question->has_begun)
        return holding_may_grow(&held, question->ends_s, question->terms.count, ret);
    return holding_may_become(&held, question->starts_s, question->ends_s, question->terms.count, ret);
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct amendment_question *question = asked;
    struct world world = *view->world;
    world.arena = view->arena;
    struct planner_amendment amendment = {.now = world.now_s};
    const char *wrong = question_terms_read(&question->terms, view, &amendment.terms);
    amendment.terms.from = question->starts_s;
    const struct wish rolling = {.horizon_s = question->horizon_s};
    int64_t from_s = question->starts_s > world.now_s ? question->starts_s : world.now_s;
    amendment.terms.to = horizon_end(&rolling, from_s, question->ends_s);
    if (wrong == NULL)
        wrong = planner_request_wrong(&amendment.terms);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "%s", wrong);
        return;
    }
    struct quota_refusal over;
    if (!is_borne(question, &amendment.terms, view, &over)) {
        refused(ret, "quota_exceeded", holding_binding(view->arena, &over, NEVER));
        return;
    }
    struct planner_verdict verdict = {0};
    planner_amend(view->planner, &amendment, &verdict);
    if (verdict.placed)
        ret->answer = json_pack("{s:b}", "granted", 1);
    else
        refused(ret, "capacity_unavailable", refusal_binding(&world, &amendment.terms, &verdict.refusal));
}

const struct question_kind question_amendment = {"amendment", fields, sizeof(struct amendment_question), answer, true};
