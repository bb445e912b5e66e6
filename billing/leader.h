/* What every part of sluice-billing works with: the connection and the lease under which it may write.
 * One process leads ("billing"); each of its transactions is fenced. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/lease.h"

#include <stdio.h>

struct leader {
    struct db *db;
    struct lease lease;
};

/* Runs work in a fenced transaction (ERR_FENCED once another process leads), renewing the lease where that is due.
 * Work must be repeatable: a serialization failure runs it again. */
MUST_CHECK enum err_kind leader_transact(struct leader *leader,
                                         enum err_kind (*work)(struct db *db, void *context, struct err *reterr),
                                         void *context, struct err *reterr);

/* Rows for COPY in text format, written with fprintf to out: columns by tabs, rows by line feeds, \N is null. */
struct copy_rows {
    FILE *out;
    char *text;
    size_t length;
};
void copy_rows_begin(struct copy_rows *rows);
void copy_rows_release(struct copy_rows *rows); /* for CLEANUP */
/* Ends a column with its value and a separator. */
void copy_rows_identity(struct copy_rows *rows, const struct identity *id_or_null, char separator);
void copy_rows_time(struct copy_rows *rows, int64_t time_s, char separator);
void copy_rows_date(struct copy_rows *rows, int64_t day, char separator);
/* Sends what was written, if anything. */
MUST_CHECK enum err_kind copy_rows_send(struct copy_rows *rows, struct db *db, const char *copy_sql, struct err *reterr);
