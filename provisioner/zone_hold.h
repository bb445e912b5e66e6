/* Places of what has no end that are due to be held longer, more of them than a piece of work reads. A hold is over a horizon
 * after it was due, which may be a second: before anything is decided those that would not be read are held, in pieces of
 * work of their own. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/zone_memory.h"

/* Before a piece of work at the instant now_s: puts them in front of the backlog. */
MUST_CHECK enum err_kind zone_hold_look(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr);

extern const struct db_stmt *const zone_hold_statements[];
