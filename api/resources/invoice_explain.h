/* Explaining a line of an invoice: what its parts share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"
#include "api/server/request.h"

/* A line as invoice_explain.c reads it, and the columns that all its explanations are told from. */
enum explain_line_column {
    LINE_INVOICE,
    LINE_NO,
    LINE_DESCRIPTION,
    LINE_RESERVATION,
    LINE_PRICE,
    LINE_QUANTITY,
    LINE_AMOUNT,
    LINE_NET,
    LINE_TAX,
    LINE_CURRENCY,
    LINE_INVOICE_NET,
    LINE_INVOICE_TAX,
    LINE_TAX_RATE,
    LINE_DAYS,
    LINE_COMMITMENT,
    LINE_CATEGORY,
    LINE_REASON,
    LINE_CORRECTS,
    LINE_RESERVATION_NAME,
    LINE_METER,       /* its name; null: none */
    LINE_MEASURE,     /* what quantities are counted in, in words */
    LINE_PER_UNIT,    /* so much of it is what the price is of */
    LINE_MICRO_UNITS, /* of a meter */
    LINE_UNIT,        /* of a meter, as it is priced */
};

/* A step of arithmetic, as JSON: what is found, how, and what it comes to. */
extern const struct field explain_step_fields[];
void explain_step(struct json_out *out, const char *what, const char *how, const char *result);

/* The number of the line in the address; NULL where it is none. */
const char *explain_line_number(const struct request *request);

/* The steps from what was delivered to the exact amount, to the net and the tax. exponent: of the currency. */
MUST_CHECK enum err_kind explain_steps(struct request *request, const PGresult *line, int exponent, const char **ret,
                                       struct err *reterr);

extern const struct db_stmt *const explain_steps_statements[];
