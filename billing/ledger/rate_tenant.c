/* Rating a tenant's billing period as a whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_tenant.h"

#include "billing/ledger/commitments.h"
#include "billing/ledger/rate_lines.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/usage_lines.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

#include <string.h>

static struct metric metric_periods = {.name = "sluice_billing_tenant_periods_rated_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Billing periods of tenants that were rated as a whole"};
static struct metric metric_corrected = {.name = "sluice_billing_corrections_total",
                                         .type = METRIC_COUNTER,
                                         .help = "Lines that correct a closed billing period"};
static struct metric metric_refused = {.name = "sluice_billing_reratings_refused_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Billing periods that could not be rated anew: a second has no price"};

void rate_tenant_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_periods, &metric_corrected, &metric_refused};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Periods that the day's usage, the day itself or something that came late touches: a price that was withdrawn, one that
 * begins on a day before the one on which it was made, a correction, usage of a closed day. What came late is looked at
 * for a week: it is done when it changes nothing any more, however often the day is closed. A correction's 31 days at
 * most may hold a whole February and touch the months beside it: the middle tells. A list price fills a gap: it is news
 * for what waits, which the day itself sees to, for what came late, and for whoever has a price of its own beside it. */
static const struct db_stmt statement_due = {
    .name = "rate_tenant_due",
    .sql =
        "WITH bounds AS (SELECT $1::date::timestamp AT TIME ZONE 'UTC' AS starts,"
        "                       ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AS ends"
        "), touched AS ("
        "  SELECT l.tenant_id, l.period_start AS at, false AS anew FROM rated_line l JOIN price p ON p.id = l.price_id"
        "   WHERE l.day = $1::date AND l.corrects IS NULL AND (p.model <> 'flat' OR l.tenant_id IN ("
        "    SELECT c.tenant_id FROM commitment c, bounds b"
        "     WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts - interval '63 days', b.ends)))"
        "  UNION ALL"
        "  SELECT c.tenant_id, greatest(c.starts_at, b.starts), false FROM commitment c, bounds b"
        "   WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts, b.ends)"
        "  UNION ALL"
        "  SELECT c.tenant_id, least(c.ends_at, b.ends) - interval '1 second', false FROM commitment c, bounds b"
        "   WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts, b.ends)"
        "  UNION ALL"
        "  SELECT l.tenant_id, coalesce(l.corrects, l.period_start), true"
        "    FROM rated_line l JOIN price p ON p.id = l.price_id, bounds b"
        "   WHERE p.withdrawn_at >= b.starts - interval '7 days' AND p.withdrawn_at < b.ends"
        "   GROUP BY l.tenant_id, 2, p.id HAVING sum(l.gpu_milli_seconds) <> 0"
        "  UNION ALL"
        "  SELECT o.tenant_id, o.starts_at, true"
        "    FROM bounds b, price p JOIN billing_period o ON tstzrange(o.starts_at, o.ends_at) && p.valid"
        "   WHERE p.created_at >= b.starts - interval '7 days' AND p.created_at < b.ends AND p.withdrawn_at IS NULL"
        "     AND lower(p.valid) < date_trunc('day', p.created_at, 'UTC') AND o.starts_at < b.ends"
        "     AND (o.tenant_id = p.tenant_id OR p.tenant_id IS NULL AND ("
        "      EXISTS (SELECT FROM price q WHERE q.tenant_id = o.tenant_id AND q.sku_kind = p.sku_kind AND q.sku = p.sku"
        "                 AND q.tier = p.tier AND q.currency = p.currency AND q.valid && p.valid)"
        "      OR EXISTS (SELECT FROM late_usage u WHERE u.tenant_id = o.tenant_id"
        "                    AND u.period_start < o.ends_at AND u.period_end > o.starts_at)"
        "      OR EXISTS (SELECT FROM usage_correction c WHERE c.tenant_id = o.tenant_id"
        "                    AND c.starts_at < o.ends_at AND c.ends_at > o.starts_at)))"
        "  UNION ALL"
        "  SELECT u.tenant_id, s.at, true FROM late_usage u"
        "    CROSS JOIN LATERAL (VALUES (u.period_start), (u.period_end - interval '1 second')) AS s (at)"
        "   WHERE u.rated_with >= $1::date - 7 AND u.rated_with <= $1::date"
        "  UNION ALL"
        "  SELECT c.tenant_id, s.at, true FROM bounds b, usage_correction c"
        "    CROSS JOIN LATERAL (VALUES (c.starts_at), (c.starts_at + (c.ends_at - c.starts_at) / 2),"
        "      (c.ends_at - interval '1 second')) AS s (at)"
        "   WHERE c.created_at >= b.starts - interval '7 days' AND c.created_at < b.ends"
        "), period AS ("
        "  SELECT x.tenant_id, t.name, t.currency, t.billing_timezone AS zone,"
        "         date_trunc('month', x.at AT TIME ZONE t.billing_timezone) AS month, bool_or(x.anew) AS anew"
        "    FROM touched x JOIN tenant t ON t.id = x.tenant_id GROUP BY 1, 2, 3, 4, 5"
        ")"
        " SELECT p.tenant_id, p.currency, extract(epoch FROM p.month AT TIME ZONE p.zone)::bigint,"
        "  extract(epoch FROM (p.month + interval '1 month') AT TIME ZONE p.zone)::bigint, p.anew,"
        "  coalesce(o.status = 'closed', false),"
        "  extract(epoch FROM date_trunc('month', (b.ends - interval '1 second') AT TIME ZONE p.zone)"
        "   AT TIME ZONE p.zone)::bigint,"
        "  extract(epoch FROM (date_trunc('month', (b.ends - interval '1 second') AT TIME ZONE p.zone)"
        "   + interval '1 month') AT TIME ZONE p.zone)::bigint"
        "  FROM bounds b, period p LEFT JOIN billing_period o ON o.tenant_id = p.tenant_id"
        "   AND o.starts_at = p.month AT TIME ZONE p.zone"
        " ORDER BY p.tenant_id, p.month",
    .params = 1,
};

