/* The double-entry ledger: balanced, append-only, at most one journal per key. Set-based; each call is part of the
 * caller's transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/rating/invoice_amounts.h"
#include "common/db.h"

/* The day's rated lines: per tenant, Dr unbilled_receivable, Cr revenue. Key "rate:<tenant>:<day>". */
MUST_CHECK enum err_kind journal_post_rating(struct db *db, int64_t day, struct err *reterr);

/* The day's node costs: per currency, Dr cost_of_revenue, Cr accumulated_depreciation. Key
 * "depreciation:<day>:<currency>". */
MUST_CHECK enum err_kind journal_post_depreciation(struct db *db, int64_t day, struct err *reterr);

/* An issued invoice: Dr receivable (total), Cr unbilled_receivable (the lines' micro amounts), Cr tax_payable; what the
 * rounding of each line leaves goes to `rounding`. Key "invoice:<id>". */
struct journal_invoice {
    struct identity invoice, tenant;
    const char *currency;
    int64_t issued_at_s;
    int64_t total_u, tax_u;
    int64_t unbilled_u;                      /* sum of the lines' micro amounts */
    const struct invoice_line_amount *lines; /* for their rounding */
    size_t line_count;
};
MUST_CHECK enum err_kind journal_post_invoice(struct db *db, const struct journal_invoice *invoice, struct err *reterr);

extern const struct db_stmt *const journal_statements[];
