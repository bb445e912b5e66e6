/* Rebuilding a zone's memory from the database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_memory.h"

#include "common/alloc.h"
#include "common/least.h"
#include "common/must.h"
#include "provisioner/quota/quota.h"
#include "provisioner/reconcile/observe.h"
#include "provisioner/zone_nodes.h"
#include "provisioner/zone_overstay.h"
#include "provisioner/zone_quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hold is over a horizon after it was due to be prolonged. Of horizons that are shorter than this what is due is held first,
 * too, but memory is not read anew (zone_hold.h). */
#define STILL_S 60

static const struct db_stmt statement_terms = {
    .name = "zone_terms",
    .sql = "SELECT z.name, z.lead_s, z.sim_start_s, z.sim_stop_s, z.sim_fail_ppm, z.sim_seed,"
           "       (SELECT count(*) FROM reservation_status s WHERE s.zone_id = z.id AND s.state = 'waitlisted'),"
           "       z.preemption_notice_s,"
           "       (SELECT count(*) FROM instance i WHERE i.zone_id = z.id AND i.due_at IS NOT NULL"
           "           AND i.state = 'replacing'),"
           "       p.wish_revision, p.revision, extract(epoch FROM p.paused_since)::bigint,"
           "       extract(epoch FROM p.paused_until)::bigint, z.revision"
           "  FROM zone z LEFT JOIN zone_pause_status p ON p.zone_id = z.id WHERE z.id = $1::uuid",
    .params = 1,
};
enum {
    TERMS_NAME,
    TERMS_LEAD,
    TERMS_START,
    TERMS_STOP,
    TERMS_FAIL_PPM,
    TERMS_SEED,
    TERMS_WAITING,
    TERMS_NOTICE,
    TERMS_REPLACING,
    TERMS_PAUSE_WISH,
    TERMS_PAUSE_REVISION,
    TERMS_PAUSED_SINCE,
    TERMS_PAUSED_UNTIL,
    TERMS_REVISION,
};

// clang-format off
static const struct db_stmt statement_allocations = {
    .name = "zone_allocations",
    .sql = "SELECT coalesce(a.reservation_id, a.maintenance_window_id), a.ordinal, a.node_id, a.tenant_id,"
           "       lower(a.slots), upper(a.slots), " SQL_INSTANT("lower(a.period)") ", " SQL_INSTANT("upper(a.period)") ", a.kind,"
           "       r.gpu_count, r.gpu_milli, r.cpu_milli, r.memory_mib, r.tier = 'preemptible'"
           "  FROM allocation a LEFT JOIN reservation r ON r.id = a.reservation_id"
           " WHERE a.zone_id = $1::uuid"
           " ORDER BY 1, a.ordinal, a.node_id, lower(a.period), lower(a.slots)",
    .params = 1,
};
/* Its columns, in their order. */
enum {
    ALLOCATION_RESERVATION, ALLOCATION_ORDINAL, ALLOCATION_NODE, ALLOCATION_TENANT,
    ALLOCATION_SLOTS_FROM, ALLOCATION_SLOTS_TO,
    ALLOCATION_FROM, ALLOCATION_TO, ALLOCATION_KIND, ALLOCATION_GPUS,
    ALLOCATION_GPU_MILLI, ALLOCATION_CPU_MILLI, ALLOCATION_MEMORY_MIB, ALLOCATION_PREEMPTIBLE,
};
// clang-format on

/* Level-triggered: whatever the event log said or failed to say, this is what there is to do. */
static const struct db_stmt statement_backlog = {
    .name = "zone_backlog",
    .sql = "SELECT id, rank = 0 FROM ("
           "  SELECT s.reservation_id AS id, 0 AS rank, s.due_at AS at FROM reservation_status s"
           "   WHERE s.zone_id = $1::uuid AND s.state IN ('scheduled', 'activating', 'active') AND s.ends_at IS NULL"
           "     AND s.due_at <= to_timestamp($2::bigint)"
           "  UNION ALL"
           "  SELECT s.reservation_id, 1, s.decided_at FROM reservation_status s"
           "   WHERE s.zone_id = $1::uuid AND s.state IN ('activating', 'active', 'ending')"
           "  UNION ALL"
           "  SELECT r.id, 2, coalesce(r.cancel_requested_at, r.confirmed_at, r.created_at)"
           "    FROM reservation_status s JOIN reservation r ON r.id = s.reservation_id"
           "   WHERE s.zone_id = $1::uuid AND s.state IN ('held', 'scheduled', 'waitlisted')"
           "     AND (r.cancel_requested_at IS NOT NULL OR (s.state = 'held' AND r.confirmed_at IS NOT NULL)"
           "          OR (s.state = 'scheduled' AND r.revision > s.wish_revision))"
           "  UNION ALL"
           "  SELECT r.id, 3, r.created_at FROM reservation r WHERE r.zone_id = $1::uuid"
           "     AND NOT EXISTS (SELECT FROM reservation_status s WHERE s.reservation_id = r.id)"
           ") AS work ORDER BY rank, at, id",
    .params = 2,
};

