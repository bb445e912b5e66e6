/* The double-entry ledger: balanced per journal and currency, append-only, at most one journal per key. Nothing else
 * posts. Accounts are those of chart_of_accounts; one is made by its first posting. Set-based: journals are drawn up in
 * a batch and posted by one call, as part of the caller's transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/invoice_amounts.h"

/* ---- Any journal ---- */

/* Journals that are being drawn up. Starts as {0}. */
struct journal_batch {
    struct db_array key, posted_at, source_type, source;     /* a value per journal */
    struct db_array journal, code, tenant, currency, amount; /* a value per side; a positive amount is a debit */
};
void journal_batch_release(struct journal_batch *batch); /* for CLEANUP */

struct journal_head {
    const char *key; /* "<what>:<which>"; the same key is posted once, whoever asks for it */
    int64_t posted_at_s;
    const char *source_type;
    const struct identity *source; /* NULL: none, as of a day's summary */
};
/* Begins a journal; sides belong to the one begun last. Everything is copied. */
void journal_open(struct journal_batch *batch, const struct journal_head *head);
/* tenant_or_null as the chart has it: a tenant's own account, or the provider's. A negative amount goes to the other
 * side, 0 nowhere. */
void journal_debit(struct journal_batch *batch, const char *code, const struct identity *tenant_or_null,
                   const char *currency, int64_t amount_u);
void journal_credit(struct journal_batch *batch, const char *code, const struct identity *tenant_or_null,
                    const char *currency, int64_t amount_u);
/* Posts all of them. A key that has its journal already posts nothing, if the two say the same (source and sides; not
 * the instant): *ret_posted counts the others. ERR_CONFLICT if they do not. One that does not balance is refused by the
 * database. */
MUST_CHECK enum err_kind journal_post(struct journal_batch *batch, struct db *db, int64_t *ret_posted,
                                      struct err *reterr);
/* Posts the journal of a key with its sides swapped, under the key "reversal:<key>"; a second time nothing.
 * ERR_NOT_FOUND: there is none of that key. */
MUST_CHECK enum err_kind journal_reverse(struct db *db, const char *key, int64_t posted_at_s, struct err *reterr);

/* ---- Those of every day ---- */

/* The day's rated lines: per tenant, Dr unbilled_receivable what is billed, Cr revenue what is effective, and the
 * difference, fees before they are earned, Cr deferred_revenue. Key "rate:<tenant>:<day>". */
MUST_CHECK enum err_kind journal_post_rating(struct db *db, int64_t day, struct err *reterr);

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
