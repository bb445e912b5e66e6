/* Month close: a tenant's billing period that is over becomes an invoice, with a gapless number, in one transaction.
 *
 * A period closes when its last instant lies before the end of the last closed day, all its usage has a price, and what
 * was rated is what was delivered. Where meters are billed in it, agents get a grace to report the last of it: what they
 * report is rated with a day, so the period closes with the first day that ends after the grace. A period whose close
 * fails is parked: it stays open, says why, and is tried again after the next day's close or when an operator asks; the
 * others go on. A period with nothing to bill closes without an invoice; where a tenant's terms say so its invoice
 * stays a draft. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

struct month_close_terms {
    int64_t closed_until_s;  /* end of the last closed day */
    int64_t reading_grace_s; /* after the end of a period in which meters are billed */
    int64_t now_s;           /* domain time, the date of issue */
};

/* Closes whatever is due. */
MUST_CHECK enum err_kind month_close(struct leader *leader, const struct month_close_terms *terms, struct err *reterr);

void month_close_register_metrics(void);

extern const struct db_stmt *const month_close_statements[];