/* One snapshot for all: a wish that is in it comes after each node that was enrolled before it. */
static const struct db_stmt statement_snapshot = {
    .name = "zone_snapshot",
    .sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    .params = 0,
};

const struct db_stmt *const zone_memory_statements[] = {&statement_terms, &statement_allocations, &statement_backlog,
                                                        &statement_snapshot, NULL};

/* ---- Terms ---- */

static enum err_kind load_terms(struct db *db, struct identity zone, struct zone_memory *memory, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(zone, id);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_terms, DB_PARAMS(id), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "zone '%s' does not exist", id);
    memory->terms = (struct zone_terms){
        .id = zone,
        .revision = db_int(result, 0, TERMS_REVISION, 0),
        .lead_s = db_int(result, 0, TERMS_LEAD, 0),
        .driver = {.zone = zone,
                   .start_s = db_int(result, 0, TERMS_START, 0),
                   .stop_s = db_int(result, 0, TERMS_STOP, 0),
                   .fail_ppm = db_int(result, 0, TERMS_FAIL_PPM, 0),
                   .seed = db_int(result, 0, TERMS_SEED, 1)},
    };
    (void)snprintf(memory->terms.name, sizeof memory->terms.name, "%s", db_text(result, 0, TERMS_NAME));
    memory->waiting_count = db_int(result, 0, TERMS_WAITING, 0);
    memory->terms.preemption_notice_s = db_int(result, 0, TERMS_NOTICE, 0);
    memory->replacing_count = db_int(result, 0, TERMS_REPLACING, 0);
    memory->terms.pause = (struct pause){.wish_revision = db_int(result, 0, TERMS_PAUSE_WISH, 0),
                                         .revision = db_int(result, 0, TERMS_PAUSE_REVISION, 0),
                                         .since_s = db_int(result, 0, TERMS_PAUSED_SINCE, 0),
                                         .until_s = db_int(result, 0, TERMS_PAUSED_UNTIL, 0)};
    memory->driver_ops->set(memory->driver, &memory->terms.driver);
    return ERR_NONE;
}

/* ---- Allocations ---- */

static bool same_allocation(const PGresult *result, int a, int b)
{
    for (int column = 0; column <= ALLOCATION_NODE; column++) {
        if (strcmp(PQgetvalue(result, a, column), PQgetvalue(result, b, column)) != 0)
            return false;
    }
    return true;
}

static void read_rectangle(const PGresult *result, int row, struct planner_rectangle *ret)
{
    *ret = (struct planner_rectangle){
        .slots_from = (int32_t)db_int(result, row, ALLOCATION_SLOTS_FROM, 0),
        .slots_to = (int32_t)db_int(result, row, ALLOCATION_SLOTS_TO, 0),
        .from = db_int(result, row, ALLOCATION_FROM, 0),
        .to = db_int(result, row, ALLOCATION_TO, NEVER),
        .kind = strcmp(db_text(result, row, ALLOCATION_KIND), "turnaround") == 0 ? PLANNER_TURNAROUND : PLANNER_HELD,
    };
}

