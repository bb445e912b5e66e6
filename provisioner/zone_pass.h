/* One piece of work of a zone's leader: observe, decide, apply, upon one instant, in one fenced transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/lease.h"
#include "provisioner/zone_memory.h"
#include "provisioner/zone_wake.h"

/* Does what is due and what woke it; bounded, so the caller looks again until nothing is left. On failure memory has
 * been put back as it was, or *ret_rebuild says that it must be rebuilt. */
MUST_CHECK enum err_kind zone_pass(struct zone_memory *memory, struct db *db, const struct lease *lease,
                                   struct zone_wake *wake, bool *ret_rebuild, struct err *reterr);
/* Whether there is anything to do now. */
bool zone_pass_is_due(const struct zone_memory *memory, const struct zone_wake *wake);

extern struct metric *const zone_pass_metrics[];
extern const int zone_pass_metric_count;
extern const struct db_stmt *const zone_pass_statements[];
