/* Credit: how far a tenant may owe. Operators set limits; the zones' verdicts keep them through
 * billing's functions (docs/money.md). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"

struct credit_limit {
    struct field_money limit;
};

// clang-format off
static const struct field limit_fields[] = {
    FIELD_MONEY("limit", struct credit_limit, limit, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "What it may owe in this currency, open holds included; 0: only what it has prepaid"),
    FIELDS_END,
};
// clang-format on

static const struct schema limit_schema = {"CreditLimit", limit_fields, sizeof(struct credit_limit)};

struct currency_query {
    const char *currency;
};
static const struct field currency_query_fields[] = {
    FIELD_TEXT("currency", struct currency_query, currency, .flags = FIELD_REQUIRED, .least = 3, .most = 3,
               .example = "USD", .help = "Of this currency"),
    FIELDS_END,
};
static const struct schema currency_query_schema = {"CreditLimitQuery", currency_query_fields,
                                                    sizeof(struct currency_query)};

static const struct db_stmt statement_tenant = {
    .name = "credit_tenant",
    .sql = "SELECT id FROM tenant WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_put = {
    .name = "credit_put",
    .sql =
        "WITH was AS (SELECT revision FROM credit_limit WHERE tenant_id = $1::uuid AND currency = $2)"
        " INSERT INTO credit_limit AS l (tenant_id, currency, limit_u) VALUES ($1::uuid, $2, $3::bigint)"
        " ON CONFLICT (tenant_id, currency) DO UPDATE SET limit_u = excluded.limit_u,"
        "    revision = l.revision + (l.limit_u <> excluded.limit_u)::integer,"
        "    changed_at = CASE WHEN l.limit_u = excluded.limit_u THEN l.changed_at ELSE sluice_now() END"
        " RETURNING l.limit_u / micro_per_minor(l.currency) AS \"limit.amount_minor\", l.currency AS \"limit.currency\","
        "    l.revision, l.revision IS DISTINCT FROM (SELECT revision FROM was)",
    .params = 3,
};

static const struct db_stmt statement_delete = {
    .name = "credit_delete",
    .sql = "DELETE FROM credit_limit WHERE tenant_id = $1::uuid AND currency = $2 RETURNING revision",
    .params = 2,
};

static enum err_kind find_tenant(struct request *request, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = request_run(request, &statement_tenant, DB_PARAMS(request->object), &found, reterr);
    return kind == ERR_NONE && PQntuples(found) == 0 ? request_not_found(request, "tenant", reterr) : kind;
}

static enum err_kind put(struct request *request, struct response *response, struct err *reterr)
{
    const struct credit_limit *wish = request->body;
    if (wish->limit.amount_u < 0) {
        field_problem_add(&request->problems, "/limit/amount", "out_of_range", "must not be negative");
        return request_invalid(request, reterr);
    }
    enum err_kind kind = find_tenant(request, reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_put,
                           DB_PARAMS(request->object, wish->limit.currency, request_int(request, wish->limit.amount_u)),
                           &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_row(response, 200, limit_fields, result, 0);
    bool is_new = db_bool(result, 0, 3);
    if (!is_new)
        return ERR_NONE;
    return request_event(request, request->object, NULL, "credit_limit", request->object, db_int(result, 0, 2, 1),
                         "credit_limit.set", reterr);
}

static enum err_kind lift(struct request *request, struct response *response, struct err *reterr)
{
    const struct currency_query *query = request->query;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_delete, DB_PARAMS(request->object, query->currency), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the tenant has no credit limit in '%s'", query->currency);
    response->status = 204;
    return request_event(request, request->object, NULL, "credit_limit", request->object, db_int(result, 0, 0, 1) + 1,
                         "credit_limit.lifted", reterr);
}

// clang-format off
#define OF_TENANT .has_id = true, .id = IDENTITY_TENANT
static const struct route credit_routes[] = {
    {PUT,    "/v1/system/tenants/{id}/credit-limit", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &limit_schema, .answer = &limit_schema, OF_TENANT, .run = put, .summary = "Set how far a tenant may owe in a currency; a lower limit ends nothing"},
    {DELETE, "/v1/system/tenants/{id}/credit-limit", ROLES_SYSTEM_FINANCE, RATE_WRITE, .query = &currency_query_schema, OF_TENANT, .status = 204, .run = lift, .summary = "Lift the credit limit of a tenant in a currency"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const credit_statements[] = {&statement_tenant, &statement_put, &statement_delete, NULL};

const struct resource credit_resource = {"credit", credit_routes, credit_statements,
                                         "How far a tenant may owe, what it has prepaid and paid, and how it stands."};
