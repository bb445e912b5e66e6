/* Reading reservations, their wishes and their instances into the world of one instant. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/observe.h"
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/verdict.h"

#include "common/must.h"

#include <stdlib.h>
#include <string.h>

/* Null: NEVER, by db_int. extract() would go by numeric, which takes three times as long. */
#define SQL_SECONDS(column) "date_part('epoch', " column ")::bigint"

// clang-format off
/* Ranks: a window that ends, gives way or was cancelled gives back what others may need in the same instant, so it comes first. Then
 * the places in what was asked; as one number, which the sort has at hand: a second key it would seek at the end of fifty
 * columns, in both rows, each time it compares (measured: 100 wishes, 54,000 instead of 75,000 instructions each).
 * OFFSET 0 keeps the look-ups by key, whatever the statistics say (measured: 560 ms once, without). */
static const struct db_stmt statement_reservations = {
    .name = "observe_reservations",
    .sql =
        "WITH seen AS ("
        "  SELECT t.id, t.place FROM unnest($3::uuid[]) WITH ORDINALITY AS t (id, place)"
        "  UNION ALL (SELECT s.reservation_id, NULL FROM reservation_status s"
        "              WHERE s.zone_id = $1::uuid AND s.due_at <= to_timestamp($2::bigint)"
        "              ORDER BY s.due_at, s.reservation_id LIMIT $6::int)"
        "  UNION ALL (SELECT i.reservation_id, NULL FROM instance i"
        "              WHERE i.zone_id = $1::uuid AND i.due_at <= to_timestamp($2::bigint)"
        "              ORDER BY i.due_at, i.reservation_id LIMIT $6::int)"
        "  UNION ALL SELECT i.reservation_id, NULL FROM instance i"
        "              WHERE i.node_id = ANY($4::uuid[]) AND i.state NOT IN ('terminated', 'failed')"
        "  UNION ALL (SELECT s.reservation_id, NULL FROM reservation_status s"
        "              WHERE $5::boolean AND s.zone_id = $1::uuid AND s.state = 'waitlisted'"
        "              ORDER BY s.decided_at, s.reservation_id LIMIT $7::int)"
        "), touched AS (SELECT id, min(place) AS place FROM seen GROUP BY id)"
        " SELECT r.id, r.tenant_id, r.gpu_count, r.gpu_milli, r.cpu_milli, r.memory_mib,"
        " coalesce(s.granted_count, r.count),"
        " " SQL_SECONDS("r.starts_at") ", " SQL_SECONDS("r.ends_at") ","
        " array_to_string(r.gpu_models, E'\\n'), r.within, r.within_required, r.if_unavailable,"
        " " SQL_SECONDS("r.decide_by") ", r.cancel_requested_at IS NOT NULL, r.revision,"
        " r.labels::text,"
        " s.state, s.revision, " SQL_SECONDS("s.due_at") ", " SQL_SECONDS("s.deadline_at") ", s.attempts,"
        " " SQL_SECONDS("s.starts_at") ", " SQL_SECONDS("s.ends_at") ", s.health, s.delivered_count, s.reason,"
        " s.binding::text, s.alternatives::text, coalesce(r.spread, 'none'), coalesce(r.duration_s, 0),"
        " " SQL_SECONDS("r.start_from") ", " SQL_SECONDS("r.start_to") ","
        " coalesce(" SQL_SECONDS("r.hold_until") ", 0), r.confirmed_at IS NOT NULL,"
        " s.wish_revision, r.tier, " SQL_SECONDS("s.ends_by") ","
        " " SQL_SECONDS("s.estimated_starts_at") ", r.project,"
        " CASE WHEN (CASE WHEN s.granted_count IS NULL THEN r.ends_at IS NULL AND r.duration_s IS NULL"
        " ELSE s.terms_ends_at IS NULL END OR r.revision > s.wish_revision OR $8::boolean) AND r.tier <> 'preemptible'"
        " THEN (SELECT w.on_demand_horizon_s FROM tenant w WHERE w.id = r.tenant_id) END,"
        " r.instance_type_id, t.open_ended_max_percent,"
        " CASE WHEN t.open_ended_max_percent IS NOT NULL"
        " AND (r.revision > s.wish_revision OR $8::boolean"
        "      OR (r.ends_at IS NULL AND coalesce(s.state, 'waitlisted') = 'waitlisted'))"
        " THEN (" SQL_SOLD_OPEN("r.zone_id", "r.instance_type_id") ") END,"
        " r.name, t.name, r.image, r.quote_ttl_s, to_jsonb(r.ssh_keys)::text, r.user_data,"
        " CASE WHEN s.state IS NULL OR s.state = 'waitlisted' OR r.revision > s.wish_revision OR $8::boolean"
        " THEN EXISTS (SELECT FROM credit_limit l JOIN tenant w ON w.id = l.tenant_id AND w.currency = l.currency"
        " WHERE l.tenant_id = r.tenant_id) ELSE false END"
        "  FROM touched"
        " CROSS JOIN LATERAL (SELECT * FROM reservation WHERE id = touched.id OFFSET 0) r"
        "  LEFT JOIN instance_type t ON t.id = r.instance_type_id"
        "  LEFT JOIN LATERAL (SELECT * FROM reservation_status WHERE reservation_id = touched.id OFFSET 0) s ON true"
        " WHERE r.zone_id = $1::uuid"
        " ORDER BY 10000000000 * CASE WHEN s.state IN ('activating', 'active', 'ending')"
        " AND (least(s.ends_at, s.ends_by) <= to_timestamp($2::bigint) OR r.cancel_requested_at IS NOT NULL) THEN 1"
        " WHEN s.state IN ('scheduled', 'held') AND r.cancel_requested_at IS NOT NULL THEN 1"
        " WHEN s.state = 'held' AND r.confirmed_at IS NULL THEN 1"
        " WHEN s.state IS NULL THEN 2"
        " WHEN s.state = 'waitlisted' THEN 3"
        " ELSE 4 END + coalesce(touched.place, 9999999999), s.decided_at, r.id",
    .params = 8,
    .binary = true,
};

