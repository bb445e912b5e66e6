/* Writing CSV by a table of fields, from the objects that the same table wrote as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/csv.h"

#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE   160
#define REAL_DIGITS 15 /* as many as a double keeps of any decimal */

/* ---- One cell ---- */

/* Quoted as well where a reader that parts cells at more than the comma would begin another within it. */
static void put_cell(struct json_out *out, const char *text, bool *is_first)
{
    if (!*is_first)
        json_out_plain(out, ",");
    *is_first = false;
    size_t length = strlen(text);
    bool has_edge = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');
    if (strpbrk(text, "\",;\t|\r\n") == NULL && !has_edge) {
        json_out_plain(out, text);
        return;
    }
    json_out_plain(out, "\"");
    for (; *text != '\0'; text++)
        json_out_bytes(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    json_out_plain(out, "\"");
}

/* A number may begin with a sign; a text that does is a formula to Excel and its like. */
static bool is_numeric(const struct field *field)
{
    return field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_AMOUNT || field->type == FIELD_TYPE_MONEY;
}

/* By the list of OWASP's page on CSV injection: the signs, their wide forms (U+FF1D, U+FF0B, U+FF0D, U+FF20), which an
 * input method makes of them, and what a spreadsheet skips before it looks. */
bool csv_is_formula(const char *text)
{
    static const char *const beginnings[] = {
        "=", "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

static void put_text(struct json_out *out, const char *text, bool numeric, bool *is_first)
{
    put_cell(out, !numeric && csv_is_formula(text) ? arena_format(out->arena, "'%s", text) : text, is_first);
}

static void put_value(struct json_out *out, const json_t *value, bool numeric, bool *is_first)
{
    if (value == NULL || json_is_null(value)) {
        put_cell(out, "", is_first);
    } else if (json_is_string(value)) {
        put_text(out, json_string_value(value), numeric, is_first);
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
        must(text != NULL);
        put_cell(out, text, is_first);
        free(text);
    }
}

/* ---- The columns ---- */

static const struct field money_fields[] = {
    FIELD_COLUMN("amount", FIELD_TYPE_AMOUNT),
    FIELD_COLUMN("currency", FIELD_TYPE_TEXT),
    FIELDS_END,
};

/* What a field is made of, where its parts are columns of their own; NULL: it is one column. */
static const struct field *parts_of(const struct field *field)
{
    if (field->type == FIELD_TYPE_MONEY)
        return money_fields;
    bool is_nested = field->type == FIELD_TYPE_OBJECT || (field->type == FIELD_TYPE_JSON && !field->is_list);
    return is_nested ? field->fields : NULL;
}

static void put_names(const struct field *fields, const char *prefix, struct json_out *out, bool *is_first)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_WRITE_ONLY) != 0)
            continue;
        char name[NAME_SIZE];
        const struct field *parts = parts_of(field);
        int length = snprintf(name, sizeof name, "%s%s%s", prefix, field->name, parts == NULL ? "" : ".");
        must(length > 0 && (size_t)length < sizeof name);
        if (parts == NULL)
            put_cell(out, name, is_first);
        else
            put_names(parts, name, out, is_first);
    }
}

static void put_values(const struct field *fields, const json_t *object, struct json_out *out, bool *is_first)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_WRITE_ONLY) != 0)
            continue;
        const json_t *value = json_object_get(object, field->name); /* NULL where the object is null */
        const struct field *parts = parts_of(field);
        if (parts == NULL)
            put_value(out, value, is_numeric(field), is_first);
        else
            put_values(parts, value, out, is_first);
    }
}

void csv_head(const struct field *fields, struct json_out *out)
{
    bool is_first = true;
    put_names(fields, "", out, &is_first);
    json_out_plain(out, "\r\n");
}

void csv_row(const struct field *fields, const json_t *object, struct json_out *out)
{
    bool is_first = true;
    put_values(fields, object, out, &is_first);
    json_out_plain(out, "\r\n");
}
