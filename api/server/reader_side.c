/* Reads wait in two queues: the ordinary one, and the one of suspected statements. Ordinary connections carry many
 * reads each; a stuck one is left to its oldest read and replaced. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/reader_side.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/db_lane.h"
#include "common/metrics.h"
#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUCK_MS       20  /* a read that is under way for longer holds up nobody else */
#define RETRY_MS       200 /* after a connection could not be opened */
#define SENDS_MAX      6   /* of one read: beyond that it is not the connections */
#define SENDS_IF_STUCK 3   /* where all are slow, not everything is sent everywhere */
#define DEPTH_OPENING  4   /* reads on the emptiest connection, from which on another one is opened */
#define SUSPECTS_MAX   64
#define NAME_SIZE      64

static struct metric connections = {
    .name = "sluice_api_read_connections", .type = METRIC_GAUGE, .help = "Pipelined connections for reads, open"};
static struct metric resent = {.name = "sluice_api_reads_resent_total",
                               .type = METRIC_COUNTER,
                               .help = "Reads sent again on another connection, because theirs was stuck or broke"};
static struct metric suspected = {.name = "sluice_api_read_statements_suspected_total",
                                  .type = METRIC_COUNTER,
                                  .help = "Times that a statement was sent to connections of its own, because it held "
                                          "others up"};
static struct metric *const metrics[] = {&connections, &resent, &suspected};

struct queue {
    struct read *first, *last;
};

struct lane {
    struct db_lane *db;
    bool is_apart; /* for suspected statements, one at a time */
    bool is_stuck; /* gets nothing until it is empty */
    bool was_open; /* for the gauge */
};

struct reader_side {
    struct queue ordinary, apart;
    struct lane *lanes;
    int lane_count;
    int connections; /* of each kind, stuck ones apart */
    int64_t retry_at_ms;
    struct err unreachable; /* why no connection could be opened */
    const struct db_stmt *suspects[SUSPECTS_MAX];
    int suspect_count;
    _Atomic int64_t *waiting;
};

/* ---- Queues; places ---- */

static void append(struct queue *queue, struct read *read)
{
    read->next = NULL;
    if (queue->first == NULL)
        queue->first = read;
    else
        queue->last->next = read;
    queue->last = read;
    read->is_queued = true;
    read->places++;
}

static void prepend(struct queue *queue, struct read *read)
{
    read->next = queue->first;
    if (queue->first == NULL)
        queue->last = read;
    queue->first = read;
    read->is_queued = true;
    read->places++;
}

/* Its place is the caller's, to be left or taken elsewhere. */
static struct read *take(struct queue *queue)
{
    struct read *read = queue->first;
    if (read != NULL) {
        queue->first = read->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        read->is_queued = false;
    }
    return read;
}

static void leave(struct read *read)
{
    must(read->places > 0);
    if (--read->places == 0)
        read->released(read); /* it is gone */
}

static void finish(struct reader_side *side, struct read *read, PGresult *result, const struct err *err)
{
    must(!read->is_done && (err == NULL ? result != NULL : err->kind != ERR_NONE));
    read->is_done = true;
    (void)atomic_fetch_sub(side->waiting, 1);
    read->answered(read, result, err);
}

static bool is_over(struct reader_side *side, struct read *read)
{
    if (!read->is_done && atomic_load(&read->is_abandoned)) {
        read->is_done = true;
        (void)atomic_fetch_sub(side->waiting, 1);
    }
    return read->is_done;
}

/* ---- Suspected statements ---- */

static int suspect_of(const struct reader_side *side, const struct db_stmt *stmt)
{
    for (int i = 0; i < side->suspect_count; i++) {
        if (side->suspects[i] == stmt)
            return i;
    }
    return -1;
}

static void suspect(struct reader_side *side, const struct db_stmt *stmt)
{
    if (suspect_of(side, stmt) >= 0 || side->suspect_count == SUSPECTS_MAX)
        return;
    side->suspects[side->suspect_count++] = stmt;
    metric_add(&suspected, 1);
}

static void acquit(struct reader_side *side, const struct db_stmt *stmt)
{
    int i = suspect_of(side, stmt);
    if (i >= 0)
        side->suspects[i] = side->suspects[--side->suspect_count];
}

void reader_side_add(struct reader_side *side, struct read *read)
{
    append(suspect_of(side, read->stmt) < 0 ? &side->ordinary : &side->apart, read);
}

/* ---- Connections ---- */

struct reader_side *reader_side_new(const struct reader_options *options, const char *role, _Atomic int64_t *waiting)
{
    static atomic_flag is_registered = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_registered))
        metric_register(metrics, COUNT_OF(metrics));
    struct reader_side *side = alloc_zero(1, sizeof *side);
    side->connections = options->connections;
    side->waiting = waiting;
    side->lane_count = 2 * options->connections + READER_STUCK_MAX;
    side->lanes = alloc_zero((size_t)side->lane_count, sizeof *side->lanes);
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "sluice-api %s", options->name); /* a long one is cut */
    for (int i = 0; i < side->lane_count; i++) {
        side->lanes[i].is_apart = i < options->connections;
        side->lanes[i].db = db_lane_new(&(struct db_options){.url = options->database_url,
                                                             .role = role,
                                                             .application_name = name,
                                                             .statement_timeout_ms = options->statement_timeout_ms,
                                                             .lock_timeout_ms = options->lock_timeout_ms});
    }
    return side;
}

