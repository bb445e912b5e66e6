/* What a day of each node costs, and who bears it: depreciation per asset, cost per node and pool, attribution.
 * Reads assets, rates, usage and idle stretches, asks capex/, writes rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/day_part.h"
#include "billing/leader.h"

/* day: days since 1970-01-01; metered to its end, its purchases and changes in the books (asset_purchase.h,
 * asset_change_day.h). Repeatable: it goes on after the last node that has the day's cost. */
MUST_CHECK enum err_kind node_day_post(struct leader *leader, int64_t day, struct err *reterr);

/* The same of a part of a day, written nowhere but to provisional_cost, as rows of the generation: its pools as far as
 * they have come, pro rata where they go by time. */
MUST_CHECK enum err_kind node_day_so_far(struct leader *leader, const struct day_part *part, int64_t generation,
                                         struct err *reterr);

void node_day_register_metrics(void);

extern const struct db_stmt *const node_day_statements[];
