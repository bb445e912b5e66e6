/* Writing: one JSON object from a struct, from a row, or from a JSON object that the database made of a row. Rows give
 * the text of a value as the database has it; one writer per type turns that into JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"
#include "common/calendar.h"
#include "common/db.h"
#include "common/money.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- From values ---- */

static void write_time(int64_t time_s, struct json_out *out)
{
    char text[CALENDAR_TIME_SIZE];
    if (time_s == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    calendar_time_print(time_s, text);
    json_out_text(out, text);
}

static void write_amount(int64_t amount_u, struct json_out *out)
{
    char text[MONEY_TEXT_SIZE];
    if (amount_u == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    money_print(amount_u, text);
    json_out_text(out, text);
}

static void write_money(int64_t amount_u, const char *currency, struct json_out *out)
{
    if (currency == NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key(out, "amount");
    write_amount(amount_u, out);
    json_out_key(out, "currency");
    json_out_text(out, currency);
    json_out_close(out, '}');
}

static void write_minor(int64_t amount_minor, const char *currency, struct json_out *out)
{
    struct err err = {0};
    int exponent = 0;
    must(money_exponent(currency, &exponent, &err) == ERR_NONE); /* what writes amounts checks their currency */
    uint64_t unit = 1;
    for (int i = 0; i < exponent; i++)
        unit *= 10;
    uint64_t size = amount_minor < 0 ? -(uint64_t)amount_minor : (uint64_t)amount_minor;
    char decimals[MONEY_MICRO_EXPONENT + 1]; /* of which the currency has the first few */
    char text[MONEY_TEXT_SIZE + MONEY_MICRO_EXPONENT];
    (void)snprintf(decimals, sizeof decimals, "%06" PRIu64,
                   size % unit * ((uint64_t)MONEY_MICRO_PER_MAJOR / unit) % (uint64_t)MONEY_MICRO_PER_MAJOR);
    (void)snprintf(text, sizeof text, "%s%" PRIu64 "%s%.*s", amount_minor < 0 ? "-" : "", size / unit,
                   exponent == 0 ? "" : ".", exponent, decimals);
    json_out_open(out, '{');
    json_out_key(out, "amount");
    json_out_text(out, text);
    json_out_key(out, "currency");
    json_out_text(out, currency);
    json_out_close(out, '}');
}

static void write_money_member(const struct field *field, const struct field_money *money, struct json_out *out)
{
    struct err err = {0};
    int exponent = 0;
    if ((field->flags & FIELD_MINOR) == 0 || money->currency == NULL) {
        write_money(money->amount_u, money->currency, out);
        return;
    }
    must(money_exponent(money->currency, &exponent, &err) == ERR_NONE);
    write_minor(money_minor_of_micro(money->amount_u, exponent), money->currency, out);
}

static void write_id(enum identity_kind identity, const char *uuid, struct json_out *out)
{
    char text[IDENTITY_TEXT_SIZE];
    if (uuid == NULL) {
        json_out_null(out);
        return;
    }
    identity_text_of_uuid(identity, uuid, text);
    json_out_text(out, text);
}

static void write_list(const struct field_list *list, struct json_out *out)
{
    if (list->array == NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '[');
    for (size_t i = 0; i < list->count; i++)
        json_out_text(out, list->items[i]);
    json_out_close(out, ']');
}

static void write_span(struct field_span span, struct json_out *out)
{
    if (span.to == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '[');
    if (span.from == FIELD_NULL)
        json_out_null(out);
    else
        write_time(span.from, out);
    write_time(span.to, out);
    json_out_close(out, ']');
}

static bool is_written(const struct field *field)
{
    return (field->flags & FIELD_WRITE_ONLY) == 0;
}

/* ---- From a struct ---- */

static const char *text_at(const void *member)
{
    const char *text = NULL;
    memcpy(&text, member, sizeof text);
    return text;
}

static int64_t int_at(const void *member)
{
    int64_t value = 0;
    memcpy(&value, member, sizeof value);
    return value;
}

static bool is_null_member(const struct field *field, const void *member)
{
    if (field->type == FIELD_TYPE_OBJECT)
        return is_null_member(&field->fields[0], (const char *)member + field->fields[0].offset);
    if (field->type == FIELD_TYPE_LIST)
        return ((const struct field_list *)member)->array == NULL;
    if (field->type == FIELD_TYPE_SPAN)
        return ((const struct field_span *)member)->to == FIELD_NULL;
    bool is_number =
        field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_TIME || field->type == FIELD_TYPE_AMOUNT;
    if (is_number)
        return int_at(member) == FIELD_NULL;
    return field->type != FIELD_TYPE_BOOL && field->type != FIELD_TYPE_MONEY && text_at(member) == NULL;
}

static void write_member(const struct field *field, const void *member, struct json_out *out)
{
    if (field->type == FIELD_TYPE_OBJECT)
        field_write_struct(field->fields, member, out);
    else if (field->type == FIELD_TYPE_BOOL)
        json_out_bool(out, *(const bool *)member);
    else if (field->type == FIELD_TYPE_MONEY)
        write_money_member(field, member, out);
    else if (field->type == FIELD_TYPE_LIST)
        write_list(member, out);
    else if (field->type == FIELD_TYPE_SPAN)
        write_span(*(const struct field_span *)member, out);
    else if (is_null_member(field, member))
        json_out_null(out);
    else if (field->type == FIELD_TYPE_INT)
        json_out_int(out, int_at(member));
    else if (field->type == FIELD_TYPE_TIME)
        write_time(int_at(member), out);
    else if (field->type == FIELD_TYPE_AMOUNT)
        write_amount(int_at(member), out);
    else if (field->type == FIELD_TYPE_ID)
        write_id(field->identity, text_at(member), out);
    else if (field->type == FIELD_TYPE_MAP || field->type == FIELD_TYPE_JSON)
        json_out_raw(out, text_at(member));
    else
        json_out_text(out, text_at(member));
}

void field_write_struct(const struct field *fields, const void *source, struct json_out *out)
{
    json_out_open(out, '{');
    for (const struct field *field = fields; field->name != NULL; field++) {
        const void *member = (const char *)source + field->offset;
        bool left_out = (field->flags & FIELD_OPTIONAL) != 0 && is_null_member(field, member);
        if (!is_written(field) || left_out)
            continue;
        json_out_key(out, field->name);
        write_member(field, member, out);
    }
    json_out_close(out, '}');
}

/* ---- From a row ---- */

#define COLUMN_NAME_SIZE 128
#define NUMBER_TEXT_SIZE 24

/* A row of a result, or an object of a JSON column whose keys are named as columns are. */
struct row {
    const PGresult *result; /* NULL: object */
    int number;
    int next_column; /* behind the one found last: columns mostly stand in the order of the fields */
    const json_t *object;
    char text[NUMBER_TEXT_SIZE]; /* of the number last asked for in object */
};

static const char *text_of_json(struct row *row, const json_t *value)
{
    if (json_is_integer(value)) {
        (void)snprintf(row->text, sizeof row->text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return row->text;
    }
    if (json_is_boolean(value))
        return json_is_true(value) ? "t" : "f";
    return json_string_value(value); /* NULL for null */
}

static bool is_named(const char *column, const char *prefix, const char *name, const char *part)
{
    size_t prefix_length = strlen(prefix), name_length = strlen(name);
    return strncmp(column, prefix, prefix_length) == 0 && strncmp(column + prefix_length, name, name_length) == 0 &&
           strcmp(column + prefix_length + name_length, part) == 0;
}

/* -1: none. PQfnumber would fold the name and copy it, for each field of each row. */
static int number_of_column(struct row *row, const char *prefix, const char *name, const char *part)
{
    int count = PQnfields(row->result);
    for (int i = 0; i < count; i++) {
        int number = (row->next_column + i) % count;
        if (!is_named(PQfname(row->result, number), prefix, name, part))
            continue;
        row->next_column = number + 1;
        return number;
    }
    return -1;
}

/* The text of a column; false where there is no such column. NULL for null. */
static bool find_column(struct row *row, const char *prefix, const char *name, const char *part, const char **ret)
{
    if (row->result != NULL) {
        int number = number_of_column(row, prefix, name, part);
        *ret = number < 0 ? NULL : db_text(row->result, row->number, number);
        return number >= 0;
    }
    char member[COLUMN_NAME_SIZE];
    int length = snprintf(member, sizeof member, "%s%s%s", prefix, name, part);
    must(length > 0 && (size_t)length < sizeof member);
    const json_t *value = json_object_get(row->object, member);
    *ret = text_of_json(row, value);
    return value != NULL;
}

static int64_t int_of_text(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    must(end != text && *end == '\0'); /* the statement's column is a whole number */
    return value;
}

static void write_rows(const struct field *field, const char *text, struct json_out *out);

static void write_text(const struct field *field, const char *text, struct json_out *out)
{
    if (text == NULL)
        json_out_null(out);
    else if (field->type == FIELD_TYPE_BOOL)
        json_out_bool(out, text[0] == 't');
    else if (field->type == FIELD_TYPE_TIME)
        write_time(int_of_text(text), out);
    else if (field->type == FIELD_TYPE_AMOUNT)
        write_amount(int_of_text(text), out);
    else if (field->type == FIELD_TYPE_ID)
        write_id(field->identity, text, out);
    else if (field->type == FIELD_TYPE_TEXT || field->type == FIELD_TYPE_ENUM || field->type == FIELD_TYPE_DATE)
        json_out_text(out, text);
    else if (field->type == FIELD_TYPE_ROWS)
        write_rows(field, text, out);
    else
        json_out_raw(out, text); /* INT, LIST, MAP, JSON: JSON already */
}

static void write_money_columns(const struct field *field, struct row *row, const char *prefix, struct json_out *out)
{
    bool is_minor = (field->flags & FIELD_MINOR) != 0;
    const char *text = NULL, *currency = NULL;
    must(find_column(row, prefix, field->name, is_minor ? ".amount_minor" : ".amount_u", &text));
    int64_t amount = text == NULL ? FIELD_NULL : int_of_text(text);
    must(find_column(row, prefix, field->name, ".currency", &currency));
    if (amount == FIELD_NULL || currency == NULL)
        json_out_null(out);
    else if (is_minor)
        write_minor(amount, currency, out);
    else
        write_money(amount, currency, out);
}

static struct field_span span_of_columns(const struct field *field, struct row *row, const char *prefix)
{
    struct field_span span = {.from = FIELD_NULL, .to = FIELD_NULL};
    const char *text = NULL;
    must(find_column(row, prefix, field->name, ".from", &text));
    span.from = text == NULL ? FIELD_NULL : int_of_text(text);
    must(find_column(row, prefix, field->name, ".to", &text));
    span.to = text == NULL ? FIELD_NULL : int_of_text(text);
    return span;
}

static void write_row(const struct field *fields, struct row *row, const char *prefix, struct json_out *out);

static void write_object(const struct field *field, struct row *row, const char *prefix, struct json_out *out)
{
    char below[COLUMN_NAME_SIZE];
    int length = snprintf(below, sizeof below, "%s%s.", prefix, field->name);
    must(length > 0 && (size_t)length < sizeof below);
    write_row(field->fields, row, below, out);
}

/* By the first field of its table. */
static bool is_null_object(const struct field *field, struct row *row, const char *prefix)
{
    const char *text = NULL;
    char below[COLUMN_NAME_SIZE];
    int length = snprintf(below, sizeof below, "%s%s.", prefix, field->name);
    must(length > 0 && (size_t)length < sizeof below);
    return !find_column(row, below, field->fields[0].name, "", &text) || text == NULL;
}

static void write_field(const struct field *field, struct row *row, const char *prefix, struct json_out *out)
{
    const char *text = NULL;
    bool is_optional = (field->flags & FIELD_OPTIONAL) != 0;
    if (is_optional && field->type == FIELD_TYPE_OBJECT && is_null_object(field, row, prefix))
        return;
    bool is_span = field->type == FIELD_TYPE_SPAN;
    struct field_span span = is_span ? span_of_columns(field, row, prefix) : (struct field_span){0};
    if (is_optional && is_span && span.to == FIELD_NULL)
        return;
    bool is_compound = is_span || field->type == FIELD_TYPE_OBJECT || field->type == FIELD_TYPE_MONEY;
    bool is_found = is_compound || find_column(row, prefix, field->name, "", &text);
    must(is_found || is_optional);
    if (is_optional && !is_compound && text == NULL)
        return;
    json_out_key(out, field->name);
    if (field->type == FIELD_TYPE_OBJECT)
        write_object(field, row, prefix, out);
    else if (field->type == FIELD_TYPE_MONEY)
        write_money_columns(field, row, prefix, out);
    else if (is_span)
        write_span(span, out);
    else
        write_text(field, text, out);
}

static void write_row(const struct field *fields, struct row *row, const char *prefix, struct json_out *out)
{
    json_out_open(out, '{');
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (is_written(field))
            write_field(field, row, prefix, out);
    }
    json_out_close(out, '}');
}

static void write_rows(const struct field *field, const char *text, struct json_out *out)
{
    json_error_t error;
    json_t *rows = json_loads(text, 0, &error);
    must(json_is_array(rows)); /* the statement's column is json_agg */
    json_out_open(out, '[');
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct row row = {.object = json_array_get(rows, i)};
        write_row(field->fields, &row, "", out);
    }
    json_out_close(out, ']');
    json_decref(rows);
}

void field_write_row(const struct field *fields, const PGresult *result, int row, struct json_out *out)
{
    must(row >= 0 && row < PQntuples(result));
    struct row source = {.result = result, .number = row};
    write_row(fields, &source, "", out);
}
