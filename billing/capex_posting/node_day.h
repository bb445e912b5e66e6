/* What a day of the fleet costs, and who bears it: depreciation per asset, cost per node, attribution.
 *
 * Reads assets, usage and idle stretches, asks capex/, writes rows. An asset is depreciated while a node has it: one in
 * stock is not yet where it can be used (IAS 16.55). Days before a node's asset was entered are not posted. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* day: days since 1970-01-01; metered to its end. Repeatable: nodes that have the day's cost are skipped. */
MUST_CHECK enum err_kind node_day_post(struct leader *leader, int64_t day, struct err *reterr);

void node_day_register_metrics(void);

extern const struct db_stmt *const node_day_statements[];
