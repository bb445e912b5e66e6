/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/tenant_named.h"

static const struct db_stmt statement_find = {
    .name = "tenant_named",
    .sql = "SELECT id FROM tenant WHERE name = $1",
    .params = 1,
};

const struct db_stmt *const tenant_named_statements[] = {&statement_find, NULL};

enum err_kind tenant_unknown(struct request *request, const char *name, struct err *reterr)
{
    field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", name);
    return request_invalid(request, reterr);
}

enum err_kind tenant_named(struct request *request, const char *name, const char **ret_id, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = request_run(request, &statement_find, DB_PARAMS(name), &found, reterr);
    if (kind == ERR_NONE && PQntuples(found) == 0)
        return tenant_unknown(request, name, reterr);
    if (kind == ERR_NONE)
        *ret_id = db_text(found, 0, 0);
    return kind;
}
