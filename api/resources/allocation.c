/* Allocations: the rectangles of past, present and future, slots of a node by time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const kinds[] = {"instance", "turnaround", "maintenance", NULL};

// clang-format off
static const struct field allocation_fields[] = {
    FIELD_COLUMN("node",             FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("slots",            FIELD_TYPE_JSON, .help = "[from, to): milli-GPUs of the node; GPU 3 whole is [3000, 4000]"),
    FIELD_COLUMN("from",             FIELD_TYPE_TIME, .help = "Inclusive"),
    FIELD_COLUMN_WITH("to",          FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Exclusive; null: open-ended"),
    FIELD_COLUMN("kind",             FIELD_TYPE_ENUM, .values = kinds, .help = "What takes it"),
    FIELD_COLUMN_WITH("reservation", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "For an instance and the turnaround behind it"),
    FIELD_COLUMN_WITH("reservation_name", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Its name; null: it has none"),
    FIELD_COLUMN_WITH("tenant",      FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of its tenant; null: maintenance is nobody's"),
    FIELD_COLUMN_WITH("maintenance_window", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_MAINTENANCE, .help = "For maintenance"),
    FIELD_COLUMN_WITH("ordinal",     FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Which instance of the reservation, or node of the window"),
    FIELD_COLUMN("cpu_milli",        FIELD_TYPE_INT, .help = "CPU taken; carried by one rectangle per instance and instant"),
    FIELD_COLUMN("memory_mib",       FIELD_TYPE_INT, .help = "Memory taken; likewise"),
    FIELDS_END,
};
// clang-format on

static const struct schema allocation_schema = {"Allocation", allocation_fields, 0};

struct allocation_query {
    const char *zone, *fabric, *rack;
    const char *node;
    int64_t from, to;
};
// clang-format off
static const struct field allocation_query_fields[] = {
    FIELD_TEXT("zone",   struct allocation_query, zone, .help = "Only allocations in the zone of this name"),
    FIELD_TEXT("fabric", struct allocation_query, fabric, .help = "Only those in the fabrics of this name"),
    FIELD_TEXT("rack",   struct allocation_query, rack, .help = "Only those in the racks of this name"),
    FIELD_ID  ("node",   struct allocation_query, node, .identity = IDENTITY_NODE, .help = "Only allocations of this node"),
    FIELD_TIME("from",   struct allocation_query, from, .help = "Only those that reach beyond this instant"),
    FIELD_TIME("to",     struct allocation_query, to, .from = "from", .help = "Only those that begin before this instant"),
    FIELDS_END,
};
// clang-format on
static const struct schema allocation_query_schema = {"AllocationQuery", allocation_query_fields,
                                                      sizeof(struct allocation_query)};

/* What was and is of one node within [$7, $8), found by the index of each. */
#define OF_NODE(table, condition)                                                                                      \
    "SELECT slots, period, kind, reservation_id, maintenance_window_id, ordinal, tenant_id, cpu_milli, memory_mib,"    \
    " extract(epoch FROM lower(period))::bigint AS starts, lower(slots) AS slot,"                                      \
    " coalesce(reservation_id, maintenance_window_id, '00000000-0000-0000-0000-000000000000') AS owner,"               \
    " coalesce(ordinal, -1) AS position"                                                                               \
    " FROM " table " x WHERE x.node_id = n.id" condition                                                               \
    " AND x.period && tstzrange(to_timestamp($7::bigint), to_timestamp($8::bigint))"

/* The key of a page is "node start slot reservation ordinal", which is the order. The last two only matter where
 * rectangles overlap: a double booking must show, not hide between two pages. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "allocation_list",
    .sql =
        "SELECT n.id AS node, json_build_array(a.slot, upper(a.slots)) AS slots, a.starts AS \"from\","
        "  CASE WHEN upper(a.period) <> 'infinity' THEN extract(epoch FROM upper(a.period))::bigint END AS \"to\", a.kind,"
        "  a.reservation_id AS reservation, o.name AS reservation_name, t.name AS tenant,"
        "  a.maintenance_window_id AS maintenance_window, a.ordinal, a.cpu_milli, a.memory_mib,"
        "  concat_ws(' ', n.id, a.starts, a.slot, a.owner, a.position) AS page_key"
        " FROM (SELECT n.id FROM node n JOIN rack r ON r.id = n.rack_id JOIN fabric f ON f.id = r.fabric_id JOIN zone z ON z.id = n.zone_id"
        "        WHERE n.id >= coalesce(split_part($1::text, ' ', 1)::uuid, '00000000-0000-0000-0000-000000000000')"
        "          AND ($3::text IS NULL OR z.name = $3::text) AND ($4::text IS NULL OR f.name = $4::text)"
        "          AND ($5::text IS NULL OR r.name = $5::text) AND ($6::uuid IS NULL OR n.id = $6::uuid) ORDER BY n.id) n"
        " CROSS JOIN LATERAL ("
        OF_NODE("allocation", " AND x.place && allocation_reach(n.id, coalesce(to_timestamp($7::bigint), '2000-01-01'), to_timestamp($8::bigint))")
        "   UNION ALL " OF_NODE("allocation_history", "") ") a"
        " LEFT JOIN reservation o ON o.id = a.reservation_id LEFT JOIN tenant t ON t.id = a.tenant_id"
        " WHERE $1::text IS NULL OR (n.id, a.starts, a.slot, a.owner, a.position)"
        "   > (split_part($1, ' ', 1)::uuid, split_part($1, ' ', 2)::bigint, split_part($1, ' ', 3)::integer,"
        "      split_part($1, ' ', 4)::uuid, split_part($1, ' ', 5)::integer)"
        " ORDER BY n.id, a.starts, a.slot, a.owner, a.position LIMIT $2::bigint",
    .params = 8,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct allocation_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->zone, query->fabric, query->rack, query->node,
                                 request_int(request, query->from), request_int(request, query->to)),
                       reterr);
}

// clang-format off
static const struct route allocation_routes[] = {
    {GET, "/v1/system/allocations", ROLES_SYSTEM_READ, RATE_REPORT, .query = &allocation_query_schema, .answer = &allocation_schema, .is_list = true, .run = list, .summary = "List allocations by node and time: past, present and future"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const allocation_statements[] = {&statement_list, NULL};

const struct resource allocation_resource = {"allocations", allocation_routes, allocation_statements,
                                             "What is placed on which node, and when: the planner's book."};