/* The facts of a tenant's period as far as they are closed: usage, but for days that wait for a price, and corrections.
 * Columns are enum usage_column. */
static const struct db_stmt statement_facts = {
    .name = "rate_tenant_facts",
    .sql =
        "WITH bounds AS (SELECT to_timestamp($2::bigint) AS starts,"
        "   least(to_timestamp($3::bigint), ($4::date + 1)::timestamp AT TIME ZONE 'UTC') AS ends,"
        "   ($4::date + 1)::timestamp AT TIME ZONE 'UTC' AS known"
        "), usage AS ("
        "  SELECT u.reservation_id, n.gpu_model, u.period_start, u.period_end, u.gpu_milli, u.class"
        "    FROM usage_interval u LEFT JOIN node n ON n.id = u.node_id, bounds b"
        "   WHERE u.tenant_id = $1::uuid AND u.period_start > b.starts - interval '1 day' AND u.period_start < b.ends"
        "     AND u.period_end > b.starts AND u.class IN ('used', 'unused') AND NOT EXISTS ("
        "      SELECT FROM unpriced_usage w WHERE w.reservation_id = u.reservation_id"
        "         AND w.day = (u.period_start AT TIME ZONE 'UTC')::date)"
        "  UNION ALL"
        "  SELECT c.reservation_id, c.gpu_model, greatest(c.starts_at, b.starts), least(c.ends_at, "
        "to_timestamp($3::bigint)),"
        "         c.gpu_milli, 'used' FROM usage_correction c, bounds b"
        "   WHERE c.tenant_id = $1::uuid AND c.starts_at < to_timestamp($3::bigint) AND c.ends_at > b.starts"
        "     AND c.created_at < b.known"
        ")"
        " SELECT u.reservation_id, (b.starts AT TIME ZONE 'UTC')::date - date '1970-01-01',"
        "   CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS kind,"
        "   CASE WHEN r.instance_type_id IS NULL THEN u.gpu_model ELSE i.name END AS sku,"
        "   CASE WHEN r.tier <> 'preemptible' THEN u.class END AS capacity, r.tenant_id, r.project, r.tier, t.currency,"
        "   t.billing_timezone, extract(epoch FROM u.period_start)::bigint, extract(epoch FROM u.period_end)::bigint,"
        "   u.gpu_milli, sign(u.gpu_milli)::integer, u.class = 'used' OR r.tier <> 'preemptible',"
        "   $2::bigint, $3::bigint, $3::bigint"
        "  FROM bounds b, usage u JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id"
        "  LEFT JOIN instance_type i ON i.id = r.instance_type_id"
        " ORDER BY u.reservation_id, kind, sku, capacity, u.period_start, u.period_end",
    .params = 4,
};

