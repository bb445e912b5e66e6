/* Graceful shutdown: SIGTERM and SIGINT are taken by a thread-safe flag and an eventfd that every loop waits on. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Before any thread is started. Also ignores SIGPIPE. */
void shutdown_install(void);
bool shutdown_requested(void);
void shutdown_request(void);
/* Readable from the request on; never drained: poll it. */
int shutdown_fd(void);
/* Real time passes; the request ends the wait early. Returns whether it was made. */
bool shutdown_wait(int ms);
