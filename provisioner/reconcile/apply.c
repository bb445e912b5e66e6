/* Queueing what changed, taking the answers, and counting that each guarded row was there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/credit.h"

#include "common/must.h"

#include <stdlib.h>

/* What is due next. Under a virtual clock ($3 is not null) also the acknowledgement of its tick, or taking it back where
 * work is left ($5 is false) or something is due even now: whoever moves the clock then asks again. */
static const struct db_stmt statement_next_due = {
    .name = "apply_next_due",
    .sql =
        "WITH due AS MATERIALIZED (SELECT least("
        " (SELECT min(due_at) FROM reservation_status WHERE zone_id = $1::uuid AND due_at IS NOT NULL),"
        " (SELECT min(due_at) FROM instance WHERE zone_id = $1::uuid AND due_at IS NOT NULL),"
        " (SELECT min(due_at) FROM node_status WHERE zone_id = $1::uuid AND due_at IS NOT NULL),"
        " (SELECT min(due_at) FROM maintenance_window_status WHERE zone_id = $1::uuid AND due_at IS NOT NULL),"
        " (SELECT paused_until FROM zone_pause_status WHERE zone_id = $1::uuid)) AS at),"
        " judged AS MATERIALIZED (SELECT at, $5::boolean AND coalesce(at > to_timestamp($4::bigint), true) AS is_done FROM due)"
        " SELECT coalesce(extract(epoch FROM at)::bigint, 9223372036854775807), is_done,"
        "        CASE WHEN $3::bigint IS NOT NULL"
        "             THEN clock_acknowledge($2::text, $3::bigint - CASE WHEN is_done THEN 0 ELSE 1 END, at)::text END"
        "   FROM judged",
    .params = 5,
};

/* Under a virtual clock, of work that no wish waits for. */
static const struct db_stmt statement_relax = {
    .name = "apply_relax",
    .sql = "SELECT set_config('synchronous_commit', 'off', true)",
    .params = 0,
};

static const struct db_stmt statement_stays_begin = {
    .name = "apply_stays_begin",
    .sql = "INSERT INTO instance_incarnation (instance_id, incarnation, tenant_id, node_id, started_at)"
           " SELECT n.instance, n.incarnation, n.tenant, n.node, to_timestamp($1::bigint)"
           "   FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::uuid[]) AS n (instance, incarnation, tenant, node)",
    .params = 5,
};

static const struct db_stmt statement_stays_end = {
    .name = "apply_stays_end",
    .sql = "UPDATE instance_incarnation i SET ended_at = to_timestamp($1::bigint), end_reason = n.reason"
           "  FROM unnest($2::uuid[], $3::int[], $4::text[]) AS n (instance, incarnation, reason)"
           " WHERE i.instance_id = n.instance AND i.incarnation = n.incarnation AND i.ended_at IS NULL",
    .params = 4,
};

static const struct db_stmt statement_nodes = {
    .name = "apply_nodes",
    .sql =
        "INSERT INTO node_status AS s (node_id, zone_id, state, revision, since, due_at, deadline_at, attempts, last_error)"
        " SELECT n.node, $1::uuid, n.state, n.revision, to_timestamp(n.since), to_timestamp(n.due),"
        "        to_timestamp(n.deadline), n.attempts, n.error"
        "   FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[],"
        "               $9::text[])"
        "        AS n (node, state, revision, since, due, deadline, attempts, error)"
        " ON CONFLICT (node_id) DO UPDATE"
        " SET state = excluded.state, revision = excluded.revision, since = excluded.since, due_at = excluded.due_at,"
        "     deadline_at = excluded.deadline_at, attempts = excluded.attempts,"
        "     last_error = CASE WHEN excluded.state NOT IN ('ready', 'allocated') THEN coalesce(excluded.last_error, s.last_error) END"
        " WHERE s.revision < excluded.revision",
    .params = 9,
};

static const struct db_stmt statement_events = {
    .name = "apply_events",
    .sql = "SELECT event_append_all($1::uuid, $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::int[],"
           "                        $8::text[], $9::bigint[])",
    .params = 9,
    .columns = 8,
};

const struct db_stmt *const apply_statements[] = {
    &statement_next_due,
    &statement_relax,
    &statement_stays_begin,
    &statement_stays_end,
    &statement_nodes,
    &statement_events,
    NULL,
};

enum err_kind apply_send(struct apply_queue *queue, const struct db_stmt *stmt, const char *const *params,
                         int64_t expected, struct err *reterr)
{
    must(queue->count < APPLY_STATEMENTS_MAX);
    queue->expected[queue->count++] = expected;
    return db_send(queue->db, stmt, params, reterr);
}

void apply_instant(struct db_array *array, int64_t instant_s)
{
    db_array_int_or_null(array, instant_s, NEVER);
}

