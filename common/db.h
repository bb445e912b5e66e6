/* The database, on libpq: a connection, statements prepared by name on first use, transactions, notifications,
 * arrays as parameters, and errors as enum err_kind.
 *
 * One thread at a time uses a connection. A connection that broke is reopened by the next db_begin or db_run
 * outside a transaction; what was in flight returns ERR_UNAVAILABLE, or ERR_UNKNOWN_OUTCOME where it broke
 * during COMMIT. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/identity.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

struct db;

/* A statement and what it wants. Stands beside the decoder of its rows; modules list theirs, and a test prepares
 * each on the migrated schema. */
struct db_stmt {
    const char *name; /* unique in the program */
    const char *sql;  /* parameters as $1::type, ... */
    int params;
    int columns; /* the last so many parameters are columns (common/db_column.h), those before them texts */
    bool binary; /* its rows come in that format: texts, integers, booleans, uuids and xid8, for the readers below */
};

struct db_options {
    const char *url;  /* libpq connection string or URI without user; from SLUICE_DATABASE_URL */
    const char *role; /* the login role, e.g. "sluice_api" */
    const char *application_name;
    int statement_timeout_ms;                   /* 0: none */
    int idle_in_transaction_session_timeout_ms; /* 0: none */
    int lock_timeout_ms;                        /* 0: none */
    /* Each of its statements reaches its rows by key, often from arrays of them. Plans are cached, and the first are made
     * while tables are still small or were never analyzed, so PostgreSQL's planner is told: indexes, nested loops and one
     * generic plan (measured: 329 ms became 6 ms for 512 wishes in a database an hour old; planning was a third of a
     * small piece of work). */
    bool by_key;
};

/* Does not connect: the first use does. The strings are copied. */
struct db *db_new(const struct db_options *options) __attribute__((returns_nonnull));
void db_free(struct db *db); /* NULL is fine; an open transaction is rolled back by the disconnect */
void db_freep(struct db **db);
/* Connects if not connected. The search_path is the schema sluice alone; UTC; ISO dates. */
MUST_CHECK enum err_kind db_connect(struct db *db, struct err *reterr);
void db_disconnect(struct db *db);

/* Runs a statement with its parameters (NULL is SQL null); outside a transaction it is one of its own, so a change
 * whose loss or doubling matters stands between db_begin and db_commit. *ret, which may be NULL, is set on success only
 * and is released with db_result_clear. */
MUST_CHECK enum err_kind db_run(struct db *db, const struct db_stmt *stmt, const char *const *params, PGresult **ret,
                                struct err *reterr);
/* The same of a change, and of how many rows it was. */
MUST_CHECK enum err_kind db_change(struct db *db, const struct db_stmt *stmt, const char *const *params,
                                   int64_t *ret_rows, struct err *reterr);
#define DB_PARAMS(...) ((const char *const[]){__VA_ARGS__})
#define DB_NO_PARAMS   ((const char *const *)NULL)
/* A number that has a name, within the text of a statement. Its macro is digits alone. */
#define SQL_NUMBER(name)    SQL_NUMBER_(name)
#define SQL_NUMBER_(digits) #digits
void db_result_clear(PGresult **result);

MUST_CHECK enum err_kind db_begin(struct db *db, struct err *reterr);
/* ERR_UNKNOWN_OUTCOME where the connection died meanwhile: ask db_transaction_committed before sending again. */
MUST_CHECK enum err_kind db_commit(struct db *db, struct err *reterr);
/* db_begin as the first statement of a pipeline: the transaction is open from then on; db_receive owes its answer. */
MUST_CHECK enum err_kind db_begin_send(struct db *db, struct err *reterr);
/* db_begin and db_run in one round trip. Where it fails the caller rolls back, as after db_run. */
MUST_CHECK enum err_kind db_begin_run(struct db *db, const struct db_stmt *stmt, const char *const *params,
                                      PGresult **ret, struct err *reterr);
void db_rollback(struct db *db); /* never fails: the worst case is a disconnect. Nothing to do outside one. */
/* The id of the running transaction (pg_current_xact_id), to be kept for db_transaction_committed. */
MUST_CHECK enum err_kind db_transaction_id(struct db *db, uint64_t *ret, struct err *reterr);
/* What became of a transaction whose COMMIT was not answered (pg_xact_status): waits while it is in progress,
 * at most 30 s. A server that crashed may give an id out again that was in no log yet, so "committed" is the last word
 * only together with the row that the transaction wrote under an id made beforehand. */
MUST_CHECK enum err_kind db_transaction_committed(struct db *db, uint64_t transaction_id, bool *ret,
                                                  struct err *reterr);

/* What is done in a transaction; it may be done again from the start. */
typedef enum err_kind db_work(struct db *db, void *context, struct err *reterr);

