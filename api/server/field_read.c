/* Reading: from a JSON object, or from the text of one value, into a struct, by the table. One reader per type. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"
#include "common/calendar.h"
#include "common/db.h"
#include "common/money.h"
#include "common/must.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where one value goes, and what to call it in a problem. */
struct place {
    const struct field *field;
    const char *pointer;
    void *target; /* the member */
    struct field_problems *problems;
    enum field_mode mode;
};

static void wrong_type(const struct place *place, const char *wanted)
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

static void read_text(const struct place *place, const char *text)
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

static void read_enum(const struct place *place, const char *text)
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

static void read_time(const struct place *place, const char *text)
{
    struct err err = {0};
    int64_t time_s = 0;
    if (calendar_time_parse(text, &time_s, &err) != ERR_NONE)
        field_problem_add(place->problems, place->pointer, "wrong_type", "must be a time written YYYY-MM-DDTHH:MM:SSZ");
    else
        *(int64_t *)place->target = time_s;
}

static void read_date(const struct place *place, const char *text)
{
    struct err err = {0};
    int64_t day = 0;
    if (calendar_date_parse(text, &day, &err) != ERR_NONE)
        field_problem_add(place->problems, place->pointer, "wrong_type", "must be a date written YYYY-MM-DD");
    else
        *(const char **)place->target = arena_text(place->problems->arena, text);
}

static void read_id(const struct place *place, const char *text)
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

static bool read_amount_u(const struct place *place, const char *pointer, const char *text, int64_t *ret_u)
{
    struct err err = {0};
    if (money_parse(text, ret_u, &err) == ERR_NONE && *ret_u != FIELD_NULL)
        return true;
    field_problem_add(place->problems, pointer, "wrong_type",
                      "must be a decimal with six digits after the point, e.g. \"2490.000000\"");
    return false;
}

/* "2490.00": exactly the decimals of the currency's minor unit. */
static void read_minor(const struct place *place, const char *text, const char *currency, struct field_money *ret)
{
    struct err err = {0};
    int exponent = 0;
    if (money_exponent(currency, &exponent, &err) != ERR_NONE) {
        const char *pointer = arena_format(place->problems->arena, "%s/currency", place->pointer);
        field_problem_add(place->problems, pointer, "out_of_range", "%s", err.text);
        return;
    }
    const char *point = strchr(text, '.');
    size_t decimals = point == NULL ? 0 : strlen(point + 1);
    bool has_form = decimals == (size_t)exponent && (point == NULL) == (exponent == 0);
    const char *micro = arena_format(place->problems->arena, "%s%s%.*s", text, exponent == 0 ? "." : "",
                                     MONEY_MICRO_EXPONENT - exponent, "000000");
    if (has_form && money_parse(micro, &ret->amount_u, &err) == ERR_NONE) {
        ret->currency = arena_text(place->problems->arena, currency);
        return;
    }
    const char *pointer = arena_format(place->problems->arena, "%s/amount", place->pointer);
    field_problem_add(place->problems, pointer, "wrong_type", "must be a decimal with %d digits after the point",
                      exponent);
}

static void read_amount(const struct place *place, const char *text)
{
    (void)read_amount_u(place, place->pointer, text, place->target); /* the problem is noted */
}

/* ---- Numbers ---- */

static void read_number(const struct place *place, int64_t value)
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

static void read_int_text(const struct place *place, const char *text)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool is_plain = text[strspn(text, "-0123456789")] == '\0'; /* strtoll() takes spaces and a plus before them */
    if (!is_plain || end == text || *end != '\0' || errno != 0)
        wrong_type(place, "a whole number");
    else
        read_number(place, value);
}

static void read_bool_text(const struct place *place, const char *text)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        wrong_type(place, "true or false");
    else
        *(bool *)place->target = is_true;
}

/* ---- JSON values ---- */

