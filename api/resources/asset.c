/* Assets: the hardware as bought. What billing depreciates starts from these rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"

#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const methods[] = {"straight_line",       "declining_balance_150", "declining_balance_double",
                                      "sum_of_years_digits", "units_of_production",   NULL};
static const char *const conventions[] = {"daily", "full_month", "next_month", "mid_month", "half_year", NULL};

// clang-format off
static const struct field status_fields[] = {
    FIELD_COLUMN("recognised_on",            FIELD_TYPE_DATE, .help = "Day whose close posted its purchase"),
    FIELD_COLUMN_WITH("depreciated_from",    FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "Day from which it is depreciated; null: in stock, and never used"),
    FIELD_COLUMN_WITH("disposed_on",         FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "First day it is gone"),
    FIELD_COLUMN_WITH("gross_cost",          FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Cost of what is there of it"),
    FIELD_COLUMN_WITH("accumulated_depreciation", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Posted to date, and taken over when it was entered"),
    FIELD_COLUMN_WITH("accumulated_impairment",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Losses less reversals"),
    FIELD_COLUMN_WITH("net_book_value",      FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What it is carried at"),
    FIELDS_END,
};

const struct field asset_fields[] = {
    FIELD_ID   ("id",             struct asset_wish, id, .identity = IDENTITY_ASSET, .flags = FIELD_READ_ONLY, .help = "The asset"),
    FIELD_TEXT ("serial",         struct asset_wish, serial, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 128, .example = "SN-000001", .help = "Serial number, unique"),
    FIELD_ID   ("node",           struct asset_wish, node, .identity = IDENTITY_NODE, .flags = FIELD_NULLABLE, .help = "The node it is or belongs to; null: that of what it is a component of, else in stock"),
    FIELD_TEXT ("cohort",         struct asset_wish, cohort, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "2026-q4", .help = "What it is compared with, e.g. all that was bought in 2025-q1"),
    FIELD_TEXT ("vendor",         struct asset_wish, vendor, .least = 0, .most = 128, .fallback = "", .example = "Supermicro", .help = "From whom"),
    FIELD_TEXT ("part",           struct asset_wish, part, .least = 0, .most = 64, .fallback = "", .example = "chassis", .help = "What it is, e.g. gpu, chassis, nic"),
    FIELD_TEXT ("component_of",   struct asset_wish, component_of, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .help = "Serial number of the asset of which it is a significant part with a life of its own (IAS 16.43)"),
    FIELD_TEXT ("purchase_order", struct asset_wish, purchase_order, .flags = FIELD_NULLABLE, .least = 1, .most = 64, .help = "Number of the purchase order it came with"),
    FIELD_TEXT ("lot",            struct asset_wish, lot, .least = 0, .most = 64, .fallback = "", .help = "Lot within the order"),
    FIELD_MONEY("cost",           struct asset_wish, cost, .flags = FIELD_REQUIRED | FIELD_MINOR | FIELD_CREATE_ONLY, .help = "Capitalised cost: price, freight, duties, installation (IAS 16.16)"),
    FIELD_MONEY("salvage",        struct asset_wish, salvage, .flags = FIELD_MINOR | FIELD_CREATE_ONLY, .help = "Value at the end of its life; 0 unless said"),
    FIELD_DATE ("acquired_on",    struct asset_wish, acquired_on, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .help = "Day it became the provider's: its purchase is posted; null: in_service"),
    FIELD_DATE ("in_service",     struct asset_wish, in_service, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .help = "Day it was available for use (IAS 16.55): depreciation starts"),
    FIELD_INT  ("life_months",    struct asset_wish, life_months, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 240, .example = "60", .help = "Useful life in calendar months, as it was seen when it was bought: 48, 60, 66 and 72 are usual"),
    FIELD_ENUM ("method",         struct asset_wish, method, .values = methods, .flags = FIELD_CREATE_ONLY, .fallback = "straight_line", .help = "How its value goes"),
    FIELD_ENUM ("convention",     struct asset_wish, convention, .values = conventions, .flags = FIELD_CREATE_ONLY, .fallback = "daily", .help = "When charges begin and what a period is"),
    FIELD_INT  ("step_months",    struct asset_wish, step_months, .flags = FIELD_CREATE_ONLY, .least = 1, .most = 12, .fallback = "12", .help = "Declining balance and sum of years' digits: the rate applies anew every 1 or 12 months"),
    FIELD_INT  ("lifetime_gpu_hours", struct asset_wish, lifetime_gpu_hours, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .least = 1, .most = 100000000, .help = "Units of production: GPU-hours of its life"),
    FIELD_COLUMN_WITH("status",   FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = status_fields, .help = "In the books; left out until the close of the day it was acquired on"),
    FIELDS_END,
};
// clang-format on

const struct schema asset_schema = {"Asset", asset_fields, sizeof(struct asset_wish)};

struct asset_query {
    const char *serial;
    const char *cohort;
    const char *node;
    const char *component_of;
    const char *purchase_order;
};
static const struct field asset_query_fields[] = {
    FIELD_TEXT("serial", struct asset_query, serial, .help = "Only the asset of this serial number"),
    FIELD_TEXT("cohort", struct asset_query, cohort, .help = "Only assets of this cohort"),
    FIELD_ID("node", struct asset_query, node, .identity = IDENTITY_NODE, .help = "Only assets of this node"),
    FIELD_TEXT("component_of", struct asset_query, component_of, .help = "Only components of the asset of this serial"),
    FIELD_TEXT("purchase_order", struct asset_query, purchase_order, .help = "Only assets of the order of this number"),
    FIELDS_END,
};
static const struct schema asset_query_schema = {"AssetQuery", asset_query_fields, sizeof(struct asset_query)};

#define MINOR(column, name) column " AS \"" name ".amount_minor\", a.currency AS \"" name ".currency\""

// clang-format off
#define ASSET_SELECT \
    "SELECT a.id, a.serial, a.node_id AS node, a.cohort, a.vendor, a.part, p.serial AS component_of," \
    " o.number AS purchase_order, a.lot, " MINOR("a.cost_minor", "cost") ", " MINOR("a.salvage_minor", "salvage") "," \
    " a.acquired_on, a.in_service, a.life_months, a.method, a.convention, a.step_months, a.lifetime_gpu_hours," \
    " r.recognised_on AS \"status.recognised_on\", r.in_service AS \"status.depreciated_from\"," \
    " r.disposed_on AS \"status.disposed_on\", " MINOR("r.cost_minor", "status.gross_cost") "," \
    " " MINOR("r.accumulated_minor", "status.accumulated_depreciation") "," \
    " " MINOR("r.impairment_minor", "status.accumulated_impairment") "," \
    " " MINOR("r.cost_minor - r.accumulated_minor - r.impairment_minor", "status.net_book_value") "," \
    " a.revision AS wish_revision," \
    " left(md5(concat_ws(' ', r.accumulated_minor, r.impairment_minor, r.disposed_on)), 16) AS status_revision" \
    " FROM asset a LEFT JOIN asset p ON p.id = a.component_of LEFT JOIN purchase_order o ON o.id = a.purchase_order_id"
// clang-format on

static const struct db_stmt statement_list = {
    .name = "asset_list",
    .sql = "WITH page AS (SELECT a.id FROM asset a"
           " WHERE ($1::uuid IS NULL OR a.id > $1::uuid) AND ($3::text IS NULL OR a.serial = $3::text)"
           " AND ($4::text IS NULL OR a.cohort = $4::text) AND ($5::uuid IS NULL OR a.node_id = $5::uuid)"
           " AND ($6::text IS NULL OR a.component_of = (SELECT id FROM asset WHERE serial = $6::text))"
           " AND ($7::text IS NULL OR a.purchase_order_id = (SELECT id FROM purchase_order WHERE number = $7::text))"
           " ORDER BY a.id LIMIT $2::bigint) "
           "SELECT s.*, s.id AS page_key FROM page g CROSS JOIN LATERAL (" ASSET_SELECT
           "  LEFT JOIN LATERAL (SELECT * FROM asset_register r WHERE r.asset_id = a.id) r ON true"
           "  WHERE a.id = g.id) s ORDER BY s.id",
    .params = 7,
};

static const struct db_stmt statement_get = {
    .name = "asset_get",
    .sql = ASSET_SELECT " LEFT JOIN asset_register r ON r.asset_id = a.id WHERE a.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "asset_lock",
    .sql = "SELECT id, revision AS wish_revision FROM asset WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock asset_lock = {.stmt = &statement_lock, .noun = "asset", .read = &statement_get};

static const struct db_stmt statement_names = {
    .name = "asset_names",
    .sql = "SELECT $1::uuid IS NULL OR EXISTS (SELECT FROM node WHERE id = $1::uuid),"
           " (SELECT id FROM asset WHERE serial = $2::text AND id <> $4::uuid),"
           " (SELECT id FROM purchase_order WHERE number = $3::text)",
    .params = 4,
};

static const struct db_stmt statement_replace = {
    .name = "asset_replace",
    .sql = "UPDATE asset SET node_id = $2::uuid, cohort = $3, vendor = $4, part = $5, component_of = $6::uuid,"
           " purchase_order_id = $7::uuid, lot = $8, revision = revision + 1 WHERE id = $1::uuid RETURNING revision",
    .params = 8,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct asset_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->serial, query->cohort, query->node, query->component_of, query->purchase_order),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "asset", reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct asset_wish *wish = request->body;
    const char *taken = NULL;
    enum err_kind kind =
        asset_make(request, &(struct asset_rows){.items = wish, .count = 1, .prefixes = (const char *const[]){""}},
                   &taken, reterr);
    if (kind == ERR_NONE && taken != NULL)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an asset of serial number '%s' exists already", taken);
    if (kind == ERR_NONE)
        kind = answer_object(request, response, 201, &statement_get, request->new_id, "asset", reterr);
    request->wakes_planner = true;
    return kind == ERR_NONE ? request_event(request, NULL, NULL, "asset", request->new_id, 1, "asset.created", reterr)
                            : kind;
}

static enum err_kind find_names(struct request *request, const struct asset_wish *wish, const PGresult **ret,
                                struct err *reterr)
{
    enum err_kind kind =
        request_run(request, &statement_names,
                    DB_PARAMS(wish->node, wish->component_of, wish->purchase_order, request->object), ret, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!db_bool(*ret, 0, 0))
        field_problem_add(&request->problems, "/node", "unknown_node", "there is no such node");
    if (wish->component_of != NULL && db_text(*ret, 0, 1) == NULL)
        field_problem_add(&request->problems, "/component_of", "unknown_asset",
                          "there is no other asset of this serial number");
    if (wish->purchase_order != NULL && db_text(*ret, 0, 2) == NULL)
        field_problem_add(&request->problems, "/purchase_order", "unknown_purchase_order",
                          "there is no purchase order of this number");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

/* Where it is and what it belongs to. What it cost and how long it lasts are changes, with a reason and a day. */
static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct asset_wish *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *names = NULL;
    const PGresult *changed = NULL;
    enum err_kind kind = find_names(request, wish, &names, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_replace,
                           DB_PARAMS(request->object, wish->node, wish->cohort, wish->vendor, wish->part,
                                     db_text(names, 0, 1), db_text(names, 0, 2), wish->lot),
                           &changed, reterr);
    if (kind == ERR_NONE)
        kind = get(request, response, reterr);
    request->wakes_planner = true;
    return kind == ERR_NONE ? request_event(request, NULL, NULL, "asset", request->object, db_int(changed, 0, 0, 0),
                                            "asset.changed", reterr)
                            : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_ASSET
