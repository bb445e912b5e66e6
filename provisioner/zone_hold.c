/* A look per second of delay at most, and of what was put in front once only what was not due then: else those who are held
 * would keep those from being looked at whose turn it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_hold.h"

#include "provisioner/reconcile/observe.h"

#define HELD_S 60 /* the least that a place is held for behind its horizon (horizon.c) */

/* $3: as many as observe.c reads, in its order. $4: not those that were due then; null: all. */
static const struct db_stmt statement_unread = {
    .name = "zone_hold_unread",
    .sql = "SELECT d.reservation_id FROM ("
           "  SELECT s.reservation_id, s.state, s.ends_at, s.due_at FROM reservation_status s"
           "   WHERE s.zone_id = $1::uuid AND s.due_at <= to_timestamp($2::bigint)"
           "   ORDER BY s.due_at, s.reservation_id OFFSET $3::int) d"
           " WHERE d.state IN ('scheduled', 'activating', 'active') AND d.ends_at IS NULL"
           "   AND ($4::bigint IS NULL OR d.due_at > to_timestamp($4::bigint)) ORDER BY d.due_at, d.reservation_id",
    .params = 4,
};

const struct db_stmt *const zone_hold_statements[] = {&statement_unread, NULL};

/* What was due now may be held now: a horizon is a second at least. */
static bool must_look(const struct zone_memory *memory, int64_t now_s)
{
    bool is_late = memory->next_due_s != INT64_MIN && memory->next_due_s < now_s;
    return is_late && memory->held_s < now_s && memory->backlog_next >= memory->backlog_held;
}

enum err_kind zone_hold_look(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr)
{
    if (!must_look(memory, now_s))
        return ERR_NONE;
    bool all = now_s - memory->all_held_s >= HELD_S;
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE], read[DB_INT_TEXT_SIZE], since[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    const char *const params[] = {zone, db_int_param(now, now_s), db_int_param(read, OBSERVE_DUE_MAX),
                                  all ? NULL : db_int_param(since, memory->held_s)};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_unread, params, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    zone_memory_hold(memory, result);
    memory->held_s = now_s;
    if (all)
        memory->all_held_s = now_s;
    return ERR_NONE;
}