static void read_int(const struct place *place, const json_t *value)
{
    if (json_is_integer(value))
        read_number(place, json_integer_value(value));
    else
        wrong_type(place, "a whole number");
}

static void read_bool(const struct place *place, const json_t *value)
{
    if (json_is_boolean(value))
        *(bool *)place->target = json_is_true(value);
    else
        wrong_type(place, "true or false");
}

static bool is_plain_string(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static void read_money(const struct place *place, const json_t *value)
{
    const json_t *amount = json_object_get(value, "amount");
    const json_t *currency = json_object_get(value, "currency");
    struct field_money *money = place->target;
    if (!is_plain_string(amount) || !is_plain_string(currency) || json_object_size(value) != 2) {
        wrong_type(place, "an object of \"amount\" and \"currency\", both texts");
        return;
    }
    const char *code = json_string_value(currency);
    if (strlen(code) != 3 || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        const char *pointer = arena_format(place->problems->arena, "%s/currency", place->pointer);
        field_problem_add(place->problems, pointer, "out_of_range", "must be three capital letters (ISO 4217)");
        return;
    }
    if ((place->field->flags & FIELD_MINOR) != 0) {
        read_minor(place, json_string_value(amount), code, money);
        return;
    }
    const char *pointer = arena_format(place->problems->arena, "%s/amount", place->pointer);
    if (read_amount_u(place, pointer, json_string_value(amount), &money->amount_u))
        money->currency = arena_text(place->problems->arena, code);
}

/* [from, to]: `from` may be null. */
static void read_span(const struct place *place, const json_t *value)
{
    struct field_span *span = place->target;
    const json_t *from = json_array_get(value, 0);
    const json_t *to = json_array_get(value, 1);
    bool has_form = json_array_size(value) == 2 && (json_is_null(from) || is_plain_string(from)) && is_plain_string(to);
    *span = (struct field_span){.from = FIELD_NULL, .to = FIELD_NULL};
    if (!has_form) {
        wrong_type(place, "a list of two times, of which the first may be null");
        return;
    }
    struct place part = *place;
    part.target = &span->to;
    read_time(&part, json_string_value(to));
    part.target = &span->from;
    if (json_is_string(from))
        read_time(&part, json_string_value(from));
    if (span->from != FIELD_NULL && span->to != FIELD_NULL && span->from > span->to)
        field_problem_add(place->problems, place->pointer, "out_of_range", "the second time is before the first");
}

static int64_t entries_max(const struct field *field)
{
    return field->most == 0 ? FIELD_ENTRIES_MAX : field->most;
}

static bool has_entries(const struct place *place, size_t count)
{
    int64_t most = entries_max(place->field);
    if ((int64_t)count >= place->field->least && (int64_t)count <= most)
        return true;
    field_problem_add(place->problems, place->pointer, "out_of_range", "must have %" PRId64 " to %" PRId64 " entries",
                      place->field->least, most);
    return false;
}

static void read_list(const struct place *place, const json_t *value)
{
    if (!json_is_array(value)) {
        wrong_type(place, "a list of texts");
        return;
    }
    size_t count = json_array_size(value);
    if (!has_entries(place, count))
        return;
    const char **items = arena_alloc(place->problems->arena, (count + 1) * sizeof *items);
    CLEANUP(db_array_clear) struct db_array array = {0};
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        struct field text = {.most = place->field->most == 0 ? 0 : FIELD_TEXT_MAX};
        const struct place item_place = {&text, arena_format(place->problems->arena, "%s/%zu", place->pointer, i),
                                         &items[i], place->problems, place->mode};
        if (is_plain_string(item))
            read_text(&item_place, json_string_value(item));
        else
            wrong_type(&item_place, "a text");
        db_array_text(&array, items[i]);
    }
    const char *text = arena_text(place->problems->arena, db_array_param(&array));
    *(struct field_list *)place->target = (struct field_list){.items = items, .count = count, .array = text};
}

