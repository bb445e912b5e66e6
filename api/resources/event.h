/* The event log as resources show it: pages of all, or of one object. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"
#include "api/server/response.h"

extern const struct schema event_schema;

/* Answers a page of events in the order of the log: of the object (a UUID), or of all where it is NULL; those behind
 * the position `after` ("generation-xid-seq"), or from the log's beginning where it is NULL. A tenant sees its own. */
MUST_CHECK enum err_kind event_page(struct request *request, struct response *response, const char *object_id,
                                    const char *after, struct err *reterr);
