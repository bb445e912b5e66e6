/* Nodes: the machines as operators enrol, cordon and (in the simulation) power them, with what the system found of
 * them under status. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"

static const char *const domains[] = {"node", "rack", NULL};
static const char *const groupings[] = {"any", "pairs", "quads", NULL};
/* Those that it leaves by itself, soon. */
static const char *const passing[] = {"enrolled", "validating", "sanitizing", NULL};
static const char *const states[] = {"enrolled",    "validating", "ready",       "allocated", "sanitizing",
                                     "quarantined", "repair",     "maintenance", "retired",   NULL};

// clang-format off
static const struct field node_status_fields[] = {
    FIELD_COLUMN("state",               FIELD_TYPE_ENUM, .values = states, .help = "Where it is in its life"),
    FIELD_COLUMN_WITH("leaf",           FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The leaf switch that its rack is behind, whoever said so; null: not known"),
    FIELD_COLUMN_WITH("retired_at",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it was deleted; null: it is in the fleet"),
    FIELD_COLUMN("since",               FIELD_TYPE_TIME, .help = "Domain time of the last change of state"),
    FIELD_COLUMN_WITH("last_error",     FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The last thing that went wrong; null: nothing"),
    FIELD_COLUMN("allocated_gpu_milli", FIELD_TYPE_INT,  .help = "Milli-GPUs that are allocated now"),
    FIELD_COLUMN_WITH("empty_from",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Of one that is drained: when nobody holds anything of it any more, as things stand; null: not in sight, or it is not drained"),
    FIELDS_END,
};

static const struct field node_fields[] = {
    FIELD_ID  ("id",           struct node, id, .identity = IDENTITY_NODE, .flags = FIELD_READ_ONLY, .help = "The node"),
    FIELD_TEXT("name",         struct node, name, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "gpu-0001", .help = "Serial or host name, unique within the zone"),
    FIELD_TEXT("zone",         struct node, zone, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "us-east-1a", .help = "Name of its zone"),
    FIELD_TEXT("fabric",       struct node, fabric, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "f1", .help = "Name of its fabric, made by first mention"),
    FIELD_TEXT("leaf",         struct node, leaf, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .example = "l1", .help = "Name of the leaf switch that its rack is behind, made by first mention; null: not said"),
    FIELD_TEXT("rack",         struct node, rack, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "r1", .help = "Name of its rack, made by first mention"),
    FIELD_ENUM("nvlink_domain", struct node, nvlink_domain, .values = domains, .fallback = "node", .help = "How far its NVLink reaches"),
    FIELD_TEXT("gpu_model",    struct node, gpu_model, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .example = "H100", .help = "Model of its GPUs, e.g. H100"),
    FIELD_INT ("gpu_count",    struct node, gpu_count, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 64, .example = "8", .help = "Its GPUs"),
    FIELD_ENUM("gpu_grouping", struct node, gpu_grouping, .flags = FIELD_CREATE_ONLY, .values = groupings, .fallback = "any", .help = "Which GPUs may go together"),
    FIELD_INT ("cpu_milli",    struct node, cpu_milli, .flags = FIELD_REQUIRED, .least = 1, .most = INT32_MAX, .example = "192000", .help = "CPU in thousandths of a core"),
    FIELD_INT ("memory_mib",   struct node, memory_mib, .flags = FIELD_REQUIRED, .least = 1, .most = INT32_MAX, .example = "2097152", .help = "Memory in MiB"),
    FIELD_INT ("turnaround_s", struct node, turnaround_s, .least = 0, .most = 604800, .fallback = "0", .help = "Sanitizing and validation after a tenant, in seconds"),
    FIELD_MAP ("labels",       struct node, labels, .fallback = "{}", .help = "The operators' own key and value pairs"),
    FIELD_COLUMN("cordoned",      FIELD_TYPE_BOOL, .help = "Takes no new allocations"),
    FIELD_COLUMN_WITH("cordon_reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why; null: not said, or not cordoned"),
    FIELD_COLUMN("draining",      FIELD_TYPE_BOOL, .help = "Is being emptied: what has not begun on it is moved to other nodes, what has begun stays to its end"),
    FIELD_COLUMN_WITH("drain_reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why; null: it is not drained"),
    FIELD_COLUMN("sim_powered",   FIELD_TYPE_BOOL, .help = "sim: whether the stand-in answers"),
    FIELD_COLUMN("enrolled_at",   FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("status",        FIELD_TYPE_OBJECT, .fields = node_status_fields, .help = "What the system found"),
    FIELDS_END,
};
// clang-format on

const struct schema node_schema = {"Node", node_fields, sizeof(struct node)};

struct node_query {
    const char *name;
    const char *zone;
    const char *state;
    const char *fabric;
    const char *rack;
};
static const struct field node_query_fields[] = {
    FIELD_TEXT("name", struct node_query, name, .help = "Only nodes of this name"),
    FIELD_TEXT("zone", struct node_query, zone, .help = "Only nodes of the zone of this name"),
    FIELD_ENUM("state", struct node_query, state, .values = states, .help = "Only nodes in this state"),
    FIELD_TEXT("fabric", struct node_query, fabric, .help = "Only nodes of the fabrics of this name"),
    FIELD_TEXT("rack", struct node_query, rack, .help = "Only nodes of the racks of this name"),
    FIELDS_END,
};
static const struct schema node_query_schema = {"NodeQuery", node_query_fields, sizeof(struct node_query)};

struct node_cordon {
    const char *reason;
};
static const struct field node_cordon_fields[] = {
    FIELD_TEXT("reason", struct node_cordon, reason, .flags = FIELD_REQUIRED | FIELD_WRITE_ONLY,
               .example = "a fan is loud", .help = "Why"),
    FIELDS_END,
};
static const struct schema node_cordon_schema = {"NodeCordon", node_cordon_fields, sizeof(struct node_cordon)};

struct node_power {
    bool on;
};
static const struct field node_power_fields[] = {
    FIELD_BOOL("on", struct node_power, on, .flags = FIELD_REQUIRED | FIELD_WRITE_ONLY,
               .help = "Whether the stand-in answers"),
    FIELDS_END,
};
static const struct schema node_power_schema = {"NodePower", node_power_fields, sizeof(struct node_power)};

/* The end of the last that is held or promised of it, now where there is nothing; null where one has no end. */
#define NODE_EMPTY_FROM                                                                                                \
    "(SELECT CASE WHEN NOT coalesce(bool_or(upper_inf(a.period)), false)"                                              \
    "        THEN extract(epoch FROM coalesce(max(upper(a.period)), sluice_now()))::bigint END FROM allocation a"      \
    "   WHERE a.node_id = n.id AND a.place && allocation_reach(n.id, (SELECT sluice_now()), NULL)"                     \
    "     AND a.kind = 'instance' AND a.period && tstzrange((SELECT sluice_now()), NULL))"

/* A node that nobody has looked at yet has no status: it is enrolled since it was. */
#define NODE_SELECT                                                                                                    \
    "SELECT n.id, coalesce(n.retired_name, n.name) AS name, z.name AS zone, f.name AS fabric, n.leaf, r.name AS "      \
    "rack, n.nvlink_domain,"                                                                                           \
    " n.gpu_model, n.gpu_count,"                                                                                       \
    " n.gpu_grouping, n.cpu_milli, n.memory_mib, n.turnaround_s, n.cordoned, n.cordon_reason, n.sim_powered,"          \
    " n.draining, n.drain_reason,"                                                                                     \
    " n.labels, extract(epoch FROM n.enrolled_at)::bigint AS enrolled_at, coalesce(s.state, 'enrolled') AS "           \
    "\"status.state\","                                                                                                \
    " l.name AS \"status.leaf\", extract(epoch FROM n.retired_at)::bigint AS \"status.retired_at\","                   \
    " extract(epoch FROM coalesce(s.since, n.enrolled_at))::bigint AS \"status.since\","                               \
    " s.last_error AS \"status.last_error\","                                                                          \
    " CASE WHEN n.draining THEN " NODE_EMPTY_FROM " END AS \"status.empty_from\","                                     \
    " h.gpu_milli AS \"status.allocated_gpu_milli\", n.id AS page_key, n.revision AS wish_revision,"                   \
    " coalesce(s.revision, 0) || '.' || h.gpu_milli AS status_revision"                                                \
    " FROM node n JOIN zone z ON z.id = n.zone_id JOIN rack r ON r.id = n.rack_id JOIN fabric f ON f.id = r.fabric_id" \
    " LEFT JOIN leaf l ON l.id = r.leaf_id LEFT JOIN node_status s ON s.node_id = n.id"                                \
    " CROSS JOIN LATERAL (SELECT coalesce(sum(upper(a.slots) - lower(a.slots)), 0) AS gpu_milli FROM allocation a"     \
    "   WHERE a.node_id = n.id AND a.place && allocation_reach(n.id, (SELECT sluice_now()), (SELECT sluice_now()))"    \
    "     AND a.kind = 'instance' AND a.period @> (SELECT sluice_now())) h"

static const struct db_stmt statement_list = {
    .name = "node_list",
    .sql = NODE_SELECT
    " WHERE n.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
    " AND ($3::text IS NULL OR coalesce(n.retired_name, n.name) = $3::text) AND ($4::text IS NULL OR z.name = $4::text)"
    " AND ($5::text IS NULL OR coalesce(s.state, 'enrolled') = $5::text)"
    " AND ($6::text IS NULL OR f.name = $6::text) AND ($7::text IS NULL OR r.name = $7::text)"
    " AND ($8::boolean OR n.retired_at IS NULL) ORDER BY n.id LIMIT $2::bigint",
    .params = 8,
};

static const struct db_stmt statement_get = {
    .name = "node_get",
    .sql = NODE_SELECT " WHERE n.id = $1::uuid AND ($2::boolean OR n.retired_at IS NULL)",
    .params = 2,
};

const struct db_stmt node_find_statement = {
    .name = "node_find",
    .sql = "SELECT FROM node WHERE id = $1::uuid AND ($2::boolean OR retired_at IS NULL)",
    .params = 2,
};

static const struct db_stmt statement_lock = {
    .name = "node_lock",
    .sql = "SELECT revision AS wish_revision, zone_id FROM node WHERE id = $1::uuid AND retired_at IS NULL FOR UPDATE",
    .params = 1,
};

/* What PUT replaces. */
static const struct db_stmt statement_read = {
    .name = "node_read",
    .sql = NODE_SELECT " WHERE n.id = $1::uuid",
    .params = 1,
};
const struct object_lock node_lock = {.stmt = &statement_lock, .noun = "node", .read = &statement_read};

static const struct db_stmt statement_create = {
    .name = "node_create",
    .sql = NODE_PLACE
    ", made AS ("
    "  INSERT INTO node (id, zone_id, rack_id, name, gpu_model, gpu_count, gpu_grouping, cpu_milli, memory_mib,"
    "                    turnaround_s, nvlink_domain, labels, leaf)"
    "  SELECT $8::uuid, wanted.id, rack_of.id, $9, $10, $11::integer, $12, $13::bigint, $14::bigint, $15::integer,"
    "         $16, $17::jsonb, $7 FROM wanted, rack_of ON CONFLICT (zone_id, name) DO NOTHING RETURNING id"
    ") SELECT " NODE_PLACED ", made.id FROM wanted LEFT JOIN made ON true",
    .params = 17,
};

/* The planner takes a zone in anew when it changes: other nodes of the rack are behind the leaf, too. */
static const struct db_stmt statement_rewired = {
    .name = "node_zone_rewired",
    .sql = "UPDATE zone SET revision = revision + 1 WHERE id = $1::uuid RETURNING revision",
    .params = 1,
};

/* No row of cordon, uncordon and power: it is so already. */
static const struct db_stmt statement_cordon = {
    .name = "node_cordon",
    .sql = "UPDATE node SET cordoned = true, cordon_reason = $2, cordoned_by = $3, cordoned_at = sluice_now(),"
           " revision = revision + 1"
           " WHERE id = $1::uuid AND NOT (cordoned AND cordon_reason IS NOT DISTINCT FROM $2)"
           " RETURNING zone_id, revision",
    .params = 3,
};

static const struct db_stmt statement_uncordon = {
    .name = "node_uncordon",
    .sql = "UPDATE node SET cordoned = false, cordon_reason = NULL, cordoned_by = NULL, cordoned_at = NULL,"
           " draining = false, drain_reason = NULL, drained_by = NULL, draining_since = NULL,"
           " revision = revision + 1 WHERE id = $1::uuid AND cordoned RETURNING zone_id, revision",
    .params = 1,
};

/* Asked for again it is tried again: other nodes may have room by now. */
static const struct db_stmt statement_drain = {
    .name = "node_drain",
    .sql = "UPDATE node SET draining = true, drain_reason = $2, drained_by = $3, draining_since = sluice_now(),"
           " cordon_reason = CASE WHEN cordoned THEN cordon_reason ELSE $2 END,"
           " cordoned_by = CASE WHEN cordoned THEN cordoned_by ELSE $3 END,"
           " cordoned_at = CASE WHEN cordoned THEN cordoned_at ELSE sluice_now() END, cordoned = true,"
           " revision = revision + 1 WHERE id = $1::uuid RETURNING zone_id, revision",
    .params = 3,
};

static const struct db_stmt statement_power = {
    .name = "node_power",
    .sql = "UPDATE node SET sim_powered = $2::boolean, revision = revision + 1"
           " WHERE id = $1::uuid AND sim_powered <> $2::boolean RETURNING zone_id, revision",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct node_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->name, query->zone, query->state, query->fabric, query->rack,
                                 request_bool(request->includes_deleted)),
                       reterr);
}

enum err_kind node_find(struct request *request, struct err *reterr)
{
    const PGresult *found = NULL;
    return answer_find(request, &node_find_statement, request->object, "node", &found, reterr);
}

enum err_kind node_show(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "node", reterr);
}

struct node_place node_place_of(const struct node *wish)
{
    struct node_place place = {.zone = wish->zone, .fabric = wish->fabric, .rack = wish->rack, .leaf = wish->leaf};
    identity_to_uuid(identity_new(), place.fabric_id);
    identity_to_uuid(identity_new(), place.rack_id);
    identity_to_uuid(identity_new(), place.leaf_id);
    return place;
}

const char *node_locked_zone(const struct request *request)
{
    return db_text(request->locked, 0, PQfnumber(request->locked, "zone_id"));
}

static enum err_kind tell_rewired(struct request *request, const char *zone_id, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_rewired, DB_PARAMS(zone_id), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request_event(request, NULL, zone_id, "zone", zone_id, db_int(result, 0, 0, 0), "zone.rewired", reterr);
}

enum err_kind node_placed(struct request *request, const struct node *wish, const PGresult *result, struct err *reterr)
{
    if (PQntuples(result) == 0)
        field_problem_add(&request->problems, "/zone", "unknown_zone", "there is no zone '%s'", wish->zone);
    else if (!db_bool(result, 0, PQfnumber(result, "is_behind")))
        field_problem_add(&request->problems, "/leaf", "out_of_range", "the rack '%s' is behind another leaf",
                          wish->rack);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

enum err_kind node_tell(struct request *request, const PGresult *result, const char *id, int64_t revision,
                        const char *event_kind, struct err *reterr)
{
    const char *zone_id = db_text(result, 0, PQfnumber(result, "zone_id"));
    request->wakes_planner = true;
    enum err_kind kind = request_event(request, NULL, zone_id, "node_wish", id, revision, event_kind, reterr);
    if (kind == ERR_NONE && db_bool(result, 0, PQfnumber(result, "is_rewired")))
        kind = tell_rewired(request, zone_id, reterr);
    return kind;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct node *wish = request->body;
    struct node_place place = node_place_of(wish);
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_create,
                    DB_PARAMS(NODE_PLACE_PARAMS(place), request->new_id, wish->name, wish->gpu_model,
                              request_int(request, wish->gpu_count), wish->gpu_grouping,
                              request_int(request, wish->cpu_milli), request_int(request, wish->memory_mib),
                              request_int(request, wish->turnaround_s), wish->nvlink_domain, wish->labels),
                    &result, reterr);
    if (kind == ERR_NONE)
        kind = node_placed(request, wish, result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_text(result, 0, PQfnumber(result, "id")) == NULL)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "zone '%s' has a node named '%s' already", wish->zone,
                            wish->name);
    kind = node_tell(request, result, request->new_id, 1, "node.enrolled", reterr);
    return kind == ERR_NONE ? answer_object(request, response, 201, &statement_get, request->new_id, "node", reterr)
                            : kind;
}

/* An action: the statement changes the wish if it is not so already, and only then something happened. */
static enum err_kind act(struct request *request, struct response *response, const struct db_stmt *stmt,
                         const char *const *params, const char *event_kind, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, stmt, params, &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0) {
        request->wakes_planner = true;
        kind = request_event(request, NULL, db_text(result, 0, 0), "node_wish", request->object,
                             db_int(result, 0, 1, 0), event_kind, reterr);
    }
    return kind == ERR_NONE ? node_show(request, response, reterr) : kind;
}

