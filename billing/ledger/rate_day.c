/* Rating a day, a chunk of reservations per transaction; then a journal per tenant in one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_day.h"

#include "billing/ledger/journal.h"
#include "billing/ledger/rate_groups.h"
#include "common/alloc.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"

#include <stdio.h>
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
}

/* What waits to be rated: the day's usage, and days that had no price. A row per reservation, day, sku and span. */
static const struct db_stmt statement_usage = {
    .name = "rate_day_usage",
    .sql = "WITH waiting AS ("
           "  SELECT u.reservation_id, $1::date AS day FROM usage_interval u"
           "   WHERE u.period_start >= $1::date::timestamp AT TIME ZONE 'UTC'"
           "     AND u.period_start < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AND u.class IN ('used', 'unused')"
           "  UNION SELECT w.reservation_id, w.day FROM unpriced_usage w WHERE w.day <= $1::date"
           "), chosen AS ("
           "  SELECT DISTINCT w.reservation_id FROM waiting w"
           "   WHERE w.reservation_id > $2::uuid AND NOT EXISTS ("
           "    SELECT FROM rated_line l WHERE l.day = $1::date AND l.reservation_id = w.reservation_id)"
           "   ORDER BY 1 LIMIT $3::bigint"
           "), usage AS ("
           "  SELECT w.reservation_id, w.day, u.node_id, u.period_start, u.period_end, u.gpu_milli, u.class"
           "    FROM chosen c JOIN waiting w ON w.reservation_id = c.reservation_id"
           "    JOIN usage_interval u ON u.reservation_id = w.reservation_id AND u.class IN ('used', 'unused')"
           "     AND u.period_start >= w.day::timestamp AT TIME ZONE 'UTC'"
           "     AND u.period_start < (w.day + 1)::timestamp AT TIME ZONE 'UTC'"
           ")"
           " SELECT u.reservation_id, r.tenant_id, u.day - date '1970-01-01',"
           "   CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS kind,"
           "   CASE WHEN r.instance_type_id IS NULL THEN n.gpu_model ELSE i.name END AS sku, r.tier, t.currency,"
           "   extract(epoch FROM u.period_start)::bigint, extract(epoch FROM u.period_end)::bigint,"
           "   sum(u.gpu_milli), count(*), u.class = 'used' OR r.tier <> 'preemptible' AS billed,"
           "   extract(epoch FROM b.month AT TIME ZONE t.billing_timezone)::bigint,"
           "   extract(epoch FROM (b.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint,"
           "   extract(epoch FROM (b.month + interval '2 months') AT TIME ZONE t.billing_timezone)::bigint"
           "  FROM usage u JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id"
           "  LEFT JOIN instance_type i ON i.id = r.instance_type_id LEFT JOIN node n ON n.id = u.node_id"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month',"
           "    u.day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE t.billing_timezone) AS month) b"
           " GROUP BY u.reservation_id, u.day, kind, sku, r.tier, t.currency, u.period_start, u.period_end, billed,"
           "   r.tenant_id, b.month, t.billing_timezone"
           " ORDER BY u.reservation_id, u.day, kind, sku, u.period_start, u.period_end",
    .params = 3,
};

enum {
    COLUMN_RESERVATION,
    COLUMN_TENANT,
    COLUMN_DAY,
    COLUMN_KIND,
    COLUMN_SKU,
    COLUMN_TIER,
    COLUMN_CURRENCY,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_GPU_MILLI,
    COLUMN_INSTANCES,
    COLUMN_BILLED,
    COLUMN_PERIOD,
};

static const struct db_stmt statement_prior = {
    .name = "rate_day_prior",
    .sql = "SELECT reservation_id, price_id, extract(epoch FROM period_start)::bigint, sum(gpu_milli_seconds),"
           "       sum(amount_u)"
           "  FROM rated_line WHERE reservation_id = ANY ($1::uuid[]) AND period_start >= to_timestamp($2::bigint)"
           " GROUP BY 1, 2, 3",
    .params = 2,
};

static const struct db_stmt statement_periods = {
    .name = "rate_day_periods",
    .sql = "INSERT INTO billing_period (tenant_id, starts_at, ends_at)"
           " SELECT DISTINCT t, to_timestamp(s), to_timestamp(e)"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS x (t, s, e)"
           " ON CONFLICT (tenant_id, starts_at) DO NOTHING",
    .params = 3,
};

