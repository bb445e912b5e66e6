/* The streams of a server, as the follower feeds them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/stream.h"
#include "common/db.h"

struct follower;
struct stream_feed;

struct stream_feed *stream_feed_new(int64_t streams_max, int64_t streams_per_tenant_max);
void stream_feed_free(struct stream_feed *feed);
bool stream_feed_is_idle(struct stream_feed *feed);

/* ---- For the follower's thread ---- */
/* Events after `from` and up to `upto`, in order, to every stream that stands at `from` or later; a stream that stands
 * before it is fed by catch_up instead. */
void stream_feed_push(struct stream_feed *feed, const struct event_cursor *from, const struct event_cursor *upto,
                      const struct stream_event *events, size_t count);
/* A stream that is behind `live` and has room: its place and filter. False where there is none. It stays the
 * caller's until stream_feed_give. */
struct stream_behind {
    struct stream *stream;
    struct event_cursor cursor;
    const char *tenant_id; /* NULL: all */
};
bool stream_feed_behind(struct stream_feed *feed, const struct event_cursor *live, struct stream_behind *ret);
void stream_feed_give(struct stream_feed *feed, const struct stream_behind *behind, const struct event_cursor *upto,
                      const struct stream_event *events, size_t count);
/* Comments to those that were quiet for 15 s. */
void stream_feed_tick(struct stream_feed *feed);
/* Twice a second: ends those of whom may no longer see them (holder.h). */
MUST_CHECK enum err_kind stream_feed_check(struct stream_feed *feed, struct db *db, struct err *reterr);
/* The log cannot be read: all streams end, since a stream that is quiet says that nothing happens. Who opens one again
 * goes on from where it was. */
void stream_feed_cut(struct stream_feed *feed);
/* Where "now" is: what a new stream without ?after= starts from, and the log's generation. Streams of another
 * generation, that of before a restore, are told and go on from there. */
void stream_feed_set_live(struct stream_feed *feed, const struct event_cursor *live);
/* Up to which transaction events are not kept any more: a stream that has yet to read on from a position there is
 * reset, one that was opened before this was known, too. */
void stream_feed_set_expired(struct stream_feed *feed, uint64_t xid);

/* Shutdown: all streams end. */
void stream_feed_stop(struct follower *follower);