const struct db_stmt *const rate_tenant_statements[] = {&statement_due, &statement_facts, NULL};

enum { DUE_TENANT, DUE_CURRENCY, DUE_START, DUE_END, DUE_ANEW, DUE_CLOSED, DUE_OPEN_START, DUE_OPEN_END };

/* One period being rated. */
struct rating {
    const PGresult *due;
    int row;
    int64_t day;
    const struct price_book *book;
    int64_t starts_s, ends_s;
    bool anew, is_closed;
    struct committed committed;
    PGresult *written_rows, *fact_rows, *short_rows;
    struct rated_lines written, targets;
};

static void rating_release(struct rating *rating)
{
    committed_release(&rating->committed);
    PQclear(rating->written_rows);
    PQclear(rating->fact_rows);
    PQclear(rating->short_rows);
    rated_lines_release(&rating->written);
    rated_lines_release(&rating->targets);
}

static const char *tenant_of(const struct rating *rating)
{
    return db_text(rating->due, rating->row, DUE_TENANT);
}

/* ---- What was measured ---- */

static enum err_kind measure(struct rating *rating, struct db *db, struct err *reterr)
{
    char starts[DB_INT_TEXT_SIZE];
    char ends[DB_INT_TEXT_SIZE];
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(rating->day, date);
    enum err_kind kind = db_run(
        db, &statement_facts,
        DB_PARAMS(tenant_of(rating), db_int_param(starts, rating->starts_s), db_int_param(ends, rating->ends_s), date),
        &rating->fact_rows, reterr);
    int rows = kind == ERR_NONE ? PQntuples(rating->fact_rows) : 0;
    for (int row = 0, next; row < rows && kind == ERR_NONE; row = next) {
        int unpriced = row;
        next = usage_run_end(rating->fact_rows, row, USAGE_COLUMN_DAY);
        kind = usage_lines_add_day(&rating->targets, rating->book, rating->fact_rows, row, next, &unpriced, reterr);
    }
    return kind == ERR_NONE ? rated_lines_merge(&rating->targets, reterr) : kind;
}

/* ---- One period ---- */

/* What is not rated as usage, but follows from it and its prices. */
static enum err_kind add_minimum(struct rating *rating, struct db *db, struct err *reterr)
{
    int64_t known_s = calendar_time_of_day(rating->day + 1);
    struct rating_span span = {.from_s = rating->starts_s, .to_s = rating->ends_s};
    if (span.to_s > known_s)
        span.to_s = known_s;
    return rate_rules_minimum(db, tenant_of(rating), span, rating->book, &rating->short_rows, &rating->targets,
                              reterr);
}

