/* Queues per tenant, threads that take fair shares from them, and what happens when a commit does not go well. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/batcher.h"

#include "api/server/server.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/events.h"
#include "common/least.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define TENANT_BUCKETS   1024U /* a power of two */
#define ISOLATION_MS     60000
#define RETRIES_MAX      5
#define LOOKUP_LIMIT_MS  20000
#define LOOKUP_PERIOD_MS 200
#define WAVE_FROM        64 /* requests under way; with fewer nobody is made to wait for a half of them */
#define WAVE_MS          8
#define BUSY_FROM        8 /* requests in a batch: the next one leaves when ENOUGH wait, or PERIOD_MS after this one did */
#define ENOUGH           64
#define WRITERS          2
#define BESIDE           128 /* waiting requests: a batch leaves beside the one that is under way */
#define PERIOD_MS        5
#define NOTIFY_PERIOD_MS 20

static struct metric batches = {
    .name = "sluice_api_batches_total", .type = METRIC_COUNTER, .help = "Batches committed"};
static struct metric batched = {
    .name = "sluice_api_batched_requests_total", .type = METRIC_COUNTER, .help = "Requests committed in batches"};
static struct metric queued = {
    .name = "sluice_api_batch_queue", .type = METRIC_GAUGE, .help = "Reservations that wait for a batch"};
static struct metric refused = {.name = "sluice_api_batch_refused_total",
                                .type = METRIC_COUNTER,
                                .help = "Reservations refused because the queue was full"};
static struct metric bisected = {.name = "sluice_api_batch_bisections_total",
                                 .type = METRIC_COUNTER,
                                 .help = "Batches split because of an unexpected error"};
static struct metric isolated = {.name = "sluice_api_isolated_batches_total",
                                 .type = METRIC_COUNTER,
                                 .help = "Batches of one tenant alone, because a request of its failed unexpectedly"};
static struct metric commit_time = {.name = "sluice_api_batch_duration_seconds",
                                    .type = METRIC_HISTOGRAM,
                                    .help = "From BEGIN to the answer to COMMIT"};
static struct metric *const metrics[] = {&batches, &batched, &queued, &refused, &bisected, &isolated, &commit_time};

/* What one tenant has waiting. Stands in the ring of active tenants while it has. Kept for ever: tenants are few. */
struct tenant_queue {
    struct tenant_queue *next_in_bucket, *next_active;
    char tenant_id[UUID_TEXT_SIZE];
    struct batch_item *first, *last;
    int64_t isolated_until_ms;
};

/* A thread with a connection: one batch at a time. What is here is its own. */
struct batch_writer {
    struct batcher *batcher;
    struct db *db;
    pthread_t thread;
    struct batch_item **batch; /* batch_max pointers */
    struct batch_item **slots; /* of merging: a power of two, at least twice batch_max */
};

struct batcher {
    const struct batch_work *work;
    int64_t batch_max, queue_max;
    size_t slot_count; /* of each writer */
    struct batch_writer writers[WRITERS];

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tenant_queue *buckets[TENANT_BUCKETS];
    struct tenant_queue *first_active, *last_active;
    int64_t count;
    int64_t wanted;    /* how many the writer that gathers waits for; 0: none does */
    int under_way;     /* batches that are gathered or written */
    size_t last_count; /* of the batch before */
    int64_t left_at_ms;
    int64_t notified_at_ms;
    bool owes_notice; /* a batch was committed since */
    bool stopping;
};

/* ---- Queues; under the lock ---- */

static uint64_t hash_text(uint64_t hash, const char *text) /* FNV-1a */
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}
#define HASH_START UINT64_C(0xcbf29ce484222325)

static struct tenant_queue *queue_of(struct batcher *batcher, const char *tenant_id)
{
    struct tenant_queue **bucket = &batcher->buckets[hash_text(HASH_START, tenant_id) & (TENANT_BUCKETS - 1)];
    for (struct tenant_queue *queue = *bucket; queue != NULL; queue = queue->next_in_bucket) {
        if (strcmp(queue->tenant_id, tenant_id) == 0)
            return queue;
    }
    struct tenant_queue *queue = alloc_zero(1, sizeof *queue);
    memcpy(queue->tenant_id, tenant_id, sizeof queue->tenant_id);
    queue->next_in_bucket = *bucket;
    *bucket = queue;
    return queue;
}

static void push_active(struct batcher *batcher, struct tenant_queue *queue)
{
    queue->next_active = NULL;
    if (batcher->last_active == NULL)
        batcher->first_active = queue;
    else
        batcher->last_active->next_active = queue;
    batcher->last_active = queue;
}

