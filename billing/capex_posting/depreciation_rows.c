/* A day's charge per asset. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/depreciation_rows.h"

#include "common/money.h"

static const struct db_stmt statement_insert = {
    .name = "depreciation_rows",
    .sql = "INSERT INTO depreciation (asset_id, day, amount_minor, accumulated_minor, node_id, units_gpu_milli_s)"
           " SELECT x.asset_id, date '1970-01-01' + x.day::integer, x.amount_minor, x.accumulated_minor, x.node_id,"
           "        nullif(x.units, -1)"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], $6::bigint[])"
           "     AS x (asset_id, day, amount_minor, accumulated_minor, node_id, units)",
    .params = 6,
    .columns = 6,
};

const struct db_stmt *const depreciation_rows_statements[] = {&statement_insert, NULL};

void depreciation_rows_release(struct depreciation_rows *rows)
{
    bulk_rows_release(&rows->rows);
}

enum err_kind depreciation_rows_add(struct depreciation_rows *rows, const struct asset_history *history,
                                    const struct asset_row *asset, int64_t day, int64_t units, int64_t *ret_amount_u,
                                    struct err *reterr)
{
    struct asset_life life;
    enum err_kind kind = asset_history_life(history, asset, &life, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_amount_u = 0;
    if (day >= asset_life_end(&life))
        return ERR_NONE;
    int64_t units_after = asset->units + units;
    int64_t amount_minor = asset_life_charge(&life, day, day + 1, asset->units, units_after);
    struct asset_balance balance = asset_life_balance(&life, day + 1, units_after);
    struct db_column *next = rows->rows.columns; /* in the order of the statement's parameters */
    db_column_identity(next++, asset->id);
    db_column_int8(next++, day);
    db_column_int8(next++, amount_minor);
    db_column_int8(next++, balance.accumulated_minor);
    db_column_identity_or_null(next++, asset->has_node ? &asset->node : NULL);
    db_column_int8(next, asset->terms.method == DEPRECIATION_UNITS ? units_after : -1);
    return money_micro_of_minor(amount_minor, asset->exponent, ret_amount_u, reterr);
}

enum err_kind depreciation_so_far(const struct asset_history *history, const struct asset_row *asset,
                                  const struct day_part *part, int64_t units, int64_t *ret_amount_u, struct err *reterr)
{
    struct asset_life life;
    int64_t day_u = 0;
    enum err_kind kind = asset_history_life(history, asset, &life, reterr);
    *ret_amount_u = 0;
    if (kind != ERR_NONE || part->day >= asset_life_end(&life))
        return kind;
    int64_t amount_minor = asset_life_charge(&life, part->day, part->day + 1, asset->units, asset->units + units);
    kind = money_micro_of_minor(amount_minor, asset->exponent, &day_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_amount_u = day_u;
    if (asset->terms.method == DEPRECIATION_UNITS)
        return ERR_NONE;
    return money_round((money_wide)day_u * day_part_elapsed_s(part), CALENDAR_DAY_S, MONEY_HALF_EVEN, ret_amount_u,
                       reterr);
}

enum err_kind depreciation_rows_send(struct depreciation_rows *rows, struct db *db, struct err *reterr)
{
    return bulk_rows_send(&rows->rows, db, &statement_insert, reterr);
}
