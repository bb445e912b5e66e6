/* Issuing a finalized invoice, and taking it back: number, receivable and event in the caller's transaction. One
 * thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* Gives the finalized invoice the next number of its series (gapless, because it is taken in this transaction, from a
 * row that others wait for) and posts what is owed: Dr receivable, Cr unbilled_receivable, Cr tax_payable, and what
 * rounding each line leaves to `rounding`. ERR_CONFLICT: the series is one of credit notes. */
MUST_CHECK enum err_kind invoice_issue(struct db *db, struct identity id, int64_t now_s, struct err *reterr);

/* Makes an issued invoice, which the caller has locked, void: it keeps its number, its journal is reversed. */
MUST_CHECK enum err_kind invoice_void(struct db *db, struct identity id, const char *reason, int64_t now_s,
                                      struct err *reterr);

extern const struct db_stmt *const invoice_issue_statements[];
