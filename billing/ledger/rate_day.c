/* Rating a day: a chunk of reservations per transaction, then what depends on all of a tenant's usage, then what is
 * charged and credited by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_day.h"

#include "billing/ledger/credit_keep.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

#include <string.h>

#define CHUNK_RESERVATIONS 2000 /* a transaction stays below a second */

static struct metric metric_lines = {
    .name = "sluice_billing_rated_lines_total", .type = METRIC_COUNTER, .help = "Rated lines posted"};
static struct metric metric_unpriced = {.name = "sluice_billing_unpriced_reservation_days_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Reservation-days found without a price; they wait in unpriced_usage"};

void rate_day_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_lines, &metric_unpriced};
    metric_register(metrics, COUNT_OF(metrics));
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

static const struct db_stmt statement_priced = {
    .name = "rate_day_priced",
    .sql = "DELETE FROM unpriced_usage w USING unnest($1::uuid[], $2::bigint[]) AS x (reservation_id, day)"
           " WHERE w.reservation_id = x.reservation_id AND w.day = date '1970-01-01' + x.day::integer",
    .params = 2,
};

/* Of a day that waits there may be more by now: what came late. */
static const struct db_stmt statement_unpriced = {
    .name = "rate_day_unpriced",
    .sql = "INSERT INTO unpriced_usage AS w (day, reservation_id, tenant_id, sku, gpu_milli_seconds)"
           " SELECT date '1970-01-01' + x.day::integer, x.reservation_id, x.tenant_id, x.sku, x.amount"
           "   FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[])"
           "     AS x (reservation_id, tenant_id, day, sku, amount)"
           " ON CONFLICT (day, reservation_id) DO UPDATE SET sku = excluded.sku,"
           "  gpu_milli_seconds = excluded.gpu_milli_seconds WHERE w.gpu_milli_seconds <> excluded.gpu_milli_seconds",
    .params = 5,
};

static const struct db_stmt statement_oldest = {
    .name = "rate_day_oldest",
    .sql = "SELECT extract(epoch FROM min(day))::bigint FROM unpriced_usage",
    .params = 0,
};

const struct db_stmt *const rate_day_statements[] = {
    &statement_waiting, &statement_usage, &statement_priced, &statement_unpriced, &statement_oldest, NULL,
};

/* ---- A chunk ---- */

struct rating_chunk {
    int64_t day;
    struct rate_scope scope;
    const PGresult *waiting; /* reservations, in order; */
    int first, end;          /* those of the chunk */
};

/* What a chunk found out. */
struct findings {
    struct rated_lines lines;
    struct db_array priced_reservation, priced_day;
    struct db_array held_reservation, held_tenant, held_day, held_sku, held_amount;
};

static void findings_release(struct findings *findings)
{
    rated_lines_release(&findings->lines);
    struct db_array *const arrays[] = {
        &findings->priced_reservation, &findings->priced_day, &findings->held_reservation, &findings->held_tenant,
        &findings->held_day,           &findings->held_sku,   &findings->held_amount,
    };
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

/* Puts a reservation's day on the list of what waits for a price. */
static void hold(struct findings *findings, const PGresult *rows, int first, int end, int unpriced_row,
                 const struct err *err)
{
    char sku[USAGE_SKU_SIZE];
    usage_sku_print(rows, unpriced_row, sku);
    const char *reservation = db_text(rows, first, USAGE_COLUMN_RESERVATION);
    db_array_text(&findings->held_reservation, reservation);
    db_array_text(&findings->held_tenant, db_text(rows, first, USAGE_COLUMN_TENANT));
    db_array_text(&findings->held_day, db_text(rows, first, USAGE_COLUMN_DAY));
    db_array_text(&findings->held_sku, sku);
    db_array_int(&findings->held_amount, usage_billable(rows, first, end));
    metric_add(&metric_unpriced, 1);
    log_event(LOG_LEVEL_ERROR, "usage_without_price", LOG_TEXT("reservation", reservation), LOG_TEXT("sku", sku),
              LOG_TEXT("why", err->text));
}

/* One reservation's day, rows [first, end): all of it is rated, or all of it waits. */
static enum err_kind rate_reservation_day(struct findings *findings, const struct price_book *book,
                                          const PGresult *rows, int first, int end, struct err *reterr)
{
    struct err err = {0};
    int unpriced = first;
    enum err_kind kind = usage_lines_add_day(&findings->lines, book, rows, first, end, NULL, &unpriced, &err);
    if (kind == ERR_NOT_FOUND) {
        hold(findings, rows, first, end, unpriced, &err);
        return ERR_NONE;
    }
    if (kind != ERR_NONE) {
        *reterr = err;
        return kind;
    }
    db_array_text(&findings->priced_reservation, db_text(rows, first, USAGE_COLUMN_RESERVATION));
    db_array_text(&findings->priced_day, db_text(rows, first, USAGE_COLUMN_DAY));
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
    if (kind == ERR_NONE && findings->priced_reservation.count > 0) {
        kind = db_run(db, &statement_priced,
                      DB_PARAMS(db_array_param(&findings->priced_reservation), db_array_param(&findings->priced_day)),
                      NULL, reterr);
    }
    if (kind == ERR_NONE && findings->held_reservation.count > 0) {
        kind = db_run(db, &statement_unpriced,
                      DB_PARAMS(db_array_param(&findings->held_reservation), db_array_param(&findings->held_tenant),
                                db_array_param(&findings->held_day), db_array_param(&findings->held_sku),
                                db_array_param(&findings->held_amount)),
                      NULL, reterr);
    }
    return kind;
}

static enum err_kind rate_chunk(struct db *db, void *context, struct err *reterr)
{
    const struct rating_chunk *chunk = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(chunk->day, date);
    CLEANUP(db_array_clear) struct db_array reservations = {0};
    for (int row = chunk->first; row < chunk->end; row++)
        db_array_text(&reservations, db_text(chunk->waiting, row, 0));
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_usage, DB_PARAMS(date, db_array_param(&reservations)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(findings_release) struct findings findings = {0};
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        next = db_run_end(rows, row, USAGE_COLUMN_DAY);
        kind = rate_reservation_day(&findings, chunk->scope.book, rows, row, next, reterr);
    }
    return kind == ERR_NONE ? post_findings(db, chunk, &findings, reterr) : kind;
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
    struct price_scope scope = {.from_s = (oldest_s < day_s ? oldest_s : day_s) - RATE_BEFORE_DAYS * CALENDAR_DAY_S,
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
    struct rating_chunk chunk = {.day = day, .scope = scope, .waiting = waiting};
    int count = kind == ERR_NONE ? PQntuples(waiting) : 0;
    for (; chunk.first < count && kind == ERR_NONE; chunk.first = chunk.end) {
        chunk.end = chunk.first + CHUNK_RESERVATIONS < count ? chunk.first + CHUNK_RESERVATIONS : count;
        kind = leader_transact(leader, rate_chunk, &chunk, reterr);
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
