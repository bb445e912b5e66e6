/* Listening sockets: TCP or a unix path, non-blocking and closed on exec. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

enum listen_reach {
    LISTEN_LOCAL, /* loopback and unix paths only: the door to the network is a proxy (docs/api.md) */
    LISTEN_ANY,
};

/* listen_at is "host:port", "[host]:port" or "unix:/path" (a socket that was left there is replaced; mode 0660).
 * ERR_INVALID where it is none, or reaches further than it may; ERR_UNAVAILABLE where the system refuses. The caller
 * owns *ret, a descriptor. */
MUST_CHECK enum err_kind listen_open(const char *listen_at, enum listen_reach reach, int *ret, struct err *reterr);
/* The path of "unix:/path"; NULL for TCP. */
const char *listen_unix_path(const char *listen_at);
