/* Own prices over list prices. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/price_list.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is being laid down. */
struct overlay {
    const struct rating_price *list;
    size_t list_count;
    size_t first_list_version;
    size_t next; /* the first list version that may still be valid */
    struct rating_price *prices;
    size_t *version;
    size_t count;
};

static void add_piece(struct overlay *overlay, int64_t from_s, int64_t to_s, int64_t unit_price_u, size_t version)
{
    if (from_s >= to_s)
        return;
    overlay->prices[overlay->count] =
        (struct rating_price){.valid = {.from_s = from_s, .to_s = to_s}, .unit_price_u = unit_price_u};
    overlay->version[overlay->count++] = version;
}

/* The list's prices within [from_s, to_s), where no own version holds. */
static void add_list_pieces(struct overlay *overlay, int64_t from_s, int64_t to_s)
{
    for (; overlay->next < overlay->list_count; overlay->next++) {
        const struct rating_price *price = &overlay->list[overlay->next];
        if (price->valid.from_s >= to_s)
            return;
        int64_t piece_from_s = price->valid.from_s > from_s ? price->valid.from_s : from_s;
        add_piece(overlay, piece_from_s, least(price->valid.to_s, to_s), price->unit_price_u,
                  overlay->first_list_version + overlay->next);
        if (price->valid.to_s > to_s)
            return; /* goes on behind the own version */
    }
}

size_t price_list_overlay(const struct rating_price *own, size_t own_count, const struct rating_price *list,
                          size_t list_count, struct rating_price *ret_prices, size_t *ret_version)
{
    struct overlay overlay = {
        .list = list,
        .list_count = list_count,
        .first_list_version = own_count,
        .prices = ret_prices,
        .version = ret_version,
    };
    int64_t from_s = INT64_MIN;
    for (size_t i = 0; i < own_count; i++) {
        add_list_pieces(&overlay, from_s, own[i].valid.from_s);
        add_piece(&overlay, own[i].valid.from_s, own[i].valid.to_s, own[i].unit_price_u, i);
        from_s = own[i].valid.to_s;
    }
    add_list_pieces(&overlay, from_s, RATING_OPEN_END_S);
    return overlay.count;
}
