/* Examples, made from a table of fields: what it says, else what the type suggests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"
#include "common/must.h"

#include <string.h>

#define UUID "019b0a00-0000-7000-8000-000000000001"

/* Of types whose example no field has to say. Texts; what is JSON already stands in json_examples. */
static const char *const text_examples[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_TEXT] = "example",
    [FIELD_TYPE_TIME] = "2026-12-01T00:00:00Z",
    [FIELD_TYPE_DATE] = "2026-12-01",
    [FIELD_TYPE_AMOUNT] = "2.500000",
};
static const char *const json_examples[FIELD_TYPE_COUNT] = {
    [FIELD_TYPE_BOOL] = "true",
    [FIELD_TYPE_SPAN] = "[\"2026-12-01T00:00:00Z\",\"2026-12-08T00:00:00Z\"]",
    [FIELD_TYPE_LIST] = "[\"example\"]",
    [FIELD_TYPE_MAP] = "{\"team\":\"research\"}",
    [FIELD_TYPE_JSON] = "{}",
    [FIELD_TYPE_MONEY] = "{\"amount\":\"2.500000\",\"currency\":\"USD\"}",
};

static bool is_json(enum field_type type)
{
    return json_examples[type] != NULL || type == FIELD_TYPE_INT || type == FIELD_TYPE_ROWS ||
           type == FIELD_TYPE_OBJECT;
}

static void write_said(const struct field *field, const char *text, struct json_out *out)
{
    bool is_empty_list = field->type == FIELD_TYPE_LIST && strcmp(text, "{}") == 0; /* an array's text, as a fallback */
    if (is_json(field->type))
        json_out_raw(out, is_empty_list ? "[]" : text);
    else
        json_out_text(out, text);
}

static void write_made(const struct field *field, bool for_request, struct json_out *out)
{
    bool is_sent = for_request || field->is_body;
    bool is_of_fields = field->type == FIELD_TYPE_OBJECT || (field->type == FIELD_TYPE_JSON && field->fields != NULL);
    char id[IDENTITY_TEXT_SIZE];
    if (field->type == FIELD_TYPE_ROWS || (is_of_fields && field->is_list)) {
        json_out_open(out, '[');
        field_write_example(field->fields, is_sent, out);
        json_out_close(out, ']');
    } else if (is_of_fields) {
        field_write_example(field->fields, is_sent, out);
    } else if (field->type == FIELD_TYPE_ID) {
        identity_text_of_uuid(field->identity, UUID, id);
        json_out_text(out, id);
    } else if (field->type == FIELD_TYPE_ENUM) {
        json_out_text(out, field->values[0]);
    } else if (field->type == FIELD_TYPE_INT) {
        json_out_int(out, field->least > 1 ? field->least : 1);
    } else if (field->type == FIELD_TYPE_MONEY && (field->flags & FIELD_MINOR) != 0) {
        json_out_raw(out, "{\"amount\":\"2490.00\",\"currency\":\"USD\"}");
    } else if (json_examples[field->type] != NULL) {
        json_out_raw(out, json_examples[field->type]);
    } else {
        must(text_examples[field->type] != NULL);
        json_out_text(out, text_examples[field->type]);
    }
}

static bool is_shown(const struct field *field, bool for_request)
{
    if (!for_request)
        return (field->flags & FIELD_WRITE_ONLY) == 0;
    return (field->flags & FIELD_READ_ONLY) == 0 && ((field->flags & FIELD_REQUIRED) != 0 || field->example != NULL);
}

static void write_value_example(const struct field *field, bool for_request, struct json_out *out)
{
    const char *said = field->example != NULL ? field->example : field->fallback;
    if (said != NULL)
        write_said(field, said, out);
    else
        write_made(field, for_request, out);
}

void field_write_example(const struct field *fields, bool for_request, struct json_out *out)
{
    json_out_open(out, '{');
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (!is_shown(field, for_request))
            continue;
        json_out_key(out, field->name);
        write_value_example(field, for_request, out);
    }
    json_out_close(out, '}');
}
