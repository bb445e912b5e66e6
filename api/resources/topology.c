/* Where nodes stand: fabrics, the leaf switches within them, and racks. They are made by the first node that names them
 * (node.h), so they are only read here; each is told with how many nodes it has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field fabric_fields[] = {
    FIELD_COLUMN("id",    FIELD_TYPE_ID, .identity = IDENTITY_FABRIC, .help = "The fabric"),
    FIELD_COLUMN("name",  FIELD_TYPE_TEXT, .help = "Its name, unique within the zone"),
    FIELD_COLUMN("zone",  FIELD_TYPE_TEXT, .help = "Name of its zone"),
    FIELD_COLUMN("racks", FIELD_TYPE_INT, .help = "Its racks"),
    FIELD_COLUMN("nodes", FIELD_TYPE_INT, .help = "Its nodes, those that are retired left out"),
    FIELDS_END,
};

static const struct field switch_fields[] = {
    FIELD_COLUMN("id",     FIELD_TYPE_ID, .identity = IDENTITY_SWITCH, .help = "The leaf switch"),
    FIELD_COLUMN("name",   FIELD_TYPE_TEXT, .help = "Its name, unique within the fabric; what nodes say as leaf"),
    FIELD_COLUMN("zone",   FIELD_TYPE_TEXT, .help = "Name of its zone"),
    FIELD_COLUMN("fabric", FIELD_TYPE_TEXT, .help = "Name of its fabric"),
    FIELD_COLUMN("racks",  FIELD_TYPE_INT, .help = "The racks behind it"),
    FIELD_COLUMN("nodes",  FIELD_TYPE_INT, .help = "The nodes behind it, those that are retired left out"),
    FIELDS_END,
};

static const struct field rack_fields[] = {
    FIELD_COLUMN("id",     FIELD_TYPE_ID, .identity = IDENTITY_RACK, .help = "The rack"),
    FIELD_COLUMN("name",   FIELD_TYPE_TEXT, .help = "Its name, unique within the fabric"),
    FIELD_COLUMN("zone",   FIELD_TYPE_TEXT, .help = "Name of its zone"),
    FIELD_COLUMN("fabric", FIELD_TYPE_TEXT, .help = "Name of its fabric"),
    FIELD_COLUMN_WITH("leaf", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the leaf switch that it is behind; null: not known"),
    FIELD_COLUMN("nodes",  FIELD_TYPE_INT, .help = "Its nodes, those that are retired left out"),
    FIELDS_END,
};

struct topology_query {
    const char *name, *zone, *fabric;
};
static const struct field query_fields[] = {
    FIELD_TEXT("name",   struct topology_query, name, .help = "Only those of this name"),
    FIELD_TEXT("zone",   struct topology_query, zone, .help = "Only those in the zone of this name"),
    FIELD_TEXT("fabric", struct topology_query, fabric, .help = "Only those in the fabrics of this name"),
    FIELDS_END,
};
// clang-format on

static const struct schema fabric_schema = {"Fabric", fabric_fields, 0};
static const struct schema switch_schema = {"Switch", switch_fields, 0};
static const struct schema rack_schema = {"Rack", rack_fields, 0};
static const struct schema query_schema = {"TopologyQuery", query_fields, sizeof(struct topology_query)};

/* x is what is listed; f its fabric. */
#define FILTERS                                                                                                        \
    " WHERE ($1::uuid IS NULL OR x.id > $1::uuid) AND ($3::text IS NULL OR x.name = $3::text)"                         \
    "   AND ($4::text IS NULL OR z.name = $4::text) AND ($5::text IS NULL OR f.name = $5::text)"                       \
    " ORDER BY x.id LIMIT $2::bigint"
#define NODES_OF(condition)                                                                                            \
    "(SELECT count(*) FROM node n JOIN rack r ON r.id = n.rack_id WHERE n.retired_at IS NULL AND " condition           \
    ") AS nodes, x.id AS page_key"

// clang-format off
static const struct db_stmt statement_fabrics = {
    .name = "topology_fabrics",
    .sql = "SELECT x.id, x.name, z.name AS zone, (SELECT count(*) FROM rack r WHERE r.fabric_id = x.id) AS racks,"
           " " NODES_OF("r.fabric_id = x.id") " FROM fabric x JOIN fabric f ON f.id = x.id"
           " JOIN zone z ON z.id = x.zone_id" FILTERS,
    .params = 5,
};

static const struct db_stmt statement_switches = {
    .name = "topology_switches",
    .sql = "SELECT x.id, x.name, z.name AS zone, f.name AS fabric,"
           " (SELECT count(*) FROM rack r WHERE r.leaf_id = x.id) AS racks, " NODES_OF("r.leaf_id = x.id")
           " FROM leaf x JOIN fabric f ON f.id = x.fabric_id JOIN zone z ON z.id = f.zone_id" FILTERS,
    .params = 5,
};

static const struct db_stmt statement_racks = {
    .name = "topology_racks",
    .sql = "SELECT x.id, x.name, z.name AS zone, f.name AS fabric, l.name AS leaf, " NODES_OF("r.id = x.id")
           " FROM rack x JOIN fabric f ON f.id = x.fabric_id JOIN zone z ON z.id = f.zone_id"
           " LEFT JOIN leaf l ON l.id = x.leaf_id" FILTERS,
    .params = 5,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, const struct db_stmt *stmt,
                          struct err *reterr)
{
    const struct topology_query *query = request->query;
    return answer_page(request, response, stmt, DB_PARAMS(query->name, query->zone, query->fabric), reterr);
}

static enum err_kind list_fabrics(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_fabrics, reterr);
}

static enum err_kind list_switches(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_switches, reterr);
}

static enum err_kind list_racks(struct request *request, struct response *response, struct err *reterr)
{
    return list(request, response, &statement_racks, reterr);
}

// clang-format off
#define LIST ROLES_SYSTEM_READ, RATE_READ, .query = &query_schema, .is_list = true
static const struct route topology_routes[] = {
    {GET, "/v1/system/fabrics",  LIST, .answer = &fabric_schema, .run = list_fabrics, .summary = "List fabrics"},
    {GET, "/v1/system/switches", LIST, .answer = &switch_schema, .run = list_switches, .summary = "List leaf switches"},
    {GET, "/v1/system/racks",    LIST, .answer = &rack_schema, .run = list_racks, .summary = "List racks"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const topology_statements[] = {&statement_fabrics, &statement_switches, &statement_racks,
                                                            NULL};

const struct resource topology_resource = {"topology", topology_routes, topology_statements,
                                           "Where nodes stand: made by the first node that names them."};
