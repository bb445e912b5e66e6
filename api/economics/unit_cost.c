/* Unit cost: a handful of fractions, each with one denominator. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/unit_cost.h"

#include "common/money.h"
#include "common/must.h"

#define W_PER_KW      1000
#define MILLI_PER_S   1000
#define MILLI_S_PER_H INT64_C(3600000)

/* Micro-units times a factor over a divisor, in pico. */
static enum err_kind pico(int64_t amount_u, int64_t factor, int64_t divisor, int64_t *ret_pico, struct err *reterr)
{
    money_wide product;
    if (__builtin_mul_overflow((money_wide)amount_u * factor, UNIT_COST_PICO_PER_MICRO, &product))
        return err_set(reterr, ERR_INVALID, "a rate is out of range");
    return money_round(product, divisor, MONEY_HALF_EVEN, ret_pico, reterr);
}

/* The cost per hour of so many watts at the machine. */
static enum err_kind power_pico(const struct unit_cost_node *node, int64_t watts, int64_t divisor, int64_t *ret_pico,
                                struct err *reterr)
{
    int64_t drawn_ppm_w; /* at the facility's meter */
    if (__builtin_mul_overflow(watts, node->pue_ppm, &drawn_ppm_w))
        return err_set(reterr, ERR_INVALID, "power is out of range");
    return pico(node->tariff_u, drawn_ppm_w, UNIT_COST_PPM * W_PER_KW * divisor, ret_pico, reterr);
}

static enum err_kind monthly_pico(int64_t amount_u, int64_t factor, int64_t divisor, int64_t *ret_pico,
                                  struct err *reterr)
{
    int64_t yearly;
    if (__builtin_mul_overflow(factor, UNIT_COST_MONTHS_PER_YEAR, &yearly))
        return err_set(reterr, ERR_INVALID, "a monthly cost is out of range");
    return pico(amount_u, yearly, divisor * UNIT_COST_HOURS_PER_YEAR, ret_pico, reterr);
}

static bool is_sound(const struct unit_cost_node *node)
{
    return node->gpus > 0 && node->gpus <= UNIT_COST_GPUS_MOST && node->depreciation_pico >= 0 && node->idle_w >= 0 &&
           node->full_w >= node->idle_w && node->pue_ppm >= UNIT_COST_PPM && node->tariff_u >= 0 &&
           node->provisioned_w >= 0 && node->colocation_u >= 0 && node->monthly_u >= 0;
}

enum err_kind unit_cost_of(const struct unit_cost_node *node, struct unit_cost *ret, struct err *reterr)
{
    if (!is_sound(node))
        return err_set(reterr, ERR_INVALID, "the figures of a node's cost are out of their ranges");
    int64_t idle = 0, colocation = 0, monthly = 0;
    *ret = (struct unit_cost){.gpus = node->gpus, .depreciation_pico = node->depreciation_pico};
    enum err_kind kind = power_pico(node, node->idle_w, 1, &idle, reterr);
    if (kind == ERR_NONE)
        kind = power_pico(node, node->full_w - node->idle_w, node->gpus, &ret->variable_pico, reterr);
    if (kind == ERR_NONE)
        kind = monthly_pico(node->colocation_u, node->provisioned_w, W_PER_KW, &colocation, reterr);
    if (kind == ERR_NONE)
        kind = monthly_pico(node->monthly_u, 1, 1, &monthly, reterr);
    if (kind == ERR_NONE)
        kind = money_add(idle, colocation, &ret->cash_pico, reterr);
    if (kind == ERR_NONE)
        kind = money_add(ret->cash_pico, monthly, &ret->cash_pico, reterr);
    return kind;
}

/* The variable cost is that of an average GPU. */
enum err_kind unit_cost_add(struct unit_cost *fleet, const struct unit_cost *kind, int64_t nodes, struct err *reterr)
{
    money_wide gpus = fleet->gpus + (money_wide)kind->gpus * nodes;
    money_wide depreciation = fleet->depreciation_pico + (money_wide)kind->depreciation_pico * nodes;
    money_wide cash = fleet->cash_pico + (money_wide)kind->cash_pico * nodes;
    money_wide variable =
        (money_wide)fleet->variable_pico * fleet->gpus + (money_wide)kind->variable_pico * kind->gpus * nodes;
    if (gpus > UNIT_COST_GPUS_MOST || depreciation > INT64_MAX || cash > INT64_MAX)
        return err_set(reterr, ERR_INVALID, "the fleet's cost is out of range");
    fleet->gpus = (int64_t)gpus;
    fleet->depreciation_pico = (int64_t)depreciation;
    fleet->cash_pico = (int64_t)cash;
    return money_round(variable, fleet->gpus, MONEY_HALF_EVEN, &fleet->variable_pico, reterr);
}

