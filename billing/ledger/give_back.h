/* What settled an invoice beyond what it still comes to goes back to where it was drawn from, the last first, so that a
 * tenant has what it would have if the invoice had come to that much less from the start: payments and customer credit
 * become customer credit, then each grant gets its own back, the one that was drawn last first. Part of the caller's
 * transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/settlement.h"

/* key: what the journals are about (a credit note, or the invoice itself). Dr receivable, Cr customer_credit, key
 * "overpaid:<key>"; Dr receivable, Cr deferred_revenue, key "return:<key>". What returns to a grant that expired
 * meanwhile expires at once: Dr deferred_revenue, Cr revenue, key "lapse:<key>". */
MUST_CHECK enum err_kind give_back(struct db *db, const struct settlement_invoice *of, struct identity key,
                                   int64_t excess_u, struct err *reterr);

extern const struct db_stmt *const give_back_statements[];
