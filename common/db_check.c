/* Explaining statements under the roles that run them, with nothing for their parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db_check.h"

#include "common/alloc.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define PARAMS_MAX           64
#define ROLES_MAX            8 /* there are five that log in */
#define STATEMENT_TIMEOUT_MS 10000
#define EXPLAIN              "EXPLAIN "
#define SYNTAX_ERROR         "42601"

static enum err_kind explain(struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    static const char *const nothing[PARAMS_MAX];
    must(stmt->params <= PARAMS_MAX);
    size_t size = sizeof EXPLAIN + strlen(stmt->sql);
    CLEANUP(text_freep) char *sql = alloc_zero(size, 1);
    (void)snprintf(sql, size, EXPLAIN "%s", stmt->sql);
    if (PQsendQueryParams(db->connection, sql, stmt->params, NULL, nothing, NULL, NULL, 0) == 0)
        return db_call_failed(db, "PQsendQueryParams", reterr);
    return db_take_result(db, NULL, reterr);
}

/* What has no plan, as SET has none, is parsed at least. */
static enum err_kind parse(struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    if (PQsendPrepare(db->connection, "", stmt->sql, 0, NULL) == 0)
        return db_call_failed(db, "PQsendPrepare", reterr);
    return db_take_result(db, NULL, reterr);
}

/* A connection per role, opened when it is first asked for: what is explained, or is wrong, leaves no trace on it. */
struct sessions {
    const char *url;
    size_t count;
    struct {
        const char *role;
        struct db *db;
    } of[ROLES_MAX];
};

static void sessions_end(struct sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        db_free(sessions->of[i].db);
}

static struct db *session_as(struct sessions *sessions, const char *role)
{
    size_t i = 0;
    while (i < sessions->count && strcmp(sessions->of[i].role, role) != 0)
        i++;
    if (i == sessions->count) {
        must(i < ROLES_MAX);
        sessions->of[sessions->count++].role = role;
        sessions->of[i].db = db_new(&(struct db_options){.url = sessions->url,
                                                         .role = role,
                                                         .application_name = "sluice check",
                                                         .statement_timeout_ms = STATEMENT_TIMEOUT_MS});
    }
    return sessions->of[i].db;
}

static bool fits(struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = db_connect(db, &err);
    if (kind == ERR_NONE)
        kind = explain(db, stmt, &err);
    if (kind != ERR_NONE && strcmp(err.sqlstate, SYNTAX_ERROR) == 0)
        kind = parse(db, stmt, &err);
    if (kind != ERR_NONE && reterr != NULL)
        *reterr = err;
    return kind == ERR_NONE;
}

/* True if the statement fits under one of the roles. */
static bool check_one(struct sessions *sessions, const struct db_check *check, const struct db_stmt *stmt)
{
    struct err err = {0};
    const char *role = check->role;
    bool is_fine = fits(session_as(sessions, role), stmt, &err);
    if (!is_fine && check->other_role != NULL && fits(session_as(sessions, check->other_role), stmt, NULL)) {
        is_fine = true;
        role = check->other_role;
    }
    printf("%s %s %s\n", role, stmt->name, is_fine ? "ok" : err.text);
    return is_fine;
}

int db_check_statements(const char *url, const struct db_check *checks)
{
    CLEANUP(sessions_end) struct sessions sessions = {.url = url};
    int misfits = 0;
    for (const struct db_check *check = checks; check->statements != NULL; check++) {
        for (size_t i = 0; check->statements[i] != NULL; i++)
            misfits += !check_one(&sessions, check, check->statements[i]);
    }
    if (misfits > 0)
        fprintf(stderr, "%d statements do not fit this database\n", misfits);
    return misfits == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
