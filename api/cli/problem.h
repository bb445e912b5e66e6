/* What the API says when it refuses (RFC 9457), as an error and as text for people. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>
#include <stdio.h>

struct arena;

/* The kind of an HTTP status from 400, with the problem's detail and code. problem is what the answer's body was:
 * NULL or anything else than a problem is told by the status alone. */
MUST_CHECK enum err_kind problem_to_err(struct arena *arena, int status, const json_t *problem, struct err *reterr);

/* The lines below the error: each error of the body, what bound, the alternatives compared with what was asked (which
 * may be NULL) and what to do with one ("can be the spec"; NULL: nothing is known), the reservation and the request to name
 * when asking for help. */
void problem_print(FILE *out, struct arena *arena, const json_t *problem, const json_t *asked, const char *use);

/* Of no error: something would change, where just that was asked. */
#define EXIT_DIFFERS 7

/* The exit code of an error: 0 ok, 1 error, 2 usage, 3 auth, 4 not found, 5 conflict or no capacity, 6 timeout. */
int exit_code_of(enum err_kind kind);
