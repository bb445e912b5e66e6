/* Margin: revenue against amortization, by whatever it is asked by, and what idle cost by cause. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"

#include <string.h>

static const char *const keys[] = {"tenant", "instance_type", "cohort", "day", "reservation", NULL};

// clang-format off
#define MARGIN_MONEY                                                                                                                  \
    FIELD_COLUMN("revenue",            FIELD_TYPE_MONEY, .help = "What was rated"),                                                   \
    FIELD_COLUMN("amortization",       FIELD_TYPE_MONEY, .help = "Of the capacity that was delivered; by day, and in totals, of the fleet: with what idle cost"), \
    FIELD_COLUMN("margin",             FIELD_TYPE_MONEY, .help = "Revenue less amortization")

static const struct field item_fields[] = {
    FIELD_COLUMN("key", FIELD_TYPE_TEXT, .help = "A tenant's name, an instance type's (shape: of tenants' own), a cohort (none: not known), a day, or a reservation's id"),
    MARGIN_MONEY,
    FIELD_COLUMN("gpu_seconds_billed", FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),
    FIELDS_END,
};
static const struct field item_of_reservation_fields[] = {
    FIELD_COLUMN("key", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),
    MARGIN_MONEY,
    FIELD_COLUMN("gpu_seconds_billed", FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),
    FIELDS_END,
};
static const struct field idle_fields[] = {
    FIELD_COLUMN("cause",       FIELD_TYPE_TEXT, .help = "Why nobody bore it"),
    FIELD_COLUMN("amount",      FIELD_TYPE_MONEY, .help = "Amortization"),
    FIELD_COLUMN("gpu_seconds", FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),
    FIELDS_END,
};
static const struct field totals_fields[] = {
    MARGIN_MONEY,
    FIELD_COLUMN("idle", FIELD_TYPE_MONEY, .help = "The part of amortization that nobody bore"),
    FIELDS_END,
};

#define MARGIN_FIELDS(items_)                                                                                      \
    FIELD_COLUMN("items",  FIELD_TYPE_ROWS, .fields = (items_), .help = "By key, in its order"),                   \
    FIELD_COLUMN("idle",   FIELD_TYPE_ROWS, .fields = idle_fields, .help = "By cause"),                            \
    FIELD_COLUMN("totals", FIELD_TYPE_OBJECT, .fields = totals_fields, .help = "Of the fleet"),                    \
    FIELDS_END

static const struct field margin_fields[] = { MARGIN_FIELDS(item_fields) };
static const struct field margin_by_reservation_fields[] = { MARGIN_FIELDS(item_of_reservation_fields) };
// clang-format on

static const struct schema margin_schema = {"Margin", margin_fields, 0};

struct margin_query {
    const char *by;
    const char *from;
    const char *to;
    const char *currency;
};
static const struct field margin_query_fields[] = {
    FIELD_ENUM("by", struct margin_query, by, .values = keys, .fallback = "tenant", .help = "What items are by"),
    FIELD_DATE("from", struct margin_query, from, .help = "First day; 30 days before to where it is left out"),
    FIELD_DATE("to", struct margin_query, to, .help = "Day after the last; today (domain time) where it is left out"),
    FIELD_TEXT("currency", struct margin_query, currency, .least = 3, .most = 3, .fallback = "USD",
               .help = "Amounts of this currency only: currencies do not add up"),
    FIELDS_END,
};
static const struct schema margin_query_schema = {"MarginQuery", margin_query_fields, sizeof(struct margin_query)};

#define LAST_DAY  "coalesce($3::date, (sluice_now() AT TIME ZONE 'UTC')::date)"
#define FIRST_DAY "coalesce($2::date, " LAST_DAY " - 30)"

/* A day bears its idle too, so that revenue stands against what the fleet costs that day. */
static const struct db_stmt statement_report = {
    .name = "margin_report",
    .sql = "WITH report AS MATERIALIZED ("
           "  SELECT key, revenue_u, amortization_u, gpu_milli_seconds_billed AS billed"
           "    FROM margin_report($1::text, " FIRST_DAY ", " LAST_DAY ") WHERE currency = $4::text"
           "), idle AS MATERIALIZED ("
           "  SELECT cause, amount_u, gpu_milli_seconds FROM idle_report(" FIRST_DAY ", " LAST_DAY ")"
           "   WHERE currency = $4::text"
           "), fact AS ("
           "  SELECT * FROM report UNION ALL"
           "  SELECT c.day::text, 0, sum(c.depreciation_u)::bigint, 0 FROM cost_allocation c"
           "   WHERE $1::text = 'day' AND c.day >= " FIRST_DAY " AND c.day < " LAST_DAY ""
           "     AND c.reservation_id IS NULL"
           "     AND c.currency = $4::text GROUP BY c.day"
           "), item AS ("
           "  SELECT key, sum(revenue_u)::bigint AS revenue_u, sum(amortization_u)::bigint AS amortization_u,"
           "         round(sum(billed) / 1000.0)::bigint AS billed FROM fact GROUP BY key"
           "), total AS ("
           "  SELECT (SELECT coalesce(sum(revenue_u), 0)::bigint FROM report) AS revenue_u,"
           "         (SELECT coalesce(sum(amortization_u), 0)::bigint FROM report) AS delivered_u,"
           "         (SELECT coalesce(sum(amount_u), 0)::bigint FROM idle) AS idle_u"
           ") SELECT (SELECT coalesce(json_agg(json_build_object('key', key,"
           "      'revenue.amount_u', revenue_u, 'revenue.currency', $4::text,"
           "      'amortization.amount_u', amortization_u, 'amortization.currency', $4::text,"
           "      'margin.amount_u', revenue_u - amortization_u, 'margin.currency', $4::text,"
           "      'gpu_seconds_billed', billed) ORDER BY key), '[]') FROM item) AS items,"
           "  (SELECT coalesce(json_agg(json_build_object('cause', cause, 'amount.amount_u', amount_u,"
           "      'amount.currency', $4::text, 'gpu_seconds', round(gpu_milli_seconds / 1000.0)::bigint)"
           "      ORDER BY cause), '[]') FROM idle) AS idle,"
           "  revenue_u AS \"totals.revenue.amount_u\", $4::text AS \"totals.revenue.currency\","
           "  delivered_u + idle_u AS \"totals.amortization.amount_u\", $4::text AS \"totals.amortization.currency\","
           "  revenue_u - delivered_u - idle_u AS \"totals.margin.amount_u\", $4::text AS \"totals.margin.currency\","
           "  idle_u AS \"totals.idle.amount_u\", $4::text AS \"totals.idle.currency\" FROM total",
    .params = 4,
};

static enum err_kind report(struct request *request, struct response *response, struct err *reterr)
{
    const struct margin_query *query = request->query;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_report,
                                     DB_PARAMS(query->by, query->from, query->to, query->currency), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool by_reservation = strcmp(query->by, "reservation") == 0;
    response_row(response, 200, by_reservation ? margin_by_reservation_fields : margin_fields, result, 0);
    return ERR_NONE;
}

// clang-format off
static const struct route margin_routes[] = {
    {GET, "/v1/system/margin", ROLES_SYSTEM_READ, RATE_REPORT, .query = &margin_query_schema, .answer = &margin_schema, .run = report, .summary = "Revenue against amortization for days in [from, to), and idle by cause"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const margin_statements[] = {&statement_report, NULL};

const struct resource margin_resource = {"margin", margin_routes, margin_statements,
    "Revenue against what the fleet costs."};
