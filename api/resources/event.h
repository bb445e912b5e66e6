/* The event log as resources show it: pages of all, or of one object. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/event_filter.h"
#include "api/server/stream.h"

extern const struct schema event_schema;

/* Answers a page of events in the order of the log: of those that pass the filter, those behind the position `after`
 * ("generation-xid-seq"), or from the log's beginning where it is NULL. A tenant sees its own. */
MUST_CHECK enum err_kind event_page(struct request *request, struct response *response,
                                    const struct event_filter *filter, const char *after, struct err *reterr);
/* Writes the JSON of an event as the list shows it. */
void event_show(const struct stream_event *event, struct json_out *out);