static const struct db_stmt statement_priced = {
    .name = "rate_day_priced",
    .sql = "DELETE FROM unpriced_usage w USING unnest($1::uuid[], $2::bigint[]) AS x (reservation_id, day)"
           " WHERE w.reservation_id = x.reservation_id AND w.day = date '1970-01-01' + x.day::integer",
    .params = 2,
};

static const struct db_stmt statement_unpriced = {
    .name = "rate_day_unpriced",
    .sql = "INSERT INTO unpriced_usage (day, reservation_id, tenant_id, sku, gpu_milli_seconds)"
           " SELECT date '1970-01-01' + x.day::integer, x.reservation_id, x.tenant_id, x.sku, x.amount"
           "   FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[])"
           "     AS x (reservation_id, tenant_id, day, sku, amount)"
           " ON CONFLICT (day, reservation_id) DO NOTHING",
    .params = 5,
};

static const struct db_stmt statement_oldest = {
    .name = "rate_day_oldest",
    .sql = "SELECT extract(epoch FROM min(day))::bigint FROM unpriced_usage",
    .params = 0,
};

static const struct db_stmt statement_lines = {
    .name = "rate_day_lines",
    .sql = "INSERT INTO rated_line (day, tenant_id, reservation_id, price_id, period_start, seconds, gpu_milli_seconds,"
           "  currency, list_u, contracted_u, effective_u, amount_u)"
           " SELECT date '1970-01-01' + x.day::integer, x.t, x.r, x.p, to_timestamp(x.period_start), x.seconds,"
           "  x.gpu_milli_seconds, x.currency, x.amount_u, x.amount_u, x.amount_u, x.amount_u"
           "   FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],"
           "    $8::text[], $9::bigint[])"
           "    AS x (day, t, r, p, period_start, seconds, gpu_milli_seconds, currency, amount_u)",
    .params = 9,
};

const struct db_stmt *const rate_day_statements[] = {
    &statement_usage,    &statement_prior,  &statement_periods, &statement_priced,
    &statement_unpriced, &statement_oldest, &statement_lines,   NULL,
};

/* ---- A chunk ---- */

struct rating_chunk {
    int64_t day;
    const struct price_book *book;
    struct identity last; /* of the reservations before */
    bool more;            /* out */
};

/* What a chunk found out. */
struct findings {
    struct rate_groups groups;
    struct db_array priced_reservation, priced_day;
    struct db_array held_reservation, held_tenant, held_day, held_sku, held_amount;
};

