/* What every part of sluice-billing works with: the connection and the lease under which it may write.
 * One process leads ("billing"); each of its transactions is fenced. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db_column.h"
#include "common/lease.h"

struct leader {
    struct db *db;
    struct lease lease;
};

/* Runs work in a fenced transaction (ERR_FENCED once another process leads), renewing the lease where that is due.
 * Work must be repeatable: a serialization failure runs it again. */
MUST_CHECK enum err_kind leader_transact(struct leader *leader,
                                         enum err_kind (*work)(struct db *db, void *context, struct err *reterr),
                                         void *context, struct err *reterr);

/* Rows to be inserted at once, as the columns of a statement with unnest, which has no other parameters. (COPY is
 * refused on tables with row-level security.) Starts as {0}; every column gets a value per row. */
#define BULK_COLUMNS_MAX 14
struct bulk_rows {
    struct db_column columns[BULK_COLUMNS_MAX];
};
void bulk_rows_release(struct bulk_rows *rows); /* for CLEANUP */
void bulk_rows_identity(struct bulk_rows *rows, int column, const struct identity *id_or_null);
/* Runs the statement on the rows, if there are any. */
MUST_CHECK enum err_kind bulk_rows_send(struct bulk_rows *rows, struct db *db, const struct db_stmt *stmt,
                                        struct err *reterr);
