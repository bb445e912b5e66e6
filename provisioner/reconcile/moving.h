/* Moving what has not begun to other nodes: for maintenance, and off nodes that are drained. Within the planner's
 * batch. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* Instances are there, or were told when to go: then it stays as it is. NULL: it was not read, and stays. */
bool reservation_may_move(const struct reservation *reservation);
/* Gives up all of its places. */
void reservation_release(struct reservation *reservation);
/* As it was granted, and at nobody's expense: same window, scope, spread and models. False: there is no such place. */
bool reservation_place_again(struct reservation *reservation);
