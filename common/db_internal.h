/* What the files of the database module share; nobody else includes this. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <stdbool.h>

/* The statements a connection knows by name: an open-addressing set, a power of two in size. */
struct db_prepared_slot {
    const struct db_stmt *stmt; /* NULL: free */
};

struct db_prepared {
    struct db_prepared_slot *slots;
    size_t size, count;
};

/* A result the pipeline still owes. */
struct db_pending {
    const struct db_stmt *stmt;
    bool is_prepare; /* the answer to preparing stmt, which db_receive swallows */
};

struct db {
    struct db_options options; /* its own: db_options_copy */

    PGconn *connection; /* NULL: not connected */
    struct db_prepared prepared;
    bool in_transaction; /* from db_begin to db_commit or db_rollback, even if the connection is gone meanwhile */

    bool in_pipeline;
    bool needs_flush; /* statements were sent since the server was last asked for its results */
    bool is_synced;   /* the pipeline's end was sent */
    struct db_pending *pending;
    size_t pending_first, pending_end, pending_capacity;

    char **channels; /* LISTENed to, on every connection anew */
    size_t channel_count;
    bool reconnected; /* since the last db_wait: notifications may have been missed */
};

/* The options with strings of their own, and the end of those: the url, which may hold a password, is cleansed. */
struct db_options db_options_copy(const struct db_options *options);
void db_options_clear(struct db_options *options);

/* Ready for a statement: connects where there is no transaction, ERR_UNAVAILABLE where a transaction lost its
 * connection. */
MUST_CHECK enum err_kind db_ready(struct db *db, struct err *reterr);

/* Sends what is queued and waits until PQgetResult would not block. */
MUST_CHECK enum err_kind db_await(struct db *db, struct err *reterr);

/* Takes the one result of what was sent, and the end of results behind it. *ret is set on success only. */
MUST_CHECK enum err_kind db_take_result(struct db *db, PGresult **ret, struct err *reterr);

/* A command without parameters and rows: BEGIN, COMMIT, ROLLBACK, LISTEN. *ret may be NULL. */
MUST_CHECK enum err_kind db_command(struct db *db, const char *sql, PGresult **ret, struct err *reterr);

/* PQsendQueryPrepared, with the formats that the statement says. */
int db_send_prepared(PGconn *connection, const struct db_stmt *stmt, const char *const *params);

/* The error that a result carries (sqlstate, primary message, detail, hint); disconnects if the connection broke. */
enum err_kind db_result_error(struct db *db, const PGresult *result, struct err *reterr);

/* The same for a connection that is no struct db. */
enum err_kind db_error_of(const PGresult *result, bool is_broken, struct err *reterr);

/* Begins to connect (PQconnectPoll): does not wait, but for the name of the server's host where the url has one. */
MUST_CHECK enum err_kind db_connect_start(const struct db_options *options, PGconn **ret, struct err *reterr);

/* How long it may take to connect, as libpq reads connect_timeout; 0: for ever. */
int64_t db_connect_timeout_ms(PGconn *connection);

/* Says why, after a libpq call failed: ERR_UNAVAILABLE and a disconnect if the connection is gone. */
enum err_kind db_call_failed(struct db *db, const char *call, struct err *reterr);

bool db_prepared_has(const struct db_prepared *prepared, const struct db_stmt *stmt);
void db_prepared_add(struct db_prepared *prepared, const struct db_stmt *stmt);
void db_prepared_clear(struct db_prepared *prepared);

/* Makes the text of a libpq message one line: it ends in a newline and may hold several. */
void db_one_line(const char *message, char *ret, size_t size);
