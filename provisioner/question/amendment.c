/* What would come of an amendment if it were decided now: the reservation as a piece of work would read it, and the calls that
 * would decide upon it, which are undone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/question.h"
#include "provisioner/reconcile/amend.h"

struct amendment_question {
    struct identity reservation;
    bool changes_start, changes_end;
    int64_t starts_s, ends_s; /* as struct amendment has these */
    int64_t count;
    int64_t duration_s, start_from_s, start_to_s;
};

#define AT(member) offsetof(struct amendment_question, member)

// clang-format off
static const struct question_field fields[] = {
    {"reservation",   .type = QUESTION_ID,   AT(reservation), .required = true},
    {"changes_start", .type = QUESTION_BOOL, AT(changes_start)},
    {"starts_s",      .type = QUESTION_INT,  AT(starts_s), .if_absent = NEVER},
    {"changes_end",   .type = QUESTION_BOOL, AT(changes_end)},
    {"ends_s",        .type = QUESTION_INT,  AT(ends_s), .if_absent = NEVER},
    {"count",         .type = QUESTION_INT,  AT(count), .least = 0, .most = PLANNER_COUNT_MAX},
    {"duration_s",    .type = QUESTION_INT,  AT(duration_s), .least = 0, .most = PLANNER_INSTANT_MAX / 2},
    {"start_from_s",  .type = QUESTION_INT,  AT(start_from_s), .if_absent = NEVER},
    {"start_to_s",    .type = QUESTION_INT,  AT(start_to_s), .if_absent = NEVER},
    {.name = NULL},
};
// clang-format on

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct amendment_question *question = asked;
    struct world world = *view->world;
    world.arena = view->arena;
    struct reservation *reservation = view->source->reservation(view->source, &world, question->reservation);
    if (reservation == NULL) {
        question_refuse(view, ret, "malformed_question", "this zone has no such reservation");
        return;
    }
    struct amendment amendment = {.changes_start = question->changes_start,
                                  .changes_end = question->changes_end,
                                  .starts_s = question->starts_s,
                                  .ends_s = question->ends_s,
                                  .count = question->count,
                                  .duration_s = question->duration_s,
                                  .start_from_s = question->start_from_s,
                                  .start_to_s = question->start_to_s};
    amendment.uncovered = view->source->uncovered(view->source, reservation, &amendment);
    struct amend_outcome outcome;
    if (amend_try(reservation, &amendment, &outcome))
        ret->answer = json_pack("{s:b, s:I, s:I}", "granted", 1, "starts_s", (json_int_t)outcome.terms.starts_s,
                                "ends_s", (json_int_t)outcome.terms.ends_s);
    else
        ret->answer = json_pack("{s:b, s:s, s:o, s:o}", "granted", 0, "reason", outcome.reason, "binding",
                                question_json(outcome.binding), "alternatives", question_json(outcome.alternatives));
}

const struct question_kind question_amendment = {"amendment", fields, sizeof(struct amendment_question), answer, true};
