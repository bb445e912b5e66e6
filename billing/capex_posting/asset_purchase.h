/* Assets enter the books: their purchase is posted, and what they had lost in value before is taken over. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Every asset that the provider has by the day and that is not in the books: Dr hardware_cost, Cr accounts_payable; and
 * where its schedule began before the day, Dr retained_earnings, Cr accumulated_depreciation. Key
 * "purchase:<asset>". Then those that a node has for the first time begin their service. Repeatable. */
MUST_CHECK enum err_kind asset_purchase_post(struct leader *leader, int64_t day, struct err *reterr);

extern const struct db_stmt *const asset_purchase_statements[];
