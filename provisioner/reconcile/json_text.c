/* JSON as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/planner_terms.h"

#include "common/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *json_instant(struct arena *arena, int64_t instant_s)
{
    return instant_s == NEVER ? "null" : arena_format(arena, "%" PRId64, instant_s);
}

const char *json_time(struct arena *arena, int64_t instant_s)
{
    char text[CALENDAR_TIME_SIZE];
    if (instant_s > CALENDAR_TIME_MAX_S)
        return "null";
    calendar_time_print(instant_s, text);
    return arena_format(arena, "\"%s\"", text);
}

const char *json_text(struct arena *arena, const char *text)
{
    char *json = arena_alloc(arena, 6 * strlen(text) + 3); /* a control character takes six */
    char *end = json;
    *end++ = '"';
    for (const char *next = text; *next != '\0'; next++) {
        if ((unsigned char)*next < 0x20) {
            end += snprintf(end, sizeof "\\u0000", "\\u%04x", (unsigned)(unsigned char)*next);
            continue;
        }
        if (*next == '"' || *next == '\\')
            *end++ = '\\';
        *end++ = *next;
    }
    *end = '"';
    return json;
}

const char *json_text_or_null(struct arena *arena, const char *text)
{
    return text == NULL ? "null" : json_text(arena, text);
}
