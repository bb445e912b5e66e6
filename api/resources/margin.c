/* Margin: revenue against what the hardware costs, by whatever it is asked by, and what idle cost by cause. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node.h"
#include "api/resources/node_kind.h"
#include "api/resources/registry.h"

#include <string.h>

static const char *const keys[] = {"tenant", "project", "instance_type", "node", "rack",
                                   "cohort", "day",     "reservation",   NULL};
static const char *const steps[] = {"day", "week", "month", NULL};

// clang-format off
#define MARGIN_MONEY                                                                                                                  \
    FIELD_COLUMN("revenue",            FIELD_TYPE_MONEY, .help = "What was rated, fees spread over what they cover"),                 \
    FIELD_COLUMN("amortization",       FIELD_TYPE_MONEY, .help = "Depreciation of the hardware"),                                     \
    FIELD_COLUMN("power",              FIELD_TYPE_MONEY, .help = "Energy x PUE x tariff"),                                            \
    FIELD_COLUMN("colocation",         FIELD_TYPE_MONEY, .help = "Space, power feed and cooling"),                                    \
    FIELD_COLUMN("operations",         FIELD_TYPE_MONEY, .help = "Remote hands, support, staff"),                                     \
    FIELD_COLUMN("network",            FIELD_TYPE_MONEY, .help = "Share of the network"),                                             \
    FIELD_COLUMN("storage",            FIELD_TYPE_MONEY, .help = "Share of the storage"),                                             \
    FIELD_COLUMN("cost",               FIELD_TYPE_MONEY, .help = "All of these"),                                                     \
    FIELD_COLUMN("idle",               FIELD_TYPE_MONEY, .help = "The part of cost that nobody bore: of days, nodes, racks, cohorts and the fleet; tenants, projects, types and reservations cost what was delivered to them"), \
    FIELD_COLUMN("margin",             FIELD_TYPE_MONEY, .help = "Revenue less cost")

#define MARGIN_ITEM                                                                                                                   \
    FIELD_COLUMN_WITH("name", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What people call it: of a node or reservation its name, else the key; null: it has none"), \
    FIELD_COLUMN_WITH("period_start",  FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "First day of the step (weeks begin on Monday); null without step"), \
    MARGIN_MONEY,                                                                                                                     \
    FIELD_COLUMN("gpu_seconds_billed", FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),                                       \
    FIELD_COLUMN("gpu_seconds_unpriced", FIELD_TYPE_INT, .help = "Delivered, and waits for a price: none of it is in the revenue"),   \
    FIELD_COLUMN("provisional",        FIELD_TYPE_BOOL, .help = "Whether a day that is not closed yet is a part of it"),              \
    FIELDS_END

static const struct field item_fields[] = {
    FIELD_COLUMN_WITH("key", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "A name: of a tenant, tenant/project, instance type (shape: of tenants' own), fabric/rack, cohort (none: not known), or a day; the id of a node or reservation, null: of none"),
    MARGIN_ITEM,
};
static const struct field item_of_reservation_fields[] = {
    FIELD_COLUMN_WITH("key", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "The reservation; null: of none, as a commitment's fee"),
    MARGIN_ITEM,
};
static const struct field item_of_node_fields[] = {
    FIELD_COLUMN_WITH("key", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_NODE, .help = "The node; null: what no node delivered that day"),
    MARGIN_ITEM,
};
static const struct field idle_fields[] = {
    FIELD_COLUMN("cause",       FIELD_TYPE_TEXT, .help = "Why nobody bore it"),
    FIELD_COLUMN("amount",      FIELD_TYPE_MONEY, .help = "Of all pools"),
    FIELD_COLUMN("gpu_seconds", FIELD_TYPE_INT, .help = "Rounded to whole GPU-seconds"),
    FIELDS_END,
};
static const struct field totals_fields[] = {
    MARGIN_MONEY,
    FIELD_COLUMN("gpu_seconds_unpriced", FIELD_TYPE_INT, .help = "Delivered, and waits for a price: none of it is in the revenue"),
    FIELDS_END,
};

#define MARGIN_FIELDS(items_, of_)                                                                                   \
    FIELD_COLUMN("provisional", FIELD_TYPE_BOOL, .help = "Whether a day that is not closed yet is a part of it: its usage so far by the prices that hold, what came late, charges and credits by rule, its costs as far as it has come; its close replaces them. SLA credits are of a whole billing period: the day on which it ends has them, once it has ended"), \
    FIELD_COLUMN_WITH("as_of", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time up to which the figures are: of provisional ones at most a minute ago, else the end of the last closed day; null: before the first"), \
    FIELD_COLUMN("items",  FIELD_TYPE_ROWS, .fields = (items_), .help = "By step, then by key, in their order"),   \
    FIELD_COLUMN("idle",   FIELD_TYPE_ROWS, .fields = idle_fields, .help = "By cause"),                            \
    FIELD_COLUMN("totals", FIELD_TYPE_OBJECT, .fields = totals_fields, .help = "Of " of_),                          \
    FIELDS_END

static const struct field margin_fields[] = { MARGIN_FIELDS(item_fields, "the fleet") };
static const struct field margin_by_reservation_fields[] = { MARGIN_FIELDS(item_of_reservation_fields, "the fleet") };
static const struct field margin_by_node_fields[] = { MARGIN_FIELDS(item_of_node_fields, "the fleet") };
static const struct field economics_fields[] = { MARGIN_FIELDS(item_of_node_fields, "the node") };
// clang-format on

static const struct schema margin_schema = {"Margin", margin_fields, 0};
static const struct schema economics_schema = {"NodeEconomics", economics_fields, 0};

struct margin_query {
    const char *by;
    const char *step;
    const char *from;
    const char *to;
    const char *currency;
    const char *key;
};
#define SPAN_FIELDS(type)                                                                                              \
    FIELD_DATE("from", type, from, .help = "First day; 30 days before to where it is left out"),                       \
        FIELD_DATE("to", type, to, .from = "from",                                                                     \
                   .help = "Day after the last; tomorrow (domain time) where it is left out, so that today is the "    \
                           "last"),                                                                                    \
        FIELD_TEXT("currency", type, currency, .least = 3, .most = 3, .fallback = "USD",                               \
                   .help = "Amounts of this currency only: currencies do not add up")
static const struct field margin_query_fields[] = {
    FIELD_ENUM("by", struct margin_query, by, .values = keys, .fallback = "tenant", .help = "What items are by"),
    FIELD_ENUM("step", struct margin_query, step, .values = steps, .flags = FIELD_NULLABLE,
               .help = "One item per key and step; all days in one where it is left out"),
    SPAN_FIELDS(struct margin_query),
    FIELD_TEXT("key", struct margin_query, key, .least = 1, .most = 255,
               .help = "Only items of this key, as items have it: a tenant's name, a node's id; idle and totals stay "
                       "those of the fleet"),
    FIELDS_END,
};
static const struct schema margin_query_schema = {"MarginQuery", margin_query_fields, sizeof(struct margin_query)};

struct economics_query {
    const char *step, *from, *to, *currency;
};
static const struct field economics_query_fields[] = {
    FIELD_ENUM("step", struct economics_query, step, .values = steps, .flags = FIELD_NULLABLE,
               .help = "One item per step; all days in one where it is left out"),
    SPAN_FIELDS(struct economics_query),
    FIELDS_END,
};
static const struct schema economics_query_schema = {"NodeEconomicsQuery", economics_query_fields,
                                                     sizeof(struct economics_query)};

/* What each column of MARGIN_MONEY is, of a row of sums: within a JSON object, and as columns below "totals". */
#define POOLS(column_)                                                                                                 \
    column_("amortization", "depreciation_u") column_("power", "power_u") column_("colocation", "colocation_u")        \
        column_("operations", "operations_u") column_("network", "network_u") column_("storage", "storage_u")          \
            column_("idle", "idle_u")
