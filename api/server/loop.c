/* Each turn: send the reads that were submitted, wait for any socket, pass on what the database answered, and let
 * libmicrohttpd do what there is to do, answers to those whom a read has resumed among it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/loop.h"

#include "common/alloc.h"
#include "common/must.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SOCKET_WAKE, SOCKET_HTTP, SOCKETS_OWN };

struct loop {
    struct MHD_Daemon *daemon;
    struct reader *point, *list;
    struct pollfd *sockets; /* the loop's own, those of point, those of list */
    int wake_fd;
    atomic_bool is_woken; /* wake_fd was written, and not read since */
    atomic_bool is_stopping;
    bool has_resumed; /* by this thread: libmicrohttpd is to run before it waits again */
    pthread_t thread;
};

static _Thread_local const struct loop *own; /* of the thread that is a loop's */

struct loop *loop_new(const struct reader_options *point, const struct reader_options *list)
{
    struct loop *loop = alloc_zero(1, sizeof *loop);
    loop->point = reader_new(point);
    loop->list = reader_new(list);
    int sockets = SOCKETS_OWN + reader_sockets(loop->point) + reader_sockets(loop->list);
    loop->sockets = alloc_zero((size_t)sockets, sizeof *loop->sockets);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(loop->wake_fd >= 0);
    return loop;
}

static int sooner_ms(int a_ms, int b_ms) /* -1: never */
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int http_timeout_ms(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    if (MHD_get_timeout(daemon, &timeout_ms) != MHD_YES)
        return -1;
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

/* Without a thread of its own libmicrohttpd wakes nobody. */
static void wake(struct loop *loop)
{
    uint64_t one = 1;
    if (!atomic_exchange(&loop->is_woken, true))
        must(write(loop->wake_fd, &one, sizeof one) == (ssize_t)sizeof one);
}

void loop_resume(struct loop *loop, struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    if (own == loop)
        loop->has_resumed = true;
    else
        wake(loop);
}

/* Read first: who resumes a connection after that and writes nothing did so before libmicrohttpd runs. */
static void take_wake(struct loop *loop)
{
    uint64_t count = 0;
    (void)!read(loop->wake_fd, &count, sizeof count); /* only empties it */
    atomic_store(&loop->is_woken, false);
}

static void turn(struct loop *loop)
{
    struct pollfd *sockets = loop->sockets;
    struct pollfd *of_point = sockets + SOCKETS_OWN, *of_list = of_point + reader_sockets(loop->point);
    int timeout_ms = sooner_ms(reader_watch(loop->point, of_point), reader_watch(loop->list, of_list));
    timeout_ms = loop->has_resumed ? 0 : sooner_ms(timeout_ms, http_timeout_ms(loop->daemon));
    nfds_t count = (nfds_t)(SOCKETS_OWN + reader_sockets(loop->point) + reader_sockets(loop->list));
    if (poll(sockets, count, timeout_ms) < 0) /* a signal: nothing is known of the sockets */
        return;
    if (sockets[SOCKET_WAKE].revents != 0)
        take_wake(loop);
    reader_step(loop->point, of_point);
    reader_step(loop->list, of_list);
    loop->has_resumed = false;
    must(MHD_run(loop->daemon) == MHD_YES);
}

static void *run(void *context)
{
    struct loop *loop = context;
    own = loop;
    while (!atomic_load(&loop->is_stopping))
        turn(loop);
    return NULL;
}

void loop_run(struct loop *loop, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    must(info != NULL);
    loop->daemon = daemon;
    loop->sockets[SOCKET_WAKE] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    loop->sockets[SOCKET_HTTP] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
    must(pthread_create(&loop->thread, NULL, run, loop) == 0);
}

struct MHD_Daemon *loop_daemon(const struct loop *loop)
{
    return loop->daemon;
}

struct reader *loop_reader(const struct loop *loop, bool is_list)
{
    return is_list ? loop->list : loop->point;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->daemon != NULL) {
        atomic_store(&loop->is_stopping, true);
        wake(loop);
        (void)pthread_join(loop->thread, NULL);
        MHD_stop_daemon(loop->daemon);
    }
    reader_free(loop->point);
    reader_free(loop->list);
    (void)close(loop->wake_fd);
    free(loop->sockets);
    free(loop);
}
