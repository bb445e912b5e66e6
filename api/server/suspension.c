/* A list under one lock and a timer thread that walks it every few milliseconds: some thousand entries at most, so a
 * walk costs less than keeping them sorted would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/suspension.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/must.h"

#include <pthread.h>
#include <time.h>

#define CLAIMED         UINT64_C(1) /* in the state; above it the turn */
#define TIMER_PERIOD_MS 20
#define EXPIRED_MAX     256 /* taken from the list in one hold of the lock */

static struct metric suspended = {.name = "sluice_api_suspended",
                                  .type = METRIC_GAUGE,
                                  .help = "Requests that wait, without a thread, for their answer"};
static struct metric *const metrics[] = {&suspended};

struct suspensions {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct suspension *first;
    int64_t count;
    bool draining, stopping;
    pthread_t timer;
};

static size_t claim_expired(struct suspensions *all, struct suspension *ret[EXPIRED_MAX])
{
    int64_t now_ms = clock_monotonic_ms();
    size_t count = 0;
    for (struct suspension *each = all->first; each != NULL && count < EXPIRED_MAX; each = each->next) {
        bool is_due = (all->draining && !each->is_brief) || atomic_load(&each->deadline_ms) <= now_ms;
        if (is_due && suspension_claim(each))
            ret[count++] = each;
    }
    return count;
}

static void wait_period(struct suspensions *all)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TIMER_PERIOD_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_cond_timedwait(&all->changed, &all->lock, &until);
}

static void *run_timer(void *context)
{
    struct suspensions *all = context;
    struct suspension *expired[EXPIRED_MAX];
    (void)pthread_mutex_lock(&all->lock);
    while (!all->stopping) {
        size_t count = claim_expired(all, expired);
        bool is_shutdown = all->draining;
        if (count == 0) {
            wait_period(all);
            continue;
        }
        (void)pthread_mutex_unlock(&all->lock);
        for (size_t i = 0; i < count; i++)
            expired[i]->expire(expired[i], is_shutdown);
        (void)pthread_mutex_lock(&all->lock);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct suspensions *suspensions_start(void)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct suspensions *all = alloc_zero(1, sizeof *all);
    pthread_condattr_t monotonic;
    must(pthread_condattr_init(&monotonic) == 0);
    must(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    must(pthread_mutex_init(&all->lock, NULL) == 0);
    must(pthread_cond_init(&all->changed, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    must(pthread_create(&all->timer, NULL, run_timer, all) == 0);
    return all;
}

bool suspension_begin(struct suspensions *all, struct suspension *suspension)
{
    must(suspension->expire != NULL && suspension->resume != NULL);
    (void)pthread_mutex_lock(&all->lock);
    bool may = !all->draining || suspension->is_brief;
    if (may) {
        suspension->previous = NULL;
        suspension->next = all->first;
        if (all->first != NULL)
            all->first->previous = suspension;
        all->first = suspension;
        atomic_store(&suspension->state, (atomic_load(&suspension->state) | CLAIMED) + 1);
        metric_set(&suspended, ++all->count);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return may;
}

bool suspension_claim(struct suspension *suspension)
{
    return (atomic_fetch_or(&suspension->state, CLAIMED) & CLAIMED) == 0;
}

uint64_t suspension_turn(const struct suspension *suspension)
{
    return atomic_load(&suspension->state) & ~CLAIMED;
}

bool suspension_claim_turn(struct suspension *suspension, uint64_t turn)
{
    return atomic_compare_exchange_strong(&suspension->state, &turn, turn | CLAIMED);
}

bool suspension_is_open(const struct suspension *suspension, uint64_t turn)
{
    return atomic_load(&suspension->state) == turn;
}

/* The next turn has its deadline before it can be claimed: if it began after the look at the turn, the exchange fails. */
void suspension_wait_until(struct suspension *suspension, uint64_t turn, int64_t deadline_ms)
{
    int64_t before_ms = atomic_load(&suspension->deadline_ms);
    if (suspension_is_open(suspension, turn))
        (void)atomic_compare_exchange_strong(&suspension->deadline_ms, &before_ms, deadline_ms);
}

void suspension_park(struct suspension *suspension, int64_t deadline_ms)
{
    must((atomic_load(&suspension->state) & CLAIMED) != 0);
    atomic_store(&suspension->deadline_ms, deadline_ms);
    (void)atomic_fetch_and(&suspension->state, ~CLAIMED);
}

void suspension_end(struct suspensions *all, struct suspension *suspension)
{
    must((atomic_load(&suspension->state) & CLAIMED) != 0);
    (void)pthread_mutex_lock(&all->lock);
    if (suspension->previous == NULL)
        all->first = suspension->next;
    else
        suspension->previous->next = suspension->next;
    if (suspension->next != NULL)
        suspension->next->previous = suspension->previous;
    metric_set(&suspended, --all->count);
    if (all->draining && all->count == 0)
        (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
    suspension->resume(suspension);
}

int64_t suspensions_count(struct suspensions *all)
{
    (void)pthread_mutex_lock(&all->lock);
    int64_t count = all->count;
    (void)pthread_mutex_unlock(&all->lock);
    return count;
}

int64_t suspensions_drain(struct suspensions *all, int64_t limit_ms)
{
    int64_t deadline_ms = clock_monotonic_ms() + limit_ms;
    (void)pthread_mutex_lock(&all->lock);
    all->draining = true;
    (void)pthread_cond_broadcast(&all->changed);
    while (all->count > 0 && clock_monotonic_ms() < deadline_ms)
        wait_period(all);
    int64_t left = all->count;
    (void)pthread_mutex_unlock(&all->lock);
    return left;
}

void suspensions_stop(struct suspensions *all)
{
    if (all == NULL)
        return;
    (void)pthread_mutex_lock(&all->lock);
    all->stopping = true;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
    (void)pthread_join(all->timer, NULL);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}
