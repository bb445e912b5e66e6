/* Whether the schema of a database and this program go together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db.h"
#include "common/db_check.h"

#include <string.h>

static const struct db_stmt statement_schema_version = {
    .name = "db_schema_version",
    /* By way of jsonb: a schema of before 0083 has no such column, and is to be told as what it is. */
    .sql = "SELECT coalesce(max(m.version), 0)::bigint, coalesce(max((to_jsonb(m) ->> 'oldest_known')::bigint), 0)"
           " FROM schema_migration m",
    .params = 0,
};

const struct db_stmt *const db_schema_statements[] = {&statement_schema_version, NULL};

enum err_kind db_check_schema(struct db *db, struct err *reterr)
{
    struct err err = {0};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_schema_version, DB_NO_PARAMS, &result, &err);
    if (kind != ERR_NONE) {
        bool no_table = strcmp(err.sqlstate, "42P01") == 0 || strcmp(err.sqlstate, "3F000") == 0;
        if (no_table)
            kind = err_set(&err, ERR_PRECONDITION, "the database has no schema of Sluice: run deploy/migrate");
        if (reterr != NULL)
            *reterr = err;
        return kind;
    }
    long long version = db_int(result, 0, 0, 0);
    long long oldest_known = db_int(result, 0, 1, 0);
    if (version < DB_SCHEMA_MIN) {
        return err_set(
            reterr, ERR_PRECONDITION,
            "the database has schema %lld, this program needs %d at least: run the deploy/migrate of its release",
            version, DB_SCHEMA_MIN);
    }
    if (oldest_known > DB_SCHEMA_KNOWN) {
        return err_set(reterr, ERR_PRECONDITION,
                       "the database has schema %lld, upon which programs run that know %lld at least, and this one "
                       "knows %d: replace it by that of a later release",
                       version, oldest_known, DB_SCHEMA_KNOWN);
    }
    return ERR_NONE;
}
