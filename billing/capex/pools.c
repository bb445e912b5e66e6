/* Cost pools: a quantity per basis, times the rate. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex/pools.h"

#include "common/money.h"
#include "common/must.h"
#include "common/text_find.h"

#include <string.h>

static const struct {
    const char *text, *expense, *accrual;
} pools[] = {
#define X(constant, text, expense, accrual) {text, expense, accrual},
    COST_POOLS(X)
#undef X
};

static const char *const basis_texts[] = {
#define X(constant, text, what) text,
    RATE_BASES(X)
#undef X
};

const char *cost_pool_text(enum cost_pool pool)
{
    must((unsigned)pool < COST_POOL_COUNT);
    return pools[pool].text;
}

const char *cost_pool_expense(enum cost_pool pool)
{
    must((unsigned)pool < COST_POOL_COUNT);
    return pools[pool].expense;
}

const char *cost_pool_accrual(enum cost_pool pool)
{
    must((unsigned)pool < COST_POOL_COUNT);
    return pools[pool].accrual;
}

enum cost_pool cost_pool_of(const char *text)
{
    int pool = 0;
    while (pool < COST_POOL_COUNT && strcmp(pools[pool].text, text) != 0)
        pool++;
    return (enum cost_pool)pool;
}

enum rate_basis rate_basis_of(const char *text)
{
    return (enum rate_basis)text_find(basis_texts, RATE_BASIS_COUNT, text);
}

#define S_PER_H       INT64_C(3600)
#define MILLI_PER_GPU INT64_C(1000)
#define W_PER_KW      INT64_C(1000)
/* A second in months of 8766 / 12 hours: 12 / (8766 * 3600), so that a day is 48 / 1461. */
#define SECOND_MONTHS_OF INT64_C(2629800)
#define WH_AND_PUE_MILLI (INT64_C(1000) * 1000) /* Wh in a kWh, thousandths of the PUE */

int64_t pool_energy_wh(const struct pool_day *day)
{
    if (day->metered_wh >= 0 || !day->has_profile)
        return day->metered_wh;
    int64_t gpu_milli = day->gpu_count * MILLI_PER_GPU;
    if (gpu_milli == 0)
        gpu_milli = 1; /* and nothing of it is busy */
    money_wide watt_s = (money_wide)day->idle_w * day->on_s * gpu_milli;
    watt_s += (money_wide)(day->full_w - day->idle_w) * day->busy_milli_s;
    int64_t energy_wh = 0;
    /* At most 2^31 W for a day. */
    must(money_round(watt_s, S_PER_H * gpu_milli, MONEY_HALF_EVEN, &energy_wh, NULL) == ERR_NONE);
    return energy_wh;
}

/* So many units of the basis: numerator / denominator. */
struct quantity {
    int64_t numerator, denominator;
};

static struct quantity quantity_of(const struct pool_day *day, const struct pool_rate *rate, int64_t energy_wh)
{
    int64_t kept = day->is_kept ? day->elapsed_s : 0;
    switch (rate->basis) {
    case BASIS_KWH:
        return (struct quantity){energy_wh < 0 ? 0 : energy_wh * rate->pue_milli, WH_AND_PUE_MILLI};
    case BASIS_KW_MONTH:
        return (struct quantity){day->has_profile ? day->full_w * kept : 0, W_PER_KW * SECOND_MONTHS_OF};
    case BASIS_NODE_MONTH:
        return (struct quantity){kept, SECOND_MONTHS_OF};
    case BASIS_GPU_MONTH:
        return (struct quantity){day->gpu_count * kept, SECOND_MONTHS_OF};
    case RATE_BASIS_COUNT:
        break;
    }
    must(false); /* the table's check */
    return (struct quantity){0, 1};
}

enum err_kind pool_costs(const struct pool_day *day, const struct pool_rate *rates, size_t count,
                         int64_t costs_u[COST_POOL_COUNT], struct err *reterr)
{
    int64_t energy_wh = pool_energy_wh(day);
    for (size_t i = 0; i < count; i++) {
        struct quantity quantity = quantity_of(day, &rates[i], energy_wh);
        int64_t amount_u = 0;
        enum err_kind kind = money_round((money_wide)rates[i].amount_u * quantity.numerator, quantity.denominator,
                                         MONEY_HALF_EVEN, &amount_u, reterr);
        int64_t *cost_u = &costs_u[rates[i].pool];
        if (kind == ERR_NONE)
            kind = money_add(*cost_u, amount_u, cost_u, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}
