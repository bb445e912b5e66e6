/* Reading the event log by cursor. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/event_batch.h"

#include "billing/meter/meter.h"
#include "common/alloc.h"
#include "common/text_find.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMNS                                                                                                        \
    "e.seq, e.object_type, e.object_id, e.object_revision, floor(date_part('epoch', e.occurred_at))::bigint,"          \
    " e.payload->>'state', e.tenant_id, (e.payload->>'reservation_id')::uuid, (e.payload->>'node_id')::uuid,"          \
    " (e.payload->>'gpu_milli')::integer, (e.payload->>'starts_at')::bigint, (e.payload->>'ends_at')::bigint,"         \
    " (e.payload->>'ends_by')::bigint"

enum {
    COLUMN_SEQ,
    COLUMN_TYPE,
    COLUMN_OBJECT,
    COLUMN_REVISION,
    COLUMN_OCCURRED,
    COLUMN_STATE,
    COLUMN_TENANT,
    COLUMN_RESERVATION,
    COLUMN_NODE,
    COLUMN_GPU_MILLI,
    COLUMN_STARTS,
    COLUMN_ENDS,
    COLUMN_ENDS_BY,
    COLUMN_PAGE_XID, /* from here on: of statement_read only */
    COLUMN_PAGE_SEQ,
    COLUMN_PAGE_LENGTH,
};

/* A page of the log, of which only what is metered is sent: most events are of reservations (of 10,000 creates a second,
 * all). Where its cursor goes, and how long it is, stands in each row; there is one without an event where the page has
 * none that is metered. */
static const struct db_stmt statement_read = {
    .name = "event_batch_read",
    .sql = "WITH page AS MATERIALIZED ("
           "  SELECT h.xid, h.seq, h.object_type, h.object_id, h.object_revision, h.occurred_at, h.tenant_id,"
           "         CASE WHEN h.object_type IN ('instance', 'node') THEN h.payload END AS payload FROM event h"
           "   WHERE (h.xid, h.seq) > ($1::text::xid8, $2::bigint) AND h.xid < pg_snapshot_xmin(pg_current_snapshot())"
           "   ORDER BY h.xid, h.seq LIMIT $3::bigint)"
           " SELECT " COLUMNS ", page_end.xid, page_end.seq, (SELECT count(*) FROM page)"
           "  FROM (SELECT p.xid, p.seq FROM page p ORDER BY p.xid DESC, p.seq DESC LIMIT 1) page_end"
           "  LEFT JOIN page e ON e.object_type IN ('instance', 'node')",
    .params = 3,
    .binary = true,
};

static const struct db_stmt statement_read_object = {
    .name = "event_batch_read_object",
    .sql = "SELECT " COLUMNS "  FROM event e"
           " WHERE e.object_id = $1::uuid AND e.object_type = $2::text"
           "   AND e.object_revision > $3::bigint AND e.object_revision < $4::bigint"
           " ORDER BY e.object_revision",
    .params = 4,
    .binary = true,
};

const struct db_stmt *const event_batch_statements[] = {&statement_read, &statement_read_object, NULL};

static const char *const type_texts[] = {
    [METERED_INSTANCE] = "instance",
    [METERED_NODE] = "node",
};

static bool type_of(const char *text, enum metered_type *ret)
{
    size_t found = text_find(type_texts, COUNT_OF(type_texts), text);
    *ret = (enum metered_type)found;
    return found < COUNT_OF(type_texts);
}

static bool optional_identity(const PGresult *rows, int row, int column, struct identity *ret)
{
    if (db_text(rows, row, column) == NULL)
        return false;
    *ret = db_identity(rows, row, column);
    return true;
}

