/* The writers of values that are more than a text: from numbers, and from the text of a UUID. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_value.h"

#include "common/calendar.h"
#include "common/least.h"
#include "common/money.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>

void field_value_time(int64_t time_s, struct json_out *out)
{
    char text[CALENDAR_TIME_SIZE];
    if (time_s == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    /* Requests are refused such times; a row that holds one all the same is no reason to end the server. */
    calendar_time_print(least_of(time_s, CALENDAR_TIME_MAX_S), text);
    json_out_text(out, text);
}

void field_value_amount(int64_t amount_u, struct json_out *out)
{
    char text[MONEY_TEXT_SIZE];
    if (amount_u == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    money_print(amount_u, text);
    json_out_text(out, text);
}

void field_value_money(int64_t amount_u, const char *currency, struct json_out *out)
{
    if (currency == NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key(out, "amount");
    field_value_amount(amount_u, out);
    json_out_key(out, "currency");
    json_out_text(out, currency);
    json_out_close(out, '}');
}

void field_value_minor(int64_t amount_minor, const char *currency, struct json_out *out)
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

void field_value_id(enum identity_kind identity, const char *uuid, struct json_out *out)
{
    char text[IDENTITY_TEXT_SIZE];
    if (uuid == NULL) {
        json_out_null(out);
        return;
    }
    identity_text_of_uuid(identity, uuid, text);
    json_out_text(out, text);
}

void field_value_span(struct field_span span, struct json_out *out)
{
    if (span.to == FIELD_NULL) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '[');
    if (span.from == FIELD_NULL)
        json_out_null(out);
    else
        field_value_time(span.from, out);
    field_value_time(span.to, out);
    json_out_close(out, ']');
}
