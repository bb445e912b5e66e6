/* The earliest window for what is sought, and what lies around it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/terms.h"
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/verdict.h"

struct offers {
    struct question_terms terms;
    const char *project; /* absent: default */
    int64_t start_from_s, start_to_s;
    int64_t duration_least_s, duration_most_s;
    int64_t count_least;
    int64_t gpu_milli_s_max; /* 0: no budget */
};

#define AT(member) offsetof(struct offers, member)

// clang-format off
static const struct question_field offers_fields[] = {
    {"terms",            .type = QUESTION_OBJECT, AT(terms), .required = true, .fields = question_terms_fields},
    {"project",          .type = QUESTION_TEXT,   AT(project)},
    {"start_from_s",     .type = QUESTION_INT,    AT(start_from_s), .if_absent = PLANNER_OPEN}, /* now */
    {"start_to_s",       .type = QUESTION_INT,    AT(start_to_s), .required = true},
    {"duration_least_s", .type = QUESTION_INT,    AT(duration_least_s), .required = true},
    {"duration_most_s",  .type = QUESTION_INT,    AT(duration_most_s), .required = true},
    {"count_least",      .type = QUESTION_INT,    AT(count_least), .least = 0, .most = PLANNER_COUNT_MAX},
    {"gpu_milli_s_max",  .type = QUESTION_INT,    AT(gpu_milli_s_max), .least = 0, .most = INT64_MAX},
    {.name = NULL},
};
// clang-format on

static json_t *offer_json(const struct planner_offer *offer)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:b, s:b}", "kind", planner_offer_kind_text(offer->kind), "from_s",
                     (json_int_t)offer->from, "to_s", (json_int_t)offer->to, "count", (json_int_t)offer->count, "scope",
                     planner_scope_text(offer->scope), "scope_preferred", (int)offer->scope_preferred, "preemptible",
                     (int)offer->preemptible);
}

static int64_t first_start(const struct offers *question, int64_t now_s)
{
    int64_t from_s = now_s + TIME_TO_POST_S < question->start_to_s ? now_s + TIME_TO_POST_S : question->start_to_s;
    bool is_later = question->start_from_s != PLANNER_OPEN && question->start_from_s > from_s;
    return is_later ? question->start_from_s : from_s;
}

/* ---- Quotas: what is offered can be had only where they bear it, too ---- */

/* Whoever posts an offer. */
static struct reservation subject_of(const struct offers *question, const struct planner_request *request,
                                     struct world *world)
{
    return (struct reservation){.world = world,
                                .wish = {.id = question->terms.reservation,
                                         .tenant = question->terms.tenant,
                                         .project = question->project == NULL ? "default" : question->project,
                                         .shape = request->shape}};
}

/* Starts before that at which all of it would be borne are not looked at. */
static void begin_where_borne(const struct reservation *subject, struct planner_search *search)
{
    struct planner_request request = search->request;
    request.from = search->start_from;
    request.to = search->start_from + search->duration_least_s;
    if (holding_is_limited(subject) && holding_earliest(subject, &request, search->start_to))
        search->start_from = request.from;
}

static bool is_borne(const struct reservation *subject, const struct planner_search *search,
                     const struct planner_offer *offer)
{
    struct planner_request request = planner_offer_request(search, offer);
    struct quota_refusal refusal;
    uint32_t models = request.gpu_model_count;
    if (!holding_narrow(subject, &request, &refusal))
        return false;
    return request.gpu_model_count == models || planner_fits(subject->world->planner, &request);
}

/* ---- The answer ---- */

static json_t *answer_of(const struct offers *question, struct planner_search *search, const struct question_view *view)
{
    struct planner_offer offers[PLANNER_OFFERS_MAX];
    struct reservation subject = subject_of(question, &search->request, view->world);
    begin_where_borne(&subject, search);
    uint32_t count = planner_offers(view->planner, search, offers);
    json_t *items = json_array();
    for (uint32_t i = 0; i < count; i++) {
        if (is_borne(&subject, search, &offers[i]))
            json_array_append_new(items, offer_json(&offers[i]));
    }
    return json_pack("{s:o}", "items", items);
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct offers *question = asked;
    struct planner_search search = {
        .start_from = first_start(question, view->world->now_s),
        .start_to = question->start_to_s,
        .duration_least_s = question->duration_least_s,
        .duration_most_s = question->duration_most_s,
        .count_least = (uint32_t)question->count_least,
        .gpu_milli_s_max = question->gpu_milli_s_max,
    };
    const char *wrong = question_terms_read(&question->terms, view, &search.request);
    search.request.evict_from += TIME_TO_POST_S; /* who gives way is told when it is posted */
    if (wrong == NULL)
        wrong = planner_search_wrong(&search);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "%s", wrong);
        return;
    }
    ret->answer = answer_of(question, &search, view);
}

const struct question_kind question_offers = {"offers", offers_fields, sizeof(struct offers), answer, false};
