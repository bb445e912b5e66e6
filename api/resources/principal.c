/* Principals: of which tenant, in which role. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/principal.h"

const char *const role_texts[] = {
#define X(constant, text, bit, of_tenant) text,
    ROLES(X)
#undef X
        NULL};
const char *const tenant_role_texts[] = {"viewer", "member", "admin", "billing", NULL};

static const struct db_stmt statement_tenant = {
    .name = "principal_tenant",
    .sql = "SELECT id FROM tenant WHERE name = $1 AND closed_at IS NULL",
    .params = 1,
};

const struct db_stmt *const principal_statements[] = {&statement_tenant, NULL};

enum err_kind principal_check(struct request *request, const char *tenant, const char *role, struct err *reterr)
{
    bool is_tenants = role_is_tenants(role_from_text(role));
    if (is_tenants != (tenant != NULL)) {
        field_problem_add(&request->problems, "/tenant", is_tenants ? "missing_field" : "out_of_range",
                          is_tenants ? "is required for the role '%s'" : "must be null for the role '%s'", role);
        return request_invalid(request, reterr);
    }
    if (!is_tenants && request->caller.role != ROLE_SYSTEM_ADMIN)
        return err_set(reterr, ERR_FORBIDDEN, "only a system_admin decides who acts for the provider");
    return ERR_NONE;
}

enum err_kind principal_tenant(struct request *request, const char *tenant, const char *role, const char **ret_id,
                               struct err *reterr)
{
    enum err_kind kind = principal_check(request, tenant, role, reterr);
    *ret_id = NULL;
    if (kind != ERR_NONE || tenant == NULL)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_tenant, DB_PARAMS(tenant), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", tenant);
        return request_invalid(request, reterr);
    }
    *ret_id = db_text(result, 0, 0);
    return ERR_NONE;
}
