/* Reading the nodes of a zone, and letting them go as far as they can. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_nodes.h"

#include "common/alloc.h"
#include "common/log.h"
#include "common/must.h"
#include "provisioner/reconcile/observe.h"

#include <stdio.h>

// clang-format off
/* $2 null: all nodes of the zone. */
static const struct db_stmt statement_nodes = {
    .name = "zone_nodes",
    .sql =
        "SELECT n.id, r.fabric_id, n.rack_id, n.gpu_model, n.gpu_count, n.gpu_grouping, n.cpu_milli, n.memory_mib,"
        "       n.turnaround_s, n.cordoned, n.sim_powered,"
        "       s.state, s.revision, " SQL_INSTANT("s.since") ", " SQL_INSTANT("s.due_at") ","
        "       " SQL_INSTANT("s.deadline_at") ", s.attempts,"
        "       t.live,"
        "       r.leaf_id, n.nvlink_domain = 'rack', coalesce(n.retired_name, n.name), r.name, l.name, f.name,"
        "       coalesce(m.windows, 0), n.retired_at IS NOT NULL, n.draining, t.leaving"
        "  FROM node n JOIN rack r ON r.id = n.rack_id JOIN fabric f ON f.id = r.fabric_id"
        "  LEFT JOIN leaf l ON l.id = r.leaf_id LEFT JOIN node_status s ON s.node_id = n.id"
        "  LEFT JOIN (SELECT u.node_id, count(*) AS windows"
        "               FROM maintenance_window_status t JOIN maintenance_window w ON w.id = t.window_id,"
        "                    unnest(w.node_ids) AS u (node_id)"
        "              WHERE t.zone_id = $1::uuid AND t.state = 'active' GROUP BY u.node_id) m ON m.node_id = n.id"
        " CROSS JOIN LATERAL (SELECT count(*) AS live, count(*) FILTER (WHERE i.state = 'stopping') AS leaving"
        "                       FROM instance i WHERE i.node_id = n.id AND i.state NOT IN ('terminated', 'failed')"
        "                        AND i.state NOT IN ('planned', 'replacing')) t"
        " WHERE n.zone_id = $1::uuid AND ($2::uuid[] IS NULL OR n.id = ANY($2::uuid[]))"
        " ORDER BY n.id",
    .params = 2,
};
/* Its columns, in their order. */
enum {
    ROW_ID, ROW_FABRIC, ROW_RACK, ROW_GPU_MODEL, ROW_GPUS, ROW_GROUPING,
    ROW_CPU_MILLI, ROW_MEMORY_MIB, ROW_TURNAROUND, ROW_CORDONED, ROW_POWERED,
    ROW_STATE, ROW_REVISION, ROW_SINCE, ROW_DUE, ROW_DEADLINE, ROW_ATTEMPTS,
    ROW_LIVE, ROW_LEAF, ROW_NVLINK_IS_RACK, ROW_NAME, ROW_RACK_NAME,
    ROW_LEAF_NAME, ROW_FABRIC_NAME, ROW_MAINTAINED, ROW_IS_RETIRED, ROW_IS_DRAINING, ROW_LEAVING,
};
// clang-format on

const struct db_stmt *const zone_nodes_statements[] = {&statement_nodes, NULL};

static struct node *node_slot(struct zone_memory *memory, struct identity id)
{
    uint32_t at = idmap_find(&memory->node_by_id, id);
    if (at != IDMAP_NONE)
        return &memory->nodes[at];
    if (memory->node_count == memory->node_capacity) {
        memory->node_capacity = memory->node_capacity == 0 ? 256 : 2 * memory->node_capacity;
        memory->nodes = alloc_resize(memory->nodes, memory->node_capacity, sizeof *memory->nodes);
    }
    at = memory->node_count++;
    idmap_put(&memory->node_by_id, id, at);
    struct node *node = &memory->nodes[at];
    *node = (struct node){.id = id};
    node->is = (struct lifecycle){.state = NODE_ENROLLED, .due_s = NEVER, .deadline_s = NEVER};
    node->was = node->is;
    node->spec.plannable_until = NEVER;
    return node;
}

/* What operators wish of it, as it stands now. */
static void read_wish(const struct zone_memory *memory, const PGresult *result, int row, struct node *node)
{
    struct planner_node *spec = &node->spec;
    spec->id = planner_id_of(node->id);
    spec->zone = planner_id_of(memory->terms.id);
    spec->fabric = planner_id_of(db_identity(result, row, ROW_FABRIC));
    spec->rack = planner_id_of(db_identity(result, row, ROW_RACK));
    (void)snprintf(spec->gpu_model, sizeof spec->gpu_model, "%s", db_text(result, row, ROW_GPU_MODEL));
    spec->gpus = (uint32_t)db_int(result, row, ROW_GPUS, 0);
    int grouping = planner_grouping_of_text(db_text(result, row, ROW_GROUPING));
    must(grouping >= 0); /* the table's check allows no other */
    spec->grouping = (enum planner_grouping)grouping;
    spec->cpu_milli = db_int(result, row, ROW_CPU_MILLI, 0);
    spec->memory_mib = db_int(result, row, ROW_MEMORY_MIB, 0);
    node->turnaround_s = db_int(result, row, ROW_TURNAROUND, 0);
    node->is_cordoned = db_bool(result, row, ROW_CORDONED);
    node->answers = db_bool(result, row, ROW_POWERED);
    node->is_unwanted = db_bool(result, row, ROW_IS_RETIRED);
    node->is_draining = db_bool(result, row, ROW_IS_DRAINING);
    /* A rack whose leaf is not known is one by itself; an NVLink domain of its own is all zero. */
    bool has_leaf = db_text(result, row, ROW_LEAF) != NULL;
    spec->leaf = has_leaf ? planner_id_of(db_identity(result, row, ROW_LEAF)) : spec->rack;
    spec->nvlink_domain = db_bool(result, row, ROW_NVLINK_IS_RACK) ? spec->rack : (struct planner_id){0};
}

