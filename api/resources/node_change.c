/* Replacing a node and retiring it. Where it stands, and what it has, changes only while nobody holds or is promised
 * anything of it; then the planner of its zone takes it anew. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node.h"
#include "api/resources/registry.h"
#include "common/cleanup.h"

#include <string.h>

/* Who needs it now or later: reservations and maintenance windows. What only cleans it up behind them does not count.
 */
static const struct db_stmt statement_holders = {
    .name = "node_holders",
    .sql = "SELECT (SELECT count(DISTINCT a.reservation_id) FROM allocation a WHERE a.node_id = $1::uuid"
           "           AND a.kind = 'instance' AND (upper_inf(a.period) OR upper(a.period) > sluice_now())),"
           "       (SELECT count(DISTINCT a.maintenance_window_id) FROM allocation a WHERE a.node_id = $1::uuid"
           "           AND a.kind = 'maintenance' AND upper(a.period) > sluice_now()),"
           "       (SELECT count(*) FROM instance i WHERE i.node_id = $1::uuid AND i.state NOT IN ('terminated', "
           "'failed'))",
    .params = 1,
};

/* made.id null: another node of the zone has the name. */
static const struct db_stmt statement_replace = {
    .name = "node_replace",
    .sql = NODE_PLACE
    ", made AS ("
    "  UPDATE node n SET rack_id = rack_of.id, leaf = $7, name = $9, nvlink_domain = $10, cpu_milli = $11::bigint,"
    "         memory_mib = $12::bigint, turnaround_s = $13::integer, labels = $14::jsonb, revision = n.revision + 1"
    "    FROM wanted, rack_of WHERE n.id = $8::uuid"
    "     AND NOT EXISTS (SELECT FROM node o WHERE o.zone_id = n.zone_id AND o.name = $9 AND o.id <> n.id)"
    "  RETURNING n.id, n.revision"
    ") SELECT " NODE_PLACED ", made.id, made.revision FROM wanted LEFT JOIN made ON true",
    .params = 14,
};

/* The name is free for another. */
static const struct db_stmt statement_retire = {
    .name = "node_retire",
    .sql = "UPDATE node SET retired_at = sluice_now(), retired_name = name, name = id::text, revision = revision + 1"
           " WHERE id = $1::uuid RETURNING revision",
    .params = 1,
};

static const struct db_stmt *const statements[] = {&statement_holders, &statement_replace, &statement_retire, NULL};

static enum err_kind check_free(struct request *request, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_holders, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t reservations = db_int(result, 0, 0, 0);
    int64_t windows = db_int(result, 0, 1, 0);
    if (reservations == 0 && windows == 0 && db_int(result, 0, 2, 0) == 0)
        return ERR_NONE;
    return err_set_code(reterr, ERR_CONFLICT, "node_in_use",
                        "the node is held or promised: by %lld reservations and %lld maintenance windows",
                        (long long)reservations, (long long)windows);
}

/* Whatever but its name, its labels and how long it takes to clean. */
static bool changes_hardware(const struct request *request)
{
    static const char *const soft[] = {"name", "labels", "turnaround_s"};
    uint64_t hard = request->body_present;
    for (int i = 0; node_schema.fields[i].name != NULL; i++) {
        for (size_t j = 0; j < COUNT_OF(soft); j++) {
            if (strcmp(node_schema.fields[i].name, soft[j]) == 0)
                hard &= ~(UINT64_C(1) << i);
        }
    }
    return hard != 0;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct node *wish = request->body;
    if (request->body_present == 0)
        return node_show(request, response, reterr);
    enum err_kind kind = changes_hardware(request) ? check_free(request, reterr) : ERR_NONE;
    if (kind != ERR_NONE)
        return kind;
    struct node_place place = node_place_of(wish);
    const PGresult *result = NULL;
    kind = request_run(request, &statement_replace,
                       DB_PARAMS(NODE_PLACE_PARAMS(place), request->object, wish->name, wish->nvlink_domain,
                                 request_int(request, wish->cpu_milli), request_int(request, wish->memory_mib),
                                 request_int(request, wish->turnaround_s), wish->labels),
                       &result, reterr);
    if (kind == ERR_NONE)
        kind = node_placed(request, wish, result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_text(result, 0, PQfnumber(result, "id")) == NULL)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "zone '%s' has a node named '%s' already", wish->zone,
                            wish->name);
    kind = node_tell(request, result, request->object, db_int(result, 0, PQfnumber(result, "revision"), 0),
                     "node.changed", reterr);
    return kind == ERR_NONE ? node_show(request, response, reterr) : kind;
}

static enum err_kind retire(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = check_free(request, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_retire, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    request->wakes_planner = true;
    return request_event(request, NULL, node_locked_zone(request), "node_wish", request->object,
                         db_int(result, 0, 0, 0), "node.retire_requested", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_NODE, .lock = &node_lock
static const struct route routes[] = {
    {PUT,    "/v1/system/nodes/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .body = &node_schema, .answer = &node_schema, .run = replace, .problems = PROBLEMS("node_in_use", "name_taken"), .summary = "Change a node: all of it; where it stands and what it has only while nobody needs it"},
    {PATCH,  "/v1/system/nodes/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .body = &node_schema, .answer = &node_schema, .run = replace, .problems = PROBLEMS("node_in_use", "name_taken"), .summary = "Change a node: what is given; where it stands and what it has only while nobody needs it"},
    {DELETE, "/v1/system/nodes/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .status = 204, .run = retire, .problems = PROBLEMS("node_in_use"), .summary = "Retire a node that nobody needs, for good"},
    ROUTES_END,
};
// clang-format on

const struct resource node_change_resource = {"nodes", routes, statements, NULL};