static void findings_release(struct findings *findings)
{
    rate_groups_release(&findings->groups);
    struct db_array *const arrays[] = {
        &findings->priced_reservation, &findings->priced_day, &findings->held_reservation, &findings->held_tenant,
        &findings->held_day,           &findings->held_sku,   &findings->held_amount,
    };
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

/* The end of the run of rows from first on that are alike in the columns up to last_column. */
static int run_end(const PGresult *rows, int first, int last_column)
{
    int end = first + 1;
    for (; end < PQntuples(rows); end++) {
        for (int column = 0; column <= last_column; column++) {
            if (strcmp(PQgetvalue(rows, end, column), PQgetvalue(rows, first, column)) != 0)
                return end;
        }
    }
    return end;
}

/* The usage of rows [first, end), which are one reservation, day and sku. Unbilled rows are left out. */
static enum err_kind add_sku(struct rate_groups *groups, const struct price_book *book, const PGresult *rows, int first,
                             int end, struct err *reterr)
{
    size_t most = (size_t)(end - first);
    struct rating_usage *gpus = alloc_zero(most, sizeof *gpus);
    struct rating_usage *instances = alloc_zero(most, sizeof *instances);
    struct rate_usage usage = {
        .reservation = db_identity(rows, first, COLUMN_RESERVATION),
        .tenant = db_identity(rows, first, COLUMN_TENANT),
        .sku = {.kind = db_text(rows, first, COLUMN_KIND),
                .name = db_text(rows, first, COLUMN_SKU) != NULL ? db_text(rows, first, COLUMN_SKU) : "",
                .tier = db_text(rows, first, COLUMN_TIER),
                .currency = db_text(rows, first, COLUMN_CURRENCY)},
        .gpus = gpus,
        .instances = instances,
    };
    for (int i = 0; i < 3; i++)
        usage.period_s[i] = db_int(rows, first, COLUMN_PERIOD + i, 0);
    for (int row = first; row < end; row++) {
        if (!db_bool(rows, row, COLUMN_BILLED))
            continue;
        struct rating_span span = {.from_s = db_int(rows, row, COLUMN_FROM, 0),
                                   .to_s = db_int(rows, row, COLUMN_TO, 0)};
        gpus[usage.count] = (struct rating_usage){span, db_int(rows, row, COLUMN_GPU_MILLI, 0)};
        instances[usage.count++] = (struct rating_usage){span, db_int(rows, row, COLUMN_INSTANCES, 0)};
    }
    enum err_kind kind = rate_groups_add(groups, book, &usage, reterr);
    free(gpus);
    free(instances);
    return kind;
}

/* Puts a reservation's day on the list of what waits for a price. */
static void hold(struct findings *findings, const PGresult *rows, int first, int end, int unpriced_row,
                 const struct err *err)
{
    char sku[256];
    (void)snprintf(sku, sizeof sku, "%s %s, %s, %s", db_text(rows, unpriced_row, COLUMN_KIND),
                   PQgetvalue(rows, unpriced_row, COLUMN_SKU), db_text(rows, unpriced_row, COLUMN_TIER),
                   db_text(rows, unpriced_row, COLUMN_CURRENCY)); /* a long name is cut */
    int64_t amount = 0;
    for (int row = first; row < end; row++) {
        int64_t length_s = db_int(rows, row, COLUMN_TO, 0) - db_int(rows, row, COLUMN_FROM, 0);
        if (db_bool(rows, row, COLUMN_BILLED))
            amount += length_s * db_int(rows, row, COLUMN_GPU_MILLI, 0);
    }
    db_array_text(&findings->held_reservation, db_text(rows, first, COLUMN_RESERVATION));
    db_array_text(&findings->held_tenant, db_text(rows, first, COLUMN_TENANT));
    db_array_text(&findings->held_day, db_text(rows, first, COLUMN_DAY));
    db_array_text(&findings->held_sku, sku);
    db_array_int(&findings->held_amount, amount);
    metric_add(&metric_unpriced, 1);
    log_event(LOG_LEVEL_ERROR, "usage_without_price", LOG_TEXT("reservation", db_text(rows, first, COLUMN_RESERVATION)),
              LOG_TEXT("sku", sku), LOG_TEXT("why", err->text));
}

/* One reservation's day, rows [first, end): all of it is rated, or all of it waits. */
static enum err_kind rate_reservation_day(struct findings *findings, const struct price_book *book,
                                          const PGresult *rows, int first, int end, struct err *reterr)
{
    size_t before = findings->groups.count;
    for (int row = first, next; row < end; row = next) {
        struct err err = {0};
        next = run_end(rows, row, COLUMN_CURRENCY);
        enum err_kind kind = add_sku(&findings->groups, book, rows, row, next, &err);
        if (kind == ERR_NOT_FOUND) {
            rate_groups_truncate(&findings->groups, before);
            hold(findings, rows, first, end, row, &err);
            return ERR_NONE;
        }
        if (kind != ERR_NONE) {
            *reterr = err;
            return kind;
        }
    }
    db_array_text(&findings->priced_reservation, db_text(rows, first, COLUMN_RESERVATION));
    db_array_text(&findings->priced_day, db_text(rows, first, COLUMN_DAY));
    return ERR_NONE;
}

/* What was rated before of the same groups. */
static enum err_kind load_prior(struct db *db, struct rate_groups *groups, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array reservations = {0};
    int64_t least_s = INT64_MAX;
    for (size_t i = 0; i < groups->count; i++) {
        const struct rate_group *group = &groups->list[i];
        if (i == 0 || memcmp(&group->reservation, &group[-1].reservation, sizeof group->reservation) != 0)
            db_array_identity(&reservations, group->reservation);
        least_s = group->period_start_s < least_s ? group->period_start_s : least_s;
    }
    char from[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_prior,
                                DB_PARAMS(db_array_param(&reservations), db_int_param(from, least_s)), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct rate_group *group =
            rate_groups_find(groups, db_identity(rows, row, 0), db_identity(rows, row, 1), db_int(rows, row, 2, 0));
        if (group == NULL)
            continue; /* not in this chunk's day */
        group->prior_gpu_milli_s = db_int(rows, row, 3, 0);
        group->prior_u = db_int(rows, row, 4, 0);
    }
    return kind;
}

static void add_line(struct bulk_rows *rows, int64_t day, const struct rate_group *group, int64_t delta_u)
{
    db_array_int(&rows->columns[0], day);
    db_array_identity(&rows->columns[1], group->tenant);
    db_array_identity(&rows->columns[2], group->reservation);
    db_array_identity(&rows->columns[3], group->price);
    db_array_int(&rows->columns[4], group->period_start_s);
    db_array_int(&rows->columns[5], group->seconds);
    db_array_int(&rows->columns[6], group->gpu_milli_s);
    db_array_text(&rows->columns[7], group->currency);
    db_array_int(&rows->columns[8], delta_u);
}

static enum err_kind open_periods(struct db *db, const struct rate_groups *groups, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array tenants = {0};
    CLEANUP(db_array_clear) struct db_array starts = {0};
    CLEANUP(db_array_clear) struct db_array ends = {0};
    for (size_t i = 0; i < groups->count; i++) {
        db_array_identity(&tenants, groups->list[i].tenant);
        db_array_int(&starts, groups->list[i].period_start_s);
        db_array_int(&ends, groups->list[i].period_end_s);
    }
    return db_run(db, &statement_periods,
                  DB_PARAMS(db_array_param(&tenants), db_array_param(&starts), db_array_param(&ends)), NULL, reterr);
}

static enum err_kind post_lines(struct db *db, int64_t day, struct rate_groups *groups, struct err *reterr)
{
    if (groups->count == 0)
        return ERR_NONE;
    enum err_kind kind = load_prior(db, groups, reterr);
    CLEANUP(bulk_rows_release) struct bulk_rows rows = {0};
    for (size_t i = 0; kind == ERR_NONE && i < groups->count; i++) {
        const struct rate_group *group = &groups->list[i];
        struct rating_line line = {.unit_price_u = group->unit_price_u,
                                   .gpu_milli_s = group->prior_gpu_milli_s + group->gpu_milli_s,
                                   .rated_u = group->prior_u};
        kind = rating_rate(&line, 1, reterr);
        add_line(&rows, day, group, line.delta_u);
    }
    if (kind == ERR_NONE)
        kind = open_periods(db, groups, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&rows, db, &statement_lines, reterr);
    if (kind == ERR_NONE)
        metric_add(&metric_lines, (int64_t)groups->count);
    return kind;
}

static enum err_kind post_findings(struct db *db, int64_t day, struct findings *findings, struct err *reterr)
{
    rate_groups_merge(&findings->groups);
    enum err_kind kind = post_lines(db, day, &findings->groups, reterr);
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
    struct rating_chunk *chunk = context;
    char date[CALENDAR_DATE_SIZE];
    char last[UUID_TEXT_SIZE];
    char limit[DB_INT_TEXT_SIZE];
    calendar_date_print(chunk->day, date);
    identity_to_uuid(chunk->last, last);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_usage, DB_PARAMS(date, last, db_int_param(limit, CHUNK_RESERVATIONS)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    int count = PQntuples(rows);
    int reservations = 0;
    CLEANUP(findings_release) struct findings findings = {0};
    for (int row = 0, next; row < count && kind == ERR_NONE; row = next) {
        next = run_end(rows, row, COLUMN_DAY);
        reservations += row == 0 || run_end(rows, row - 1, COLUMN_RESERVATION) == row;
        kind = rate_reservation_day(&findings, chunk->book, rows, row, next, reterr);
    }
    chunk->more = reservations == CHUNK_RESERVATIONS;
    if (kind == ERR_NONE)
        kind = post_findings(db, chunk->day, &findings, reterr);
    if (kind == ERR_NONE && count > 0)
        chunk->last = db_identity(rows, count - 1, COLUMN_RESERVATION);
    return kind;
}

static enum err_kind post_journals(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    return journal_post_rating(db, *day, reterr);
}

enum err_kind rate_day(struct leader *leader, int64_t day, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *oldest = NULL;
    enum err_kind kind = db_run(leader->db, &statement_oldest, DB_NO_PARAMS, &oldest, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t day_s = calendar_time_of_day(day);
    int64_t oldest_s = db_int(oldest, 0, 0, day_s);
    CLEANUP(price_book_release) struct price_book book = {0};
    kind =
        price_book_load(leader->db, oldest_s < day_s ? oldest_s : day_s, calendar_time_of_day(day + 1), &book, reterr);
    struct rating_chunk chunk = {.day = day, .book = &book, .more = true};
    while (kind == ERR_NONE && chunk.more)
        kind = leader_transact(leader, rate_chunk, &chunk, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, post_journals, &day, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "rating");
}
