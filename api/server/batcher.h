/* The write batcher: a thread that commits many requests in one transaction (group commit), and another one that
 * helps where the first does not keep pace.
 *
 * Each batch takes a fair share per tenant. What the database refuses is the outcome of its row; only an unexpected
 * error splits the batch in two until the row that caused it stands alone, and puts its tenant into batches of its
 * own for a minute. A full queue refuses at once. Nobody is answered before the outcome is known. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batcher;
struct request_internal;

/* One request in a batch; the first member of the work's own struct, in the request's arena. */
struct batch_item {
    struct batch_item *next;   /* in its tenant's queue */
    struct batch_item *merged; /* requests with the same idempotency key: they share its fate */
    struct request_internal *internal;
    uint64_t turn;      /* of internal->suspension, in which it is answered */
    bool is_waited_for; /* somebody waits for what follows upon its commit: its batch says so at once */
};

/* What a batch does; the batcher knows nothing of reservations. */
struct batch_work {
    /* On a listener's thread: checks what the tables cannot, makes the item. */
    enum err_kind (*prepare)(struct request_internal *internal, struct batch_item **ret, struct err *reterr);
    /* Begins the transaction, runs the statement over all items and notes each one's outcome; one round trip, so it
     * also asks for the transaction's id (db_transaction_committed). Where it fails the batcher rolls back. May run
     * again, and for other items at the same time on another thread. */
    enum err_kind (*admit)(struct db *db, struct batch_item *const *items, size_t count, uint64_t *ret_transaction_id,
                           struct err *reterr);
    /* After COMMIT, in a transaction of its own: whoever sends a NOTIFY holds a lock of the whole database cluster
     * until its COMMIT is on disk, so within the batch's it would wait for others' disk writes, and they for its. It
     * only wakes: a listener that misses it looks by itself. Batches that nobody waits for share one every 20 ms. */
    const struct db_stmt *notify; /* $1: the payload, WISH_UNHURRIED where nobody waits, else empty */
    /* After COMMIT: answer, or leave it to who waits for the verdict. The batcher's reference is dropped next. */
    void (*committed)(struct batch_item *item);
    /* How many requests wait for what follows upon their commit, those in the queue among them. */
    int64_t (*under_way)(void);
    /* Nothing was committed (or nobody can say: ERR_UNKNOWN_OUTCOME): answer with the error. */
    void (*failed)(struct batch_item *item, const struct err *err);
};

struct batcher *batcher_start(const struct batch_work *work, const char *database_url, int64_t batch_max,
                              int64_t queue_max, int statement_timeout_ms);
MUST_CHECK enum err_kind batcher_prepare(struct batcher *batcher, struct request_internal *internal,
                                         struct batch_item **ret, struct err *reterr);
/* The request is suspended. ERR_OVERLOADED where the queue is full. */
MUST_CHECK enum err_kind batcher_submit(struct batcher *batcher, struct batch_item *item, struct err *reterr);
/* Commits what is queued, then ends its thread; whatever comes later is refused. Once. */
void batcher_stop(struct batcher *batcher);
void batcher_free(struct batcher *batcher); /* after batcher_stop; NULL is fine */
