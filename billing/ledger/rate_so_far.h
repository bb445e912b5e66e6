/* What a day's usage comes to so far: by the functions that its close rates with, from the same facts as far as they
 * are known, and written nowhere but to provisional_revenue: usage, what came late, what is charged and credited by
 * rule; of what waits for a price, how much. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/day_part.h"
#include "billing/leader.h"

/* Rows of that generation; transactions of its own. */
MUST_CHECK enum err_kind rate_so_far(struct leader *leader, const struct day_part *part, int64_t generation,
                                     struct err *reterr);

extern const struct db_stmt *const rate_so_far_statements[];
extern const struct db_stmt *const so_far_usage_statements[];
extern const struct db_stmt *const so_far_period_statements[];
