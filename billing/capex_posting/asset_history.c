/* Changes that were applied, and lives made of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/asset_history.h"

static const struct db_stmt statement_history = {
    .name = "asset_history",
    .sql = "SELECT c.asset_id, s.units_gpu_milli_s, " ASSET_CHANGE_COLUMNS
           "  FROM unnest($1::uuid[]) AS x (id) JOIN asset_change c ON c.asset_id = x.id"
           "  JOIN asset_change_status s ON s.change_id = c.id AND s.outcome = 'applied'"
           " WHERE c.effective_on <= $2::date"
           " ORDER BY c.asset_id, c.effective_on, c.id",
    .params = 2,
};
enum { HISTORY_ASSET, HISTORY_UNITS, HISTORY_CHANGE };

const struct db_stmt *const asset_history_statements[] = {&statement_history, NULL};

enum err_kind asset_history_load(struct db *db, const char *assets, const char *date, struct asset_history *ret,
                                 struct err *reterr)
{
    return db_run(db, &statement_history, DB_PARAMS(assets, date), &ret->rows, reterr);
}

void asset_history_release(struct asset_history *history)
{
    PQclear(history->rows);
    history->rows = NULL;
}

/* The first row of an asset, or where it would be: rows are sorted as memory is. */
static int first_of(const PGresult *rows, struct identity asset)
{
    int from = 0;
    int to = PQntuples(rows);
    while (from < to) {
        int middle = from + (to - from) / 2;
        if (identity_compare(db_identity(rows, middle, HISTORY_ASSET), asset) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

enum err_kind asset_history_life(const struct asset_history *history, const struct asset_row *asset,
                                 struct asset_life *ret, struct err *reterr)
{
    asset_life_begin(ret, &asset->terms);
    const PGresult *rows = history->rows;
    int count = PQntuples(rows);
    for (int row = count == 0 ? 0 : first_of(rows, asset->id); row < count; row++) {
        if (!identity_equal(db_identity(rows, row, HISTORY_ASSET), asset->id))
            break;
        struct asset_change change = asset_change_read(rows, row, HISTORY_CHANGE, db_int(rows, row, HISTORY_UNITS, 0));
        struct asset_effect effect;
        enum err_kind kind = asset_life_apply(ret, &change, &effect, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "the history of an asset contradicts itself");
    }
    return ERR_NONE;
}
