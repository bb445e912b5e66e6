/* Where nodes stand: fabrics, the leaf switches within them, and racks; each in a list of its own, and all of them as a
 * tree. They are made by the first node that names them (node.h), so they are only read here; each is told with how
 * many nodes it has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#define TREE_RACKS_MAX 10000 /* some 1.5 MB; a hall of a hundred thousand GPUs has 1,600 */

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

/* What a branch of the tree has in all. */
#define SUMS                                                                                                           \
    FIELD_COLUMN("node_count",     FIELD_TYPE_INT, .help = "Its nodes, those that are retired left out"),              \
    FIELD_COLUMN("gpu_count",      FIELD_TYPE_INT, .help = "Their GPUs"),                                              \
    FIELD_COLUMN("ready_count",    FIELD_TYPE_INT, .help = "Nodes that are ready; the others' states are in the fleet"), \
    FIELD_COLUMN("cordoned_count", FIELD_TYPE_INT, .help = "Nodes that take no new allocations")

static const struct field tree_rack_fields[] = {
    FIELD_COLUMN("id",   FIELD_TYPE_ID, .identity = IDENTITY_RACK, .help = "The rack"),
    FIELD_COLUMN("name", FIELD_TYPE_TEXT, .help = "Its name, unique within the fabric"),
    SUMS,
    FIELDS_END,
};

static const struct field tree_switch_fields[] = {
    FIELD_COLUMN("id",    FIELD_TYPE_ID, .identity = IDENTITY_SWITCH, .help = "The leaf switch"),
    FIELD_COLUMN("name",  FIELD_TYPE_TEXT, .help = "Its name, unique within the fabric; what nodes say as leaf"),
    SUMS,
    FIELD_COLUMN("racks", FIELD_TYPE_ROWS, .fields = tree_rack_fields, .help = "The racks behind it, by name"),
    FIELDS_END,
};

