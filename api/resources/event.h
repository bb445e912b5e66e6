/* The event log as resources show it: pages of all, or of one object. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/event_filter.h"
#include "api/server/stream.h"

/* Writes the JSON of an event as the list shows it. */
void event_show(const struct stream_event *event, struct json_out *out);
