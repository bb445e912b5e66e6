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
    .sql = "WITH ended AS (DELETE FROM allocation a"
           "  WHERE a.zone_id = $1::uuid AND upper(a.period) < to_timestamp($2::bigint)"
           "  RETURNING a.node_id, a.zone_id, a.slots, a.period, a.kind, a.reservation_id, a.maintenance_window_id, a.ordinal,"
           "            a.tenant_id, a.cpu_milli, a.memory_mib)"
           " INSERT INTO allocation_history (node_id, zone_id, slots, period, ended_at, kind, reservation_id,"
           "                                 maintenance_window_id, ordinal, tenant_id, cpu_milli, memory_mib)"
           " SELECT node_id, zone_id, slots, period, upper(period), kind, reservation_id, maintenance_window_id, ordinal,"
           "        tenant_id, cpu_milli, memory_mib FROM ended",
    .params = 2,
};

/* IS NOT DISTINCT FROM keeps the planner of PostgreSQL from the exclusion index: the reservation is the key. */
static const struct db_stmt statement_delete = {
    .name = "apply_allocation_delete",
    .sql = "DELETE FROM allocation a USING unnest($1::uuid[], $2::int[], $3::uuid[]) AS n (reservation, ordinal, node)"
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
        "   FROM unnest($2::uuid[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::uuid[], $9::int[],"
        "               $10::uuid[], $11::bigint[], $12::bigint[])"
        "        AS n (node, slots_from, slots_to, starts, ends, kind, reservation, ordinal, tenant, cpu, memory)",
    .params = 12,
};

const struct db_stmt *const apply_allocation_statements[] = {
    &statement_history, &statement_delete, &statement_delete_maintenance, &statement_insert, NULL};

struct rows {
    struct db_array nodes, slots_from, slots_to, starts, ends, kinds, reservations, ordinals, tenants, cpu, memory;
};

static void rows_clear(struct rows *rows)
{
    struct db_array *const all[] = {&rows->nodes, &rows->slots_from, &rows->slots_to, &rows->starts,
                                    &rows->ends,  &rows->kinds,      &rows->reservations, &rows->ordinals,
                                    &rows->tenants, &rows->cpu,      &rows->memory};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        db_array_clear(all[i]);
}

static void add_rectangle(struct rows *rows, const struct planner_allocation *allocation,
                          const struct planner_rectangle *rectangle, bool carries)
{
    db_array_identity(&rows->nodes, identity_of(allocation->node));
    db_array_int(&rows->slots_from, rectangle->slots_from);
    db_array_int(&rows->slots_to, rectangle->slots_to);
    db_array_int(&rows->starts, rectangle->from);
    if (rectangle->to == PLANNER_OPEN)
        db_array_text(&rows->ends, NULL); /* an unbounded period */
    else
        db_array_int(&rows->ends, rectangle->to);
    const char *held = allocation->maintenance ? "maintenance" : "instance";
    db_array_text(&rows->kinds, rectangle->kind == PLANNER_HELD ? held : "turnaround");
    db_array_identity(&rows->reservations, identity_of(allocation->key.reservation));
    db_array_int(&rows->ordinals, allocation->key.ordinal);
    if (allocation->maintenance)
        db_array_text(&rows->tenants, NULL);
    else
        db_array_identity(&rows->tenants, identity_of(allocation->tenant));
    db_array_int(&rows->cpu, carries ? allocation->shape.cpu_milli : 0);
    db_array_int(&rows->memory, carries ? allocation->shape.memory_mib : 0);
}

/* CPU and memory are carried by one rectangle at a time. */
static void add_allocation(struct rows *rows, int64_t now_s, const struct planner_allocation *allocation)
{
    int64_t carried_until_s = INT64_MIN;
    for (uint32_t i = 0; i < allocation->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &allocation->rectangles[i];
        bool carries = rectangle->kind == PLANNER_HELD && rectangle->from >= carried_until_s;
        if (carries)
            carried_until_s = rectangle->to;
        if (rectangle->to >= now_s)
            add_rectangle(rows, allocation, rectangle, carries);
    }
}

static enum err_kind insert_rows(struct world *world, struct apply_queue *queue, struct rows *rows, struct err *reterr)
{
    if (rows->nodes.count == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    return apply_send(queue, &statement_insert,
                      DB_PARAMS(zone, db_array_param(&rows->nodes), db_array_param(&rows->slots_from),
                                db_array_param(&rows->slots_to), db_array_param(&rows->starts),
                                db_array_param(&rows->ends), db_array_param(&rows->kinds),
                                db_array_param(&rows->reservations), db_array_param(&rows->ordinals),
                                db_array_param(&rows->tenants), db_array_param(&rows->cpu),
                                db_array_param(&rows->memory)),
                      (int64_t)rows->nodes.count, reterr);
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
        kind = apply_send(queue, &statement_delete_maintenance,
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

enum err_kind apply_allocations(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    enum err_kind kind =
        apply_send(queue, &statement_history, DB_PARAMS(zone, db_int_param(now, world->now_s)), -1, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = 0;
    const struct planner_change *changes = planner_changes(world->planner, &count);
    if (count == 0)
        return ERR_NONE;
    CLEANUP(gone_clear) struct gone gone = {0};
    CLEANUP(rows_clear) struct rows rows = {0};
    CLEANUP(idmap_clear) struct idmap decided_first = {0};
    note_decided_first(world, &decided_first);
    for (size_t i = 0; i < count; i++) {
        if (idmap_find(&decided_first, identity_of(changes[i].key.reservation)) == IDMAP_NONE)
            add_gone(&gone, world, &changes[i]);
        struct planner_allocation allocation;
        if (changes[i].exists && planner_get(world->planner, &changes[i].key, changes[i].node, &allocation))
            add_allocation(&rows, world->now_s, &allocation);
    }
    kind = delete_rows(queue, &gone, reterr);
    return kind == ERR_NONE ? insert_rows(world, queue, &rows, reterr) : kind;
}
