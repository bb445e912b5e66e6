/* Transactions, and what is known about one whose COMMIT was not answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/db_check.h"
#include "common/db_internal.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOME_POLL_MS 20
#define OUTCOME_WAIT_MS 30000 /* a transaction of ours lives below a second; this one's backend may hang */

static const struct db_stmt statement_transaction_id = {
    .name = "db_transaction_id",
    .sql = "SELECT pg_current_xact_id()::text",
    .params = 0,
};

static const struct db_stmt statement_transaction_status = {
    .name = "db_transaction_status",
    .sql = "SELECT pg_xact_status($1::text::xid8)",
    .params = 1,
};

static const struct db_stmt statement_begin = {.name = "db_begin", .sql = "BEGIN", .params = 0};

const struct db_stmt *const db_transaction_statements[] = {&statement_begin, &statement_transaction_id,
                                                           &statement_transaction_status, NULL};

enum err_kind db_begin(struct db *db, struct err *reterr)
{
    must(!db->in_transaction && !db->in_pipeline);
    enum err_kind kind = db_ready(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = db_command(db, "BEGIN", NULL, reterr);
    if (kind == ERR_UNAVAILABLE) { /* it broke just now, and nothing was in flight: once more */
        kind = db_ready(db, reterr);
        if (kind == ERR_NONE)
            kind = db_command(db, "BEGIN", NULL, reterr);
    }
    db->in_transaction = kind == ERR_NONE;
    return kind;
}

enum err_kind db_begin_send(struct db *db, struct err *reterr)
{
    must(!db->in_transaction && db->in_pipeline);
    db->in_transaction = true; /* whatever comes of it, db_rollback puts it right */
    return db_send(db, &statement_begin, NULL, reterr);
}

static enum err_kind begin_run_once(struct db *db, const struct db_stmt *stmt, const char *const *params,
                                    PGresult **ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_pipeline_enter(db, reterr);
    kind = kind == ERR_NONE ? db_begin_send(db, reterr) : kind;
    kind = kind == ERR_NONE ? db_send(db, stmt, params, reterr) : kind;
    kind = kind == ERR_NONE ? db_pipeline_sync(db, reterr) : kind;
    kind = kind == ERR_NONE ? db_receive(db, NULL, reterr) : kind; /* of BEGIN */
    kind = kind == ERR_NONE ? db_receive(db, &result, reterr) : kind;
    kind = kind == ERR_NONE ? db_pipeline_leave(db, reterr) : kind;
    if (kind == ERR_NONE)
        *ret = TAKE(result);
    return kind;
}

enum err_kind db_begin_run(struct db *db, const struct db_stmt *stmt, const char *const *params, PGresult **ret,
                           struct err *reterr)
{
    must(!db->in_transaction && !db->in_pipeline);
    enum err_kind kind = begin_run_once(db, stmt, params, ret, reterr);
    if (kind == ERR_UNAVAILABLE && db->in_transaction) { /* it broke before COMMIT, so nothing was done: once more */
        db_rollback(db);
        kind = begin_run_once(db, stmt, params, ret, reterr);
    }
    return kind;
}

enum err_kind db_commit(struct db *db, struct err *reterr)
{
    must(db->in_transaction && !db->in_pipeline);
    if (db->connection == NULL) { /* it broke before COMMIT was sent: the server rolls back */
        db->in_transaction = false;
        return err_set(reterr, ERR_UNAVAILABLE, "the transaction has lost its connection and was rolled back");
    }
    struct err err = {0};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_command(db, "COMMIT", &result, &err);
    bool broke = db->connection == NULL;
    db->in_transaction = false; /* a COMMIT that fails has rolled back */
    if (kind == ERR_NONE && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        kind = err_set(&err, ERR_INTERNAL, "COMMIT rolled back, because a statement of the transaction had failed");
    if (broke) /* whatever the server said last: the commit may be durable */
        kind = err_set(&err, ERR_UNKNOWN_OUTCOME, "the connection broke during COMMIT: %s", err.text);
    if (kind != ERR_NONE && reterr != NULL)
        *reterr = err;
    return kind;
}

void db_rollback(struct db *db)
{
    if (!db->in_transaction)
        return;
    bool clean = db->connection != NULL;
    if (clean && db->in_pipeline) {
        enum err_kind ignored = db_pipeline_leave(db, NULL); /* what it undoes may well have failed */
        (void)ignored;
        clean = db->connection != NULL && !db->in_pipeline;
    }
    if (clean)
        clean = db_command(db, "ROLLBACK", NULL, NULL) == ERR_NONE;
    db->in_transaction = false;
    if (!clean)
        db_disconnect(db);
}

enum err_kind db_transaction_id(struct db *db, uint64_t *ret, struct err *reterr)
{
    must(db->in_transaction);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_transaction_id, DB_NO_PARAMS, &result, reterr);
    if (kind == ERR_NONE)
        *ret = db_xid(result, 0, 0);
    return kind;
}

enum err_kind db_transaction_committed(struct db *db, uint64_t transaction_id, bool *ret, struct err *reterr)
{
    must(!db->in_transaction);
    char id[DB_INT_TEXT_SIZE];
    (void)snprintf(id, sizeof id, "%" PRIu64, transaction_id); /* 20 digits at most */
    int64_t deadline_ms = clock_monotonic_ms() + OUTCOME_WAIT_MS;
    do {
        struct err err = {0};
        CLEANUP(db_result_clear) PGresult *result = NULL;
        enum err_kind kind = db_run(db, &statement_transaction_status, DB_PARAMS(id), &result, &err);
        bool never_used = strcmp(err.sqlstate, "22023") == 0; /* "in the future": lost in a crash before any WAL */
        if (kind != ERR_NONE && !never_used) {
            if (reterr != NULL)
                *reterr = err;
            return kind;
        }
        const char *status = never_used ? "aborted" : db_text(result, 0, 0);
        if (status == NULL)
            return err_set(reterr, ERR_UNKNOWN_OUTCOME, "transaction %s is too old to be known", id);
        if (strcmp(status, "in progress") != 0) {
            *ret = strcmp(status, "committed") == 0;
            return ERR_NONE;
        }
    } while (clock_monotonic_ms() < deadline_ms && !shutdown_wait(OUTCOME_POLL_MS));
    return err_set(reterr, ERR_UNKNOWN_OUTCOME, "transaction %s is still running", id);
}

static enum err_kind transact_once(struct db *db, db_work *work, void *context, struct err *reterr)
{
    enum err_kind kind = db_begin(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = work(db, context, reterr);
    if (kind == ERR_NONE)
        return db_commit(db, reterr);
    db_rollback(db);
    return kind;
}

enum err_kind db_transact(struct db *db, int attempts_max, db_work *work, void *context, struct err *reterr)
{
    must(attempts_max > 0);
    enum err_kind kind = ERR_RETRY;
    for (int attempt = 0; attempt < attempts_max && kind == ERR_RETRY; attempt++)
        kind = transact_once(db, work, context, reterr);
    return kind;
}
