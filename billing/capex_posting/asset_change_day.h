/* What happens to assets on a day: re-estimates, impairments, replacements, disposals. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Every change that takes effect by the start of the day and has no outcome: applied, with its journal
 * "asset_change:<id>", or refused with the reason. One that names a day which is closed is refused. Repeatable. */
MUST_CHECK enum err_kind asset_change_day_post(struct leader *leader, int64_t day, struct err *reterr);

extern const struct db_stmt *const asset_change_day_statements[];