/* Its columns, in their order. */
enum {
    WISH_ID, WISH_TENANT, WISH_GPUS, WISH_GPU_MILLI, WISH_CPU_MILLI, WISH_MEMORY_MIB,
    WISH_COUNT, WISH_STARTS, WISH_ENDS, WISH_GPU_MODELS, WISH_SCOPE,
    WISH_SCOPE_REQUIRED, WISH_IF_UNAVAILABLE, WISH_DECIDE_BY, WISH_CANCEL_REQUESTED, WISH_REVISION,
    WISH_LABELS,
    WISH_STATE, WISH_STATE_REVISION, WISH_DUE, WISH_DEADLINE, WISH_ATTEMPTS,
    WISH_GRANTED_STARTS, WISH_GRANTED_ENDS, WISH_HEALTH, WISH_DELIVERED, WISH_REASON, WISH_BINDING,
    WISH_ALTERNATIVES, WISH_SPREAD, WISH_DURATION, WISH_START_FROM, WISH_START_TO,
    WISH_HOLD_UNTIL, WISH_IS_CONFIRMED, WISH_DECIDED_REVISION, WISH_TIER, WISH_ENDS_BY,
    WISH_ESTIMATED, WISH_PROJECT, WISH_HORIZON, WISH_TYPE,
    WISH_OPEN_MAX_PERCENT, WISH_OPEN_SOLD, WISH_NAME, WISH_TYPE_NAME, WISH_IMAGE,
    WISH_QUOTE_TTL, WISH_SSH_KEYS, WISH_USER_DATA, WISH_IS_LIMITED,
};

/* is_clean: nobody else's rectangle is on its slots at this instant, nor anybody whose window is over or who has no rectangle
 * there now, and if that was another tenant a turnaround has gone by since it really left; asked only while it waits. */
#define SLOTS_THERE(table)                                                                                             \
    "SELECT t.slots FROM " table " t WHERE t.reservation_id = was.reservation_id AND t.ordinal = was.ordinal"          \
    " AND t.node_id = i.node_id AND t.kind = 'instance'"
