/* What a tenant's usage of a billing period comes to: prices, discounts and commitments over measured quantities.
 *
 * In this order, each step over what the one before left:
 *
 *  1. A usage commitment covers min(used, committed) of its sku. What it covers costs cost x covered / committed,
 *     rounded once, and is billed nothing: the fee is billed by itself. Covered quantity is split over the items, and
 *     its cost over the covered parts, by largest remainder.
 *  2. The rest is priced. Items of a flat price: the exact sum of a group is rounded once, and what an item of it gets
 *     is the difference of two roundings of that sum (cumulative), so that items sum to their group. Items of a tariff
 *     with tiers or packages: the tariff of their total, split over them by largest remainder. A discount in per cent
 *     comes off an item's exact amount (flat) or its share (tariff).
 *  3. A spend commitment covers min(priced, committed) of the money, split over the items by largest remainder.
 *
 * Items of meters are priced and covered by spend as any other; of one group all are of one unit.
 *
 * So order and repetition of what was measured do not matter, nor how it was cut up: quantities are exact integers and
 * only sums are rounded. What a commitment's cost is not used up by is its unused part: cost - used. Sources:
 * docs/money.md (what a second costs); tests/unit/golden: G14 (commitments), G17 (tiers).
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/money.h"
#include "common/tariff.h"

#define RATING_FLAT          SIZE_MAX /* pool of an item with a price of its own */
#define RATING_NO_COMMITMENT SIZE_MAX

/* Usage measured at one set of terms. Items of one group stand together. */
struct rating_item {
    size_t group;         /* a reservation at a price version */
    size_t sku;           /* what usage commitments are of */
    size_t pool;          /* index of its tariff, or RATING_FLAT */
    int64_t unit_price_u; /* of a flat one, per GPU-hour */
    int64_t list_price_u; /* per GPU-hour */
    int64_t discount_bp;  /* off what the price comes to */
    int64_t seconds;      /* instance-seconds, which only tag along */
    int64_t gpu_milli_s;  /* or what was counted of a meter */
    int64_t per_unit;     /* of a meter: as of its tariff; 0: GPU-time */
};

struct rating_commitment {
    bool is_spend;
    size_t sku;                  /* in: of usage */
    int64_t gpu_milli_s;         /* in: of usage, committed in the period; above 0 */
    int64_t cost_u;              /* in: what the period of it costs */
    int64_t used_gpu_milli_s;    /* out: covered GPU-time */
    int64_t used_u;              /* out: cost of what is covered; cost_u - used_u is unused */
    int64_t overage_gpu_milli_s; /* out: of usage, what nothing covers of its sku */
    int64_t overage_u;           /* out: what that is billed */
};

/* A part of an item: what one commitment covers of it, or what none does. */
struct rating_charge {
    size_t item;
    size_t commitment; /* index, or RATING_NO_COMMITMENT */
    int64_t seconds;
    int64_t gpu_milli_s;
    int64_t list_u;
    int64_t contracted_u;
    int64_t effective_u;
    int64_t billed_u;
};

struct rating_input {
    const struct rating_item *items;
    size_t item_count;
    const struct tariff *const *tariffs; /* of the pools */
    size_t tariff_count;
    struct rating_commitment *commitments; /* in the order in which they cover */
    size_t commitment_count;
};

/* ret has room for RATING_CHARGES_MAX, scratch for item_count. Parts of nothing are left out, but for the uncovered
 * part of an item, which is there even if it is 0. ERR_INVALID where an amount does not fit. */
MUST_CHECK enum err_kind rating_period(const struct rating_input *input, struct money_share *scratch,
                                       struct rating_charge *ret, size_t *ret_count, struct err *reterr);
#define RATING_CHARGES_MAX(item_count, commitment_count) ((item_count) * ((commitment_count) + 1))

/* What one item comes to by itself: as above, without commitments. */
MUST_CHECK enum err_kind rating_alone(const struct rating_item *item, const struct tariff *tariff_or_null,
                                      int64_t *ret_u, struct err *reterr);

/* The cost of a commitment in a period of its term, and what is billed then, in minor units. Of the total, the share
 * upfront_bp, rounded half away from zero, is paid with the first period and spread over the term by time; the rest is
 * billed period by period in equal parts. Both are cumulative roundings, so the periods sum to the total (G14, G22). */
struct commitment_term {
    int64_t total_minor;
    int64_t upfront_bp;
    int64_t periods;
    int64_t from_s, to_s;
};
struct commitment_cost {
    int64_t billed_minor;
    int64_t cost_minor; /* the period's own part, and its part of what was paid upfront */
};
/* The period is the one of that number, from 0, and lies within the term. */
MUST_CHECK enum err_kind commitment_cost_of_period(const struct commitment_term *term, int64_t number, int64_t from_s,
                                                   int64_t to_s, struct commitment_cost *ret, struct err *reterr);
