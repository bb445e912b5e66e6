/* Capex at a day's close: purchases, changes, depreciation, node costs and attribution, and their journals. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* What was bought, and is changed, by the end of the day. day: days since 1970-01-01; metered to its end. Not again
 * once the day is posted: what comes then is of the next one, with its past as an opening balance. */
MUST_CHECK enum err_kind capex_day_take_in(struct leader *leader, int64_t day, struct err *reterr);

/* Repeatable: what is posted stays as it is. */
MUST_CHECK enum err_kind capex_day_post(struct leader *leader, int64_t day, struct err *reterr);

/* What the day's costs come to in the ledger. In the transaction that notes the day: until then a run that is repeated
 * may post more nodes. */
MUST_CHECK enum err_kind capex_day_journals(struct db *db, int64_t day, struct err *reterr);

extern const struct db_stmt *const capex_day_statements[];
