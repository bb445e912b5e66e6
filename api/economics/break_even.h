/* Break-even of a stretch of time: how much of what is free must still be sold at list price so that what is earned
 * covers what it costs.
 *
 * Each GPU-hour sold leaves its price less its variable cost (unit_cost.h: fixed / (gpus x (price - variable)) is the
 * same for a stretch of which nothing is sold yet). Capacity of several kinds is taken to sell evenly: the same share
 * of each. Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

/* X(outlook, text, what it means) */
#define BREAK_EVEN_OUTLOOKS(X)                                                                                         \
    X(BREAK_EVEN_REACHED, "reached", "what is earned and sold covers the cost")                                        \
    X(BREAK_EVEN_POSSIBLE, "possible", "a part of what is free must still be sold")                                    \
    X(BREAK_EVEN_OUT_OF_REACH, "out_of_reach", "not even all that is free would cover it at list price")

/* clang-format off */
#define X(outlook, ...) outlook,
enum break_even_outlook { BREAK_EVEN_OUTLOOKS(X) BREAK_EVEN_OUTLOOK_COUNT };
#undef X
/* clang-format on */

const char *break_even_outlook_text(enum break_even_outlook outlook);

#define BREAK_EVEN_NO_PRICE INT64_C(-1)

/* Free capacity of one kind. */
struct break_even_capacity {
    int64_t free_gpu_milli_s;
    int64_t price_u;       /* per GPU-hour, by the list; BREAK_EVEN_NO_PRICE: not for sale */
    int64_t variable_pico; /* per GPU-hour */
};

struct break_even {
    enum break_even_outlook outlook;
    int64_t price_u;              /* average list price of what is free and for sale; BREAK_EVEN_NO_PRICE: nothing is */
    int64_t to_sell_gpu_milli_s;  /* more than is free where it is out of reach; -1: no amount would do */
    int64_t for_sale_gpu_milli_s; /* free, and with a price */
};

/* gap_u: what is still to be earned, micro-units; 0 or less: nothing. What must suffice is rounded up. ERR_INVALID
 * where a sum does not fit. */
MUST_CHECK enum err_kind break_even_of(int64_t gap_u, const struct break_even_capacity *capacity, size_t count,
                                       struct break_even *ret, struct err *reterr);