void apply_column_instant(struct db_column *column, int64_t instant_s)
{
    db_column_int8_or_null(column, instant_s, NEVER);
}

/* ---- Stays ---- */

static enum err_kind stays_begin(struct world *world, struct apply_queue *queue, const char *now, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array instances = {0};
    CLEANUP(db_array_clear) struct db_array incarnations = {0};
    CLEANUP(db_array_clear) struct db_array tenants = {0};
    CLEANUP(db_array_clear) struct db_array nodes = {0};
    for (uint32_t i = 0; i < world->stay_count; i++) {
        const struct stay *stay = &world->stays[i];
        if (!stay->began)
            continue;
        db_array_identity(&instances, stay->instance);
        db_array_int(&incarnations, stay->incarnation);
        db_array_identity(&tenants, stay->tenant);
        db_array_identity(&nodes, stay->node);
    }
    if (instances.count == 0)
        return ERR_NONE;
    return apply_send(queue, &statement_stays_begin,
                      DB_PARAMS(now, db_array_param(&instances), db_array_param(&incarnations),
                                db_array_param(&tenants), db_array_param(&nodes)),
                      (int64_t)instances.count, reterr);
}

static enum err_kind stays_end(struct world *world, struct apply_queue *queue, const char *now, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array instances = {0};
    CLEANUP(db_array_clear) struct db_array incarnations = {0};
    CLEANUP(db_array_clear) struct db_array reasons = {0};
    for (uint32_t i = 0; i < world->stay_count; i++) {
        const struct stay *stay = &world->stays[i];
        if (stay->began)
            continue;
        db_array_identity(&instances, stay->instance);
        db_array_int(&incarnations, stay->incarnation);
        db_array_text(&reasons, stay->end_reason);
    }
    if (instances.count == 0)
        return ERR_NONE;
    return apply_send(
        queue, &statement_stays_end,
        DB_PARAMS(now, db_array_param(&instances), db_array_param(&incarnations), db_array_param(&reasons)),
        (int64_t)instances.count, reterr);
}

static enum err_kind apply_stays(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    char now[DB_INT_TEXT_SIZE];
    (void)db_int_param(now, world->now_s);
    must(world->stay_count == 0 || !world_is_paused(world)); /* the rows by which one begins or ends wait */
    enum err_kind kind = stays_begin(world, queue, now, reterr);
    return kind == ERR_NONE ? stays_end(world, queue, now, reterr) : kind;
}

/* ---- Nodes ---- */

