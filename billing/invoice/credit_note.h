/* Credit notes: what is taken back of an issued invoice, on request, in the caller's transaction. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* Issues the credit note that a request asks for, of the lines that it names or of all that is left, with the next
 * number of its series, and posts it: Dr revenue, Dr tax_payable, Cr receivable; what was paid beyond the rest becomes
 * customer credit. The caller has locked the invoice, which is issued. ERR_CONFLICT with its code where that is not
 * possible. */
MUST_CHECK enum err_kind credit_note_issue(struct db *db, struct identity invoice, struct identity request,
                                           int64_t now_s, struct identity *ret, struct err *reterr);

extern const struct db_stmt *const credit_note_statements[];
