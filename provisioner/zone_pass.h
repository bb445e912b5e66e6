/* One piece of work of a zone's leader: observe, decide, apply, upon one instant, in one fenced transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/lease.h"
#include "provisioner/zone_memory.h"
#include "provisioner/zone_wake.h"

struct zone_pass_outcome {
    bool must_rebuild; /* memory is not what the database has, or has changed terms */
    bool is_settled;   /* nothing was left when it woke: what came since has sent a notification */
};

/* Does what is due and what woke it; bounded, so the caller looks again until it is settled. On failure memory has
 * been put back as it was, or must be rebuilt. *ret is always set. */
MUST_CHECK enum err_kind zone_pass(struct zone_memory *memory, struct db *db, const struct lease *lease,
                                   struct zone_wake *wake, struct zone_pass_outcome *ret, struct err *reterr);
/* Whether there is anything to do now. */
bool zone_pass_is_due(const struct zone_memory *memory, const struct zone_wake *wake);

void zone_pass_register_metrics(void);

extern const struct db_stmt *const zone_pass_statements[];
