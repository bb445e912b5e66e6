/* Amendments as rows: reading the open ones, writing their verdicts and the terms that now hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/observe.h"

#include "common/must.h"

// clang-format off
static const struct db_stmt statement_observe = {
    .name = "amend_observe",
    .sql = "SELECT a.reservation_id, a.id, a.changes_start, " SQL_INSTANT("a.starts_at") ", a.changes_end,"
           " " SQL_INSTANT("a.ends_at") ", coalesce(a.count, 0), coalesce(a.duration_s, 0),"
           " " SQL_INSTANT("a.start_from") ", " SQL_INSTANT("a.start_to")
           "  FROM unnest($1::uuid[]) WITH ORDINALITY AS t (id, place)"
           "  JOIN amendment a ON a.reservation_id = t.id"
           " WHERE NOT EXISTS (SELECT FROM amendment_status s WHERE s.amendment_id = a.id)"
           " ORDER BY t.place, a.revision",
    .params = 1,
};
// clang-format on
enum {
    OPEN_RESERVATION,
    OPEN_ID,
    OPEN_CHANGES_START,
    OPEN_STARTS,
    OPEN_CHANGES_END,
    OPEN_ENDS,
    OPEN_COUNT,
    OPEN_DURATION,
    OPEN_START_FROM,
    OPEN_START_TO,
};

static const struct db_stmt statement_verdicts = {
    .name = "amend_verdicts",
    .sql =
        "INSERT INTO amendment_status (amendment_id, reservation_id, tenant_id, state, reason, binding, alternatives,"
        "                              starts_at, ends_at, count, decided_at)"
        " SELECT n.id, n.reservation, n.tenant, n.state, n.reason, n.binding::jsonb, n.alternatives::jsonb,"
        "        to_timestamp(n.starts), to_timestamp(n.ends), n.count, to_timestamp($1::bigint)"
        "   FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],"
        "               $9::bigint[], $10::bigint[], $11::int[])"
        "        AS n (id, reservation, tenant, state, reason, binding, alternatives, starts, ends, count)",
    .params = 11,
};

/* Of several that were granted in one piece of work the last one's terms hold. */
static const struct db_stmt statement_terms = {
    .name = "amend_terms",
    .sql = "UPDATE reservation_status s SET granted_count = n.count, terms_starts_at = to_timestamp(n.starts),"
           "       terms_ends_at = to_timestamp(n.ends)"
           "  FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) AS n (reservation, count, starts, ends)"
           " WHERE s.reservation_id = n.reservation",
    .params = 4,
};

/* What was changed at once beside terms that are refused is not to stay. */
static const struct db_stmt statement_take_back = {
    .name = "amend_take_back",
    .sql = "SELECT amendment_take_back($1::uuid[])",
    .params = 1,
};

const struct db_stmt *const amend_statements[] = {&statement_observe, &statement_verdicts, &statement_terms,
                                                  &statement_take_back, NULL};

/* ---- Reading ---- */

static void read_amendment(const PGresult *result, int row, struct amendment *amendment)
{
    *amendment = (struct amendment){
        .id = db_identity(result, row, OPEN_ID),
        .changes_start = db_bool(result, row, OPEN_CHANGES_START),
        .starts_s = db_int(result, row, OPEN_STARTS, NEVER),
        .changes_end = db_bool(result, row, OPEN_CHANGES_END),
        .ends_s = db_int(result, row, OPEN_ENDS, NEVER),
        .count = db_int(result, row, OPEN_COUNT, 0),
        .duration_s = db_int(result, row, OPEN_DURATION, 0),
        .start_from_s = db_int(result, row, OPEN_START_FROM, NEVER),
        .start_to_s = db_int(result, row, OPEN_START_TO, NEVER),
        .state = AMENDMENT_REQUESTED,
    };
}

/* Rows come in the order of the reservations. */
static void read_amendments(struct world *world, const PGresult *result)
{
    int rows = PQntuples(result);
    struct amendment *amendments = arena_alloc(world->arena, (size_t)(rows + 1) * sizeof *amendments);
    uint32_t at = 0;
    for (int row = 0; row < rows; row++) {
        struct identity id = db_identity(result, row, OPEN_RESERVATION);
        while (!identity_equal(world->reservations[at].wish.id, id))
            must(++at < world->reservation_count);
        struct reservation *reservation = &world->reservations[at];
        if (reservation->amendment_count++ == 0)
            reservation->amendments = &amendments[row];
        read_amendment(result, row, &amendments[row]);
    }
}