static enum err_kind cordon(struct request *request, struct response *response, struct err *reterr)
{
    const struct node_cordon *wish = request->body;
    return act(request, response, &statement_cordon,
               DB_PARAMS(request->object, wish->reason, request->caller.principal), "node.cordoned", reterr);
}

static enum err_kind uncordon(struct request *request, struct response *response, struct err *reterr)
{
    return act(request, response, &statement_uncordon, DB_PARAMS(request->object), "node.uncordoned", reterr);
}

static enum err_kind drain(struct request *request, struct response *response, struct err *reterr)
{
    const struct node_cordon *wish = request->body;
    return act(request, response, &statement_drain, DB_PARAMS(request->object, wish->reason, request->caller.principal),
               "node.drain_requested", reterr);
}

static enum err_kind power(struct request *request, struct response *response, struct err *reterr)
{
    const struct node_power *wish = request->body;
    return act(request, response, &statement_power, DB_PARAMS(request->object, request_bool(wish->on)),
               wish->on ? "node.power_on" : "node.power_off", reterr);
}

// clang-format off
#define ONE    .answer = &node_schema, .has_id = true, .id = IDENTITY_NODE
#define ACTION ONE, .lock = &node_lock, .status = 200, .again = node_show
static const struct route node_routes[] = {
    {GET,  "/v1/system/nodes",               ROLES_SYSTEM_READ,    RATE_READ,  .query = &node_query_schema, .answer = &node_schema, .is_list = true, .has_deleted = true, .run = list, .summary = "List nodes"},
    {GET,  "/v1/system/nodes/{id}",          ROLES_SYSTEM_READ,    RATE_READ,  ONE, .has_deleted = true, .passing = passing, .run = node_show, .summary = "One node"},
    {POST, "/v1/system/nodes",               ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &node_schema, .answer = &node_schema, .run = create, .replay = node_show, .problems = PROBLEMS("name_taken", "unknown_zone"), .summary = "Enrol a node"},
    {POST, "/v1/system/nodes/{id}/cordon",   ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &node_cordon_schema, ACTION, .run = cordon, .summary = "Let a node take no new allocations"},
    {POST, "/v1/system/nodes/{id}/uncordon", ROLES_SYSTEM_OPERATE, RATE_WRITE, ACTION, .run = uncordon, .summary = "Let a node take allocations again, and end its drain"},
    {POST, "/v1/system/nodes/{id}/drain",    ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &node_cordon_schema, ACTION, .run = drain, .summary = "Empty a node: cordon it and move what has not begun on it"},
    {POST, "/v1/system/nodes/{id}/power",    ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &node_power_schema, ACTION, .run = power, .summary = "Switch a simulated node on or off"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const node_statements[] = {&statement_list,     &statement_get,       &statement_lock,
                                                        &statement_read,     &statement_create,    &statement_cordon,
                                                        &statement_uncordon, &statement_drain,     &statement_power,
                                                        &statement_rewired,  &node_find_statement, NULL};

const struct resource node_resource = {"nodes", node_routes, node_statements, "The machines of the fleet."};
