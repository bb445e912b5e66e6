/* Payback: a geometric decline in fixed point, added up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/payback.h"

#include "common/money.h"
#include "common/must.h"

#define ONE INT64_C(1000000000000000) /* a factor of 1, to 1e-15 */

/* A month's amount from a rate per hour in pico. */
static enum err_kind month_u(money_wide pico_per_hour, int64_t *ret_u, struct err *reterr)
{
    return money_round(pico_per_hour * UNIT_COST_HOURS_PER_YEAR, UNIT_COST_MONTHS_PER_YEAR * UNIT_COST_PICO_PER_MICRO,
                       MONEY_HALF_EVEN, ret_u, reterr);
}

/* What the first month brings in and what every month costs in cash. */
static enum err_kind first_month(const struct unit_cost *cost, const struct payback_scenario *scenario,
                                 int64_t *ret_revenue_u, int64_t *ret_cost_u, struct err *reterr)
{
    money_wide sold_ppm = (money_wide)cost->gpus * scenario->utilisation_ppm;          /* GPU-hours per node-hour */
    enum err_kind kind = month_u(sold_ppm * scenario->price_u, ret_revenue_u, reterr); /* ppm x micro is pico */
    if (kind == ERR_NONE)
        kind = month_u(cost->cash_pico + sold_ppm * cost->variable_pico / UNIT_COST_PPM, ret_cost_u, reterr);
    return kind;
}

/* factor * numerator / denominator. Factors stay within [0, ONE], so nothing overflows. */
static int64_t scale(int64_t factor, int64_t numerator, int64_t denominator)
{
    int64_t scaled = 0;
    bool fits = money_round((money_wide)factor * numerator, denominator, MONEY_HALF_EVEN, &scaled, NULL) == ERR_NONE;
    must(fits);
    return scaled;
}

/* What one month of the scenario leaves. */
static enum err_kind month_left(int64_t revenue_u, int64_t cost_u, int64_t price_factor, int64_t *ret_u,
                                struct err *reterr)
{
    int64_t brought_u = 0;
    enum err_kind kind = money_round((money_wide)revenue_u * price_factor, ONE, MONEY_HALF_EVEN, &brought_u, reterr);
    return kind == ERR_NONE ? money_subtract(brought_u, cost_u, ret_u, reterr) : kind;
}

enum err_kind payback_curve(const struct unit_cost *cost, const struct payback_scenario *scenario,
                            int64_t *cumulative_u, size_t months, struct payback *ret, struct err *reterr)
{
    must(months <= PAYBACK_MONTHS_MOST && scenario->discount_ppm >= 0);
    must(scenario->decline_ppm >= 0 && scenario->decline_ppm < UNIT_COST_PPM);
    int64_t revenue_u = 0, cost_u = 0, total_u = 0;
    int64_t price_factor = ONE, discount_factor = ONE;
    bool still_worth_it = true;
    *ret = (struct payback){0};
    enum err_kind kind = first_month(cost, scenario, &revenue_u, &cost_u, reterr);
    for (size_t month = 0; month < months && kind == ERR_NONE; month++) {
        bool was = month < scenario->actual_months;
        int64_t left_u = was ? scenario->actual_u[month] : 0;
        discount_factor = scale(discount_factor, UNIT_COST_PPM, UNIT_COST_PPM + scenario->discount_ppm);
        if (!was)
            kind = month_left(revenue_u, cost_u, price_factor, &left_u, reterr);
        if (kind == ERR_NONE)
            kind = money_round((money_wide)left_u * discount_factor, ONE, MONEY_HALF_EVEN, &left_u, reterr);
        if (kind == ERR_NONE)
            kind = money_add(total_u, left_u, &total_u, reterr);
        if (kind != ERR_NONE)
            return kind;
        cumulative_u[month] = total_u;
        still_worth_it = was || (still_worth_it && left_u > 0);
        if (still_worth_it) {
            ret->peak_month = (int)month + 1;
            ret->peak_u = total_u;
        }
        if (ret->paid_back_month == 0 && total_u >= scenario->capex_u)
            ret->paid_back_month = (int)month + 1;
        if (!was)
            price_factor = scale(price_factor, UNIT_COST_PPM - scenario->decline_ppm, UNIT_COST_PPM);
    }
    return kind;
}