static enum err_kind apply_nodes(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    CLEANUP(db_array_clear) struct db_array states = {0};
    CLEANUP(db_array_clear) struct db_array revisions = {0};
    CLEANUP(db_array_clear) struct db_array since = {0};
    CLEANUP(db_array_clear) struct db_array due = {0};
    CLEANUP(db_array_clear) struct db_array deadlines = {0};
    CLEANUP(db_array_clear) struct db_array attempts = {0};
    CLEANUP(db_array_clear) struct db_array errors = {0};
    for (uint32_t i = 0; i < world->touched_count; i++) {
        const struct node *node = world->touched[i];
        if (node->is.revision == node->was.revision)
            continue;
        db_array_identity(&ids, node->id);
        db_array_text(&states, node_fsm.states[node->is.state].name);
        db_array_int(&revisions, node->is.revision);
        db_array_int(&since, node->since_s);
        apply_instant(&due, node->is.due_s);
        apply_instant(&deadlines, node->is.deadline_s);
        db_array_int(&attempts, node->is.attempts);
        db_array_text(&errors, node->is.last_error);
    }
    if (ids.count == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    return apply_send(queue, &statement_nodes,
                      DB_PARAMS(zone, db_array_param(&ids), db_array_param(&states), db_array_param(&revisions),
                                db_array_param(&since), db_array_param(&due), db_array_param(&deadlines),
                                db_array_param(&attempts), db_array_param(&errors)),
                      (int64_t)ids.count, reterr);
}

/* ---- Events ---- */

/* In the order of event_append_all()'s parameters. */
enum event_column {
    EVENT_TENANT,
    EVENT_TYPE,
    EVENT_OBJECT,
    EVENT_REVISION,
    EVENT_KIND,
    EVENT_TRANSITION,
    EVENT_PAYLOAD,
    EVENT_OCCURRED,
    EVENT_COLUMNS
};

static void event_columns_clear(struct db_column (*columns)[EVENT_COLUMNS])
{
    for (int i = 0; i < EVENT_COLUMNS; i++)
        db_column_clear(&(*columns)[i]);
}

static void add_event(struct db_column columns[EVENT_COLUMNS], const struct event_record *event)
{
    db_column_identity_or_null(&columns[EVENT_TENANT], event->tenant);
    db_column_text(&columns[EVENT_TYPE], event->object_type);
    db_column_identity(&columns[EVENT_OBJECT], event->object);
    db_column_int8(&columns[EVENT_REVISION], event->revision);
    db_column_text(&columns[EVENT_KIND], event->kind);
    db_column_int4(&columns[EVENT_TRANSITION], event->transition);
    db_column_text(&columns[EVENT_PAYLOAD], event->payload);
    db_column_int8(&columns[EVENT_OCCURRED], event->occurred_at_s);
}

static enum err_kind apply_events(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    if (world->event_count == 0)
        return ERR_NONE;
    CLEANUP(event_columns_clear) struct db_column columns[EVENT_COLUMNS] = {0};
    for (uint32_t i = 0; i < world->event_count; i++)
        add_event(columns, &world->events[i]);
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    const char *params[1 + EVENT_COLUMNS] = {zone};
    for (int i = 0; i < EVENT_COLUMNS; i++)
        params[1 + i] = db_column_param(&columns[i]);
    return apply_send(queue, &statement_events, params, -1, reterr);
}

/* ---- All of it ---- */

static enum err_kind send_driver(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    int answers = 0;
    enum err_kind kind = world->driver_ops->save_send(world->driver, queue->db, &answers, reterr);
    must(queue->count + answers <= APPLY_STATEMENTS_MAX);
    for (int i = 0; i < answers; i++)
        queue->expected[queue->count++] = -1;
    return kind;
}

/* The statement whose answer is read comes last. */
static enum err_kind send_end(const struct world *world, struct apply_queue *queue, const struct apply_end *end,
                              struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (end->cursor != NULL) {
        struct event_cursor_params cursor;
        kind = apply_send(queue, &event_cursor_save_stmt, event_cursor_params(end->consumer, end->cursor, &cursor), -1,
                          reterr);
    }
    if (kind == ERR_NONE && end->may_relax && !world_has_verdict(world))
        kind = apply_send(queue, &statement_relax, DB_NO_PARAMS, -1, reterr);
    if (kind != ERR_NONE)
        return kind;
    char zone[UUID_TEXT_SIZE];
    char tick[DB_INT_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    const char *acknowledged = end->clock->is_virtual ? db_int_param(tick, end->clock->tick) : NULL;
    return apply_send(
        queue, &statement_next_due,
        DB_PARAMS(zone, end->consumer, acknowledged, db_int_param(now, world->now_s), end->is_last ? "true" : "false"),
        -1, reterr);
}

/* The order of the parts matters within a table only: what goes before what comes. */
static enum err_kind (*const parts[])(struct world *world, struct apply_queue *queue, struct err *reterr) = {
    apply_allocations, apply_reservations, apply_amendments, apply_instances, apply_actions, apply_stays,
    apply_nodes,       apply_maintenance,  credit_apply,     apply_lines,     apply_events,
};

static enum err_kind send_all(struct world *world, struct apply_queue *queue, const struct apply_end *end,
                              struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < COUNT_OF(parts) && kind == ERR_NONE; i++)
        kind = parts[i](world, queue, reterr);
    if (kind == ERR_NONE)
        kind = send_driver(world, queue, reterr);
    if (kind == ERR_NONE)
        kind = send_end(world, queue, end, reterr);
    return kind == ERR_NONE ? db_pipeline_sync(queue->db, reterr) : kind;
}

static enum err_kind receive_all(struct apply_queue *queue, struct apply_outcome *ret, struct err *reterr)
{
    for (int i = 0; i < queue->count; i++) {
        CLEANUP(db_result_clear) PGresult *result = NULL;
        enum err_kind kind = db_receive(queue->db, &result, reterr);
        if (kind != ERR_NONE)
            return kind;
        int64_t rows = strtoll(PQcmdTuples(result), NULL, 10);
        if (queue->expected[i] >= 0 && rows != queue->expected[i])
            return err_set(reterr, ERR_RETRY, "%lld of %lld rows were as they had been read", (long long)rows,
                           (long long)queue->expected[i]);
        if (i == queue->count - 1)
            *ret =
                (struct apply_outcome){.next_due_s = db_int(result, 0, 0, NEVER), .is_settled = db_bool(result, 0, 1)};
    }
    return ERR_NONE;
}

enum err_kind apply_changes(struct world *world, struct db *db, const struct apply_end *end, struct apply_outcome *ret,
                            struct err *reterr)
{
    struct apply_queue queue = {.db = db};
    enum err_kind kind = db_pipeline_enter(db, reterr);
    if (kind == ERR_NONE)
        kind = send_all(world, &queue, end, reterr);
    if (kind == ERR_NONE)
        kind = receive_all(&queue, ret, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_leave(db, reterr);
    return kind; /* after a failure the rollback leaves the pipeline */
}
