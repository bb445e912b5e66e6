/* Two halves under one lock: listeners fill one while the thread writes the other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/refusals.h"

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUE_MAX            4096
#define GATHER_MS            50 /* a row is written this long after its refusal, together with what came meanwhile */
#define RETRY_MS             500
#define STATEMENT_TIMEOUT_MS 10000

static struct metric dropped = {.name = "sluice_audit_refusals_dropped_total",
                                .type = METRIC_COUNTER,
                                .help = "Refusals before any handler that came faster than the audit takes them"};
static struct metric *const metrics[] = {&dropped};

/* The columns of rows to come, as arrays. */
struct batch {
    struct db_array ids, tenants, principals, requests, remotes, actions, objects, results;
};

struct audit_refusals {
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock;
    struct batch *filling;
    atomic_bool stopping;
    int wake_fd; /* an eventfd: there is something to write, or to stop */
};

static const struct db_stmt statement_append = {
    .name = "audit_refusals_append",
    .sql =
        "SELECT audit_append(n.id, n.tenant_id, n.principal_id, n.request, n.remote, n.action, n.object_id, n.result)"
        " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[])"
        " AS n (id, tenant_id, principal_id, request, remote, action, object_id, result)",
    .params = 8,
};

const struct db_stmt *const audit_refusals_statements[] = {&statement_append, NULL};

static void batch_free(struct batch *batch)
{
    struct db_array *const columns[] = {&batch->ids,     &batch->tenants, &batch->principals, &batch->requests,
                                        &batch->remotes, &batch->actions, &batch->objects,    &batch->results};
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        db_array_clear(columns[i]);
    free(batch);
}

static void wake(struct audit_refusals *refusals)
{
    uint64_t one = 1;
    must(write(refusals->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
}

void audit_refusals_add(struct audit_refusals *refusals, const struct audit_refusal *refusal)
{
    (void)pthread_mutex_lock(&refusals->lock);
    struct batch *batch = refusals->filling;
    bool fits = batch->ids.count < QUEUE_MAX;
    bool is_first = batch->ids.count == 0;
    if (fits) {
        db_array_identity(&batch->ids, identity_new());
        db_array_text(&batch->tenants, refusal->tenant_id);
        db_array_text(&batch->principals, refusal->principal_id);
        db_array_text(&batch->requests, refusal->request_id);
        db_array_text(&batch->remotes, refusal->remote);
        db_array_text(&batch->actions, refusal->action);
        db_array_text(&batch->objects, refusal->object_id);
        db_array_text(&batch->results, refusal->result);
    }
    (void)pthread_mutex_unlock(&refusals->lock);
    if (!fits)
        metric_add(&dropped, 1);
    if (is_first)
        wake(refusals);
}

static struct batch *take(struct audit_refusals *refusals)
{
    struct batch *fresh = alloc_zero(1, sizeof *fresh);
    (void)pthread_mutex_lock(&refusals->lock);
    struct batch *taken = refusals->filling;
    refusals->filling = fresh;
    (void)pthread_mutex_unlock(&refusals->lock);
    return taken;
}

/* A batch is written whole or not at all; after a COMMIT whose answer was lost it may stand there twice, under the same
 * ids. */
static void write_batch(struct audit_refusals *refusals, struct batch *batch)
{
    const char *const params[] = {db_array_param(&batch->ids),        db_array_param(&batch->tenants),
                                  db_array_param(&batch->principals), db_array_param(&batch->requests),
                                  db_array_param(&batch->remotes),    db_array_param(&batch->actions),
                                  db_array_param(&batch->objects),    db_array_param(&batch->results)};
    for (;;) {
        struct err err = {0};
        enum err_kind kind = db_run(refusals->db, &statement_append, params, NULL, &err);
        if (kind == ERR_NONE)
            return;
        log_error("audit_refusals_failed", &err);
        bool comes_back = kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT || kind == ERR_OUT_OF_SPACE;
        if (!comes_back || shutdown_wait(RETRY_MS))
            break;
    }
    metric_add(&dropped, (int64_t)batch->ids.count);
}

static void *run(void *context)
{
    struct audit_refusals *refusals = context;
    for (bool is_stopping = false; !is_stopping;) {
        struct pollfd woken = {.fd = refusals->wake_fd, .events = POLLIN};
        (void)poll(&woken, 1, -1);
        is_stopping = atomic_load(&refusals->stopping);
        (void)shutdown_wait(is_stopping ? 0 : GATHER_MS);
        uint64_t count = 0;
        (void)!read(refusals->wake_fd, &count, sizeof count); /* nothing to read: woken by a signal */
        struct batch *batch = take(refusals);
        if (batch->ids.count > 0)
            write_batch(refusals, batch);
        batch_free(batch);
    }
    return NULL;
}

struct audit_refusals *audit_refusals_start(const char *database_url)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct audit_refusals *refusals = alloc_zero(1, sizeof *refusals);
    refusals->db = db_new(&(struct db_options){.url = database_url,
                                               .role = "sluice_api_system",
                                               .application_name = "sluice-api refusals",
                                               .statement_timeout_ms = STATEMENT_TIMEOUT_MS});
    refusals->filling = alloc_zero(1, sizeof *refusals->filling);
    refusals->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(refusals->wake_fd >= 0);
    must(pthread_mutex_init(&refusals->lock, NULL) == 0);
    must(pthread_create(&refusals->thread, NULL, run, refusals) == 0);
    return refusals;
}

void audit_refusals_stop(struct audit_refusals *refusals)
{
    if (refusals == NULL)
        return;
    atomic_store(&refusals->stopping, true);
    wake(refusals);
    (void)pthread_join(refusals->thread, NULL);
    batch_free(refusals->filling);
    (void)pthread_mutex_destroy(&refusals->lock);
    (void)close(refusals->wake_fd);
    db_free(refusals->db);
    free(refusals);
}
