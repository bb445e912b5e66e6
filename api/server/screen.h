/* The request screen: what is refused before any handler, because two readers could read it differently. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

struct screen_header {
    const char *name, *value; /* value may be NULL */
};

/* The first line; the target as it was sent. ERR_MALFORMED (bad_framing). */
MUST_CHECK enum err_kind screen_line(const char *method, const char *target, const char *version, struct err *reterr);
/* ERR_MALFORMED (bad_framing, duplicate_header) or ERR_TOO_LARGE; the connection is closed after either. version is
 * "HTTP/1.1"; *ret_content_length is -1 where there is none. */
MUST_CHECK enum err_kind screen_headers(const struct screen_header *headers, size_t count, const char *version,
                                        int64_t *ret_content_length, struct err *reterr);
/* How many parameters libmicrohttpd makes of a query, the empty ones included. */
size_t screen_parameters(const char *query);
/* How many headers of that name there are, and the last one's value ("" for none given) where there is one. */
size_t screen_count(const struct screen_header *headers, size_t count, const char *name, const char **ret_value);
