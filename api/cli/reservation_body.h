/* The body of what is made or changed from the options of a command line. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/arguments.h"

#include <jansson.h>

/* The document of --body (which may be standard input), or an empty one, with each option in its field over it.
 * *ret is the caller's. ERR_MALFORMED for a document that is no JSON object. */
MUST_CHECK enum err_kind reservation_body(const struct arguments *arguments, json_t **ret, struct err *reterr);