static void read_names(struct names *names, const PGresult *result, int row)
{
    static const struct {
        int id, name;
    } columns[] = {
        {ROW_ID, ROW_NAME}, {ROW_RACK, ROW_RACK_NAME}, {ROW_LEAF, ROW_LEAF_NAME}, {ROW_FABRIC, ROW_FABRIC_NAME}};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        if (db_text(result, row, columns[i].id) != NULL)
            names_put(names, db_identity(result, row, columns[i].id), db_text(result, row, columns[i].name));
    }
}

static void read_status(const PGresult *result, int row, struct node *node)
{
    if (db_text(result, row, ROW_STATE) != NULL) {
        int state = fsm_state_of_text(&node_fsm, db_text(result, row, ROW_STATE));
        must(state >= 0);
        node->is = (struct lifecycle){
            .state = state,
            .revision = db_int(result, row, ROW_REVISION, 1),
            .due_s = db_int(result, row, ROW_DUE, NEVER),
            .deadline_s = db_int(result, row, ROW_DEADLINE, NEVER),
            .attempts = db_int(result, row, ROW_ATTEMPTS, 0),
        };
        node->since_s = db_int(result, row, ROW_SINCE, 0);
    }
    node->live_count = db_int(result, row, ROW_LIVE, 0);
    node->leaving_count = node->leaving_count_was = db_int(result, row, ROW_LEAVING, 0);
    node->maintained = node->maintained_was = db_int(result, row, ROW_MAINTAINED, 0);
    node->was = node->is;
    node->since_was_s = node->since_s;
    node->live_count_was = node->live_count;
}

static void tell_planner(struct zone_memory *memory, const struct world *world, struct node *node)
{
    node_plannable(world, node, &node->spec);
    const char *wrong = planner_node_put(memory->planner, &node->spec);
    memory->fleet_changed = true;
    if (wrong == NULL)
        return;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(node->id, id);
    log_event(LOG_LEVEL_ERROR, "node_refused_by_planner", LOG_TEXT("node", id), LOG_TEXT("why", wrong));
}

enum err_kind zone_nodes_load(struct zone_memory *memory, const struct world *world, struct db *db, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_nodes, DB_PARAMS(zone, NULL), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (int row = 0; row < PQntuples(result); row++) {
        struct node *node = node_slot(memory, db_identity(result, row, ROW_ID));
        read_wish(memory, result, row, node);
        read_names(&memory->names, result, row);
        read_status(result, row, node);
        tell_planner(memory, world, node);
    }
    return ERR_NONE;
}

/* The planner knows it otherwise. */
static bool is_news(const struct world *world, const struct node *node)
{
    struct planner_node is;
    node_plannable(world, node, &is);
    return is.plannable_from != node->spec.plannable_from || is.plannable_until != node->spec.plannable_until ||
           is.cordoned != node->spec.cordoned;
}

static void note_lost(const struct node *node, struct db_array *lost)
{
    if (!node_is_in_service(node))
        db_array_identity(lost, node->id);
}

enum err_kind zone_nodes_changed(struct zone_memory *memory, struct world *world, struct db *db,
                                 struct db_array *changed, struct db_array *lost, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_nodes, DB_PARAMS(zone, db_array_param(changed)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (int row = 0; row < PQntuples(result); row++) /* all slots first: pointers move while they are made */
        (void)node_slot(memory, db_identity(result, row, ROW_ID));
    world->nodes = memory->nodes;
    world->node_count = memory->node_count;
    world->draining = arena_alloc(world->arena, (size_t)(PQntuples(result) + 1) * sizeof *world->draining);
    for (int row = 0; row < PQntuples(result); row++) {
        struct node *node = node_slot(memory, db_identity(result, row, ROW_ID));
        read_wish(memory, result, row, node);
        read_names(&memory->names, result, row);
        node_drive(world, node);
        tell_planner(memory, world, node);
        note_lost(node, lost);
        if (node->is_draining)
            world->draining[world->draining_count++] = node->id;
    }
    world->capacity_returned = true; /* a node came, answers again, or may be used again */
    return ERR_NONE;
}

void zone_nodes_due(struct zone_memory *memory, struct world *world, struct db_array *lost)
{
    for (uint32_t i = 0; i < memory->node_count; i++) {
        struct node *node = &memory->nodes[i];
        if (!memory->all_nodes && node->is.due_s > world->now_s)
            continue;
        node_drive(world, node);
        if (is_news(world, node))
            tell_planner(memory, world, node);
        if (memory->all_nodes)
            note_lost(node, lost);
    }
}
