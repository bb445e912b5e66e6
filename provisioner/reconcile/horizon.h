/* Open-ended reservations: how long they are held, and how many of a type there may be. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* Until when what begins at from_s and ends at ends_s is held: to its end, or for the horizon where it has none. */
int64_t horizon_end(const struct wish *wish, int64_t from_s, int64_t ends_s);
/* Holds what is open-ended for its horizon, wherever it still is: first of all in each piece of work, so that nobody who
 * runs loses his place to what is decided in it, however long nobody led. */
void horizon_hold(const struct reservation *reservation);
/* Holds it, and tells where that cannot be. Sets horizon_due_s. */
void horizon_keep(struct reservation *reservation);
/* Whether as much of its type may still be sold without an end; else sets reason and binding. */
bool horizon_has_share(struct reservation *reservation);
/* GPU-milli of its type's share that it takes, having a place without an end (SQL_SOLD_OPEN). */
int64_t horizon_taken_milli(const struct reservation *reservation);
/* How many instances of it may; only of one that is capped (open_max_percent), and then 0 at least. */
int64_t horizon_share_left(const struct reservation *reservation);
/* How long a window may be offered in place of one without an end: a year; or as long as its tenant's credit limit was asked
 * for, where it has one. */
int64_t horizon_closed_most_s(const struct reservation *reservation);
