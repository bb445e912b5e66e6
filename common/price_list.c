/* Specific prices over general ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/price_list.h"

#include "common/least.h"

/* What is being laid down. */
struct overlay {
    const struct rating_price *lower;
    size_t lower_count;
    size_t next; /* the first lower price that may still be valid */
    struct rating_price *prices;
    size_t count;
};

static void add_piece(struct overlay *overlay, const struct rating_price *price, int64_t from_s, int64_t to_s)
{
    if (from_s >= to_s)
        return;
    overlay->prices[overlay->count] = *price;
    overlay->prices[overlay->count++].valid = (struct rating_span){.from_s = from_s, .to_s = to_s};
}

/* The lower prices within [from_s, to_s), where no upper one holds. */
static void add_lower_pieces(struct overlay *overlay, int64_t from_s, int64_t to_s)
{
    for (; overlay->next < overlay->lower_count; overlay->next++) {
        const struct rating_price *price = &overlay->lower[overlay->next];
        if (price->valid.from_s >= to_s)
            return;
        add_piece(overlay, price, greatest_of(price->valid.from_s, from_s), least_of(price->valid.to_s, to_s));
        if (price->valid.to_s > to_s)
            return; /* goes on behind the upper one */
    }
}

size_t price_list_overlay(const struct rating_price *upper, size_t upper_count, const struct rating_price *lower,
                          size_t lower_count, struct rating_price *ret)
{
    struct overlay overlay = {.lower = lower, .lower_count = lower_count, .prices = ret};
    int64_t from_s = INT64_MIN;
    for (size_t i = 0; i < upper_count; i++) {
        add_lower_pieces(&overlay, from_s, upper[i].valid.from_s);
        add_piece(&overlay, &upper[i], upper[i].valid.from_s, upper[i].valid.to_s);
        from_s = upper[i].valid.to_s;
    }
    add_lower_pieces(&overlay, from_s, RATING_OPEN_END_S);
    return overlay.count;
}

size_t price_list_cut(const struct rating_price *prices, size_t count, const struct rating_price *by, size_t by_count,
                      struct price_list_piece *ret)
{
    size_t pieces = 0;
    size_t next = 0; /* of the other series: the first that may still be valid */
    for (size_t i = 0; i < count; i++) {
        int64_t from_s = prices[i].valid.from_s;
        int64_t end_s = prices[i].valid.to_s;
        while (from_s < end_s) {
            while (next < by_count && by[next].valid.to_s <= from_s)
                next++;
            bool holds = next < by_count && by[next].valid.from_s <= from_s;
            int64_t change_s = next == by_count ? end_s : holds ? by[next].valid.to_s : by[next].valid.from_s;
            struct rating_span valid = {.from_s = from_s, .to_s = least_of(change_s, end_s)};
            ret[pieces++] = (struct price_list_piece){valid, i, holds ? next : PRICE_LIST_NONE};
            from_s = valid.to_s;
        }
    }
    return pieces;
}