static struct tenant_queue *pop_active(struct batcher *batcher)
{
    struct tenant_queue *queue = batcher->first_active;
    batcher->first_active = queue->next_active;
    if (batcher->first_active == NULL)
        batcher->last_active = NULL;
    return queue;
}

static struct batch_item *pop_item(struct batcher *batcher, struct tenant_queue *queue)
{
    struct batch_item *item = queue->first;
    queue->first = item->next;
    if (queue->first == NULL)
        queue->last = NULL;
    batcher->count--;
    return item;
}

enum err_kind batcher_prepare(struct batcher *batcher, struct request_internal *internal, struct batch_item **ret,
                              struct err *reterr)
{
    return batcher->work->prepare(internal, ret, reterr);
}

enum err_kind batcher_submit(struct batcher *batcher, struct batch_item *item, struct err *reterr)
{
    internal_keep(item->internal);
    item->turn = suspension_turn(&item->internal->suspension);
    (void)pthread_mutex_lock(&batcher->lock);
    bool fits = batcher->count < batcher->queue_max && !batcher->stopping;
    if (fits) {
        struct tenant_queue *queue = queue_of(batcher, item->internal->request.caller.tenant_id);
        item->next = NULL;
        if (queue->first == NULL) {
            queue->first = item;
            push_active(batcher, queue);
        } else {
            queue->last->next = item;
        }
        queue->last = item;
        if (++batcher->count == 1 || batcher->count == batcher->wanted || batcher->count == BESIDE)
            (void)pthread_cond_broadcast(&batcher->wake);
        metric_set(&queued, batcher->count);
    }
    (void)pthread_mutex_unlock(&batcher->lock);
    if (fits)
        return ERR_NONE;
    metric_add(&refused, 1);
    internal_drop(item->internal);
    return err_set(reterr, ERR_OVERLOADED, "too many reservations are waiting to be committed");
}

static struct timespec instant(int64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = monotonic_ms / 1000, .tv_nsec = monotonic_ms % 1000 * 1000000};
}

/* So many, or until then. Under the lock. */
static void gather_until(struct batcher *batcher, int64_t wanted, int64_t monotonic_ms)
{
    struct timespec until = instant(monotonic_ms);
    int failed = 0;
    batcher->wanted = least_of(wanted, least_of(batcher->batch_max, batcher->queue_max));
    while (batcher->count < batcher->wanted && !batcher->stopping && failed == 0)
        failed = pthread_cond_timedwait(&batcher->wake, &batcher->lock, &until);
    batcher->wanted = 0;
}

/* A batch costs 0.6 ms of the database whatever is in it, which under load is taken from everybody else.
 *
 * Those who wait for a verdict come in waves: the verdicts of one piece of work free their clients together. A batch
 * that leaves with the first of a wave makes the rest of it wait for that batch, so it waits for half of what is under
 * way, a few milliseconds at most (measured with 256 connections: batches of 85 instead of 66).
 *
 * The others come evenly (measured with 6,200 a second on two cores: batches of 42 instead of 29, p99 40 instead of
 * 67 ms). Under the lock. */
static void gather(struct batcher *batcher)
{
    int64_t under_way = batcher->work->under_way();
    if (under_way >= WAVE_FROM)
        gather_until(batcher, under_way / 2, clock_monotonic_ms() + WAVE_MS);
    else if (batcher->last_count >= BUSY_FROM)
        gather_until(batcher, ENOUGH, batcher->left_at_ms + PERIOD_MS);
}

/* A batch: one item per tenant and round. An isolated tenant gets a batch of its own when its turn comes first. Under
 * the lock. */
static size_t take_batch(struct batcher *batcher, struct batch_item **batch)
{
    size_t count = 0;
    int64_t now_ms = clock_monotonic_ms();
    struct tenant_queue *isolated_first = NULL, *isolated_last = NULL; /* set aside for a batch to come */
    while (batcher->first_active != NULL && (int64_t)count < batcher->batch_max) {
        struct tenant_queue *queue = pop_active(batcher);
        bool is_isolated = queue->isolated_until_ms > now_ms;
        if (is_isolated && count > 0) {
            queue->next_active = NULL;
            if (isolated_last == NULL)
                isolated_first = queue;
            else
                isolated_last->next_active = queue;
            isolated_last = queue;
            continue;
        }
        do {
            batch[count++] = pop_item(batcher, queue);
        } while (is_isolated && queue->first != NULL && (int64_t)count < batcher->batch_max);
        if (queue->first != NULL)
            push_active(batcher, queue);
        if (is_isolated) {
            metric_add(&isolated, 1);
            break;
        }
    }
    if (isolated_last != NULL) { /* first in line for the next batch */
        isolated_last->next_active = batcher->first_active;
        batcher->first_active = isolated_first;
        if (batcher->last_active == NULL)
            batcher->last_active = isolated_last;
    }
    metric_set(&queued, batcher->count);
    batcher->last_count = count;
    return count;
}

