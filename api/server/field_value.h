/* Values as JSON: for the files that write a table's fields, from structs (field_write.c) and from rows (field_row.c).
 * FIELD_NULL, and NULL where a text is asked for, is null. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"

void field_value_time(int64_t time_s, struct json_out *out);
void field_value_amount(int64_t amount_u, struct json_out *out);
/* {"amount", "currency"}, of micro-units; null without a currency. */
void field_value_money(int64_t amount_u, const char *currency, struct json_out *out);
/* The same of minor units, with as many decimals as the currency has. */
void field_value_minor(int64_t amount_minor, const char *currency, struct json_out *out);
void field_value_id(enum identity_kind identity, const char *uuid, struct json_out *out);
void field_value_span(struct field_span span, struct json_out *out);

/* Has it a place in answers? */
static inline bool field_is_written(const struct field *field)
{
    return (field->flags & FIELD_WRITE_ONLY) == 0;
}