/* The rows [first, end) are one instance on one node. */
static enum err_kind load_allocation(struct zone_memory *memory, const PGresult *result, int first, int end,
                                     struct planner_rectangle *rectangles, struct err *reterr)
{
    for (int row = first; row < end; row++)
        read_rectangle(result, row, &rectangles[row - first]);
    struct planner_allocation allocation = {
        .key = {.reservation = planner_id_of(db_identity(result, first, ALLOCATION_RESERVATION)),
                .ordinal = (uint32_t)db_int(result, first, ALLOCATION_ORDINAL, 0)},
        .maintenance = strcmp(db_text(result, first, ALLOCATION_KIND), "maintenance") == 0,
        .node = planner_id_of(db_identity(result, first, ALLOCATION_NODE)),
        .shape = {.gpus = (uint32_t)db_int(result, first, ALLOCATION_GPUS, 0),
                  .gpu_milli = (uint32_t)db_int(result, first, ALLOCATION_GPU_MILLI, 0),
                  .cpu_milli = db_int(result, first, ALLOCATION_CPU_MILLI, 0),
                  .memory_mib = db_int(result, first, ALLOCATION_MEMORY_MIB, 0)},
        .turnaround_s = -1,
        .preemptible = db_bool(result, first, ALLOCATION_PREEMPTIBLE),
        .rectangles = rectangles,
        .rectangle_count = (uint32_t)(end - first),
    };
    if (allocation.maintenance) { /* nobody's: all GPUs of the node, and nothing behind it */
        allocation.shape.gpus = (uint32_t)(rectangles[0].slots_to / PLANNER_GPU_MILLI);
        allocation.turnaround_s = 0;
    } else {
        allocation.tenant = planner_id_of(db_identity(result, first, ALLOCATION_TENANT));
    }
    const char *wrong = planner_load(memory->planner, &allocation);
    if (wrong == NULL)
        return ERR_NONE;
    return err_set(reterr, ERR_INTERNAL, "allocation of reservation '%s' ordinal %s on node '%s': %s",
                   db_text(result, first, ALLOCATION_RESERVATION), db_text(result, first, ALLOCATION_ORDINAL),
                   db_text(result, first, ALLOCATION_NODE), wrong);
}

static enum err_kind load_allocations(struct db *db, struct zone_memory *memory, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_allocations, DB_PARAMS(zone), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    int rows = PQntuples(result);
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct planner_rectangle *rectangles = arena_alloc(arena, (size_t)(rows + 1) * sizeof *rectangles);
    for (int first = 0; first < rows && kind == ERR_NONE;) {
        int end = first + 1;
        while (end < rows && same_allocation(result, first, end))
            end++;
        kind = load_allocation(memory, result, first, end, rectangles, reterr);
        first = end;
    }
    return kind;
}

