/* Idle: what the fleet costs that nobody bears, by cause, over time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const steps[] = {"day", "week", "month", NULL};

// clang-format off
static const struct field idle_fields[] = {
    FIELD_COLUMN("period_start", FIELD_TYPE_DATE, .help = "First day of the step (weeks begin on Monday)"),
    FIELD_COLUMN("cause",        FIELD_TYPE_TEXT, .help = "Why nobody bore it"),
    FIELD_COLUMN("gpu_seconds",  FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),
    FIELD_COLUMN("amount",       FIELD_TYPE_MONEY, .help = "Of all pools"),
    FIELD_COLUMN("amortization", FIELD_TYPE_MONEY, .help = "Depreciation of the hardware"),
    FIELD_COLUMN("power",        FIELD_TYPE_MONEY, .help = "Energy x PUE x tariff"),
    FIELD_COLUMN("colocation",   FIELD_TYPE_MONEY, .help = "Space, power feed and cooling"),
    FIELD_COLUMN("operations",   FIELD_TYPE_MONEY, .help = "Remote hands, support, staff"),
    FIELD_COLUMN("network",      FIELD_TYPE_MONEY, .help = "Share of the network"),
    FIELD_COLUMN("storage",      FIELD_TYPE_MONEY, .help = "Share of the storage"),
    FIELDS_END,
};
// clang-format on

static const struct schema idle_schema = {"Idle", idle_fields, 0};

struct idle_query {
    const char *step, *from, *to, *currency;
};
static const struct field query_fields[] = {
    FIELD_ENUM("step", struct idle_query, step, .values = steps, .fallback = "day",
               .help = "One item per step and cause"),
    FIELD_DATE("from", struct idle_query, from, .help = "First day; 30 days before to where it is left out"),
    FIELD_DATE("to", struct idle_query, to, .from = "from",
               .help = "Day after the last; tomorrow (domain time) where it is left out, so that today is the last"),
    FIELD_TEXT("currency", struct idle_query, currency, .least = 3, .most = 3, .fallback = "USD",
               .help = "Amounts of this currency only: currencies do not add up"),
    FIELDS_END,
};
static const struct schema query_schema = {"IdleQuery", query_fields, sizeof(struct idle_query)};

#define LAST_DAY             "coalesce($5::date, (sluice_now() AT TIME ZONE 'UTC')::date + 1)"
#define FIRST_DAY            "coalesce($4::date, " LAST_DAY " - 30)"
#define MONEY(column_, name) ", i." column_ " AS \"" name ".amount_u\", i.currency AS \"" name ".currency\""

/* The key of a page is "day cause". */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "idle_list",
    .sql = "SELECT i.period_start, i.cause, round(i.gpu_milli_seconds / 1000.0)::bigint AS gpu_seconds"
           MONEY("amount_u", "amount") MONEY("depreciation_u", "amortization") MONEY("power_u", "power")
           MONEY("colocation_u", "colocation") MONEY("operations_u", "operations") MONEY("network_u", "network")
           MONEY("storage_u", "storage") ", concat_ws(' ', i.period_start, i.cause) AS page_key"
           " FROM idle_steps($3::text, " FIRST_DAY ", " LAST_DAY ") i"
           " WHERE i.currency = $6::text AND ($1::text IS NULL OR (i.period_start, i.cause)"
           "   > (split_part($1::text, ' ', 1)::date, split_part($1::text, ' ', 2)))"
           " ORDER BY i.period_start, i.cause LIMIT $2::bigint",
    .params = 6,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct idle_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->step, query->from, query->to, query->currency), reterr);
}

// clang-format off
static const struct route idle_routes[] = {
    {GET, "/v1/system/idle", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &idle_schema, .is_list = true, .run = list, .summary = "Cost that nobody bore for days in [from, to), by cause and step"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const idle_statements[] = {&statement_list, NULL};

const struct resource idle_resource = {"idle", idle_routes, idle_statements,
                                       "What capacity cost that nobody paid for, and why."};
