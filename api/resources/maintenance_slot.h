/* Where in a range of time a window of a length would hit the least. Pure; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What is held of the nodes: so many milli-GPUs in [from_s, to_s). */
struct maintenance_held {
    int64_t from_s, to_s;
    int64_t gpu_milli;
};

struct maintenance_slot {
    int64_t starts_s;
    int64_t hit; /* milli-GPU-seconds held within it; INT64_MAX: that many or more */
};

/* The start within [range_from_s, range_to_s - length_s] at which the fewest milli-GPU-seconds are held for length_s;
 * the earliest of equals. Where the range is shorter than the length: its beginning. O(n log n). */
struct maintenance_slot maintenance_cheapest(const struct maintenance_held *held, size_t count, int64_t range_from_s,
                                             int64_t range_to_s, int64_t length_s);
