/* Collecting a request: its head, and then its body, piece by piece. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/server.h"

/* Screens the head and finds the peer. An error: what follows on the connection cannot be told apart. */
MUST_CHECK enum err_kind collect_head(struct request_internal *internal, const char *path, const char *method,
                                      const char *version, struct err *reterr);
/* Takes a piece of the body, or throws it away where the body is too large, or all together are. False: it is too large
 * by far. */
bool collect_upload(struct request_internal *internal, const char *data, size_t size);
void collect_release(struct request_internal *internal); /* the body */
void collect_register(void);                             /* its metric, once */
