/* What is charged and credited by rule: cancellations and early releases, instances that ran less than their price's
 * minimum, and, once a billing period is over, what was promised and not delivered. Repeatable: what a rule comes to,
 * less what was written by it. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"
#include "common/price_book.h"

/* day: its usage is rated. */
MUST_CHECK enum err_kind rate_rules(struct leader *leader, int64_t day, const struct price_book *book,
                                    struct err *reterr);

extern const struct db_stmt *const rate_rules_statements[];
