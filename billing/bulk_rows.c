/* Many rows in one statement. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/bulk_rows.h"

#include "common/must.h"

void bulk_rows_release(struct bulk_rows *rows)
{
    for (int i = 0; i < BULK_COLUMNS_MAX; i++)
        db_column_clear(&rows->columns[i]);
}

enum err_kind bulk_rows_send(struct bulk_rows *rows, struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    must(stmt->params <= BULK_COLUMNS_MAX && stmt->columns == stmt->params);
    if (rows->columns[0].count == 0)
        return ERR_NONE;
    const char *params[BULK_COLUMNS_MAX] = {0};
    for (int i = 0; i < stmt->params; i++) {
        must(rows->columns[i].count == rows->columns[0].count);
        params[i] = db_column_param(&rows->columns[i]);
    }
    return db_run(db, stmt, params, NULL, reterr);
}