/* ---- Merging equal keys ---- */

static bool same_key(const struct request_internal *a, const struct request_internal *b)
{
    return strcmp(a->idempotency_key, b->idempotency_key) == 0 &&
           strcmp(a->request.caller.principal_id, b->request.caller.principal_id) == 0;
}

/* Requests with one idempotency key become one item with the others merged to it. Returns how many are left. */
static size_t merge_equal_keys(struct batch_writer *writer, size_t count)
{
    size_t kept = 0, slot_count = writer->batcher->slot_count;
    memset(writer->slots, 0, slot_count * sizeof *writer->slots);
    for (size_t i = 0; i < count; i++) {
        struct batch_item *item = writer->batch[i];
        item->merged = NULL;
        writer->batch[kept++] = item;
        const struct request_internal *internal = item->internal;
        if (internal->idempotency_key == NULL)
            continue;
        uint64_t hash =
            hash_text(hash_text(HASH_START, internal->idempotency_key), internal->request.caller.principal_id);
        size_t slot = hash & (slot_count - 1);
        while (writer->slots[slot] != NULL && !same_key(writer->slots[slot]->internal, internal))
            slot = (slot + 1) & (slot_count - 1); /* ends: half of the slots are free */
        if (writer->slots[slot] == NULL) {
            writer->slots[slot] = item;
            continue;
        }
        item->merged = writer->slots[slot]->merged;
        writer->slots[slot]->merged = item;
        kept--;
    }
    return kept;
}

/* ---- Committing ---- */

/* The connection died during COMMIT: ask until somebody knows, and answer nobody before. A shutdown does not wait for a
 * database that is away. */
static enum err_kind look_up(struct batch_writer *writer, uint64_t transaction_id, struct err *reterr)
{
    int64_t deadline_ms = clock_monotonic_ms() + LOOKUP_LIMIT_MS;
    bool committed = false;
    enum err_kind kind = db_transaction_committed(writer->db, transaction_id, &committed, reterr);
    while (kind != ERR_NONE && clock_monotonic_ms() < deadline_ms && !shutdown_requested()) {
        struct pollfd stop = {.fd = shutdown_fd(), .events = POLLIN};
        (void)poll(&stop, 1, LOOKUP_PERIOD_MS); /* however it ends: the loop looks again */
        kind = db_transaction_committed(writer->db, transaction_id, &committed, reterr);
    }
    if (kind != ERR_NONE)
        return err_set(reterr, ERR_UNKNOWN_OUTCOME, "the connection was lost during COMMIT, and the database is away");
    return committed ? ERR_NONE : err_set(reterr, ERR_UNAVAILABLE, "the connection was lost; nothing was changed");
}

static enum err_kind commit_once(struct batch_writer *writer, struct batch_item *const *items, size_t count,
                                 struct err *reterr)
{
    uint64_t transaction_id = 0;
    enum err_kind kind = writer->batcher->work->admit(writer->db, items, count, &transaction_id, reterr);
    if (kind != ERR_NONE) {
        db_rollback(writer->db);
        return kind;
    }
    kind = db_commit(writer->db, reterr);
    return kind == ERR_UNKNOWN_OUTCOME ? look_up(writer, transaction_id, reterr) : kind;
}

static void end_item(struct batcher *batcher, struct batch_item *item, const struct err *err)
{
    for (struct batch_item *each = item; each != NULL;) {
        struct batch_item *next = each->merged;
        struct request_internal *internal = each->internal;
        if (err == NULL)
            batcher->work->committed(each);
        else
            batcher->work->failed(each, err);
        internal_drop(internal); /* the item may be gone with it */
        each = next;
    }
}

static void end_items(struct batcher *batcher, struct batch_item *const *items, size_t count, const struct err *err)
{
    for (size_t i = 0; i < count; i++)
        end_item(batcher, items[i], err);
}

