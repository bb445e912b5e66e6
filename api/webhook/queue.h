/* Deliveries as the database has them: made from the event log by cursor, due, and what came of them. For the leader.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/events.h"

#define QUEUE_CONSUMER        "webhooks"
#define QUEUE_PER_WEBHOOK_MAX 4   /* deliveries under way to one webhook */
#define QUEUE_UNDER_WAY_MAX   256 /* to all of them */

/* How far the log is complete, and whether there is anything to do. */
struct queue_view {
    struct event_cursor bound;
    bool has_webhooks; /* that are active */
    bool has_events;   /* behind the cursor */
    uint64_t expired_xid;
    uint64_t lost_xid; /* of webhooks that transactions up to it made events may be missing; 0: of none */
};
MUST_CHECK enum err_kind queue_look(struct db *db, const struct event_cursor *cursor, struct queue_view *ret,
                                    struct err *reterr);
/* Within a transaction, where events are missing: those webhooks are told so by an event of their own, whatever they want, and
 * *cursor moves behind what is missing. */
MUST_CHECK enum err_kind queue_reset(struct db *db, struct event_cursor *cursor, const struct queue_view *view,
                                     struct err *reterr);
/* Within a transaction: the deliveries of the events behind the cursor, a thousand events at most; *cursor moves behind
 * the last. *ret_more: there are others. */
MUST_CHECK enum err_kind queue_make(struct db *db, struct event_cursor *cursor, const struct event_cursor *bound,
                                    bool *ret_more, struct err *reterr);

enum due_column {
    DUE_ID,
    DUE_WEBHOOK_ID,
    DUE_OWNER, /* the webhook's tenant; NIL_UUID: the provider */
    DUE_OBJECT_ID,
    DUE_ATTEMPTS,
    DUE_URL,
    DUE_SECRET,
    DUE_PREVIOUS_SECRET, /* null: none signs beside it */
    DUE_IS_FAILING,
    DUE_GENERATION,
    DUE_XID,
    DUE_SEQ,
    DUE_TENANT_ID, /* from here on the event's, which may be gone: then its object_type is null */
    DUE_ZONE_ID,
    DUE_OBJECT_TYPE,
    DUE_REVISION,
    DUE_KIND,
    DUE_OCCURRED_S,
    DUE_PAYLOAD
};
/* Deliveries that may be tried now and are not among `under_way`, nor of `sated` owners: some of each webhook, in the
 * order of the log, webhooks in turn from behind `after_webhook`. */
MUST_CHECK enum err_kind queue_due(struct db *db, struct db_array *under_way, struct db_array *sated,
                                   const char *after_webhook, PGresult **ret, struct err *reterr);

/* Columns of attempts that have ended. */
struct queue_ended {
    struct db_array ids, states, statuses, snippets, errors, waits_ms;
};
/* Within a transaction: notes them, and disables the webhooks that have failed for too long. */
MUST_CHECK enum err_kind queue_record(struct db *db, struct queue_ended *ended, int64_t disable_after_s,
                                      struct err *reterr);
void queue_ended_clear(struct queue_ended *ended);
/* Within a transaction: forgets a part of what is too old, or of webhooks that are gone. *ret_more: it was not all. */
MUST_CHECK enum err_kind queue_clean(struct db *db, bool *ret_more, struct err *reterr);

extern const struct db_stmt *const queue_statements[];
