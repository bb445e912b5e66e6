/* The quotas of a zone in memory: read with what is held, and read anew when operators have changed them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/quota/quota.h"
#include "provisioner/zone_memory.h"

/* Outside the batches of quotas and planner, whose allocations are there. On failure memory keeps what it had. */
MUST_CHECK enum err_kind zone_quota_load(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr);
/* What lies before this month counts no more. Outside of any batch. */
void zone_quota_forget(struct zone_memory *memory, int64_t now_s);

extern const struct db_stmt *const zone_quota_statements[];