#define OVERSTAYED                                                                                                     \
    "EXISTS (SELECT FROM node n JOIN instance_incarnation stay ON stay.node_id = n.id"                                 \
    "             AND coalesce(stay.ended_at, 'infinity') > to_timestamp($2::bigint - n.turnaround_s)"                 \
    "          JOIN instance was ON was.id = stay.instance_id JOIN allocation mine ON mine.node_id = stay.node_id"     \
    "         WHERE n.id = i.node_id AND (stay.tenant_id <> i.tenant_id OR stay.ended_at IS NULL)"                     \
    "           AND (stay.ended_at IS NOT NULL OR least(was.ends_at, was.ends_by) <= to_timestamp($2::bigint)"         \
    "                OR NOT EXISTS (SELECT FROM allocation held WHERE held.reservation_id = was.reservation_id"         \
    "                     AND held.ordinal = was.ordinal AND held.kind = 'instance'"                                    \
    "                     AND held.node_id IS NOT DISTINCT FROM stay.node_id"                                           \
    "                     AND held.period @> to_timestamp($2::bigint)))"                                                \
    "           AND mine.reservation_id = i.reservation_id AND mine.ordinal = i.ordinal AND mine.kind = 'instance'"    \
    "           AND EXISTS (SELECT FROM (" SLOTS_THERE("allocation") " UNION ALL " SLOTS_THERE("allocation_history")   \
    "             ) theirs WHERE theirs.slots && mine.slots))"
static const struct db_stmt statement_instances = {
    .name = "observe_instances",
    .sql =
        "SELECT i.reservation_id, i.id, i.ordinal, i.node_id, i.incarnation, " SQL_SECONDS("i.starts_at") ","
        " " SQL_SECONDS("i.ends_at") ", i.address, i.state, i.revision, " SQL_SECONDS("i.due_at") ","
        " " SQL_SECONDS("i.deadline_at") ", i.attempts,"
        " i.state IN ('planned', 'replacing') AND NOT EXISTS (SELECT FROM allocation mine JOIN allocation other"
        "    ON other.node_id = mine.node_id AND other.slots && mine.slots AND other.period @> to_timestamp($2::bigint)"
        "   AND other.place && allocation_reach(mine.node_id, to_timestamp($2::bigint), to_timestamp($2::bigint))"
        "   AND other.reservation_id IS DISTINCT FROM mine.reservation_id"
        " WHERE mine.node_id = i.node_id AND mine.reservation_id = i.reservation_id AND mine.ordinal = i.ordinal"
        "   AND mine.kind = 'instance') AND NOT " OVERSTAYED ","
        " " SQL_SECONDS("i.ends_by") ", i.stop_wished, i.begun_action_id, i.given_up"
        "  FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, place)"
        "  JOIN instance i ON i.reservation_id = t.id"
        " ORDER BY t.place, i.ordinal, i.starts_at, i.id",
    .params = 2,
};
/* Its columns, in their order. */
enum {
    INSTANCE_ROW_RESERVATION, INSTANCE_ROW_ID, INSTANCE_ROW_ORDINAL, INSTANCE_ROW_NODE, INSTANCE_ROW_INCARNATION,
    INSTANCE_ROW_STARTS, INSTANCE_ROW_ENDS, INSTANCE_ROW_ADDRESS, INSTANCE_ROW_STATE, INSTANCE_ROW_REVISION,
    INSTANCE_ROW_DUE, INSTANCE_ROW_DEADLINE, INSTANCE_ROW_ATTEMPTS, INSTANCE_ROW_IS_CLEAN,
    INSTANCE_ROW_ENDS_BY, INSTANCE_ROW_STOP_WISHED, INSTANCE_ROW_BEGUN_ACTION, INSTANCE_ROW_IS_GIVEN_UP,
};
// clang-format on

const struct db_stmt *const observe_statements[] = {&statement_reservations, &statement_instances, NULL};

/* ---- Decoding ---- */

