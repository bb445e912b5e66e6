/* The headers that every answer has, and those of CORS. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/server.h"

/* A header of the answer wins over the one that all answers have. */
void headers_add(const struct request_internal *internal, struct MHD_Response *response);
/* 204 to OPTIONS: Allow, and to a preflight of an allowed origin what it may send. */
void headers_options(struct request_internal *internal, const char *allow);
/* Is the origin on the list (comma-separated, exact)? Pure. */
bool cors_allows(const char *list, const char *origin);