static enum err_kind load_backlog(struct db *db, struct zone_memory *memory, int64_t now_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_backlog, DB_PARAMS(zone, db_int_param(now, now_s)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    memory->backlog_count = (size_t)PQntuples(result);
    memory->backlog = alloc_zero(memory->backlog_count + 1, sizeof *memory->backlog);
    for (size_t i = 0; i < memory->backlog_count; i++) {
        memory->backlog[i] = db_identity(result, (int)i, 0);
        memory->backlog_held += db_bool(result, (int)i, 1);
    }
    return ERR_NONE;
}

/* ---- Lifetime ---- */

static enum err_kind load_all(struct db *db, struct identity zone, int64_t now_s, struct zone_memory *memory,
                              struct err *reterr)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    char consumer[80];
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(zone, id);
    (void)snprintf(consumer, sizeof consumer, "zone:%s", id);
    enum err_kind kind = event_cursor_load(db, consumer, &memory->cursor, reterr);
    memory->stored_cursor = memory->cursor;
    if (kind == ERR_NONE)
        kind = load_terms(db, zone, memory, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct world world;
    zone_memory_world(memory, arena, now_s, &world);
    kind = zone_nodes_load(memory, &world, db, reterr);
    if (kind == ERR_NONE)
        kind = load_allocations(db, memory, reterr);
    if (kind == ERR_NONE)
        kind = zone_overstay_begin(memory, db, now_s, reterr);
    if (kind == ERR_NONE)
        kind = zone_quota_load(memory, db, now_s, reterr);
    return kind == ERR_NONE ? load_backlog(db, memory, now_s, reterr) : kind;
}

enum err_kind zone_memory_begin(struct db *db, struct err *reterr)
{
    enum err_kind kind = db_begin(db, reterr);
    return kind == ERR_NONE ? db_run(db, &statement_snapshot, DB_NO_PARAMS, NULL, reterr) : kind;
}

enum err_kind zone_memory_read(struct db *db, struct identity zone, int64_t now_s, struct zone_memory **ret,
                               struct err *reterr)
{
    CLEANUP(zone_memory_freep) struct zone_memory *memory = alloc_zero(1, sizeof *memory);
    memory->planner = planner_new();
    memory->driver_ops = &driver_sim;
    memory->driver = memory->driver_ops->open();
    memory->all_nodes = true;
    memory->capacity_returned = true;
    memory->withdrawal.is_under_way = true;
    memory->next_due_s = INT64_MIN; /* not known: look */
    memory->worked_s = INT64_MIN;
    memory->maintenance_due_s = INT64_MIN;
    memory->acknowledged_tick = -1;
    memory->held_s = memory->all_held_s = now_s;
    enum err_kind kind = load_all(db, zone, now_s, memory, reterr);
    memory->fleet_changed = false;
    if (kind == ERR_NONE)
        *ret = TAKE(memory);
    return kind;
}

enum err_kind zone_memory_load(struct db *db, struct identity zone, int64_t now_s, struct zone_memory **ret,
                               struct err *reterr)
{
    enum err_kind kind = zone_memory_begin(db, reterr);
    if (kind == ERR_NONE)
        kind = zone_memory_read(db, zone, now_s, ret, reterr);
    db_rollback(db); /* nothing was written */
    return kind;
}

void zone_memory_free(struct zone_memory *memory)
{
    if (memory == NULL)
        return;
    planner_free(memory->planner);
    quotas_free(memory->quotas);
    memory->driver_ops->close(memory->driver);
    idmap_clear(&memory->node_by_id);
    names_clear(&memory->names);
    free(memory->nodes);
    free(memory->backlog);
    free(memory);
}

void zone_memory_freep(struct zone_memory **memory)
{
    zone_memory_free(*memory);
    *memory = NULL;
}

void zone_memory_world(struct zone_memory *memory, struct arena *arena, int64_t now_s, struct world *ret)
{
    *ret = (struct world){
        .arena = arena,
        .now_s = now_s,
        .zone = &memory->terms,
        .planner = memory->planner,
        .quotas = memory->quotas,
        .driver_ops = memory->driver_ops,
        .driver = memory->driver,
        .nodes = memory->nodes,
        .node_count = memory->node_count,
        .node_by_id = &memory->node_by_id,
        .names = &memory->names,
        .waiting_count = memory->waiting_count,
        .lines_until_s = memory->lines_until_s,
        .has_overstays = zone_overstay_is_on(memory, now_s),
        .overstays_from_s = memory->overstays_from_s,
        .overstays_until_s = memory->overstays_until_s,
    };
}

bool zone_memory_stood_still(const struct zone_memory *memory, int64_t now_s)
{
    return memory->worked_s != INT64_MIN && greatest_of(memory->worked_s, memory->next_due_s) < now_s - STILL_S;
}

/* An array for so many more in front of what is left of the backlog. */
static struct identity *lead_backlog(struct zone_memory *memory, size_t count)
{
    must(memory->backlog_next >= memory->backlog_held); /* what is held only defers nothing */
    size_t left = memory->backlog_count - memory->backlog_next;
    struct identity *backlog = alloc_zero(count + left, sizeof *backlog);
    if (left > 0)
        memcpy(backlog + count, memory->backlog + memory->backlog_next, left * sizeof *backlog);
    free(memory->backlog);
    memory->backlog = backlog;
    memory->backlog_count = count + left;
    memory->backlog_next = memory->backlog_held = 0;
    return backlog;
}

void zone_memory_defer(struct zone_memory *memory, const struct identity *wishes, size_t count)
{
    if (count > 0)
        memcpy(lead_backlog(memory, count), wishes, count * sizeof *wishes);
}

void zone_memory_hold(struct zone_memory *memory, const PGresult *reservations)
{
    size_t count = (size_t)PQntuples(reservations);
    if (count == 0)
        return;
    struct identity *backlog = lead_backlog(memory, count);
    for (size_t i = 0; i < count; i++)
        backlog[i] = db_identity(reservations, (int)i, 0);
    memory->backlog_held = count;
}

static void settle(struct world *world, bool keep)
{
    for (uint32_t i = 0; i < world->touched_count; i++) {
        struct node *node = world->touched[i];
        if (keep) {
            node->was = node->is;
            node->since_was_s = node->since_s;
            node->live_count_was = node->live_count;
            node->leaving_count_was = node->leaving_count;
            node->maintained_was = node->maintained;
        } else {
            node->is = node->was;
            node->since_s = node->since_was_s;
            node->live_count = node->live_count_was;
            node->leaving_count = node->leaving_count_was;
            node->maintained = node->maintained_was;
        }
        node->is.last_error = NULL; /* it is in the database, and its text may be the arena's */
        node->touched = false;
        node->world = NULL;
    }
}

void zone_memory_commit(struct zone_memory *memory, struct world *world)
{
    settle(world, true);
    memory->fleet_changed = false;
}

void zone_memory_rollback(struct zone_memory *memory, struct world *world)
{
    settle(world, false);
    must(!memory->fleet_changed); /* the planner's fleet is not part of a batch: rebuild then */
}