const char *observe_text(struct arena *arena, const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    return text == NULL ? NULL : arena_text(arena, text);
}

/* Models joined by newlines, into an array. */
static void read_models(struct arena *arena, const char *joined, struct wish *wish)
{
    if (joined == NULL || joined[0] == '\0')
        return;
    uint32_t count = 1;
    for (const char *at = joined; *at != '\0'; at++)
        count += *at == '\n';
    const char **models = arena_alloc(arena, count * sizeof *models);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = strcspn(joined, "\n");
        models[i] = arena_text_n(arena, joined, length);
        joined += length + (joined[length] == '\n');
    }
    wish->gpu_models = models;
    wish->gpu_model_count = count;
}

static const struct wish_posted *read_posted(struct arena *arena, const PGresult *result, int row)
{
    struct wish_posted *posted = arena_alloc(arena, sizeof *posted);
    *posted = (struct wish_posted){
        .name = observe_text(arena, result, row, WISH_NAME),
        .instance_type = observe_text(arena, result, row, WISH_TYPE_NAME),
        .image = observe_text(arena, result, row, WISH_IMAGE),
        .if_unavailable = observe_text(arena, result, row, WISH_IF_UNAVAILABLE),
        .labels = observe_text(arena, result, row, WISH_LABELS),
        .quote_ttl_s = db_int(result, row, WISH_QUOTE_TTL, 0),
        .ssh_keys = observe_text(arena, result, row, WISH_SSH_KEYS),
        .user_data = observe_text(arena, result, row, WISH_USER_DATA),
    };
    return posted;
}

static void read_wish(struct arena *arena, const PGresult *result, int row, struct wish *wish)
{
    *wish = (struct wish){
        .id = db_identity(result, row, WISH_ID),
        .tenant = db_identity(result, row, WISH_TENANT),
        .shape = {.gpus = (uint32_t)db_int(result, row, WISH_GPUS, 0),
                  .gpu_milli = (uint32_t)db_int(result, row, WISH_GPU_MILLI, 0),
                  .cpu_milli = db_int(result, row, WISH_CPU_MILLI, 0),
                  .memory_mib = db_int(result, row, WISH_MEMORY_MIB, 0)},
        .count = db_int(result, row, WISH_COUNT, 1),
        .starts_s = db_int(result, row, WISH_STARTS, NEVER),
        .ends_s = db_int(result, row, WISH_ENDS, NEVER),
        .scope_required = db_bool(result, row, WISH_SCOPE_REQUIRED),
        .decide_by_s = db_int(result, row, WISH_DECIDE_BY, NEVER),
        .cancel_requested = db_bool(result, row, WISH_CANCEL_REQUESTED),
        .revision = db_int(result, row, WISH_REVISION, 1),
        .duration_s = db_int(result, row, WISH_DURATION, 0),
        .start_from_s = db_int(result, row, WISH_START_FROM, NEVER),
        .start_to_s = db_int(result, row, WISH_START_TO, NEVER),
        .hold_until_s = db_int(result, row, WISH_HOLD_UNTIL, 0),
        .is_confirmed = db_bool(result, row, WISH_IS_CONFIRMED),
        .tier = observe_text(arena, result, row, WISH_TIER),
        .preemptible = strcmp(db_text(result, row, WISH_TIER), "preemptible") == 0,
        .project = observe_text(arena, result, row, WISH_PROJECT),
        .horizon_s = db_int(result, row, WISH_HORIZON, 0),
        .open_max_percent = db_int(result, row, WISH_OPEN_MAX_PERCENT, -1),
        .open_sold_milli = db_int(result, row, WISH_OPEN_SOLD, 0),
    };
    if (db_text(result, row, WISH_TYPE) != NULL)
        wish->type = db_identity(result, row, WISH_TYPE);
    if (db_text(result, row, WISH_STATE) == NULL)
        wish->posted = read_posted(arena, result, row);
    read_models(arena, db_text(result, row, WISH_GPU_MODELS), wish);
    int scope = planner_scope_of_text(db_text(result, row, WISH_SCOPE));
    must(scope >= 0); /* the table's check allows no other */
    wish->scope = (enum planner_scope)scope;
    int spread = planner_spread_of_text(db_text(result, row, WISH_SPREAD));
    must(spread >= 0); /* likewise */
    wish->spread = (enum planner_spread)spread;
    wish->if_unavailable = wish_if_unavailable_of(db_text(result, row, WISH_IF_UNAVAILABLE));
    must(wish->if_unavailable != UNAVAILABLE_COUNT); /* likewise */
}

