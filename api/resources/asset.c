/* Assets: the hardware as bought. What billing amortizes starts from these rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

struct asset {
    const char *id;
    const char *serial;
    const char *node;
    const char *cohort;
    const char *vendor;
    struct field_money cost;
    struct field_money salvage;
    const char *in_service;
    int64_t life_months;
};

// clang-format off
static const struct field asset_fields[] = {
    FIELD_ID   ("id",          struct asset, id, .identity = IDENTITY_ASSET, .flags = FIELD_READ_ONLY, .help = "The asset"),
    FIELD_TEXT ("serial",      struct asset, serial, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "SN-000001", .help = "Serial number, unique"),
    FIELD_ID   ("node",        struct asset, node, .identity = IDENTITY_NODE, .flags = FIELD_NULLABLE, .help = "The node it is or belongs to; null: in stock"),
    FIELD_TEXT ("cohort",      struct asset, cohort, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "2026-q4", .help = "Purchase lot, e.g. 2025-q1"),
    FIELD_TEXT ("vendor",      struct asset, vendor, .least = 0, .most = 128, .fallback = "", .example = "Supermicro", .help = "From whom"),
    FIELD_MONEY("cost",        struct asset, cost, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "Capitalised cost"),
    FIELD_MONEY("salvage",     struct asset, salvage, .flags = FIELD_MINOR, .help = "Value at the end of its life; 0 unless said"),
    FIELD_DATE ("in_service",  struct asset, in_service, .flags = FIELD_REQUIRED, .help = "Day it was available for use (IAS 16.55): depreciation starts"),
    FIELD_INT  ("life_months", struct asset, life_months, .flags = FIELD_REQUIRED, .least = 1, .most = 240, .example = "60", .help = "Useful life in calendar months"),
    FIELDS_END,
};

static const struct field schedule_fields[] = {
    FIELD_COLUMN("from",           FIELD_TYPE_DATE, .help = "First day"),
    FIELD_COLUMN("to",             FIELD_TYPE_DATE, .help = "Day after the last"),
    FIELD_COLUMN_WITH("amount", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Charge of these days"),
    FIELD_COLUMN_WITH("accumulated", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "All charges until then"),
    FIELD_COLUMN_WITH("net_book_value", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Cost less accumulated charges"),
    FIELD_COLUMN_WITH("posted", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is in the books of it so far"),
    FIELDS_END,
};
// clang-format on

static const struct schema asset_schema = {"Asset", asset_fields, sizeof(struct asset)};
static const struct schema schedule_schema = {"AssetScheduleMonth", schedule_fields, 0};

struct asset_query {
    const char *serial;
    const char *cohort;
    const char *node;
};
static const struct field asset_query_fields[] = {
    FIELD_TEXT("serial", struct asset_query, serial, .help = "Only the asset of this serial number"),
    FIELD_TEXT("cohort", struct asset_query, cohort, .help = "Only assets of this cohort"),
    FIELD_ID("node", struct asset_query, node, .identity = IDENTITY_NODE, .help = "Only assets of this node"),
    FIELDS_END,
};
static const struct schema asset_query_schema = {"AssetQuery", asset_query_fields, sizeof(struct asset_query)};

#define ASSET_COLUMNS                                                                                                  \
    "id, serial, node_id AS node, cohort, vendor, cost_minor AS \"cost.amount_minor\", currency AS \"cost.currency\"," \
    " salvage_minor AS \"salvage.amount_minor\", currency AS \"salvage.currency\", in_service, life_months,"           \
    " 1 AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "asset_list",
    .sql = "SELECT " ASSET_COLUMNS ", id AS page_key FROM asset"
           " WHERE ($1::uuid IS NULL OR id > $1::uuid) AND ($3::text IS NULL OR serial = $3::text)"
           " AND ($4::text IS NULL OR cohort = $4::text) AND ($5::uuid IS NULL OR node_id = $5::uuid)"
           " ORDER BY id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get = {
    .name = "asset_get",
    .sql = "SELECT " ASSET_COLUMNS " FROM asset WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_node = {
    .name = "asset_node",
    .sql = "SELECT FROM node WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "asset_create",
    .sql = "INSERT INTO asset (id, serial, node_id, cohort, vendor, currency, cost_minor, salvage_minor, in_service,"
           " life_months)"
           " VALUES ($1::uuid, $2, $3::uuid, $4, $5, $6, $7::bigint, $8::bigint, $9::date, $10::integer)"
           " ON CONFLICT (serial) DO NOTHING RETURNING " ASSET_COLUMNS,
    .params = 10,
};

/* By calendar months, straight-line by days: what is charged through a day is round(base * days elapsed / days of
 * life), half away from zero, so each month stands alone and they sum exactly (IAS 16.62). */
