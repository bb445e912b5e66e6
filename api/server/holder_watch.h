/* Changes that wait for a verdict, and whether whoever asked may still be told of it. What they asked for is committed,
 * so once they would be refused (holder.h) nothing is taken back: their wait is over, and they are told what there is
 * then, nothing that comes later. Any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/holder.h"
#include "api/server/suspension.h"

struct holder_watches;

struct holder_watch { /* zeroed at first */
    struct holder_watch *previous, *next;
    struct holder holder;
    struct suspension *suspension; /* whose deadline comes at once */
    uint64_t turn;
    int64_t number, since_ms;
    bool is_watching;
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