static void read_reservation(struct world *world, const PGresult *result, int row, struct reservation *reservation)
{
    struct arena *arena = world->arena;
    *reservation = (struct reservation){.world = world,
                                        .health = "ok",
                                        .starts_s = NEVER,
                                        .ends_s = NEVER,
                                        .ends_by_s = NEVER,
                                        .estimated_s = NEVER,
                                        .estimate_s = NEVER};
    read_wish(arena, result, row, &reservation->wish);
    reservation->is = (struct lifecycle){.state = RESERVATION_PENDING, .due_s = NEVER, .deadline_s = NEVER};
    if (db_text(result, row, WISH_STATE) != NULL) {
        int state = fsm_state_of_text(&reservation_fsm, db_text(result, row, WISH_STATE));
        must(state >= 0);
        reservation->is = (struct lifecycle){
            .state = state,
            .revision = db_int(result, row, WISH_STATE_REVISION, 0),
            .due_s = db_int(result, row, WISH_DUE, NEVER),
            .deadline_s = db_int(result, row, WISH_DEADLINE, NEVER),
            .attempts = db_int(result, row, WISH_ATTEMPTS, 0),
        };
        reservation->starts_s = db_int(result, row, WISH_GRANTED_STARTS, NEVER);
        reservation->ends_s = db_int(result, row, WISH_GRANTED_ENDS, NEVER);
        reservation->health = observe_text(arena, result, row, WISH_HEALTH);
        reservation->delivered = db_int(result, row, WISH_DELIVERED, 0);
        reservation->reason = observe_text(arena, result, row, WISH_REASON);
        reservation->binding = observe_text(arena, result, row, WISH_BINDING);
        reservation->alternatives = observe_text(arena, result, row, WISH_ALTERNATIVES);
        reservation->decided_revision = db_int(result, row, WISH_DECIDED_REVISION, 0);
        reservation->ends_by_s = db_int(result, row, WISH_ENDS_BY, NEVER);
        reservation->estimated_s = reservation->estimate_s = db_int(result, row, WISH_ESTIMATED, NEVER);
    }
    reservation->is_limited = db_bool(result, row, WISH_IS_LIMITED);
    reservation->was = reservation->is;
    reservation->taken_milli_was = horizon_taken_milli(reservation);
}

static void read_instance(struct reservation *reservation, const PGresult *result, int row, struct instance *instance)
{
    int state = fsm_state_of_text(&instance_fsm, db_text(result, row, INSTANCE_ROW_STATE));
    must(state >= 0);
    *instance = (struct instance){
        .reservation = reservation,
        .id = db_identity(result, row, INSTANCE_ROW_ID),
        .ordinal = (uint32_t)db_int(result, row, INSTANCE_ROW_ORDINAL, 0),
        .has_node = db_text(result, row, INSTANCE_ROW_NODE) != NULL,
        .on_node = instance_state_is_on_node(state),
        .incarnation = db_int(result, row, INSTANCE_ROW_INCARNATION, 1),
        .starts_s = db_int(result, row, INSTANCE_ROW_STARTS, NEVER),
        .ends_s = db_int(result, row, INSTANCE_ROW_ENDS, NEVER),
        .ends_by_s = db_int(result, row, INSTANCE_ROW_ENDS_BY, NEVER),
        .address = observe_text(reservation->world->arena, result, row, INSTANCE_ROW_ADDRESS),
        .is_clean = db_bool(result, row, INSTANCE_ROW_IS_CLEAN),
        .stop_wished = db_bool(result, row, INSTANCE_ROW_STOP_WISHED),
        .has_begun = db_text(result, row, INSTANCE_ROW_BEGUN_ACTION) != NULL,
        .is_given_up = db_bool(result, row, INSTANCE_ROW_IS_GIVEN_UP),
        .is = {.state = state,
               .revision = db_int(result, row, INSTANCE_ROW_REVISION, 1),
               .due_s = db_int(result, row, INSTANCE_ROW_DUE, NEVER),
               .deadline_s = db_int(result, row, INSTANCE_ROW_DEADLINE, NEVER),
               .attempts = db_int(result, row, INSTANCE_ROW_ATTEMPTS, 0)},
    };
    if (instance->has_node)
        instance->node = db_identity(result, row, INSTANCE_ROW_NODE);
    if (instance->has_begun)
        instance->begun = db_identity(result, row, INSTANCE_ROW_BEGUN_ACTION);
    instance->was = instance->is;
}

