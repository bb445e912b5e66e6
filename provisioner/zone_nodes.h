/* The nodes in a zone's memory: read with it, read again where operators changed them, and driven when they are due.
 * Outside the planner's batch: its fleet is not part of one. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/zone_memory.h"

/* All of them, into a memory that has none yet but its terms. */
MUST_CHECK enum err_kind zone_nodes_load(struct zone_memory *memory, const struct world *world, struct db *db,
                                         struct err *reterr);
/* Reads these nodes again (a uuid[] parameter), new ones among them, drives them and tells the planner. Adds those that
 * are lost to `lost`. */
MUST_CHECK enum err_kind zone_nodes_changed(struct zone_memory *memory, struct world *world, struct db *db,
                                            struct db_array *changed, struct db_array *lost, struct err *reterr);
/* Drives the nodes that are due, or all after a rebuild. */
void zone_nodes_due(struct zone_memory *memory, struct world *world, struct db_array *lost);

extern const struct db_stmt *const zone_nodes_statements[];
