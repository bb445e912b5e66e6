/* What operators ask of invoices (rows of invoice_request), each carried out once, in a transaction of its own:
 * finalize, issue, void, credit, and closing a month again. A refusal is an outcome; what the database fails is put off
 * and keeps only its own tenant's waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* now_s: domain time. *ret_closes_again: parked closes are to be tried again now. */
MUST_CHECK enum err_kind invoice_requests_carry_out(struct leader *leader, int64_t now_s, bool *ret_closes_again,
                                                    struct err *reterr);

void invoice_request_register_metrics(void);

extern const struct db_stmt *const invoice_request_statements[];
