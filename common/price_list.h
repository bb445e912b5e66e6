/* Which price holds when: a tenant's own versions before the list's, second by second.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/rating.h"

/* Lays a tenant's own versions over the list's: wherever an own version is valid it holds, elsewhere the list's does.
 * Both are in order of time and do not overlap among themselves; so is the result. ret_prices and ret_version have
 * room for PRICE_LIST_PIECES_MAX(own_count, list_count); ret_version[i] says which version piece i is of: k for
 * own[k], own_count + k for list[k]. Returns the number of pieces. */
size_t price_list_overlay(const struct rating_price *own, size_t own_count, const struct rating_price *list,
                          size_t list_count, struct rating_price *ret_prices, size_t *ret_version);

/* Each own version can cut one list version in two. */
#define PRICE_LIST_PIECES_MAX(own_count, list_count) (2 * (own_count) + (list_count))
