/* The schema of a table of fields, as OpenAPI 3.1 wants it (JSON Schema 2020-12). Of a request it says what
 * field_read.c takes, no more and no less, as far as a schema can; of an answer what its reader may rely on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"
#include "common/must.h"

#include <string.h>

/* What a type is in JSON. */
struct type_row {
    const char *type;
    const char *format;  /* may be NULL */
    const char *pattern; /* may be NULL */
};
static const struct type_row type_rows[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_TEXT] = {"string", NULL, NULL},
    [FIELD_TYPE_ENUM] = {"string", NULL, NULL},
    [FIELD_TYPE_INT] = {"integer", "int64", NULL},
    [FIELD_TYPE_BOOL] = {"boolean", NULL, NULL},
    [FIELD_TYPE_TIME] = {"string", "date-time", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"},
    [FIELD_TYPE_SPAN] = {"array", NULL, NULL},
    [FIELD_TYPE_DATE] = {"string", "date", NULL},
    [FIELD_TYPE_ID] = {"string", NULL, NULL},
    [FIELD_TYPE_AMOUNT] = {"string", NULL, "^-?(0|[1-9][0-9]*)\\.[0-9]{6}$"},
    [FIELD_TYPE_LIST] = {"array", NULL, NULL},
    [FIELD_TYPE_MAP] = {"object", NULL, NULL},
    [FIELD_TYPE_OBJECT] = {"object", NULL, NULL},
    [FIELD_TYPE_ROWS] = {"array", NULL, NULL},
};

static void key_text(struct json_out *out, const char *key, const char *value)
{
    if (value == NULL)
        return;
    json_out_key(out, key);
    json_out_text(out, value);
}

