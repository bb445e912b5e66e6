/* Looking for those who are on a node for longer than the plan has room for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_overstay.h"

/* When the first of those on a node is to leave it, or was. */
static const struct db_stmt statement_look = {
    .name = "zone_overstay_look",
    .sql = "SELECT extract(epoch FROM min(least(i.ends_at, i.ends_by)))::bigint FROM instance i"
           " WHERE i.zone_id = $1::uuid AND i.state NOT IN ('planned', 'replacing', 'terminated', 'failed')",
    .params = 1,
};

/* When the nodes are clean of which somebody left later than the plan has room for ($3: how long a stop may take by it). */
static const struct db_stmt statement_left = {
    .name = "zone_overstay_left",
    .sql = "SELECT extract(epoch FROM max(stay.ended_at + n.turnaround_s * interval '1 second'))::bigint"
           "  FROM node n JOIN instance_incarnation stay ON stay.node_id = n.id"
           "    AND coalesce(stay.ended_at, 'infinity') > to_timestamp($2::bigint - n.turnaround_s)"
           "    AND coalesce(stay.ended_at, 'infinity') < 'infinity'"
           "   JOIN instance i ON i.id = stay.instance_id"
           "  WHERE n.zone_id = $1::uuid"
           "    AND stay.ended_at > least(i.ends_at, i.ends_by) + $3::bigint * interval '1 second'",
    .params = 3,
};

const struct db_stmt *const zone_overstay_statements[] = {&statement_look, &statement_left, NULL};

static int64_t stop_s(const struct zone_memory *memory)
{
    return memory->driver_ops->stop_limit_s(memory->driver);
}

bool zone_overstay_must_look(const struct zone_memory *memory, int64_t now_s)
{
    return memory->overstays_from_s <= now_s;
}

bool zone_overstay_is_on(const struct zone_memory *memory, int64_t now_s)
{
    /* Who has yet to be told that its window is over: it ended when something was due next, at the earliest. */
    bool is_late = memory->next_due_s < now_s - stop_s(memory);
    return is_late || memory->overstays_from_s <= now_s || memory->overstays_until_s > now_s;
}

enum err_kind zone_overstay_look(struct zone_memory *memory, struct db *db, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_look, DB_PARAMS(zone), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t leaves_s = db_int(result, 0, 0, NEVER);
    memory->overstays_from_s = leaves_s == NEVER ? NEVER : world_overstays_from_s(leaves_s, stop_s(memory));
    return ERR_NONE;
}

enum err_kind zone_overstay_begin(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    char stop[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_left, DB_PARAMS(zone, db_int_param(now, now_s), db_int_param(stop, stop_s(memory))),
               &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    memory->overstays_until_s = db_int(result, 0, 0, INT64_MIN);
    return zone_overstay_look(memory, db, reterr);
}
