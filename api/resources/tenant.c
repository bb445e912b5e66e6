/* Tenants: the customers, as operators make, change, suspend and resume them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

#include <string.h>

struct tenant {
    const char *id;
    const char *name;
    const char *status;
    const char *currency;
    const char *billing_timezone;
    int64_t tax_rate_bp;
    bool may_shape;
    int64_t quotes_max;
    int64_t on_demand_horizon_s;
    int64_t created_at;
    int64_t deleted_at;
};

static const char *const statuses[] = {"active", "suspended", "closed", NULL};

// clang-format off
static const struct field tenant_fields[] = {
    FIELD_ID  ("id",                  struct tenant, id, .identity = IDENTITY_TENANT, .flags = FIELD_READ_ONLY, .help = "The tenant"),
    FIELD_TEXT("name",                struct tenant, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "acme-research", .help = "Unique name"),
    FIELD_ENUM("status",              struct tenant, status, .values = statuses, .flags = FIELD_READ_ONLY, .help = "A suspended tenant may read, not create; a closed one was deleted: nobody acts for it, and its books go on"),
    FIELD_TEXT("currency",            struct tenant, currency, .flags = FIELD_CREATE_ONLY, .least = 3, .most = 3, .fallback = "USD", .help = "ISO 4217 code of its invoices"),
    FIELD_TEXT("billing_timezone",    struct tenant, billing_timezone, .flags = FIELD_CREATE_ONLY, .fallback = "UTC", .help = "IANA zone whose calendar months are its billing periods"),
    FIELD_INT ("tax_rate_bp",         struct tenant, tax_rate_bp, .least = 0, .most = 10000, .fallback = "0", .help = "Tax on its invoices in basis points"),
    FIELD_INT ("quotes_max",          struct tenant, quotes_max, .least = 0, .most = 100000, .fallback = "20", .help = "Quotes it may hold at one time"),
    FIELD_BOOL("may_shape",           struct tenant, may_shape, .fallback = "false", .help = "May give a shape of its own instead of an instance type"),
    FIELD_INT ("on_demand_horizon_s", struct tenant, on_demand_horizon_s, .flags = FIELD_NULLABLE, .least = 1, .most = INT32_MAX, .help = "Rolling guarantee of open-ended reservations in seconds; null: they hold for ever"),
    FIELD_TIME("created_at",          struct tenant, created_at, .flags = FIELD_READ_ONLY, .help = "Domain time"),
    FIELD_TIME("deleted_at",          struct tenant, deleted_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE | FIELD_OPTIONAL, .help = "When it was closed; left out where it was not"),
    FIELDS_END,
};
// clang-format on

static const struct schema tenant_schema = {"Tenant", tenant_fields, sizeof(struct tenant)};

struct tenant_query {
    const char *name;
    const char *status;
};
static const struct field tenant_query_fields[] = {
    FIELD_TEXT("name", struct tenant_query, name, .help = "Only the tenant of this name"),
    FIELD_ENUM("status", struct tenant_query, status, .values = statuses, .help = "Only tenants of this status"),
    FIELDS_END,
};
static const struct schema tenant_query_schema = {"TenantQuery", tenant_query_fields, sizeof(struct tenant_query)};

#define TENANT_COLUMNS                                                                                                 \
    "id, name, status, currency, billing_timezone, tax_rate_bp, may_shape, on_demand_horizon_s, quotes_max,"           \
    " extract(epoch FROM created_at)::bigint AS created_at, extract(epoch FROM closed_at)::bigint AS deleted_at,"      \
    " revision AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "tenant_list",
    .sql = "SELECT " TENANT_COLUMNS ", id AS page_key FROM tenant"
           " WHERE ($1::uuid IS NULL OR id > $1::uuid) AND ($3::text IS NULL OR name = $3::text)"
           " AND ($4::text IS NULL OR status = $4::text) AND ($5::boolean OR closed_at IS NULL)"
           " ORDER BY id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get = {
    .name = "tenant_get",
    .sql = "SELECT " TENANT_COLUMNS " FROM tenant WHERE id = $1::uuid AND ($2::boolean OR closed_at IS NULL)",
    .params = 2,
};

static const struct db_stmt statement_create = {
    .name = "tenant_create",
    .sql = "INSERT INTO tenant (id, name, currency, billing_timezone, tax_rate_bp, may_shape, on_demand_horizon_s,"
           " quotes_max) VALUES ($1::uuid, $2, $3, $4, $5::integer, $6::boolean, $7::bigint, $8::integer)"
           " ON CONFLICT (name) DO NOTHING RETURNING " TENANT_COLUMNS,
    .params = 8,
};

/* Asked only for a zone other than UTC: the view reads files. */
static const struct db_stmt statement_timezone = {
    .name = "tenant_timezone",
    .sql = "SELECT FROM pg_timezone_names WHERE name = $1",
    .params = 1,
};