static void isolate(struct batcher *batcher, const struct batch_item *item, const struct err *err)
{
    const struct request *request = &item->internal->request;
    log_error("batch_item_failed", err);
    log_event(LOG_LEVEL_ERROR, "tenant_isolated", LOG_TEXT("tenant", request->caller.tenant),
              LOG_TEXT("request_id", request->id), LOG_INT("for_ms", ISOLATION_MS));
    (void)pthread_mutex_lock(&batcher->lock);
    queue_of(batcher, request->caller.tenant_id)->isolated_until_ms = clock_monotonic_ms() + ISOLATION_MS;
    (void)pthread_mutex_unlock(&batcher->lock);
}

/* Errors that say nothing about any one request. */
static bool concerns_all(enum err_kind kind)
{
    return kind == ERR_UNAVAILABLE || kind == ERR_OUT_OF_SPACE || kind == ERR_UNKNOWN_OUTCOME || kind == ERR_TIMEOUT;
}

/* ---- Waking who goes on from there ---- */

static void notify(struct batch_writer *writer, bool is_waited_for)
{
    struct err err = {0};
    const char *payload = is_waited_for ? "" : WISH_UNHURRIED;
    if (db_run(writer->db, writer->batcher->work->notify, DB_PARAMS(payload), NULL, &err) != ERR_NONE)
        log_error("batch_notify_failed", &err); /* its listeners look by themselves, a little later */
}

static bool is_waited_for(const struct batch_item *item)
{
    while (item != NULL && !item->is_waited_for)
        item = item->merged;
    return item != NULL;
}

/* Whether the caller is to say what is owed; then it is owed no more. Under the lock. */
static bool take_notice(struct batcher *batcher, bool is_due)
{
    int64_t now_ms = clock_monotonic_ms();
    is_due = batcher->owes_notice && (is_due || now_ms - batcher->notified_at_ms >= NOTIFY_PERIOD_MS);
    if (is_due) {
        batcher->owes_notice = false;
        batcher->notified_at_ms = now_ms;
    }
    return is_due;
}

/* At once where somebody waits, or where the last time is long enough ago; else it is owed. What follows upon a batch
 * costs as much again for being begun (measured with 5,500 a second: 21 pieces of a zone's work a second instead of 160,
 * and 64 instead of 85 us of the database for each request); but in large pieces it is in everybody's way, so the period
 * is short. */
static void notify_of(struct batch_writer *writer, struct batch_item *const *items, size_t count)
{
    struct batcher *batcher = writer->batcher;
    bool somebody_waits = false;
    for (size_t i = 0; i < count && !somebody_waits; i++)
        somebody_waits = is_waited_for(items[i]);
    (void)pthread_mutex_lock(&batcher->lock);
    batcher->owes_notice = true;
    bool is_due = take_notice(batcher, somebody_waits);
    (void)pthread_mutex_unlock(&batcher->lock);
    if (is_due)
        notify(writer, somebody_waits);
}

/* Commits, or splits until what is wrong stands alone; at most log2(batch_max) deep. */
static void commit(struct batch_writer *writer, struct batch_item *const *items, size_t count)
{
    struct batcher *batcher = writer->batcher;
    struct err err = {0};
    enum err_kind kind = ERR_RETRY;
    int64_t began_ms = clock_monotonic_ms();
    for (int i = 0; i < RETRIES_MAX && kind == ERR_RETRY; i++)
        kind = commit_once(writer, items, count, &err);
    if (kind == ERR_NONE) {
        notify_of(writer, items, count);
        metric_add(&batches, 1);
        metric_add(&batched, (int64_t)count);
        metric_observe_us(&commit_time, 1000 * (clock_monotonic_ms() - began_ms));
        end_items(batcher, items, count, NULL);
    } else if (concerns_all(kind) || kind == ERR_RETRY) {
        log_error("batch_failed", &err);
        end_items(batcher, items, count, &err);
    } else if (count == 1) {
        isolate(batcher, items[0], &err);
        end_item(batcher, items[0], &err);
    } else {
        metric_add(&bisected, 1);
        commit(writer, items, count / 2);
        commit(writer, items + count / 2, count - count / 2);
    }
}

/* One batch at a time, as long as that keeps pace: the larger, the cheaper. It does not where the processors are busy
 * or the disk is slow for a moment; what gathers meanwhile then makes the next batches large and slow, too, for a second
 * and more. So when many wait the other writer goes, too (measured with 7,500 a second beside other programs: half of
 * them answered within 14 to 42 ms instead of 15 to 632). Under the lock. */
static bool may_leave(const struct batcher *batcher)
{
    return batcher->count > 0 && (batcher->under_way == 0 || batcher->count >= BESIDE || batcher->stopping);
}

