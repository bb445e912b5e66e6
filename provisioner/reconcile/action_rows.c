/* What was asked of instances as rows: reading what is open, writing what became of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/observe.h"

#include "common/must.h"

#include <string.h>

/* One of an instance is open at a time, its newest: the API refuses another. Those before are not looked at. */
static const struct db_stmt statement_observe = {
    .name = "action_observe",
    .sql = "SELECT i.id, i.reservation_id, newest.id, newest.action"
           "  FROM unnest($1::uuid[]) AS t (id)"
           "  JOIN instance i ON i.reservation_id = t.id"
           " CROSS JOIN LATERAL (SELECT a.id, a.action FROM instance_action a WHERE a.instance_id = i.id"
           "                      ORDER BY a.sequence DESC LIMIT 1) newest"
           " WHERE EXISTS (SELECT FROM instance_action a WHERE a.reservation_id = t.id)"
           "   AND NOT EXISTS (SELECT FROM instance_action_status s WHERE s.action_id = newest.id)",
    .params = 1,
};
enum { OPEN_INSTANCE, OPEN_RESERVATION, OPEN_ACTION, OPEN_KIND };

static const struct db_stmt statement_write = {
    .name = "action_write",
    .sql = "INSERT INTO instance_action_status (action_id, instance_id, tenant_id, state, reason, finished_at)"
           " SELECT n.id, n.instance, n.tenant, n.state, n.reason, to_timestamp($1::bigint)"
           "   FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[])"
           "        AS n (id, instance, tenant, state, reason)",
    .params = 6,
};

const struct db_stmt *const action_statements[] = {&statement_observe, &statement_write, NULL};

static enum action_kind kind_of_text(const char *text)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++) {
        if (strcmp(action_kind_text((enum action_kind)kind), text) == 0)
            return (enum action_kind)kind;
    }
    must(false); /* the table's check allows no other */
    return ACTION_STOP;
}

static struct instance *find_instance(const struct world *world, struct identity reservation, struct identity id)
{
    struct reservation *of = world_reservation(world, reservation);
    for (uint32_t i = 0; of != NULL && i < of->instance_count; i++) {
        if (identity_equal(of->instances[i].id, id))
            return &of->instances[i];
    }
    return NULL;
}

enum err_kind actions_send(struct db *db, const char *reservations, struct err *reterr)
{
    return db_send(db, &statement_observe, DB_PARAMS(reservations), reterr);
}

static bool has_begun(const struct instance *instance, struct identity action)
{
    return instance->has_begun && identity_equal(instance->begun, action);
}

enum err_kind actions_receive(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_receive(db, &result, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(result); row++) {
        struct instance *instance =
            find_instance(world, db_identity(result, row, OPEN_RESERVATION), db_identity(result, row, OPEN_INSTANCE));
        must(instance != NULL); /* instances are never deleted */
        struct identity id = db_identity(result, row, OPEN_ACTION);
        instance->action = arena_alloc(world->arena, sizeof *instance->action);
        *instance->action = (struct action){
            .id = id,
            .kind = kind_of_text(db_text(result, row, OPEN_KIND)),
            .begun = has_begun(instance, id),
        };
    }
    return kind;
}

#define COLUMNS 5

static void columns_clear(struct db_array (*columns)[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++)
        db_array_clear(&(*columns)[i]);
}

static void add_action(struct db_array *next, const struct instance *instance)
{
    const struct action *action = instance->action;
    if (action == NULL || action->state == ACTION_PENDING)
        return;
    db_array_identity(next++, action->id);
    db_array_identity(next++, instance->id);
    db_array_identity(next++, instance->reservation->wish.tenant);
    db_array_text(next++, action_state_text(action->state));
    db_array_text(next, action->reason);
}

enum err_kind apply_actions(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(columns_clear) struct db_array columns[COLUMNS] = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        for (uint32_t j = 0; j < reservation->instance_count; j++)
            add_action(columns, &reservation->instances[j]);
    }
    if (columns[0].count == 0)
        return ERR_NONE;
    char now[DB_INT_TEXT_SIZE];
    const char *params[COLUMNS + 1] = {db_int_param(now, world->now_s)};
    for (int i = 0; i < COLUMNS; i++)
        params[i + 1] = db_array_param(&columns[i]);
    return apply_send(queue, &statement_write, params, (int64_t)columns[0].count, reterr);
}
