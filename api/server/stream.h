/* Server-sent events: one thread follows the event log by cursor and feeds all streams; no stream has a thread.
 * A stream whose reader is behind what memory keeps is fed from the database; a comment is sent every 15 s. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/event_filter.h"
#include "api/server/request.h"
#include "api/server/response.h"
#include "common/events.h"

/* An event as the follower read it. Texts live as long as the call. */
struct stream_event {
    struct event_cursor cursor;
    const char *tenant_id;   /* UUID or NULL */
    const char *zone_id;     /* UUID or NULL */
    const char *object_type; /* "reservation", ... */
    const char *object_id;   /* UUID */
    int64_t object_revision;
    const char *kind;
    int64_t occurred_at_s; /* domain time */
    const char *payload;   /* JSON */
};

/* Writes the JSON of an event as the list of events shows it (api/resources/event.c gives it). */
typedef void stream_format(const struct stream_event *event, struct json_out *out);

/* Makes the response a stream: 200 text/event-stream from after `after` (NULL: from now). The caller's tenant sees its
 * own events, the provider's roles see all; of these, those that pass the filter, which is copied. ERR_OVERLOADED
 * beyond the limit on streams, ERR_THROTTLED beyond the tenant's. It ends when its opener's
 * requests would be refused (holder.h). `id:` is the cursor, `event:`
 * the kind, `data:` what format wrote. A cursor of another generation, or older than what is kept, gets `event: reset`
 * first and continues from now. Call it from a handler (run), at its end. */
MUST_CHECK enum err_kind stream_open(struct request *request, struct response *response,
                                     const struct event_cursor *after, const struct event_filter *filter,
                                     stream_format *format, struct err *reterr);
