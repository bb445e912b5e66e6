/* Whose turn it still is in a piece of work, which is not to last. Pure: whoever has a clock says how much of its time is
 * spent. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

struct turn_clock {
    int64_t (*spent_us)(const struct turn_clock *clock);
};

/* Whether the next may be decided upon in this piece of work. Sets has_time. */
bool turn_has_time(struct world *world, const struct turn_clock *clock);
/* Lets the world's reservations from `first` on go as far as they can, while there is time. */
void turn_drive(struct world *world, uint32_t first, const struct turn_clock *clock);
/* Whether as many reservations or instances are due as a piece of work reads of either: of those left out some may be over,
 * and in the way of whoever starts in this one. */
bool turn_may_leave_some(const struct world *world, uint32_t most);