static const struct field tree_fields[] = {
    FIELD_COLUMN("id",       FIELD_TYPE_ID, .identity = IDENTITY_FABRIC, .help = "The fabric"),
    FIELD_COLUMN("name",     FIELD_TYPE_TEXT, .help = "Its name, unique within the zone"),
    FIELD_COLUMN("zone",     FIELD_TYPE_TEXT, .help = "Name of its zone"),
    SUMS,
    FIELD_COLUMN("switches", FIELD_TYPE_ROWS, .fields = tree_switch_fields, .help = "Its leaf switches, by name"),
    FIELD_COLUMN("racks",    FIELD_TYPE_ROWS, .fields = tree_rack_fields, .help = "Its racks of which no leaf switch is known, by name"),
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
static const struct schema tree_schema = {"TopologyFabric", tree_fields, 0};
static const struct schema query_schema = {"TopologyQuery", query_fields, sizeof(struct topology_query)};

/* A page: x is what is listed, f its fabric. */
#define FILTERS                                                                                                        \
    " WHERE ($1::uuid IS NULL OR x.id > $1::uuid) AND ($3::text IS NULL OR x.name = $3::text)"                         \
    "   AND ($4::text IS NULL OR z.name = $4::text) AND ($5::text IS NULL OR f.name = $5::text)"                       \
    " ORDER BY x.id LIMIT $2::bigint"
#define FABRICS                                                                                                        \
    "page AS MATERIALIZED (SELECT x.id, x.name, z.name AS zone FROM fabric x JOIN fabric f ON f.id = x.id"             \
    " JOIN zone z ON z.id = x.zone_id" FILTERS ")"

/* Of each rack r that has nodes: counted once for all of a page, since a count per rack would read all nodes as often.
 */
#define NODES_OF_RACKS                                                                                                 \
    " LEFT JOIN (SELECT n.rack_id, count(*) AS nodes, sum(n.gpu_count) AS gpus,"                                       \
    "   count(*) FILTER (WHERE s.state = 'ready') AS ready, count(*) FILTER (WHERE n.cordoned) AS cordoned"            \
    "  FROM node n LEFT JOIN node_status s ON s.node_id = n.id WHERE n.retired_at IS NULL GROUP BY n.rack_id) c"       \
    " ON c.rack_id = r.id"

// clang-format off
static const struct db_stmt statement_fabrics = {
    .name = "topology_fabrics",
    .sql = "WITH " FABRICS " SELECT p.id, p.name, p.zone, count(r.id) AS racks, coalesce(sum(c.nodes), 0) AS nodes,"
           " p.id AS page_key FROM page p LEFT JOIN rack r ON r.fabric_id = p.id" NODES_OF_RACKS
           " GROUP BY p.id, p.name, p.zone ORDER BY p.id",
    .params = 5,
};

static const struct db_stmt statement_switches = {
    .name = "topology_switches",
    .sql = "WITH page AS MATERIALIZED (SELECT x.id, x.name, z.name AS zone, f.name AS fabric"
           " FROM leaf x JOIN fabric f ON f.id = x.fabric_id JOIN zone z ON z.id = f.zone_id" FILTERS ")"
           " SELECT p.id, p.name, p.zone, p.fabric, count(r.id) AS racks, coalesce(sum(c.nodes), 0) AS nodes,"
           " p.id AS page_key FROM page p LEFT JOIN rack r ON r.leaf_id = p.id" NODES_OF_RACKS
           " GROUP BY p.id, p.name, p.zone, p.fabric ORDER BY p.id",
    .params = 5,
};

static const struct db_stmt statement_racks = {
    .name = "topology_racks",
    .sql = "WITH r AS MATERIALIZED (SELECT x.id, x.name, z.name AS zone, f.name AS fabric, l.name AS leaf"
           " FROM rack x JOIN fabric f ON f.id = x.fabric_id JOIN zone z ON z.id = f.zone_id"
           " LEFT JOIN leaf l ON l.id = x.leaf_id" FILTERS ")"
           " SELECT r.id, r.name, r.zone, r.fabric, r.leaf, coalesce(c.nodes, 0) AS nodes, r.id AS page_key"
           " FROM r" NODES_OF_RACKS " ORDER BY r.id",
    .params = 5,
};

/* The tree of a page of fabrics. Rows within rows are texts. */
// clang-format off
#define SUMMED(alias) \
    "coalesce(sum(" alias ".nodes), 0) AS nodes, coalesce(sum(" alias ".gpus), 0) AS gpus," \
    " coalesce(sum(" alias ".ready), 0) AS ready, coalesce(sum(" alias ".cordoned), 0) AS cordoned"
#define OBJECT(alias, ...) \
    "json_build_object('id', " alias ".id, 'name', " alias ".name, 'node_count', " alias ".nodes, 'gpu_count', " alias ".gpus," \
    " 'ready_count', " alias ".ready, 'cordoned_count', " alias ".cordoned" __VA_ARGS__ ")"
#define LISTED(alias, condition, ...) \
    "coalesce(json_agg(" OBJECT(alias, __VA_ARGS__) " ORDER BY " alias ".name) FILTER (WHERE " condition "), '[]')"
static const struct db_stmt statement_tree = {
    .name = "topology_tree",
    .sql = "WITH " FABRICS ", told AS MATERIALIZED (SELECT r.id, r.name, r.fabric_id, r.leaf_id, coalesce(c.nodes, 0) AS nodes,"
           "   coalesce(c.gpus, 0) AS gpus, coalesce(c.ready, 0) AS ready, coalesce(c.cordoned, 0) AS cordoned"
           "  FROM page p JOIN rack r ON r.fabric_id = p.id" NODES_OF_RACKS
           "), switched AS (SELECT l.id, l.name, l.fabric_id, " SUMMED("t") ", " LISTED("t", "t.id IS NOT NULL") "::text AS racks"
           "  FROM page p JOIN leaf l ON l.fabric_id = p.id LEFT JOIN told t ON t.leaf_id = l.id GROUP BY l.id"
           "), branched AS (SELECT s.fabric_id, " LISTED("s", "true", ", 'racks', s.racks") " AS switches FROM switched s GROUP BY s.fabric_id"
           "), summed AS (SELECT t.fabric_id, " SUMMED("t") ", " LISTED("t", "t.leaf_id IS NULL") " AS racks FROM told t GROUP BY t.fabric_id"
           ") SELECT p.id, p.name, p.zone, coalesce(t.nodes, 0) AS node_count, coalesce(t.gpus, 0) AS gpu_count, coalesce(t.ready, 0) AS ready_count,"
           "  coalesce(t.cordoned, 0) AS cordoned_count, coalesce(b.switches, '[]') AS switches, coalesce(t.racks, '[]') AS racks, p.id AS page_key"
           "  FROM page p LEFT JOIN summed t ON t.fabric_id = p.id LEFT JOIN branched b ON b.fabric_id = p.id ORDER BY p.id",
    .params = 5,
};
// clang-format on

/* How much that would be. */
static const struct db_stmt statement_tree_size = {
    .name = "topology_tree_size",
    .sql = "WITH " FABRICS " SELECT count(r.id) FROM page p JOIN rack r ON r.fabric_id = p.id",
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

/* A page is bounded by its racks, of which a fabric has as many as it has. */
static enum err_kind check_size(struct request *request, struct err *reterr)
{
    const struct topology_query *query = request->query;
    struct page page;
    enum err_kind kind = page_read(request, &page, reterr);
    const PGresult *size = NULL;
    if (kind == ERR_NONE)
        kind =
            request_run(request, &statement_tree_size,
                        DB_PARAMS(page.after, page.limit_sql, query->name, query->zone, query->fabric), &size, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t racks = db_int(size, 0, 0, 0);
    if (racks > TREE_RACKS_MAX)
        return err_set_code(reterr, ERR_INVALID, "too_much_asked",
                            "%lld racks, of which %d are told at once: ask for fewer fabrics by limit",
                            (long long)racks, TREE_RACKS_MAX);
    return ERR_NONE;
}

static enum err_kind tree(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = check_size(request, reterr);
    return kind == ERR_NONE ? list(request, response, &statement_tree, reterr) : kind;
}

// clang-format off
#define LIST ROLES_SYSTEM_READ, RATE_READ, .query = &query_schema, .is_list = true
static const struct route topology_routes[] = {
    {GET, "/v1/system/fabrics",  LIST, .answer = &fabric_schema, .run = list_fabrics, .summary = "List fabrics"},
    {GET, "/v1/system/switches", LIST, .answer = &switch_schema, .run = list_switches, .summary = "List leaf switches"},
    {GET, "/v1/system/racks",    LIST, .answer = &rack_schema, .run = list_racks, .summary = "List racks"},
    {GET, "/v1/system/topology", LIST, .answer = &tree_schema, .run = tree, .problems = PROBLEMS("too_much_asked"), .summary = "Where the nodes of a zone stand, as a tree: fabrics, leaf switches, racks"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const topology_statements[] = {&statement_fabrics, &statement_switches,  &statement_racks,
                                                            &statement_tree,    &statement_tree_size, NULL};

const struct resource topology_resource = {"topology", topology_routes, topology_statements,
                                           "Where nodes stand: made by the first node that names them."};
