/* Depreciation: a clipped stretch of a life, and the one function that spreads a total over time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex/depreciation.h"

#include "common/money.h"
#include "common/must.h"

static int64_t clip(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

/* The charge for [from, to) of a life [0, length), all in the same unit of time. */
static int64_t charge(int64_t length, int64_t cost_minor, int64_t salvage_minor, int64_t from, int64_t to)
{
    must(salvage_minor >= 0 && cost_minor >= salvage_minor);
    must(length > 0 && from <= to);
    return money_over_time(cost_minor - salvage_minor, from, to, length, MONEY_HALF_AWAY);
}

int64_t depreciation_daily(const struct depreciation_asset *asset, int64_t day_from, int64_t day_to)
{
    struct depreciation_life life = asset->life;
    int64_t from = clip(day_from, life.day_from, life.day_to) - life.day_from;
    int64_t to = clip(day_to, life.day_from, life.day_to) - life.day_from;
    return charge(life.day_to - life.day_from, asset->cost_minor, asset->salvage_minor, from, to);
}

int64_t depreciation_carrying_amount(const struct depreciation_asset *asset, int64_t day)
{
    int64_t before = day < asset->life.day_from ? asset->life.day_from : day;
    return asset->cost_minor - depreciation_daily(asset, asset->life.day_from, before);
}

void depreciation_daily_batch(const struct depreciation_asset *assets, size_t count, int64_t day_from, int64_t day_to,
                              int64_t *ret_minor)
{
    for (size_t i = 0; i < count; i++)
        ret_minor[i] = depreciation_daily(&assets[i], day_from, day_to);
}

int64_t depreciation_monthly(int64_t months, int64_t cost_minor, int64_t salvage_minor, int64_t month_from,
                             int64_t month_to)
{
    return charge(months, cost_minor, salvage_minor, clip(month_from, 0, months), clip(month_to, 0, months));
}
