/* The admin listener of every daemon: /livez, /readyz?verbose, /metrics. A small libmicrohttpd server of its own
 * on a loopback port or unix socket, apart from tenants' traffic. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdio.h>

struct admin;

/* listen_at is "host:port", "[host]:port" or "unix:/path"; where it is empty there is no listener and *ret is NULL.
 * ready writes one line per check ("database ok") and returns whether all are. Called on the admin's thread, for
 * /readyz and for the metric sluice_ready. */
MUST_CHECK enum err_kind admin_start(const char *listen_at, bool (*ready)(void *context, FILE *out), void *context,
                                     struct admin **ret, struct err *reterr);
void admin_stop(struct admin *admin); /* NULL is fine */
