/* Reading maintenance windows, and the wishes of those whom an undecided one hits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/drain.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/reconcile/observe.h"

#include "common/must.h"

#include <string.h>

// clang-format off
/* The nodes come as text: 36 characters each, joined. The last column says when another one is due. */
static const struct db_stmt statement_windows = {
    .name = "observe_maintenance",
    .sql = "SELECT w.id, array_to_string(w.node_ids, ''), " SQL_INSTANT("w.starts_at") ", " SQL_INSTANT("w.ends_at") ","
           "       w.cancel_requested_at IS NOT NULL, w.revision, s.state, s.revision, " SQL_INSTANT("s.ends_at") ","
           "       s.reason, s.conflict::text, s.moved_count,"
           "       " SQL_INSTANT("(SELECT min(o.due_at) FROM maintenance_window_status o"
                                 "  WHERE o.zone_id = $1::uuid AND o.due_at > to_timestamp($2::bigint))")
           "  FROM (SELECT $1::uuid AS zone_id) z"
           "  LEFT JOIN LATERAL ("
           "    SELECT v.* FROM maintenance_window v LEFT JOIN maintenance_window_status t ON t.window_id = v.id"
           "     WHERE v.zone_id = z.zone_id AND (t.window_id IS NULL OR t.state IN ('planned', 'active')"
           "                                      AND (t.due_at <= to_timestamp($2::bigint) OR v.cancel_requested_at IS NOT NULL))"
           "     ORDER BY v.created_at, v.id LIMIT $3::int) w ON true"
           "  LEFT JOIN maintenance_window_status s ON s.window_id = w.id"
           " ORDER BY w.created_at, w.id",
    .params = 3,
};
enum {
    WINDOW_ID,
    WINDOW_NODES,
    WINDOW_STARTS,
    WINDOW_ENDS,
    WINDOW_CANCEL_REQUESTED,
    WINDOW_REVISION,
    WINDOW_STATE,
    WINDOW_STATE_REVISION,
    WINDOW_ENDS_NOW,
    WINDOW_REASON,
    WINDOW_CONFLICT,
    WINDOW_MOVED,
    WINDOW_NEXT_DUE,
};
// clang-format on

const struct db_stmt *const observe_maintenance_statements[] = {&statement_windows, NULL};

static void read_nodes(struct maintenance *window, const char *joined)
{
    size_t each = UUID_TEXT_SIZE - 1;
    window->node_count = (uint32_t)(strlen(joined) / each);
    window->nodes = arena_alloc(window->world->arena, (window->node_count + 1) * sizeof *window->nodes);
    for (uint32_t i = 0; i < window->node_count; i++) {
        const char *text = arena_text_n(window->world->arena, joined + i * each, each);
        must(identity_from_uuid(text, &window->nodes[i], NULL) == ERR_NONE); /* the database's own text */
    }
}

static void read_window(struct world *world, const PGresult *result, int row, struct maintenance *window)
{
    *window = (struct maintenance){
        .world = world,
        .id = db_identity(result, row, WINDOW_ID),
        .starts_s = db_int(result, row, WINDOW_STARTS, 0),
        .ends_s = db_int(result, row, WINDOW_ENDS, 0),
        .cancel_requested = db_bool(result, row, WINDOW_CANCEL_REQUESTED),
        .wish_revision = db_int(result, row, WINDOW_REVISION, 1),
        .is = {.state = MAINTENANCE_PENDING, .due_s = NEVER, .deadline_s = NEVER},
    };
    read_nodes(window, db_text(result, row, WINDOW_NODES));
    if (db_text(result, row, WINDOW_STATE) != NULL) {
        window->is.state = fsm_state_of_text(&maintenance_fsm, db_text(result, row, WINDOW_STATE));
        must(window->is.state >= 0);
        window->is.revision = db_int(result, row, WINDOW_STATE_REVISION, 1);
        window->ends_s = db_int(result, row, WINDOW_ENDS_NOW, window->ends_s);
        window->reason = observe_text(world->arena, result, row, WINDOW_REASON);
        window->conflict = observe_text(world->arena, result, row, WINDOW_CONFLICT);
        window->moved_count = db_int(result, row, WINDOW_MOVED, 0);
    }
    window->was = window->is;
}

struct hits {
    const struct world *world;
    struct db_array unread;
};

static void note_hit(void *context, struct identity reservation)
{
    struct hits *hits = context;
    if (world_reservation(hits->world, reservation) == NULL)
        db_array_identity(&hits->unread, reservation);
}

static void hits_clear(struct hits *hits)
{
    db_array_clear(&hits->unread);
}

enum err_kind observe_maintenance(struct world *world, struct db *db, int64_t *ret_due_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    char most[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(
        db, &statement_windows,
        DB_PARAMS(zone, db_int_param(now, world->now_s), db_int_param(most, OBSERVE_WINDOWS_MAX)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    /* There is always a row, for its last column. */
    int rows = db_text(result, 0, WINDOW_ID) == NULL ? 0 : PQntuples(result);
    world->windows = arena_alloc(world->arena, (size_t)(rows + 1) * sizeof *world->windows);
    world->window_count = (uint32_t)rows;
    for (int row = 0; row < rows; row++)
        read_window(world, result, row, &world->windows[row]);
    *ret_due_s = rows == OBSERVE_WINDOWS_MAX ? world->now_s : db_int(result, 0, WINDOW_NEXT_DUE, NEVER);
    CLEANUP(hits_clear) struct hits hits = {.world = world};
    maintenance_find_hits(world, note_hit, &hits);
    return observe_more(world, db, &hits.unread, reterr);
}

enum err_kind observe_drained(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(hits_clear) struct hits hits = {.world = world};
    drains_find_hits(world, note_hit, &hits);
    return observe_more(world, db, &hits.unread, reterr);
}
