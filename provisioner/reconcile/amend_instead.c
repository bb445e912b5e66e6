/* What could be asked for in place of an amendment that is refused: a later start, an earlier end, or fewer instances,
 * the rest of the terms as they were asked for. Found by halving; what is told was tried. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/verdict.h"

#include "common/least.h"

#include <inttypes.h>

static bool would_grant(const struct amend_search *search, const struct amend_terms *terms)
{
    return search->would_grant(search->subject, terms);
}

static bool changes_nothing(const struct amend_search *search, const struct amend_terms *terms)
{
    const struct amend_terms *held = &search->held;
    return terms->starts_s == held->starts_s && terms->ends_s == held->ends_s && terms->count == held->count;
}

/* ---- Bodies ---- */

/* A body has what is not as it is held. */
static const char *with_body(const struct amend_search *search, const char *bodies, const struct amend_terms *terms)
{
    struct arena *arena = search->world->arena;
    const struct amend_terms *held = &search->held;
    const char *members = "";
    bool is_at_once = search->starts_at_once && terms->starts_s == search->asked.starts_s;
    if (terms->starts_s != held->starts_s)
        members = arena_format(arena, ",\"starts_at\":%s", is_at_once ? "null" : json_time(arena, terms->starts_s));
    if (terms->ends_s != held->ends_s)
        members = arena_format(arena, "%s,\"ends_at\":%s", members, json_time(arena, terms->ends_s));
    if (terms->count != held->count)
        members = arena_format(arena, "%s,\"count\":%" PRId64, members, terms->count);
    return arena_format(arena, "%s%s{%s}", bodies, bodies[0] == '\0' ? "" : ",", members + 1);
}

/* ---- One thing changed ---- */

static bool seek_later(const struct amend_search *search, struct amend_terms *terms)
{
    int64_t asked_s = terms->starts_s;
    int64_t length_s = terms->ends_s - asked_s;
    if (!search->may_start_later)
        return false;
    terms->starts_s = greatest_of(asked_s, search->world->now_s + TIME_TO_POST_S);
    terms->ends_s = terms->ends_s == NEVER ? NEVER : terms->starts_s + length_s;
    if (!search->first_start(search->subject, terms, terms->starts_s + PLANNER_LATER_LIMIT_S, &terms->starts_s) ||
        terms->starts_s == asked_s)
        return false;
    terms->ends_s = terms->ends_s == NEVER ? NEVER : terms->starts_s + length_s;
    return would_grant(search, terms);
}

/* What is granted until some end is granted until any earlier one. */
static bool seek_shorter(const struct amend_search *search, struct amend_terms *terms)
{
    int64_t from_s = greatest_of(terms->starts_s, search->world->now_s);
    int64_t fits_s = greatest_of(terms->starts_s + 1, search->world->now_s + TIME_TO_POST_S);
    int64_t fails_s = terms->ends_s == NEVER ? from_s + search->closed_most_s : terms->ends_s;
    bool was_open = terms->ends_s == NEVER;
    terms->ends_s = fails_s;
    if (fits_s >= fails_s || (was_open && would_grant(search, terms)))
        return fits_s < fails_s;
    terms->ends_s = fits_s;
    if (!would_grant(search, terms))
        return false;
    while (fails_s - fits_s > 1) {
        terms->ends_s = fits_s + (fails_s - fits_s) / 2;
        if (would_grant(search, terms))
            fits_s = terms->ends_s;
        else
            fails_s = terms->ends_s;
    }
    terms->ends_s = fits_s;
    return true;
}

static bool seek_smaller(const struct amend_search *search, struct amend_terms *terms)
{
    int64_t fails = terms->count;
    int64_t fits = 1;
    terms->count = fits;
    if (fits >= fails || !would_grant(search, terms))
        return false;
    while (fails - fits > 1) {
        terms->count = fits + (fails - fits) / 2;
        if (would_grant(search, terms))
            fits = terms->count;
        else
            fails = terms->count;
    }
    terms->count = fits;
    return true;
}

const char *amend_instead(const struct amend_search *search)
{
    static bool (*const seek[])(const struct amend_search *, struct amend_terms *) = {seek_later, seek_shorter,
                                                                                      seek_smaller};
    const char *bodies = "";
    for (size_t i = 0; i < COUNT_OF(seek); i++) {
        struct amend_terms terms = search->asked;
        if (seek[i](search, &terms) && !changes_nothing(search, &terms))
            bodies = with_body(search, bodies, &terms);
    }
    return arena_format(search->world->arena, "[%s]", bodies);
}
