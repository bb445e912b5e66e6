/* Following the event log. Each round asks first how far the log is complete (pg_snapshot_xmin: below it nobody can
 * still commit) and then reads up to there, so that nothing is skipped.
 *
 * The order matters where a round reads nothing because nobody waits: the bound is taken before looking, and whoever
 * registers later commits later, so its verdict lies above the bound. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/follower.h"

#include "api/server/answers.h"
#include "api/server/await.h"
#include "api/server/changes.h"
#include "api/server/holder_watch.h"
#include "api/server/stream_feed.h"
#include "common/alloc.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/db_column.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BUCKETS              4096U /* a power of two */
#define PERIOD_MS            250
#define HIDDEN_MS            2 /* for a transaction that keeps events from view; it is short */
#define RETRY_MS             500
#define UNREAD_MS            5000 /* a primary that is restarted is back by then */
#define EVENTS_MAX           1000
#define EVENTS_MAX_TEXT      SQL_NUMBER(EVENTS_MAX)
#define STATEMENT_TIMEOUT_MS 10000

static struct metric lag = {.name = "sluice_api_follower_age_seconds",
                            .type = METRIC_GAUGE,
                            .help = "Time since the event log was last read to its end"};
static struct metric verdicts = {
    .name = "sluice_api_verdicts_total", .type = METRIC_COUNTER, .help = "Waiting requests that got their verdict"};
static struct metric *const metrics[] = {&lag, &verdicts};

struct follower {
    struct db *db;
    pthread_t thread;
    atomic_bool stopping;
    int wake_fd;                    /* an eventfd: stop */
    struct answers *answers;        /* of planners */
    struct answers *verdicts;       /* on amendments and requests about invoices */
    struct changes *changes;        /* of objects, for who holds a GET */
    struct holder_watches *holders; /* of changes that wait for a verdict */
    struct stream_feed *feed;
    struct event_cursor cursor; /* everything up to it was read; the thread's own */
    int64_t read_at_ms;
    bool has_hidden; /* committed events that an older transaction, still running, keeps from view */

    pthread_mutex_t lock;
    struct waiter *buckets[BUCKETS];
    int64_t waiters;
};

/* ---- Waiters ---- */

static struct waiter **bucket_of(struct follower *follower, struct identity id)
{
    uint64_t random = 0;
    memcpy(&random, id.bytes + 8, sizeof random); /* a UUIDv7 ends in random bits */
    return &follower->buckets[random & (BUCKETS - 1)];
}

void follower_watch(struct follower *follower, struct waiter *waiter)
{
    (void)pthread_mutex_lock(&follower->lock);
    struct waiter **bucket = bucket_of(follower, waiter->reservation_id);
    waiter->next = *bucket;
    waiter->is_watching = true;
    *bucket = waiter;
    follower->waiters++;
    (void)pthread_mutex_unlock(&follower->lock);
}

static void unlink_waiter(struct follower *follower, struct waiter *waiter)
{
    struct waiter **link = bucket_of(follower, waiter->reservation_id);
    while (*link != waiter)
        link = &(*link)->next; /* ends: it is registered */
    *link = waiter->next;
    waiter->is_watching = false;
    follower->waiters--;
}

bool follower_unwatch(struct follower *follower, struct waiter *waiter)
{
    (void)pthread_mutex_lock(&follower->lock);
    bool was_watching = waiter->is_watching;
    if (was_watching)
        unlink_waiter(follower, waiter);
    (void)pthread_mutex_unlock(&follower->lock);
    return was_watching;
}

static bool is_awaited(struct follower *follower, struct identity id)
{
    (void)pthread_mutex_lock(&follower->lock);
    const struct waiter *waiter = *bucket_of(follower, id);
    while (waiter != NULL && !identity_equal(waiter->reservation_id, id))
        waiter = waiter->next;
    (void)pthread_mutex_unlock(&follower->lock);
    return waiter != NULL;
}

/* Takes all waiters of the reservation off, as a list. */
static struct waiter *take_waiters(struct follower *follower, struct identity id)
{
    struct waiter *taken = NULL;
    (void)pthread_mutex_lock(&follower->lock);
    for (struct waiter **link = bucket_of(follower, id); *link != NULL;) {
        struct waiter *waiter = *link;
        if (!identity_equal(waiter->reservation_id, id)) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->is_watching = false;
        follower->waiters--;
        waiter->next = taken;
        taken = waiter;
    }
    (void)pthread_mutex_unlock(&follower->lock);
    return taken;
}

