/* Prepaid credit: operators grant it, billing posts it and draws it upon invoices, what is left expires. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

static const char *const kinds[] = {"prepaid", "promotional", NULL};
static const char *const states[] = {"requested", "active", "used_up", "expired", NULL};

struct grant {
    const char *tenant;
    const char *kind;
    struct field_money amount;
    int64_t priority;
    int64_t expires_at;
    const char *note;
};

// clang-format off
#define GRANT_FIELDS \
    FIELD_COLUMN("id",             FIELD_TYPE_ID, .identity = IDENTITY_GRANT, .help = "The grant"), \
    FIELD_COLUMN("tenant",         FIELD_TYPE_TEXT, .help = "Name of the tenant"), \
    FIELD_COLUMN("kind",           FIELD_TYPE_ENUM, .values = kinds, .help = "prepaid: bought; promotional: given"), \
    FIELD_COLUMN_WITH("amount",    FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What was granted"), \
    FIELD_COLUMN_WITH("remaining", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is left of it; what is requested is not there yet"), \
    FIELD_COLUMN_WITH("expired",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What was left when it expired"), \
    FIELD_COLUMN("priority",       FIELD_TYPE_INT, .help = "Lower is drawn first; then what expires soonest, then the oldest"), \
    FIELD_COLUMN_WITH("expires_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "What is left then is lost; null: never"), \
    FIELD_COLUMN("note",           FIELD_TYPE_TEXT, .help = "For people"), \
    FIELD_COLUMN("state",          FIELD_TYPE_ENUM, .values = states, .help = "requested until billing has posted it"), \
    FIELD_COLUMN("created_at",     FIELD_TYPE_TIME, .help = "Domain time")

static const struct field grant_fields[] = { GRANT_FIELDS, FIELDS_END };

static const struct field wish_fields[] = {
    FIELD_TEXT ("tenant",     struct grant, tenant, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "acme", .help = "Name of the tenant"),
    FIELD_ENUM ("kind",       struct grant, kind, .values = kinds, .fallback = "prepaid", .help = "prepaid: bought, the money was received; promotional: given"),
    FIELD_MONEY("amount",     struct grant, amount, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "How much; more than 0"),
    FIELD_INT  ("priority",   struct grant, priority, .least = 0, .most = 1000, .fallback = "0", .help = "Lower is drawn first; then what expires soonest, then the oldest"),
    FIELD_TIME ("expires_at", struct grant, expires_at, .flags = FIELD_NULLABLE, .help = "What is left then is lost; null: never"),
    FIELD_TEXT ("note",       struct grant, note, .least = 0, .most = 255, .fallback = "", .help = "For people"),
    FIELDS_END,
};
// clang-format on

static const struct schema grant_schema = {"CreditGrant", grant_fields, 0};
static const struct schema wish_schema = {"CreditGrantWish", wish_fields, sizeof(struct grant)};

struct grant_query {
    const char *tenant;
};
static const struct field grant_query_fields[] = {
    FIELD_TEXT("tenant", struct grant_query, tenant, .help = "Only grants of the tenant of this name"),
    FIELDS_END,
};
static const struct schema grant_query_schema = {"CreditGrantQuery", grant_query_fields, sizeof(struct grant_query)};

#define MINOR(column, name)                                                                                            \
    column " / micro_per_minor(g.currency) AS \"" name ".amount_minor\", g.currency AS \"" name ".currency\""

// clang-format off
#define GRANT_SELECT                                                                                                   \
    "SELECT g.id, t.name AS tenant, g.kind, " MINOR("g.amount_u", "amount") ", "                                       \
    MINOR("coalesce(s.remaining_u, 0)", "remaining") ", " MINOR("coalesce(s.expired_u, 0)", "expired") ", g.priority," \
    " extract(epoch FROM g.expires_at)::bigint AS expires_at, g.note, coalesce(s.state, 'requested') AS state,"        \
    " extract(epoch FROM g.created_at)::bigint AS created_at, g.id AS page_key, 1 AS wish_revision,"                   \
    " extract(epoch FROM s.changed_at)::text || coalesce(s.remaining_u, 0)::text AS status_revision"                   \
    " FROM credit_grant g JOIN tenant t ON t.id = g.tenant_id LEFT JOIN credit_grant_status s ON s.grant_id = g.id"
// clang-format on

static const struct db_stmt statement_list = {
    .name = "credit_grant_list",
    .sql = GRANT_SELECT " WHERE ($1::uuid IS NULL OR g.id > $1::uuid) AND ($3::text IS NULL OR t.name = $3::text)"
                        " ORDER BY g.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "credit_grant_get",
    .sql = GRANT_SELECT " WHERE g.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "credit_grant_create",
    .sql = "INSERT INTO credit_grant (id, tenant_id, kind, currency, amount_u, priority, expires_at, note, created_by)"
           " SELECT $1::uuid, t.id, $3, $4, $5::bigint, $6::integer, to_timestamp($7::bigint), $8, $9::uuid"
           "   FROM tenant t WHERE t.name = $2"
           " RETURNING tenant_id, expires_at IS NULL OR expires_at > sluice_now()",
    .params = 9,
};

static enum err_kind list_own(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_PARAMS(NULL), reterr);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct grant_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->tenant), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "credit grant", reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct grant *wish = request->body;
    if (wish->amount.amount_u <= 0 || wish->amount.amount_u > MONEY_ENTERED_MOST_U) {
        field_problem_add(&request->problems, "/amount/amount", "out_of_range",
                          "must be more than 0, and a trillion at most");
        return request_invalid(request, reterr);
    }
    const PGresult *made = NULL;
    enum err_kind kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, wish->tenant, wish->kind, wish->amount.currency,
                              request_int(request, wish->amount.amount_u), request_int(request, wish->priority),
                              request_int(request, wish->expires_at), wish->note, request->caller.principal_id),
                    &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(made) == 0)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    else if (!db_bool(made, 0, 1))
        field_problem_add(&request->problems, "/expires_at", "out_of_range", "must be to come");
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    request->wakes_billing = true;
    kind = request_event(request, db_text(made, 0, 0), NULL, "credit_grant", request->new_id, 1, "credit_grant.created",
                         reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "credit grant", reterr)
               : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_GRANT
static const struct route credit_grant_routes[] = {
    {GET,  "/v1/credit-grants",             ROLES_TENANT_MONEY,   RATE_READ,  .answer = &grant_schema, .is_list = true, .run = list_own, .summary = "List prepaid credit"},
    {GET,  "/v1/credit-grants/{id}",        ROLES_TENANT_MONEY,   RATE_READ,  .answer = &grant_schema, ONE, .run = get, .summary = "One grant of prepaid credit"},
    {GET,  "/v1/system/credit-grants",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &grant_query_schema, .answer = &grant_schema, .is_list = true, .run = list, .summary = "List prepaid credit of all tenants"},
    {GET,  "/v1/system/credit-grants/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &grant_schema, ONE, .run = get, .summary = "One grant of prepaid credit"},
    {POST, "/v1/system/credit-grants",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &wish_schema, .answer = &grant_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_tenant"), .summary = "Grant credit to a tenant"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const credit_grant_statements[] = {&statement_list, &statement_get, &statement_create,
                                                                NULL};

const struct resource credit_grant_resource = {"credit", credit_grant_routes, credit_grant_statements, NULL};
