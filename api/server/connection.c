/* A list of connections that one thread walks: ten thousand of them cost it less than a millisecond, four times a
 * second. Requests only store their deadlines; the lock is for beginnings, ends and the walk. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/connection.h"

#include "api/server/loop.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/must.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#define WALK_PERIOD_MS 250

static struct metric open_count = {.name = "sluice_api_connections", .type = METRIC_GAUGE, .help = "Connections open"};
static struct metric cut[CONNECTION_PHASE_COUNT] = {
#define X(constant, text)                                                                                              \
    [constant] = {.name = "sluice_api_connections_cut_total",                                                          \
                  .type = METRIC_COUNTER,                                                                              \
                  .labels = "at=\"" text "\"",                                                                         \
                  .help = "Connections shut down because they took longer than they may"},
    CONNECTION_PHASES(X)
#undef X
};

struct connection {
    struct connection *previous, *next;
    struct connections *all;
    struct loop *loop;
    int fd;
    bool is_proxys;
    _Atomic int phase;           /* enum connection_phase */
    _Atomic int64_t deadline_ms; /* monotonic; INT64_MAX: none */
    int64_t requests;
    struct request_internal *request; /* begun and not completed; the loop's */
};

struct connections {
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    struct connection_limits limits;
    struct connection *first;
    bool is_stopping;
    pthread_t walker;
};

/* ---- The walk ---- */

/* Shut down, not closed: libmicrohttpd finds the end of its input and closes the descriptor itself. */
static void cut_late(struct connections *all)
{
    int64_t now_ms = clock_monotonic_ms();
    for (struct connection *each = all->first; each != NULL; each = each->next) {
        if (atomic_load_explicit(&each->deadline_ms, memory_order_relaxed) > now_ms)
            continue;
        atomic_store_explicit(&each->deadline_ms, INT64_MAX, memory_order_relaxed);
        metric_add(&cut[atomic_load_explicit(&each->phase, memory_order_relaxed)], 1); /* the end is a phase, too */
        (void)shutdown(each->fd, SHUT_RDWR);                                           /* it may be gone already */
    }
}

static void *walk(void *context)
{
    struct connections *all = context;
    (void)pthread_mutex_lock(&all->lock);
    while (!all->is_stopping) {
        cut_late(all);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WALK_PERIOD_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&all->stopped, &all->lock, &until);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct connections *connections_start(const struct connection_limits *limits)
{
    struct metric *metrics[CONNECTION_PHASE_COUNT + 1] = {[CONNECTION_PHASE_COUNT] = &open_count};
    for (int i = 0; i < CONNECTION_PHASE_COUNT; i++)
        metrics[i] = &cut[i];
    metric_register(metrics, CONNECTION_PHASE_COUNT + 1);
    struct connections *all = alloc_zero(1, sizeof *all);
    all->limits = *limits;
    pthread_condattr_t monotonic;
    must(pthread_condattr_init(&monotonic) == 0);
    must(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    must(pthread_mutex_init(&all->lock, NULL) == 0);
    must(pthread_cond_init(&all->stopped, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    must(pthread_create(&all->walker, NULL, walk, all) == 0);
    return all;
}

void connections_stop(struct connections *all)
{
    if (all == NULL)
        return;
    (void)pthread_mutex_lock(&all->lock);
    all->is_stopping = true;
    (void)pthread_cond_signal(&all->stopped);
    (void)pthread_mutex_unlock(&all->lock);
    (void)pthread_join(all->walker, NULL);
    must(all->first == NULL);
    (void)pthread_cond_destroy(&all->stopped);
    (void)pthread_mutex_destroy(&all->lock);
    free(all);
}

/* ---- One ---- */

static struct connection *begin(const struct connection_entry *entry, struct MHD_Connection *of)
{
    struct connections *all = entry->all;
    struct connection *connection = alloc_zero(1, sizeof *connection);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(of, MHD_CONNECTION_INFO_CONNECTION_FD);
    must(info != NULL);
    connection->all = all;
    connection->fd = info->connect_fd;
    connection->loop = entry->loop;
    connection->is_proxys = entry->is_proxy;
    connection_enter(connection, CONNECTION_HEADERS);
    (void)pthread_mutex_lock(&all->lock);
    connection->next = all->first;
    if (all->first != NULL)
        all->first->previous = connection;
    all->first = connection;
    (void)pthread_mutex_unlock(&all->lock);
    metric_add(&open_count, 1);
    return connection;
}

/* The descriptor is closed after this, so the walk never meets another's under its number. */
static void end(struct connection *connection)
{
    struct connections *all = connection->all;
    (void)pthread_mutex_lock(&all->lock);
    if (connection->previous == NULL)
        all->first = connection->next;
    else
        connection->previous->next = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    (void)pthread_mutex_unlock(&all->lock);
    metric_add(&open_count, -1);
    free(connection);
}

void connection_notify(void *entry, struct MHD_Connection *of, void **socket_context,
                       enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = begin(entry, of);
        return;
    }
    if (*socket_context != NULL)
        end(*socket_context);
    *socket_context = NULL;
}

struct connection *connection_of(struct MHD_Connection *of)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(of, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    must(info != NULL && info->socket_context != NULL);
    return info->socket_context;
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    int64_t limit_ms = connection->all->limits.phase_ms[phase];
    int64_t deadline_ms = limit_ms == 0 ? INT64_MAX : clock_monotonic_ms() + limit_ms;
    atomic_store_explicit(&connection->phase, phase, memory_order_relaxed);
    atomic_store_explicit(&connection->deadline_ms, deadline_ms, memory_order_relaxed);
}

void connection_begin_request(struct connection *connection)
{
    connection->requests++;
    if (atomic_load_explicit(&connection->phase, memory_order_relaxed) != CONNECTION_HEADERS)
        connection_enter(connection, CONNECTION_HEADERS);
}

struct request_internal *connection_take_request(struct connection *connection, struct request_internal *request)
{
    struct request_internal *before = connection->request;
    connection->request = request;
    return before;
}

bool connection_is_used_up(const struct connection *connection)
{
    return connection->requests >= connection->all->limits.requests_max;
}

bool connection_is_proxys(const struct connection *connection)
{
    return connection->is_proxys;
}

struct loop *connection_loop(const struct connection *connection)
{
    return connection->loop;
}

void connection_resume(struct MHD_Connection *of)
{
    loop_resume(connection_of(of)->loop, of);
}
