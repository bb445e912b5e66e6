/* Reads without a thread that waits: an event loop (loop.h) owns a few pipelined connections and passes on what they
 * answer.
 *
 * A reader serves one class of reads, so that lists never stand before point reads. A connection whose oldest read is
 * under way for more than STUCK_MS gets no more, and what stands behind that read is sent elsewhere: the first answer
 * counts. Its statement is then suspected: until it is quick again it runs on connections of its own, one at a time
 * each, so that a lock on one table holds up the reads of no other.
 *
 * All of it on the loop's thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct reader;

/* One statement to run. It lives from reader_submit until it is released. */
struct read {
    const struct db_stmt *stmt;
    const char *const *params;
    const char *tenant_id; /* as role sluice_api for this tenant; NULL: as role sluice_api_system */
    /* The first at most once: the result (the callee's from then on), or NULL and why. The second once, as the last
     * thing. */
    void (*answered)(struct read *read, PGresult *result, const struct err *err);
    void (*released)(struct read *read);
    atomic_bool is_abandoned; /* nobody waits any more: it need not be sent, and answered() need not be called */

    /* The reader's own. */
    struct read *next;
    int places; /* where it stands: in a queue, on connections */
    bool is_queued;
    int sends;
    bool is_done;
};

/* The reads of a class that are not answered yet, over all loops. */
struct reader_load {
    int64_t waiting_max; /* beyond: ERR_OVERLOADED */
    _Atomic int64_t waiting;
};

struct reader_options {
    const char *database_url;
    const char *name; /* of the class, for PostgreSQL's list of its connections: "point", "list" */
    int connections;  /* per database role; as many again for suspected statements */
    struct reader_load *load;
    int statement_timeout_ms;
    int lock_timeout_ms;
};

#define READER_CONNECTIONS_MAX 64

struct reader *reader_new(const struct reader_options *options);
/* ERR_OVERLOADED: the reader does not know it. It is sent with the next reader_watch. */
MUST_CHECK enum err_kind reader_submit(struct reader *reader, struct read *read, struct err *reterr);

int reader_sockets(const struct reader *reader); /* how many reader_watch fills */
/* Sends what can be sent, and fills in what poll is to wait for. How long it may wait; -1: for ever. */
int reader_watch(struct reader *reader, struct pollfd *sockets);
/* After poll: passes on what came, and looks after what is stuck. */
void reader_step(struct reader *reader, const struct pollfd *sockets);

/* Whatever has no answer yet gets one (ERR_OVERLOADED, shutting_down). */
void reader_free(struct reader *reader); /* NULL is fine */
