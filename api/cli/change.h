/* Sending what changes something: under a key that makes a repetition the same request. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/session.h"

/* One that nobody has used; the arena's. */
const char *change_random_key(struct arena *arena);
/* --idempotency-key, else a random one; the arena's. ERR_MALFORMED. */
MUST_CHECK enum err_kind change_key(struct session *session, const char **ret, struct err *reterr);
/* session_call; where it is not known whether it took effect the hint says how to ask again without asking twice. */
MUST_CHECK enum err_kind change_send(struct session *session, const struct client_request *request, json_t **ret,
                                     struct err *reterr);
/* The path with ?validate_only=true where the command line asks for that. */
const char *change_path(const struct session *session, const char *path);
