/* Rating: delivered time x prices -> amounts in micro-units.
 *
 * Usage is measured in gpu_milli x seconds, an exact integer, and added up per line: one reservation, one price
 * version, one billing period. Only that sum is multiplied and rounded ("round late"): 43,200 minutes at 0.0100 per
 * hour, rounded one by one to cents, would come to nothing. A line is always rated from all usage known to date; what
 * is posted is the difference from what was posted before, so late facts correct themselves, in either direction.
 *
 * Pure: no I/O, no allocation, any thread. Times are seconds since 1970-01-01T00:00:00Z, intervals half-open. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

/* The end of what has no end. */
#define RATING_OPEN_END_S INT64_MAX

/* A stretch of time: [from_s, to_s). */
struct rating_span {
    int64_t from_s;
    int64_t to_s;
};

/* One version of a price; versions of a price list are in order of time and do not overlap. */
struct rating_price {
    struct rating_span valid;
    int64_t unit_price_u; /* per GPU-hour */
};

/* Billable time of one instance: so many thousandths of a GPU for that long. Negative takes time back. */
struct rating_usage {
    struct rating_span span;
    int64_t gpu_milli;
};

/* One billed line. */
struct rating_line {
    int64_t unit_price_u; /* in: per GPU-hour */
    int64_t gpu_milli_s;  /* in: all usage of the line to date */
    int64_t rated_u;      /* in: what earlier runs posted for it */
    int64_t amount_u;     /* out: what the usage to date comes to */
    int64_t delta_u;      /* out: what is to be posted now, amount_u - rated_u; may be negative */
};

/* Price x usage: round half-even(unit_price_u * gpu_milli_s / 3,600,000), the divisor being the milli-GPU-seconds of
 * one GPU-hour. Exact in 128 bits for every input; ERR_INVALID if the result does not fit. */
MUST_CHECK enum err_kind rating_amount(int64_t unit_price_u, int64_t gpu_milli_s, int64_t *ret_u, struct err *reterr);

/* Adds to ret_gpu_milli_s[i] the usage that falls into the period and under prices[i]; an interval that crosses a
 * boundary is cut there. All usage belongs to one reservation. The caller sets the sums to zero first, and may call
 * again with more usage. ERR_NOT_FOUND if a second within the period has no price, ERR_INVALID if an interval is
 * reversed or a sum does not fit; the sums are then of no use. */
MUST_CHECK enum err_kind rating_measure(struct rating_span period, const struct rating_usage *usage, size_t usage_count,
                                        const struct rating_price *prices, size_t price_count, int64_t *ret_gpu_milli_s,
                                        struct err *reterr);

/* Rates each line. On error the lines before the one that the error names are rated. */
MUST_CHECK enum err_kind rating_rate(struct rating_line *lines, size_t count, struct err *reterr);