static void read_map(const struct place *place, json_t *value)
{
    if (!json_is_object(value)) {
        wrong_type(place, "an object of texts");
        return;
    }
    if ((int64_t)json_object_size(value) > entries_max(place->field)) {
        field_problem_add(place->problems, place->pointer, "out_of_range", "must have at most %" PRId64 " entries",
                          entries_max(place->field));
        return;
    }
    struct json_out out;
    json_out_init(&out, place->problems->arena);
    json_out_open(&out, '{');
    const char *key = NULL;
    json_t *entry = NULL;
    json_object_foreach(value, key, entry)
    {
        bool removes = json_is_null(entry) && place->mode == FIELD_MODE_PATCH; /* RFC 7396 */
        bool fits = (removes || is_plain_string(entry)) && strlen(key) >= 1 && strlen(key) <= FIELD_MAP_KEY_MAX &&
                    (removes || json_string_length(entry) <= FIELD_MAP_VALUE_MAX);
        if (!fits)
            field_problem_add(place->problems, place->pointer, "out_of_range",
                              "'%.63s' must be a text of at most %d bytes under a key of 1 to %d", key,
                              FIELD_MAP_VALUE_MAX, FIELD_MAP_KEY_MAX);
        json_out_key(&out, key);
        json_out_text(&out, fits && !removes ? json_string_value(entry) : NULL);
    }
    json_out_close(&out, '}');
    *(const char **)place->target = json_out_finish(&out);
}

typedef void text_reader(const struct place *place, const char *text);
static text_reader *const text_readers[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_TEXT] = read_text,      [FIELD_TYPE_ENUM] = read_enum, [FIELD_TYPE_INT] = read_int_text,
    [FIELD_TYPE_BOOL] = read_bool_text, [FIELD_TYPE_TIME] = read_time, [FIELD_TYPE_DATE] = read_date,
    [FIELD_TYPE_AMOUNT] = read_amount,  [FIELD_TYPE_ID] = read_id,
};

static bool is_text_in_json(enum field_type type)
{
    return text_readers[type] != NULL && type != FIELD_TYPE_INT && type != FIELD_TYPE_BOOL;
}

/* ---- Null and absence ---- */

static void set_nulls(const struct field *fields, void *target);

static void set_null(const struct field *field, void *target)
{
    bool is_number =
        field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_TIME || field->type == FIELD_TYPE_AMOUNT;
    if (is_number)
        *(int64_t *)target = FIELD_NULL;
    else if (field->type == FIELD_TYPE_SPAN)
        *(struct field_span *)target = (struct field_span){.from = FIELD_NULL, .to = FIELD_NULL};
    else if (field->type == FIELD_TYPE_LIST)
        *(struct field_list *)target = (struct field_list){0};
    else if (field->type == FIELD_TYPE_ROWS)
        *(struct field_rows *)target = (struct field_rows){0};
    else if (field->type == FIELD_TYPE_MONEY)
        *(struct field_money *)target = (struct field_money){0};
    else if (field->type == FIELD_TYPE_OBJECT)
        set_nulls(field->fields, target);
    else if (field->type != FIELD_TYPE_BOOL)
        *(const char **)target = NULL;
}

static void set_nulls(const struct field *fields, void *target)
{
    for (; fields->name != NULL; fields++) {
        if ((fields->flags & FIELD_READ_ONLY) == 0)
            set_null(fields, (char *)target + fields->offset);
    }
}

/* An object that may be left out is null, another one has its own defaults. */
static void set_default(const struct place *place)
{
    const struct field *field = place->field;
    set_null(field, place->target);
    if (field->type == FIELD_TYPE_OBJECT && (field->flags & FIELD_OPTIONAL) == 0)
        field_read_defaults(field->fields, 0, place->target, place->problems);
    if (field->fallback == NULL)
        return;
    if (field->type == FIELD_TYPE_MAP)
        *(const char **)place->target = field->fallback;
    else if (field->type == FIELD_TYPE_LIST)
        *(struct field_list *)place->target = (struct field_list){.array = "{}"};
    else {
        must(text_readers[field->type] != NULL);
        text_readers[field->type](place, field->fallback);
    }
}

