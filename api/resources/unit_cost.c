/* Unit costs: what an hour of a GPU costs on each kind of node, against what each instance type sells it for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node_kind.h"
#include "api/resources/registry.h"
#include "api/server/page_cursor.h"
#include "api/server/response.h"
#include "common/money.h"

#include <string.h>

#define PPM_PER_BP 100

struct unit_cost_query {
    const char *zone;
    const char *instance_type;
    const char *currency;
    int64_t utilisation_bp;
    int64_t margin_bp;
};

struct unit_cost_item {
    const char *zone, *instance_type, *tier, *gpu_model;
    int64_t gpu_count, nodes;
    struct field_money depreciation, cash, variable, cost, floor, price;
    int64_t break_even_bp;
    bool is_below_floor;
};

// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("zone",           struct unit_cost_query, zone, .help = "Only nodes of the zone of this name"),
    FIELD_TEXT("instance_type",  struct unit_cost_query, instance_type, .help = "Only the instance type of this name"),
    FIELD_TEXT("currency",       struct unit_cost_query, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Costs and prices of this currency: currencies do not add up"),
    FIELD_INT ("utilisation_bp", struct unit_cost_query, utilisation_bp, .least = 1, .most = 10000, .fallback = "7500", .help = "Share of all GPU-hours that is sold, in basis points, which the fixed cost is spread over"),
    FIELD_INT ("margin_bp",      struct unit_cost_query, margin_bp, .least = 0, .most = 9999, .fallback = "2000", .help = "Share of the price that is to be left, in basis points, for the floor"),
    FIELDS_END,
};

static const struct field item_fields[] = {
    FIELD_TEXT ("zone",            struct unit_cost_item, zone, .help = "The zone"),
    FIELD_TEXT ("instance_type",   struct unit_cost_item, instance_type, .flags = FIELD_NULLABLE, .help = "An instance type that may land on such a node; null: there is none"),
    FIELD_TEXT ("tier",            struct unit_cost_item, tier, .flags = FIELD_NULLABLE, .help = "The tier of the price; null: it has no list price"),
    FIELD_TEXT ("gpu_model",       struct unit_cost_item, gpu_model, .help = "The node's GPU model"),
    FIELD_INT  ("gpu_count",       struct unit_cost_item, gpu_count, .help = "And how many GPUs it has"),
    FIELD_INT  ("nodes",           struct unit_cost_item, nodes, .help = "How many such nodes there are; the figures are their average"),
    FIELD_MONEY("node_hour_depreciation", struct unit_cost_item, depreciation, .help = "Straight-line depreciation per node-hour"),
    FIELD_MONEY("node_hour_cash",  struct unit_cost_item, cash, .help = "Idle power, colocation, operations, network and storage per node-hour"),
    FIELD_MONEY("gpu_hour_variable", struct unit_cost_item, variable, .help = "What a GPU at work takes in power beyond that, per GPU-hour: the floor of what would otherwise stand idle"),
    FIELD_MONEY("gpu_hour_cost",   struct unit_cost_item, cost, .help = "Cost of a GPU-hour sold, at the utilisation asked for"),
    FIELD_MONEY("gpu_hour_floor",  struct unit_cost_item, floor, .help = "The least price of a GPU-hour that leaves the margin asked for at that utilisation; of preemptible capacity the variable cost"),
    FIELD_MONEY("gpu_hour_price",  struct unit_cost_item, price, .flags = FIELD_NULLABLE, .help = "The list price in force"),
    FIELD_INT  ("break_even_bp",   struct unit_cost_item, break_even_bp, .flags = FIELD_NULLABLE, .help = "Utilisation in basis points from which that price pays; above 10000, or null, it never does"),
    FIELD_BOOL ("is_below_floor",  struct unit_cost_item, is_below_floor, .help = "Whether the list price is below the floor"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"UnitCostQuery", query_fields, sizeof(struct unit_cost_query)};
static const struct schema item_schema = {"UnitCost", item_fields, sizeof(struct unit_cost_item)};

/* The key of a page is "zone model count type tier", the last two where there are any. */
static const struct db_stmt statement_list = {
    .name = "unit_cost_list",
    .sql =
        "WITH k AS ("
        "  SELECT z.name AS zone, i.name AS instance_type, p.tier, p.gpu_hour_u, c.*,"
        "         concat_ws(' ', z.name, c.gpu_model, c.gpu_count, i.name, p.tier) COLLATE \"C\" AS page_key"
        "    FROM node_kind_costs($3::text, NULL) c JOIN zone z ON z.id = c.zone_id"
        "    LEFT JOIN instance_type i ON c.gpu_model = ANY (i.gpu_models) AND i.gpu_count <= c.gpu_count"
        "    LEFT JOIN price p ON p.sku_kind = 'instance_type' AND p.sku = i.name AND p.tenant_id IS NULL"
        "     AND p.withdrawn_at IS NULL AND p.currency = $3::text AND p.valid @> sluice_now()"
        "   WHERE ($4::text IS NULL OR z.name = $4::text) AND ($5::text IS NULL OR i.name = $5::text)"
        ") SELECT k.zone, k.instance_type, k.tier, k.gpu_model, k.nodes, k.gpu_hour_u, k.page_key, " NODE_KIND_COLUMNS
        "   FROM k WHERE $1::text IS NULL OR k.page_key > $1::text ORDER BY k.page_key LIMIT $2::bigint",
    .params = 5,
};

