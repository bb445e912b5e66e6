/* Writing reservations' verdicts and states, and instances. A row that is new is inserted; one that was read is
 * updated if state and revision are still what they were. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"

/* Many rows go to the server as an array per column. In the target list unnest() hands their elements on one by one; in
 * FROM the elements of each column would first be stored as rows of their own and read again, which costs 0.2 us a value
 * (1,000 instructions). Where a column is null, or shorter than the others, its values are null either way. */
#define RESERVATIONS                                                                                                   \
    "(SELECT unnest($3::uuid[]) AS id, unnest($4::uuid[]) AS tenant, unnest($5::text[]) AS state,"                     \
    "        unnest($6::text[]) AS health, unnest($7::bigint[]) AS revision, unnest($8::bigint[]) AS wish_revision,"   \
    "        unnest($9::text[]) AS reason, unnest($10::text[]) AS binding, unnest($11::text[]) AS alternatives,"       \
    "        unnest($12::bigint[]) AS starts, unnest($13::bigint[]) AS ends, unnest($14::int[]) AS delivered,"         \
    "        unnest($15::bigint[]) AS due, unnest($16::bigint[]) AS deadline, unnest($17::int[]) AS attempts,"         \
    "        unnest($18::text[]) AS error, unnest($19::bigint[]) AS ends_by, unnest($20::bigint[]) AS estimate,"       \
    "        unnest($21::text[]) AS was_state, unnest($22::bigint[]) AS was_revision)"

static const struct db_stmt statement_reservation_insert = {
    .name = "apply_reservation_insert",
    .sql =
        "INSERT INTO reservation_status (reservation_id, tenant_id, zone_id, state, health, revision, wish_revision, reason,"
        "   binding, alternatives, starts_at, ends_at, decided_at, delivered_count, due_at, deadline_at, attempts, last_error, ends_by,"
        "   estimated_starts_at)"
        " SELECT n.id, n.tenant, $1::uuid, n.state, n.health, n.revision, n.wish_revision, n.reason, n.binding::jsonb,"
        "        n.alternatives::jsonb, to_timestamp(n.starts), to_timestamp(n.ends), to_timestamp($2::bigint), n.delivered,"
        "        to_timestamp(n.due), to_timestamp(n.deadline), n.attempts, n.error, to_timestamp(n.ends_by),"
        "        to_timestamp(n.estimate)"
        "   FROM " RESERVATIONS " n",
    .params = 22,
    .columns = 20,
};

static const struct db_stmt statement_reservation_update = {
    .name = "apply_reservation_update",
    .sql =
        "UPDATE reservation_status s"
        "   SET state = n.state, health = n.health, revision = n.revision, wish_revision = n.wish_revision,"
        "       reason = n.reason, binding = n.binding::jsonb, alternatives = n.alternatives::jsonb,"
        "       starts_at = to_timestamp(n.starts), ends_at = to_timestamp(n.ends),"
        "       decided_at = CASE WHEN s.state = 'waitlisted' AND n.state <> 'waitlisted' THEN to_timestamp($2::bigint) ELSE s.decided_at END,"
        "       delivered_count = n.delivered, due_at = to_timestamp(n.due), deadline_at = to_timestamp(n.deadline),"
        "       attempts = n.attempts, last_error = coalesce(n.error, s.last_error),"
        "       ends_by = to_timestamp(n.ends_by), estimated_starts_at = to_timestamp(n.estimate)"
        "   FROM " RESERVATIONS " n"
        " WHERE s.reservation_id = n.id AND s.zone_id = $1::uuid AND s.state = n.was_state AND s.revision = n.was_revision",
    .params = 22,
    .columns = 20,
};

