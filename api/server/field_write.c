/* Writing one JSON object from a struct. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_value.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

static void write_money_member(const struct field *field, const struct field_money *money, struct json_out *out)
{
    struct err err = {0};
    int exponent = 0;
    if ((field->flags & FIELD_MINOR) == 0 || money->currency == NULL) {
        field_value_money(money->amount_u, money->currency, out);
        return;
    }
    must(money_exponent(money->currency, &exponent, &err) == ERR_NONE);
    field_value_minor(money_minor_of_micro(money->amount_u, exponent), money->currency, out);
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
    if (field->type == FIELD_TYPE_MONEY)
        return ((const struct field_money *)member)->currency == NULL;
    bool is_number =
        field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_TIME || field->type == FIELD_TYPE_AMOUNT;
    if (is_number)
        return int_at(member) == FIELD_NULL;
    return field->type != FIELD_TYPE_BOOL && text_at(member) == NULL;
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
        field_value_span(*(const struct field_span *)member, out);
    else if (is_null_member(field, member))
        json_out_null(out);
    else if (field->type == FIELD_TYPE_INT)
        json_out_int(out, int_at(member));
    else if (field->type == FIELD_TYPE_TIME)
        field_value_time(int_at(member), out);
    else if (field->type == FIELD_TYPE_AMOUNT)
        field_value_amount(int_at(member), out);
    else if (field->type == FIELD_TYPE_ID)
        field_value_id(field->identity, text_at(member), out);
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
        if (!field_is_written(field) || left_out)
            continue;
        json_out_key(out, field->name);
        write_member(field, member, out);
    }
    json_out_close(out, '}');
}
