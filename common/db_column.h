/* An array as a parameter of a statement that takes many rows at once ($3::uuid[], ... unnest): in the binary format,
 * so that values are neither printed here nor parsed by the server (measured: 8 us of a decided create). The last
 * parameters of a statement may be columns: it says how many (db_stmt.columns). A column's values are of one type,
 * which the statement's must be exactly; int and bigint differ. Of few values, and where the type may be any, db_array
 * is the text. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/db.h"

/* A variable starts as {0}. */
struct db_column {
    uint8_t *bytes;
    size_t length, capacity;
    size_t count; /* of values, nulls among them */
    size_t nulls;
    uint32_t type; /* 0: none but nulls so far */
    bool is_closed;
};

void db_column_null(struct db_column *column);
void db_column_bool(struct db_column *column, bool value);
void db_column_int4(struct db_column *column, int64_t value); /* must() on what does not fit */
void db_column_int8(struct db_column *column, int64_t value);
/* The value `null` is SQL null. */
void db_column_int4_or_null(struct db_column *column, int64_t value, int64_t null);
void db_column_int8_or_null(struct db_column *column, int64_t value, int64_t null);
void db_column_identity(struct db_column *column, struct identity id);
void db_column_identity_or_null(struct db_column *column, const struct identity *id_or_null); /* NULL is SQL null */
void db_column_bytes(struct db_column *column, const uint8_t *bytes, size_t size);            /* bytea */
/* NULL is SQL null. */
void db_column_uuid(struct db_column *column, const char *text); /* must() on what is no UUID */
void db_column_text(struct db_column *column, const char *text);
void db_column_jsonb(struct db_column *column, const char *text);

/* Closes the column: a parameter for db_run and the like, valid until it is cleared. NULL where there are none but
 * nulls: unnest() fills up with nulls what is shorter than its neighbours, and what is not there costs nothing. */
const char *db_column_param(struct db_column *column);
void db_column_clear(struct db_column *column); /* for CLEANUP */

/* ---- Of a parameter that is a column, and not NULL ---- */
size_t db_column_length(const char *param); /* in bytes */
const char *db_column_copy(const char *param, struct arena *arena);
