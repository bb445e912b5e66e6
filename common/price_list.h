/* Which price holds when: the more specific before the more general, second by second.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/rating.h"

/* Lays one series of prices over another: wherever the upper one has a price it holds, elsewhere the lower one's does.
 * Both are in order of time and do not overlap among themselves; so is the result, whose prices are cut and otherwise
 * copied. ret has room for PRICE_LIST_PIECES_MAX(upper_count, lower_count). Returns the number of pieces. */
size_t price_list_overlay(const struct rating_price *upper, size_t upper_count, const struct rating_price *lower,
                          size_t lower_count, struct rating_price *ret);

/* Each upper one can cut a lower one in two. */
#define PRICE_LIST_PIECES_MAX(upper_count, lower_count) (2 * (upper_count) + (lower_count))

#define PRICE_LIST_NONE SIZE_MAX

/* A piece of one series, cut where the other series changes. */
struct price_list_piece {
    struct rating_span valid;
    size_t price; /* index of the one */
    size_t by;    /* index of the other; PRICE_LIST_NONE: it has none here */
};

/* Cuts a series wherever another one begins or ends. ret has room for PRICE_LIST_PIECES_MAX(by_count, count). */
size_t price_list_cut(const struct rating_price *prices, size_t count, const struct rating_price *by, size_t by_count,
                      struct price_list_piece *ret);
