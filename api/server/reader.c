/* The thread of a reader: it takes what was submitted, hands it to its two sides (the database roles), and waits for
 * their sockets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/reader.h"

#include "api/server/reader_side.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/must.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct reader {
    struct reader_side *tenants, *system;
    struct pollfd *sockets; /* the wake_fd, then those of both sides */
    nfds_t socket_count;
    int wake_fd;
    int64_t waiting_max;
    _Atomic int64_t waiting;
    pthread_t thread;

    pthread_mutex_t lock;
    struct read *inbox_first, *inbox_last;
    bool is_stopping;
};

/* ---- Submitting ---- */

enum err_kind reader_submit(struct reader *reader, struct read *read, struct err *reterr)
{
    if (atomic_fetch_add(&reader->waiting, 1) >= reader->waiting_max) {
        (void)atomic_fetch_sub(&reader->waiting, 1);
        return err_set(reterr, ERR_OVERLOADED, "too many reads are waiting");
    }
    read->next = NULL;
    (void)pthread_mutex_lock(&reader->lock);
    bool was_empty = reader->inbox_first == NULL;
    if (was_empty)
        reader->inbox_first = read;
    else
        reader->inbox_last->next = read;
    reader->inbox_last = read;
    (void)pthread_mutex_unlock(&reader->lock);
    uint64_t one = 1;
    if (was_empty)
        must(write(reader->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
    return ERR_NONE;
}

/* False when the reader is to stop. */
static bool take_inbox(struct reader *reader)
{
    (void)pthread_mutex_lock(&reader->lock);
    struct read *read = reader->inbox_first;
    reader->inbox_first = reader->inbox_last = NULL;
    bool goes_on = !reader->is_stopping;
    (void)pthread_mutex_unlock(&reader->lock);
    while (read != NULL) {
        struct read *next = read->next;
        reader_side_add(read->tenant_id != NULL ? reader->tenants : reader->system, read);
        read = next;
    }
    return goes_on;
}

/* ---- The thread ---- */

static void wait_for_sockets(struct reader *reader)
{
    reader->sockets[0] = (struct pollfd){.fd = reader->wake_fd, .events = POLLIN};
    struct pollfd *of_tenants = reader->sockets + 1;
    struct pollfd *of_system = of_tenants + reader_side_sockets(reader->tenants);
    int timeout_ms = reader_side_watch(reader->tenants, of_tenants);
    int system_ms = reader_side_watch(reader->system, of_system);
    if (timeout_ms < 0 || (system_ms >= 0 && system_ms < timeout_ms))
        timeout_ms = system_ms;
    if (poll(reader->sockets, reader->socket_count, timeout_ms) < 0) /* a signal: nothing is known of the sockets */
        return;
    uint64_t count = 0;
    if (reader->sockets[0].revents != 0)
        (void)!read(reader->wake_fd, &count, sizeof count); /* only empties it */
    reader_side_step(reader->tenants, of_tenants);
    reader_side_step(reader->system, of_system);
}

static void *run(void *context)
{
    struct reader *reader = context;
    while (take_inbox(reader)) {
        reader_side_dispatch(reader->tenants);
        reader_side_dispatch(reader->system);
        wait_for_sockets(reader);
    }
    return NULL;
}

struct reader *reader_start(const struct reader_options *options)
{
    must(options->connections >= 1 && options->connections <= READER_CONNECTIONS_MAX);
    struct reader *reader = alloc_zero(1, sizeof *reader);
    reader->waiting_max = options->waiting_max;
    reader->tenants = reader_side_new(options, "sluice_api", &reader->waiting);
    reader->system = reader_side_new(options, "sluice_api_system", &reader->waiting);
    reader->socket_count =
        1 + (nfds_t)reader_side_sockets(reader->tenants) + (nfds_t)reader_side_sockets(reader->system);
    reader->sockets = alloc_zero(reader->socket_count, sizeof *reader->sockets);
    reader->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(reader->wake_fd >= 0);
    must(pthread_mutex_init(&reader->lock, NULL) == 0);
    must(pthread_create(&reader->thread, NULL, run, reader) == 0);
    return reader;
}

void reader_stop(struct reader *reader)
{
    if (reader == NULL)
        return;
    (void)pthread_mutex_lock(&reader->lock);
    reader->is_stopping = true;
    (void)pthread_mutex_unlock(&reader->lock);
    uint64_t one = 1;
    must(write(reader->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
    (void)pthread_join(reader->thread, NULL);
    reader_side_free(reader->tenants);
    reader_side_free(reader->system);
    (void)pthread_mutex_destroy(&reader->lock);
    (void)close(reader->wake_fd);
    free(reader->sockets);
    free(reader);
}
