/* Pipeline mode: statements are queued without waiting for their answers. The connection does not block, so
 * neither side can wait for the other to read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db_internal.h"
#include "common/must.h"

static void pending_push(struct db *db, struct db_pending pending)
{
    if (db->pending_end == db->pending_capacity) {
        db->pending_capacity = db->pending_capacity == 0 ? 32 : 2 * db->pending_capacity;
        db->pending = alloc_resize(db->pending, db->pending_capacity, sizeof *db->pending);
    }
    db->pending[db->pending_end++] = pending;
}

/* Sent within this pipeline and not answered yet. */
static bool is_prepare_pending(const struct db *db, const struct db_stmt *stmt)
{
    for (size_t i = db->pending_first; i < db->pending_end; i++) {
        if (db->pending[i].is_prepare && db->pending[i].stmt == stmt)
            return true;
    }
    return false;
}

enum err_kind db_pipeline_enter(struct db *db, struct err *reterr)
{
    must(!db->in_pipeline);
    enum err_kind kind = db_ready(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQenterPipelineMode(db->connection) == 0)
        return db_call_failed(db, "PQenterPipelineMode", reterr);
    db->in_pipeline = true;
    db->needs_flush = false;
    db->is_synced = false;
    db->pending_first = 0;
    db->pending_end = 0;
    return ERR_NONE;
}

static enum err_kind pipeline_lost(struct err *reterr)
{
    return err_set(reterr, ERR_UNAVAILABLE, "the pipeline has lost its connection");
}

enum err_kind db_send(struct db *db, const struct db_stmt *stmt, const char *const *params, struct err *reterr)
{
    must(params != NULL || stmt->params == 0);
    if (db->connection == NULL)
        return pipeline_lost(reterr);
    must(db->in_pipeline && !db->is_synced);
    if (!db_prepared_has(&db->prepared, stmt) && !is_prepare_pending(db, stmt)) {
        if (PQsendPrepare(db->connection, stmt->name, stmt->sql, 0, NULL) == 0)
            return db_call_failed(db, "PQsendPrepare", reterr);
        pending_push(db, (struct db_pending){.stmt = stmt, .is_prepare = true});
    }
    if (db_send_prepared(db->connection, stmt, params) == 0)
        return db_call_failed(db, "PQsendQueryPrepared", reterr);
    pending_push(db, (struct db_pending){.stmt = stmt});
    db->needs_flush = true;
    if (PQflush(db->connection) < 0) /* what does not fit goes out with db_receive */
        return db_call_failed(db, "PQflush", reterr);
    return ERR_NONE;
}

/* Takes the oldest answer that is owed; a prepared statement is remembered. */
static enum err_kind take_pending(struct db *db, struct db_pending *ret_pending, PGresult **ret, struct err *reterr)
{
    struct db_pending pending = db->pending[db->pending_first++];
    *ret_pending = pending;
    enum err_kind kind = db_take_result(db, ret, reterr);
    if (kind == ERR_NONE && pending.is_prepare)
        db_prepared_add(&db->prepared, pending.stmt);
    return kind;
}

/* Without a sync the server keeps its answers until it is asked for them. */
static enum err_kind request_answers(struct db *db, struct err *reterr)
{
    if (!db->needs_flush)
        return ERR_NONE;
    if (PQsendFlushRequest(db->connection) == 0)
        return db_call_failed(db, "PQsendFlushRequest", reterr);
    db->needs_flush = false;
    return ERR_NONE;
}

/* The answer to a statement, and before it the one to preparing it. Where that failed, the statement was not run:
 * its own answer, which says so, is dropped. */
static enum err_kind receive(struct db *db, struct db_pending *ret_pending, PGresult **ret, struct err *reterr)
{
    must(db->pending_first < db->pending_end);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = take_pending(db, ret_pending, &result, reterr);
    if (ret_pending->is_prepare && db->connection != NULL) {
        db_result_clear(&result);
        enum err_kind run_kind = take_pending(db, ret_pending, &result, kind == ERR_NONE ? reterr : NULL);
        kind = kind == ERR_NONE ? run_kind : kind;
    }
    if (kind == ERR_NONE && ret != NULL)
        *ret = TAKE(result);
    return kind;
}

enum err_kind db_receive(struct db *db, PGresult **ret, struct err *reterr)
{
    if (db->connection == NULL)
        return pipeline_lost(reterr);
    must(db->in_pipeline);
    enum err_kind kind = request_answers(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct err err = {0};
    struct db_pending pending = {0};
    kind = receive(db, &pending, ret, &err);
    if (kind == ERR_NONE)
        return ERR_NONE;
    (void)err_context(&err, "statement '%s'", pending.stmt->name);
    if (reterr != NULL)
        *reterr = err;
    return kind;
}

/* Takes the mark that the server sends when it has come to our sync, and leaves the mode. */
static enum err_kind take_sync(struct db *db, struct err *reterr)
{
    enum err_kind kind = db_await(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(db_result_clear) PGresult *result = PQgetResult(db->connection);
    if (result == NULL || PQresultStatus(result) != PGRES_PIPELINE_SYNC)
        return result == NULL ? db_call_failed(db, "PQgetResult", reterr) : db_result_error(db, result, reterr);
    if (PQexitPipelineMode(db->connection) == 0)
        return db_call_failed(db, "PQexitPipelineMode", reterr);
    db->in_pipeline = false;
    return ERR_NONE;
}

enum err_kind db_pipeline_sync(struct db *db, struct err *reterr)
{
    if (db->connection == NULL)
        return pipeline_lost(reterr);
    must(db->in_pipeline);
    if (db->is_synced)
        return ERR_NONE;
    if (PQpipelineSync(db->connection) == 0)
        return db_call_failed(db, "PQpipelineSync", reterr);
    db->is_synced = true;
    db->needs_flush = false;
    return ERR_NONE;
}

enum err_kind db_pipeline_leave(struct db *db, struct err *reterr)
{
    enum err_kind synced = db_pipeline_sync(db, reterr);
    if (synced != ERR_NONE)
        return synced;
    enum err_kind first = ERR_NONE; /* of the answers that nobody received */
    while (db->connection != NULL && db->pending_first < db->pending_end) {
        enum err_kind kind = db_receive(db, NULL, first == ERR_NONE ? reterr : NULL);
        first = first == ERR_NONE ? kind : first;
    }
    if (db->connection == NULL)
        return first;
    enum err_kind kind = take_sync(db, first == ERR_NONE ? reterr : NULL);
    return first == ERR_NONE ? kind : first;
}