static struct field_money money(int64_t amount_u, const char *currency)
{
    return (struct field_money){.amount_u = amount_u, .currency = currency};
}

/* Pico to the nearest micro-unit; both are >= 0. */
static int64_t micro(int64_t pico)
{
    return pico / UNIT_COST_PICO_PER_MICRO + (pico % UNIT_COST_PICO_PER_MICRO >= UNIT_COST_PICO_PER_MICRO / 2);
}

static enum err_kind price_item(const struct unit_cost_query *query, const struct unit_cost *cost, const PGresult *rows,
                                int row, struct unit_cost_item *item, struct err *reterr)
{
    int64_t utilisation_ppm = query->utilisation_bp * PPM_PER_BP;
    int64_t floor_u = 0, cost_u = 0;
    enum err_kind kind = unit_cost_per_gpu_hour(cost, utilisation_ppm, &cost_u, reterr);
    if (kind == ERR_NONE)
        kind = unit_cost_floor(cost, utilisation_ppm, query->margin_bp * PPM_PER_BP, &floor_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (item->tier != NULL && strcmp(item->tier, "preemptible") == 0)
        floor_u = unit_cost_marginal_floor_u(cost);
    item->cost = money(cost_u, query->currency);
    item->floor = money(floor_u, query->currency);
    item->break_even_bp = FIELD_NULL;
    if (item->tier == NULL)
        return ERR_NONE;
    item->price = money(db_int(rows, row, PQfnumber(rows, "gpu_hour_u"), 0), query->currency);
    item->is_below_floor = item->price.amount_u < floor_u;
    int64_t break_even_ppm = unit_cost_break_even_ppm(cost, item->price.amount_u);
    if (break_even_ppm != INT64_MAX)
        item->break_even_bp = (break_even_ppm + PPM_PER_BP / 2) / PPM_PER_BP;
    return ERR_NONE;
}

static enum err_kind item_out(struct request *request, const PGresult *rows, int row, struct json_out *out,
                              struct err *reterr)
{
    const struct unit_cost_query *query = request->query;
    struct unit_cost cost;
    enum err_kind kind = node_kind_cost(rows, row, query->currency, &cost, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct unit_cost_item item = {
        .zone = db_text(rows, row, PQfnumber(rows, "zone")),
        .instance_type = db_text(rows, row, PQfnumber(rows, "instance_type")),
        .tier = db_text(rows, row, PQfnumber(rows, "tier")),
        .gpu_model = db_text(rows, row, PQfnumber(rows, "gpu_model")),
        .gpu_count = cost.gpus,
        .nodes = db_int(rows, row, PQfnumber(rows, "nodes"), 0),
        .depreciation = money(micro(cost.depreciation_pico), query->currency),
        .cash = money(micro(cost.cash_pico), query->currency),
        .variable = money(micro(cost.variable_pico), query->currency),
    };
    kind = price_item(query, &cost, rows, row, &item, reterr);
    if (kind == ERR_NONE)
        field_write_struct(item_fields, &item, out);
    return kind;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct unit_cost_query *query = request->query;
    struct json_out *out = &response->body;
    const PGresult *rows = NULL;
    struct page page;
    if (!node_kind_currency_is_known(request, query->currency))
        return request_invalid(request, reterr);
    enum err_kind kind = page_read(request, &page, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_list,
                           DB_PARAMS(page.after, page.limit_sql, query->currency, query->zone, query->instance_type),
                           &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    int shown = PQntuples(rows) > page.limit ? page.limit : PQntuples(rows);
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    for (int row = 0; row < shown && kind == ERR_NONE; row++)
        kind = item_out(request, rows, row, out, reterr);
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    bool has_more = PQntuples(rows) > shown;
    json_out_text(out,
                  has_more ? page_cursor_make(request, db_text(rows, shown - 1, PQfnumber(rows, "page_key"))) : NULL);
    json_out_close(out, '}');
    return kind;
}

// clang-format off
static const struct route unit_cost_routes[] = {
    {GET, "/v1/system/unit-costs", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &item_schema, .is_list = true, .run = list, .summary = "What a GPU-hour costs on each kind of node, its price floor, and from which utilisation a price pays"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const unit_cost_statements[] = {&statement_list, NULL};

const struct resource unit_cost_resource = {"unit-costs", unit_cost_routes, unit_cost_statements,
                                            "What a GPU-hour costs, and what it must therefore be sold for."};
