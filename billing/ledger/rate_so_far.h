/* What a day's usage comes to so far: by the functions that its close rates with, from the same facts as far as they
 * are known, and written nowhere but to provisional_revenue. What a close adds besides is left to it: credits at the
 * end of a billing period, corrections, and what waits for a price. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/day_part.h"
#include "billing/leader.h"

/* Rows of that generation; transactions of its own. */
MUST_CHECK enum err_kind rate_so_far(struct leader *leader, const struct day_part *part, int64_t generation,
                                     struct err *reterr);

extern const struct db_stmt *const rate_so_far_statements[];
