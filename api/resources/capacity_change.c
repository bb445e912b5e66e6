/* How nodes went from state to state, and what that did to the capacity that is in service. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const causes[] = {"enrolled",    "repaired", "maintained", "quarantined",
                                     "maintenance", "retired",  NULL};

// clang-format off
static const struct field move_fields[] = {
    FIELD_COLUMN("at",         FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("from",       FIELD_TYPE_TEXT, .help = "The state that it left"),
    FIELD_COLUMN("to",         FIELD_TYPE_TEXT, .help = "The state that it came to"),
    FIELD_COLUMN("transition", FIELD_TYPE_INT, .help = "Number of the transition, as docs/states.md has it"),
    FIELD_COLUMN("reason",     FIELD_TYPE_TEXT, .help = "Why"),
    FIELD_COLUMN("revision",   FIELD_TYPE_INT, .help = "Revision of its status after the change, as its events have it"),
    FIELDS_END,
};

static const struct field change_fields[] = {
    FIELD_COLUMN("at",        FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("node",      FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("name",      FIELD_TYPE_TEXT, .help = "Its name"),
    FIELD_COLUMN("zone",      FIELD_TYPE_TEXT, .help = "Name of its zone"),
    FIELD_COLUMN("gpu_model", FIELD_TYPE_TEXT, .help = "Model of its GPUs"),
    FIELD_COLUMN("gpus",      FIELD_TYPE_INT, .help = "Its GPUs: above zero where they came into service, below where they went out of it"),
    FIELD_COLUMN("cause",     FIELD_TYPE_ENUM, .values = causes, .help = "They came: enrolled, repaired or maintained; they went: quarantined, maintenance or retired"),
    FIELD_COLUMN("reason",    FIELD_TYPE_TEXT, .help = "Why, in words"),
    FIELDS_END,
};

struct move_query {
    int64_t from, to;
};
struct change_query {
    const char *zone, *cause;
    int64_t from, to;
};
#define RANGE_FIELDS(type)                                                                    \
    FIELD_TIME("from", type, from, .help = "Only those at this instant or later"),            \
    FIELD_TIME("to",   type, to, .from = "from", .help = "Only those before this instant")

static const struct field move_query_fields[] = {
    RANGE_FIELDS(struct move_query),
    FIELDS_END,
};
static const struct field change_query_fields[] = {
    FIELD_TEXT("zone",  struct change_query, zone, .help = "Only in the zone of this name"),
    FIELD_ENUM("cause", struct change_query, cause, .values = causes, .help = "Only those with this cause"),
    RANGE_FIELDS(struct change_query),
    FIELDS_END,
};
// clang-format on

static const struct schema move_schema = {"NodeTransition", move_fields, 0};
static const struct schema change_schema = {"CapacityChange", change_fields, 0};
static const struct schema move_query_schema = {"NodeTransitionQuery", move_query_fields, sizeof(struct move_query)};
static const struct schema change_query_schema = {"CapacityChangeQuery", change_query_fields,
                                                  sizeof(struct change_query)};

#define EPOCH(column) "extract(epoch FROM " column ")::bigint"
#define IN_RANGE(column, from, to)                                                                                     \
    " AND (" from "::bigint IS NULL OR " column " >= to_timestamp(" from "::bigint))"                                  \
    " AND (" to "::bigint IS NULL OR " column " < to_timestamp(" to "::bigint))"

// clang-format off
static const struct db_stmt statement_moves = {
    .name = "node_moves",
    .sql = "SELECT " EPOCH("m.occurred_at") " AS at, m.from_state AS \"from\", m.to_state AS \"to\", m.transition,"
           " m.reason, m.revision, m.revision AS page_key FROM node_move m"
           " WHERE m.node_id = $3::uuid AND ($1::bigint IS NULL OR m.revision < $1::bigint)"
           IN_RANGE("m.occurred_at", "$4", "$5")
           " ORDER BY m.revision DESC LIMIT $2::bigint",
    .params = 5,
};

/* The key of a page is "instant node revision", which is the order. */
static const struct db_stmt statement_changes = {
    .name = "capacity_changes",
    .sql = "SELECT " EPOCH("c.occurred_at") " AS at, c.node_id AS node, coalesce(n.retired_name, n.name) AS name,"
           " z.name AS zone, n.gpu_model, c.gpus, c.cause, c.reason,"
           " concat_ws(' ', " EPOCH("c.occurred_at") ", c.node_id, c.revision) AS page_key"
           " FROM capacity_change c JOIN node n ON n.id = c.node_id JOIN zone z ON z.id = c.zone_id"
           " WHERE ($1::text IS NULL OR (c.occurred_at, c.node_id, c.revision) <"
           "        (to_timestamp(split_part($1, ' ', 1)::bigint),"
           "         split_part($1, ' ', 2)::uuid, split_part($1, ' ', 3)::bigint))"
           "   AND ($3::text IS NULL OR z.name = $3::text) AND ($4::text IS NULL OR c.cause = $4::text)"
           IN_RANGE("c.occurred_at", "$5", "$6")
           " ORDER BY c.occurred_at DESC, c.node_id DESC, c.revision DESC LIMIT $2::bigint",
    .params = 6,
};
// clang-format on

static enum err_kind list_moves(struct request *request, struct response *response, struct err *reterr)
{
    const struct move_query *query = request->query;
    enum err_kind kind = node_find(request, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_moves,
                       DB_PARAMS(request->object, request_int(request, query->from), request_int(request, query->to)),
                       reterr);
}

static enum err_kind list_changes(struct request *request, struct response *response, struct err *reterr)
{
    const struct change_query *query = request->query;
    return answer_page(
        request, response, &statement_changes,
        DB_PARAMS(query->zone, query->cause, request_int(request, query->from), request_int(request, query->to)),
        reterr);
}

// clang-format off
static const struct route capacity_change_routes[] = {
    {GET, "/v1/system/nodes/{id}/transitions", ROLES_SYSTEM_READ, RATE_READ,   .has_id = true, .id = IDENTITY_NODE, .has_deleted = true, .query = &move_query_schema, .answer = &move_schema, .is_list = true, .run = list_moves, .summary = "A node's changes of state, the newest first, as long as the event log has them"},
    {GET, "/v1/system/resource-index",         ROLES_SYSTEM_READ, RATE_REPORT, .query = &change_query_schema, .answer = &change_schema, .is_list = true, .run = list_changes, .summary = "What capacity came into service or went out of it, and why: the newest first, as long as the event log has it"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const capacity_change_statements[] = {&statement_moves, &statement_changes, NULL};

const struct resource capacity_change_resource = {"resource-index", capacity_change_routes, capacity_change_statements,
                                                  "What came into service and went out of it, and why."};
