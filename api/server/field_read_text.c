/* Reading one value from its text, as it stands in JSON, in a query or as a default. One reader per type. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_place.h"
#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void field_wrong_type(const struct field_place *place, const char *wanted)
{
    field_problem_add(place->problems, place->pointer, "wrong_type", "must be %s", wanted);
}

/* ---- Texts ---- */

static bool is_name(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char later[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);
    return length >= 1 && length <= 63 && strchr(first, text[0]) != NULL && strspn(text, later) == length;
}

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static bool has_control_character(const char *text, const char *allowed)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < 0x20 || *text == 0x7f) && strchr(allowed, *text) == NULL)
            return true;
    }
    return false;
}

void field_read_plain_text(const struct field_place *place, const char *text)
{
    const struct field *field = place->field;
    if (field->pattern == FIELD_NAME && !is_name(text)) {
        field_problem_add(place->problems, place->pointer, "out_of_range",
                          "must be 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit");
        return;
    }
    int64_t least = field->least == 0 && field->most == 0 ? 1 : field->least;
    int64_t most = field->most == 0 ? FIELD_TEXT_MAX : field->most;
    int64_t count = (int64_t)characters_of(text);
    const char *allowed = field->pattern == FIELD_LINES ? "\n\r\t" : "";
    if (count < least || count > most || has_control_character(text, allowed) || !json_text_is_utf8(text)) {
        field_problem_add(place->problems, place->pointer, "out_of_range",
                          "must be %" PRId64 " to %" PRId64 " characters of UTF-8 without control characters", least,
                          most);
        return;
    }
    *(const char **)place->target = arena_text(place->problems->arena, text);
}

static void read_enum(const struct field_place *place, const char *text)
{
    for (const char *const *value = place->field->values; *value != NULL; value++) {
        if (strcmp(*value, text) == 0) {
            *(const char **)place->target = *value;
            return;
        }
    }
    char *list = arena_text(place->problems->arena, "");
    for (const char *const *value = place->field->values; *value != NULL; value++)
        list = arena_format(place->problems->arena, "%s%s'%s'", list, list[0] == '\0' ? "" : ", ", *value);
    field_problem_add(place->problems, place->pointer, "out_of_range", "must be one of %s", list);
}

void field_read_time(const struct field_place *place, const char *text)
{
    struct err err = {0};
    int64_t time_s = 0;
    if (calendar_time_parse(text, &time_s, &err) != ERR_NONE)
        field_problem_add(place->problems, place->pointer, "wrong_type", "must be a time written YYYY-MM-DDTHH:MM:SSZ");
    else
        *(int64_t *)place->target = time_s;
}

static void read_date(const struct field_place *place, const char *text)
{
    struct err err = {0};
    int64_t day = 0;
    if (calendar_date_parse(text, &day, &err) != ERR_NONE)
        field_problem_add(place->problems, place->pointer, "wrong_type", "must be a date written YYYY-MM-DD");
    else
        *(const char **)place->target = arena_text(place->problems->arena, text);
}

static void read_id(const struct field_place *place, const char *text)
{
    struct err err = {0};
    struct identity id;
    if (identity_from_text(place->field->identity, text, &id, &err) != ERR_NONE) {
        field_problem_add(place->problems, place->pointer, "wrong_type", "%s", err.text);
        return;
    }
    char *uuid = arena_alloc(place->problems->arena, UUID_TEXT_SIZE);
    identity_to_uuid(id, uuid);
    *(const char **)place->target = uuid;
}

bool field_read_amount(const struct field_place *place, const char *pointer, const char *text, int64_t *ret_u)
{
    struct err err = {0};
    if (money_parse(text, ret_u, &err) == ERR_NONE && *ret_u != FIELD_NULL)
        return true;
    field_problem_add(place->problems, pointer, "wrong_type",
                      "must be a decimal with six digits after the point, e.g. \"2490.000000\"");
    return false;
}

static void read_amount(const struct field_place *place, const char *text)
{
    (void)field_read_amount(place, place->pointer, text, place->target); /* the problem is noted */
}

/* ---- Numbers ---- */

void field_read_number(const struct field_place *place, int64_t value)
{
    const struct field *field = place->field;
    bool bounded = field->least != 0 || field->most != 0;
    if ((bounded && (value < field->least || value > field->most)) || value == FIELD_NULL) {
        field_problem_add(place->problems, place->pointer, "out_of_range", "must be %" PRId64 " to %" PRId64,
                          field->least, field->most);
        return;
    }
    *(int64_t *)place->target = value;
}

static void read_int_text(const struct field_place *place, const char *text)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool is_plain = text[strspn(text, "-0123456789")] == '\0'; /* strtoll() takes spaces and a plus before them */
    if (!is_plain || end == text || *end != '\0' || errno != 0)
        field_wrong_type(place, "a whole number");
    else
        field_read_number(place, value);
}

static void read_bool_text(const struct field_place *place, const char *text)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        field_wrong_type(place, "true or false");
    else
        *(bool *)place->target = is_true;
}

/* ---- All ---- */

typedef void text_reader(const struct field_place *place, const char *text);
static text_reader *const text_readers[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_TEXT] = field_read_plain_text, [FIELD_TYPE_ENUM] = read_enum,       [FIELD_TYPE_INT] = read_int_text,
    [FIELD_TYPE_BOOL] = read_bool_text,        [FIELD_TYPE_TIME] = field_read_time, [FIELD_TYPE_DATE] = read_date,
    [FIELD_TYPE_AMOUNT] = read_amount,         [FIELD_TYPE_ID] = read_id,
};

bool field_type_has_text(enum field_type type)
{
    return text_readers[type] != NULL;
}

void field_read_value_text(const struct field_place *place, const char *text)
{
    must(field_type_has_text(place->field->type));
    text_readers[place->field->type](place, text);
}
