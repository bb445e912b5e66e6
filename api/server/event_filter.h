/* Which events somebody wants: by kind, and of one object. Pages, streams and webhooks filter by the same.
 *
 * A pattern is a kind, "reservation.scheduled", the beginning of one, "reservation.*", or "*". */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/identity.h"

#include <stdbool.h>

#define EVENT_PATTERNS_MAX      32
#define EVENT_PATTERN_BYTES_MAX 64

struct event_filter {
    const char *const *patterns;
    size_t count;          /* 0: every kind */
    const char *object_id; /* a UUID; NULL: every object */
};

/* In SQL: does the kind match one of the patterns (text[]; null: every kind)? */
#define EVENT_KIND_MATCHES(kind, patterns)                                                                             \
    "(" patterns " IS NULL OR EXISTS (SELECT FROM unnest(" patterns ") AS p (pattern) WHERE p.pattern IN ('*', " kind  \
    ") OR (right(p.pattern, 2) = '.*' AND starts_with(" kind ", left(p.pattern, -1)))))"

bool event_pattern_is_valid(const char *pattern);
/* "reservation.*,node.quarantined": ERR_INVALID where one is no pattern, or there are too many. *ret's patterns are the
 * arena's. */
MUST_CHECK enum err_kind event_patterns_parse(struct arena *arena, const char *text, struct event_filter *ret,
                                              struct err *reterr);
/* A copy that is the arena's. */
struct event_filter event_filter_copy(struct arena *arena, const struct event_filter *filter);
bool event_filter_matches(const struct event_filter *filter, const char *kind, const char *object_id);
