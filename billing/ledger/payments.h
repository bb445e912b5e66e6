/* Payments as the books have them. A transaction each. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Posts what was entered and is not posted yet, in order. A payment settles the invoices that it names, in that order,
 * or the oldest that are open; what is left is the tenant's: Dr cash, Cr receivable, Cr customer_credit. A refund pays
 * that back: Dr customer_credit, Cr cash; of more than there is it is refused. Key "payment:<id>". */
MUST_CHECK enum err_kind payments_post(struct leader *leader, struct err *reterr);

extern const struct db_stmt *const payments_statements[];
