/* Writing JSON objects from rows of a result, or from JSON objects that the database made of rows: the text of a value
 * as the database has it becomes JSON by the type of its field.
 *
 * Where each field's text stands is found out once for all rows, as a plan: a step per field in the order of writing.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_value.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_SIZE      128
#define NUMBER_TEXT_SIZE 24

/* Of a result by its number, of a JSON object by its name. */
struct column {
    int number;
    const char *name;
    bool may_lack; /* an object may have no such member */
};

/* One field, or the end of an object. */
struct step {
    const struct field *field; /* NULL: an object ends */
    const char *key;           /* its name as JSON, with the colon */
    size_t key_length;
    struct column first; /* of an OBJECT that may be left out: that of its first field, which decides it */
    struct column second;
    int next_if_left_out; /* of an OBJECT: the step behind its end */
};

struct plan {
    struct step *steps;
    int count;
};

struct planner {
    struct plan plan;
    const PGresult *result; /* NULL: the rows are JSON objects */
    int next_column;        /* behind the one found last: columns mostly stand in the order of the fields */
    struct arena *arena;
};

/* ---- Planning ---- */

/* What follows in text behind the beginning; NULL: it begins with something else, or is NULL. */
static const char *behind(const char *text, const char *beginning)
{
    for (; text != NULL && *beginning != '\0'; beginning++)
        text = *text == *beginning ? text + 1 : NULL;
    return text;
}

static bool is_named(const char *column, const char *prefix, const char *name, const char *part)
{
    const char *rest = behind(behind(column, prefix), name);
    return rest != NULL && strcmp(rest, part) == 0;
}

/* -1: none. PQfnumber would fold the name and copy it. */
static int number_of_column(struct planner *planner, const char *prefix, const char *name, const char *part)
{
    int count = PQnfields(planner->result);
    for (int i = 0; i < count; i++) {
        int number = (planner->next_column + i) % count;
        if (!is_named(PQfname(planner->result, number), prefix, name, part))
            continue;
        planner->next_column = number + 1;
        return number;
    }
    return -1;
}

static char *joined(struct arena *arena, const char *first, const char *second, const char *third)
{
    size_t first_length = strlen(first), second_length = strlen(second), third_length = strlen(third);
    char *text = arena_alloc(arena, first_length + second_length + third_length + 1); /* zeroed: terminated */
    memcpy(text, first, first_length);
    memcpy(text + first_length, second, second_length);
    memcpy(text + first_length + second_length, third, third_length);
    return text;
}

/* False where the result has no such column. */
static bool find_column(struct planner *planner, const char *prefix, const char *name, const char *part, bool may_lack,
                        struct column *ret)
{
    *ret = (struct column){.number = -1, .may_lack = may_lack};
    if (planner->result == NULL)
        ret->name = joined(planner->arena, prefix, name, part);
    else
        ret->number = number_of_column(planner, prefix, name, part);
    return planner->result == NULL || ret->number >= 0;
}

static int count_steps(const struct field *fields)
{
    int count = 1; /* the end */
    for (const struct field *field = fields; field->name != NULL; field++)
        count += 1 + (field->type == FIELD_TYPE_OBJECT ? count_steps(field->fields) : 0);
    return count;
}

/* The columns of a field; false where it is left out of each row, since the result has none. */
static bool find_columns(struct planner *planner, const struct field *field, const char *prefix, const char *below,
                         struct step *step)
{
    bool is_optional = (field->flags & FIELD_OPTIONAL) != 0;
    if (field->type == FIELD_TYPE_OBJECT) {
        if (!is_optional)
            return true;
        int next_column = planner->next_column; /* which is found again, as its own */
        bool is_found = find_column(planner, below, field->fields[0].name, "", true, &step->first);
        planner->next_column = next_column;
        return is_found;
    }
    if (field->type == FIELD_TYPE_SPAN) {
        must(find_column(planner, prefix, field->name, ".from", false, &step->first));
        must(find_column(planner, prefix, field->name, ".to", false, &step->second));
        return true;
    }
    if (field->type == FIELD_TYPE_MONEY) {
        bool is_minor = (field->flags & FIELD_MINOR) != 0;
        const char *amount = is_minor ? ".amount_minor" : ".amount_u";
        bool has_amount = find_column(planner, prefix, field->name, amount, is_optional, &step->first);
        must(has_amount || is_optional);
        must(!has_amount || find_column(planner, prefix, field->name, ".currency", false, &step->second));
        return has_amount;
    }
    bool is_found = find_column(planner, prefix, field->name, "", is_optional, &step->first);
    must(is_found || is_optional);
    return is_found;
}

