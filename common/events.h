/* The event log: the one log that watches, metering, planner and console read (docs/events.md).
 *
 * Writing is sluice.event_append() in the transaction of the change. Reading goes by (transaction id, sequence),
 * stops below the oldest running transaction, and so skips nobody. Across objects the order is stable, not causal:
 * apply per object by revision. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdint.h>

struct db;
struct db_stmt;

struct event_cursor {
    int64_t generation; /* of the log; a restore raises it */
    uint64_t xid;
    int64_t seq;
};

/* Whether events behind the position are missing, as those of transactions up to expired_xid are not kept any more
 * (0: all are). */
static inline bool event_cursor_is_expired(const struct event_cursor *cursor, uint64_t expired_xid)
{
    return expired_xid > 0 && cursor->xid <= expired_xid;
}

/* "generation-xid-seq", the id: of a server-sent event. */
#define EVENT_CURSOR_TEXT_SIZE 64
void event_cursor_print(const struct event_cursor *cursor, char ret[static EVENT_CURSOR_TEXT_SIZE]);
MUST_CHECK enum err_kind event_cursor_parse(const char *text, struct event_cursor *ret, struct err *reterr);

/* The payload of a NOTIFY sluice_wish when nobody waits for what comes of it; else that is empty. */
#define WISH_UNHURRIED "unhurried"

/* A consumer's own cursor, stored in event_cursor (domain: billing, zone:<uuid>); a new consumer starts at zero. */
MUST_CHECK enum err_kind event_cursor_load(struct db *db, const char *consumer, struct event_cursor *ret,
                                           struct err *reterr);
/* In the transaction of the effect. */
MUST_CHECK enum err_kind event_cursor_save(struct db *db, const char *consumer, const struct event_cursor *cursor,
                                           struct err *reterr);

/* The same for a pipeline: its statement, and its parameters, which live as long as *keep and *consumer. */
extern const struct db_stmt event_cursor_save_stmt;
struct event_cursor_params {
    char generation[24], xid[24], seq[24];
    const char *list[4];
};
const char *const *event_cursor_params(const char *consumer, const struct event_cursor *cursor,
                                       struct event_cursor_params *keep);
extern const struct db_stmt *const event_cursor_statements[];
