/* Rating a day: a chunk of reservations per transaction, then what depends on all of a tenant's usage, then what is
 * charged and credited by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_day.h"

#include "billing/ledger/credit_keep.h"
#include "billing/ledger/held_days.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/refusals.h"
#include "billing/ledger/usage_lines.h"
#include "common/calendar.h"
#include "common/least.h"
#include "common/metrics.h"

#include <string.h>

#define CHUNK_RESERVATIONS 2000 /* a transaction stays below a second */

static struct metric metric_lines = {
    .name = "sluice_billing_rated_lines_total", .type = METRIC_COUNTER, .help = "Rated lines posted"};
void rate_day_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_lines};
    metric_register(metrics, COUNT_OF(metrics));
    held_days_register_metrics();
    refusals_register_metrics();
    rate_tenant_register_metrics();
}

/* Reservations whose usage waits to be rated: of the day, and of days that had no price. Asked once a day; chunks are
 * cut from it. */
static const struct db_stmt statement_waiting = {
    .name = "rate_day_waiting",
    .sql =
        "SELECT w.reservation_id"
        "  FROM (SELECT u.reservation_id FROM usage_interval u"
        "         WHERE u.period_start >= $1::date::timestamp AT TIME ZONE 'UTC'"
        "           AND u.period_start < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AND u.class IN ('used', 'unused')"
        "        UNION SELECT q.reservation_id FROM unpriced_usage q WHERE q.day <= $1::date) w"
        " WHERE NOT EXISTS (SELECT FROM rated_line l WHERE l.day = $1::date AND l.reservation_id = w.reservation_id)"
        " ORDER BY 1",
    .params = 1,
};

/* Their usage: of the day, and of days that had no price. Columns are enum usage_column. */
// clang-format off
static const struct db_stmt statement_usage = {
    .name = "rate_day_usage",
    .sql = "WITH " USAGE_CHOSEN("unnest($2::uuid[]) AS x (id)")
           "  SELECT c.*, $1::date AS day, u.node_id, u.period_start, u.period_end, u.gpu_milli, u.class"
           "    FROM chosen c JOIN usage_interval u ON u.reservation_id = c.id AND u.class IN ('used', 'unused')"
           "     AND u.period_start >= $1::date::timestamp AT TIME ZONE 'UTC'"
           "     AND u.period_start < ($1::date + 1)::timestamp AT TIME ZONE 'UTC'"
           "  UNION ALL"
           "  SELECT c.*, w.day, u.node_id, u.period_start, u.period_end, u.gpu_milli, u.class"
           "    FROM chosen c JOIN unpriced_usage w ON w.reservation_id = c.id AND w.day < $1::date"
           "    JOIN usage_interval u ON u.reservation_id = c.id AND u.class IN ('used', 'unused')"
           "     AND u.period_start >= w.day::timestamp AT TIME ZONE 'UTC'"
           "     AND u.period_start < (w.day + 1)::timestamp AT TIME ZONE 'UTC'"
           USAGE_SUMMED,
    .params = 2,
};
// clang-format on

static const struct db_stmt statement_oldest = {
    .name = "rate_day_oldest",
    .sql = "SELECT extract(epoch FROM min(day))::bigint FROM unpriced_usage",
    .params = 0,
};

const struct db_stmt *const rate_day_statements[] = {
    &statement_waiting,
    &statement_usage,
    &statement_oldest,
    NULL,
};

/* ---- A chunk ---- */

struct rating_chunk {
    int64_t day;
    struct rate_scope scope;
    const PGresult *waiting; /* reservations, in order; */
    int first, end;          /* those of the chunk */
    int most;                /* so many in the next one */
    const char *unfit;       /* of a chunk of one that is held: why it fits no number */
};

/* What a chunk found out. */
struct findings {
    struct rated_lines lines;
    struct db_array rated_reservation, rated_day;
    struct held_days held;
};

static void findings_release(struct findings *findings)
{
    rated_lines_release(&findings->lines);
    db_array_clear(&findings->rated_reservation);
    db_array_clear(&findings->rated_day);
    held_days_release(&findings->held);
}

/* One reservation's day, rows [first, end): all of it is rated, or all of it waits. */
static enum err_kind rate_reservation_day(struct findings *findings, const struct price_book *book,
                                          const PGresult *rows, int first, int end, struct err *reterr)
{
    struct err err = {0};
    int unpriced = first;
    enum err_kind kind = usage_lines_add_day(&findings->lines, book, rows, first, end, NULL, &unpriced, &err);
    if (kind == ERR_NOT_FOUND) {
        held_days_add(&findings->held, rows, first, end, unpriced, NULL);
        return ERR_NONE;
    }
    if (kind != ERR_NONE) {
        *reterr = err;
        return kind;
    }
    db_array_text(&findings->rated_reservation, db_text(rows, first, USAGE_COLUMN_RESERVATION));
    db_array_text(&findings->rated_day, db_text(rows, first, USAGE_COLUMN_DAY));
    return ERR_NONE;
}

static enum err_kind post_lines(struct db *db, const struct rating_chunk *chunk, struct rated_lines *lines,
                                struct err *reterr)
{
    enum err_kind kind = rated_lines_merge(lines, reterr);
    CLEANUP(rated_lines_release) struct rated_lines rest = {0};
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    rate_scope_split(&chunk->scope, lines, &rest);
    if (kind == ERR_NONE)
        kind = rate_alone(db, &chunk->scope, lines, &rows, reterr);
    for (size_t i = 0; i < rest.count; i++)
        rated_lines_push(lines, &rest.list[i]);
    if (kind == ERR_NONE)
        kind = rated_lines_write(lines, &(struct rated_place){.day = chunk->day}, db, reterr);
    if (kind == ERR_NONE)
        metric_add(&metric_lines, (int64_t)lines->count);
    return kind;
}