void field_read_defaults(const struct field *fields, uint64_t present, void *target, struct field_problems *problems)
{
    for (size_t i = 0; fields[i].name != NULL; i++) {
        const struct place place = {&fields[i], "", (char *)target + fields[i].offset, problems, FIELD_MODE_CREATE};
        bool has_place = (fields[i].flags & FIELD_READ_ONLY) == 0;
        if (has_place && !FIELD_PRESENT(present, i))
            set_default(&place);
    }
}

/* ---- Objects ---- */

static void read_object(const struct place *place, const json_t *value);
static void read_rows(const struct place *place, const json_t *value);

static void read_value(const struct place *place, json_t *value)
{
    enum field_type type = place->field->type;
    if (is_text_in_json(type) && !is_plain_string(value))
        wrong_type(place, "a text");
    else if (is_text_in_json(type))
        text_readers[type](place, json_string_value(value));
    else if (type == FIELD_TYPE_INT)
        read_int(place, value);
    else if (type == FIELD_TYPE_BOOL)
        read_bool(place, value);
    else if (type == FIELD_TYPE_MONEY)
        read_money(place, value);
    else if (type == FIELD_TYPE_SPAN)
        read_span(place, value);
    else if (type == FIELD_TYPE_LIST)
        read_list(place, value);
    else if (type == FIELD_TYPE_MAP)
        read_map(place, value);
    else if (type == FIELD_TYPE_ROWS)
        read_rows(place, value);
    else
        read_object(place, value);
}

static int field_index(const struct field *fields, const char *name)
{
    for (int i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0 && (fields[i].flags & FIELD_READ_ONLY) == 0)
            return i;
    }
    return -1;
}

/* A JSON pointer's step: ~ and / are escaped (RFC 6901). */
static const char *pointer_below(struct arena *arena, const char *pointer, const char *name)
{
    struct json_out out;
    json_out_init(&out, arena);
    json_out_bytes(&out, pointer, strlen(pointer));
    json_out_bytes(&out, "/", 1);
    for (size_t i = 0; name[i] != '\0' && i < 128; i++) {
        const char *escaped = name[i] == '~' ? "~0" : name[i] == '/' ? "~1" : NULL;
        json_out_bytes(&out, escaped == NULL ? &name[i] : escaped, escaped == NULL ? 1 : 2);
    }
    return json_out_finish(&out);
}

/* Reads one member; returns its index, -1 where there is no such field. */
static int read_member(const struct place *object, const struct field *fields, const char *name, json_t *value)
{
    struct arena *arena = object->problems->arena;
    int index = field_index(fields, name);
    if (index < 0) {
        field_problem_add(object->problems, pointer_below(arena, object->pointer, name), "unknown_field",
                          "there is no field '%.64s' here", name);
        return -1;
    }
    const struct field *field = &fields[index];
    struct place place = {field, NULL, (char *)object->target + field->offset, object->problems, object->mode};
    place.pointer = pointer_below(arena, object->pointer, name);
    if (object->mode == FIELD_MODE_PATCH && (field->flags & FIELD_CREATE_ONLY) != 0) {
        field_problem_add(object->problems, place.pointer, "immutable_field", "cannot be changed");
        return index;
    }
    if (!json_is_null(value)) {
        read_value(&place, value);
        return index;
    }
    if ((field->flags & FIELD_NULLABLE) == 0)
        field_problem_add(object->problems, place.pointer, "wrong_type", "must not be null");
    set_null(field, place.target);
    return index;
}

static bool is_required(const struct field *fields, size_t i, uint64_t present)
{
    if ((fields[i].flags & FIELD_REQUIRED) == 0 || fields[i].unless == NULL)
        return (fields[i].flags & FIELD_REQUIRED) != 0;
    int other = field_index(fields, fields[i].unless);
    must(other >= 0);
    return !FIELD_PRESENT(present, other);
}