static const struct db_stmt statement_instance_insert = {
    .name = "apply_instance_insert",
    .sql =
        "INSERT INTO instance (id, tenant_id, reservation_id, ordinal, zone_id, node_id, state, revision, incarnation,"
        "   gpu_milli, cpu_milli, memory_mib, starts_at, ends_at, address, due_at, deadline_at, attempts, last_error, created_at,"
        "   ends_by)"
        " SELECT n.id, n.tenant, n.reservation, n.ordinal, $1::uuid, n.node, n.state, n.revision, n.incarnation, n.gpu, n.cpu,"
        "        n.memory, to_timestamp(n.starts), to_timestamp(n.ends), n.address, to_timestamp(n.due),"
        "        to_timestamp(n.deadline), n.attempts, n.error, to_timestamp($2::bigint), to_timestamp(n.ends_by)"
        "   FROM (SELECT unnest($3::uuid[]) AS id, unnest($4::uuid[]) AS tenant, unnest($5::uuid[]) AS reservation,"
        "                unnest($6::int[]) AS ordinal, unnest($7::uuid[]) AS node, unnest($8::text[]) AS state,"
        "                unnest($9::bigint[]) AS revision, unnest($10::int[]) AS incarnation, unnest($11::int[]) AS gpu,"
        "                unnest($12::bigint[]) AS cpu, unnest($13::bigint[]) AS memory, unnest($14::bigint[]) AS starts,"
        "                unnest($15::bigint[]) AS ends, unnest($16::text[]) AS address, unnest($17::bigint[]) AS due,"
        "                unnest($18::bigint[]) AS deadline, unnest($19::int[]) AS attempts, unnest($20::text[]) AS error,"
        "                unnest($21::bigint[]) AS ends_by) n",
    .params = 21,
    .columns = 19,
};

static const struct db_stmt statement_instance_update = {
    .name = "apply_instance_update",
    .sql =
        "UPDATE instance i"
        "   SET node_id = n.node, state = n.state, revision = n.revision, incarnation = n.incarnation,"
        "       ends_at = to_timestamp(n.ends), address = n.address, due_at = to_timestamp(n.due),"
        "       deadline_at = to_timestamp(n.deadline), attempts = n.attempts, last_error = coalesce(n.error, i.last_error),"
        "       ends_by = to_timestamp(n.ends_by), stop_wished = n.stop_wished,"
        "       begun_action_id = n.begun, given_up = n.given_up"
        "  FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS node, unnest($3::text[]) AS state,"
        "               unnest($4::bigint[]) AS revision, unnest($5::int[]) AS incarnation, unnest($6::bigint[]) AS ends,"
        "               unnest($7::text[]) AS address, unnest($8::bigint[]) AS due, unnest($9::bigint[]) AS deadline,"
        "               unnest($10::int[]) AS attempts, unnest($11::text[]) AS error, unnest($12::bigint[]) AS ends_by,"
        "               unnest($13::boolean[]) AS stop_wished, unnest($14::uuid[]) AS begun,"
        "               unnest($15::boolean[]) AS given_up, unnest($16::text[]) AS was_state,"
        "               unnest($17::bigint[]) AS was_revision) n"
        " WHERE i.id = n.id AND i.state = n.was_state AND i.revision = n.was_revision",
    .params = 17,
    .columns = 17,
};

const struct db_stmt *const apply_object_statements[] = {&statement_reservation_insert, &statement_reservation_update,
                                                         &statement_instance_insert, &statement_instance_update, NULL};

/* In the order of the statement's parameters. */
#define COLUMNS_MAX 20
struct columns {
    struct db_column column[COLUMNS_MAX];
};

static void columns_clear(struct columns *columns)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        db_column_clear(&columns->column[i]);
}

/* Parameters: the fixed ones, then the columns. */
static enum err_kind send_columns(struct apply_queue *queue, const struct db_stmt *stmt, const char *const *fixed,
                                  struct columns *columns, struct err *reterr)
{
    int64_t rows = (int64_t)columns->column[0].count;
    if (rows == 0)
        return ERR_NONE;
    const char *params[COLUMNS_MAX + 2];
    int fixed_count = stmt->params - stmt->columns;
    for (int i = 0; i < stmt->params; i++)
        params[i] = i < fixed_count ? fixed[i] : db_column_param(&columns->column[i - fixed_count]);
    return apply_send(queue, stmt, params, rows, reterr);
}

/* ---- Reservations ---- */

static void add_reservation(struct columns *columns, const struct reservation *reservation)
{
    struct db_column *next = columns->column;
    bool has_window = reservation->starts_s != NEVER;
    db_column_identity(next++, reservation->wish.id);
    db_column_identity(next++, reservation->wish.tenant);
    db_column_text(next++, reservation_fsm.states[reservation->is.state].name);
    db_column_text(next++, reservation->health);
    db_column_int8(next++, reservation->is.revision);
    db_column_int8(next++, reservation->wish.revision);
    db_column_text(next++, reservation->reason);
    db_column_text(next++, reservation->binding);
    db_column_text(next++, reservation->alternatives);
    apply_column_instant(next++, reservation->starts_s);
    apply_column_instant(next++, has_window ? reservation->ends_s : NEVER);
    db_column_int4(next++, reservation->delivered);
    apply_column_instant(next++, reservation->is.due_s);
    apply_column_instant(next++, reservation->is.deadline_s);
    db_column_int4(next++, reservation->is.attempts);
    db_column_text(next++, reservation->is.last_error);
    apply_column_instant(next++, reservation->ends_by_s);
    apply_column_instant(next++, reservation->is.state == RESERVATION_WAITLISTED ? reservation->estimated_s : NEVER);
    db_column_text(next++, reservation_fsm.states[reservation->was.state].name);
    db_column_int8(next, reservation->was.revision);
}

