/* Writing the planner's changes as rectangles.
 *
 * What ended before this instant is history and is moved there first, so that the index stays as small as the future
 * is; the planner may still remember it, and it is not written again. What ends at this very instant may have been cut
 * just now: it is written, and moved later. The exclusion constraint is checked at once, so what goes is deleted before
 * what comes is inserted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/maintenance.h"

static const struct db_stmt statement_history = {
    .name = "apply_allocation_history",
    .sql =
        "WITH ended AS (DELETE FROM allocation a"
        "  WHERE a.zone_id = $1::uuid AND upper(a.period) < to_timestamp($2::bigint)"
        "    AND ($3::uuid[] IS NULL OR a.reservation_id = ANY($3::uuid[]))"
        "  RETURNING a.node_id, a.zone_id, a.slots, a.period, a.kind, a.reservation_id, a.maintenance_window_id, a.ordinal,"
        "            a.tenant_id, a.cpu_milli, a.memory_mib)"
        " INSERT INTO allocation_history (node_id, zone_id, slots, period, ended_at, kind, reservation_id,"
        "                                 maintenance_window_id, ordinal, tenant_id, cpu_milli, memory_mib)"
        " SELECT node_id, zone_id, slots, period, upper(period), kind, reservation_id, maintenance_window_id, ordinal,"
        "        tenant_id, cpu_milli, memory_mib FROM ended",
    .params = 3,
};

/* IS NOT DISTINCT FROM keeps the planner of PostgreSQL from the exclusion index: the reservation is the key. */
static const struct db_stmt statement_delete = {
    .name = "apply_allocation_delete",
    .sql =
        "DELETE FROM allocation a USING unnest($1::uuid[], $2::int[], $3::uuid[]) AS n (reservation, ordinal, node)"
        " WHERE a.reservation_id = n.reservation AND a.ordinal = n.ordinal AND a.node_id IS NOT DISTINCT FROM n.node",
    .params = 3,
};

static const struct db_stmt statement_delete_maintenance = {
    .name = "apply_maintenance_delete",
    .sql = "DELETE FROM allocation a USING unnest($1::uuid[], $2::int[]) AS n (maintenance, ordinal)"
           " WHERE a.maintenance_window_id = n.maintenance AND a.ordinal = n.ordinal",
    .params = 2,
};

static const struct db_stmt statement_insert = {
    .name = "apply_allocation_insert",
    .sql =
        "INSERT INTO allocation (node_id, zone_id, slots, period, kind, reservation_id, maintenance_window_id, ordinal,"
        "                        tenant_id, cpu_milli, memory_mib)"
        " SELECT n.node, $1::uuid, int4range(n.slots_from, n.slots_to),"
        "        tstzrange(to_timestamp(n.starts), to_timestamp(n.ends)), n.kind,"
        "        CASE WHEN n.kind <> 'maintenance' THEN n.reservation END, CASE WHEN n.kind = 'maintenance' THEN n.reservation END,"
        "        n.ordinal, n.tenant, n.cpu, n.memory"
        "   FROM (SELECT unnest($2::uuid[]) AS node, unnest($3::int[]) AS slots_from, unnest($4::int[]) AS slots_to,"
        "                unnest($5::bigint[]) AS starts, unnest($6::bigint[]) AS ends, unnest($7::text[]) AS kind,"
        "                unnest($8::uuid[]) AS reservation, unnest($9::int[]) AS ordinal, unnest($10::uuid[]) AS tenant,"
        "                unnest($11::bigint[]) AS cpu, unnest($12::bigint[]) AS memory) n",
    .params = 12,
    .columns = 11,
};

const struct db_stmt *const apply_allocation_statements[] = {&statement_history, &statement_delete,
                                                             &statement_delete_maintenance, &statement_insert, NULL};

/* In the order of the statement's parameters. */
enum column {
    COLUMN_NODE,
    COLUMN_SLOTS_FROM,
    COLUMN_SLOTS_TO,
    COLUMN_STARTS,
    COLUMN_ENDS,
    COLUMN_KIND,
    COLUMN_OWNER,
    COLUMN_ORDINAL,
    COLUMN_TENANT,
    COLUMN_CPU,
    COLUMN_MEMORY,
    COLUMNS,
};