static void plan_fields(struct planner *planner, const struct field *fields, const char *prefix);

static void plan_field(struct planner *planner, const struct field *field, const char *prefix)
{
    char below[PREFIX_SIZE] = "";
    if (field->type == FIELD_TYPE_OBJECT) {
        int length = snprintf(below, sizeof below, "%s%s.", prefix, field->name);
        must(length > 0 && (size_t)length < sizeof below);
    }
    struct step *step = &planner->plan.steps[planner->plan.count];
    *step = (struct step){.field = field};
    if (!find_columns(planner, field, prefix, below, step))
        return;
    step->key = joined(planner->arena, "\"", field->name, "\":"); /* no name needs escaping */
    step->key_length = strlen(step->key);
    planner->plan.count++;
    if (field->type != FIELD_TYPE_OBJECT)
        return;
    plan_fields(planner, field->fields, below);
    step->next_if_left_out = planner->plan.count;
}

static void plan_fields(struct planner *planner, const struct field *fields, const char *prefix)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field_is_written(field))
            plan_field(planner, field, prefix);
    }
    planner->plan.steps[planner->plan.count++] = (struct step){.field = NULL};
}

static struct plan plan_of(const struct field *fields, const PGresult *result, struct arena *arena)
{
    struct planner planner = {.result = result, .arena = arena};
    planner.plan.steps = arena_alloc(arena, (size_t)count_steps(fields) * sizeof *planner.plan.steps);
    plan_fields(&planner, fields, "");
    return planner.plan;
}

/* ---- Writing ---- */