/* Runs work in a transaction; serialization failures and deadlocks are tried again, at most attempts_max times. */
MUST_CHECK enum err_kind db_transact(struct db *db, int attempts_max, db_work *work, void *context, struct err *reterr);

/* Pipeline: between enter and leave, db_send queues statements and db_receive takes their results in order, so
 * that N statements cost one round trip. An error aborts the rest up to the sync that leave sends. */
MUST_CHECK enum err_kind db_pipeline_enter(struct db *db, struct err *reterr);
MUST_CHECK enum err_kind db_send(struct db *db, const struct db_stmt *stmt, const char *const *params,
                                 struct err *reterr);
MUST_CHECK enum err_kind db_receive(struct db *db, PGresult **ret, struct err *reterr);
/* Optional, after the last db_send: the server is asked for its answers and for the end at once, so that leaving costs
 * no round trip of its own. */
MUST_CHECK enum err_kind db_pipeline_sync(struct db *db, struct err *reterr);
MUST_CHECK enum err_kind db_pipeline_leave(struct db *db, struct err *reterr);

/* LISTEN, once per channel, before the connection is used otherwise (it is opened anew); it is said again after a
 * reconnect. */
MUST_CHECK enum err_kind db_listen(struct db *db, const char *channel, struct err *reterr);
/* Waits up to timeout_ms for a notification on any channel, for readiness of wake_fd (an eventfd or pipe; -1 for
 * none; it is not read), for shutdown_fd(), or for the time to pass. *ret_notified is true if notifications of others
 * came (all are consumed) or may have been missed, because the connection is new. */
MUST_CHECK enum err_kind db_wait(struct db *db, int wake_fd, int timeout_ms, bool *ret_notified, struct err *reterr);
/* Likewise, but a notification with the payload `unhurried` does not end it, though it is told in *ret_notified. */
MUST_CHECK enum err_kind db_rest(struct db *db, const char *unhurried, int timeout_ms, bool *ret_notified,
                                 struct err *reterr);

/* ---- Values ---- Column readers; must() on a column that is out of range; NULL gives the fallback. */
int64_t db_int(const PGresult *result, int row, int column, int64_t if_null);
uint64_t db_xid(const PGresult *result, int row, int column); /* xid8, or its text; must() on SQL null */
bool db_bool(const PGresult *result, int row, int column);
const char *db_text(const PGresult *result, int row, int column); /* NULL for SQL null; lives as long as result */
struct identity db_identity(const PGresult *result, int row, int column); /* must() on SQL null */
/* The end of the run of rows from first on that are alike in the columns up to last_column; of text only. */
int db_run_end(const PGresult *rows, int first, int last_column);
/* Times travel as whole seconds: SELECT extract(epoch FROM t)::bigint. 'infinity' does not fit: use coalesce. */

/* Builds the text of an array parameter: {"a","b",NULL}. */
struct db_array {
    char *text;
    size_t length, capacity;
    size_t count;
    size_t nulls;
};
void db_array_text(struct db_array *array, const char *value); /* NULL is SQL null */
void db_array_int(struct db_array *array, int64_t value);
void db_array_int_or_null(struct db_array *array, int64_t value, int64_t null); /* the value `null` is SQL null */
void db_array_bool(struct db_array *array, bool value);
void db_array_identity(struct db_array *array, struct identity id);
void db_array_identity_or_null(struct db_array *array, const struct identity *id_or_null); /* NULL is SQL null */
const char *db_array_param(struct db_array *array); /* closes it; valid until cleared */
/* The same for an array that is unnested beside others, of which one at least has values: NULL where it has none but
 * nulls. unnest() fills up with nulls what is shorter, and what is not there costs nothing. */
const char *db_array_column(struct db_array *array);
void db_array_clear(struct db_array *array); /* for CLEANUP: an array variable starts as {0} */

/* A number as a parameter: the buffer is the caller's. */
#define DB_INT_TEXT_SIZE 24
const char *db_int_param(char buffer[static DB_INT_TEXT_SIZE], int64_t value);

/* The highest migration that these programs were tested with, and the lowest that has what they use. A migration comes
 * before the programs that need it and is made so that those that do not know it go on; one that takes away what older
 * programs use says which may still run (schema_migration.oldest_known, migrations/README.md). So a program takes any
 * number of migrations ahead of its own, up to one that excludes it. A test compares with the folder migrations/. */
#define DB_SCHEMA_KNOWN 87
#define DB_SCHEMA_MIN   85
/* ERR_PRECONDITION where there is no schema, one below DB_SCHEMA_MIN, or one that wants programs that know more than
 * DB_SCHEMA_KNOWN: a daemon does not start then. A database that is away (ERR_UNAVAILABLE) comes back, so that stops no
 * start. */
MUST_CHECK enum err_kind db_check_schema(struct db *db, struct err *reterr);
