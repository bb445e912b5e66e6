/* Cohorts: hardware that was bought together, and what of its cost is not charged yet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field cohort_fields[] = {
    FIELD_COLUMN("cohort",           FIELD_TYPE_TEXT, .help = "Its name"),
    FIELD_COLUMN("assets",           FIELD_TYPE_INT, .help = "That are not disposed of"),
    FIELD_COLUMN("nodes",            FIELD_TYPE_INT, .help = "Nodes that have one of them, or a part of one"),
    FIELD_COLUMN("gpus",             FIELD_TYPE_INT, .help = "GPUs of these nodes"),
    FIELD_COLUMN_WITH("in_service_from",  FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "When the first of them came into service"),
    FIELD_COLUMN_WITH("in_service_until", FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "When the last of them came into service"),
    FIELD_COLUMN_WITH("cost",        FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What they cost; gross, as the books have it where they have it"),
    FIELD_COLUMN_WITH("accumulated_depreciation", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Charged to date"),
    FIELD_COLUMN_WITH("accumulated_impairment",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Written off beside it"),
    FIELD_COLUMN_WITH("net_book_value",           FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Cost less both"),
    FIELDS_END,
};
// clang-format on

static const struct schema cohort_schema = {"Cohort", cohort_fields, 0};

struct cohort_query {
    const char *cohort;
};
static const struct field query_fields[] = {
    FIELD_TEXT("cohort", struct cohort_query, cohort, .help = "Only the cohort of this name"),
    FIELDS_END,
};
static const struct schema query_schema = {"CohortQuery", query_fields, sizeof(struct cohort_query)};

#define MINOR(column_, name_) ", " column_ " AS \"" name_ ".amount_minor\", s.currency AS \"" name_ ".currency\""

/* A row for each cohort and currency; the key of a page is both. A node counts once, however many parts it has. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "cohort_list",
    .sql =
        "WITH part AS ("
        "  SELECT a.cohort, a.currency, coalesce(a.node_id, w.node_id) AS node_id, a.in_service,"
        "         coalesce(r.cost_minor, a.cost_minor) AS cost_minor,"
        "         coalesce(r.accumulated_minor, 0) AS charged_minor, coalesce(r.impairment_minor, 0) AS impaired_minor"
        "    FROM asset a LEFT JOIN asset w ON w.id = a.component_of LEFT JOIN asset_register r ON r.asset_id = a.id"
        "   WHERE r.disposed_on IS NULL AND ($3::text IS NULL OR a.cohort = $3::text)"
        "     AND ($1::text IS NULL OR concat_ws(' ', a.cohort, a.currency) > $1::text)"
        "), placed AS ("
        "  SELECT d.cohort, d.currency, count(*) AS nodes, sum(n.gpu_count) AS gpus"
        "    FROM (SELECT DISTINCT cohort, currency, node_id FROM part) d JOIN node n ON n.id = d.node_id GROUP BY 1, 2"
        "), s AS ("
        "  SELECT p.cohort, p.currency, count(*) AS assets, min(p.in_service) AS from_day,"
        "         max(p.in_service) AS until_day, sum(p.cost_minor)::bigint AS cost_minor,"
        "         sum(p.charged_minor)::bigint AS charged_minor,"
        "         sum(p.impaired_minor)::bigint AS impaired_minor FROM part p GROUP BY 1, 2"
        ") SELECT s.cohort, s.assets, coalesce(p.nodes, 0) AS nodes, coalesce(p.gpus, 0) AS gpus,"
        "   s.from_day AS in_service_from, s.until_day AS in_service_until"
        MINOR("s.cost_minor", "cost")
        MINOR("s.charged_minor", "accumulated_depreciation")
        MINOR("s.impaired_minor", "accumulated_impairment")
        MINOR("s.cost_minor - s.charged_minor - s.impaired_minor", "net_book_value")
        ", concat_ws(' ', s.cohort, s.currency) AS page_key"
        " FROM s LEFT JOIN placed p ON p.cohort = s.cohort AND p.currency = s.currency"
        " ORDER BY concat_ws(' ', s.cohort, s.currency) LIMIT $2::bigint",
    .params = 3,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct cohort_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->cohort), reterr);
}

// clang-format off
static const struct route cohort_routes[] = {
    {GET, "/v1/system/cohorts", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &cohort_schema, .is_list = true, .run = list, .summary = "What was bought together, and what of it is not charged yet"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const cohort_statements[] = {&statement_list, NULL};

const struct resource cohort_resource = {"assets", cohort_routes, cohort_statements, NULL};
