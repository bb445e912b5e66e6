/* The billing periods of tenants: what has been closed, what is open, and what is parked, and why. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/month_param.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const states[] = {"open", "waiting", "parked", "closed", NULL};

// clang-format off
static const struct field period_fields[] = {
    FIELD_COLUMN("month",     FIELD_TYPE_DATE, .help = "The month, by its first day"),
    FIELD_COLUMN("tenant",    FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN("starts_at", FIELD_TYPE_TIME, .help = "Its billing period, inclusive"),
    FIELD_COLUMN("ends_at",   FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("state",     FIELD_TYPE_ENUM, .values = states, .help = "open: not over, or not come to yet; waiting: some of its usage has no price; parked: its close failed; closed"),
    FIELD_COLUMN_WITH("reason",    FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it is parked"),
    FIELD_COLUMN("attempts",  FIELD_TYPE_INT, .help = "How often its close failed"),
    FIELD_COLUMN_WITH("closed_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time; null: it is open"),
    FIELDS_END,
};

struct query {
    const char *month, *tenant, *state;
};
static const struct field query_fields[] = {
    FIELD_TEXT("month",  struct query, month, .least = 10, .most = 10, .help = "Only periods of this month, by its first day"),
    FIELD_TEXT("tenant", struct query, tenant, .help = "Only periods of the tenant of this name"),
    FIELD_ENUM("state",  struct query, state, .values = states, .help = "Only periods of this state"),
    FIELDS_END,
};
// clang-format on

static const struct schema period_schema = {"BillingPeriod", period_fields, 0};
static const struct schema query_schema = {"BillingPeriodQuery", query_fields, sizeof(struct query)};

/* The key of a page is "month tenant-id". */
static const struct db_stmt statement_list = {
    .name = "billing_period_list",
    .sql =
        "WITH told AS ("
        "  SELECT p.month, t.name AS tenant, p.tenant_id, p.starts_at, p.ends_at, p.closed_at, p.attempts,"
        "   p.parked_reason AS reason,"
        "   CASE WHEN p.status = 'closed' THEN 'closed' WHEN p.parked_at IS NOT NULL THEN 'parked'"
        "    WHEN EXISTS (SELECT FROM usage_waiting w WHERE w.tenant_id = p.tenant_id"
        "     AND w.starts_at < p.ends_at AND w.ends_at > p.starts_at) THEN 'waiting' ELSE 'open' END AS state"
        "  FROM billing_period p JOIN tenant t ON t.id = p.tenant_id"
        "  WHERE ($3::date IS NULL OR p.month = $3::date) AND ($4::text IS NULL OR t.name = $4::text)"
        "   AND (p.month, p.tenant_id) > (coalesce(split_part($1::text, ' ', 1)::date, '-infinity'),"
        "     coalesce(split_part($1::text, ' ', 2)::uuid, '00000000-0000-0000-0000-000000000000')))"
        " SELECT month, tenant, extract(epoch FROM starts_at)::bigint AS starts_at,"
        "  extract(epoch FROM ends_at)::bigint AS ends_at, state, reason, attempts,"
        "  extract(epoch FROM closed_at)::bigint AS closed_at, concat_ws(' ', month, tenant_id) AS page_key"
        "  FROM told WHERE $5::text IS NULL OR state = $5::text ORDER BY told.month, told.tenant_id LIMIT $2::bigint",
    .params = 5,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct query *query = request->query;
    enum err_kind kind = month_param_check(request, "?month", query->month, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_list,
                                          DB_PARAMS(query->month, query->tenant, query->state), reterr)
                            : kind;
}

// clang-format off
static const struct route routes[] = {
    {GET, "/v1/system/billing-periods", ROLES_SYSTEM_READ, RATE_READ, .query = &query_schema, .answer = &period_schema, .is_list = true, .run = list, .summary = "The billing periods of tenants, with what is parked and why"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const statements[] = {&statement_list, NULL};

const struct resource billing_period_resource = {
    "billing-periods", routes, statements,
    "Calendar months of tenants, in their own time zones: each is closed once, as an invoice."};
