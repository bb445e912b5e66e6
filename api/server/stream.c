/* Server-sent events. Each stream has a buffer that the follower fills and libmicrohttpd's thread empties; an empty
 * one suspends its connection, and the next event (or comment) resumes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/stream.h"

#include "api/server/follower.h"
#include "api/server/holder.h"
#include "api/server/server.h"
#include "api/server/stream_feed.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/must.h"

#include <pthread.h>
#include <string.h>

#define BUFFER_BYTES_MAX (256U * 1024U) /* beyond it a stream is left behind until its reader has caught up */
#define QUIET_MS         15000
#define BLOCK_SIZE       16384U

static struct metric streams_open = {.name = "sluice_api_streams", .type = METRIC_GAUGE, .help = "Event streams open"};
static struct metric *const metrics[] = {&streams_open};

struct stream {
    struct stream *previous, *next;
    struct stream_feed *feed;
    struct MHD_Connection *connection;
    stream_format *format;
    int64_t number;                 /* of the feed's streams, from 1 */
    char tenant_id[UUID_TEXT_SIZE]; /* "": all tenants' */
    struct holder holder;
    struct arena *arena; /* of the filter */
    struct event_filter filter;
    struct event_cursor cursor; /* everything up to it was written, or is not for this stream */
    bool has_cursor;            /* false: it begins at the end of the log, which is not known yet */
    char *buffer;
    size_t length, sent, capacity;
    int64_t written_at_ms;
    bool is_suspended, is_ended;
    bool is_held; /* the follower works on it: freeing waits */
    bool is_closed;
};

struct stream_feed {
    pthread_mutex_t lock;
    struct stream *first;
    int64_t count, count_max, of_tenant_max;
    int64_t number; /* of the last that was opened */
    int64_t checked_at_ms;
    struct event_cursor live; /* generation 0: the log was not read yet */
    uint64_t expired_xid;     /* events of transactions up to it are not kept, not all of them at least */
    bool is_stopping;
};

static int compare(const struct event_cursor *a, const struct event_cursor *b)
{
    if (a->xid != b->xid)
        return a->xid < b->xid ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

struct stream_feed *stream_feed_new(int64_t streams_max, int64_t streams_per_tenant_max)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct stream_feed *feed = alloc_zero(1, sizeof *feed);
    feed->count_max = streams_max;
    feed->of_tenant_max = streams_per_tenant_max;
    must(pthread_mutex_init(&feed->lock, NULL) == 0);
    return feed;
}

void stream_feed_free(struct stream_feed *feed)
{
    must(feed->first == NULL);
    (void)pthread_mutex_destroy(&feed->lock);
    free(feed);
}

bool stream_feed_is_idle(struct stream_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    bool is_idle = feed->first == NULL;
    (void)pthread_mutex_unlock(&feed->lock);
    return is_idle;
}

/* ---- The buffer; under the feed's lock ---- */

static void put(struct stream *stream, const char *bytes, size_t length)
{
    if (stream->sent > 0 && stream->sent == stream->length)
        stream->sent = stream->length = 0;
    if (stream->length + length > stream->capacity) {
        stream->capacity = 2 * (stream->length + length);
        stream->buffer = alloc_resize(stream->buffer, stream->capacity, 1);
    }
    memcpy(stream->buffer + stream->length, bytes, length);
    stream->length += length;
    stream->written_at_ms = clock_monotonic_ms();
}

static void put_text(struct stream *stream, const char *text)
{
    put(stream, text, strlen(text));
}

static void wake(struct stream *stream)
{
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    connection_resume(stream->connection);
}

/* Leaves the stream where it stands if the log goes on from there (it may be ahead of us: another replica had read
 * further); else it is at the log's end from now on, and says so
 * where it stood somewhere before: a restore has taken back what it knew, or what it does not know yet has expired. */
static void place(struct stream *stream)
{
    const struct stream_feed *feed = stream->feed;
    bool is_kept = stream->has_cursor && stream->cursor.generation == feed->live.generation &&
                   !event_cursor_is_expired(&stream->cursor, feed->expired_xid);
    if (feed->live.generation == 0 || is_kept)
        return;
    if (stream->has_cursor)
        put_text(stream, "event: reset\ndata: {}\n\n");
    stream->cursor = feed->live;
    stream->has_cursor = true;
    wake(stream);
}

void stream_feed_set_live(struct stream_feed *feed, const struct event_cursor *live)
{
    (void)pthread_mutex_lock(&feed->lock);
    feed->live = *live;
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next)
        place(stream);
    (void)pthread_mutex_unlock(&feed->lock);
}