static void columns_clear(struct db_column (*columns)[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        db_column_clear(&(*columns)[i]);
}

static void add_rectangle(struct db_column *columns, const struct planner_allocation *allocation,
                          const struct planner_rectangle *rectangle, bool carries)
{
    const char *held = allocation->maintenance ? "maintenance" : "instance";
    db_column_identity(&columns[COLUMN_NODE], identity_of(allocation->node));
    db_column_int4(&columns[COLUMN_SLOTS_FROM], rectangle->slots_from);
    db_column_int4(&columns[COLUMN_SLOTS_TO], rectangle->slots_to);
    db_column_int8(&columns[COLUMN_STARTS], rectangle->from);
    apply_column_instant(&columns[COLUMN_ENDS], rectangle->to == PLANNER_OPEN ? NEVER : rectangle->to);
    db_column_text(&columns[COLUMN_KIND], rectangle->kind == PLANNER_HELD ? held : "turnaround");
    db_column_identity(&columns[COLUMN_OWNER], identity_of(allocation->key.reservation));
    db_column_int4(&columns[COLUMN_ORDINAL], allocation->key.ordinal);
    struct identity tenant = identity_of(allocation->tenant);
    db_column_identity_or_null(&columns[COLUMN_TENANT], allocation->maintenance ? NULL : &tenant);
    db_column_int8(&columns[COLUMN_CPU], carries ? allocation->shape.cpu_milli : 0);
    db_column_int8(&columns[COLUMN_MEMORY], carries ? allocation->shape.memory_mib : 0);
}

/* CPU and memory are carried by one rectangle at a time. */
static void add_allocation(struct db_column *columns, int64_t now_s, const struct planner_allocation *allocation)
{
    int64_t carried_until_s = INT64_MIN;
    for (uint32_t i = 0; i < allocation->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &allocation->rectangles[i];
        bool carries = rectangle->kind == PLANNER_HELD && rectangle->from >= carried_until_s;
        if (carries)
            carried_until_s = rectangle->to;
        if (rectangle->to >= now_s)
            add_rectangle(columns, allocation, rectangle, carries);
    }
}

static enum err_kind insert_rows(struct world *world, struct apply_queue *queue, struct db_column *columns,
                                 struct err *reterr)
{
    int64_t rows = (int64_t)columns[COLUMN_NODE].count;
    if (rows == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    const char *params[1 + COLUMNS] = {zone};
    for (int i = 0; i < COLUMNS; i++)
        params[1 + i] = db_column_param(&columns[i]);
    return apply_send(queue, &statement_insert, params, rows, reterr);
}

/* Whose rows go, by whose key it is. */
struct gone {
    struct db_array reservations, ordinals, nodes; /* of instances */
    struct db_array windows, window_ordinals;      /* of maintenance */
};

static void gone_clear(struct gone *gone)
{
    struct db_array *const all[] = {&gone->reservations, &gone->ordinals, &gone->nodes, &gone->windows,
                                    &gone->window_ordinals};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        db_array_clear(all[i]);
}

static void add_gone(struct gone *gone, const struct world *world, const struct planner_change *change)
{
    struct identity owner = identity_of(change->key.reservation);
    bool is_maintenance = maintenance_is_of(world, owner);
    db_array_identity(is_maintenance ? &gone->windows : &gone->reservations, owner);
    db_array_int(is_maintenance ? &gone->window_ordinals : &gone->ordinals, change->key.ordinal);
    if (!is_maintenance)
        db_array_identity(&gone->nodes, identity_of(change->node));
}

static enum err_kind delete_rows(struct apply_queue *queue, struct gone *gone, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (gone->reservations.count > 0)
        kind = apply_send(queue, &statement_delete,
                          DB_PARAMS(db_array_param(&gone->reservations), db_array_param(&gone->ordinals),
                                    db_array_param(&gone->nodes)),
                          -1, reterr);
    if (kind == ERR_NONE && gone->windows.count > 0)
        kind =
            apply_send(queue, &statement_delete_maintenance,
                       DB_PARAMS(db_array_param(&gone->windows), db_array_param(&gone->window_ordinals)), -1, reterr);
    return kind;
}

/* Reservations that had no verdict until now have no rows that could go. */
static void note_decided_first(const struct world *world, struct idmap *ret)
{
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        if (world->reservations[i].was.state == RESERVATION_PENDING)
            idmap_put(ret, world->reservations[i].wish.id, i);
    }
}

/* Of what is only held no more than its own: where the others are that are over, too, is to be known until their turn. */
static enum err_kind send_history(const struct world *world, struct apply_queue *queue, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_array_clear) struct db_array held = {0};
    identity_to_uuid(world->zone->id, zone);
    for (uint32_t i = 0; world->holds_only && i < world->reservation_count; i++)
        db_array_identity(&held, world->reservations[i].wish.id);
    return apply_send(
        queue, &statement_history,
        DB_PARAMS(zone, db_int_param(now, world->now_s), world->holds_only ? db_array_param(&held) : NULL), -1, reterr);
}

enum err_kind apply_allocations(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    enum err_kind kind = send_history(world, queue, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = 0;
    const struct planner_change *changes = planner_changes(world->planner, &count);
    if (count == 0)
        return ERR_NONE;
    CLEANUP(gone_clear) struct gone gone = {0};
    CLEANUP(columns_clear) struct db_column columns[COLUMNS] = {0};
    CLEANUP(idmap_clear) struct idmap decided_first = {0};
    note_decided_first(world, &decided_first);
    for (size_t i = 0; i < count; i++) {
        if (idmap_find(&decided_first, identity_of(changes[i].key.reservation)) == IDMAP_NONE)
            add_gone(&gone, world, &changes[i]);
        struct planner_allocation allocation;
        if (changes[i].exists && planner_get(world->planner, &changes[i].key, changes[i].node, &allocation))
            add_allocation(columns, world->now_s, &allocation);
    }
    kind = delete_rows(queue, &gone, reterr);
    return kind == ERR_NONE ? insert_rows(world, queue, columns, reterr) : kind;
}