/* No row: it is so already, or there is no such tenant. */
static const struct db_stmt statement_set_status = {
    .name = "tenant_set_status",
    .sql = "UPDATE tenant SET status = $2, revision = revision + 1 WHERE id = $1::uuid AND status <> $2"
           " RETURNING " TENANT_COLUMNS,
    .params = 2,
};

static const struct db_stmt statement_lock = {
    .name = "tenant_lock",
    .sql = "SELECT " TENANT_COLUMNS " FROM tenant WHERE id = $1::uuid AND closed_at IS NULL FOR UPDATE",
    .params = 1,
};
static const struct object_lock tenant_lock = {.stmt = &statement_lock, .noun = "tenant"};

static const struct db_stmt statement_replace = {
    .name = "tenant_replace",
    .sql = "UPDATE tenant SET tax_rate_bp = $2::integer, may_shape = $3::boolean, on_demand_horizon_s = $4::bigint,"
           " quotes_max = $5::integer, revision = revision + 1 WHERE id = $1::uuid RETURNING " TENANT_COLUMNS,
    .params = 5,
};

/* No row: a reservation or a quote of its is not over. A wish that nobody has decided yet counts, too. */
static const struct db_stmt statement_close = {
    .name = "tenant_close",
    .sql = "UPDATE tenant w SET status = 'closed', closed_at = sluice_now(), revision = revision + 1"
           " WHERE w.id = $1::uuid AND NOT EXISTS (SELECT FROM reservation r WHERE r.tenant_id = w.id"
           "   AND NOT EXISTS (SELECT FROM reservation_status s WHERE s.reservation_id = r.id"
           "     AND s.state IN ('ended', 'cancelled', 'rejected', 'expired')))"
           " RETURNING w.revision",
    .params = 1,
};

/* Its people and programs act no more, on any replica within a second. */
static const struct db_stmt statement_disable = {
    .name = "tenant_disable",
    .sql = "UPDATE principal SET disabled = true WHERE tenant_id = $1::uuid",
    .params = 1,
};

/* Nobody is left who could end them, nor who may read what they bring. */
static const struct db_stmt statement_silence = {
    .name = "tenant_silence",
    .sql =
        "WITH silenced AS (UPDATE webhook SET active = false, revision = revision + 1"
        "   WHERE tenant_id = $1::uuid AND active RETURNING id, tenant_id, revision)"
        " SELECT event_append(s.tenant_id, NULL, 'webhook', s.id, s.revision, 'webhook.changed', NULL, '{}') FROM silenced s",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct tenant_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->name, query->status, request_bool(request->includes_deleted)), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "tenant", reterr);
}