void stream_feed_set_expired(struct stream_feed *feed, uint64_t xid)
{
    (void)pthread_mutex_lock(&feed->lock);
    bool is_news = xid != feed->expired_xid;
    feed->expired_xid = xid;
    for (struct stream *stream = feed->first; is_news && stream != NULL; stream = stream->next)
        place(stream);
    (void)pthread_mutex_unlock(&feed->lock);
}

static bool has_room(const struct stream *stream)
{
    return stream->length - stream->sent < BUFFER_BYTES_MAX;
}

static void put_event(struct stream *stream, const struct stream_event *event)
{
    char cursor[EVENT_CURSOR_TEXT_SIZE];
    event_cursor_print(&event->cursor, cursor);
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct json_out out;
    json_out_init(&out, arena);
    stream->format(event, &out);
    put_text(stream, "id: ");
    put_text(stream, cursor);
    put_text(stream, "\nevent: ");
    put_text(stream, event->kind);
    put_text(stream, "\ndata: ");
    put(stream, out.text, out.length);
    put_text(stream, "\n\n");
}

static bool is_for(const struct stream *stream, const struct stream_event *event)
{
    bool is_own =
        stream->tenant_id[0] == '\0' || (event->tenant_id != NULL && strcmp(event->tenant_id, stream->tenant_id) == 0);
    return is_own && event_filter_matches(&stream->filter, event->kind, event->object_id);
}

/* ---- The follower's side ---- */

static void feed_one(struct stream *stream, const struct event_cursor *upto, const struct stream_event *events,
                     size_t count)
{
    size_t length = stream->length;
    for (size_t i = 0; i < count; i++) {
        bool is_new = compare(&events[i].cursor, &stream->cursor) > 0;
        if (is_new && is_for(stream, &events[i]))
            put_event(stream, &events[i]);
    }
    if (compare(upto, &stream->cursor) > 0)
        stream->cursor = *upto;
    if (stream->length != length)
        wake(stream);
}

void stream_feed_push(struct stream_feed *feed, const struct event_cursor *from, const struct event_cursor *upto,
                      const struct stream_event *events, size_t count)
{
    (void)pthread_mutex_lock(&feed->lock);
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (compare(&stream->cursor, from) >= 0 && has_room(stream) && !stream->is_ended)
            feed_one(stream, upto, events, count);
    }
    feed->live = *upto;
    (void)pthread_mutex_unlock(&feed->lock);
}

bool stream_feed_behind(struct stream_feed *feed, const struct event_cursor *live, struct stream_behind *ret)
{
    bool found = false;
    (void)pthread_mutex_lock(&feed->lock);
    for (struct stream *stream = feed->first; stream != NULL && !found; stream = stream->next) {
        found = compare(&stream->cursor, live) < 0 && has_room(stream) && !stream->is_ended;
        if (!found)
            continue;
        stream->is_held = true;
        *ret = (struct stream_behind){stream, stream->cursor, stream->tenant_id[0] == '\0' ? NULL : stream->tenant_id};
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return found;
}

static void release(struct stream *stream)
{
    struct stream_feed *feed = stream->feed;
    if (stream->previous == NULL)
        feed->first = stream->next;
    else
        stream->previous->next = stream->next;
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    metric_set(&streams_open, --feed->count);
    arena_free(stream->arena);
    free(stream->buffer);
    free(stream);
}

void stream_feed_give(struct stream_feed *feed, const struct stream_behind *behind, const struct event_cursor *upto,
                      const struct stream_event *events, size_t count)
{
    struct stream *stream = behind->stream;
    (void)pthread_mutex_lock(&feed->lock);
    stream->is_held = false;
    if (stream->is_closed)
        release(stream);
    else
        feed_one(stream, upto, events, count);
    (void)pthread_mutex_unlock(&feed->lock);
}

void stream_feed_tick(struct stream_feed *feed)
{
    int64_t now_ms = clock_monotonic_ms();
    (void)pthread_mutex_lock(&feed->lock);
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (now_ms - stream->written_at_ms < QUIET_MS || !has_room(stream))
            continue;
        put_text(stream, ": still here\n\n");
        wake(stream);
    }
    (void)pthread_mutex_unlock(&feed->lock);
}

/* ---- Whether they may go on ---- */

static void end(struct stream *stream)
{
    stream->sent = stream->length; /* what was written and not read yet is not for them any more */
    stream->is_ended = true;
    wake(stream);
}

static void collect_holders(struct stream_feed *feed, struct holders *ret)
{
    (void)pthread_mutex_lock(&feed->lock);
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (stream->is_ended)
            continue;
        if (holder_is_over(&stream->holder))
            end(stream);
        else
            holders_add(ret, stream->number, &stream->holder);
    }
    (void)pthread_mutex_unlock(&feed->lock);
}

static void end_changed(struct stream_feed *feed, const PGresult *changed)
{
    (void)pthread_mutex_lock(&feed->lock);
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        if (!stream->is_ended && !holder_may_go_on(&stream->holder, stream->number, changed))
            end(stream);
    }
    (void)pthread_mutex_unlock(&feed->lock);
}