/* Rows come in the order of the reservations. */
static void read_instances(struct world *world, const PGresult *result)
{
    int rows = PQntuples(result);
    if (rows == 0)
        return;
    struct instance *instances = arena_alloc(world->arena, (size_t)rows * sizeof *instances);
    uint32_t at = 0;
    for (int row = 0; row < rows; row++) {
        struct identity id = db_identity(result, row, INSTANCE_ROW_RESERVATION);
        while (!identity_equal(world->reservations[at].wish.id, id))
            must(++at < world->reservation_count);
        struct reservation *reservation = &world->reservations[at];
        if (reservation->instance_count == 0)
            reservation->instances = &instances[row];
        read_instance(reservation, result, row, &instances[row]);
        reservation->instance_count++;
    }
}

/* ---- Asking ---- */

/* Only those beyond their verdict have instances, and something for the driver to load. */
static enum err_kind observe_instances(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        if (world->reservations[i].is.state >= RESERVATION_ACTIVATING)
            db_array_identity(&ids, world->reservations[i].wish.id);
    }
    if (ids.count == 0)
        return ERR_NONE;
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_pipeline_enter(db, reterr);
    if (kind == ERR_NONE)
        kind =
            db_send(db, &statement_instances, DB_PARAMS(db_array_param(&ids), db_int_param(now, world->now_s)), reterr);
    if (kind == ERR_NONE)
        kind = world->driver_ops->load_send(world->driver, db, db_array_param(&ids), reterr);
    if (kind == ERR_NONE)
        kind = actions_send(db, db_array_param(&ids), reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_sync(db, reterr);
    if (kind == ERR_NONE)
        kind = db_receive(db, &result, reterr);
    if (kind == ERR_NONE)
        kind = world->driver_ops->load_receive(world->driver, db, reterr);
    if (kind == ERR_NONE)
        read_instances(world, result);
    if (kind == ERR_NONE)
        kind = actions_receive(world, db, reterr);
    return kind == ERR_NONE ? db_pipeline_leave(db, reterr) : kind; /* on failure the rollback leaves it */
}

enum err_kind observe_send(const struct world *world, struct db *db, const struct observe_request *request,
                           struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    char most[DB_INT_TEXT_SIZE];
    char deep[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    return db_send(db, &statement_reservations,
                   DB_PARAMS(zone, db_int_param(now, world->now_s), db_array_param(request->reservations),
                             db_array_param(request->lost_nodes), request->waitlist ? "true" : "false",
                             db_int_param(most, request->only_these ? 0 : OBSERVE_DUE_MAX),
                             db_int_param(deep, WAITLIST_DEPTH), request->as_if_changed ? "true" : "false"),
                   reterr);
}

enum err_kind observe_receive(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_receive(db, &result, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_leave(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    int rows = PQntuples(result);
    world->reservation_count = (uint32_t)rows;
    world->reservations = arena_alloc(world->arena, (size_t)(rows + 1) * sizeof *world->reservations);
    for (int row = 0; row < rows; row++)
        read_reservation(world, result, row, &world->reservations[row]);
    kind = observe_instances(world, db, reterr);
    return kind == ERR_NONE ? amend_observe(world, db, reterr) : kind;
}
