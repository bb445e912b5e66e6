/* The virtual clock: read and moved by operators; there is none where domain time follows the wall clock.
 *
 * A move visits every instant at which a component has something to do, in order, and waits at each until all have
 * acknowledged it, so that nothing ever happens late. Moves take turns: within this process by a lock, among
 * processes by an advisory lock of the connection that all moves of this process share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "api/resources/registry.h"
#include "api/resources/zone_lag.h"
#include "api/server/server.h"
#include "common/shutdown.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define STALL_MS             60000
#define LOOK_EVERY_MS        1000 /* should a notification be lost */
#define STATEMENT_TIMEOUT_MS 10000

struct clock {
    int64_t now;
    int64_t tick;
};

struct clock_wish {
    int64_t advance_to;
};

// clang-format off
static const struct field clock_fields[] = {
    FIELD_TIME("now",  struct clock, now, .flags = FIELD_READ_ONLY, .help = "Domain time"),
    FIELD_INT ("tick", struct clock, tick, .flags = FIELD_READ_ONLY, .help = "Rises with each step of the clock"),
    FIELDS_END,
};

static const struct field clock_wish_fields[] = {
    FIELD_TIME("advance_to", struct clock_wish, advance_to, .flags = FIELD_REQUIRED, .example = "2026-12-01T00:00:00Z", .help = "Domain time to move to; everything due until then is done when the answer comes"),
    FIELDS_END,
};
// clang-format on

static const struct schema clock_schema = {"Clock", clock_fields, sizeof(struct clock)};
static const struct schema clock_wish_schema = {"ClockAdvance", clock_wish_fields, sizeof(struct clock_wish)};

static const struct db_stmt statement_lock = {
    .name = "clock_lock",
    .sql = "SELECT pg_try_advisory_lock(hashtextextended('sluice.clock', 0))",
    .params = 0,
};

static const struct db_stmt statement_unlock = {
    .name = "clock_unlock",
    .sql = "SELECT pg_advisory_unlock(hashtextextended('sluice.clock', 0))",
    .params = 0,
};

/* A step need not survive a crash: nobody was told of it before the move has settled. */
static const struct db_stmt statement_step = {
    .name = "clock_step",
    .sql = "SELECT clock_step(to_timestamp($1::bigint)), set_config('synchronous_commit', 'off', true)",
    .params = 1,
};

/* Whether what the components said is due next still holds: all have acknowledged the present tick, and no zone has a
 * wish that it has not looked at, for what it has looked at is in its acknowledgement. */
static const struct db_stmt statement_fresh = {
    .name = "clock_fresh",
    .sql = "SELECT NOT EXISTS ("
           "  SELECT FROM zone z LEFT JOIN clock_acknowledgement a ON a.component = 'zone:' || z.id"
           "                     LEFT JOIN event_cursor c ON c.consumer = 'zone:' || z.id"
           "   WHERE a.tick IS DISTINCT FROM d.tick OR EXISTS ("
           "     SELECT FROM event e"
           "      WHERE (e.xid, e.seq) > (coalesce(c.xid, '0'::xid8), coalesce(c.seq, 0)) AND e.zone_id = z.id"
           "        AND e.object_type IN " ZONE_WISHES "))"
           "   AND EXISTS (SELECT FROM clock_acknowledgement b"
           "                WHERE b.component = 'billing' AND b.tick = d.tick AND b.next_due_at > d.now), d.tick"
           "  FROM domain_clock d",
    .params = 0,
};

/* A small record whose commit waits for the disk, and so for everything that was committed before it by anybody. */
static const struct db_stmt statement_settle = {
    .name = "clock_settle",
    .sql = "SELECT pg_logical_emit_message(true, 'sluice', 'clock')",
    .params = 0,
};

/* Who of those that are waited for has not acknowledged the tick (null: all have), when something is due next, and
 * when billing is. */
static const struct db_stmt statement_look = {
    .name = "clock_look",
    .sql = "WITH component AS ("
           "  SELECT 'billing' AS name, 'billing' AS shown, $3::boolean AS awaited"
           "  UNION ALL SELECT 'zone:' || id, 'zone ' || name, true FROM zone"
           ") SELECT string_agg(c.shown, ', ' ORDER BY c.shown)"
           "           FILTER (WHERE c.awaited AND (a.tick IS NULL OR a.tick < $1::bigint)),"
           " extract(epoch FROM min(a.next_due_at) FILTER (WHERE a.next_due_at > to_timestamp($2::bigint)))::bigint,"
           " extract(epoch FROM min(a.next_due_at) FILTER (WHERE c.name = 'billing'))::bigint"
           " FROM component c LEFT JOIN clock_acknowledgement a ON a.component = c.name",
    .params = 3,
};