static void key_int(struct json_out *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

static void write_type(const struct field *field, struct json_out *out)
{
    const char *type = type_rows[field->type].type;
    if (type == NULL) /* JSON of any kind */
        return;
    json_out_key(out, "type");
    if ((field->flags & FIELD_NULLABLE) == 0) {
        json_out_text(out, type);
        return;
    }
    json_out_open(out, '[');
    json_out_text(out, type);
    json_out_text(out, "null");
    json_out_close(out, ']');
}

static void write_enum(const struct field *field, struct json_out *out)
{
    json_out_key(out, "enum");
    json_out_open(out, '[');
    for (const char *const *value = field->values; *value != NULL; value++)
        json_out_text(out, *value);
    if ((field->flags & FIELD_NULLABLE) != 0)
        json_out_null(out);
    json_out_close(out, ']');
}

static bool is_bounded(const struct field *field)
{
    return field->least != 0 || field->most != 0;
}

static int64_t entries_max(const struct field *field)
{
    return field->most == 0 ? FIELD_ENTRIES_MAX : field->most;
}

static void write_text_bounds(int64_t least, int64_t most, const char *pattern, struct json_out *out)
{
    key_int(out, "minLength", least);
    key_int(out, "maxLength", most);
    key_text(out, "pattern", pattern);
}

/* No zero byte, which PostgreSQL cannot keep: the JSON is refused as a whole (jansson). */
#define MAP_PATTERN "^[^\\x00]*$"

static void write_bounds(const struct field *field, struct json_out *out)
{
    switch (field->type) {
    case FIELD_TYPE_INT:
        key_int(out, "minimum", is_bounded(field) ? field->least : FIELD_NULL + 1);
        key_int(out, "maximum", is_bounded(field) ? field->most : INT64_MAX);
        break;
    case FIELD_TYPE_TEXT:
        if (field->pattern == FIELD_NAME)
            key_text(out, "pattern", "^[a-z0-9][a-z0-9._-]{0,62}$");
        else
            write_text_bounds(is_bounded(field) ? field->least : 1, field->most == 0 ? FIELD_TEXT_MAX : field->most,
                              field->pattern == FIELD_LINES ? FIELD_LINES_PATTERN : FIELD_TEXT_PATTERN, out);
        break;
    case FIELD_TYPE_LIST:
        json_out_key(out, "uniqueItems");
        json_out_raw(out, "true");
        __attribute__((fallthrough));
    case FIELD_TYPE_ROWS:
        key_int(out, "minItems", field->least);
        key_int(out, "maxItems", entries_max(field));
        break;
    case FIELD_TYPE_MAP:
        key_int(out, "maxProperties", entries_max(field));
        json_out_key(out, "propertyNames");
        json_out_open(out, '{');
        key_int(out, "minLength", 1);
        key_int(out, "maxLength", FIELD_MAP_KEY_MAX);
        key_text(out, "pattern", MAP_PATTERN);
        json_out_close(out, '}');
        break;
    case FIELD_TYPE_NONE:
    case FIELD_TYPE_ENUM:
    case FIELD_TYPE_BOOL:
    case FIELD_TYPE_TIME:
    case FIELD_TYPE_SPAN:
    case FIELD_TYPE_DATE:
    case FIELD_TYPE_ID:
    case FIELD_TYPE_AMOUNT:
    case FIELD_TYPE_MONEY:
    case FIELD_TYPE_OBJECT:
    case FIELD_TYPE_JSON:
    case FIELD_TYPE_COUNT:
        break; /* their form says it all */
    }
}

/* Either case is read, lower is written. */
static void write_id_pattern(const struct field *field, struct json_out *out)
{
    char text[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(field->identity, NIL_UUID, text);
    key_text(out, "pattern", arena_format(out->arena, "^%.4s[0-7][0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{25}$", text));
}

static void write_fallback(const struct field *field, struct json_out *out)
{
    if (field->fallback == NULL)
        return;
    json_out_key(out, "default");
    bool is_json = field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_BOOL || field->type == FIELD_TYPE_MAP ||
                   field->type == FIELD_TYPE_LIST;
    if (is_json)
        json_out_raw(out, field->type == FIELD_TYPE_LIST ? "[]" : field->fallback);
    else
        json_out_text(out, field->fallback);
}

static void write_properties(const struct field *fields, bool for_request, struct json_out *out);

static void write_ref(const char *path, bool is_nullable, struct json_out *out)
{
    if (!is_nullable) {
        key_text(out, "$ref", path);
        return;
    }
    json_out_key(out, "anyOf");
    json_out_open(out, '[');
    json_out_open(out, '{');
    key_text(out, "$ref", path);
    json_out_close(out, '}');
    json_out_raw(out, "{\"type\":\"null\"}");
    json_out_close(out, ']');
}

static void write_inner(const struct field *field, bool for_request, struct json_out *out)
{
    if (field->type == FIELD_TYPE_LIST) {
        json_out_key(out, "items");
        json_out_open(out, '{');
        key_text(out, "type", "string");
        if (for_request)
            write_text_bounds(field->most == 0 ? 1 : 0, FIELD_TEXT_MAX, FIELD_TEXT_PATTERN, out);
        json_out_close(out, '}');
    } else if (field->type == FIELD_TYPE_SPAN) {
        json_out_key(out, "items");
        json_out_raw(out, "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}");
        key_int(out, "minItems", 2);
        key_int(out, "maxItems", 2);
    } else if (field->type == FIELD_TYPE_MAP) {
        json_out_key(out, "additionalProperties");
        json_out_open(out, '{');
        key_text(out, "type", "string");
        key_int(out, "maxLength", FIELD_MAP_VALUE_MAX);
        key_text(out, "pattern", MAP_PATTERN);
        json_out_close(out, '}');
    } else if (field->type == FIELD_TYPE_ROWS) {
        json_out_key(out, "items");
        field_write_schema(field->fields, for_request, out);
    } else if (field->type == FIELD_TYPE_OBJECT) {
        write_properties(field->fields, for_request, out);
    } else if (field->type == FIELD_TYPE_JSON && field->fields != NULL && field->is_list) {
        json_out_raw(out, "\"type\":\"array\",\"items\":");
        out->needs_comma = false;
        field_write_schema(field->fields, field->is_body, out);
    } else if (field->type == FIELD_TYPE_JSON && field->fields != NULL) {
        key_text(out, "type", "object");
        write_properties(field->fields, field->is_body, out);
    }
}

void field_write_value_schema(const struct field *field, bool for_request, struct json_out *out)
{
    must(field->help != NULL);
    json_out_open(out, '{');
    if (field->type == FIELD_TYPE_MONEY) {
        bool is_minor = (field->flags & FIELD_MINOR) != 0;
        write_ref(is_minor ? "#/components/schemas/MoneyMinor" : "#/components/schemas/Money",
                  (field->flags & FIELD_NULLABLE) != 0, out);
    } else {
        write_type(field, out);
        key_text(out, "format", type_rows[field->type].format);
        key_text(out, "pattern", type_rows[field->type].pattern);
        if (field->type == FIELD_TYPE_ENUM)
            write_enum(field, out);
        if (field->type == FIELD_TYPE_ID)
            write_id_pattern(field, out);
        if (for_request)
            write_bounds(field, out);
        write_inner(field, for_request, out);
    }
    if (for_request)
        write_fallback(field, out);
    key_text(out, "description", field->help);
    json_out_close(out, '}');
}

static bool is_shown(const struct field *field, bool for_request)
{
    return (field->flags & (for_request ? FIELD_READ_ONLY : FIELD_WRITE_ONLY)) == 0;
}

static bool is_required(const struct field *field, bool for_request)
{
    return for_request ? (field->flags & FIELD_REQUIRED) != 0 && field->unless == NULL
                       : (field->flags & FIELD_OPTIONAL) == 0;
}

/* A field that is required unless another is given. */
static void write_either(const struct field *fields, struct json_out *out)
{
    bool is_open = false;
    for (const struct field *field = fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_REQUIRED) == 0 || field->unless == NULL)
            continue;
        if (!is_open) {
            json_out_key(out, "allOf");
            json_out_open(out, '[');
            is_open = true;
        }
        json_out_raw(out, arena_format(out->arena, "{\"anyOf\":[{\"required\":[\"%s\"]},{\"required\":[\"%s\"]}]}",
                                       field->name, field->unless));
    }
    if (is_open)
        json_out_close(out, ']');
}

static void write_properties(const struct field *fields, bool for_request, struct json_out *out)
{
    json_out_key(out, "properties");
    json_out_open(out, '{');
    bool any_required = false;
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (!is_shown(field, for_request))
            continue;
        json_out_key(out, field->name);
        field_write_value_schema(field, for_request, out);
        any_required = any_required || is_required(field, for_request);
    }
    json_out_close(out, '}');
    if (for_request) {
        json_out_key(out, "additionalProperties");
        json_out_bool(out, false);
        write_either(fields, out);
    }
    if (!any_required)
        return;
    json_out_key(out, "required");
    json_out_open(out, '[');
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (is_shown(field, for_request) && is_required(field, for_request))
            json_out_text(out, field->name);
    }
    json_out_close(out, ']');
}

void field_write_schema(const struct field *fields, bool for_request, struct json_out *out)
{
    json_out_open(out, '{');
    key_text(out, "type", "object");
    write_properties(fields, for_request, out);
    json_out_close(out, '}');
}
