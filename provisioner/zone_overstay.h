/* Who is on a node past its window: after a pause, an outage of the planner, or a stop that does not succeed. The plan has
 * given the place to the next by then. While there is such a one, and for the longest turnaround after the look that found
 * nobody any more, whoever starts asks the database whether its place is clean in fact (observe.c); at all other times the
 * plan is right by itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/zone_memory.h"

/* A place is not clean by plan alone. */
bool zone_overstay_is_on(const struct zone_memory *memory, int64_t now_s);

/* Once the nodes are known: who left lately is not in memory yet. Then it looks. */
MUST_CHECK enum err_kind zone_overstay_begin(struct zone_memory *memory, struct db *db, int64_t now_s,
                                             struct err *reterr);
/* While it is on, before anything is decided in a piece of work: however long there was none,
 * somebody who was there may be so still. */
MUST_CHECK enum err_kind zone_overstay_look(struct zone_memory *memory, struct db *db, int64_t now_s,
                                            struct err *reterr);

extern const struct db_stmt *const zone_overstay_statements[];
