/* The closes of months: how far each has come, what is parked and why, and trying again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_request.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/calendar.h"

static const char *const states[] = {"open", "waiting", "parked", "closed", NULL};

struct wish {
    const char *month, *tenant;
};

// clang-format off
static const struct field close_fields[] = {
    FIELD_COLUMN("month",   FIELD_TYPE_DATE, .help = "The month, by its first day"),
    FIELD_COLUMN("total",   FIELD_TYPE_INT, .help = "Tenants with something in it"),
    FIELD_COLUMN("done",    FIELD_TYPE_INT, .help = "Of them closed"),
    FIELD_COLUMN("parked",  FIELD_TYPE_INT, .help = "Of them failed: the next day's close tries again, or POST"),
    FIELD_COLUMN_WITH("started_at",  FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time at which the first was due; null: none is"),
    FIELD_COLUMN_WITH("finished_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time at which the last was closed; null: some are open"),
    FIELDS_END,
};

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

static const struct field wish_fields[] = {
    FIELD_TEXT("month",  struct wish, month, .flags = FIELD_REQUIRED, .least = 10, .most = 10, .example = "2026-01-01", .help = "The month, by its first day"),
    FIELD_TEXT("tenant", struct wish, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .help = "Only the tenant of this name; null: all that are parked"),
    FIELDS_END,
};
// clang-format on

static const struct schema close_schema = {"MonthClose", close_fields, 0};
static const struct schema period_schema = {"MonthClosePeriod", period_fields, 0};
static const struct schema wish_schema = {"MonthCloseAgain", wish_fields, sizeof(struct wish)};

struct period_query {
    const char *month, *tenant, *state;
};
static const struct field period_query_fields[] = {
    FIELD_TEXT("month", struct period_query, month, .least = 10, .most = 10,
               .help = "Only periods of this month, by its first day"),
    FIELD_TEXT("tenant", struct period_query, tenant, .help = "Only periods of the tenant of this name"),
    FIELD_ENUM("state", struct period_query, state, .values = states, .help = "Only periods of this state"),
    FIELDS_END,
};
static const struct schema period_query_schema = {"MonthClosePeriodQuery", period_query_fields,
                                                  sizeof(struct period_query)};

static const struct db_stmt statement_list = {
    .name = "month_close_list",
    .sql = "SELECT p.month, p.total, p.done, p.parked, extract(epoch FROM p.started_at)::bigint AS started_at,"
           " extract(epoch FROM p.finished_at)::bigint AS finished_at, p.month AS page_key"
           " FROM month_close_progress p WHERE ($1::date IS NULL OR p.month > $1::date)"
           " ORDER BY p.month LIMIT $2::bigint",
    .params = 2,
};

/* The key of a page is "month tenant-id". */
static const struct db_stmt statement_periods = {
    .name = "month_close_periods",
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

static const struct db_stmt statement_tenant = {
    .name = "month_close_tenant",
    .sql = "SELECT id FROM tenant WHERE name = $1",
    .params = 1,
};

static const struct db_stmt statement_insert = {
    .name = "month_close_again",
    .sql = "INSERT INTO invoice_request (id, kind, tenant_id, month, principal_id)"
           " VALUES ($1::uuid, 'close', $2::uuid, $3::date, $4::uuid)",
    .params = 4,
};

/* A month is named by its first day. ERR_INVALID otherwise. */
static enum err_kind check_month(struct request *request, const char *pointer, const char *text, struct err *reterr)
{
    int64_t day = 0;
    if (text != NULL && (calendar_date_parse(text, &day, NULL) != ERR_NONE || calendar_month_of_day(day) != day)) {
        field_problem_add(&request->problems, pointer, "out_of_range", "the first day of a month, YYYY-MM-01");
        return request_invalid(request, reterr);
    }
    return ERR_NONE;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

static enum err_kind periods(struct request *request, struct response *response, struct err *reterr)
{
    const struct period_query *query = request->query;
    enum err_kind kind = check_month(request, "?month", query->month, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_periods,
                                          DB_PARAMS(query->month, query->tenant, query->state), reterr)
                            : kind;
}

static enum err_kind again(struct request *request, struct response *response, struct err *reterr)
{
    const struct wish *wish = request->body;
    const PGresult *found = NULL;
    const char *tenant = NULL;
    enum err_kind kind = check_month(request, "/month", wish->month, reterr);
    if (kind == ERR_NONE && wish->tenant != NULL) {
        kind = request_run(request, &statement_tenant, DB_PARAMS(wish->tenant), &found, reterr);
        if (kind == ERR_NONE && PQntuples(found) == 0)
            return err_set_code(reterr, ERR_INVALID, "unknown_tenant", "there is no tenant '%s'", wish->tenant);
        tenant = kind == ERR_NONE ? db_text(found, 0, 0) : NULL;
    }
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_insert,
                           DB_PARAMS(request->new_id, tenant, wish->month, request->caller.principal_id), NULL, reterr);
    return kind == ERR_NONE ? invoice_request_ask(request, response, reterr) : kind;
}

// clang-format off
static const struct route close_routes[] = {
    {GET,  "/v1/system/month-closes",         ROLES_SYSTEM_READ,    RATE_READ,  .answer = &close_schema, .is_list = true, .run = list, .summary = "How far the close of each month has come, oldest first"},
    {GET,  "/v1/system/month-closes/periods", ROLES_SYSTEM_READ,    RATE_READ,  .query = &period_query_schema, .answer = &period_schema, .is_list = true, .run = periods, .summary = "The billing periods of tenants, with what is parked and why"},
    {POST, "/v1/system/month-closes",         ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &wish_schema, .answer = &invoice_request_schema, .run = again, .replay = invoice_request_replay, .waits = true, .problems = PROBLEMS("unknown_tenant", "conflict"), .summary = "Try the parked closes of a month again"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const close_statements[] = {&statement_list, &statement_periods, &statement_tenant,
                                                         &statement_insert, NULL};

const struct resource month_close_resource = {
    "month-closes", close_routes, close_statements,
    "A job that goes on where it stopped: one tenant's fault parks that tenant only."};
