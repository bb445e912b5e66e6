/* What is held until an instant is a sum over all that began before it, less a sum over all that ended before it. Both
 * are running sums over sorted instants, so the cost of a slot is the difference of two look-ups; and it is least where
 * something ends at the slot's start, or begins at its end, or at the border of the range: in between it is linear. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/maintenance_slot.h"

#include "common/alloc.h"
#include "common/money.h"

#include <stdlib.h>

struct border {
    int64_t at_s;            /* since the range's beginning */
    int64_t gpu_milli;       /* that begin, or end, there */
    int64_t milli_sum;       /* up to and with it */
    money_wide weighted_sum; /* of gpu_milli * at_s, likewise: a large fleet over centuries is beyond 64 bits */
};

struct borders {
    struct border *items;
    size_t count;
};

static int by_instant(const void *a, const void *b)
{
    const struct border *one = a;
    const struct border *other = b;
    return (one->at_s > other->at_s) - (one->at_s < other->at_s);
}

static int64_t clipped(int64_t instant_s, int64_t range_from_s, int64_t range_to_s)
{
    if (instant_s < range_from_s)
        return 0;
    return (instant_s > range_to_s ? range_to_s : instant_s) - range_from_s;
}

static void sum_up(struct borders *borders)
{
    qsort(borders->items, borders->count, sizeof *borders->items, by_instant);
    int64_t milli = 0;
    money_wide weighted = 0;
    for (size_t i = 0; i < borders->count; i++) {
        struct border *border = &borders->items[i];
        border->milli_sum = milli += border->gpu_milli;
        border->weighted_sum = weighted += (money_wide)border->gpu_milli * border->at_s;
    }
}

/* The milli-GPU-seconds behind these borders, up to an instant. */
static money_wide since_borders(const struct borders *borders, int64_t at_s)
{
    size_t low = 0, high = borders->count; /* those before `low` are at or before the instant */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (borders->items[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    const struct border *last = &borders->items[low - 1];
    return (money_wide)last->milli_sum * at_s - last->weighted_sum;
}

struct search {
    struct borders begins, ends;
    int64_t length_s, latest_s;
    struct maintenance_slot best; /* starts_s since the range's beginning */
};

static void try_start(struct search *search, int64_t at_s)
{
    if (at_s < 0 || at_s > search->latest_s)
        return;
    int64_t end_s = at_s + search->length_s;
    money_wide exact = since_borders(&search->begins, end_s) - since_borders(&search->ends, end_s) -
                       since_borders(&search->begins, at_s) + since_borders(&search->ends, at_s);
    int64_t hit = exact > INT64_MAX ? INT64_MAX : (int64_t)exact;
    struct maintenance_slot *best = &search->best;
    if (hit < best->hit || (hit == best->hit && at_s < best->starts_s))
        *best = (struct maintenance_slot){.starts_s = at_s, .hit = hit};
}

struct maintenance_slot maintenance_cheapest(const struct maintenance_held *held, size_t count, int64_t range_from_s,
                                             int64_t range_to_s, int64_t length_s)
{
    int64_t latest_s = range_to_s - length_s - range_from_s;
    struct search search = {.length_s = length_s,
                            .latest_s = latest_s > 0 ? latest_s : 0,
                            .best = {.starts_s = INT64_MAX, .hit = INT64_MAX}};
    search.begins = (struct borders){alloc_zero(count + 1, sizeof(struct border)), count};
    search.ends = (struct borders){alloc_zero(count + 1, sizeof(struct border)), count};
    for (size_t i = 0; i < count; i++) {
        search.begins.items[i] =
            (struct border){.at_s = clipped(held[i].from_s, range_from_s, range_to_s), .gpu_milli = held[i].gpu_milli};
        search.ends.items[i] =
            (struct border){.at_s = clipped(held[i].to_s, range_from_s, range_to_s), .gpu_milli = held[i].gpu_milli};
    }
    sum_up(&search.begins);
    sum_up(&search.ends);
    try_start(&search, 0);
    try_start(&search, search.latest_s);
    for (size_t i = 0; i < count; i++) {
        try_start(&search, search.ends.items[i].at_s);
        try_start(&search, search.begins.items[i].at_s - length_s);
    }
    free(search.begins.items);
    free(search.ends.items);
    search.best.starts_s += range_from_s;
    return search.best;
}