enum err_kind amend_observe(struct world *world, struct db *db, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        if (reservation->was.revision > 0 && reservation->wish.revision > reservation->decided_revision)
            db_array_identity(&ids, reservation->wish.id);
    }
    if (ids.count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_observe, DB_PARAMS(db_array_param(&ids)), &result, reterr);
    if (kind == ERR_NONE)
        read_amendments(world, result);
    return kind;
}

/* ---- Writing ---- */

#define VERDICT_COLUMNS 10
enum { TERMS_RESERVATION, TERMS_COUNT, TERMS_STARTS, TERMS_ENDS, TERMS_COLUMNS };

static void verdict_columns_clear(struct db_array (*columns)[VERDICT_COLUMNS])
{
    for (size_t i = 0; i < VERDICT_COLUMNS; i++)
        db_array_clear(&(*columns)[i]);
}

static void terms_columns_clear(struct db_array (*columns)[TERMS_COLUMNS])
{
    for (size_t i = 0; i < TERMS_COLUMNS; i++)
        db_array_clear(&(*columns)[i]);
}

static void add_verdict(struct db_array *next, const struct reservation *reservation, const struct amendment *amendment)
{
    bool is_granted = amendment->state == AMENDMENT_GRANTED;
    db_array_identity(next++, amendment->id);
    db_array_identity(next++, reservation->wish.id);
    db_array_identity(next++, reservation->wish.tenant);
    db_array_text(next++, amendment_state_text(amendment->state));
    db_array_text(next++, amendment->reason);
    db_array_text(next++, amendment->binding);
    db_array_text(next++, amendment->alternatives);
    apply_instant(next++, is_granted ? amendment->granted_starts_s : NEVER);
    apply_instant(next++, is_granted ? amendment->granted_ends_s : NEVER);
    db_array_int_or_null(next, is_granted ? amendment->granted_count : 0, 0);
}

static enum err_kind send_verdicts(const struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(verdict_columns_clear) struct db_array columns[VERDICT_COLUMNS] = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        for (uint32_t j = 0; j < reservation->amendment_count; j++) {
            if (reservation->amendments[j].state != AMENDMENT_REQUESTED)
                add_verdict(columns, reservation, &reservation->amendments[j]);
        }
    }
    if (columns[0].count == 0)
        return ERR_NONE;
    char now[DB_INT_TEXT_SIZE];
    const char *params[VERDICT_COLUMNS + 1] = {db_int_param(now, world->now_s)};
    for (int i = 0; i < VERDICT_COLUMNS; i++)
        params[i + 1] = db_array_param(&columns[i]);
    return apply_send(queue, &statement_verdicts, params, (int64_t)columns[0].count, reterr);
}

static const struct amendment *last_granted(const struct reservation *reservation)
{
    const struct amendment *last = NULL;
    for (uint32_t i = 0; i < reservation->amendment_count; i++) {
        if (reservation->amendments[i].state == AMENDMENT_GRANTED)
            last = &reservation->amendments[i];
    }
    return last;
}

static enum err_kind send_terms(const struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(terms_columns_clear) struct db_array columns[TERMS_COLUMNS] = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct amendment *amendment = last_granted(&world->reservations[i]);
        if (amendment == NULL)
            continue;
        db_array_identity(&columns[TERMS_RESERVATION], world->reservations[i].wish.id);
        db_array_int(&columns[TERMS_COUNT], amendment->granted_count);
        apply_instant(&columns[TERMS_STARTS], amendment->granted_starts_s);
        apply_instant(&columns[TERMS_ENDS], amendment->granted_ends_s);
    }
    int64_t rows = (int64_t)columns[TERMS_RESERVATION].count;
    if (rows == 0)
        return ERR_NONE;
    const char *params[TERMS_COLUMNS];
    for (int i = 0; i < TERMS_COLUMNS; i++)
        params[i] = db_array_param(&columns[i]);
    return apply_send(queue, &statement_terms, params, rows, reterr);
}

static enum err_kind send_take_back(const struct world *world, struct apply_queue *queue, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array refused = {0};
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        for (uint32_t j = 0; j < reservation->amendment_count; j++) {
            enum amendment_state state = reservation->amendments[j].state;
            if (state != AMENDMENT_REQUESTED && state != AMENDMENT_GRANTED)
                db_array_identity(&refused, reservation->amendments[j].id);
        }
    }
    if (refused.count == 0)
        return ERR_NONE;
    return apply_send(queue, &statement_take_back, DB_PARAMS(db_array_param(&refused)), 1, reterr);
}

enum err_kind apply_amendments(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    enum err_kind kind = send_verdicts(world, queue, reterr);
    if (kind == ERR_NONE)
        kind = send_take_back(world, queue, reterr);
    return kind == ERR_NONE ? send_terms(world, queue, reterr) : kind;
}
