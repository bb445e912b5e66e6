/* Reading one value from JSON, but for objects: texts, numbers, money, spans, lists and maps of texts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_place.h"
#include "common/db.h"
#include "common/money.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define EXACT_MOST 9007199254740992.0 /* 2^53: up to there a double tells each whole number from the next */

static bool is_plain_string(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* ---- Numbers and money ---- */

/* 16.0 and 1.6e1 are whole numbers in JSON as 16 is (JSON Schema 2020-12, core, 4.2.3). */
static bool is_whole(const json_t *value)
{
    double number = json_real_value(value);
    return json_is_real(value) && number > -EXACT_MOST && number < EXACT_MOST && number == (double)(int64_t)number;
}

static void read_int(const struct field_place *place, json_t *value)
{
    if (json_is_integer(value))
        field_read_number(place, json_integer_value(value));
    else if (is_whole(value))
        field_read_number(place, (int64_t)json_real_value(value));
    else
        field_wrong_type(place, "a whole number");
}

static void read_bool(const struct field_place *place, json_t *value)
{
    if (json_is_boolean(value))
        *(bool *)place->target = json_is_true(value);
    else
        field_wrong_type(place, "true or false");
}

/* "2490.00": exactly the decimals of the currency's minor unit. */
static void read_minor(const struct field_place *place, const char *text, const char *currency, struct field_money *ret)
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

static void read_money(const struct field_place *place, json_t *value)
{
    const json_t *amount = json_object_get(value, "amount");
    const json_t *currency = json_object_get(value, "currency");
    struct field_money *money = place->target;
    if (!is_plain_string(amount) || !is_plain_string(currency) || json_object_size(value) != 2) {
        field_wrong_type(place, "an object of \"amount\" and \"currency\", both texts");
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
    if (field_read_amount(place, pointer, json_string_value(amount), &money->amount_u))
        money->currency = arena_text(place->problems->arena, code);
}

/* ---- Of several parts ---- */

/* [from, to]: `from` may be null. */
static void read_span(const struct field_place *place, json_t *value)
{
    struct field_span *span = place->target;
    const json_t *from = json_array_get(value, 0);
    const json_t *to = json_array_get(value, 1);
    bool has_form = json_array_size(value) == 2 && (json_is_null(from) || is_plain_string(from)) && is_plain_string(to);
    *span = (struct field_span){.from = FIELD_NULL, .to = FIELD_NULL};
    if (!has_form) {
        field_wrong_type(place, "a list of two times, of which the first may be null");
        return;
    }
    struct field_place part = *place;
    part.target = &span->to;
    field_read_time(&part, json_string_value(to));
    part.target = &span->from;
    if (json_is_string(from))
        field_read_time(&part, json_string_value(from));
    if (span->from != FIELD_NULL && span->to != FIELD_NULL && span->from > span->to)
        field_problem_add(place->problems, place->pointer, "out_of_range", "the second time is before the first");
}

static int64_t entries_max(const struct field *field)
{
    return field->most == 0 ? FIELD_ENTRIES_MAX : field->most;
}

bool field_has_entries(const struct field_place *place, size_t count)
{
    int64_t most = entries_max(place->field);
    if ((int64_t)count >= place->field->least && (int64_t)count <= most)
        return true;
    field_problem_add(place->problems, place->pointer, "out_of_range", "must have %" PRId64 " to %" PRId64 " entries",
                      place->field->least, most);
    return false;
}

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static void refuse_repetitions(const struct field_place *place, const json_t *list)
{
    CLEANUP(json_freep) json_t *seen = json_object();
    must(seen != NULL);
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        if (!is_plain_string(item))
            continue; /* that is said of it */
        if (json_object_get(seen, json_string_value(item)) != NULL)
            field_problem_add(place->problems, arena_format(place->problems->arena, "%s/%zu", place->pointer, i),
                              "out_of_range", "stands in the list already");
        must(json_object_set_new(seen, json_string_value(item), json_true()) == 0);
    }
}

/* Nothing stands in it twice: order may count, number does not. */
static void read_list(const struct field_place *place, json_t *value)
{
    if (!json_is_array(value)) {
        field_wrong_type(place, "a list of texts");
        return;
    }
    size_t count = json_array_size(value);
    if (!field_has_entries(place, count))
        return;
    const char **items = arena_alloc(place->problems->arena, (count + 1) * sizeof *items);
    CLEANUP(db_array_clear) struct db_array array = {0};
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        struct field text = {.most = place->field->most == 0 ? 0 : FIELD_TEXT_MAX};
        const struct field_place item_place = {&text, arena_format(place->problems->arena, "%s/%zu", place->pointer, i),
                                               &items[i], place->problems, place->mode};
        if (is_plain_string(item))
            field_read_plain_text(&item_place, json_string_value(item));
        else
            field_wrong_type(&item_place, "a text");
        db_array_text(&array, items[i]);
    }
    refuse_repetitions(place, value);
    const char *text = arena_text(place->problems->arena, db_array_param(&array));
    *(struct field_list *)place->target = (struct field_list){.items = items, .count = count, .array = text};
}

static void read_map(const struct field_place *place, json_t *value)
{
    if (!json_is_object(value)) {
        field_wrong_type(place, "an object of texts");
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

/* ---- All ---- */

static void read_text(const struct field_place *place, json_t *value)
{
    if (is_plain_string(value))
        field_read_value_text(place, json_string_value(value));
    else
        field_wrong_type(place, "a text");
}

typedef void value_reader(const struct field_place *place, json_t *value);
static value_reader *const value_readers[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_TEXT] = read_text,   [FIELD_TYPE_ENUM] = read_text, [FIELD_TYPE_INT] = read_int,
    [FIELD_TYPE_BOOL] = read_bool,   [FIELD_TYPE_TIME] = read_text, [FIELD_TYPE_DATE] = read_text,
    [FIELD_TYPE_AMOUNT] = read_text, [FIELD_TYPE_ID] = read_text,   [FIELD_TYPE_MONEY] = read_money,
    [FIELD_TYPE_SPAN] = read_span,   [FIELD_TYPE_LIST] = read_list, [FIELD_TYPE_MAP] = read_map,
};

void field_read_value(const struct field_place *place, json_t *value)
{
    must(value_readers[place->field->type] != NULL);
    value_readers[place->field->type](place, value);
}
