/* A listening socket on loopback or a unix path: the API never listens beyond, its door is a proxy (docs/api.md). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

/* listen is "127.0.0.1:7070", "[::1]:7070" or "unix:/path" (an old socket there is replaced; mode 0660). */
MUST_CHECK enum err_kind socket_listen(const char *listen, int *ret, struct err *reterr);
