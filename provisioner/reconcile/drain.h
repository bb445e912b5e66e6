/* Drains: nodes that operators want empty. What has not begun on them is moved to others where all of its terms hold,
 * each reservation for itself; what has begun, or has no other place, stays to its end. They are cordoned, so that
 * nothing comes after it. It is tried when the wish changes: asked for again, it is tried again. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* Who is on the world's draining nodes from now on: ids of reservations, some of them more than once. */
void drains_find_hits(const struct world *world, void (*found)(void *context, struct identity reservation),
                      void *context);
/* Moves what may move. Within the planner's batch; reservations that were not read stay. */
void drains_drive(struct world *world);