static bool anybody_waits(struct follower *follower)
{
    (void)pthread_mutex_lock(&follower->lock);
    bool waits = follower->waiters > 0;
    (void)pthread_mutex_unlock(&follower->lock);
    return waits;
}

/* ---- Statements ---- */

static const struct db_stmt statement_bound = {
    .name = "follower_bound",
    .sql = "SELECT generation, pg_snapshot_xmin(pg_current_snapshot())::text,"
           " EXISTS (SELECT FROM event WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())), expired_xid"
           " FROM event_generation",
    .params = 0,
};

static const struct db_stmt statement_expired = {
    .name = "follower_expired",
    .sql = "SELECT expired_xid FROM event_generation",
    .params = 0,
};

#define EVENTS_IN_REACH " FROM event WHERE (xid, seq) > ($1::text::xid8, $2::bigint) AND xid < $3::text::xid8"
#define EVENT_COLUMNS                                                                                                  \
    "SELECT xid::text, seq, tenant_id, zone_id, object_type, object_id, object_revision, kind,"                        \
    " extract(epoch FROM occurred_at)::bigint, payload" EVENTS_IN_REACH

static const struct db_stmt statement_events = {
    .name = "follower_events",
    .sql = EVENT_COLUMNS " ORDER BY event.xid, seq LIMIT " EVENTS_MAX_TEXT,
    .params = 3,
};

/* Nothing streams: only what may be a verdict, and of it whose. */
static const struct db_stmt statement_verdict_events = {
    .name = "follower_verdict_events",
    .sql = "SELECT xid::text, seq, NULL, NULL, object_type, object_id, NULL, NULL, NULL, NULL" EVENTS_IN_REACH
           " AND object_type = 'reservation' ORDER BY event.xid, seq LIMIT " EVENTS_MAX_TEXT,
    .params = 3,
};

static const struct db_stmt statement_events_of_tenant = {
    .name = "follower_events_of_tenant",
    .sql =
        EVENT_COLUMNS " AND ($4::uuid IS NULL OR tenant_id = $4::uuid) ORDER BY event.xid, seq LIMIT " EVENTS_MAX_TEXT,
    .params = 4,
};

static const struct db_stmt statement_verdicts = {
    .name = "follower_verdicts",
    .sql =
        "SELECT reservation_id, state, health, reason, revision, date_part('epoch', starts_at)::bigint,"
        " date_part('epoch', ends_at)::bigint, date_part('epoch', decided_at)::bigint, delivered_count, binding::text,"
        " alternatives::text FROM reservation_status WHERE reservation_id = ANY ($1::uuid[])",
    .params = 1,
    .columns = 1,
    .binary = true,
};

const struct db_stmt *const follower_statements[] = {&statement_bound,
                                                     &statement_expired,
                                                     &statement_events,
                                                     &statement_verdict_events,
                                                     &statement_events_of_tenant,
                                                     &statement_verdicts,
                                                     NULL};

/* ---- A round ---- */

