/* Running statements: sending, waiting with a limit, and turning what the server says into errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/db_column.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* The server cancels a statement after its timeout; one that does not answer for this long thereafter is gone. */
#define ANSWER_SLACK_MS 5000

/* ---- Errors ---- */

void db_one_line(const char *message, char *ret, size_t size)
{
    size_t length = 0;
    for (const char *next = message; *next != '\0' && length + 1 < size; next++) {
        bool is_space = *next == '\n' || *next == '\t' || *next == ' ';
        if (!is_space)
            ret[length++] = *next;
        else if (length > 0 && ret[length - 1] != ' ')
            ret[length++] = ' ';
    }
    while (length > 0 && ret[length - 1] == ' ')
        length--;
    ret[length] = '\0';
}

enum err_kind db_call_failed(struct db *db, const char *call, struct err *reterr)
{
    char message[ERR_TEXT_SIZE / 2];
    db_one_line(PQerrorMessage(db->connection), message, sizeof message);
    if (PQstatus(db->connection) == CONNECTION_OK)
        return err_set(reterr, ERR_INTERNAL, "%s: %s", call, message);
    db_disconnect(db);
    return err_set(reterr, ERR_UNAVAILABLE, "%s", message[0] == '\0' ? "the connection is gone" : message);
}

static void copy_field(const PGresult *result, int field, char *ret, size_t size)
{
    const char *text = PQresultErrorField(result, field);
    db_one_line(text == NULL ? "" : text, ret, size);
}

enum err_kind db_error_of(const PGresult *result, bool is_broken, struct err *reterr)
{
    char message[ERR_TEXT_SIZE / 2];
    char detail[ERR_TEXT_SIZE / 2];
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    must(sqlstate != NULL);
    copy_field(result, PG_DIAG_MESSAGE_PRIMARY, message, sizeof message);
    copy_field(result, PG_DIAG_MESSAGE_DETAIL, detail, sizeof detail);
    enum err_kind kind = is_broken ? ERR_UNAVAILABLE : err_kind_of_sqlstate(sqlstate);
    (void)err_set(reterr, kind, detail[0] == '\0' ? "%s" : "%s (%s)", message, detail);
    if (reterr != NULL) {
        (void)snprintf(reterr->sqlstate, sizeof reterr->sqlstate, "%s", sqlstate); /* five characters */
        copy_field(result, PG_DIAG_MESSAGE_HINT, reterr->hint, sizeof reterr->hint);
    }
    return kind;
}

enum err_kind db_result_error(struct db *db, const PGresult *result, struct err *reterr)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return err_set(reterr, ERR_INTERNAL, "not run, because a statement before it in the pipeline failed");
    if (PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL) /* libpq's own words: the server said nothing */
        return db_call_failed(db, "libpq", reterr);
    bool is_broken = PQstatus(db->connection) != CONNECTION_OK;
    enum err_kind kind = db_error_of(result, is_broken, reterr);
    if (is_broken)
        db_disconnect(db);
    return kind;
}

/* ---- Waiting ---- */

static enum err_kind wait_socket(struct db *db, bool wants_write, int64_t deadline_ms, struct err *reterr)
{
    int64_t left_ms = deadline_ms < 0 ? -1 : deadline_ms - clock_monotonic_ms();
    if (deadline_ms >= 0 && left_ms <= 0) {
        db_disconnect(db);
        return err_set(reterr, ERR_UNAVAILABLE, "the database did not answer in time");
    }
    struct pollfd socket = {.fd = PQsocket(db->connection), .events = wants_write ? POLLIN | POLLOUT : POLLIN};
    int ready = poll(&socket, 1, (int)left_ms);
    must(ready >= 0 || errno == EINTR);
    if (ready > 0 && (socket.revents & ~POLLOUT) != 0 && PQconsumeInput(db->connection) == 0)
        return db_call_failed(db, "PQconsumeInput", reterr);
    return ERR_NONE;
}

