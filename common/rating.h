/* Measuring for rating: delivered time, cut where prices change, and added up.
 *
 * Usage is measured in gpu_milli x seconds, an exact integer. Only sums are multiplied by prices and rounded
 * (rating_period.h, "round late"): 43,200 minutes at 0.0100 per hour, rounded one by one to cents, would come to
 * nothing.
 *
 * Pure: no I/O, no allocation, any thread. Times are seconds since 1970-01-01T00:00:00Z, intervals half-open. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/least.h"

#include <stddef.h>
#include <stdint.h>

/* The end of what has no end. */
#define RATING_OPEN_END_S INT64_MAX

/* A stretch of time: [from_s, to_s). */
struct rating_span {
    int64_t from_s;
    int64_t to_s;
};

/* What lies in both; reversed or empty if nothing does. */
static inline struct rating_span rating_overlap(struct rating_span a, struct rating_span b)
{
    return (struct rating_span){.from_s = greatest_of(a.from_s, b.from_s), .to_s = least_of(a.to_s, b.to_s)};
}

/* One price for a stretch of time; those of a price list are in order of time and do not overlap. */
struct rating_price {
    struct rating_span valid;
    int64_t unit_price_u; /* per GPU-hour */
    uint32_t version;     /* whoever made it knows of what; rating only hands it on */
    uint32_t window;      /* of the version's windows of the day, from 1; 0: none */
};

/* Billable time of one instance: so many thousandths of a GPU for that long. Negative takes time back. */
struct rating_usage {
    struct rating_span span;
    int64_t gpu_milli;
};

/* Adds to ret_gpu_milli_s[i] the usage that falls into the period and under prices[i]; an interval that crosses a
 * boundary is cut there. All usage belongs to one reservation. The caller sets the sums to zero first, and may call
 * again with more usage. ERR_NOT_FOUND if a second within the period has no price, ERR_INVALID if an interval is
 * reversed or a sum does not fit; the sums are then of no use. */
MUST_CHECK enum err_kind rating_measure(struct rating_span period, const struct rating_usage *usage, size_t usage_count,
                                        const struct rating_price *prices, size_t price_count, int64_t *ret_gpu_milli_s,
                                        struct err *reterr);