/* The event of a row; an instance's must say whose it is and how large. */
static enum err_kind decode(const PGresult *rows, int row, enum metered_type type, struct metered_event *ret,
                            struct err *reterr)
{
    const char *state = db_text(rows, row, COLUMN_STATE);
    struct metered_event event = {
        .type = type,
        .object = db_identity(rows, row, COLUMN_OBJECT),
        .fact =
            {
                .revision = db_int(rows, row, COLUMN_REVISION, 0),
                .occurred_at_s = db_int(rows, row, COLUMN_OCCURRED, 0),
                .state = state != NULL ? state : "",
                .gpu_milli = (int32_t)db_int(rows, row, COLUMN_GPU_MILLI, 0),
                .starts_at_s = db_int(rows, row, COLUMN_STARTS, 0),
                .ends_at_s = db_int(rows, row, COLUMN_ENDS, TILING_OPEN_END_S),
            },
    };
    event.fact.gives_way_at_s = db_int(rows, row, COLUMN_ENDS_BY, TILING_OPEN_END_S);
    event.fact.has_node = optional_identity(rows, row, COLUMN_NODE, &event.fact.node);
    bool has_owner = optional_identity(rows, row, COLUMN_TENANT, &event.tenant) &&
                     optional_identity(rows, row, COLUMN_RESERVATION, &event.reservation);
    bool sound = type == METERED_NODE || (has_owner && event.fact.gpu_milli > 0 && event.fact.starts_at_s != 0);
    if (!sound) {
        char object[IDENTITY_TEXT_SIZE];
        identity_to_text(IDENTITY_INSTANCE, event.object, object);
        return err_set(reterr, ERR_INTERNAL,
                       "event %" PRId64 " of instance '%s' lacks tenant, reservation, size or window",
                       db_int(rows, row, COLUMN_SEQ, 0), object);
    }
    *ret = event;
    return ERR_NONE;
}

static int by_object_and_revision(const void *a, const void *b)
{
    const struct metered_event *one = a;
    const struct metered_event *other = b;
    int order = identity_compare(one->object, other->object);
    if (order == 0)
        order = (one->type > other->type) - (one->type < other->type);
    if (order == 0)
        order = (one->fact.revision > other->fact.revision) - (one->fact.revision < other->fact.revision);
    return order;
}

/* Takes ownership of rows. */
static enum err_kind decode_all(PGresult *rows, struct event_batch *ret, struct err *reterr)
{
    int row_count = PQntuples(rows);
    *ret = (struct event_batch){.rows = rows};
    ret->events = alloc_zero((size_t)row_count + 1, sizeof *ret->events);
    for (int row = 0; row < row_count; row++) {
        const char *text = db_text(rows, row, COLUMN_TYPE);
        enum metered_type type;
        if (text == NULL || !type_of(text, &type))
            continue;
        enum err_kind kind = decode(rows, row, type, &ret->events[ret->count], reterr);
        if (kind != ERR_NONE)
            return kind;
        ret->count++;
    }
    qsort(ret->events, ret->count, sizeof *ret->events, by_object_and_revision);
    return ERR_NONE;
}

enum err_kind event_batch_read(struct db *db, struct event_batch *ret, struct err *reterr)
{
    struct event_cursor cursor = {0};
    enum err_kind kind = event_cursor_load(db, METER_CONSUMER, &cursor, reterr);
    if (kind != ERR_NONE)
        return kind;
    char xid[DB_INT_TEXT_SIZE];
    char seq[DB_INT_TEXT_SIZE];
    char limit[DB_INT_TEXT_SIZE];
    (void)snprintf(xid, sizeof xid, "%" PRIu64, cursor.xid); /* 20 digits at most */
    PGresult *rows = NULL;
    kind = db_run(db, &statement_read,
                  DB_PARAMS(xid, db_int_param(seq, cursor.seq), db_int_param(limit, EVENT_BATCH_MAX)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = decode_all(rows, ret, reterr);
    ret->end = cursor;
    ret->empty = PQntuples(rows) == 0;
    if (kind == ERR_NONE && !ret->empty) {
        ret->end.xid = db_xid(rows, 0, COLUMN_PAGE_XID);
        ret->end.seq = db_int(rows, 0, COLUMN_PAGE_SEQ, 0);
        ret->full = db_int(rows, 0, COLUMN_PAGE_LENGTH, 0) == EVENT_BATCH_MAX;
    }
    return kind;
}

enum err_kind event_batch_read_object(struct db *db, struct identity object, enum metered_type type, int64_t after,
                                      int64_t before, struct event_batch *ret, struct err *reterr)
{
    char uuid[UUID_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    identity_to_uuid(object, uuid);
    PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_read_object,
               DB_PARAMS(uuid, type_texts[type], db_int_param(from, after), db_int_param(to, before)), &rows, reterr);
    return kind == ERR_NONE ? decode_all(rows, ret, reterr) : kind;
}

void event_batch_release(struct event_batch *batch)
{
    PQclear(batch->rows);
    free(batch->events);
    *batch = (struct event_batch){0};
}