static int64_t answer_deadline_ms(const struct db *db)
{
    return db->options.statement_timeout_ms == 0
               ? -1
               : clock_monotonic_ms() + db->options.statement_timeout_ms + ANSWER_SLACK_MS;
}

enum err_kind db_await(struct db *db, struct err *reterr)
{
    int64_t deadline_ms = answer_deadline_ms(db);
    for (;;) {
        int unsent = PQflush(db->connection);
        if (unsent < 0)
            return db_call_failed(db, "PQflush", reterr);
        if (PQisBusy(db->connection) == 0)
            return ERR_NONE;
        enum err_kind kind = wait_socket(db, unsent > 0, deadline_ms, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

enum err_kind db_take_result(struct db *db, PGresult **ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    for (;;) {
        enum err_kind kind = db_await(db, reterr);
        if (kind != ERR_NONE)
            return kind;
        PGresult *next = PQgetResult(db->connection);
        if (next == NULL)
            break;
        db_result_clear(&result);
        result = next;
    }
    if (result == NULL)
        return db_call_failed(db, "PQgetResult", reterr);
    if (!is_success(result))
        return db_result_error(db, result, reterr);
    if (ret != NULL)
        *ret = TAKE(result);
    return ERR_NONE;
}

void db_result_clear(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

/* ---- Running ---- */

#define PARAMS_MAX 64

static enum err_kind prepare(struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    if (PQsendPrepare(db->connection, stmt->name, stmt->sql, 0, NULL) == 0)
        return db_call_failed(db, "PQsendPrepare", reterr);
    enum err_kind kind = db_take_result(db, NULL, reterr);
    if (kind == ERR_NONE)
        db_prepared_add(&db->prepared, stmt);
    return kind;
}

int db_send_prepared(PGconn *connection, const struct db_stmt *stmt, const char *const *params)
{
    int lengths[PARAMS_MAX]; /* of columns; texts end by themselves */
    int formats[PARAMS_MAX]; /* 0 is text, 1 is binary */
    must(stmt->params <= PARAMS_MAX && stmt->columns <= stmt->params);
    for (int i = 0; i < stmt->params; i++) {
        bool is_column = i >= stmt->params - stmt->columns && params[i] != NULL;
        lengths[i] = is_column ? (int)db_column_length(params[i]) : 0;
        formats[i] = is_column;
    }
    return PQsendQueryPrepared(connection, stmt->name, stmt->params, params, lengths, formats, stmt->binary);
}

static enum err_kind run_ready(struct db *db, const struct db_stmt *stmt, const char *const *params, PGresult **ret,
                               struct err *reterr)
{
    if (!db_prepared_has(&db->prepared, stmt)) {
        enum err_kind kind = prepare(db, stmt, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    if (db_send_prepared(db->connection, stmt, params) == 0)
        return db_call_failed(db, "PQsendQueryPrepared", reterr);
    return db_take_result(db, ret, reterr);
}

enum err_kind db_run(struct db *db, const struct db_stmt *stmt, const char *const *params, PGresult **ret,
                     struct err *reterr)
{
    must(!db->in_pipeline);
    must(params != NULL || stmt->params == 0);
    struct err err = {0};
    enum err_kind kind = db_ready(db, &err);
    if (kind == ERR_NONE)
        kind = run_ready(db, stmt, params, ret, &err);
    if (kind == ERR_NONE)
        return ERR_NONE;
    (void)err_context(&err, "statement '%s'", stmt->name);
    if (reterr != NULL)
        *reterr = err;
    return kind;
}

enum err_kind db_change(struct db *db, const struct db_stmt *stmt, const char *const *params, int64_t *ret_rows,
                        struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, stmt, params, &result, reterr);
    if (kind == ERR_NONE)
        *ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
    return kind;
}

enum err_kind db_command(struct db *db, const char *sql, PGresult **ret, struct err *reterr)
{
    if (PQsendQuery(db->connection, sql) == 0)
        return db_call_failed(db, "PQsendQuery", reterr);
    return db_take_result(db, ret, reterr);
}
