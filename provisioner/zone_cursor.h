/* How far the leader of a zone has read the event log, as others see it: whoever leads next reads on from there, and who
 * asks how far the zone lags counts from there. Moved with each piece of work that events brought about; a zone that nobody
 * wishes anything of moves it from time to time, as the log grows. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/lease.h"
#include "provisioner/zone_memory.h"

/* Behind the stored cursor lies more of the log than anybody should have to read again. */
bool zone_cursor_is_far(const struct zone_memory *memory, const struct event_cursor *cursor);
/* Where that is so: stores the cursor, in a fenced transaction of its own. */
MUST_CHECK enum err_kind zone_cursor_keep(struct zone_memory *memory, struct db *db, const struct lease *lease,
                                          const struct event_cursor *cursor, struct err *reterr);
