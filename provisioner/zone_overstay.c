/* Looking for those who are on a node past their window. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_overstay.h"

static const struct db_stmt statement_look = {
    .name = "zone_overstay_look",
    .sql = "SELECT EXISTS (SELECT FROM instance i WHERE i.zone_id = $1::uuid"
           "  AND i.state NOT IN ('planned', 'replacing', 'terminated', 'failed')"
           "  AND least(i.ends_at, i.ends_by) <= to_timestamp($2::bigint))",
    .params = 2,
};

/* Who left later than the plan has room for ($3: how long a stop may take by it), and whose node is not clean yet. */
static const struct db_stmt statement_left = {
    .name = "zone_overstay_left",
    .sql = "SELECT EXISTS (SELECT FROM node n JOIN instance_incarnation stay ON stay.node_id = n.id"
           "    AND coalesce(stay.ended_at, 'infinity') > to_timestamp($2::bigint - n.turnaround_s)"
           "    AND coalesce(stay.ended_at, 'infinity') < 'infinity'"
           "   JOIN instance i ON i.id = stay.instance_id"
           "  WHERE n.zone_id = $1::uuid"
           "    AND stay.ended_at > least(i.ends_at, i.ends_by) + $3::bigint * interval '1 second')",
    .params = 3,
};

const struct db_stmt *const zone_overstay_statements[] = {&statement_look, &statement_left, NULL};

static int64_t longest_turnaround_s(const struct zone_memory *memory)
{
    int64_t longest_s = 0;
    for (uint32_t i = 0; i < memory->node_count; i++) {
        int64_t turnaround_s = memory->nodes[i].turnaround_s;
        longest_s = turnaround_s > longest_s ? turnaround_s : longest_s;
    }
    return longest_s;
}

bool zone_overstay_is_on(const struct zone_memory *memory, int64_t now_s)
{
    return memory->has_overstayer || memory->overstays_until_s > now_s;
}

enum err_kind zone_overstay_look(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_look, DB_PARAMS(zone, db_int_param(now, now_s)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (memory->has_overstayer) /* it has left by this instant, if not at it */
        memory->overstays_until_s = now_s + longest_turnaround_s(memory) + 1;
    memory->has_overstayer = db_bool(result, 0, 0);
    return ERR_NONE;
}

enum err_kind zone_overstay_begin(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    char stop[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    int64_t stop_s = memory->driver_ops->stop_limit_s(memory->driver);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_left,
                                DB_PARAMS(zone, db_int_param(now, now_s), db_int_param(stop, stop_s)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    memory->has_overstayer = db_bool(result, 0, 0);
    return zone_overstay_look(memory, db, now_s, reterr);
}
