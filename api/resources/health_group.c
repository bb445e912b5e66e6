/* How healthy the fleet is, group by group, the worst first: where several nodes behind one switch fail, it shows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const levels[] = {"zone", "fabric", "leaf", "rack", "node_model", NULL};

/* Each node is one of these. */
#define EACH_HEALTH(X)                                                                                                 \
    X(healthy, "Ready, allocated or being cleaned, and nothing is wrong with their GPUs")                              \
    X(degraded, "In service as well, but a GPU had memory errors that were not corrected, or replaces a row at its "   \
                "next reset")                                                                                          \
    X(cordoned, "In service, but operators let them take no new allocations")                                          \
    X(validating, "Enrolled or being validated")                                                                       \
    X(maintenance, "Operators work on them")                                                                           \
    X(quarantined, "They do not answer")                                                                               \
    X(in_repair, "They answer again and are wiped")

#define COUNT_FIELD(name, help_) FIELD_COLUMN(#name, FIELD_TYPE_INT, .help = help_),
static const struct field count_fields[] = {EACH_HEALTH(COUNT_FIELD) FIELDS_END};

// clang-format off
static const struct field group_fields[] = {
    FIELD_COLUMN("level",      FIELD_TYPE_ENUM, .values = levels, .help = "What it is a group by"),
    FIELD_COLUMN_WITH("name",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the zone, fabric, leaf switch, rack or model of GPUs; null: nodes of which no leaf is known"),
    FIELD_COLUMN_WITH("zone",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of its zone; null for models, which are of all zones"),
    FIELD_COLUMN_WITH("fabric", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of its fabric, of leaves and racks; null for others"),
    FIELD_COLUMN("failing_bp", FIELD_TYPE_INT, .help = "Share of its GPUs that are in nodes which are degraded, quarantined or in repair, in basis points"),
    FIELD_COLUMN("node_count", FIELD_TYPE_INT, .help = "Its nodes, those that are retired left out"),
    FIELD_COLUMN("gpu_count",  FIELD_TYPE_INT, .help = "Their GPUs"),
    FIELD_COLUMN("gpus_faulty", FIELD_TYPE_INT, .help = "GPUs of them with memory errors that were not corrected, or a row to be replaced at the next reset"),
    FIELD_COLUMN("nodes",      FIELD_TYPE_OBJECT, .fields = count_fields, .help = "Nodes by health; they sum to node_count"),
    FIELD_COLUMN("gpus",       FIELD_TYPE_OBJECT, .fields = count_fields, .help = "GPUs by the health of their nodes; they sum to gpu_count"),
    FIELDS_END,
};

struct group_query {
    const char *level, *zone;
};
static const struct field query_fields[] = {
    FIELD_ENUM("level", struct group_query, level, .values = levels, .fallback = "rack", .help = "What to group by"),
    FIELD_TEXT("zone",  struct group_query, zone, .help = "Only nodes of the zone of this name"),
    FIELDS_END,
};
// clang-format on

static const struct schema group_schema = {"HealthGroup", group_fields, 0};
static const struct schema query_schema = {"HealthGroupQuery", query_fields, sizeof(struct group_query)};

#define COUNT_COLUMN(name, help_)                                                                                      \
    ", count(*) FILTER (WHERE m.health = '" #name "') AS \"nodes." #name "\""                                          \
    ", coalesce(sum(m.gpu_count) FILTER (WHERE m.health = '" #name "'), 0)::bigint AS \"gpus." #name "\""

/* The key of a page is "share zone fabric name", which is the order: of what does not fail, in a fixed width, so that
 * the worst come first. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "health_groups",
    .sql =
        "WITH faulty AS ("
        "  SELECT r.node_id, count(*) AS gpus FROM gpu_reading r WHERE r.ecc_uncorrected > 0 OR r.remap_is_pending GROUP BY r.node_id"
        "), member AS ("
        "  SELECT CASE WHEN $3::text <> 'node_model' THEN z.name END AS zone,"
        "         CASE WHEN $3::text IN ('leaf', 'rack') THEN f.name END AS fabric,"
        "         CASE $3::text WHEN 'zone' THEN z.name WHEN 'fabric' THEN f.name WHEN 'leaf' THEN l.name WHEN 'rack' THEN r.name"
        "           ELSE n.gpu_model END AS name,"
        "         n.gpu_count, coalesce(b.gpus, 0) AS gpus_faulty,"
        "         CASE coalesce(s.state, 'enrolled') WHEN 'maintenance' THEN 'maintenance' WHEN 'quarantined' THEN 'quarantined'"
        "           WHEN 'repair' THEN 'in_repair' WHEN 'enrolled' THEN 'validating' WHEN 'validating' THEN 'validating'"
        "           ELSE CASE WHEN n.cordoned THEN 'cordoned' WHEN b.gpus > 0 THEN 'degraded' ELSE 'healthy' END END AS health"
        "    FROM node n JOIN zone z ON z.id = n.zone_id JOIN rack r ON r.id = n.rack_id JOIN fabric f ON f.id = r.fabric_id"
        "    LEFT JOIN leaf l ON l.id = r.leaf_id LEFT JOIN node_status s ON s.node_id = n.id LEFT JOIN faulty b ON b.node_id = n.id"
        "   WHERE n.retired_at IS NULL AND ($4::text IS NULL OR z.name = $4::text)"
        "), counted AS ("
        "  SELECT m.name, m.zone, m.fabric, count(*) AS node_count, sum(m.gpu_count)::bigint AS gpu_count,"
        "         sum(m.gpus_faulty)::bigint AS gpus_faulty,"
        "         coalesce(sum(m.gpu_count) FILTER (WHERE m.health IN ('degraded', 'quarantined', 'in_repair')), 0) * 10000"
        "           / sum(m.gpu_count) AS failing_bp"
                  EACH_HEALTH(COUNT_COLUMN)
        "    FROM member m GROUP BY m.name, m.zone, m.fabric"
        "), shown AS ("
        "  SELECT $3::text AS level, c.*,"
        "         concat_ws(E'\\x1f', lpad((10000 - c.failing_bp)::text, 5, '0'), c.zone, c.fabric, coalesce(c.name, '')) COLLATE \"C\" AS page_key"
        "    FROM counted c"
        ") SELECT * FROM shown WHERE $1::text IS NULL OR page_key > $1::text ORDER BY page_key LIMIT $2::bigint",
    .params = 4,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct group_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->level, query->zone), reterr);
}

// clang-format off
static const struct route health_group_routes[] = {
    {GET, "/v1/system/health-groups", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &group_schema, .is_list = true, .run = list, .summary = "Nodes and GPUs by health, group by group, the worst first"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const health_group_statements[] = {&statement_list, NULL};

const struct resource health_group_resource = {"health-groups", health_group_routes, health_group_statements,
                                               "How healthy racks, leaves, fabrics, zones and models are."};