/* Waits for a sign, and says meanwhile what is owed. Under the lock, which it gives up. */
static void await_sign(struct batch_writer *writer)
{
    struct batcher *batcher = writer->batcher;
    struct timespec due = instant(batcher->notified_at_ms + NOTIFY_PERIOD_MS);
    if (batcher->owes_notice)
        (void)pthread_cond_timedwait(&batcher->wake, &batcher->lock, &due);
    else
        (void)pthread_cond_wait(&batcher->wake, &batcher->lock);
    if (take_notice(batcher, false)) {
        (void)pthread_mutex_unlock(&batcher->lock);
        notify(writer, false);
        (void)pthread_mutex_lock(&batcher->lock);
    }
}

/* The size of the next batch of this writer, which is under way from then on; 0: nothing will come any more. Under the
 * lock, which it gives up. */
static size_t begin_batch(struct batch_writer *writer)
{
    struct batcher *batcher = writer->batcher;
    size_t count = 0;
    while (count == 0) {
        while (!may_leave(batcher)) {
            if (batcher->stopping)
                return 0;
            await_sign(writer);
        }
        if (batcher->under_way++ == 0)
            gather(batcher);
        batcher->left_at_ms = clock_monotonic_ms();
        count = take_batch(batcher, writer->batch); /* 0: the other writer had them meanwhile */
        if (count == 0)
            batcher->under_way--;
    }
    return count;
}

static void *run(void *context)
{
    struct batch_writer *writer = context;
    struct batcher *batcher = writer->batcher;
    (void)pthread_mutex_lock(&batcher->lock);
    for (size_t count; (count = begin_batch(writer)) > 0;) {
        (void)pthread_mutex_unlock(&batcher->lock);
        commit(writer, writer->batch, merge_equal_keys(writer, count));
        (void)pthread_mutex_lock(&batcher->lock);
        batcher->under_way--;
    }
    bool is_owed = take_notice(batcher, true);
    (void)pthread_mutex_unlock(&batcher->lock);
    if (is_owed)
        notify(writer, false);
    return NULL;
}

static void start_writer(struct batcher *batcher, struct batch_writer *writer, const struct db_options *options)
{
    writer->batcher = batcher;
    writer->batch = alloc_zero((size_t)batcher->batch_max, sizeof(struct batch_item *));
    writer->slots = alloc_zero(batcher->slot_count, sizeof(struct batch_item *));
    writer->db = db_new(options);
    must(pthread_create(&writer->thread, NULL, run, writer) == 0);
}

struct batcher *batcher_start(const struct batch_work *work, const char *database_url, int64_t batch_max,
                              int64_t queue_max, int statement_timeout_ms)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct batcher *batcher = alloc_zero(1, sizeof *batcher);
    batcher->work = work;
    batcher->batch_max = batch_max;
    batcher->queue_max = queue_max;
    const struct db_options options = {.url = database_url,
                                       .role = "sluice_api_writer",
                                       .application_name = "sluice-api batcher",
                                       .by_key = true,
                                       .statement_timeout_ms = statement_timeout_ms,
                                       .idle_in_transaction_session_timeout_ms = statement_timeout_ms};
    for (batcher->slot_count = 2; batcher->slot_count < 2 * (size_t)batch_max;)
        batcher->slot_count *= 2;
    must(pthread_mutex_init(&batcher->lock, NULL) == 0);
    pthread_condattr_t monotonic;
    must(pthread_condattr_init(&monotonic) == 0);
    must(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    must(pthread_cond_init(&batcher->wake, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < WRITERS; i++)
        start_writer(batcher, &batcher->writers[i], &options);
    return batcher;
}

void batcher_stop(struct batcher *batcher)
{
    (void)pthread_mutex_lock(&batcher->lock);
    batcher->stopping = true;
    (void)pthread_cond_broadcast(&batcher->wake);
    (void)pthread_mutex_unlock(&batcher->lock);
    for (size_t i = 0; i < WRITERS; i++)
        (void)pthread_join(batcher->writers[i].thread, NULL);
}

void batcher_free(struct batcher *batcher)
{
    if (batcher == NULL)
        return;
    for (size_t i = 0; i < TENANT_BUCKETS; i++) {
        for (struct tenant_queue *queue = batcher->buckets[i]; queue != NULL;) {
            struct tenant_queue *next = queue->next_in_bucket;
            free(queue);
            queue = next;
        }
    }
    for (size_t i = 0; i < WRITERS; i++) {
        db_free(batcher->writers[i].db);
        free(batcher->writers[i].slots);
        free(batcher->writers[i].batch);
    }
    (void)pthread_cond_destroy(&batcher->wake);
    (void)pthread_mutex_destroy(&batcher->lock);
    free(batcher);
}
