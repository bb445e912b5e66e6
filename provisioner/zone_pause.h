/* Keeping to the pause that operators wish for a zone: taking it over, and ending it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/lease.h"
#include "provisioner/zone_memory.h"
#include "provisioner/zone_wake.h"

/* Follows the wish, or the end that has come, in a fenced transaction of its own, before any other work of this instant.
 * *ret_changed: it did; memory is stale then and must be rebuilt. */
MUST_CHECK enum err_kind zone_pause_follow(const struct zone_memory *memory, struct db *db, const struct lease *lease,
                                           const struct zone_wake *wake, bool *ret_changed, struct err *reterr);

/* Of the zones that this process leads; a zone counts while memory says that it is paused. */
void zone_pause_count(int64_t change);

void zone_pause_register_metrics(void);

extern const struct db_stmt *const zone_pause_statements[];
