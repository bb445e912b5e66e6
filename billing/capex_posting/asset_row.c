/* Reading assets and what happened to them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/asset_row.h"

#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

static const struct db_stmt statement_history = {
    .name = "asset_history",
    .sql = "SELECT c.asset_id, s.units_gpu_milli_s, " ASSET_CHANGE_COLUMNS
           "  FROM asset_change c JOIN asset_change_status s ON s.change_id = c.id AND s.outcome = 'applied'"
           " WHERE c.asset_id = ANY ($1::uuid[]) AND c.effective_on <= $2::date"
           " ORDER BY c.asset_id, c.effective_on, c.id",
    .params = 2,
};

const struct db_stmt *const asset_row_statements[] = {&statement_history, NULL};

/* What was never used begins its life in a time that no book reaches. */
#define NEVER (CALENDAR_DAY_MAX - (DEPRECIATION_LIFE_MONTHS_MAX + 24) * INT64_C(31))

enum err_kind asset_row_read(const PGresult *rows, int row, struct asset_row *ret, struct err *reterr)
{
    *ret = (struct asset_row){
        .id = db_identity(rows, row, 0),
        .has_node = db_text(rows, row, 1) != NULL,
        .currency = db_text(rows, row, 2),
        .is_in_stock = db_text(rows, row, 5) == NULL,
        .units = db_int(rows, row, 11, 0),
        .terms = {.cost_minor = db_int(rows, row, 3, 0),
                  .salvage_minor = db_int(rows, row, 4, 0),
                  .in_service = db_int(rows, row, 5, NEVER),
                  .life_months = db_int(rows, row, 6, 0),
                  .step_months = db_int(rows, row, 9, 0),
                  .lifetime_units = db_int(rows, row, 10, 0)},
    };
    if (ret->has_node)
        ret->node = db_identity(rows, row, 1);
    must(depreciation_method_of(db_text(rows, row, 7), &ret->terms.method)); /* the table's checks */
    must(depreciation_convention_of(db_text(rows, row, 8), &ret->terms.convention));
    enum err_kind kind = depreciation_check(&ret->terms, reterr);
    return kind == ERR_NONE ? money_exponent(ret->currency, &ret->exponent, reterr) : kind;
}

struct asset_change asset_change_read(const PGresult *rows, int row, int first, int64_t units)
{
    struct asset_change change = {
        .day = db_int(rows, row, first + 1, 0),
        .units = units,
        .life_months = db_int(rows, row, first + 2, ASSET_NOT_SAID),
        .salvage_minor = db_int(rows, row, first + 3, ASSET_NOT_SAID),
        .undiscounted_minor = db_int(rows, row, first + 5, ASSET_NOT_SAID),
        .fair_value_minor = db_int(rows, row, first + 6, ASSET_NOT_SAID),
        .value_in_use_minor = db_int(rows, row, first + 7, ASSET_NOT_SAID),
        .selling_cost_minor = db_int(rows, row, first + 8, 0),
        .proceeds_minor = db_int(rows, row, first + 9, 0),
        .part_count = db_int(rows, row, first + 10, 0),
        .part_total = db_int(rows, row, first + 11, 0),
    };
    const char *standard = db_text(rows, row, first + 4);
    must(asset_change_of(db_text(rows, row, first), &change.kind)); /* the table's checks */
    must(standard == NULL || asset_standard_of(standard, &change.standard));
    return change;
}

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
        struct identity there = db_identity(rows, middle, 0);
        if (memcmp(&there, &asset, sizeof asset) < 0)
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
        struct identity owner = db_identity(rows, row, 0);
        if (memcmp(&owner, &asset->id, sizeof owner) != 0)
            break;
        struct asset_change change = asset_change_read(rows, row, 2, db_int(rows, row, 1, 0));
        struct asset_effect effect;
        enum err_kind kind = asset_life_apply(ret, &change, &effect, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "the history of an asset contradicts itself");
    }
    return ERR_NONE;
}
