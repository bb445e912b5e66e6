/* SIGTERM and SIGINT set a flag and make an eventfd readable: no thread is interrupted in the middle of its work. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shutdown.h"

#include "common/must.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool requested;
static atomic_int event_fd = -1; /* poll() ignores a negative one */

/* Async-signal-safe: lock-free atomics and write(2) only. */
void shutdown_request(void)
{
    int saved_errno = errno;
    atomic_store(&requested, true);
    int fd = atomic_load(&event_fd);
    if (fd >= 0) {
        uint64_t one = 1;
        ssize_t ignored = write(fd, &one, sizeof one); /* fails only where the counter is full: readable already */
        (void)ignored;
    }
    errno = saved_errno;
}

static void take_signal(int number)
{
    (void)number;
    shutdown_request();
}

void shutdown_install(void)
{
    must(atomic_load(&event_fd) < 0);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(fd >= 0);
    atomic_store(&event_fd, fd);

    struct sigaction action = {.sa_handler = take_signal, .sa_flags = SA_RESTART};
    must(sigemptyset(&action.sa_mask) == 0);
    must(sigaction(SIGTERM, &action, NULL) == 0);
    must(sigaction(SIGINT, &action, NULL) == 0);
    action.sa_handler = SIG_IGN;
    must(sigaction(SIGPIPE, &action, NULL) == 0);
}

bool shutdown_requested(void)
{
    return atomic_load(&requested);
}

int shutdown_fd(void)
{
    return atomic_load(&event_fd);
}

bool shutdown_wait(int ms)
{
    struct pollfd stop = {.fd = shutdown_fd(), .events = POLLIN};
    (void)poll(&stop, 1, ms); /* however it returns: the caller looks again */
    return shutdown_requested();
}