static const struct db_stmt statement_schedule = {
    .name = "asset_schedule",
    .sql =
        "WITH life AS ("
        "  SELECT a.*, (in_service + life_months * interval '1 month')::date AS ends,"
        "         (cost_minor - salvage_minor)::numeric AS base FROM asset a WHERE id = $3::uuid"
        "), month AS ("
        "  SELECT l.*, greatest(m::date, in_service) AS month_from, least((m + interval '1 month')::date, ends) AS "
        "month_to"
        "    FROM life l, generate_series(date_trunc('month', in_service::timestamp), ends - 1, interval '1 month') m"
        "   WHERE m::date > coalesce($1::date, '-infinity')"
        "   ORDER BY m LIMIT $2::bigint"
        "), charge AS ("
        "  SELECT m.*, round(base * (month_to - in_service) / (ends - in_service))::bigint AS through,"
        "         round(base * (month_from - in_service) / (ends - in_service))::bigint AS before FROM month m"
        ") SELECT month_from AS \"from\", month_to AS \"to\", through - before AS \"amount.amount_minor\","
        "  currency AS \"amount.currency\", through AS \"accumulated.amount_minor\","
        "  currency AS \"accumulated.currency\", cost_minor - through AS \"net_book_value.amount_minor\","
        "  currency AS \"net_book_value.currency\", currency AS \"posted.currency\","
        "  (SELECT coalesce(sum(amount_minor), 0)::bigint FROM depreciation d"
        "    WHERE d.asset_id = c.id AND d.day >= month_from AND d.day < month_to) AS \"posted.amount_minor\","
        "  month_from AS page_key FROM charge c ORDER BY month_from",
    .params = 3,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct asset_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->serial, query->cohort, query->node),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "asset", reterr);
}

static enum err_kind schedule(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_get, request->object, "asset", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_schedule, DB_PARAMS(request->object), reterr);
}

static enum err_kind check(struct request *request, const struct asset *wish, struct err *reterr)
{
    bool has_salvage = wish->salvage.currency != NULL;
    if (wish->cost.amount_u < 0)
        field_problem_add(&request->problems, "/cost/amount", "out_of_range", "must not be negative");
    if (has_salvage && strcmp(wish->salvage.currency, wish->cost.currency) != 0)
        field_problem_add(&request->problems, "/salvage/currency", "out_of_range", "must be that of the cost");
    else if (has_salvage && (wish->salvage.amount_u < 0 || wish->salvage.amount_u > wish->cost.amount_u))
        field_problem_add(&request->problems, "/salvage/amount", "out_of_range", "must be 0 to the cost");
    if (wish->node != NULL) {
        const PGresult *result = NULL;
        enum err_kind kind = request_run(request, &statement_node, DB_PARAMS(wish->node), &result, reterr);
        if (kind != ERR_NONE)
            return kind;
        if (PQntuples(result) == 0)
            field_problem_add(&request->problems, "/node", "unknown_node", "there is no such node");
    }
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static const char *minor_text(struct request *request, const struct field_money *money)
{
    struct err err = {0};
    int exponent = 0;
    if (money->currency == NULL)
        return "0";
    must(money_exponent(money->currency, &exponent, &err) == ERR_NONE); /* reading the field has asked */
    return request_int(request, money_minor_of_micro(money->amount_u, exponent));
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct asset *wish = request->body;
    enum err_kind kind = check(request, wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, wish->serial, wish->node, wish->cohort, wish->vendor,
                                 wish->cost.currency, minor_text(request, &wish->cost),
                                 minor_text(request, &wish->salvage), wish->in_service,
                                 request_int(request, wish->life_months)),
                       &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an asset of serial number '%s' exists already",
                            wish->serial);
    response_object(request, response, 201, asset_fields, result, 0);
    request->wakes_planner = true;
    return request_event(request, NULL, NULL, "asset", request->new_id, 1, "asset.created", reterr);
}

// clang-format off
static const struct route asset_routes[] = {
    {GET,  "/v1/system/assets",               ROLES_SYSTEM_READ,    RATE_READ,   .query = &asset_query_schema, .answer = &asset_schema, .is_list = true, .run = list, .summary = "List assets"},
    {GET,  "/v1/system/assets/{id}",          ROLES_SYSTEM_READ,    RATE_READ,   .answer = &asset_schema, .has_id = true, .id = IDENTITY_ASSET, .run = get, .summary = "One asset"},
    {GET,  "/v1/system/assets/{id}/schedule", ROLES_SYSTEM_READ,    RATE_REPORT, .answer = &schedule_schema, .is_list = true, .has_id = true, .id = IDENTITY_ASSET, .run = schedule, .summary = "Its depreciation month by month, planned and posted"},
    {POST, "/v1/system/assets",               ROLES_SYSTEM_FINANCE, RATE_WRITE,  .body = &asset_schema, .answer = &asset_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken", "unknown_node"), .summary = "Register an asset"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const asset_statements[] = {&statement_list,   &statement_get,      &statement_node,
                                                         &statement_create, &statement_schedule, NULL};

const struct resource asset_resource = {"assets", asset_routes, asset_statements,
    "What the provider bought: depreciated by days, attributed to who used it."};
