/* Buckets under one lock, by the random end of the object's id. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/changes.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/must.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024U /* a power of two */

struct changes {
    pthread_mutex_t lock;
    struct change_waiter *buckets[BUCKETS];
    int64_t count;
    int64_t number; /* of the last that was registered */
    int64_t checked_at_ms;
};

struct changes *changes_new(void)
{
    struct changes *changes = alloc_zero(1, sizeof *changes);
    must(pthread_mutex_init(&changes->lock, NULL) == 0);
    return changes;
}

void changes_free(struct changes *changes)
{
    must(changes->count == 0); /* whoever was suspended has been answered */
    (void)pthread_mutex_destroy(&changes->lock);
    free(changes);
}

static struct change_waiter **bucket_of(struct changes *changes, struct identity object)
{
    uint64_t random = 0;
    memcpy(&random, object.bytes + 8, sizeof random);
    return &changes->buckets[random & (BUCKETS - 1)];
}

void changes_watch(struct changes *changes, struct change_waiter *waiter)
{
    (void)pthread_mutex_lock(&changes->lock);
    struct change_waiter **bucket = bucket_of(changes, waiter->object);
    waiter->next = *bucket;
    waiter->number = ++changes->number;
    waiter->is_watching = true;
    *bucket = waiter;
    changes->count++;
    (void)pthread_mutex_unlock(&changes->lock);
}

/* Takes the waiter that the link leads to off. */
static struct change_waiter *take(struct changes *changes, struct change_waiter **link)
{
    struct change_waiter *waiter = *link;
    *link = waiter->next;
    waiter->is_watching = false;
    changes->count--;
    return waiter;
}

bool changes_unwatch(struct changes *changes, struct change_waiter *waiter)
{
    (void)pthread_mutex_lock(&changes->lock);
    bool was_watching = waiter->is_watching;
    struct change_waiter **link = bucket_of(changes, waiter->object);
    while (was_watching && *link != waiter)
        link = &(*link)->next; /* ends: it is registered */
    if (was_watching)
        (void)take(changes, link);
    (void)pthread_mutex_unlock(&changes->lock);
    return was_watching;
}

bool changes_is_idle(struct changes *changes)
{
    (void)pthread_mutex_lock(&changes->lock);
    bool is_idle = changes->count == 0;
    (void)pthread_mutex_unlock(&changes->lock);
    return is_idle;
}

void changes_tell(struct changes *changes, struct identity object)
{
    struct change_waiter *told = NULL;
    (void)pthread_mutex_lock(&changes->lock);
    for (struct change_waiter **link = bucket_of(changes, object); *link != NULL;) {
        if (!identity_equal((*link)->object, object)) {
            link = &(*link)->next;
            continue;
        }
        struct change_waiter *waiter = take(changes, link);
        waiter->next = told;
        told = waiter;
    }
    (void)pthread_mutex_unlock(&changes->lock);
    while (told != NULL) {
        struct change_waiter *next = told->next;
        told->changed(told);
        told = next;
    }
}

/* ---- Whether they may go on ---- */

static void collect_holders(struct changes *changes, struct holders *ret)
{
    (void)pthread_mutex_lock(&changes->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct change_waiter *waiter = changes->buckets[i]; waiter != NULL; waiter = waiter->next)
            holders_add(ret, waiter->number, &waiter->holder);
    }
    (void)pthread_mutex_unlock(&changes->lock);
}

static struct change_waiter *take_doubted(struct changes *changes, const PGresult *changed)
{
    struct change_waiter *doubted = NULL;
    (void)pthread_mutex_lock(&changes->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct change_waiter **link = &changes->buckets[i]; *link != NULL;) {
            const struct holder *holder = &(*link)->holder;
            if (!holder_is_over(holder) && holder_may_go_on(holder, (*link)->number, changed)) {
                link = &(*link)->next;
                continue;
            }
            struct change_waiter *waiter = take(changes, link);
            waiter->next = doubted;
            doubted = waiter;
        }
    }
    (void)pthread_mutex_unlock(&changes->lock);
    return doubted;
}

enum err_kind changes_check(struct changes *changes, struct db *db, struct err *reterr)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - changes->checked_at_ms < HOLDER_CHECK_MS || changes_is_idle(changes))
        return ERR_NONE;
    changes->checked_at_ms = now_ms; /* the follower's own */
    CLEANUP(holders_clear) struct holders holders = {0};
    CLEANUP(db_result_clear) PGresult *changed = NULL;
    collect_holders(changes, &holders);
    enum err_kind kind = holders_ask(db, &holders, &changed, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct change_waiter *doubted = take_doubted(changes, changed);
    while (doubted != NULL) {
        struct change_waiter *next = doubted->next;
        doubted->doubted(doubted);
        doubted = next;
    }
    return ERR_NONE;
}
