/* A ring of requests under way, each of one to three commands and a sync, and libpq's pipeline mode behind it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db_lane.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <poll.h>

#define RING_SIZE (DB_LANE_DEPTH_MAX + 1) /* the connection's own first request beside those of the user */

/* A request under way: [prepare] [set the tenant] statement sync. */
struct turn {
    const struct db_stmt *stmt;
    void *context;
    bool is_own;       /* the connection's own, of which nobody is told */
    bool prepares;     /* its first command prepares stmt */
    bool has_failed;   /* err says why */
    int commands_left; /* whose results have not ended */
    PGresult *result;
    struct err err;
};

struct db_lane {
    struct db_options options; /* its own: db_options_copy */
    PGconn *connection;
    enum db_lane_state state;
    struct err error;
    short events;
    int64_t open_by_ms;    /* while opening; INT64_MAX: there is no limit */
    int64_t busy_since_ms; /* while there are turns */
    struct db_prepared prepared;
    struct turn turns[RING_SIZE];
    int first, count;
};

static const struct db_stmt statement_tenant = {
    .name = "lane_tenant",
    .sql = "SELECT set_config('sluice.tenant', $1, true)",
    .params = 1,
};

const struct db_stmt *const db_lane_statements[] = {&statement_tenant, NULL};

static struct turn *turn_at(struct db_lane *lane, int number)
{
    must(number >= 0 && number < lane->count);
    return &lane->turns[(lane->first + number) % RING_SIZE];
}

static struct turn *push(struct db_lane *lane, struct turn turn)
{
    must(lane->count < RING_SIZE);
    if (lane->count == 0)
        lane->busy_since_ms = clock_monotonic_ms();
    lane->count++;
    struct turn *pushed = turn_at(lane, lane->count - 1);
    *pushed = turn;
    return pushed;
}

static void pop(struct db_lane *lane)
{
    must(lane->count > 0);
    lane->first = (lane->first + 1) % RING_SIZE;
    lane->count--;
    lane->busy_since_ms = clock_monotonic_ms();
}

/* ---- Opening and closing ---- */

static void close_with(struct db_lane *lane, const struct err *why)
{
    PQfinish(lane->connection); /* NULL is fine */
    lane->connection = NULL;
    lane->state = DB_LANE_CLOSED;
    lane->error = *why;
    db_prepared_clear(&lane->prepared);
}

/* After a call of libpq failed. */
static void close_broken(struct db_lane *lane)
{
    char message[ERR_TEXT_SIZE / 2];
    struct err err = {0};
    db_one_line(PQerrorMessage(lane->connection), message, sizeof message);
    (void)err_set(&err, ERR_UNAVAILABLE, "%s", message[0] == '\0' ? "the connection is gone" : message);
    close_with(lane, &err);
}

struct db_lane *db_lane_new(const struct db_options *options)
{
    struct db_lane *lane = alloc_zero(1, sizeof *lane);
    lane->options = db_options_copy(options);
    return lane;
}

void db_lane_free(struct db_lane *lane)
{
    if (lane == NULL)
        return;
    must(lane->count == 0);
    PQfinish(lane->connection);
    free(lane->prepared.slots);
    db_options_clear(&lane->options);
    free(lane);
}

void db_lane_open(struct db_lane *lane)
{
    must(lane->state == DB_LANE_CLOSED && lane->count == 0);
    struct err err = {0};
    if (db_connect_start(&lane->options, &lane->connection, &err) != ERR_NONE) {
        close_with(lane, &err);
        return;
    }
    lane->state = DB_LANE_OPENING;
    int64_t limit_ms = db_connect_timeout_ms(lane->connection);
    lane->open_by_ms = limit_ms == 0 ? INT64_MAX : clock_monotonic_ms() + limit_ms;
    lane->events = POLLOUT;
    if (PQstatus(lane->connection) == CONNECTION_BAD)
        close_broken(lane);
}

void db_lane_close(struct db_lane *lane)
{
    struct err err = {0};
    (void)err_set(&err, ERR_UNAVAILABLE, "the connection was closed");
    close_with(lane, &err);
}

enum db_lane_state db_lane_state(const struct db_lane *lane)
{
    return lane->state;
}

const struct err *db_lane_error(const struct db_lane *lane)
{
    return &lane->error;
}

int db_lane_fd(const struct db_lane *lane)
{
    return PQsocket(lane->connection);
}

short db_lane_events(const struct db_lane *lane)
{
    return lane->events;
}

/* ---- Sending ---- */

/* What does not go out now goes out when the socket can be written. */
static void flush(struct db_lane *lane)
{
    int unsent = PQflush(lane->connection);
    if (unsent < 0)
        close_broken(lane);
    else
        lane->events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
}

/* Connected: the statement that sets the tenant is prepared before anybody needs it. */
static void begin(struct db_lane *lane)
{
    lane->state = DB_LANE_OPEN;
    bool is_begun = PQsetnonblocking(lane->connection, 1) == 0 && PQenterPipelineMode(lane->connection) == 1 &&
                    PQsendPrepare(lane->connection, statement_tenant.name, statement_tenant.sql, 0, NULL) == 1 &&
                    PQpipelineSync(lane->connection) == 1;
    if (!is_begun) {
        close_broken(lane);
        return;
    }
    (void)push(lane, (struct turn){.stmt = &statement_tenant, .is_own = true, .prepares = true, .commands_left = 1});
    flush(lane);
}

static bool is_preparing(struct db_lane *lane, const struct db_stmt *stmt)
{
    for (int i = 0; i < lane->count; i++) {
        if (turn_at(lane, i)->prepares && turn_at(lane, i)->stmt == stmt)
            return true;
    }
    return false;
}

