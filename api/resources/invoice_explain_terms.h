/* The terms that the exact amount of an invoice's line is the sum of, each with its arithmetic: what was priced, what
 * is charged by rule, what a commitment covers, what was invoiced before. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/invoice_explain.h"

#define EXPLAIN_TERMS_MAX 6

struct explain_term {
    const char *what, *how;
    int64_t value; /* with its sign */
};

struct explain_terms {
    struct explain_term items[EXPLAIN_TERMS_MAX];
    size_t count;
};

/* Rows of what was rated up to the invoice under the line's reservation, price and rule (or of its commitment alone),
 * by commitment's category, unit price and discount. */
enum explain_part_column {
    PART_IS_LINE, /* under the line's commitment, or none as the line */
    PART_CATEGORY,
    PART_UNIT_PRICE,
    PART_DISCOUNT,
    PART_IS_FLAT,
    PART_QUANTITY,
    PART_CONTRACTED,
    PART_EFFECTIVE,
    PART_QUANTITY_BEFORE, /* on earlier invoices */
    PART_AMOUNT_BEFORE,
};

/* The sum of a column's rows that are of the line, or of those that are not. */
int64_t explain_sum(const PGresult *parts, bool of_line, int column);

void explain_terms_add(struct explain_terms *terms, const char *what, const char *how, int64_t value);

/* Usage at a price. */
MUST_CHECK enum err_kind explain_priced(struct request *request, const PGresult *line, const PGresult *parts,
                                        struct explain_terms *ret, struct err *reterr);
/* A commitment's fee; what it covers, or nobody used of it; what is charged or credited by a rule. */
MUST_CHECK enum err_kind explain_fee(struct request *request, const PGresult *line, const PGresult *parts,
                                     struct explain_terms *ret, struct err *reterr);
MUST_CHECK enum err_kind explain_contained(struct request *request, const PGresult *line, const PGresult *parts,
                                           struct explain_terms *ret, struct err *reterr);
MUST_CHECK enum err_kind explain_rule(struct request *request, const PGresult *line, const PGresult *parts,
                                      struct explain_terms *ret, struct err *reterr);

extern const struct db_stmt *const explain_priced_statements[];
extern const struct db_stmt *const explain_charged_statements[];
