/* Balances: how tenants stand, per currency. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const statuses[] = {"active", "suspended", "closed", NULL};

// clang-format off
#define BALANCE_FIELDS                                                                                                                            \
    FIELD_COLUMN("currency",               FIELD_TYPE_TEXT, .help = "ISO 4217"),                                                                  \
    FIELD_COLUMN("unbilled",               FIELD_TYPE_MONEY, .help = "Rated and not invoiced yet"),                                               \
    FIELD_COLUMN("receivable",             FIELD_TYPE_MONEY, .help = "Invoiced and not settled yet"),                                             \
    FIELD_COLUMN("prepaid",                FIELD_TYPE_MONEY, .help = "Credit granted that is left and has not expired"),                          \
    FIELD_COLUMN("customer_credit",        FIELD_TYPE_MONEY, .help = "Overpaid or credited: settles the next invoice"),                           \
    FIELD_COLUMN("held",                   FIELD_TYPE_MONEY, .help = "What reservations may still cost beyond what is rated; of limited tenants only"), \
    FIELD_COLUMN_WITH("limit",             FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "How far it may owe; null: no limit"),                       \
    FIELD_COLUMN_WITH("available",         FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "What another reservation may cost; null: no limit"),        \
    FIELDS_END

static const struct field balance_fields[] = { BALANCE_FIELDS };
static const struct field tenant_balance_fields[] = {
    FIELD_COLUMN("tenant",    FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN("tenant_id", FIELD_TYPE_ID, .identity = IDENTITY_TENANT, .help = "The tenant"),
    FIELD_COLUMN("status",    FIELD_TYPE_ENUM, .values = statuses, .help = "Of the tenant"),
    BALANCE_FIELDS,
};
// clang-format on

static const struct schema balance_schema = {"Balance", balance_fields, 0};
static const struct schema tenant_balance_schema = {"TenantBalance", tenant_balance_fields, 0};

struct balances_query {
    const char *tenant;
};
static const struct field query_fields[] = {
    FIELD_TEXT("tenant", struct balances_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
static const struct schema query_schema = {"TenantBalanceQuery", query_fields, sizeof(struct balances_query)};

/* A row for each currency in which a tenant stands somehow, and for its own. */
#define OF_TENANTS(tenants_)                                                                                           \
    "WITH b AS ("                                                                                                      \
    "  SELECT t.id, t.name, t.status, x.*, l.limit_u FROM " tenants_ " t CROSS JOIN LATERAL ("                         \
    "    SELECT s.currency, coalesce(sum(s.unbilled_u), 0)::bigint AS unbilled_u,"                                     \
    "           coalesce(sum(s.receivable_u), 0)::bigint AS receivable_u,"                                             \
    "           coalesce(sum(s.customer_credit_u), 0)::bigint AS customer_credit_u,"                                   \
    "           coalesce(sum(s.prepaid_u), 0)::bigint AS prepaid_u, coalesce(sum(s.held_u), 0)::bigint AS held_u"      \
    "      FROM (SELECT * FROM credit_balances(t.id)"                                                                  \
    "            UNION ALL SELECT t.currency, 0, 0, 0, 0, 0"                                                           \
    "            UNION ALL SELECT currency, 0, 0, 0, 0, 0 FROM credit_limit WHERE tenant_id = t.id) s"                 \
    "     GROUP BY 1) x LEFT JOIN credit_limit l ON l.tenant_id = t.id AND l.currency = x.currency"                    \
    ") "
#define MONEY(column_, name_) ", " column_ " AS \"" name_ ".amount_u\", b.currency AS \"" name_ ".currency\""
#define AVAILABLE             "b.limit_u - b.unbilled_u - b.receivable_u + b.prepaid_u + b.customer_credit_u - b.held_u"
#define BALANCES                                                                                                       \
    "b.currency" MONEY("b.unbilled_u", "unbilled") MONEY("b.receivable_u", "receivable")                               \
        MONEY("b.prepaid_u", "prepaid") MONEY("b.customer_credit_u", "customer_credit") MONEY("b.held_u", "held")      \
            MONEY("b.limit_u", "limit") MONEY(AVAILABLE, "available")

// clang-format off
static const struct db_stmt statement_one = {
    .name = "balance_of_tenant",
    .sql = OF_TENANTS("(SELECT * FROM tenant WHERE id = $3::uuid)")
           "SELECT " BALANCES ", b.currency AS page_key FROM b"
           " WHERE $1::text IS NULL OR b.currency > $1::text"
           " ORDER BY b.currency LIMIT $2::bigint",
    .params = 3,
};
// clang-format on

/* The key of a page is "name currency". No more tenants are looked at than a page has rows: each has one at least. */
// clang-format off
static const struct db_stmt statement_all = {
    .name = "balance_list",
    .sql = OF_TENANTS(
               "(SELECT * FROM tenant WHERE name >= split_part(coalesce($1::text, ''), ' ', 1)"
               "   AND ($3::text IS NULL OR name = $3::text) ORDER BY name LIMIT $2::bigint + 1)")
           "SELECT b.name AS tenant, b.id AS tenant_id, b.status, " BALANCES ", concat_ws(' ', b.name, b.currency)"
           " AS page_key FROM b"
           " WHERE $1::text IS NULL"
           " OR (b.name, b.currency) > (split_part($1::text, ' ', 1), split_part($1::text, ' ', 2))"
           " ORDER BY b.name, b.currency LIMIT $2::bigint",
    .params = 3,
};
// clang-format on

static const struct db_stmt statement_tenant = {
    .name = "balance_tenant",
    .sql = "SELECT id FROM tenant WHERE id = $1::uuid",
    .params = 1,
};

static enum err_kind own(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_one, DB_PARAMS(request->caller.tenant_id), reterr);
}

static enum err_kind of_tenant(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_tenant, request->object, "tenant", &found, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_one, DB_PARAMS(request->object), reterr) : kind;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct balances_query *query = request->query;
    return answer_page(request, response, &statement_all, DB_PARAMS(query->tenant), reterr);
}

// clang-format off
static const struct route balance_routes[] = {
    {GET, "/v1/balance",                     ROLES_TENANT_MONEY, RATE_READ,   .answer = &balance_schema, .is_list = true, .run = own, .summary = "How the tenant stands, per currency"},
    {GET, "/v1/system/balances",             ROLES_SYSTEM_READ,  RATE_REPORT, .query = &query_schema, .answer = &tenant_balance_schema, .is_list = true, .run = list, .summary = "How all tenants stand, per currency"},
    {GET, "/v1/system/tenants/{id}/balance", ROLES_SYSTEM_READ,  RATE_READ,   .answer = &balance_schema, .is_list = true, .has_id = true, .id = IDENTITY_TENANT, .run = of_tenant, .summary = "How a tenant stands, per currency"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const balance_statements[] = {&statement_one, &statement_all, &statement_tenant, NULL};

const struct resource balance_resource = {"credit", balance_routes, balance_statements, NULL};
