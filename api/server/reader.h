/* Reads without a thread that waits: one thread owns a few pipelined connections and passes on what they answer.
 *
 * A reader serves one class of reads, so that lists never stand before point reads. A connection whose oldest read is
 * under way for more than STUCK_MS gets no more, and what stands behind that read is sent elsewhere: the first answer
 * counts. Its statement is then suspected: until it is quick again it runs on connections of its own, one at a time
 * each, so that a lock on one table holds up the reads of no other. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct reader;

/* One statement to run. It lives from reader_submit until it is released. */
struct read {
    const struct db_stmt *stmt;
    const char *const *params;
    const char *tenant_id; /* as role sluice_api for this tenant; NULL: as role sluice_api_system */
    /* Both on the reader's thread. The first at most once: the result (the callee's from then on), or NULL and why. The
     * second once, as the last thing. */
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

struct reader_options {
    const char *database_url;
    const char *name;    /* of the class, for metrics: "point", "list" */
    int connections;     /* per database role; as many again for suspected statements */
    int64_t waiting_max; /* reads that are not answered yet; beyond: ERR_OVERLOADED */
    int statement_timeout_ms;
    int lock_timeout_ms;
};

#define READER_CONNECTIONS_MAX 64

struct reader *reader_start(const struct reader_options *options);
/* Any thread. ERR_OVERLOADED: the reader does not know it. */
MUST_CHECK enum err_kind reader_submit(struct reader *reader, struct read *read, struct err *reterr);
/* Whatever has no answer yet gets one (ERR_OVERLOADED, shutting_down), then the thread ends. */
void reader_stop(struct reader *reader); /* NULL is fine */
