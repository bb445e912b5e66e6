/* The rows of an invoice: what it is drawn up from, and the invoice itself. Each call is part of the caller's
 * transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/rating/invoice_amounts.h"
#include "common/db.h"

#define INVOICE_SERIES "INV"

struct invoice_draft {
    struct identity tenant;
    int64_t starts_at_s, ends_at_s; /* the billing period */
    int64_t tax_rate_bp;
    char currency[4]; /* ISO 4217 */
    int exponent;     /* of its minor unit */
    struct identity id;
    struct invoice_line_amount *amounts; /* per line */
    struct money_share *tax;             /* per line: what is shown */
    struct invoice_amounts totals;
    int64_t amount_u; /* sum of the lines' micro amounts */
    size_t count;
    PGresult *rows; /* the rated groups, one per line */
};
void invoice_draft_release(struct invoice_draft *draft); /* for CLEANUP */

/* Closes the period and takes the tenant's tax rate. *ret_was_open is false where it was closed already. */
MUST_CHECK enum err_kind invoice_close_period(struct db *db, struct invoice_draft *draft, bool *ret_was_open,
                                              struct err *reterr);
/* Draws up the lines, one per reservation and price version, and the totals. */
MUST_CHECK enum err_kind invoice_draft_load(struct db *db, struct invoice_draft *draft, struct err *reterr);
/* Takes the next number and writes invoice, lines and event. */
MUST_CHECK enum err_kind invoice_issue(struct db *db, const struct invoice_draft *draft, int64_t now_s,
                                       struct err *reterr);

extern const struct db_stmt *const invoice_store_statements[];