static void count_open(struct lane *lane)
{
    bool is_open = db_lane_state(lane->db) == DB_LANE_OPEN;
    if (is_open != lane->was_open)
        metric_add(&connections, is_open ? 1 : -1);
    lane->was_open = is_open;
}

static void note_unreachable(struct reader_side *side, const struct lane *lane)
{
    side->unreachable = *db_lane_error(lane->db);
    side->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
}

/* Opens another connection of the kind, if there may be one more and none is being opened. True: one is. */
static bool open_another(struct reader_side *side, bool is_apart)
{
    struct lane *closed = NULL;
    int in_use = 0;
    for (int i = 0; i < side->lane_count; i++) {
        struct lane *lane = &side->lanes[i];
        if (lane->is_apart != is_apart)
            continue;
        if (db_lane_state(lane->db) == DB_LANE_OPENING)
            return true;
        if (db_lane_state(lane->db) == DB_LANE_OPEN)
            in_use += lane->is_stuck ? 0 : 1;
        else if (db_lane_depth(lane->db) == 0)
            closed = lane;
    }
    if (closed == NULL || in_use >= side->connections || clock_monotonic_ms() < side->retry_at_ms)
        return false;
    closed->is_stuck = false;
    db_lane_open(closed->db);
    if (db_lane_state(closed->db) == DB_LANE_CLOSED)
        note_unreachable(side, closed);
    return db_lane_state(closed->db) == DB_LANE_OPENING;
}

/* The emptiest connection that may have one more; NULL: none has room. */
static struct lane *choose(struct reader_side *side, bool is_apart)
{
    struct lane *best = NULL;
    int depth_max = is_apart ? 1 : DB_LANE_DEPTH_MAX;
    for (int i = 0; i < side->lane_count; i++) {
        struct lane *lane = &side->lanes[i];
        bool may = lane->is_apart == is_apart && !lane->is_stuck && db_lane_state(lane->db) == DB_LANE_OPEN &&
                   db_lane_depth(lane->db) < depth_max;
        if (may && (best == NULL || db_lane_depth(lane->db) < db_lane_depth(best->db)))
            best = lane;
    }
    return best;
}

static bool has_connection(const struct reader_side *side, bool is_apart)
{
    for (int i = 0; i < side->lane_count; i++) {
        if (side->lanes[i].is_apart == is_apart && db_lane_state(side->lanes[i].db) != DB_LANE_CLOSED)
            return true;
    }
    return false;
}

/* ---- Sending ---- */

static void send_to(struct lane *lane, struct read *read)
{
    read->sends++;
    db_lane_send(lane->db, read->tenant_id, read->stmt, read->params, read);
}

static void fail_all(struct reader_side *side, struct queue *queue, const struct err *err)
{
    for (struct read *read = take(queue); read != NULL; read = take(queue)) {
        if (!is_over(side, read))
            finish(side, read, NULL, err);
        leave(read);
    }
}

static void dispatch(struct reader_side *side, bool is_apart)
{
    struct queue *queue = is_apart ? &side->apart : &side->ordinary;
    while (queue->first != NULL) {
        struct read *read = queue->first;
        bool is_moved = !is_apart && suspect_of(side, read->stmt) >= 0;
        struct lane *lane = is_moved || is_over(side, read) ? NULL : choose(side, is_apart);
        if (lane == NULL && !is_moved && !read->is_done)
            break; /* no room */
        (void)take(queue);
        if (lane != NULL)
            send_to(lane, read); /* and its place with it */
        else if (is_moved)
            append(&side->apart, read);
        if (lane == NULL)
            leave(read);
    }
    struct lane *emptiest = choose(side, is_apart);
    bool wants_more = emptiest == NULL || (!is_apart && db_lane_depth(emptiest->db) >= DEPTH_OPENING);
    bool is_busy = queue->first != NULL || emptiest != NULL;
    if (wants_more && is_busy && !open_another(side, is_apart) && !has_connection(side, is_apart))
        fail_all(side, queue, &side->unreachable);
}

void reader_side_dispatch(struct reader_side *side)
{
    dispatch(side, false);
    dispatch(side, true);
}

/* ---- What is stuck ---- */

/* Back to where it is sent from, unless it stands there, or was sent often enough: then its answer is waited for. */
static void send_again(struct reader_side *side, struct read *read, int sends_max)
{
    if (read->is_done || read->is_queued || read->sends >= sends_max)
        return;
    metric_add(&resent, 1);
    prepend(suspect_of(side, read->stmt) < 0 ? &side->ordinary : &side->apart, read);
}

