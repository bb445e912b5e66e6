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
    FIELD_COLUMN_WITH("maintenance_window", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_MAINTENANCE, .help = "For maintenance"),
    FIELD_COLUMN_WITH("ordinal",     FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Which instance of the reservation, or node of the window"),
    FIELD_COLUMN("cpu_milli",        FIELD_TYPE_INT, .help = "CPU taken; carried by one rectangle per instance and instant"),
    FIELD_COLUMN("memory_mib",       FIELD_TYPE_INT, .help = "Memory taken; likewise"),
    FIELDS_END,
};
// clang-format on

static const struct schema allocation_schema = {"Allocation", allocation_fields, 0};

struct allocation_query {
    const char *zone;
    const char *node;
};
static const struct field allocation_query_fields[] = {
    FIELD_TEXT("zone", struct allocation_query, zone, .help = "Only allocations in the zone of this name"),
    FIELD_ID("node", struct allocation_query, node, .identity = IDENTITY_NODE, .help = "Only allocations of this node"),
    FIELDS_END,
};
static const struct schema allocation_query_schema = {"AllocationQuery", allocation_query_fields,
                                                      sizeof(struct allocation_query)};

/* The key of a page is "node start slot reservation ordinal", which is the order. The last two only matter where
 * rectangles overlap: a double booking must show, not hide between two pages. */
static const struct db_stmt statement_list = {
    .name = "allocation_list",
    .sql =
        "WITH either AS ("
        "  SELECT node_id, zone_id, slots, period, kind, reservation_id, maintenance_window_id, ordinal, cpu_milli, memory_mib FROM allocation"
        "  UNION ALL"
        "  SELECT node_id, zone_id, slots, period, kind, reservation_id, maintenance_window_id, ordinal, cpu_milli, memory_mib"
        "    FROM allocation_history"
        "), keyed AS ("
        "  SELECT *, extract(epoch FROM lower(period))::bigint AS starts, lower(slots) AS slot,"
        "         coalesce(reservation_id, maintenance_window_id, '00000000-0000-0000-0000-000000000000') AS owner,"
        "         coalesce(ordinal, -1) AS position FROM either"
        "   WHERE ($3::text IS NULL OR zone_id = (SELECT id FROM zone WHERE name = $3::text))"
        "     AND ($4::uuid IS NULL OR node_id = $4::uuid)"
        "     AND node_id >= coalesce(split_part($1::text, ' ', 1)::uuid, '00000000-0000-0000-0000-000000000000')"
        ") SELECT node_id AS node, json_build_array(slot, upper(slots)) AS slots, starts AS \"from\","
        "  CASE WHEN upper(period) <> 'infinity' THEN extract(epoch FROM upper(period))::bigint END AS \"to\", kind,"
        "  reservation_id AS reservation, maintenance_window_id AS maintenance_window, ordinal, cpu_milli, memory_mib,"
        "  concat_ws(' ', node_id, starts, slot, owner, position) AS page_key FROM keyed"
        " WHERE $1::text IS NULL OR (node_id, starts, slot, owner, position)"
        "   > (split_part($1, ' ', 1)::uuid, split_part($1, ' ', 2)::bigint, split_part($1, ' ', 3)::integer,"
        "      split_part($1, ' ', 4)::uuid, split_part($1, ' ', 5)::integer)"
        " ORDER BY node_id, starts, slot, owner, position LIMIT $2::bigint",
    .params = 4,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct allocation_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->zone, query->node), reterr);
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