#define MARGIN_SUMS(column_)                                                                                           \
    column_("revenue", "revenue_u") POOLS(column_) column_("cost", "cost_u") column_("margin", "revenue_u - cost_u")
#define IN_OBJECT(name_, value_) "'" name_ ".amount_u', " value_ ", '" name_ ".currency', $5::text, "
#define IN_TOTALS(name_, value_)                                                                                       \
    ", " value_ " AS \"totals." name_ ".amount_u\", $5::text AS \"totals." name_ ".currency\""
#define SUM_(name_, value_) ", coalesce(sum(" value_ "), 0)::bigint AS " value_

/* The totals are those of `whole`, which bears its idle, so that revenue stands against all costs; idle is that of
 * `idle_of`. */
// clang-format off
#define REPORT_OF(whole, idle_of)                                                                                      \
        "WITH last AS (SELECT coalesce($4::date, (sluice_now() AT TIME ZONE 'UTC')::date + 1) AS to_day" \
        "), span AS (SELECT coalesce($3::date, to_day - 30) AS from_day, to_day FROM last" \
        "), item AS MATERIALIZED (" \
        "  SELECT *, depreciation_u + power_u + colocation_u + operations_u + network_u + storage_u AS cost_u," \
        "    CASE $1::text WHEN 'node' THEN (SELECT n.name FROM node n WHERE n.id = nullif(key, 'none')::uuid)" \
        "      WHEN 'reservation' THEN (SELECT r.name FROM reservation r WHERE r.id = nullif(key, 'none')::uuid)" \
        "      ELSE key END AS name" \
        "    FROM span, margin_report($1::text, $2::text, from_day, to_day, CASE $1::text WHEN 'node' THEN $6::text::uuid END)" \
        "   WHERE currency = $5::text AND ($6::text IS NULL OR key = $6::text)" \
        "), day AS (" \
        "  SELECT *, depreciation_u + power_u + colocation_u + operations_u + network_u + storage_u AS cost_u" \
        "    FROM span, " whole " WHERE currency = $5::text" \
        "), total AS (" \
        "  SELECT coalesce(sum(revenue_u), 0)::bigint AS revenue_u, coalesce(sum(cost_u), 0)::bigint AS cost_u," \
        " coalesce(round(sum(gpu_milli_seconds_unpriced) / 1000.0), 0)::bigint AS unpriced" POOLS(SUM_) \
        " FROM day" \
        "), known AS (" \
        "  SELECT max(as_of) AS as_of FROM span, provisional_day WHERE day >= from_day AND day < to_day" \
        ") SELECT (SELECT coalesce(json_agg(json_build_object(" MARGIN_SUMS(IN_OBJECT) \
        "      'key', nullif(key, CASE WHEN $1::text IN ('node', 'reservation') THEN 'none' END)," \
        "      'name', name, 'period_start', period_start, 'provisional', is_provisional," \
        "      'gpu_seconds_billed', round(gpu_milli_seconds_billed / 1000.0)::bigint," \
        "      'gpu_seconds_unpriced', round(gpu_milli_seconds_unpriced / 1000.0)::bigint)" \
        "      ORDER BY period_start, key), '[]') FROM item) AS items," \
        "  (SELECT coalesce(json_agg(json_build_object('cause', cause, 'amount.amount_u', amount_u," \
        "      'amount.currency', $5::text, 'gpu_seconds', round(gpu_milli_seconds / 1000.0)::bigint)" \
        "      ORDER BY cause), '[]') FROM " idle_of " WHERE currency = $5::text) AS idle," \
        "  known.as_of IS NOT NULL AS provisional," \
        "  extract(epoch FROM coalesce(known.as_of, (SELECT least(closed_until, to_day::timestamp AT TIME ZONE 'UTC')" \
        "    FROM books_closed_until WHERE closed_until IS NOT NULL)))::bigint AS as_of," \
        "  total.unpriced AS \"totals.gpu_seconds_unpriced\"" MARGIN_SUMS(IN_TOTALS) \
        "  FROM span, total, known"