enum err_kind apply_reservations(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    const char *const fixed[] = {zone, db_int_param(now, world->now_s)};
    CLEANUP(columns_clear) struct columns inserted = {0};
    CLEANUP(columns_clear) struct columns updated = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        if (reservation->changed)
            add_reservation(reservation->was.revision == 0 ? &inserted : &updated, reservation);
    }
    enum err_kind kind = send_columns(queue, &statement_reservation_insert, fixed, &inserted, reterr);
    if (kind == ERR_NONE)
        kind = send_columns(queue, &statement_reservation_update, fixed, &updated, reterr);
    return kind;
}

/* ---- Instances ---- */

static void add_new_instance(struct columns *columns, const struct instance *instance)
{
    const struct wish *wish = &instance->reservation->wish;
    struct db_column *next = columns->column;
    db_column_identity(next++, instance->id);
    db_column_identity(next++, wish->tenant);
    db_column_identity(next++, wish->id);
    db_column_int4(next++, instance->ordinal);
    db_column_identity_or_null(next++, instance->has_node ? &instance->node : NULL);
    db_column_text(next++, instance_fsm.states[instance->is.state].name);
    db_column_int8(next++, instance->is.revision);
    db_column_int4(next++, instance->incarnation);
    db_column_int4(next++, instance_gpu_milli(wish));
    db_column_int8(next++, wish->shape.cpu_milli);
    db_column_int8(next++, wish->shape.memory_mib);
    apply_column_instant(next++, instance->starts_s);
    apply_column_instant(next++, instance->ends_s);
    db_column_text(next++, instance->address);
    apply_column_instant(next++, instance->is.due_s);
    apply_column_instant(next++, instance->is.deadline_s);
    db_column_int4(next++, instance->is.attempts);
    db_column_text(next++, instance->is.last_error);
    apply_column_instant(next, instance->ends_by_s);
}

static void add_known_instance(struct columns *columns, const struct instance *instance)
{
    struct db_column *next = columns->column;
    db_column_identity(next++, instance->id);
    db_column_identity_or_null(next++, instance->has_node ? &instance->node : NULL);
    db_column_text(next++, instance_fsm.states[instance->is.state].name);
    db_column_int8(next++, instance->is.revision);
    db_column_int4(next++, instance->incarnation);
    apply_column_instant(next++, instance->ends_s);
    db_column_text(next++, instance->address);
    apply_column_instant(next++, instance->is.due_s);
    apply_column_instant(next++, instance->is.deadline_s);
    db_column_int4(next++, instance->is.attempts);
    db_column_text(next++, instance->is.last_error);
    apply_column_instant(next++, instance->ends_by_s);
    db_column_bool(next++, instance->stop_wished);
    db_column_identity_or_null(next++, instance->has_begun ? &instance->begun : NULL);
    db_column_bool(next++, instance->is_given_up);
    db_column_text(next++, instance_fsm.states[instance->was.state].name);
    db_column_int8(next, instance->was.revision);
}

static void add_instances(struct columns *inserted, struct columns *updated, const struct reservation *reservation)
{
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        if (!instance->changed)
            continue;
        if (instance->was.revision == 0)
            add_new_instance(inserted, instance);
        else
            add_known_instance(updated, instance);
    }
}

enum err_kind apply_instances(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(world->zone->id, zone);
    const char *const fixed[] = {zone, db_int_param(now, world->now_s)};
    CLEANUP(columns_clear) struct columns inserted = {0};
    CLEANUP(columns_clear) struct columns updated = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++)
        add_instances(&inserted, &updated, &world->reservations[i]);
    enum err_kind kind = send_columns(queue, &statement_instance_insert, fixed, &inserted, reterr);
    if (kind == ERR_NONE)
        kind = send_columns(queue, &statement_instance_update, NULL, &updated, reterr);
    return kind;
}
