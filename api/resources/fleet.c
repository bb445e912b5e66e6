/* The fleet rack by rack: what its nodes are and who holds how much of them now. It is what a map of the fleet is drawn
 * of: where nodes are asked for too, they come within their racks, in a fraction of what the list of nodes has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field node_fields[] = {
    FIELD_COLUMN("id",        FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("name",      FIELD_TYPE_TEXT, .help = "Its name, unique within the zone"),
    FIELD_COLUMN("gpu_model", FIELD_TYPE_TEXT, .help = "Model of its GPUs"),
    FIELD_COLUMN("gpu_count", FIELD_TYPE_INT, .help = "Its GPUs"),
    FIELD_COLUMN("state",     FIELD_TYPE_TEXT, .help = "Where it is in its life, as a node's status.state"),
    FIELD_COLUMN("since",     FIELD_TYPE_TIME, .help = "Domain time of the last change of state"),
    FIELD_COLUMN("cordoned",  FIELD_TYPE_BOOL, .help = "Takes no new allocations"),
    FIELD_COLUMN("powered",   FIELD_TYPE_BOOL, .help = "sim: whether the stand-in answers"),
    FIELD_COLUMN_WITH("note", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it is cordoned, or the last thing that went wrong; null: nothing to say"),
    FIELD_COLUMN("held",      FIELD_TYPE_JSON, .help = "What is held of it now: [from, to, tenant] each, by milli-GPUs as in an allocation's slots"),
    FIELDS_END,
};

static const struct field fleet_fields[] = {
    FIELD_COLUMN("id",         FIELD_TYPE_ID, .identity = IDENTITY_RACK, .help = "The rack"),
    FIELD_COLUMN("name",       FIELD_TYPE_TEXT, .help = "Its name, unique within the fabric"),
    FIELD_COLUMN("zone",       FIELD_TYPE_TEXT, .help = "Name of its zone"),
    FIELD_COLUMN("fabric",     FIELD_TYPE_TEXT, .help = "Name of its fabric"),
    FIELD_COLUMN_WITH("leaf",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the leaf switch that it is behind; null: not known"),
    FIELD_COLUMN("node_count", FIELD_TYPE_INT, .help = "Its nodes, those that are retired left out"),
    FIELD_COLUMN("gpu_count",  FIELD_TYPE_INT, .help = "Their GPUs"),
    FIELD_COLUMN("allocated_gpu_milli", FIELD_TYPE_INT, .help = "Milli-GPUs of them that are allocated now"),
    FIELD_COLUMN("cordoned_count",      FIELD_TYPE_INT, .help = "Nodes that take no new allocations"),
    FIELD_COLUMN("unpowered_count",     FIELD_TYPE_INT, .help = "sim: nodes that do not answer"),
    FIELD_COLUMN("states",     FIELD_TYPE_JSON, .help = "How many of its nodes are in each state"),
    FIELD_COLUMN("tenants",    FIELD_TYPE_JSON, .help = "How many milli-GPUs of it each tenant holds now"),
    FIELD_COLUMN_WITH("nodes", FIELD_TYPE_ROWS, FIELD_OPTIONAL, .fields = node_fields, .help = "With ?nodes=true: each of its nodes, by name"),
    FIELDS_END,
};

struct fleet_query {
    const char *zone, *fabric, *rack;
    bool nodes;
};
static const struct field query_fields[] = {
    FIELD_TEXT("zone",   struct fleet_query, zone, .help = "Only racks in the zone of this name"),
    FIELD_TEXT("fabric", struct fleet_query, fabric, .help = "Only racks in the fabrics of this name"),
    FIELD_TEXT("rack",   struct fleet_query, rack, .help = "Only racks of this name"),
    FIELD_BOOL("nodes",  struct fleet_query, nodes, .fallback = "false", .help = "With each node, not only sums"),
    FIELDS_END,
};
// clang-format on

static const struct schema fleet_schema = {"FleetRack", fleet_fields, 0};
static const struct schema query_schema = {"FleetQuery", query_fields, sizeof(struct fleet_query)};

/* Racks of the page, their nodes, what is held of these now; then sums per node and per rack. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "fleet_list",
    .sql =
        "WITH page AS MATERIALIZED ("
        "  SELECT r.id, r.name, z.name AS zone, f.name AS fabric, l.name AS leaf"
        "    FROM rack r JOIN fabric f ON f.id = r.fabric_id JOIN zone z ON z.id = f.zone_id LEFT JOIN leaf l ON l.id = r.leaf_id"
        "   WHERE ($1::uuid IS NULL OR r.id > $1::uuid) AND ($3::text IS NULL OR z.name = $3::text)"
        "     AND ($4::text IS NULL OR f.name = $4::text) AND ($5::text IS NULL OR r.name = $5::text)"
        "   ORDER BY r.id LIMIT $2::bigint"
        "), member AS MATERIALIZED ("
        "  SELECT n.rack_id, n.id, n.name, n.gpu_model, n.gpu_count, n.cordoned, n.sim_powered, n.cordon_reason, s.last_error,"
        "         coalesce(s.state, 'enrolled') AS state, extract(epoch FROM coalesce(s.since, n.enrolled_at))::bigint AS since"
        "    FROM node n LEFT JOIN node_status s ON s.node_id = n.id"
        "   WHERE n.rack_id IN (SELECT id FROM page) AND n.retired_at IS NULL"
        "), holding AS MATERIALIZED ("
        "  SELECT m.rack_id, m.id AS node_id, lower(a.slots) AS slot, upper(a.slots) AS until, t.name AS tenant"
        "    FROM member m JOIN allocation a ON a.node_id = m.id"
        "     AND a.place && allocation_reach(m.id, (SELECT sluice_now()), (SELECT sluice_now()))"
        "    JOIN tenant t ON t.id = a.tenant_id"
        "   WHERE a.kind = 'instance' AND a.period @> (SELECT sluice_now())"
        "), per_node AS ("
        "  SELECT node_id, json_agg(json_build_array(slot, until, tenant) ORDER BY slot) AS held FROM holding GROUP BY node_id"
        "), per_state AS ("
        "  SELECT rack_id, json_object_agg(state, nodes) AS states"
        "    FROM (SELECT rack_id, state, count(*) AS nodes FROM member GROUP BY 1, 2) s GROUP BY rack_id"
        "), per_tenant AS ("
        "  SELECT rack_id, json_object_agg(tenant, gpu_milli) AS tenants, sum(gpu_milli) AS gpu_milli"
        "    FROM (SELECT rack_id, tenant, sum(until - slot) AS gpu_milli FROM holding GROUP BY 1, 2) t GROUP BY rack_id"
        "), per_rack AS ("
        "  SELECT m.rack_id, count(*) AS nodes, sum(m.gpu_count) AS gpus, count(*) FILTER (WHERE m.cordoned) AS cordoned,"
        "         count(*) FILTER (WHERE NOT m.sim_powered) AS unpowered,"
        "         CASE WHEN $6::boolean THEN json_agg(json_build_object('id', m.id, 'name', m.name, 'gpu_model', m.gpu_model,"
        "           'gpu_count', m.gpu_count, 'state', m.state, 'since', m.since, 'cordoned', m.cordoned, 'powered', m.sim_powered,"
        "           'note', coalesce(m.cordon_reason, m.last_error), 'held', coalesce(h.held, '[]')::text) ORDER BY m.name) END AS each"
        "    FROM member m LEFT JOIN per_node h ON h.node_id = m.id GROUP BY m.rack_id"
        ") SELECT p.id, p.name, p.zone, p.fabric, p.leaf, coalesce(r.nodes, 0) AS node_count, coalesce(r.gpus, 0) AS gpu_count,"
        "  coalesce(t.gpu_milli, 0) AS allocated_gpu_milli, coalesce(r.cordoned, 0) AS cordoned_count,"
        "  coalesce(r.unpowered, 0) AS unpowered_count, coalesce(s.states, '{}') AS states, coalesce(t.tenants, '{}') AS tenants,"
        "  CASE WHEN $6::boolean THEN coalesce(r.each, '[]') END AS nodes, p.id AS page_key"
        "  FROM page p LEFT JOIN per_rack r ON r.rack_id = p.id LEFT JOIN per_state s ON s.rack_id = p.id"
        "  LEFT JOIN per_tenant t ON t.rack_id = p.id ORDER BY p.id",
    .params = 6,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct fleet_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->zone, query->fabric, query->rack, request_bool(query->nodes)), reterr);
}

// clang-format off
static const struct route fleet_routes[] = {
    {GET, "/v1/system/fleet", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &fleet_schema, .is_list = true, .run = list, .summary = "What the fleet does now, rack by rack"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const fleet_statements[] = {&statement_list, NULL};

const struct resource fleet_resource = {"fleet", fleet_routes, fleet_statements,
                                        "What the nodes of each rack do now, and who holds them."};
