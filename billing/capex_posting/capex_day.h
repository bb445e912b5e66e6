/* Capex at a day's close: purchases, changes, depreciation, node costs and attribution, and their journals. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* day: days since 1970-01-01; metered to its end. Repeatable: what is posted stays as it is. */
MUST_CHECK enum err_kind capex_day_post(struct leader *leader, int64_t day, struct err *reterr);

extern const struct db_stmt *const capex_day_statements[];
