/* Moving the stored cursor of a zone behind events that do not matter to it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_cursor.h"

/* Some seconds of a busy log, and fewer than are counted of what is unread (api/resources/zone_lag.h). */
#define FAR 8192

bool zone_cursor_is_far(const struct zone_memory *memory, const struct event_cursor *cursor)
{
    return cursor->seq - memory->stored_cursor.seq >= FAR; /* about as many events: the sequence has few gaps */
}

enum err_kind zone_cursor_keep(struct zone_memory *memory, struct db *db, const struct lease *lease,
                               const struct event_cursor *cursor, struct err *reterr)
{
    if (!zone_cursor_is_far(memory, cursor))
        return ERR_NONE;
    enum err_kind kind = db_begin(db, reterr);
    if (kind == ERR_NONE)
        kind = lease_fence(lease, db, reterr);
    if (kind == ERR_NONE)
        kind = event_cursor_save(db, lease->name, cursor, reterr);
    if (kind == ERR_NONE)
        kind = db_commit(db, reterr);
    if (kind != ERR_NONE)
        db_rollback(db);
    else
        memory->stored_cursor = *cursor;
    return kind;
}
