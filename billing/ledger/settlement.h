/* What settles an invoice's receivable: prepaid credit, credit of the tenant's own, payments, credit notes, and that it
 * is void. What is open of an invoice is its total less its settlements (view invoice_open); over a tenant's invoices
 * that is its account `receivable`. Each call is part of the caller's transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/journal.h"

struct settlement_invoice {
    struct identity invoice, tenant;
    const char *currency;
    int64_t at_s; /* domain time */
};

/* An invoice was just issued and its receivable posted: draws the tenant's prepaid credit upon it (lower priority
 * first, then what expires soonest, then the oldest), then its customer credit. Dr deferred_revenue, Dr
 * customer_credit, Cr receivable; key "drawdown:<invoice>". One that stands in for a void invoice also draws what that
 * had drawn of grants that are over by now, before what expires later: Dr revenue, Cr deferred_revenue undo the
 * breakage, key "revival:<invoice>". An invoice of less than nothing becomes customer credit. *ret_left_u: what is
 * still to be paid. */
MUST_CHECK enum err_kind settlement_draw(struct db *db, const struct settlement_invoice *of, int64_t *ret_left_u,
                                         struct err *reterr);

/* A credit note took so much back of it, and was posted (Cr receivable). What was settled beyond the rest goes back to
 * where it came from: give_back.h. */
MUST_CHECK enum err_kind settlement_reduce(struct db *db, const struct settlement_invoice *of,
                                           struct identity credit_note, int64_t amount_u, struct err *reterr);

/* It is void and its journal reversed: nothing is owed of it, and what settled it goes back likewise. One of less than
 * nothing had become customer credit: as much of that as is left is taken back, and the rest is owed. */
MUST_CHECK enum err_kind settlement_void(struct db *db, struct identity invoice, int64_t at_s, struct err *reterr);

/* Writes that an amount of it is settled; who calls this posts. Of nothing: nothing. */
MUST_CHECK enum err_kind settlement_add(struct db *db, const struct settlement_invoice *of, const char *kind,
                                        const struct identity *source_or_null, int64_t amount_u, struct err *reterr);
/* The same of several sources of a kind, an amount that is not 0 each. */
MUST_CHECK enum err_kind settlement_add_each(struct db *db, const struct settlement_invoice *of, const char *kind,
                                             struct db_array *sources, struct db_array *amounts, struct err *reterr);

/* Begins a journal about it with the key "<prefix>:<key>". */
void settlement_open_journal(struct journal_batch *batch, const struct settlement_invoice *of, const char *prefix,
                             struct identity key, const char *source_type);

/* What the tenant has to its credit beside what it prepaid. */
MUST_CHECK enum err_kind settlement_customer_credit(struct db *db, struct identity tenant, const char *currency,
                                                    int64_t *ret_u, struct err *reterr);

extern const struct db_stmt *const settlement_statements[];