static enum err_kind post_findings(struct db *db, const struct rating_chunk *chunk, struct findings *findings,
                                   struct err *reterr)
{
    enum err_kind kind = post_lines(db, chunk, &findings->lines, reterr);
    if (kind == ERR_NONE)
        kind = held_days_free(db, &findings->rated_reservation, &findings->rated_day, reterr);
    return kind == ERR_NONE ? held_days_write(&findings->held, db, reterr) : kind;
}

static enum err_kind load_usage(struct db *db, const struct rating_chunk *chunk, PGresult **ret, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(chunk->day, date);
    CLEANUP(db_array_clear) struct db_array reservations = {0};
    for (int row = chunk->first; row < chunk->end; row++)
        db_array_text(&reservations, db_text(chunk->waiting, row, 0));
    return db_run(db, &statement_usage, DB_PARAMS(date, db_array_param(&reservations)), ret, reterr);
}

static enum err_kind rate_chunk(struct db *db, void *context, struct err *reterr)
{
    const struct rating_chunk *chunk = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(findings_release) struct findings findings = {0};
    enum err_kind kind = load_usage(db, chunk, &rows, reterr);
    for (int row = 0, next; kind == ERR_NONE && row < PQntuples(rows); row = next) {
        next = db_run_end(rows, row, USAGE_COLUMN_DAY);
        kind = rate_reservation_day(&findings, chunk->scope.book, rows, row, next, reterr);
    }
    return kind == ERR_NONE ? post_findings(db, chunk, &findings, reterr) : kind;
}

/* All days of the chunk wait. */
static enum err_kind hold_chunk(struct db *db, void *context, struct err *reterr)
{
    const struct rating_chunk *chunk = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(held_days_release) struct held_days held = {0};
    enum err_kind kind = load_usage(db, chunk, &rows, reterr);
    for (int row = 0, next; kind == ERR_NONE && row < PQntuples(rows); row = next) {
        next = db_run_end(rows, row, USAGE_COLUMN_DAY);
        held_days_add(&held, rows, row, next, row, chunk->unfit);
    }
    return kind == ERR_NONE ? held_days_write(&held, db, reterr) : kind;
}

/* An amount that fits no number is its reservation's own fault, and stops nobody else: the chunk is halved until it
 * stands alone and waits. Chunks grow again with each that went well. */
static enum err_kind rate_or_hold(struct leader *leader, struct rating_chunk *chunk, struct err *reterr)
{
    struct err err = {0};
    int size = chunk->end - chunk->first;
    enum err_kind kind = leader_transact(leader, rate_chunk, chunk, &err);
    chunk->most = size < CHUNK_RESERVATIONS / 2 ? size * 2 : CHUNK_RESERVATIONS;
    if (kind == ERR_INVALID && size > 1) {
        chunk->most = size / 2;
        chunk->end = chunk->first;
        return ERR_NONE;
    }
    if (kind == ERR_INVALID) {
        chunk->unfit = err.text;
        return leader_transact(leader, hold_chunk, chunk, reterr);
    }
    if (kind != ERR_NONE)
        *reterr = err;
    return kind;
}

enum err_kind rate_day_journals(struct db *db, int64_t day, struct err *reterr)
{
    enum err_kind kind = journal_post_rating(db, day, reterr);
    return kind == ERR_NONE ? credit_day_rated(db, calendar_time_of_day(day + 1), reterr) : kind;
}

enum err_kind rate_day_book(struct db *db, int64_t day, struct price_book *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *oldest = NULL;
    enum err_kind kind = db_run(db, &statement_oldest, DB_NO_PARAMS, &oldest, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t day_s = calendar_time_of_day(day);
    int64_t oldest_s = db_int(oldest, 0, 0, day_s);
    struct price_scope scope = {.from_s = least_of(oldest_s, day_s) - RATE_BEFORE_DAYS * CALENDAR_DAY_S,
                                .to_s = calendar_time_of_day(day + 1)};
    return price_book_load(db, &scope, ret, reterr);
}

static enum err_kind rate_chunks(struct leader *leader, int64_t day, const struct price_book *book, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(rate_scope_release) struct rate_scope scope = {0};
    CLEANUP(db_result_clear) PGresult *waiting = NULL;
    enum err_kind kind = rate_scope_load(leader->db, day, book, &scope, reterr);
    if (kind == ERR_NONE)
        kind = db_run(leader->db, &statement_waiting, DB_PARAMS(date), &waiting, reterr);
    struct rating_chunk chunk = {.day = day, .scope = scope, .waiting = waiting, .most = CHUNK_RESERVATIONS};
    int count = kind == ERR_NONE ? PQntuples(waiting) : 0;
    for (; chunk.first < count && kind == ERR_NONE; chunk.first = chunk.end) {
        chunk.end = chunk.most < count - chunk.first ? chunk.first + chunk.most : count;
        kind = rate_or_hold(leader, &chunk, reterr);
    }
    return kind;
}

enum err_kind rate_day(struct leader *leader, int64_t day, struct err *reterr)
{
    CLEANUP(price_book_release) struct price_book book = {0};
    enum err_kind kind = rate_day_book(leader->db, day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_chunks(leader, day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_tenants(leader, day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_rules(leader, day, &book, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "rating");
}
