/* Patterns of kinds of events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/event_filter.h"

#include <string.h>

static bool is_word(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '_';
}

/* Words with dots between them; the last may be a star. */
bool event_pattern_is_valid(const char *pattern)
{
    size_t length = strlen(pattern);
    if (length == 0 || length > EVENT_PATTERN_BYTES_MAX)
        return false;
    if (strcmp(pattern, "*") == 0)
        return true;
    bool ends_in_star = length > 2 && strcmp(pattern + length - 2, ".*") == 0;
    size_t words = ends_in_star ? length - 2 : length;
    for (size_t i = 0; i < words; i++) {
        bool is_dot_between = pattern[i] == '.' && i > 0 && i + 1 < words && pattern[i - 1] != '.';
        if (!is_word(pattern[i]) && !is_dot_between)
            return false;
    }
    return true;
}

enum err_kind event_patterns_parse(struct arena *arena, const char *text, struct event_filter *ret, struct err *reterr)
{
    const char **patterns = arena_alloc(arena, EVENT_PATTERNS_MAX * sizeof *patterns);
    size_t count = 0;
    for (const char *next = text;; next++) {
        size_t length = strcspn(next, ",");
        const char *pattern = arena_text_n(arena, next, length);
        if (count == EVENT_PATTERNS_MAX || !event_pattern_is_valid(pattern))
            return err_set(reterr, ERR_INVALID,
                           "'%.80s' is not a list of at most %d kinds of events, as 'reservation.scheduled,node.*'",
                           text, EVENT_PATTERNS_MAX);
        patterns[count++] = pattern;
        next += length;
        if (*next == '\0')
            break;
    }
    ret->patterns = patterns;
    ret->count = count;
    return ERR_NONE;
}

struct event_filter event_filter_copy(struct arena *arena, const struct event_filter *filter)
{
    const char **patterns = arena_alloc(arena, (filter->count + 1) * sizeof *patterns);
    for (size_t i = 0; i < filter->count; i++)
        patterns[i] = arena_text(arena, filter->patterns[i]);
    return (struct event_filter){.patterns = patterns,
                                 .count = filter->count,
                                 .object_id = filter->object_id == NULL ? NULL : arena_text(arena, filter->object_id)};
}

static bool matches(const char *pattern, const char *kind)
{
    size_t length = strlen(pattern);
    if (strcmp(pattern, "*") == 0 || strcmp(pattern, kind) == 0)
        return true;
    bool ends_in_star = length > 2 && strcmp(pattern + length - 2, ".*") == 0;
    return ends_in_star && strncmp(kind, pattern, length - 1) == 0;
}

bool event_filter_matches(const struct event_filter *filter, const char *kind, const char *object_id)
{
    if (filter->object_id != NULL && strcmp(filter->object_id, object_id) != 0)
        return false;
    for (size_t i = 0; i < filter->count; i++) {
        if (matches(filter->patterns[i], kind))
            return true;
    }
    return filter->count == 0;
}
