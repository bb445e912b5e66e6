/* Rows to be inserted at once, as the columns of a statement with unnest, which has no other parameters. (COPY is refused
 * on tables with row-level security.) One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db_column.h"

#define BULK_COLUMNS_MAX 14

/* Starts as {0}; every column gets a value per row. */
struct bulk_rows {
    struct db_column columns[BULK_COLUMNS_MAX];
};
void bulk_rows_release(struct bulk_rows *rows); /* for CLEANUP */
/* Runs the statement on the rows, if there are any. */
MUST_CHECK enum err_kind bulk_rows_send(struct bulk_rows *rows, struct db *db, const struct db_stmt *stmt,
                                        struct err *reterr);
