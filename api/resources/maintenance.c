/* Maintenance windows: operators take nodes out of service for a time; the zone's leader decides. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/maintenance_slot.h"
#include "api/resources/node.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/server.h"
#include "common/calendar.h"
#include "common/least.h"

#define SEARCH_DEFAULT_S (INT64_C(14) * 86400)
#define NODES_MAX        1000 /* of one window: the table's check */

static const char *const passing[] = {"pending", NULL}; /* it leaves it by itself, soon */
static const char *const states[] = {"pending", "planned", "active", "done", "refused", "cancelled", NULL};

struct maintenance {
    const char *id, *zone;
    struct field_list nodes;
    const char *rack, *leaf;
    int64_t starts_at, ends_at;
    const char *reason;
    int64_t created_at, cancel_requested_at;
};

// clang-format off
static const struct field status_fields[] = {
    FIELD_COLUMN("state",           FIELD_TYPE_ENUM, .values = states, .help = "Where it stands"),
    FIELD_COLUMN_WITH("reason",     FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused: a code; null: it was not"),
    FIELD_COLUMN_WITH("ends_at",    FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Its end, moved forward by a cancellation; null: not decided yet"),
    FIELD_COLUMN_WITH("decided_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When the verdict was reached"),
    FIELD_COLUMN("moved_count",     FIELD_TYPE_INT, .help = "Reservations that were moved aside for it"),
    FIELD_COLUMN("nodes",           FIELD_TYPE_LIST, .help = "All its nodes, by name, however they were named"),
    FIELDS_END,
};

static const struct field hit_fields[] = {
    FIELD_COLUMN("reservation", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),
    FIELD_COLUMN("tenant",      FIELD_TYPE_TEXT, .help = "Name of its tenant"),
    FIELD_COLUMN("state",       FIELD_TYPE_TEXT, .help = "Its state"),
    FIELD_COLUMN("begun",       FIELD_TYPE_BOOL, .help = "Its instances are there: it cannot be moved aside"),
    FIELD_COLUMN("instances",   FIELD_TYPE_INT, .help = "How many of its instances are on these nodes then"),
    FIELD_COLUMN("starts_at",   FIELD_TYPE_TIME, .help = "Start of what is hit"),
    FIELD_COLUMN_WITH("ends_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "End of what is hit; null: open"),
    FIELDS_END,
};

static const struct field cheapest_fields[] = {
    FIELD_COLUMN_WITH("starts_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Start"),
    FIELD_COLUMN_WITH("ends_at",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "End"),
    FIELD_COLUMN_WITH("hit_gpu_milli_seconds", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "What is held of the nodes in that time"),
    FIELDS_END,
};

static const struct field maintenance_fields[] = {
    FIELD_ID    ("id",                  struct maintenance, id, .identity = IDENTITY_MAINTENANCE, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .help = "The window; absent with validate_only"),
    FIELD_TEXT  ("zone",                struct maintenance, zone, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 63, .example = "us-east-1a", .help = "Where, by name"),
    FIELD_LIST  ("nodes",               struct maintenance, nodes, .flags = FIELD_CREATE_ONLY | FIELD_OPTIONAL, .least = 1, .most = NODES_MAX, .example = "[\"n0001\"]", .help = "Its nodes, by name; or give rack or leaf; left out where they were not named"),
    FIELD_TEXT  ("rack",                struct maintenance, rack, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE, .least = 1, .most = 255, .help = "All nodes that stand in the racks of this name"),
    FIELD_TEXT  ("leaf",                struct maintenance, leaf, .flags = FIELD_CREATE_ONLY | FIELD_NULLABLE, .least = 1, .most = 255, .help = "All nodes behind the leaf switches of this name"),
    FIELD_TIME  ("starts_at",           struct maintenance, starts_at, .flags = FIELD_CREATE_ONLY, .example = "2026-12-10T00:00:00Z", .help = "Start, inclusive; left out: now"),
    FIELD_TIME  ("ends_at",             struct maintenance, ends_at, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .example = "2026-12-10T06:00:00Z", .help = "End, exclusive"),
    FIELD_TEXT  ("reason",              struct maintenance, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 255, .example = "firmware", .help = "Why"),
    FIELD_TIME  ("created_at",          struct maintenance, created_at, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .help = "When it was asked for"),
    FIELD_TIME  ("cancel_requested_at", struct maintenance, cancel_requested_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When its end was asked for; null: it was not"),
    FIELD_COLUMN_WITH("deleted_at", FIELD_TYPE_TIME, FIELD_NULLABLE | FIELD_OPTIONAL, .help = "When it was deleted; left out where it was not"),
    FIELD_COLUMN_WITH("status",   FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = status_fields, .help = "What became of it; absent with validate_only"),
    FIELD_COLUMN_WITH("hits",     FIELD_TYPE_ROWS, FIELD_OPTIONAL, .fields = hit_fields, .help = "Whom it hits: with validate_only as things stand, else those in the way of one that was refused"),
    FIELD_COLUMN_WITH("cheapest", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = cheapest_fields, .help = "With validate_only: the slot of the same length in which the fewest GPU-hours of these nodes are held"),
    FIELDS_END,
};

struct list_query {
    const char *zone, *state;
};
static const struct field list_query_fields[] = {
    FIELD_TEXT("zone",  struct list_query, zone, .help = "Only those in the zone of this name"),
    FIELD_ENUM("state", struct list_query, state, .values = states, .help = "Only those in this state"),
    FIELDS_END,
};

/* Below a node's address. */
static const struct field of_node_query_fields[] = {
    FIELD_ENUM("state", struct list_query, state, .values = states, .help = "Only those in this state"),
    FIELDS_END,
};

struct create_query {
    int64_t search_from, search_until;
};
static const struct field create_query_fields[] = {
    FIELD_TIME("search_from",   struct create_query, search_from, .help = "With validate_only: where the search for the cheapest slot begins; default: starts_at"),
    FIELD_TIME("search_until",  struct create_query, search_until, .from = "search_from", .help = "With validate_only: where it ends; default: 14 days later"),
    FIELDS_END,
};
// clang-format on

static const struct schema maintenance_schema = {"MaintenanceWindow", maintenance_fields, sizeof(struct maintenance)};
static const struct schema list_query_schema = {"MaintenanceQuery", list_query_fields, sizeof(struct list_query)};
static const struct schema of_node_query_schema = {"NodeMaintenanceQuery", of_node_query_fields,
                                                   sizeof(struct list_query)};
static const struct schema create_query_schema = {"MaintenanceCheck", create_query_fields, sizeof(struct create_query)};

/* ---- Statements ---- */

// clang-format off

#define EPOCH(column) "extract(epoch FROM " column ")::bigint"
#define NAMES_OF(ids) "(SELECT to_json(coalesce(array_agg(n.name ORDER BY n.name), '{}')) FROM node n WHERE n.id = ANY(" ids "))"
#define NO_CHEAPEST                                                                                                    \
    " NULL::bigint AS \"cheapest.starts_at\", NULL::bigint AS \"cheapest.ends_at\","                                   \
    " NULL::bigint AS \"cheapest.hit_gpu_milli_seconds\""
/* Who holds something of the nodes within a period, each reservation once. */
#define HIT_ROWS(ids, period, condition)                                                                               \
    "SELECT h.reservation_id AS reservation, t.name AS tenant, r.state, r.state IN ('activating', 'active', 'ending')" \
    "       AS begun, h.instances, h.starts_at, h.ends_at"                                                             \
    "  FROM (SELECT a.reservation_id, count(DISTINCT a.ordinal) AS instances, min(" EPOCH("lower(a.period)") ")"       \
    "               AS starts_at, CASE WHEN NOT bool_or(upper_inf(a.period)) THEN max(" EPOCH("upper(a.period)") ") END" \
    "               AS ends_at"                                                                                        \
    "          FROM unnest(" ids ") AS n (id) JOIN allocation a ON a.node_id = n.id"                                   \
    "           AND a.place && allocation_reach(n.id, lower(" period "), upper(" period "))"                           \
    "         WHERE a.kind = 'instance' AND a.period && " period                                                       \
    "         GROUP BY a.reservation_id) h"                                                                            \
    "  JOIN reservation_status r ON r.reservation_id = h.reservation_id JOIN tenant t ON t.id = r.tenant_id" condition \
    " ORDER BY h.starts_at, h.reservation_id"
#define HITS(ids, period, condition) "(SELECT json_agg(e) FROM (" HIT_ROWS(ids, period, condition) ") e)"

#define WINDOW_SELECT                                                                                                  \
    "SELECT w.id, z.name AS zone, to_json(w.node_names) AS nodes, w.rack, w.leaf,"                                     \
    " " NAMES_OF("w.node_ids") " AS \"status.nodes\", " EPOCH("w.hidden_at") " AS deleted_at,"                         \
    " " EPOCH("w.starts_at") " AS starts_at, " EPOCH("w.ends_at") " AS ends_at, w.reason,"                             \
    " " EPOCH("w.created_at") " AS created_at, " EPOCH("w.cancel_requested_at") " AS cancel_requested_at,"             \
    " coalesce(s.state, 'pending') AS \"status.state\", s.reason AS \"status.reason\","                                \
    " " EPOCH("s.ends_at") " AS \"status.ends_at\", " EPOCH("s.decided_at") " AS \"status.decided_at\","               \
    " coalesce(s.moved_count, 0) AS \"status.moved_count\","                                                           \
    " CASE WHEN s.conflict IS NOT NULL THEN " HITS("w.node_ids", "tstzrange(w.starts_at, w.ends_at)",                  \
        " WHERE h.reservation_id IN (SELECT (c->>'id')::uuid FROM jsonb_array_elements(s.conflict) c)") " END AS hits,"\
    NO_CHEAPEST ", w.id AS page_key, w.revision AS wish_revision, coalesce(s.revision, 0) AS status_revision"          \
    " FROM maintenance_window w JOIN zone z ON z.id = w.zone_id"                                                       \
    " LEFT JOIN maintenance_window_status s ON s.window_id = w.id"

static const struct db_stmt statement_list = {
    .name = "maintenance_list",
    .sql = WINDOW_SELECT " WHERE ($1::uuid IS NULL OR w.id > $1::uuid) AND ($3::text IS NULL OR z.name = $3::text)"
                         " AND ($4::text IS NULL OR coalesce(s.state, 'pending') = $4::text)"
                         " AND ($5::boolean OR w.hidden_at IS NULL) AND ($6::uuid IS NULL OR $6::uuid = ANY(w.node_ids))"
                         " ORDER BY w.id LIMIT $2::bigint",
    .params = 6,
};

static const struct db_stmt statement_get = {
    .name = "maintenance_get",
    .sql = WINDOW_SELECT " WHERE w.id = $1::uuid AND ($2::boolean OR w.hidden_at IS NULL)",
    .params = 2,
};

/* The zone (null: none of that name), the nodes that were named or stand in the rack or behind the leaf, and the first
 * name that no node has. */
static const struct db_stmt statement_nodes = {
    .name = "maintenance_nodes",
    .sql = "SELECT z.id, (SELECT array_agg(n.id ORDER BY n.name) FROM node n JOIN rack k ON k.id = n.rack_id"
           "                 LEFT JOIN leaf l ON l.id = k.leaf_id"
           "               WHERE n.zone_id = z.id AND n.retired_at IS NULL AND (n.name = ANY($2::text[]) OR k.name = $3::text OR l.name = $4::text)),"
           "       (SELECT min(a.name) FROM unnest($2::text[]) AS a (name)"
           "         WHERE NOT EXISTS (SELECT FROM node n WHERE n.zone_id = z.id AND n.name = a.name)), " EPOCH("sluice_now()")
           "  FROM (SELECT (SELECT id FROM zone WHERE name = $1::text)) z (id)",
    .params = 4,
};

static const struct db_stmt statement_check = {
    .name = "maintenance_check",
    .sql = "SELECT NULL::uuid AS id, z.name AS zone, to_json($8::text[]) AS nodes, $9::text AS rack, $10::text AS leaf,"
           " " NAMES_OF("$2::uuid[]") " AS \"status.nodes\", $3::bigint AS starts_at,"
           " $4::bigint AS ends_at, $5::text AS reason, NULL::bigint AS created_at, NULL::bigint AS cancel_requested_at,"
           " NULL::text AS \"status.state\", NULL::text AS \"status.reason\", NULL::bigint AS \"status.ends_at\","
           " NULL::bigint AS \"status.decided_at\", NULL::integer AS \"status.moved_count\","
           " coalesce(" HITS("$2::uuid[]", "tstzrange(to_timestamp($3::bigint), to_timestamp($4::bigint))", "") ", '[]') AS hits,"
           " $6::bigint AS \"cheapest.starts_at\", $6::bigint + ($4::bigint - $3::bigint) AS \"cheapest.ends_at\","
           " $7::bigint AS \"cheapest.hit_gpu_milli_seconds\" FROM zone z WHERE z.id = $1::uuid",
    .params = 10,
};

static const struct db_stmt statement_held = {
    .name = "maintenance_held",
    .sql = "SELECT " EPOCH("lower(a.period)") ", " EPOCH("upper(a.period)") ", upper(a.slots) - lower(a.slots)"
           "  FROM unnest($1::uuid[]) AS n (id) JOIN allocation a ON a.node_id = n.id"
           "   AND a.place && allocation_reach(n.id, to_timestamp($2::bigint), to_timestamp($3::bigint))"
           " WHERE a.kind <> 'turnaround' AND a.period && tstzrange(to_timestamp($2::bigint), to_timestamp($3::bigint))",
    .params = 3,
};

static const struct db_stmt statement_create = {
    .name = "maintenance_create",
    .sql = "INSERT INTO maintenance_window (id, zone_id, node_ids, starts_at, ends_at, reason, principal_id, node_names, rack, leaf)"
           " VALUES ($1::uuid, $2::uuid, $3::uuid[], to_timestamp($4::bigint), to_timestamp($5::bigint), $6, $7::uuid,"
           "         $8::text[], $9, $10)",
    .params = 10,
};

static const struct db_stmt statement_begun = {
    .name = "maintenance_begun",
    .sql = HIT_ROWS("$1::uuid[]", "tstzrange(to_timestamp($2::bigint), to_timestamp($3::bigint))",
                    " WHERE r.state IN ('activating', 'active', 'ending')"),
    .params = 3,
};

static const struct db_stmt statement_lock = {
    .name = "maintenance_lock",
    .sql = "SELECT revision AS wish_revision, zone_id FROM maintenance_window"
           " WHERE id = $1::uuid AND hidden_at IS NULL FOR UPDATE",
    .params = 1,
};
static const struct db_stmt statement_read = {
    .name = "maintenance_read",
    .sql = WINDOW_SELECT " WHERE w.id = $1::uuid",
    .params = 1,
};
static const struct object_lock maintenance_lock = {
    .stmt = &statement_lock, .noun = "maintenance window", .read = &statement_read};

static const struct db_stmt statement_replace = {
    .name = "maintenance_replace",
    .sql = "UPDATE maintenance_window SET reason = $2, revision = revision + 1 WHERE id = $1::uuid RETURNING revision",
    .params = 2,
};

static const struct db_stmt statement_hide = {
    .name = "maintenance_hide",
    .sql = "UPDATE maintenance_window SET hidden_at = sluice_now(), revision = revision + 1 WHERE id = $1::uuid"
           " RETURNING revision",
    .params = 1,
};

/* No row: it is cancelled or over already. */
static const struct db_stmt statement_cancel = {
    .name = "maintenance_cancel",
    .sql = "UPDATE maintenance_window w SET cancel_requested_at = sluice_now(), revision = revision + 1"
           " WHERE w.id = $1::uuid AND w.cancel_requested_at IS NULL AND NOT EXISTS ("
           "   SELECT FROM maintenance_window_status s WHERE s.window_id = w.id AND s.state IN ('done', 'refused', 'cancelled'))"
           " RETURNING revision",
    .params = 1,
};

// clang-format on

/* ---- Reads ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct list_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->zone, query->state, request_bool(request->includes_deleted), NULL), reterr);
}

static enum err_kind list_of_node(struct request *request, struct response *response, struct err *reterr)
{
    const struct list_query *query = request->query;
    enum err_kind kind = node_find(request, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(NULL, query->state, request_bool(request->includes_deleted), request->object), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "maintenance window", reterr);
}

/* ---- What is asked for ---- */

struct target {
    const char *zone_id;
    const char *node_ids; /* the text of a PostgreSQL array */
};

/* And when it begins, where that is now: the caller's now would be over. */
static enum err_kind find_target(struct request *request, struct maintenance *wish, struct target *ret,
                                 struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_nodes,
                    DB_PARAMS(wish->zone, wish->nodes.array == NULL ? "{}" : wish->nodes.array, wish->rack, wish->leaf),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct field_problems *problems = &request->problems;
    *ret = (struct target){.zone_id = db_text(result, 0, 0), .node_ids = db_text(result, 0, 1)};
    const char *unknown = db_text(result, 0, 2);
    if (ret->zone_id == NULL)
        field_problem_add(problems, "/zone", "unknown_zone", "there is no zone '%s'", wish->zone);
    else if (unknown != NULL)
        field_problem_add(problems, "/nodes", "unknown_node", "zone '%s' has no node '%s'", wish->zone, unknown);
    else if (ret->node_ids == NULL)
        field_problem_add(problems, "/rack", "unknown_node", "name nodes, or a rack or leaf that has some");
    int64_t now_s = db_int(result, 0, 3, 0);
    if (wish->starts_at == FIELD_NULL)
        wish->starts_at = now_s;
    if (wish->ends_at <= wish->starts_at)
        field_problem_add(problems, "/ends_at", "window_reversed", "the window must end after it begins");
    else if (wish->starts_at < now_s)
        field_problem_add(problems, "/starts_at", "window_in_past", "the window must begin now or later");
    return problems->count > 0 ? request_invalid(request, reterr) : ERR_NONE;
}

static enum err_kind find_cheapest(struct request *request, const struct maintenance *wish, const struct target *target,
                                   struct maintenance_slot *ret, struct err *reterr)
{
    const struct create_query *query = request->query;
    int64_t from_s = query->search_from == FIELD_NULL ? wish->starts_at : query->search_from;
    int64_t until_s = query->search_until == FIELD_NULL ? least_of(from_s + SEARCH_DEFAULT_S, CALENDAR_TIME_MAX_S)
                                                        : query->search_until;
    int64_t length_s = wish->ends_at - wish->starts_at;
    if (from_s > CALENDAR_TIME_MAX_S - length_s) {
        field_problem_add(&request->problems, "?search_from", "out_of_range",
                          "a window of this length that begins then would end beyond the year 9999");
        return request_invalid(request, reterr);
    }
    const PGresult *result = NULL;
    enum err_kind kind = request_run(
        request, &statement_held,
        DB_PARAMS(target->node_ids, request_int(request, from_s), request_int(request, until_s)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(result);
    struct maintenance_held *held = arena_alloc(request->arena, (count + 1) * sizeof *held);
    for (size_t i = 0; i < count; i++)
        held[i] = (struct maintenance_held){.from_s = db_int(result, (int)i, 0, from_s),
                                            .to_s = db_int(result, (int)i, 1, until_s),
                                            .gpu_milli = db_int(result, (int)i, 2, 0)};
    *ret = maintenance_cheapest(held, count, from_s, until_s, length_s);
    return ERR_NONE;
}

static enum err_kind check(struct request *request, struct response *response, const struct target *target,
                           struct err *reterr)
{
    const struct maintenance *wish = request->body;
    struct maintenance_slot slot = {0};
    enum err_kind kind = find_cheapest(request, wish, target, &slot, reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_check,
                           DB_PARAMS(target->zone_id, target->node_ids, request_int(request, wish->starts_at),
                                     request_int(request, wish->ends_at), wish->reason,
                                     request_int(request, slot.starts_s), request_int(request, slot.hit),
                                     wish->nodes.array, wish->rack, wish->leaf),
                           &result, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, maintenance_fields, result, 0);
    return kind;
}

/* What has begun is refused at once; what has not is the leader's to move. */
static enum err_kind refuse_begun(struct request *request, const struct target *target, struct err *reterr)
{
    const struct maintenance *wish = request->body;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(
        request, &statement_begun,
        DB_PARAMS(target->node_ids, request_int(request, wish->starts_at), request_int(request, wish->ends_at)),
        &result, reterr);
    if (kind != ERR_NONE || PQntuples(result) == 0)
        return kind;
    struct json_out members;
    json_out_init(&members, request->arena);
    json_out_key(&members, "hits");
    json_out_open(&members, '[');
    field_write_rows(hit_fields, result, 0, PQntuples(result), &members);
    json_out_close(&members, ']');
    request->internal->problem_members = json_out_finish(&members);
    return err_set_code(reterr, ERR_CONFLICT, "maintenance_conflict", "%d reservations have begun on these nodes",
                        PQntuples(result));
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    struct maintenance *wish = request->body;
    struct target target = {0};
    enum err_kind kind = find_target(request, wish, &target, reterr);
    if (kind != ERR_NONE || request->validates_only)
        return kind != ERR_NONE ? kind : check(request, response, &target, reterr);
    kind = refuse_begun(request, &target, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, target.zone_id, target.node_ids,
                                     request_int(request, wish->starts_at), request_int(request, wish->ends_at),
                                     wish->reason, request->caller.principal_id, wish->nodes.array, wish->rack,
                                     wish->leaf),
                           NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->wakes_planner = true;
    kind = request_event(request, NULL, target.zone_id, "maintenance_wish", request->new_id, 1, "maintenance.requested",
                         reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 202, &statement_get, request->new_id, "maintenance window", reterr)
               : kind;
}

static enum err_kind tell(struct request *request, int64_t revision, const char *event_kind, struct err *reterr)
{
    request->wakes_planner = true;
    const char *zone_id = db_text(request->locked, 0, PQfnumber(request->locked, "zone_id"));
    return request_event(request, NULL, zone_id, "maintenance_wish", request->object, revision, event_kind, reterr);
}

static enum err_kind ask_to_cancel(struct request *request, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_cancel, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0)
        kind = tell(request, db_int(result, 0, 0, 0), "maintenance.cancel_requested", reterr);
    return kind;
}

static enum err_kind cancel(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = ask_to_cancel(request, reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

static enum err_kind hide(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = ask_to_cancel(request, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_hide, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE)
        kind = tell(request, db_int(result, 0, 0, 0), "maintenance.hidden", reterr);
    response->status = 204;
    return kind;
}

/* Nodes and times are another window: cancel this one and ask for that. */
static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct maintenance *wish = request->body;
    const PGresult *result = NULL;
    enum err_kind kind = ERR_NONE;
    if (request->body_present != 0)
        kind = request_run(request, &statement_replace, DB_PARAMS(request->object, wish->reason), &result, reterr);
    if (kind == ERR_NONE && result != NULL)
        kind = tell(request, db_int(result, 0, 0, 0), "maintenance.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_MAINTENANCE
static const struct route maintenance_routes[] = {
    {GET,    "/v1/system/maintenance-windows",             ROLES_SYSTEM_READ,    RATE_READ,  .query = &list_query_schema, .answer = &maintenance_schema, .is_list = true, .has_deleted = true, .run = list, .summary = "List maintenance windows"},
    {GET,    "/v1/system/maintenance-windows/{id}",        ROLES_SYSTEM_READ,    RATE_READ,  .answer = &maintenance_schema, ONE, .has_deleted = true, .passing = passing, .run = get, .summary = "One maintenance window"},
    {POST,   "/v1/system/maintenance-windows",             ROLES_SYSTEM_OPERATE, RATE_WRITE, .query = &create_query_schema, .body = &maintenance_schema, .answer = &maintenance_schema, .status = 202, .run = create, .replay = get, .asks = true, .problems = PROBLEMS("unknown_zone", "unknown_node", "window_in_past", "window_reversed", "maintenance_conflict"), .summary = "Take nodes out of service for a time; the zone's leader decides"},
    {PUT,    "/v1/system/maintenance-windows/{id}",        ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &maintenance_schema, .answer = &maintenance_schema, ONE, .lock = &maintenance_lock, .run = replace, .summary = "Change the reason of a maintenance window: all of it"},
    {PATCH,  "/v1/system/maintenance-windows/{id}",        ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &maintenance_schema, .answer = &maintenance_schema, ONE, .lock = &maintenance_lock, .run = replace, .summary = "Change the reason of a maintenance window: what is given"},
    {POST,   "/v1/system/maintenance-windows/{id}/cancel", ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &maintenance_schema, ONE, .lock = &maintenance_lock, .status = 200, .run = cancel, .again = get, .summary = "Give the nodes back before its end, or before it begins"},
    {GET,    "/v1/system/nodes/{id}/maintenance",          ROLES_SYSTEM_READ,    RATE_READ,  .query = &of_node_query_schema, .answer = &maintenance_schema, .is_list = true, .has_id = true, .id = IDENTITY_NODE, .has_deleted = true, .run = list_of_node, .summary = "List the maintenance windows of a node"},
    {DELETE, "/v1/system/maintenance-windows/{id}",        ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &maintenance_lock, .status = 204, .run = hide, .summary = "Cancel and hide"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const maintenance_statements[] = {&statement_list,
                                                               &statement_get,
                                                               &statement_nodes,
                                                               &statement_check,
                                                               &statement_held,
                                                               &statement_create,
                                                               &statement_begun,
                                                               &statement_lock,
                                                               &statement_read,
                                                               &statement_replace,
                                                               &statement_hide,
                                                               &statement_cancel,
                                                               NULL};

const struct resource maintenance_resource = {"maintenance-windows", maintenance_routes, maintenance_statements,
                                              "Nodes out of service for a time."};
