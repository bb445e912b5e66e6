/* Reading reservations that nothing pointed at when the others were read: whom verdicts evict is known only after
 * deciding, whom maintenance hits only to the planner. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/observe.h"

#include <string.h>

#define TOLD_MAX      64 /* in one piece of work */
#define REPLACING_MAX 64 /* likewise: the others when it is their turn to ask */

static const struct db_stmt statement_told = {
    .name = "observe_told",
    .sql = "SELECT s.reservation_id FROM reservation_status s JOIN reservation r ON r.id = s.reservation_id"
           " WHERE s.zone_id = $1::uuid AND s.ends_by > to_timestamp($2::bigint) AND r.tier = 'preemptible'"
           "   AND s.state IN ('scheduled', 'activating', 'active') AND s.reservation_id > $3::uuid"
           " ORDER BY s.reservation_id LIMIT $4::int",
    .params = 4,
};

/* All of them ask again by then, so the index on due_at has them. */
static const struct db_stmt statement_replacing = {
    .name = "observe_replacing",
    .sql = "SELECT i.reservation_id FROM instance i"
           " WHERE i.zone_id = $1::uuid AND i.due_at <= to_timestamp($2::bigint) AND i.state = 'replacing'"
           " ORDER BY i.due_at, i.reservation_id LIMIT $3::int",
    .params = 3,
};

const struct db_stmt *const observe_more_statements[] = {&statement_told, &statement_replacing, NULL};

/* The reservations stand elsewhere now. */
static void move_instances(struct reservation *reservations, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < reservations[i].instance_count; j++)
            reservations[i].instances[j].reservation = &reservations[i];
    }
}

/* What was read before, then what was read just now. */
static void join(struct world *world, const struct reservation *before, uint32_t before_count)
{
    uint32_t count = before_count + world->reservation_count;
    struct reservation *all = arena_alloc(world->arena, (count + 1) * sizeof *all);
    if (before_count > 0)
        memcpy(all, before, before_count * sizeof *all);
    if (world->reservation_count > 0)
        memcpy(all + before_count, world->reservations, world->reservation_count * sizeof *all);
    move_instances(all, count);
    world->reservations = all;
    world->reservation_count = count;
}

static enum err_kind read_more(struct world *world, struct db *db, const struct observe_request *request,
                               struct err *reterr)
{
    const struct reservation *before = world->reservations;
    uint32_t before_count = world->reservation_count;
    enum err_kind kind = db_pipeline_enter(db, reterr);
    if (kind == ERR_NONE)
        kind = observe_send(world, db, request, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_sync(db, reterr);
    if (kind == ERR_NONE)
        kind = observe_receive(world, db, reterr);
    if (kind == ERR_NONE)
        join(world, before, before_count);
    return kind;
}

enum err_kind observe_more(struct world *world, struct db *db, struct db_array *ids, struct err *reterr)
{
    if (ids->count == 0)
        return ERR_NONE;
    CLEANUP(db_array_clear) struct db_array no_nodes = {0};
    struct observe_request request = {.reservations = ids, .lost_nodes = &no_nodes, .only_these = true};
    return read_more(world, db, &request, reterr);
}

enum err_kind observe_as_if_changed(struct world *world, struct db *db, struct identity id, struct reservation **ret,
                                    struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array no_nodes = {0};
    CLEANUP(db_array_clear) struct db_array ids = {0};
    db_array_identity(&ids, id);
    struct observe_request request = {
        .reservations = &ids, .lost_nodes = &no_nodes, .only_these = true, .as_if_changed = true};
    uint32_t before = world->reservation_count;
    enum err_kind kind = read_more(world, db, &request, reterr);
    if (kind == ERR_NONE)
        *ret = world->reservation_count > before ? &world->reservations[before] : NULL;
    return kind;
}

/* Neighbours among evictions are often of one reservation; asking twice for one does no harm. */
enum err_kind observe_evicted(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (uint32_t i = 0; i < world->eviction_count; i++) {
        struct identity id = world->evictions[i].reservation;
        bool is_repeated = i > 0 && identity_equal(world->evictions[i - 1].reservation, id);
        if (!is_repeated && world_reservation(world, id) == NULL)
            db_array_identity(&ids, id);
    }
    return observe_more(world, db, &ids, reterr);
}

/* Those of the rows that were not read yet. */
static enum err_kind read_rows(struct world *world, struct db *db, const PGresult *result, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (int row = 0; row < PQntuples(result); row++) {
        struct identity id = db_identity(result, row, 0);
        if (world_reservation(world, id) == NULL)
            db_array_identity(&ids, id);
    }
    return observe_more(world, db, &ids, reterr);
}

enum err_kind observe_told(struct world *world, struct db *db, struct identity after, struct told *ret,
                           struct err *reterr)
{
    char zone[UUID_TEXT_SIZE], behind[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE], most[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    identity_to_uuid(after, behind);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_told,
               DB_PARAMS(zone, db_int_param(now, world->now_s), behind, db_int_param(most, TOLD_MAX)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    ret->count = (uint32_t)PQntuples(result);
    ret->has_more = ret->count == TOLD_MAX;
    ret->ids = arena_alloc(world->arena, (ret->count + 1) * sizeof *ret->ids);
    for (uint32_t i = 0; i < ret->count; i++)
        ret->ids[i] = db_identity(result, (int)i, 0);
    return read_rows(world, db, result, reterr);
}

enum err_kind observe_replacing(struct world *world, struct db *db, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char by[DB_INT_TEXT_SIZE], most[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_replacing,
               DB_PARAMS(zone, db_int_param(by, world->now_s + PLACE_AGAIN_S), db_int_param(most, REPLACING_MAX)),
               &result, reterr);
    return kind == ERR_NONE ? read_rows(world, db, result, reterr) : kind;
}
