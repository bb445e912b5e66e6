/* Who is on a node for longer than the plan has room for: after a pause, while nobody led or the leader stood still, or where
 * a stop takes longer than it may. The plan has given the place to the next by then. While there may be such a one, and
 * until the node of whoever left so late is clean, whoever starts asks the database whether its place is clean in fact
 * (observe.c); at all other times the plan is right by itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/zone_memory.h"

/* A place is not clean by plan alone: somebody may be there too long, left too late, or was due to be told to leave longer
 * ago than the plan allows. */
bool zone_overstay_is_on(const struct zone_memory *memory, int64_t now_s);

/* Once the nodes are known: who is there, and who left lately, is not in memory yet. */
MUST_CHECK enum err_kind zone_overstay_begin(struct zone_memory *memory, struct db *db, int64_t now_s,
                                             struct err *reterr);
/* Whether somebody may be there too long by what memory knows, so that it must look before anything is decided. */
bool zone_overstay_must_look(const struct zone_memory *memory, int64_t now_s);
MUST_CHECK enum err_kind zone_overstay_look(struct zone_memory *memory, struct db *db, struct err *reterr);

extern const struct db_stmt *const zone_overstay_statements[];
