/* A list under one lock: some thousand at most wait, and only those that do for long are asked about. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/holder_watch.h"

#include "api/server/server.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/must.h"

#include <pthread.h>
#include <stdlib.h>

#define YOUNG_MS 200 /* most verdicts come earlier, and cost no look at who waits for them */

struct holder_watches {
    pthread_mutex_t lock;
    struct holder_watch *first;
    int64_t number; /* of the last that began */
    int64_t checked_at_ms;
};

struct holder_watches *holder_watches_new(void)
{
    struct holder_watches *watches = alloc_zero(1, sizeof *watches);
    must(pthread_mutex_init(&watches->lock, NULL) == 0);
    return watches;
}

void holder_watches_free(struct holder_watches *watches)
{
    must(watches->first == NULL); /* whoever was suspended has been answered */
    (void)pthread_mutex_destroy(&watches->lock);
    free(watches);
}

void holder_watch_begin(struct holder_watches *watches, struct holder_watch *watch, const struct request *request,
                        uint64_t turn)
{
    watch->holder = holder_of(request);
    watch->suspension = &request->internal->suspension;
    watch->turn = turn;
    watch->since_ms = clock_monotonic_ms();
    (void)pthread_mutex_lock(&watches->lock);
    must(!watch->is_watching);
    watch->is_watching = true;
    watch->number = ++watches->number;
    watch->previous = NULL;
    watch->next = watches->first;
    if (watches->first != NULL)
        watches->first->previous = watch;
    watches->first = watch;
    (void)pthread_mutex_unlock(&watches->lock);
}

void holder_watch_end(struct holder_watches *watches, struct holder_watch *watch)
{
    (void)pthread_mutex_lock(&watches->lock);
    if (watch->is_watching) {
        if (watch->previous == NULL)
            watches->first = watch->next;
        else
            watch->previous->next = watch->next;
        if (watch->next != NULL)
            watch->next->previous = watch->previous;
        watch->is_watching = false;
    }
    (void)pthread_mutex_unlock(&watches->lock);
}

static void collect(struct holder_watches *watches, int64_t now_ms, struct holders *ret)
{
    (void)pthread_mutex_lock(&watches->lock);
    for (const struct holder_watch *watch = watches->first; watch != NULL; watch = watch->next) {
        if (now_ms - watch->since_ms >= YOUNG_MS)
            holders_add(ret, watch->number, &watch->holder);
    }
    (void)pthread_mutex_unlock(&watches->lock);
}

/* It stays in the list until its request ends it: where somebody has the claim just now, the next look is due again. */
static void end_waits(struct holder_watches *watches, int64_t now_ms, const PGresult *changed)
{
    (void)pthread_mutex_lock(&watches->lock);
    for (struct holder_watch *watch = watches->first; watch != NULL; watch = watch->next) {
        if (!holder_is_over(&watch->holder) && holder_may_go_on(&watch->holder, watch->number, changed))
            continue;
        atomic_store(&watch->is_doubted, true);
        suspension_wait_until(watch->suspension, watch->turn, now_ms);
    }
    (void)pthread_mutex_unlock(&watches->lock);
}

enum err_kind holder_watches_check(struct holder_watches *watches, struct db *db, struct err *reterr)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - watches->checked_at_ms < HOLDER_CHECK_MS)
        return ERR_NONE;
    watches->checked_at_ms = now_ms; /* the follower's own */
    CLEANUP(holders_clear) struct holders holders = {0};
    CLEANUP(db_result_clear) PGresult *changed = NULL;
    collect(watches, now_ms, &holders);
    if (holders.numbers.count == 0)
        return ERR_NONE;
    enum err_kind kind = holders_ask(db, &holders, &changed, reterr);
    if (kind == ERR_NONE)
        end_waits(watches, now_ms, changed);
    return kind;
}