/* The days bear what the fleet costs. */
static const struct db_stmt statement_report = {
    .name = "margin_report",
    .sql = REPORT_OF("margin_report('day', NULL, from_day, to_day)", "idle_report(from_day, to_day)"),
    .params = 6,
};

static const struct db_stmt statement_economics = {
    .name = "margin_of_node",
    .sql = REPORT_OF("margin_report('node', NULL, from_day, to_day, $6::text::uuid)", "idle_of_node($6::text::uuid, from_day, to_day)"),
    .params = 6,
};
// clang-format on

/* Whose keys are ids: uuids within the report. */
static const struct id_key {
    const char *by;
    enum identity_kind identity;
    const struct field *fields;
} id_keys[] = {
    {"node", IDENTITY_NODE, margin_by_node_fields},
    {"reservation", IDENTITY_RESERVATION, margin_by_reservation_fields},
    {NULL, 0, margin_fields},
};

/* Of what is asked by; one without a name, whose keys are names. */
static const struct id_key *id_key_of(const char *by)
{
    const struct id_key *each = id_keys;
    while (each->by != NULL && strcmp(each->by, by) != 0)
        each++;
    return each;
}

/* The key that items are limited to, as the report has it; NULL: all, or (with a problem of the request) none can be.
 */
static const char *wanted_key(struct request *request, const struct margin_query *query, const struct id_key *of)
{
    if (query->key == NULL || of->by == NULL)
        return query->key;
    struct identity id;
    struct err unread = {0};
    if (identity_from_text(of->identity, query->key, &id, &unread) != ERR_NONE) {
        field_problem_add(&request->problems, "?key", "wrong_type", "%s", unread.text);
        return NULL;
    }
    char *uuid = arena_alloc(request->arena, UUID_TEXT_SIZE);
    identity_to_uuid(id, uuid);
    return uuid;
}

