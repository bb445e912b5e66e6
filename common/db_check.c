/* Explaining statements under the roles that run them, with nothing for their parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db_check.h"

#include "common/alloc.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define PARAMS_MAX           64
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

static bool fits(const char *url, const char *role, const struct db_stmt *stmt, struct err *reterr)
{
    CLEANUP(db_freep)
    struct db *db = db_new(&(struct db_options){
        .url = url, .role = role, .application_name = "sluice check", .statement_timeout_ms = STATEMENT_TIMEOUT_MS});
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
static bool check_one(const char *url, const struct db_check *check, const struct db_stmt *stmt)
{
    struct err err = {0};
    const char *role = check->role;
    bool is_fine = fits(url, role, stmt, &err);
    if (!is_fine && check->other_role != NULL && fits(url, check->other_role, stmt, NULL)) {
        is_fine = true;
        role = check->other_role;
    }
    printf("%s %s %s\n", role, stmt->name, is_fine ? "ok" : err.text);
    return is_fine;
}

int db_check_statements(const char *url, const struct db_check *checks)
{
    int misfits = 0;
    for (const struct db_check *check = checks; check->statements != NULL; check++) {
        for (size_t i = 0; check->statements[i] != NULL; i++)
            misfits += !check_one(url, check, check->statements[i]);
    }
    if (misfits > 0)
        fprintf(stderr, "%d statements do not fit this database\n", misfits);
    return misfits == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
