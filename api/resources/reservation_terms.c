/* The terms that a PUT or PATCH asks for. They are held against what was sent last, not against what was granted: who sends
 * the same again changes nothing, however his start was found; and whatever else is sent is recorded as it was sent, also
 * where it comes to what is granted already. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_terms.h"

#include "common/calendar.h"

#include <string.h>

void reservation_check_latest(struct request *request, const struct field_span *range, int64_t duration_s)
{
    if (range->to > CALENDAR_TIME_MAX_S - duration_s)
        field_problem_add(&request->problems, "/start_range", "out_of_range",
                          "what begins at its end would end beyond the year 9999");
}

void reservation_check_window(struct request *request, const struct reservation *wish)
{
    struct field_problems *problems = &request->problems;
    bool has_duration = wish->duration_s != FIELD_NULL;
    bool has_range = wish->start_range.to != FIELD_NULL;
    if (has_duration && !has_range)
        field_problem_add(problems, "/start_range", "missing_field", "goes with duration_s");
    if (has_range && !has_duration)
        field_problem_add(problems, "/duration_s", "missing_field", "goes with start_range");
    if (has_range && wish->starts_at != FIELD_NULL)
        field_problem_add(problems, "/starts_at", "out_of_range", "give either starts_at or start_range");
    if (has_duration && wish->ends_at != FIELD_NULL)
        field_problem_add(problems, "/ends_at", "out_of_range", "give either ends_at or duration_s");
    if (has_duration && has_range)
        reservation_check_latest(request, &wish->start_range, wish->duration_s);
}

/* A PATCH of a single time leaves the other as it is, and what is open may change that one. */
static bool gives_window(const struct request *request, const struct amendment_subject *subject)
{
    const struct reservation *wish = request->body;
    bool drops_start = request_changes(request, "starts_at") && wish->starts_at == FIELD_NULL;
    return request->route->method == PUT || request_mentions(request, "duration_s") ||
           request_mentions(request, "start_range") || (drops_start && subject->open_count == 0);
}

/* A time takes the place of a length with a range: the other time is what was granted. */
static void fix_window(const struct request *request, const struct amendment_subject *subject)
{
    struct reservation *wish = request->body;
    if (!request_changes(request, "starts_at"))
        wish->starts_at = subject->starts_at;
    if (!request_changes(request, "ends_at"))
        wish->ends_at = subject->ends_at;
    wish->duration_s = wish->start_range.from = wish->start_range.to = FIELD_NULL;
}

/* Without a start it begins at the instant of the decision; what began then has its start, and that is no other one. It is
 * recorded that none is said any more. */
static bool begins_as_it_did(const struct reservation *wish, const struct amendment_subject *subject)
{
    bool has_begun = strcmp(subject->state, "activating") == 0 || strcmp(subject->state, "active") == 0;
    return has_begun && wish->starts_at == FIELD_NULL;
}

/* While others wait for their verdict, terms equal to the present ones are a wish, too. */
static bool asks_for(const struct request *request, const struct amendment_subject *subject, const char *field)
{
    return request_changes(request, field) || (subject->open_count > 0 && request_mentions(request, field));
}

static void ask_for_times(const struct request *request, const struct amendment_subject *subject,
                          struct amendment_wish *ret)
{
    const struct reservation *wish = request->body;
    bool names_start = request_changes(request, "starts_at") || wish->starts_at != FIELD_NULL;
    ret->changes_start = names_start && asks_for(request, subject, "starts_at");
    ret->changes_end = asks_for(request, subject, "ends_at") || request_changes(request, "duration_s");
    ret->starts_at = begins_as_it_did(wish, subject) ? subject->starts_at : wish->starts_at;
    ret->ends_at = wish->ends_at;
}

/* The start that it has, moved no further than the range wants; and the length from there. */
static void ask_for_length(const struct request *request, const struct amendment_subject *subject,
                           struct amendment_wish *ret)
{
    static const char *const fields[] = {"starts_at", "ends_at", "duration_s", "start_range"};
    const struct reservation *wish = request->body;
    const struct field_span *range = &wish->start_range;
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        ret->changes_end = ret->changes_end || asks_for(request, subject, fields[i]);
    ret->starts_at = subject->starts_at;
    if (range->from != FIELD_NULL && ret->starts_at < range->from)
        ret->starts_at = range->from;
    if (ret->starts_at > range->to)
        ret->starts_at = range->to;
    ret->ends_at = ret->starts_at + wish->duration_s;
    ret->changes_start = ret->changes_end && (ret->starts_at != subject->starts_at || subject->open_count > 0);
}

enum err_kind reservation_terms_of(struct request *request, const struct amendment_subject *subject,
                                   struct amendment_wish *ret, struct err *reterr)
{
    const struct reservation *wish = request->body;
    bool is_whole = gives_window(request, subject);
    *ret = (struct amendment_wish){.count = wish->count, .changes_count = asks_for(request, subject, "count")};
    if (is_whole)
        reservation_check_window(request, wish);
    else if (wish->duration_s != FIELD_NULL &&
             (request_changes(request, "starts_at") || request_changes(request, "ends_at")))
        fix_window(request, subject);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    if (wish->duration_s == FIELD_NULL)
        ask_for_times(request, subject, ret);
    else if (is_whole)
        ask_for_length(request, subject, ret);
    if (is_whole && (ret->changes_start || ret->changes_end))
        ret->window = wish;
    return ERR_NONE;
}
