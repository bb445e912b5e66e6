/* A queue under one lock, and threads that take from it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/workers.h"

#include "common/alloc.h"
#include "common/metrics.h"
#include "common/must.h"

#include <pthread.h>

static struct metric jobs_waiting = {
    .name = "sluice_api_jobs_waiting", .type = METRIC_GAUGE, .help = "Requests that wait for a handler's thread"};
static struct metric jobs_refused = {.name = "sluice_api_jobs_refused_total",
                                     .type = METRIC_COUNTER,
                                     .help = "Requests refused because too many waited"};
static struct metric *const metrics[] = {&jobs_waiting, &jobs_refused};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first, *last;
    int64_t count, count_max;
    bool stopping;

    int threads;
    struct thread {
        pthread_t id;
        struct worker worker;
    } * thread;
};

static struct job *take(struct workers *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->stopping)
        (void)pthread_cond_wait(&pool->wake, &pool->lock);
    struct job *job = pool->first;
    if (job != NULL) {
        pool->first = job->next;
        pool->last = pool->first == NULL ? NULL : pool->last;
        pool->count--;
        metric_set(&jobs_waiting, pool->count);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (struct job *job = take(worker->pool); job != NULL; job = take(worker->pool))
        job->run(job, worker); /* the job may be gone afterwards */
    return NULL;
}

static struct db *connection_of(const char *url, const char *role, int statement_timeout_ms)
{
    return db_new(&(struct db_options){.url = url,
                                       .role = role,
                                       .application_name = "sluice-api",
                                       .statement_timeout_ms = statement_timeout_ms,
                                       .idle_in_transaction_session_timeout_ms = statement_timeout_ms,
                                       .lock_timeout_ms = statement_timeout_ms / 2});
}

struct workers *workers_start(const char *database_url, int threads, int64_t jobs_max, int statement_timeout_ms)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct workers *pool = alloc_zero(1, sizeof *pool);
    pool->count_max = jobs_max;
    pool->threads = threads;
    pool->thread = alloc_zero((size_t)threads, sizeof *pool->thread);
    must(pthread_mutex_init(&pool->lock, NULL) == 0);
    must(pthread_cond_init(&pool->wake, NULL) == 0);
    for (int i = 0; i < threads; i++) {
        struct thread *thread = &pool->thread[i];
        thread->worker.pool = pool;
        thread->worker.tenant_db = connection_of(database_url, "sluice_api", statement_timeout_ms);
        thread->worker.system_db = connection_of(database_url, "sluice_api_system", statement_timeout_ms);
        must(pthread_create(&thread->id, NULL, work, &thread->worker) == 0);
    }
    return pool;
}

bool workers_submit(struct workers *pool, struct job *job)
{
    (void)pthread_mutex_lock(&pool->lock);
    bool fits = pool->count < pool->count_max && !pool->stopping;
    if (fits) {
        job->next = NULL;
        if (pool->last == NULL)
            pool->first = job;
        else
            pool->last->next = job;
        pool->last = job;
        pool->count++;
        metric_set(&jobs_waiting, pool->count);
        (void)pthread_cond_signal(&pool->wake);
    } else {
        metric_add(&jobs_refused, 1);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return fits;
}

void workers_stop(struct workers *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->wake);
    (void)pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads; i++) {
        (void)pthread_join(pool->thread[i].id, NULL);
        db_free(pool->thread[i].worker.tenant_db);
        db_free(pool->thread[i].worker.system_db);
    }
    (void)pthread_cond_destroy(&pool->wake);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool->thread);
    free(pool);
}