enum err_kind stream_feed_check(struct stream_feed *feed, struct db *db, struct err *reterr)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - feed->checked_at_ms < HOLDER_CHECK_MS || stream_feed_is_idle(feed))
        return ERR_NONE;
    feed->checked_at_ms = now_ms; /* the follower's own */
    CLEANUP(holders_clear) struct holders holders = {0};
    CLEANUP(db_result_clear) PGresult *changed = NULL;
    collect_holders(feed, &holders);
    enum err_kind kind = holders_ask(db, &holders, &changed, reterr);
    if (kind == ERR_NONE)
        end_changed(feed, changed);
    return kind;
}

/* Under the lock: each ends once its reader has what was written. */
static void end_all(struct stream_feed *feed)
{
    for (struct stream *stream = feed->first; stream != NULL; stream = stream->next) {
        stream->is_ended = true;
        wake(stream);
    }
}

void stream_feed_cut(struct stream_feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    end_all(feed);
    (void)pthread_mutex_unlock(&feed->lock);
}

void stream_feed_stop(struct follower *follower)
{
    struct stream_feed *feed = follower_feed(follower);
    (void)pthread_mutex_lock(&feed->lock);
    feed->is_stopping = true;
    end_all(feed);
    (void)pthread_mutex_unlock(&feed->lock);
}

/* ---- libmicrohttpd's side ---- */

static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t size)
{
    (void)position;
    struct stream *stream = context;
    struct stream_feed *feed = stream->feed;
    (void)pthread_mutex_lock(&feed->lock);
    size_t ready = stream->length - stream->sent;
    ssize_t given = 0;
    if (ready > 0) {
        size_t part = ready < size ? ready : size;
        memcpy(buffer, stream->buffer + stream->sent, part);
        stream->sent += part;
        given = (ssize_t)part;
    } else if (stream->is_ended) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return given;
}

static void close_stream(void *context)
{
    struct stream *stream = context;
    struct stream_feed *feed = stream->feed;
    (void)pthread_mutex_lock(&feed->lock);
    stream->is_closed = stream->is_ended = true;
    stream->is_suspended = false;
    if (!stream->is_held)
        release(stream);
    (void)pthread_mutex_unlock(&feed->lock);
}

struct MHD_Response *stream_response(struct stream *stream)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, stream, close_stream);
}

/* ---- Opening ---- */

static int64_t count_of_tenant(const struct stream_feed *feed, const char *tenant_id)
{
    int64_t count = 0;
    for (const struct stream *stream = feed->first; stream != NULL; stream = stream->next)
        count += strcmp(stream->tenant_id, tenant_id) == 0;
    return count;
}

enum err_kind stream_open(struct request *request, struct response *response, const struct event_cursor *after,
                          const struct event_filter *filter, stream_format *format, struct err *reterr)
{
    struct stream_feed *feed = follower_feed(request->internal->server->follower);
    response->status = 200;
    response->content_type = "text/event-stream";
    /* The library would send the last chunk of a body that HEAD has not, which the next answer's reader then finds. */
    if (strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0)
        return ERR_NONE;
    struct stream *stream = alloc_zero(1, sizeof *stream);
    stream->feed = feed;
    stream->connection = request->internal->connection;
    stream->format = format;
    stream->arena = arena_new();
    stream->filter = event_filter_copy(stream->arena, filter);
    memcpy(stream->tenant_id, request->caller.tenant_id, sizeof stream->tenant_id);
    stream->holder = holder_of(request);
    stream->has_cursor = after != NULL;
    if (after != NULL)
        stream->cursor = *after;
    (void)pthread_mutex_lock(&feed->lock);
    bool is_tenants_turn = request->caller.is_tenant && count_of_tenant(feed, stream->tenant_id) >= feed->of_tenant_max;
    bool may = feed->count < feed->count_max && !feed->is_stopping && !is_tenants_turn;
    if (may) {
        stream->number = ++feed->number;
        put_text(stream, "retry: 1000\n\n");
        place(stream);
        stream->next = feed->first;
        if (feed->first != NULL)
            feed->first->previous = stream;
        feed->first = stream;
        metric_set(&streams_open, ++feed->count);
    }
    (void)pthread_mutex_unlock(&feed->lock);
    if (!may) {
        arena_free(stream->arena);
        free(stream->buffer);
        free(stream);
        return is_tenants_turn ? err_set_code(reterr, ERR_THROTTLED, "too_many_streams",
                                              "the tenant has as many event streams open as it may")
                               : err_set(reterr, ERR_OVERLOADED, "too many event streams are open");
    }
    response->stream = stream;
    return ERR_NONE;
}