/* ---- Stepping ---- */

/* A move under way. */
struct move {
    struct db *db;
    int64_t now_s;
    int64_t tick;
    int64_t next_due_s; /* after now; INT64_MAX: nothing is due */
    int64_t billing_next_due_s;
    bool with_billing; /* it is waited for too */
};

static enum err_kind look(struct move *move, char missing[static ERR_TEXT_SIZE], struct err *reterr)
{
    char tick[DB_INT_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(
        move->db, &statement_look,
        DB_PARAMS(db_int_param(tick, move->tick), db_int_param(now, move->now_s), request_bool(move->with_billing)),
        &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *names = db_text(result, 0, 0);
    (void)snprintf(missing, ERR_TEXT_SIZE, "%.300s", names == NULL ? "" : names);
    move->next_due_s = db_int(result, 0, 1, INT64_MAX);
    move->billing_next_due_s = db_int(result, 0, 2, INT64_MAX);
    return ERR_NONE;
}

/* Until everybody who is waited for has acknowledged the tick. */
static enum err_kind wait_for_all(struct move *move, struct err *reterr)
{
    int64_t deadline_ms = clock_monotonic_ms() + STALL_MS;
    for (;;) {
        bool notified = false;
        char missing[ERR_TEXT_SIZE];
        enum err_kind kind = db_wait(move->db, -1, LOOK_EVERY_MS, &notified, reterr);
        if (kind == ERR_NONE)
            kind = look(move, missing, reterr);
        if (kind != ERR_NONE || missing[0] == '\0')
            return kind;
        if (shutdown_requested())
            return err_set_code(reterr, ERR_OVERLOADED, "shutting_down", "the server is stopping");
        if (clock_monotonic_ms() > deadline_ms)
            return err_set_code(reterr, ERR_UNAVAILABLE, "clock_stalled", "not acknowledged within %d s by: %s",
                                STALL_MS / 1000, missing);
    }
}

/* Billing acknowledges a tick after all zones, having seen what they wrote. It is waited for where it may be due and at
 * both ends of a move; in between it follows as it can. */
static enum err_kind step(struct move *move, int64_t to_s, bool with_billing, struct err *reterr)
{
    char to[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(move->db, &statement_step, DB_PARAMS(db_int_param(to, to_s)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    move->tick = db_int(result, 0, 0, 0);
    move->now_s = to_s;
    move->with_billing = with_billing || move->billing_next_due_s <= to_s;
    return wait_for_all(move, reterr);
}

/* Sets what is due next. Where wishes were posted that nobody has looked at yet, a step that does not move time asks. */
static enum err_kind begin_move(struct move *move, bool must_step, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(move->db, &statement_fresh, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    move->billing_next_due_s = INT64_MAX;
    if (must_step || !db_bool(result, 0, 0))
        return step(move, move->now_s, true, reterr);
    char missing[ERR_TEXT_SIZE];
    move->tick = db_int(result, 0, 1, 0);
    return look(move, missing, reterr);
}

static enum err_kind move_to(struct move *move, int64_t to_s, struct err *reterr)
{
    enum err_kind kind = begin_move(move, move->now_s == to_s, reterr);
    while (kind == ERR_NONE && move->now_s < to_s) {
        int64_t at_s = move->next_due_s < to_s ? move->next_due_s : to_s;
        kind = step(move, at_s, at_s == to_s, reterr);
    }
    return kind == ERR_NONE ? db_run(move->db, &statement_settle, DB_NO_PARAMS, NULL, reterr) : kind;
}

/* ---- Taking turns ---- */

/* One connection for all moves of the process, because opening one costs more than a step. */
static struct mover {
    pthread_mutex_t turn;
    struct db *db; /* under turn; made by the first move, kept until the process ends */
} mover = {.turn = PTHREAD_MUTEX_INITIALIZER};

static bool take_turn(void)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += STALL_MS / 1000;
    return pthread_mutex_timedlock(&mover.turn, &deadline) == 0;
}

static enum err_kind connect_mover(const struct request *request, struct err *reterr)
{
    if (mover.db == NULL) {
        mover.db = db_new(&(struct db_options){
            .url = request->internal->server->common->database_url,
            .role = "sluice_api_system",
            .application_name = "sluice-api clock",
            .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        });
    }
    return db_listen(mover.db, "sluice_clock_ack", reterr);
}

/* Among processes. Whoever moves sends acknowledgements along, so waiting for one is waiting for its steps. */
static enum err_kind lock_clock(struct err *reterr)
{
    int64_t deadline_ms = clock_monotonic_ms() + STALL_MS;
    for (;;) {
        CLEANUP(db_result_clear) PGresult *result = NULL;
        enum err_kind kind = db_run(mover.db, &statement_lock, DB_NO_PARAMS, &result, reterr);
        if (kind != ERR_NONE || db_bool(result, 0, 0))
            return kind;
        if (clock_monotonic_ms() > deadline_ms || shutdown_requested())
            return err_set(reterr, ERR_OVERLOADED, "another move of the clock is under way");
        bool notified = false;
        kind = db_wait(mover.db, -1, LOOK_EVERY_MS, &notified, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
}

static enum err_kind no_clock(struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, "domain time follows the wall clock here: there is no clock to move");
}

/* The clock, if it can be moved there. */
static enum err_kind look_ahead(struct db *db, int64_t to_s, struct clock_domain *ret, struct err *reterr)
{
    enum err_kind kind = clock_domain(db, ret, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!ret->is_virtual)
        return no_clock(reterr);
    if (to_s < ret->now_s)
        return err_set_code(reterr, ERR_INVALID, "clock_in_past", "the clock is past that instant and cannot go back");
    return ERR_NONE;
}

/* With the turn in hand. */
static enum err_kind advance_locked(int64_t to_s, struct clock *ret, struct err *reterr)
{
    struct clock_domain clock;
    enum err_kind kind = look_ahead(mover.db, to_s, &clock, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct move move = {.db = mover.db, .now_s = clock.now_s};
    kind = move_to(&move, to_s, reterr);
    *ret = (struct clock){.now = move.now_s, .tick = move.tick};
    return kind;
}

static enum err_kind advance_in_turn(const struct request *request, struct clock *ret, struct err *reterr)
{
    const struct clock_wish *wish = request->body;
    enum err_kind kind = connect_mover(request, reterr);
    if (kind == ERR_NONE)
        kind = lock_clock(reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = advance_locked(wish->advance_to, ret, reterr);
    if (db_run(mover.db, &statement_unlock, DB_NO_PARAMS, NULL, NULL) != ERR_NONE)
        db_disconnect(mover.db); /* which lets the lock go */
    return kind;
}

static enum err_kind preview(struct request *request, struct response *response, struct err *reterr)
{
    const struct clock_wish *wish = request->body;
    struct clock_domain clock;
    enum err_kind kind = look_ahead(request->db, wish->advance_to, &clock, reterr);
    if (kind == ERR_NONE)
        response_struct(response, 200, clock_fields, &(struct clock){.now = wish->advance_to, .tick = clock.tick});
    return kind;
}

static enum err_kind advance(struct request *request, struct response *response, struct err *reterr)
{
    if (request->validates_only)
        return preview(request, response, reterr);
    if (!take_turn())
        return err_set(reterr, ERR_OVERLOADED, "another move of the clock is under way");
    struct clock clock = {0};
    enum err_kind kind = advance_in_turn(request, &clock, reterr);
    (void)pthread_mutex_unlock(&mover.turn);
    if (kind == ERR_NONE)
        response_struct(response, 200, clock_fields, &clock);
    return kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &clock_domain_statement, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct clock_domain clock = clock_domain_of(result);
    if (!clock.is_virtual)
        return no_clock(reterr);
    response_struct(response, 200, clock_fields, &(struct clock){.now = clock.now_s, .tick = clock.tick});
    return ERR_NONE;
}

// clang-format off
static const struct route clock_routes[] = {
    {GET,  "/v1/system/clock", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &clock_schema, .run = get, .problems = PROBLEMS("not_found"), .summary = "The virtual clock; 404 where domain time is real"},
    {POST, "/v1/system/clock", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &clock_wish_schema, .answer = &clock_schema, .status = 200, .run = advance, .without_transaction = true, .problems = PROBLEMS("not_found", "clock_in_past", "clock_stalled"), .summary = "Move the virtual clock; 404 where domain time is real"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const clock_statements[] = {
    &statement_lock, &statement_unlock, &statement_step, &statement_fresh, &statement_settle, &statement_look, NULL};

const struct resource clock_resource = {"clock", clock_routes, clock_statements,
                                        "The virtual clock of a simulated Sluice."};