static uint64_t read_members(const struct place *object, const struct field *fields, const json_t *value)
{
    uint64_t present = 0;
    const char *name = NULL;
    json_t *member = NULL;
    json_t *readable = NULL;
    memcpy(&readable, &value, sizeof readable); /* jansson's iterators take no const */
    json_object_foreach(readable, name, member)
    {
        int index = read_member(object, fields, name, member);
        if (index >= 0)
            present |= UINT64_C(1) << index;
    }
    for (size_t i = 0; fields[i].name != NULL; i++) {
        must(i < 64);
        bool is_missing = is_required(fields, i, present) && !FIELD_PRESENT(present, i);
        if (is_missing && object->mode == FIELD_MODE_CREATE)
            field_problem_add(object->problems, pointer_below(object->problems->arena, object->pointer, fields[i].name),
                              "missing_field", "is required");
        const struct place place = {&fields[i], "", (char *)object->target + fields[i].offset, object->problems,
                                    object->mode};
        if (FIELD_PRESENT(present, i) || (fields[i].flags & FIELD_READ_ONLY) != 0)
            continue;
        if (object->mode == FIELD_MODE_CREATE)
            set_default(&place);
        else
            set_null(&fields[i], place.target);
    }
    return present;
}

static void read_object(const struct place *place, const json_t *value)
{
    must(place->field->type == FIELD_TYPE_OBJECT);
    if (!json_is_object(value))
        wrong_type(place, "an object");
    else
        (void)read_members(place, place->field->fields, value); /* who asks for presence asks the outer object */
}

static void read_rows(const struct place *place, const json_t *value)
{
    if (!json_is_array(value)) {
        wrong_type(place, "a list of objects");
        return;
    }
    const struct field *field = place->field;
    struct arena *arena = place->problems->arena;
    size_t count = json_array_size(value);
    if (!has_entries(place, count))
        return;
    char *items = arena_alloc(arena, (count + 1) * field->size);
    uint64_t *present = arena_alloc(arena, (count + 1) * sizeof *present);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        const struct place each = {field, arena_format(arena, "%s/%zu", place->pointer, i), items + i * field->size,
                                   place->problems, FIELD_MODE_CREATE};
        if (json_is_object(item))
            present[i] = read_members(&each, field->fields, item);
        else
            wrong_type(&each, "an object");
    }
    *(struct field_rows *)place->target = (struct field_rows){.items = items, .present = present, .count = count};
}

void field_read_json(const struct field *fields, const json_t *object, enum field_mode mode, void *target,
                     uint64_t *ret_present, struct field_problems *problems)
{
    const struct place place = {NULL, "", target, problems, mode};
    if (!json_is_object(object)) {
        field_problem_add(problems, "", "wrong_type", "must be an object");
        return;
    }
    uint64_t present = read_members(&place, fields, object);
    if (ret_present != NULL)
        *ret_present = present;
}

void field_read_text(const struct field *fields, const char *name, const char *text, void *target,
                     uint64_t *ret_present, struct field_problems *problems)
{
    const char *pointer = arena_format(problems->arena, "?%.64s", name);
    int index = field_index(fields, name);
    if (index < 0 || text_readers[fields[index].type] == NULL) {
        field_problem_add(problems, pointer, "unknown_field", "there is no query parameter '%.64s' here", name);
        return;
    }
    if (FIELD_PRESENT(*ret_present, index)) {
        field_problem_add(problems, pointer, "out_of_range", "is given twice");
        return;
    }
    const struct place place = {&fields[index], pointer, (char *)target + fields[index].offset, problems,
                                FIELD_MODE_QUERY};
    text_readers[fields[index].type](&place, text);
    *ret_present |= UINT64_C(1) << index;
}