void db_lane_send(struct db_lane *lane, const char *tenant_id, const struct db_stmt *stmt, const char *const *params,
                  void *context)
{
    must(lane->state == DB_LANE_OPEN && lane->count < RING_SIZE);
    must(params != NULL || stmt->params == 0);
    bool prepares = !db_prepared_has(&lane->prepared, stmt) && !is_preparing(lane, stmt);
    PGconn *connection = lane->connection;
    (void)push(lane, (struct turn){.stmt = stmt,
                                   .context = context,
                                   .prepares = prepares,
                                   .commands_left = 1 + (prepares ? 1 : 0) + (tenant_id != NULL ? 1 : 0)});
    bool is_sent = (!prepares || PQsendPrepare(connection, stmt->name, stmt->sql, 0, NULL) == 1) &&
                   (tenant_id == NULL || db_send_prepared(connection, &statement_tenant, DB_PARAMS(tenant_id)) == 1) &&
                   db_send_prepared(connection, stmt, params) == 1 && PQpipelineSync(connection) == 1;
    if (is_sent)
        flush(lane);
    else
        close_broken(lane);
}

/* ---- Receiving ---- */

static void step_opening(struct db_lane *lane)
{
    PostgresPollingStatusType status = PQconnectPoll(lane->connection);
    if (status == PGRES_POLLING_OK)
        begin(lane);
    else if (status == PGRES_POLLING_FAILED)
        close_broken(lane);
    else
        lane->events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
}

void db_lane_step(struct db_lane *lane, short revents)
{
    if (lane->state == DB_LANE_OPENING && revents != 0) {
        step_opening(lane);
    } else if (lane->state == DB_LANE_OPENING && clock_monotonic_ms() >= lane->open_by_ms) {
        struct err err = {0};
        (void)err_set(&err, ERR_UNAVAILABLE, "the database did not answer in time");
        close_with(lane, &err);
    } else if (lane->state == DB_LANE_OPEN && revents != 0) {
        if ((revents & ~POLLOUT) != 0 && PQconsumeInput(lane->connection) == 0)
            close_broken(lane);
        else
            flush(lane);
    }
}

static void note_failure(struct turn *turn, const PGresult *result)
{
    if (turn->has_failed || PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return; /* the first failure is the cause of the others */
    turn->has_failed = true;
    if (PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL)
        (void)err_set(&turn->err, ERR_INTERNAL, "libpq says: %s", PQresultErrorMessage(result));
    else
        (void)db_error_of(result, false, &turn->err);
    (void)err_context(&turn->err, "statement '%s'", turn->stmt->name);
}

/* A result of the turn's current command. */
static void take_result(struct db_lane *lane, struct turn *turn, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    bool is_fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    bool is_preparing_it = turn->prepares && status == PGRES_COMMAND_OK;
    if (!is_fine)
        note_failure(turn, result);
    else if (is_preparing_it && !db_prepared_has(&lane->prepared, turn->stmt))
        db_prepared_add(&lane->prepared, turn->stmt);
    if (is_fine && turn->commands_left == 1) {
        db_result_clear(&turn->result);
        turn->result = result;
    } else {
        PQclear(result);
    }
}

/* True when the turn has come to its sync. */
static bool take(struct db_lane *lane, struct turn *turn)
{
    PGresult *result = PQgetResult(lane->connection);
    if (result == NULL) { /* the end of a command's results */
        turn->commands_left--;
        return false;
    }
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        take_result(lane, turn, result);
        return false;
    }
    PQclear(result);
    return true;
}

static void answer(struct db_lane *lane, struct db_lane_answer *ret)
{
    struct turn *turn = turn_at(lane, 0);
    *ret = (struct db_lane_answer){.context = turn->context};
    if (turn->has_failed) {
        ret->err = turn->err;
        ret->kind = turn->err.kind;
        db_result_clear(&turn->result);
    } else {
        must(turn->result != NULL); /* the last command of a turn without failure has one */
        ret->result = turn->result;
        turn->result = NULL;
    }
    pop(lane);
}

/* Of a lane that closed: each request that it had is told. */
static bool answer_lost(struct db_lane *lane, struct db_lane_answer *ret)
{
    while (lane->count > 0) {
        struct turn *turn = turn_at(lane, 0);
        bool is_own = turn->is_own;
        db_result_clear(&turn->result);
        *ret = (struct db_lane_answer){
            .context = turn->context, .kind = lane->error.kind, .err = lane->error, .is_lost = true};
        pop(lane);
        if (!is_own)
            return true;
    }
    return false;
}

bool db_lane_receive(struct db_lane *lane, struct db_lane_answer *ret)
{
    while (lane->state == DB_LANE_OPEN && lane->count > 0 && PQisBusy(lane->connection) == 0) {
        struct turn *turn = turn_at(lane, 0);
        bool is_whole = take(lane, turn);
        if (turn->commands_left < 0 || PQstatus(lane->connection) != CONNECTION_OK) {
            close_broken(lane); /* what libpq makes up then is no answer */
        } else if (is_whole && turn->is_own) {
            db_result_clear(&turn->result);
            pop(lane);
        } else if (is_whole) {
            answer(lane, ret);
            return true;
        }
    }
    return lane->state == DB_LANE_CLOSED && answer_lost(lane, ret);
}

int db_lane_depth(const struct db_lane *lane)
{
    return lane->count;
}

void *db_lane_context(const struct db_lane *lane, int number)
{
    must(number >= 0 && number < lane->count);
    return lane->turns[(lane->first + number) % RING_SIZE].context; /* NULL: the connection's own */
}

int64_t db_lane_busy_since_ms(const struct db_lane *lane)
{
    return lane->busy_since_ms;
}