static const struct route asset_routes[] = {
    {GET,   "/v1/system/assets",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &asset_query_schema, .answer = &asset_schema, .is_list = true, .run = list, .summary = "List assets"},
    {GET,   "/v1/system/assets/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &asset_schema, ONE, .run = get, .summary = "One asset"},
    {POST,  "/v1/system/assets",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &asset_schema, .answer = &asset_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken", "unknown_node", "unknown_asset", "unknown_purchase_order"), .summary = "Register an asset"},
    {PUT,   "/v1/system/assets/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &asset_schema, .answer = &asset_schema, ONE, .lock = &asset_lock, .run = replace, .problems = PROBLEMS("unknown_node", "unknown_asset", "unknown_purchase_order"), .summary = "Say where an asset is and what it belongs to: all of it"},
    {PATCH, "/v1/system/assets/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &asset_schema, .answer = &asset_schema, ONE, .lock = &asset_lock, .run = replace, .problems = PROBLEMS("unknown_node", "unknown_asset", "unknown_purchase_order"), .summary = "Say where an asset is and what it belongs to: what is given"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const asset_statements[] = {&statement_list,  &statement_get,     &statement_lock,
                                                         &statement_names, &statement_replace, NULL};

const struct resource asset_resource = {
    "assets", asset_routes, asset_statements,
    "What the provider bought: depreciated by method and convention, attributed to who used it."};