/* The end of the log as far as it is complete: everything below the oldest running transaction. */
static enum err_kind read_bound(struct follower *follower, struct event_cursor *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(follower->db, &statement_bound, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    follower->has_hidden = db_bool(result, 0, 2);
    stream_feed_set_expired(follower->feed, db_xid(result, 0, 3));
    *ret =
        (struct event_cursor){.generation = db_int(result, 0, 0, 0), .xid = db_xid(result, 0, 1) - 1, .seq = INT64_MAX};
    return ERR_NONE;
}

static enum err_kind read_events(struct follower *follower, const struct db_stmt *stmt,
                                 const struct event_cursor *after, const struct event_cursor *bound,
                                 const char *tenant_id, PGresult **ret, struct err *reterr)
{
    char xid[DB_INT_TEXT_SIZE], seq[DB_INT_TEXT_SIZE], below[DB_INT_TEXT_SIZE];
    (void)snprintf(xid, sizeof xid, "%" PRIu64, after->xid);
    (void)snprintf(below, sizeof below, "%" PRIu64, bound->xid + 1);
    return db_run(follower->db, stmt, DB_PARAMS(xid, db_int_param(seq, after->seq), below, tenant_id), ret, reterr);
}

/* After events were read: what of them expired meanwhile is known then, and who was behind it is reset. */
static enum err_kind read_expired(struct follower *follower, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(follower->db, &statement_expired, DB_NO_PARAMS, &result, reterr);
    if (kind == ERR_NONE)
        stream_feed_set_expired(follower->feed, db_xid(result, 0, 0));
    return kind;
}

static struct stream_event *decode(struct arena *arena, const PGresult *result, int64_t generation)
{
    int count = PQntuples(result);
    struct stream_event *events = arena_alloc(arena, (size_t)(count + 1) * sizeof *events);
    for (int i = 0; i < count; i++) {
        events[i] = (struct stream_event){
            .cursor = {.generation = generation, .xid = db_xid(result, i, 0), .seq = db_int(result, i, 1, 0)},
            .tenant_id = db_text(result, i, 2),
            .zone_id = db_text(result, i, 3),
            .object_type = db_text(result, i, 4),
            .object_id = db_text(result, i, 5),
            .object_revision = db_int(result, i, 6, 0),
            .kind = db_text(result, i, 7),
            .occurred_at_s = db_int(result, i, 8, 0),
            .payload = db_text(result, i, 9),
        };
    }
    return events;
}

static enum err_kind tell_waiters(struct follower *follower, const struct stream_event *events, size_t count,
                                  struct err *reterr)
{
    CLEANUP(db_column_clear) struct db_column ids = {0};
    for (size_t i = 0; i < count; i++) {
        struct identity id = {0};
        bool is_verdict = strcmp(events[i].object_type, "reservation") == 0 &&
                          identity_from_uuid(events[i].object_id, &id, reterr) == ERR_NONE && is_awaited(follower, id);
        if (is_verdict)
            db_column_identity(&ids, id);
    }
    if (ids.count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(follower->db, &statement_verdicts, DB_PARAMS(db_column_param(&ids)), &result, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(result); row++) {
        struct waiter *waiter = take_waiters(follower, db_identity(result, row, VERDICT_RESERVATION_ID));
        while (waiter != NULL) {
            struct waiter *next = waiter->next;
            waiter->decided(waiter, result, row); /* it may be gone now */
            metric_add(&verdicts, 1);
            waiter = next;
        }
    }
    return kind;
}

static void tell_changes(struct follower *follower, const struct stream_event *events, size_t count)
{
    for (size_t i = 0; i < count && !changes_is_idle(follower->changes); i++) {
        struct identity id = {0};
        if (identity_from_uuid(events[i].object_id, &id, NULL) == ERR_NONE)
            changes_tell(follower->changes, id);
    }
}

static enum err_kind feed_streams_behind(struct follower *follower, const struct event_cursor *bound,
                                         struct err *reterr)
{
    struct stream_behind behind;
    enum err_kind kind = ERR_NONE;
    for (int i = 0; i < 64 && kind == ERR_NONE && stream_feed_behind(follower->feed, bound, &behind); i++) {
        CLEANUP(db_result_clear) PGresult *result = NULL;
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        kind = read_events(follower, &statement_events_of_tenant, &behind.cursor, bound, behind.tenant_id, &result,
                           reterr);
        if (kind == ERR_NONE)
            kind = read_expired(follower, reterr);
        if (kind != ERR_NONE) {
            stream_feed_give(follower->feed, &behind, &behind.cursor, NULL, 0);
            return kind;
        }
        size_t count = (size_t)PQntuples(result);
        const struct stream_event *events = decode(arena, result, bound->generation);
        const struct event_cursor *upto = count < EVENTS_MAX ? bound : &events[count - 1].cursor;
        stream_feed_give(follower->feed, &behind, upto, events, count);
    }
    return kind;
}

/* *ret_more: the page was full. */
static enum err_kind follow(struct follower *follower, bool *ret_more, struct err *reterr)
{
    struct event_cursor bound;
    enum err_kind kind = read_bound(follower, &bound, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_more = false;
    bool is_idle = stream_feed_is_idle(follower->feed) && changes_is_idle(follower->changes);
    bool skips = follower->cursor.generation != bound.generation || (is_idle && !anybody_waits(follower));
    if (skips) {
        follower->cursor = bound;
        stream_feed_set_live(follower->feed, &bound);
        return ERR_NONE;
    }
    CLEANUP(db_result_clear) PGresult *result = NULL;
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    const struct db_stmt *stmt = is_idle ? &statement_verdict_events : &statement_events;
    kind = read_events(follower, stmt, &follower->cursor, &bound, NULL, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(result);
    const struct stream_event *events = decode(arena, result, bound.generation);
    *ret_more = count == EVENTS_MAX;
    struct event_cursor upto = *ret_more ? events[count - 1].cursor : bound;
    kind = tell_waiters(follower, events, count, reterr);
    if (kind != ERR_NONE)
        return kind;
    tell_changes(follower, events, count);
    if (is_idle)
        stream_feed_set_live(follower->feed, &upto); /* a stream opened meanwhile starts there or is behind */
    else
        stream_feed_push(follower->feed, &follower->cursor, &upto, events, count);
    follower->cursor = upto;
    return feed_streams_behind(follower, &upto, reterr);
}

/* ---- The thread ---- */

/* No notification comes when events come into view. */
static int pause_ms(struct follower *follower)
{
    bool is_needed =
        anybody_waits(follower) || !stream_feed_is_idle(follower->feed) || !changes_is_idle(follower->changes);
    return follower->has_hidden && is_needed ? HIDDEN_MS : PERIOD_MS;
}

static void *run(void *context)
{
    struct follower *follower = context;
    bool more = false;
    while (!atomic_load(&follower->stopping)) {
        struct err err = {0};
        bool notified = false;
        enum err_kind kind = follow(follower, &more, &err);
        if (kind == ERR_NONE)
            kind = answers_look(follower->answers, follower->db, &err);
        if (kind == ERR_NONE)
            kind = answers_look(follower->verdicts, follower->db, &err);
        if (kind == ERR_NONE)
            kind = stream_feed_check(follower->feed, follower->db, &err);
        if (kind == ERR_NONE)
            kind = changes_check(follower->changes, follower->db, &err);
        if (kind == ERR_NONE)
            kind = holder_watches_check(follower->holders, follower->db, &err);
        if (kind == ERR_NONE)
            follower->read_at_ms = clock_monotonic_ms();
        else if (clock_monotonic_ms() - follower->read_at_ms > UNREAD_MS)
            stream_feed_cut(follower->feed);
        metric_set(&lag, (clock_monotonic_ms() - follower->read_at_ms) / 1000);
        stream_feed_tick(follower->feed);
        if (kind == ERR_NONE && !more)
            kind = db_wait(follower->db, follower->wake_fd, pause_ms(follower), &notified, &err);
        if (kind == ERR_NONE)
            continue;
        log_error("follower_failed", &err);
        struct pollfd stop = {.fd = follower->wake_fd, .events = POLLIN};
        (void)poll(&stop, 1, RETRY_MS);
    }
    return NULL;
}

struct follower *follower_start(const char *database_url, int64_t streams_max, int64_t streams_per_tenant_max)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct follower *follower = alloc_zero(1, sizeof *follower);
    follower->db = db_new(&(struct db_options){.url = database_url,
                                               .role = "sluice_api_system",
                                               .application_name = "sluice-api follower",
                                               .by_key = true,
                                               .statement_timeout_ms = STATEMENT_TIMEOUT_MS});
    follower->feed = stream_feed_new(streams_max, streams_per_tenant_max);
    follower->changes = changes_new();
    follower->holders = holder_watches_new();
    follower->answers = answers_new(&answers_statement);
    follower->verdicts = answers_new(&await_statement);
    follower->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(follower->wake_fd >= 0);
    must(pthread_mutex_init(&follower->lock, NULL) == 0);
    struct err err = {0};
    if (db_listen(follower->db, "sluice_event", &err) != ERR_NONE) /* said again with each connection */
        log_error("follower_listen_failed", &err);
    must(pthread_create(&follower->thread, NULL, run, follower) == 0);
    return follower;
}

struct changes *follower_changes(struct follower *follower)
{
    return follower->changes;
}

struct answers *follower_answers(struct follower *follower)
{
    return follower->answers;
}

struct answers *follower_verdicts(struct follower *follower)
{
    return follower->verdicts;
}

struct holder_watches *follower_holders(struct follower *follower)
{
    return follower->holders;
}

struct stream_feed *follower_feed(struct follower *follower)
{
    return follower->feed;
}

void follower_stop(struct follower *follower)
{
    if (follower == NULL)
        return;
    atomic_store(&follower->stopping, true);
    uint64_t one = 1;
    must(write(follower->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
    (void)pthread_join(follower->thread, NULL);
    db_free(follower->db);
    stream_feed_free(follower->feed);
    changes_free(follower->changes);
    holder_watches_free(follower->holders);
    answers_free(follower->answers);
    answers_free(follower->verdicts);
    (void)pthread_mutex_destroy(&follower->lock);
    (void)close(follower->wake_fd);
    free(follower);
}
