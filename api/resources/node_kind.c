/* The cost of a kind of node: units only. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node_kind.h"

#include "common/db.h"
#include "common/money.h"

#define PPM_PER_MILLI 1000
#define NANO_EXPONENT 9
#define PICO_EXPONENT 12

static int64_t column(const PGresult *rows, int row, const char *name)
{
    return db_int(rows, row, PQfnumber(rows, name), 0);
}

/* 1e-9 minor units in pico: a minor unit is 10^-exponent of the major one, exponent <= 3. */
static enum err_kind pico_of_nano_minor(int64_t nano_minor, int exponent, int64_t *ret_pico, struct err *reterr)
{
    int64_t factor = 1;
    for (int i = exponent; i < PICO_EXPONENT - NANO_EXPONENT; i++)
        factor *= 10;
    if (__builtin_mul_overflow(nano_minor, factor, ret_pico))
        return err_set(reterr, ERR_INVALID, "the depreciation of a kind of node is out of range");
    return ERR_NONE;
}

enum err_kind node_kind_cost(const PGresult *rows, int row, const char *currency, struct unit_cost *ret,
                             struct err *reterr)
{
    int exponent = 0;
    struct unit_cost_node node = {
        .gpus = column(rows, row, "gpu_count"),
        .idle_w = column(rows, row, "idle_w"),
        .full_w = column(rows, row, "full_w"),
        .pue_ppm = column(rows, row, "pue_milli") * PPM_PER_MILLI,
        .tariff_u = column(rows, row, "tariff_u"),
        .provisioned_w = column(rows, row, "full_w"),
        .colocation_u = column(rows, row, "kw_month_u"),
        .monthly_u = column(rows, row, "month_u"),
    };
    enum err_kind kind = money_exponent(currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind =
            pico_of_nano_minor(column(rows, row, "depreciation_nano_minor"), exponent, &node.depreciation_pico, reterr);
    return kind == ERR_NONE ? unit_cost_of(&node, ret, reterr) : kind;
}

bool node_kind_currency_is_known(struct request *request, const char *currency)
{
    struct err err = {0};
    int exponent = 0;
    if (money_exponent(currency, &exponent, &err) == ERR_NONE)
        return true;
    field_problem_add(&request->problems, "?currency", "out_of_range", "%s", err.text);
    return false;
}
