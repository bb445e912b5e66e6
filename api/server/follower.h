/* One thread follows the event log by cursor: it resumes who waits for a reservation's verdict, and feeds the event
 * streams. While nobody waits and nothing streams it reads no events, only how far the log is. In each round it also
 * looks for the answers of planners that somebody waits for (answers.h). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/events.h"

struct answers;
struct follower;
struct holder_watches;
struct stream_feed;

/* Somebody who waits for the verdict on a reservation. Registered before the batch that makes it commits. */
struct waiter {
    struct waiter *next;
    struct identity reservation_id;
    bool is_watching;
    /* On the follower's thread, at most once, the waiter no longer registered. row is of reservation_status:
     * see follower_columns. */
    void (*decided)(struct waiter *waiter, const PGresult *result, int row);
};

/* The columns that decided() finds, in order: reservation_id, state, health, reason, revision, starts_at, ends_at,
 * decided_at (epoch seconds), delivered_count, binding, alternatives (JSON). */
enum follower_column {
    VERDICT_RESERVATION_ID,
    VERDICT_STATE,
    VERDICT_HEALTH,
    VERDICT_REASON,
    VERDICT_REVISION,
    VERDICT_STARTS_AT,
    VERDICT_ENDS_AT,
    VERDICT_DECIDED_AT,
    VERDICT_DELIVERED_COUNT,
    VERDICT_BINDING,
    VERDICT_ALTERNATIVES,
};

struct follower *follower_start(const char *database_url, int64_t streams_max, int64_t streams_per_tenant_max);
void follower_watch(struct follower *follower, struct waiter *waiter);
/* True where it was still registered: decided() will not be called. */
bool follower_unwatch(struct follower *follower, struct waiter *waiter);
void follower_stop(struct follower *follower); /* NULL is fine */

/* Who waits for an object to change. */
struct changes *follower_changes(struct follower *follower);
struct answers *follower_answers(struct follower *follower);  /* of planners */
struct answers *follower_verdicts(struct follower *follower); /* on amendments */
struct holder_watches *follower_holders(struct follower *follower);
struct stream_feed *follower_feed(struct follower *follower);
extern const struct db_stmt *const follower_statements[];
