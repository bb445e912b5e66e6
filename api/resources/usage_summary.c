/* Usage summed up: what was delivered and what it came to, by day, project, instance type or tier. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const keys[] = {"day", "project", "instance_type", "tier", NULL};

// clang-format off
static const struct field summary_fields[] = {
    FIELD_COLUMN("key",              FIELD_TYPE_TEXT, .help = "A UTC day; or a name: of a project, an instance type (shape: of your own), a tier (none: of no reservation, as a fee)"),
    FIELD_COLUMN("gpu_hours",        FIELD_TYPE_AMOUNT, .help = "Billable GPU-hours, to the millionth, cut off"),
    FIELD_COLUMN("gpu_hours_unused", FIELD_TYPE_AMOUNT, .help = "Of them: held while stopped"),
    FIELD_COLUMN("amount",           FIELD_TYPE_MONEY, .help = "Billed: usage, fees, credits and charges by rule, before tax"),
    FIELD_COLUMN("list",             FIELD_TYPE_MONEY, .help = "The same at list prices"),
    FIELDS_END,
};
// clang-format on

static const struct schema summary_schema = {"UsageSummary", summary_fields, 0};

struct summary_query {
    const char *by;
    const char *from;
    const char *to;
};
static const struct field summary_query_fields[] = {
    FIELD_ENUM("by", struct summary_query, by, .values = keys, .fallback = "day", .help = "What is summed up"),
    FIELD_DATE("from", struct summary_query, from, .help = "First day; 30 days before to where it is left out"),
    FIELD_DATE("to", struct summary_query, to, .from = "from",
               .help = "Day after the last; today (domain time) where it is left out"),
    FIELDS_END,
};
static const struct schema summary_query_schema = {"UsageSummaryQuery", summary_query_fields,
                                                   sizeof(struct summary_query)};

#define LAST_DAY  "coalesce($5::date, (sluice_now() AT TIME ZONE 'UTC')::date)"
#define FIRST_DAY "coalesce($4::date, " LAST_DAY " - 30)"
/* Micro-hours of milli-GPU-seconds: times 10^6, through 1000 x 3600. */
#define HOURS(which) "trunc(coalesce(sum(l.gpu_milli_seconds) FILTER (WHERE " which "), 0) * 5 / 18)::bigint"
#define IS_DELIVERY  "l.charge_category = 'usage' AND l.commitment_status IS DISTINCT FROM 'unused'"

/* What is rated of closed days. Row-level security keeps a tenant to its own. */
// clang-format off
static const struct db_stmt statement_summary = {
    .name = "usage_summary",
    .sql = "SELECT * FROM (SELECT coalesce(s.key, 'none') AS key, s.gpu_hours, s.gpu_hours_unused,"
           " s.amount_u AS \"amount.amount_u\","
           "  s.currency AS \"amount.currency\", s.list_u AS \"list.amount_u\", s.currency AS \"list.currency\","
           "  concat_ws(' ', coalesce(s.key, 'none'), s.currency) COLLATE \"C\" AS page_key FROM ("
           "  SELECT CASE $3::text WHEN 'day' THEN l.day::text WHEN 'project' THEN r.project"
           "           WHEN 'tier' THEN r.tier ELSE CASE WHEN r.id IS NOT NULL THEN coalesce(t.name, 'shape') END END"
           "         AS key, l.currency, " HOURS(IS_DELIVERY) " AS gpu_hours,"
           "         " HOURS(IS_DELIVERY " AND l.capacity_status = 'unused'") " AS gpu_hours_unused,"
           "         sum(l.amount_u)::bigint AS amount_u, sum(l.list_u)::bigint AS list_u"
           "    FROM rated_line l LEFT JOIN reservation r ON r.id = l.reservation_id"
           "    LEFT JOIN instance_type t ON t.id = r.instance_type_id"
           "   WHERE l.day >= " FIRST_DAY " AND l.day < " LAST_DAY " GROUP BY 1, 2) s) k"
           " WHERE $1::text IS NULL OR page_key > $1::text ORDER BY page_key LIMIT $2::bigint",
    .params = 5,
};
// clang-format on

static enum err_kind summary(struct request *request, struct response *response, struct err *reterr)
{
    const struct summary_query *query = request->query;
    return answer_page(request, response, &statement_summary, DB_PARAMS(query->by, query->from, query->to), reterr);
}

// clang-format off
static const struct route summary_routes[] = {
    {GET, "/v1/usage-summary", ROLES_TENANT_MONEY, RATE_REPORT, .query = &summary_query_schema, .answer = &summary_schema, .is_list = true, .run = summary, .summary = "What was delivered and what it came to, summed up"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const summary_statements[] = {&statement_summary, NULL};

const struct resource usage_summary_resource = {"usage", summary_routes, summary_statements, NULL};