static enum err_kind report(struct request *request, struct response *response, struct err *reterr)
{
    const struct margin_query *query = request->query;
    const struct id_key *of = id_key_of(query->by);
    const char *key = wanted_key(request, query, of);
    if (!node_kind_currency_is_known(request, query->currency) || request->problems.count > 0)
        return request_invalid(request, reterr);
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_report,
                    DB_PARAMS(query->by, query->step, query->from, query->to, query->currency, key), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_row(response, 200, of->fields, result, 0);
    return ERR_NONE;
}

static enum err_kind economics(struct request *request, struct response *response, struct err *reterr)
{
    const struct economics_query *query = request->query;
    const PGresult *result = NULL;
    enum err_kind kind = node_find(request, reterr);
    if (kind == ERR_NONE && !node_kind_currency_is_known(request, query->currency))
        return request_invalid(request, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_economics,
                           DB_PARAMS("node", query->step, query->from, query->to, query->currency, request->object),
                           &result, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, economics_fields, result, 0);
    return kind;
}

// clang-format off
static const struct route margin_routes[] = {
    {GET, "/v1/system/margin", ROLES_SYSTEM_READ, RATE_REPORT, .query = &margin_query_schema, .answer = &margin_schema, .has_items = true, .run = report, .summary = "Revenue against all costs for days in [from, to), and idle by cause"},
    {GET, "/v1/system/nodes/{id}/economics", ROLES_SYSTEM_READ, RATE_REPORT, .has_id = true, .id = IDENTITY_NODE, .has_deleted = true, .query = &economics_query_schema, .answer = &economics_schema, .has_items = true, .run = economics, .summary = "Revenue of a node against all its costs for days in [from, to), and its idle by cause"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const margin_statements[] = {&statement_report, &statement_economics, NULL};

const struct resource margin_resource = {"margin", margin_routes, margin_statements,
                                         "Revenue against what the fleet costs."};
