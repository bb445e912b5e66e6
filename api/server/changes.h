/* Who waits for an object to change: told by the follower with the next event of that object, whoever made it. An event
 * that came before the waiter was registered is not told: look at the object now and then, too. Who waits is looked at as
 * who has a stream is. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/holder.h"
#include "common/identity.h"

#include <stdbool.h>

struct change_waiter {
    struct change_waiter *next;
    struct identity object;
    struct holder holder;
    int64_t number; /* changes.c: of those that wait, from 1 */
    bool is_watching;
    /* On the follower's thread, one of the two, once; the waiter is not registered any more and may be gone afterwards. */
    void (*changed)(struct change_waiter *waiter);
    void (*doubted)(struct change_waiter *waiter); /* its holder may do less than when they asked, or nothing */
};

struct changes;

struct changes *changes_new(void);
void changes_free(struct changes *changes);
void changes_watch(struct changes *changes, struct change_waiter *waiter);
/* True: it was registered, and is not told any more. */
bool changes_unwatch(struct changes *changes, struct change_waiter *waiter);
bool changes_is_idle(struct changes *changes);
/* An event of the object. */
void changes_tell(struct changes *changes, struct identity object);
/* Tells those whose holders changed. The follower, as often as it likes. */
MUST_CHECK enum err_kind changes_check(struct changes *changes, struct db *db, struct err *reterr);
