/* Writing what became of maintenance windows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/maintenance.h"

static const struct db_stmt statement_windows = {
    .name = "apply_maintenance",
    .sql = "INSERT INTO maintenance_window_status AS s (window_id, zone_id, state, revision, wish_revision, reason,"
           "                                            conflict, moved_count, ends_at, decided_at, due_at)"
           " SELECT n.id, $1::uuid, n.state, n.revision, n.wish_revision, n.reason, n.conflict::jsonb, n.moved,"
           "        to_timestamp(n.ends), to_timestamp($2::bigint), to_timestamp(n.due)"
           "   FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::int[],"
           "               $10::bigint[], $11::bigint[])"
           "     AS n (id, state, revision, wish_revision, reason, conflict, moved, ends, due)"
           " ON CONFLICT (window_id) DO UPDATE"
           " SET state = excluded.state, revision = excluded.revision, wish_revision = excluded.wish_revision,"
           "     reason = excluded.reason, conflict = excluded.conflict, moved_count = excluded.moved_count,"
           "     ends_at = excluded.ends_at, due_at = excluded.due_at"
           " WHERE s.revision < excluded.revision",
    .params = 11,
};

const struct db_stmt *const apply_maintenance_statements[] = {&statement_windows, NULL};

struct columns {
    struct db_array ids, states, revisions, wish_revisions, reasons, conflicts, moved, ends, due;
};

static void columns_clear(struct columns *columns)
{
    struct db_array *const all[] = {
        &columns->ids,     &columns->states,    &columns->revisions, &columns->wish_revisions,
        &columns->reasons, &columns->conflicts, &columns->moved,     &columns->ends,
        &columns->due};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        db_array_clear(all[i]);
}

static void add_window(struct columns *columns, const struct maintenance *window)
{
    db_array_identity(&columns->ids, window->id);
    db_array_text(&columns->states, maintenance_fsm.states[window->is.state].name);
    db_array_int(&columns->revisions, window->is.revision);
    db_array_int(&columns->wish_revisions, window->wish_revision);
    db_array_text(&columns->reasons, window->reason);
    db_array_text(&columns->conflicts, window->conflict);
    db_array_int(&columns->moved, window->moved_count);
    db_array_int(&columns->ends, window->ends_s);
    apply_instant(&columns->due, window->is.due_s);
}

enum err_kind apply_maintenance(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(columns_clear) struct columns columns = {0};
    for (uint32_t i = 0; i < world->window_count; i++) {
        if (world->windows[i].changed)
            add_window(&columns, &world->windows[i]);
    }
    if (columns.ids.count == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    return apply_send(queue, &statement_windows,
                      DB_PARAMS(zone, db_int_param(now, world->now_s), db_array_param(&columns.ids),
                                db_array_param(&columns.states), db_array_param(&columns.revisions),
                                db_array_param(&columns.wish_revisions), db_array_param(&columns.reasons),
                                db_array_param(&columns.conflicts), db_array_param(&columns.moved),
                                db_array_param(&columns.ends), db_array_param(&columns.due)),
                      (int64_t)columns.ids.count, reterr);
}
