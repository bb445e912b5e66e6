/* Payments as the books have them. A transaction each. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Posts what was entered and is not posted yet, in order. A payment settles the invoices that it names, in that order,
 * or the oldest that are open; what is left is the tenant's: Dr cash, Cr receivable, Cr customer_credit. A refund pays
 * that back: Dr customer_credit, Cr cash; of more than there is it is refused. So is what cannot be posted for its own
 * amounts; what the database fails otherwise is put off to the next call. Nobody else waits for either. Key
 * "payment:<id>". What was asked for after a request about invoices that is open waits until that is carried out: what
 * was asked first draws first upon the tenant's credit. */
MUST_CHECK enum err_kind payments_post(struct leader *leader, struct err *reterr);

void payments_register_metrics(void);

extern const struct db_stmt *const payments_statements[];