static void look_after(struct reader_side *side, struct lane *lane, int64_t now_ms)
{
    int depth = db_lane_depth(lane->db);
    bool is_late =
        db_lane_state(lane->db) == DB_LANE_OPEN && depth > 0 && now_ms - db_lane_busy_since_ms(lane->db) > STUCK_MS;
    if (!is_late || lane->is_stuck || lane->is_apart)
        return;
    lane->is_stuck = true;
    const struct read *oldest = db_lane_context(lane->db, 0);
    if (oldest != NULL)
        suspect(side, oldest->stmt);
    for (int i = depth - 1; i > 0; i--)
        send_again(side, db_lane_context(lane->db, i), SENDS_IF_STUCK);
}

/* A connection that was stuck and has nothing left: it is used again, or closed where it was replaced meanwhile. */
static void relieve(struct reader_side *side, struct lane *lane)
{
    if (!lane->is_stuck || db_lane_depth(lane->db) > 0)
        return;
    int in_use = 0;
    for (int i = 0; i < side->lane_count; i++) {
        const struct lane *other = &side->lanes[i];
        bool counts = !other->is_apart && !other->is_stuck && db_lane_state(other->db) != DB_LANE_CLOSED;
        in_use += counts ? 1 : 0;
    }
    lane->is_stuck = false;
    if (in_use >= side->connections && db_lane_state(lane->db) == DB_LANE_OPEN)
        db_lane_close(lane->db);
}

/* ---- Receiving ---- */

/* The fault of the connection, or of who should have prepared the statement on it: it says nothing of the read. */
static bool is_of_connection(const struct db_lane_answer *answer)
{
    return answer->is_lost || strcmp(answer->err.sqlstate, "26000") == 0;
}

static void take_answer(struct reader_side *side, const struct lane *lane, struct db_lane_answer *answer,
                        int64_t took_ms)
{
    struct read *read = answer->context;
    if (lane->is_apart && answer->kind == ERR_NONE && took_ms <= STUCK_MS)
        acquit(side, read->stmt);
    if (is_over(side, read))
        db_result_clear(&answer->result);
    else if (answer->kind != ERR_NONE && is_of_connection(answer) && (read->places > 1 || read->sends < SENDS_MAX))
        send_again(side, read, SENDS_MAX); /* or it is elsewhere already */
    else
        finish(side, read, answer->result, answer->kind == ERR_NONE ? NULL : &answer->err);
    leave(read);
}

static void receive(struct reader_side *side, struct lane *lane)
{
    struct db_lane_answer answer;
    int64_t since_ms = db_lane_busy_since_ms(lane->db);
    while (db_lane_receive(lane->db, &answer)) {
        take_answer(side, lane, &answer, clock_monotonic_ms() - since_ms);
        since_ms = db_lane_busy_since_ms(lane->db);
    }
}

static void step(struct reader_side *side, struct lane *lane, short revents)
{
    bool was_opening = db_lane_state(lane->db) == DB_LANE_OPENING;
    db_lane_step(lane->db, revents);
    receive(side, lane);
    if (was_opening && db_lane_state(lane->db) == DB_LANE_CLOSED)
        note_unreachable(side, lane);
    relieve(side, lane);
    count_open(lane);
}

void reader_side_step(struct reader_side *side, const struct pollfd *sockets)
{
    int64_t now_ms = clock_monotonic_ms();
    for (int i = 0; i < side->lane_count; i++) {
        struct lane *lane = &side->lanes[i];
        bool is_closed = db_lane_state(lane->db) == DB_LANE_CLOSED && db_lane_depth(lane->db) == 0;
        if (is_closed)
            continue;
        step(side, lane, sockets[i].revents);
        look_after(side, lane, now_ms);
    }
}

int reader_side_sockets(const struct reader_side *side)
{
    return side->lane_count;
}

int reader_side_watch(const struct reader_side *side, struct pollfd *sockets)
{
    bool is_timed = false;
    for (int i = 0; i < side->lane_count; i++) {
        const struct db_lane *db = side->lanes[i].db;
        sockets[i] = (struct pollfd){.fd = -1};
        if (db_lane_state(db) == DB_LANE_CLOSED)
            continue;
        sockets[i] = (struct pollfd){.fd = db_lane_fd(db), .events = db_lane_events(db)};
        is_timed = is_timed || db_lane_state(db) == DB_LANE_OPENING || db_lane_depth(db) > 0;
    }
    return is_timed ? STUCK_MS / 2 : -1;
}

/* ---- The end ---- */

void reader_side_free(struct reader_side *side)
{
    struct err err = {0};
    (void)err_set_code(&err, ERR_OVERLOADED, "shutting_down", "the server is stopping");
    for (int i = 0; i < side->lane_count; i++) {
        struct lane *lane = &side->lanes[i];
        struct db_lane_answer answer;
        db_lane_close(lane->db);
        while (db_lane_receive(lane->db, &answer)) {
            struct read *read = answer.context;
            if (!is_over(side, read))
                finish(side, read, NULL, &err);
            leave(read);
        }
        count_open(lane);
        db_lane_free(lane->db);
    }
    fail_all(side, &side->ordinary, &err);
    fail_all(side, &side->apart, &err);
    free(side->lanes);
    free(side);
}
