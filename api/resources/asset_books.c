/* Reading an asset's life. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset_books.h"

#include "common/must.h"

#include <string.h>

/* In stock or not in the books yet: told as if it were used from in_service on. */
// clang-format off
static const struct db_stmt statement_asset = {
    .name = "asset_books_asset",
    .sql = "SELECT " ASSET_ROW_COLUMNS("'infinity'::date") ","
           " (SELECT max(day) + 1 FROM billing_day) - date '1970-01-01'"
           "  FROM " ASSET_ROW_TABLES
           "  CROSS JOIN LATERAL (SELECT coalesce((SELECT k.in_service FROM asset_book k WHERE k.asset_id = a.id),"
           "                             a.in_service) AS in_service) b WHERE a.id = $1::uuid",
    .params = 1,
};
// clang-format on

static const struct db_stmt statement_changes = {
    .name = "asset_books_changes",
    .sql = "SELECT c.id, coalesce(s.units_gpu_milli_s, $2::bigint), " ASSET_CHANGE_COLUMNS
           "  FROM asset_change c LEFT JOIN asset_change_status s ON s.change_id = c.id"
           " WHERE c.asset_id = $1::uuid AND s.outcome IS DISTINCT FROM 'refused' ORDER BY c.effective_on, c.id",
    .params = 2,
};

const struct db_stmt *const asset_books_statements[] = {&statement_asset, &statement_changes, NULL};

enum err_kind asset_books_load(struct request *request, const char *asset, const char *until_change,
                               struct asset_books *ret, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind = request_run(request, &statement_asset, DB_PARAMS(asset), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(rows) == 0)
        return request_not_found(request, "asset", reterr);
    kind = asset_row_read(rows, 0, &ret->asset, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_changes, DB_PARAMS(asset, request_int(request, ret->asset.units)),
                           &ret->changes, reterr);
    if (kind != ERR_NONE)
        return kind;
    ret->closed_until = db_int(rows, 0, ASSET_ROW_WIDTH, INT64_MIN);
    asset_life_begin(&ret->life, &ret->asset.terms);
    for (int row = 0; row < PQntuples(ret->changes); row++) {
        if (until_change != NULL && strcmp(db_text(ret->changes, row, 0), until_change) == 0)
            break;
        struct asset_change change = asset_change_read(ret->changes, row, 2, db_int(ret->changes, row, 1, 0));
        struct asset_effect effect;
        struct err err = {0};
        kind = asset_life_apply(&ret->life, &change, &effect, &err);
        must(kind == ERR_NONE || kind == ERR_INVALID); /* what is refused changes nothing */
    }
    return ERR_NONE;
}
