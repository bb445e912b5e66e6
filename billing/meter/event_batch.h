/* A batch of the event log, as the meter reads it: events of instances and nodes, sorted by object and revision.
 * One thread; a batch owns what its events point into. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/meter/node_idle.h"
#include "billing/meter/tiling.h"
#include "common/db.h"
#include "common/events.h"

/* Keeps a writing transaction below a second and an instance's state of the batch within the cache. */
#define EVENT_BATCH_MAX 4000

enum metered_type { METERED_INSTANCE, METERED_NODE };

struct metered_event {
    enum metered_type type;
    struct identity object;
    struct identity tenant, reservation; /* of an instance */
    struct tiling_event fact;            /* of a node: revision, occurred_at_s and state */
};

struct event_batch {
    PGresult *rows;
    struct metered_event *events;
    size_t count;
    struct event_cursor end; /* the last event read, of whatever type */
    bool empty;              /* nothing was read */
    bool full;               /* there may be more */
};

/* Reads what follows the cursor "billing", within its transaction. */
MUST_CHECK enum err_kind event_batch_read(struct db *db, struct event_batch *ret, struct err *reterr);

/* Reads the events of one object with revisions in (after, before): what a batch's border cut off. */
MUST_CHECK enum err_kind event_batch_read_object(struct db *db, struct identity object, enum metered_type type,
                                                 int64_t after, int64_t before, struct event_batch *ret,
                                                 struct err *reterr);
void event_batch_release(struct event_batch *batch); /* for CLEANUP; a batch starts as {0} */

extern const struct db_stmt *const event_batch_statements[];
