/* Straight-line depreciation, by cumulative rounding: what is charged through any day is
 * round(base * elapsed / life), half away from zero, so every period stands alone, the periods sum exactly to
 * cost - salvage, and no row carries what the others left over. IAS 16.62; life begins when the asset is available
 * for use (IAS 16.55), not when it was bought. Amounts are minor units; cost_minor >= salvage_minor >= 0.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Days since 1970-01-01 (common/calendar.h): available for use from day_from on, written off before day_to. */
struct depreciation_life {
    int64_t day_from;
    int64_t day_to; /* exclusive, > day_from */
};

struct depreciation_asset {
    struct depreciation_life life;
    int64_t cost_minor;
    int64_t salvage_minor;
};

/* The charge for the days [day_from, day_to), clipped to the life. Days are actual days, leap days included. */
int64_t depreciation_daily(const struct depreciation_asset *asset, int64_t day_from, int64_t day_to);

/* The carrying amount at the start of a day: cost less all charges before it. Never below salvage. */
int64_t depreciation_carrying_amount(const struct depreciation_asset *asset, int64_t day);

/* ret_minor[i] is the charge of assets[i] for [day_from, day_to). */
void depreciation_daily_batch(const struct depreciation_asset *assets, size_t count, int64_t day_from, int64_t day_to,
                              int64_t *ret_minor);

/* The same by months of equal weight: the charge for months [month_from, month_to) of a life of so many months (> 0),
 * month 0 the first, clipped to the life. */
int64_t depreciation_monthly(int64_t months, int64_t cost_minor, int64_t salvage_minor, int64_t month_from,
                             int64_t month_to);
