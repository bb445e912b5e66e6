/* Attribution: where each node's cost of a day went, to reservations and to idle by cause, summing exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
#define POOLS \
    FIELD_COLUMN("depreciation", FIELD_TYPE_MONEY, .help = "Of it: amortization of the assets"), \
    FIELD_COLUMN("power",        FIELD_TYPE_MONEY, .help = "Of it: energy, times PUE, times tariff"), \
    FIELD_COLUMN("colocation",   FIELD_TYPE_MONEY, .help = "Of it: colocation"), \
    FIELD_COLUMN("operations",   FIELD_TYPE_MONEY, .help = "Of it: operations"), \
    FIELD_COLUMN("network",      FIELD_TYPE_MONEY, .help = "Of it: share of the network"), \
    FIELD_COLUMN("storage",      FIELD_TYPE_MONEY, .help = "Of it: share of the storage")

static const struct field part_fields[] = {
    FIELD_COLUMN("target",           FIELD_TYPE_TEXT, .help = "used or unused time of a reservation, or an idle cause"),
    FIELD_COLUMN_WITH("reservation", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "For used and unused"),
    FIELD_COLUMN("weight",           FIELD_TYPE_INT, .help = "Milli-GPU-seconds of the day"),
    FIELD_COLUMN("amount",           FIELD_TYPE_MONEY, .help = "Its part of the cost"),
    POOLS,
    FIELDS_END,
};

static const struct field attribution_fields[] = {
    FIELD_COLUMN("node",        FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("day",         FIELD_TYPE_DATE, .help = "UTC day"),
    FIELD_COLUMN("cost",        FIELD_TYPE_MONEY, .help = "The node's cost of the day, all pools"),
    POOLS,
    FIELD_COLUMN_WITH("energy_wh", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Watt-hours at the node; null: nothing is known"),
    FIELD_COLUMN_WITH("energy_is_metered", FIELD_TYPE_BOOL, FIELD_NULLABLE, .help = "Whether they were metered, or follow from the power profile"),
    FIELD_COLUMN("allocations", FIELD_TYPE_ROWS, .fields = part_fields, .help = "Where it went; sums to the cost"),
    FIELDS_END,
};
// clang-format on

static const struct schema attribution_schema = {"Attribution", attribution_fields, 0};

struct attribution_query {
    const char *day;
    const char *from;
    const char *to;
    const char *zone;
};
static const struct field attribution_query_fields[] = {
    FIELD_DATE("day", struct attribution_query, day, .help = "Only this day"),
    FIELD_DATE("from", struct attribution_query, from, .help = "First day"),
    FIELD_DATE("to", struct attribution_query, to, .from = "from", .help = "Day after the last"),
    FIELD_TEXT("zone", struct attribution_query, zone, .help = "Only nodes of the zone of this name"),
    FIELDS_END,
};
static const struct schema attribution_query_schema = {"AttributionQuery", attribution_query_fields,
                                                       sizeof(struct attribution_query)};

/* The key of a page is "day node currency". The parts are looked up for the rows of the page only. */
static const struct db_stmt statement_list = {
    .name = "attribution_list",
    .sql =
        "WITH shown AS ("
        "  SELECT c.* FROM node_cost c"
        "   WHERE c.day >= coalesce(split_part($1::text, ' ', 1)::date, $3::date, $4::date, '-infinity')"
        "     AND ($1::text IS NULL OR (c.day, c.node_id, c.currency)"
        "          > (split_part($1, ' ', 1)::date, split_part($1, ' ', 2)::uuid, split_part($1, ' ', 3)))"
        "     AND c.day <= coalesce($3::date, $5::date - 1, 'infinity')"
        "     AND ($4::date IS NULL OR c.day >= $4::date)"
        "     AND ($6::text IS NULL OR EXISTS (SELECT FROM node n JOIN zone z ON z.id = n.zone_id"
        "                                       WHERE n.id = c.node_id AND z.name = $6::text))"
        "   ORDER BY c.day, c.node_id, c.currency LIMIT $2::bigint"
        ") SELECT s.node_id AS node, s.day, s.amount_u AS \"cost.amount_u\", s.currency AS \"cost.currency\","
        "  s.depreciation_u AS \"depreciation.amount_u\", s.currency AS \"depreciation.currency\","
        "  s.power_u AS \"power.amount_u\", s.currency AS \"power.currency\","
        "  s.colocation_u AS \"colocation.amount_u\", s.currency AS \"colocation.currency\","
        "  s.operations_u AS \"operations.amount_u\", s.currency AS \"operations.currency\","
        "  s.network_u AS \"network.amount_u\", s.currency AS \"network.currency\","
        "  s.storage_u AS \"storage.amount_u\", s.currency AS \"storage.currency\","
        "  s.energy_wh, s.energy_is_metered,"
        "  coalesce((SELECT json_agg(json_build_object('target', a.target, 'reservation', a.reservation_id,"
        "      'weight', a.weight,"
        "      'depreciation.amount_u', a.depreciation_u, 'depreciation.currency', a.currency,"
        "      'power.amount_u', a.power_u, 'power.currency', a.currency,"
        "      'colocation.amount_u', a.colocation_u, 'colocation.currency', a.currency,"
        "      'operations.amount_u', a.operations_u, 'operations.currency', a.currency,"
        "      'network.amount_u', a.network_u, 'network.currency', a.currency,"
        "      'storage.amount_u', a.storage_u, 'storage.currency', a.currency,"
        "      'amount.amount_u', a.amount_u, 'amount.currency', a.currency)"
        "      ORDER BY a.target, a.reservation_id)"
        "    FROM cost_allocation a WHERE a.node_id = s.node_id AND a.day = s.day AND a.currency = s.currency), '[]')"
        "  AS allocations, concat_ws(' ', s.day, s.node_id, s.currency) AS page_key"
        " FROM shown s ORDER BY s.day, s.node_id, s.currency",
    .params = 6,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct attribution_query *query = request->query;
    if (query->day != NULL && (query->from != NULL || query->to != NULL)) {
        field_problem_add(&request->problems, "?day", "out_of_range", "give either day, or from and to");
        return request_invalid(request, reterr);
    }
    return answer_page(request, response, &statement_list, DB_PARAMS(query->day, query->from, query->to, query->zone),
                       reterr);
}

// clang-format off
static const struct route attribution_routes[] = {
    {GET, "/v1/system/attribution", ROLES_SYSTEM_READ, RATE_REPORT, .query = &attribution_query_schema, .answer = &attribution_schema, .is_list = true, .run = list, .summary = "The cost of each node's day, and where it went"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const attribution_statements[] = {&statement_list, NULL};

const struct resource attribution_resource = {"attribution", attribution_routes, attribution_statements,
                                              "What each node's day cost, pool by pool, and who bore it."};
