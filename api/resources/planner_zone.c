/* Finding the zone that is asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planner_zone.h"

static const struct db_stmt statement_zone = {
    .name = "planner_zone",
    .sql = "SELECT id FROM zone WHERE name = $1",
    .params = 1,
};

const struct db_stmt *const planner_zone_statements[] = {&statement_zone, NULL};

enum err_kind planner_zone_find(struct request *request, const char *name, const char *pointer, const char **ret_id,
                                struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_zone, DB_PARAMS(name), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, pointer, "unknown_zone", "there is no zone '%.63s'", name);
        return request_invalid(request, reterr);
    }
    *ret_id = db_text(result, 0, 0);
    return ERR_NONE;
}