/* A row of a result, or a JSON object. */
struct row {
    const PGresult *result; /* NULL: object */
    int number;
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

/* NULL for null. */
static const char *text_of(struct row *row, const struct column *column)
{
    if (row->result != NULL)
        return PQgetisnull(row->result, row->number, column->number)
                   ? NULL
                   : PQgetvalue(row->result, row->number, column->number);
    const json_t *value = json_object_get(row->object, column->name);
    must(value != NULL || column->may_lack);
    return text_of_json(row, value);
}

/* The statement's column is a whole number. */
static int64_t int_of_text(const char *text)
{
    bool is_negative = *text == '-';
    int64_t value = 0;
    text += is_negative ? 1 : 0;
    must(*text != '\0');
    for (; *text != '\0'; text++) {
        must(*text >= '0' && *text <= '9');
        must(!__builtin_mul_overflow(value, 10, &value) && !__builtin_sub_overflow(value, *text - '0', &value));
    }
    must(is_negative || value != INT64_MIN); /* summed up below zero, where there is room for one more */
    return is_negative ? value : -value;
}

static int64_t int_or_null(const char *text)
{
    return text == NULL ? FIELD_NULL : int_of_text(text);
}

static void write_rows_of_json(const struct field *field, const char *text, struct json_out *out);

static void write_text(const struct field *field, const char *text, struct json_out *out)
{
    if (text == NULL) {
        json_out_null(out);
        return;
    }
    switch ((int)field->type) {
    case FIELD_TYPE_BOOL:
        json_out_bool(out, text[0] == 't');
        break;
    case FIELD_TYPE_TIME:
        field_value_time(int_of_text(text), out);
        break;
    case FIELD_TYPE_AMOUNT:
        field_value_amount(int_of_text(text), out);
        break;
    case FIELD_TYPE_ID:
        field_value_id(field->identity, text, out);
        break;
    case FIELD_TYPE_TEXT:
    case FIELD_TYPE_ENUM:
    case FIELD_TYPE_DATE:
        json_out_text(out, text);
        break;
    case FIELD_TYPE_ROWS:
        write_rows_of_json(field, text, out);
        break;
    default:
        json_out_raw(out, text); /* INT, LIST, MAP, JSON: JSON already */
    }
}

static void write_money(const struct step *step, struct row *row, struct json_out *out)
{
    int64_t amount = int_or_null(text_of(row, &step->first));
    const char *currency = text_of(row, &step->second);
    if (amount == FIELD_NULL || currency == NULL)
        json_out_null(out);
    else if ((step->field->flags & FIELD_MINOR) != 0)
        field_value_minor(amount, currency, out);
    else
        field_value_money(amount, currency, out);
}

static void write_span(const struct step *step, struct row *row, bool is_optional, struct json_out *out)
{
    struct field_span span = {.from = int_or_null(text_of(row, &step->first))};
    span.to = int_or_null(text_of(row, &step->second));
    if (is_optional && span.to == FIELD_NULL)
        return;
    json_out_ready_key(out, step->key, step->key_length);
    field_value_span(span, out);
}

/* The number of the step that follows. */
static int write_step(const struct step *step, int number, struct row *row, struct json_out *out)
{
    if (step->field == NULL) {
        json_out_close(out, '}');
        return number + 1;
    }
    bool is_optional = (step->field->flags & FIELD_OPTIONAL) != 0;
    if (step->field->type == FIELD_TYPE_SPAN) {
        write_span(step, row, is_optional, out);
        return number + 1;
    }
    bool is_object = step->field->type == FIELD_TYPE_OBJECT, is_money = step->field->type == FIELD_TYPE_MONEY;
    bool has_text = !is_money && (!is_object || is_optional);
    const char *text = has_text ? text_of(row, &step->first) : NULL;
    if (is_optional && has_text && text == NULL)
        return is_object ? step->next_if_left_out : number + 1;
    json_out_ready_key(out, step->key, step->key_length);
    if (is_object)
        json_out_open(out, '{');
    else if (is_money)
        write_money(step, row, out);
    else
        write_text(step->field, text, out);
    return number + 1;
}

static void write_row(const struct plan *plan, struct row *row, struct json_out *out)
{
    json_out_open(out, '{');
    for (int i = 0; i < plan->count;)
        i = write_step(&plan->steps[i], i, row, out);
}

static void write_rows_of_json(const struct field *field, const char *text, struct json_out *out)
{
    json_error_t error;
    json_t *rows = json_loads(text, 0, &error);
    must(json_is_array(rows)); /* the statement's column is an array of objects */
    struct plan plan = {0};
    json_out_open(out, '[');
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct row row = {.object = json_array_get(rows, i)};
        if (i == 0)
            plan = plan_of(field->fields, NULL, out->arena);
        write_row(&plan, &row, out);
    }
    json_out_close(out, ']');
    json_decref(rows);
}

void field_write_rows(const struct field *fields, const PGresult *result, int first, int count, struct json_out *out)
{
    must(first >= 0 && count >= 0 && first + count <= PQntuples(result));
    if (count == 0)
        return;
    struct plan plan = plan_of(fields, result, out->arena);
    struct row row = {.result = result, .number = first};
    size_t before = out->length;
    write_row(&plan, &row, out);
    size_t length = out->length - before;
    json_out_reserve(out, (size_t)(count - 1) * (length + length / 8)); /* the others are much like the first */
    for (int i = 1; i < count; i++) {
        row.number = first + i;
        write_row(&plan, &row, out);
    }
}

void field_write_row(const struct field *fields, const PGresult *result, int row, struct json_out *out)
{
    field_write_rows(fields, result, row, 1, out);
}
