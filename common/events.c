/* Cursors of the event log: their text, and where a consumer keeps its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/events.h"

#include "common/db.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>

/* A new consumer starts at the beginning of the log as it is now. */
static const struct db_stmt statement_load = {
    .name = "event_cursor_load",
    .sql = "SELECT coalesce(c.generation, g.generation), coalesce(c.xid, '0'::xid8)::text, coalesce(c.seq, 0)"
           "  FROM event_generation g"
           "  LEFT JOIN event_cursor c ON c.consumer = $1::text",
    .params = 1,
};

const struct db_stmt event_cursor_save_stmt = {
    .name = "event_cursor_save",
    .sql = "INSERT INTO event_cursor AS c (consumer, generation, xid, seq)"
           " VALUES ($1::text, $2::bigint, $3::text::xid8, $4::bigint)"
           " ON CONFLICT (consumer) DO UPDATE"
           " SET generation = excluded.generation, xid = excluded.xid, seq = excluded.seq",
    .params = 4,
};

const struct db_stmt *const event_cursor_statements[] = {&statement_load, &event_cursor_save_stmt, NULL};

void event_cursor_print(const struct event_cursor *cursor, char ret[static EVENT_CURSOR_TEXT_SIZE])
{
    (void)snprintf(ret, EVENT_CURSOR_TEXT_SIZE, "%" PRId64 "-%" PRIu64 "-%" PRId64, cursor->generation, cursor->xid,
                   cursor->seq); /* 62 characters at most */
}

/* Reads digits up to `end`; false where there are none, a leading zero, or more than `most`. Moves *text behind `end`,
 * unless that is the end of the text. */
static bool read_number(const char **text, char end, uint64_t most, uint64_t *ret)
{
    const char *next = *text;
    uint64_t value = 0;
    for (; *next >= '0' && *next <= '9'; next++) {
        uint64_t digit = (uint64_t)(*next - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    bool canonical = next > *text && (**text != '0' || next == *text + 1);
    if (!canonical || *next != end)
        return false;
    *text = end == '\0' ? next : next + 1;
    *ret = value;
    return true;
}

enum err_kind event_cursor_parse(const char *text, struct event_cursor *ret, struct err *reterr)
{
    const char *next = text;
    uint64_t generation = 0;
    uint64_t xid = 0;
    uint64_t seq = 0;
    bool fits = read_number(&next, '-', INT64_MAX, &generation) && read_number(&next, '-', UINT64_MAX, &xid) &&
                read_number(&next, '\0', INT64_MAX, &seq);
    if (!fits) {
        return err_set_code(reterr, ERR_INVALID, "invalid_cursor",
                            "'%.64s' is not a position of the event log, as 'generation-xid-seq'", text);
    }
    *ret = (struct event_cursor){.generation = (int64_t)generation, .xid = xid, .seq = (int64_t)seq};
    return ERR_NONE;
}

enum err_kind event_cursor_load(struct db *db, const char *consumer, struct event_cursor *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_load, DB_PARAMS(consumer), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(result) == 1); /* event_generation has one row */
    const char *xid = db_text(result, 0, 1);
    struct event_cursor found = {.generation = db_int(result, 0, 0, 0), .seq = db_int(result, 0, 2, 0)};
    must(read_number(&xid, '\0', UINT64_MAX, &found.xid));
    *ret = found;
    return ERR_NONE;
}

const char *const *event_cursor_params(const char *consumer, const struct event_cursor *cursor,
                                       struct event_cursor_params *keep)
{
    _Static_assert(sizeof keep->xid >= DB_INT_TEXT_SIZE, "20 digits at most");
    (void)snprintf(keep->xid, sizeof keep->xid, "%" PRIu64, cursor->xid);
    keep->list[0] = consumer;
    keep->list[1] = db_int_param(keep->generation, cursor->generation);
    keep->list[2] = keep->xid;
    keep->list[3] = db_int_param(keep->seq, cursor->seq);
    return keep->list;
}

enum err_kind event_cursor_save(struct db *db, const char *consumer, const struct event_cursor *cursor,
                                struct err *reterr)
{
    struct event_cursor_params params;
    return db_run(db, &event_cursor_save_stmt, event_cursor_params(consumer, cursor, &params), NULL, reterr);
}