static money_wide fixed_pico(const struct unit_cost *cost)
{
    return (money_wide)cost->depreciation_pico + cost->cash_pico;
}

enum err_kind unit_cost_of_time(const struct unit_cost *cost, int64_t nodes, int64_t seconds, int64_t busy_gpu_milli_s,
                                int64_t *ret_u, struct err *reterr)
{
    must(nodes >= 0 && seconds >= 0 && busy_gpu_milli_s >= 0);
    money_wide fixed, variable, sum; /* pico times milliseconds */
    if (__builtin_mul_overflow(fixed_pico(cost) * nodes, (money_wide)seconds * MILLI_PER_S, &fixed) ||
        __builtin_mul_overflow((money_wide)cost->variable_pico, busy_gpu_milli_s, &variable) ||
        __builtin_add_overflow(fixed, variable, &sum))
        return err_set(reterr, ERR_INVALID, "the cost of a stretch of time is out of range");
    return money_round(sum, MILLI_S_PER_H * UNIT_COST_PICO_PER_MICRO, MONEY_HALF_EVEN, ret_u, reterr);
}

/* Up to the next whole, for what must suffice. */
static money_wide divide_up(money_wide numerator, money_wide denominator)
{
    return numerator / denominator + (numerator % denominator > 0);
}

/* The exact cost is numerator / denominator pico: no division before the last one. */
static void per_gpu_hour(const struct unit_cost *cost, int64_t utilisation_ppm, money_wide *ret_numerator,
                         money_wide *ret_denominator)
{
    must(utilisation_ppm > 0 && utilisation_ppm <= UNIT_COST_PPM);
    *ret_denominator = (money_wide)cost->gpus * utilisation_ppm;
    *ret_numerator = fixed_pico(cost) * UNIT_COST_PPM + cost->variable_pico * *ret_denominator;
}

enum err_kind unit_cost_per_gpu_hour(const struct unit_cost *cost, int64_t utilisation_ppm, int64_t *ret_u,
                                     struct err *reterr)
{
    money_wide numerator, denominator;
    int64_t cost_pico = 0;
    per_gpu_hour(cost, utilisation_ppm, &numerator, &denominator);
    enum err_kind kind = money_round(numerator, (int64_t)denominator, MONEY_HALF_EVEN, &cost_pico, reterr);
    return kind == ERR_NONE ? money_round(cost_pico, UNIT_COST_PICO_PER_MICRO, MONEY_HALF_EVEN, ret_u, reterr) : kind;
}

int64_t unit_cost_break_even_ppm(const struct unit_cost *cost, int64_t price_u)
{
    money_wide left = (money_wide)price_u * UNIT_COST_PICO_PER_MICRO - cost->variable_pico; /* of each hour's price */
    if (left <= 0)
        return INT64_MAX;
    money_wide ppm = (2 * fixed_pico(cost) * UNIT_COST_PPM / (cost->gpus * left) + 1) / 2;
    return ppm > INT64_MAX ? INT64_MAX : (int64_t)ppm;
}

enum err_kind unit_cost_floor(const struct unit_cost *cost, int64_t utilisation_ppm, int64_t margin_ppm, int64_t *ret_u,
                              struct err *reterr)
{
    must(margin_ppm >= 0 && margin_ppm < UNIT_COST_PPM);
    money_wide numerator, denominator;
    per_gpu_hour(cost, utilisation_ppm, &numerator, &denominator);
    money_wide cost_pico = divide_up(numerator, denominator);
    money_wide floor_u = divide_up(cost_pico, UNIT_COST_PPM - margin_ppm); /* pico / ppm is micro */
    if (floor_u > INT64_MAX)
        return err_set(reterr, ERR_INVALID, "the price floor is out of range");
    *ret_u = (int64_t)floor_u;
    return ERR_NONE;
}

int64_t unit_cost_marginal_floor_u(const struct unit_cost *cost)
{
    return (int64_t)divide_up(cost->variable_pico, UNIT_COST_PICO_PER_MICRO);
}
