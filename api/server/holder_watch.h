/* Requests that wait for a verdict, or for answers of planners, and whether whoever asked may still be told. Once they
 * would be refused (holder.h) their wait is over. A change is committed by then, and nothing is taken back: they are
 * told what there is, nothing that comes later. Who only asked is refused. Any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/holder.h"
#include "api/server/suspension.h"

#include <stdatomic.h>

struct holder_watches;

struct holder_watch { /* zeroed at first */
    struct holder_watch *previous, *next;
    struct holder holder;
    struct suspension *suspension; /* whose deadline comes at once */
    uint64_t turn;
    int64_t number, since_ms;
    bool is_watching;
    atomic_bool is_doubted; /* its wait is over for that, whether its time is or not */
};

struct holder_watches *holder_watches_new(void);
void holder_watches_free(struct holder_watches *watches);
/* In that turn the request waits, for its answer or for somebody who parks it. */
void holder_watch_begin(struct holder_watches *watches, struct holder_watch *watch, const struct request *request,
                        uint64_t turn);
/* Before the request goes; also of one that is not watched. */
void holder_watch_end(struct holder_watches *watches, struct holder_watch *watch);
/* The follower's: ends the wait of those who may do less than when they asked. */
MUST_CHECK enum err_kind holder_watches_check(struct holder_watches *watches, struct db *db, struct err *reterr);