static enum err_kind rate(struct rating *rating, struct db *db, struct err *reterr)
{
    struct committed *committed = &rating->committed;
    enum err_kind kind = rated_lines_of_period(db, tenant_of(rating), rating->starts_s, rating->anew,
                                               &rating->written_rows, &rating->written, reterr);
    if (kind == ERR_NONE)
        kind = committed_load(db, tenant_of(rating), rating->starts_s, rating->ends_s, committed, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (rating->anew)
        kind = measure(rating, db, reterr);
    else
        kind = rate_lines_fold(&rating->written, &rating->targets, reterr);
    if (!rating->anew) {
        rate_lines_drop_unknown(rating->book, &rating->targets);
        rate_lines_drop_unknown(rating->book, &rating->written);
    }
    if (kind == ERR_NONE)
        kind = rate_lines(&rating->targets, rating->book, committed->list, committed->count, reterr);
    bool is_over = rating->ends_s <= calendar_time_of_day(rating->day + 1);
    if (kind == ERR_NONE)
        kind = committed_add_fees(committed, is_over, &rating->targets, reterr);
    if (kind == ERR_NONE && rating->anew)
        kind = add_minimum(rating, db, reterr);
    if (kind == ERR_NONE)
        kind = committed_write(committed, db, is_over ? rating->ends_s : calendar_time_of_day(rating->day + 1), reterr);
    return kind == ERR_NONE ? rated_lines_subtract(&rating->targets, &rating->written, reterr) : kind;
}

static enum err_kind write(struct rating *rating, struct db *db, struct err *reterr)
{
    const struct rated_place place = {.day = rating->day,
                                      .is_correction = rating->is_closed,
                                      .period_start_s = db_int(rating->due, rating->row, DUE_OPEN_START, 0)};
    if (rating->is_closed && rating->targets.count > 0) {
        metric_add(&metric_corrected, (int64_t)rating->targets.count);
        enum err_kind kind = rated_period_open(db, tenant_of(rating), place.period_start_s,
                                               db_int(rating->due, rating->row, DUE_OPEN_END, 0), reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    metric_add(&metric_periods, 1);
    return rated_lines_write(&rating->targets, &place, db, reterr);
}

static enum err_kind rate_one(struct db *db, void *context, struct err *reterr)
{
    const struct rating *asked = context;
    CLEANUP(rating_release) struct rating rating = *asked;
    CLEANUP(price_book_release) struct price_book older = {0};
    enum err_kind kind = ERR_NONE;
    if (rating.anew) { /* it may lie further back than the day's book reaches */
        struct price_scope scope = {.from_s = rating.starts_s, .to_s = rating.ends_s};
        kind = price_book_load(db, &scope, &older, reterr);
        rating.book = &older;
    }
    if (kind == ERR_NONE)
        kind = rate(&rating, db, reterr);
    return kind == ERR_NONE ? write(&rating, db, reterr) : kind;
}

enum err_kind rate_tenants(struct leader *leader, int64_t day, const struct price_book *book, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_result_clear) PGresult *due = NULL;
    enum err_kind kind = db_run(leader->db, &statement_due, DB_PARAMS(date), &due, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(due); row++) {
        struct rating rating = {
            .due = due,
            .row = row,
            .day = day,
            .book = book,
            .starts_s = db_int(due, row, DUE_START, 0),
            .ends_s = db_int(due, row, DUE_END, 0),
            .anew = db_bool(due, row, DUE_ANEW),
            .is_closed = db_bool(due, row, DUE_CLOSED),
        };
        kind = leader_transact(leader, rate_one, &rating, reterr);
        if (kind == ERR_NOT_FOUND) { /* one tenant's fault does not stop the books */
            metric_add(&metric_refused, 1);
            log_event(LOG_LEVEL_ERROR, "rerating_refused", LOG_TEXT("tenant", db_text(due, row, DUE_TENANT)),
                      LOG_TEXT("why", reterr->text));
            *reterr = (struct err){0};
            kind = ERR_NONE;
        }
    }
    return kind == ERR_NONE ? kind : err_context(reterr, "rating whole periods");
}