/* What the table cannot say: that we bill in the currency, and that the time zone exists. */
static enum err_kind check(struct request *request, const struct tenant *wish, struct err *reterr)
{
    struct err err = {0};
    int exponent = 0;
    if (money_exponent(wish->currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/currency", "out_of_range", "%s", err.text);
    if (strcmp(wish->billing_timezone, "UTC") != 0) {
        const PGresult *result = NULL;
        enum err_kind kind =
            request_run(request, &statement_timezone, DB_PARAMS(wish->billing_timezone), &result, reterr);
        if (kind != ERR_NONE)
            return kind;
        if (PQntuples(result) == 0)
            field_problem_add(&request->problems, "/billing_timezone", "out_of_range", "'%s' is not a zone of IANA",
                              wish->billing_timezone);
    }
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct tenant *wish = request->body;
    enum err_kind kind = check(request, wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, wish->name, wish->currency, wish->billing_timezone,
                              request_int(request, wish->tax_rate_bp), request_bool(wish->may_shape),
                              request_int(request, wish->on_demand_horizon_s), request_int(request, wish->quotes_max)),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "a tenant named '%s' exists already", wish->name);
    response_object(request, response, 201, tenant_fields, result, 0);
    request->wakes_planner = true;
    return request_event(request, request->new_id, NULL, "tenant", request->new_id, 1, "tenant.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct tenant *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_replace,
                    DB_PARAMS(request->object, request_int(request, wish->tax_rate_bp), request_bool(wish->may_shape),
                              request_int(request, wish->on_demand_horizon_s), request_int(request, wish->quotes_max)),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, tenant_fields, result, 0);
    request->wakes_planner = true;
    int64_t revision = db_int(result, 0, PQfnumber(result, "wish_revision"), 0);
    return request_event(request, request->object, NULL, "tenant", request->object, revision, "tenant.changed", reterr);
}

static enum err_kind set_status(struct request *request, struct response *response, const char *status,
                                struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_set_status, DB_PARAMS(request->object, status), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return get(request, response, reterr);
    response_object(request, response, 200, tenant_fields, result, 0);
    request->revokes_token = true; /* who its callers are says whether it is suspended: remembered no longer */
    int64_t revision = db_int(result, 0, PQfnumber(result, "wish_revision"), 0);
    return request_event(request, request->object, NULL, "tenant", request->object, revision, "tenant.changed", reterr);
}

static enum err_kind suspend(struct request *request, struct response *response, struct err *reterr)
{
    return set_status(request, response, "suspended", reterr);
}

static enum err_kind resume(struct request *request, struct response *response, struct err *reterr)
{
    return set_status(request, response, "active", reterr);
}

static enum err_kind close_tenant(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_close, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "tenant_in_use", "it has reservations or quotes that are not over");
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_disable, DB_PARAMS(request->object), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_silence, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    request->revokes_token = true;
    return request_event(request, request->object, NULL, "tenant", request->object, db_int(result, 0, 0, 0),
                         "tenant.closed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_TENANT
static const struct route tenant_routes[] = {
    {GET,   "/v1/system/tenants",              ROLES_SYSTEM_READ,    RATE_READ,  .query = &tenant_query_schema, .answer = &tenant_schema, .is_list = true, .has_deleted = true, .run = list, .summary = "List tenants"},
    {GET,   "/v1/system/tenants/{id}",         ROLES_SYSTEM_READ,    RATE_READ,  .answer = &tenant_schema, ONE, .has_deleted = true, .run = get, .summary = "One tenant"},
    {POST,  "/v1/system/tenants",              ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &tenant_schema, .answer = &tenant_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make a tenant"},
    {PUT,   "/v1/system/tenants/{id}",         ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &tenant_schema, .answer = &tenant_schema, ONE, .lock = &tenant_lock, .run = replace, .summary = "Change a tenant: all of it"},
    {PATCH, "/v1/system/tenants/{id}",         ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &tenant_schema, .answer = &tenant_schema, ONE, .lock = &tenant_lock, .run = replace, .summary = "Change a tenant: what is given"},
    {POST,  "/v1/system/tenants/{id}/suspend", ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &tenant_schema, ONE, .lock = &tenant_lock, .status = 200, .run = suspend, .again = get, .summary = "Let a tenant read only"},
    {POST,  "/v1/system/tenants/{id}/resume",  ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &tenant_schema, ONE, .lock = &tenant_lock, .status = 200, .run = resume, .again = get, .summary = "Let a tenant create again"},
    {DELETE, "/v1/system/tenants/{id}",        ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &tenant_lock, .status = 204, .run = close_tenant, .problems = PROBLEMS("tenant_in_use"), .summary = "Close a tenant that has nothing any more: its books go on, and nobody acts for it"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const tenant_statements[] = {&statement_list,
                                                          &statement_get,
                                                          &statement_create,
                                                          &statement_timezone,
                                                          &statement_lock,
                                                          &statement_replace,
                                                          &statement_set_status,
                                                          &statement_close,
                                                          &statement_disable,
                                                          &statement_silence,
                                                          NULL};

const struct resource tenant_resource = {"tenants", tenant_routes, tenant_statements, "Who reserves and is billed."};
