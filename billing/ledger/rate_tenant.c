/* Rating a tenant's billing period as a whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_tenant.h"

#include "billing/ledger/commitments.h"
#include "billing/ledger/meter_lines.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_facts.h"
#include "billing/ledger/rate_lines.h"
#include "billing/ledger/refusals.h"
#include "common/calendar.h"
#include "common/metrics.h"

#include <string.h>

/* How long what came late is looked at again, as after a crash between a day's close and its rating. */
#define LATE_DAYS 7

static struct metric metric_periods = {.name = "sluice_billing_tenant_periods_rated_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Billing periods of tenants that were rated as a whole"};
static struct metric metric_corrected = {.name = "sluice_billing_corrections_total",
                                         .type = METRIC_COUNTER,
                                         .help = "Lines that correct a closed billing period"};
void rate_tenant_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_periods, &metric_corrected};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Periods that the day's usage, the day itself or something that came late touches: each branch of `touched` gives
 * instants within them, and whether they are to be rated anew, from the facts. What came late is looked at for $2 days,
 * since it is done when it changes nothing any more, however often the day is closed; 0 is of a day that is open, and
 * means that day alone. */
// clang-format off
static const struct db_stmt statement_due = {
    .name = "rate_tenant_due",
    .sql =
        "WITH bounds AS (SELECT $1::date::timestamp AT TIME ZONE 'UTC' AS starts,"
        "                       ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AS ends,"
        "                       ($1::date - $2::integer)::timestamp AT TIME ZONE 'UTC' AS late_from"
        "), touched AS ("
        /* Usage that was rated today by prices with tiers or packages, or of tenants with commitments. */
        "  SELECT l.tenant_id, l.period_start AS at, false AS anew, false AS is_metered"
        "    FROM rated_line l JOIN price p ON p.id = l.price_id"
        "   WHERE l.day = $1::date AND l.corrects IS NULL AND (p.model <> 'flat' OR l.tenant_id IN ("
        "    SELECT c.tenant_id FROM commitment c, bounds b"
        "     WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts - interval '63 days', b.ends)))"
        /* Commitments have a fee and a rest whether or not anything was used: the periods of the day's ends. */
        "  UNION ALL"
        "  SELECT c.tenant_id, greatest(c.starts_at, b.starts), false, false FROM commitment c, bounds b"
        "   WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts, b.ends)"
        "  UNION ALL"
        "  SELECT c.tenant_id, least(c.ends_at, b.ends) - interval '1 second', false, false FROM commitment c, bounds b"
        "   WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(b.starts, b.ends)"
        /* A price that was withdrawn, where something is still rated by it. */
        "  UNION ALL"
        "  SELECT l.tenant_id, coalesce(l.corrects, l.period_start), true, false"
        "    FROM rated_line l JOIN price p ON p.id = l.price_id, bounds b"
        "   WHERE p.withdrawn_at >= b.late_from AND p.withdrawn_at < b.ends"
        "   GROUP BY l.tenant_id, 2, p.id HAVING sum(l.gpu_milli_seconds) <> 0 OR sum(l.meter_quantity) <> 0"
        /* A price that begins before the day on which it was made. A list price fills a gap, so it is news only for
         * what waits (below) and for who has a price of its own beside it. */
        "  UNION ALL"
        "  SELECT o.tenant_id, o.starts_at, true, false"
        "    FROM bounds b, price p JOIN billing_period o ON tstzrange(o.starts_at, o.ends_at) && p.valid"
        "   WHERE p.created_at >= b.late_from AND p.created_at < b.ends AND p.withdrawn_at IS NULL"
        "     AND lower(p.valid) < date_trunc('day', p.created_at, 'UTC') AND o.starts_at < b.ends"
        "     AND (o.tenant_id = p.tenant_id OR p.tenant_id IS NULL AND EXISTS ("
        "      SELECT FROM price q WHERE q.tenant_id = o.tenant_id AND q.sku_kind = p.sku_kind"
        "         AND q.sku = p.sku AND q.tier = p.tier AND q.currency = p.currency AND q.valid && p.valid))"
        /* What came late and waits for a price, and what could not be rated: with each close until it can be. */
        "  UNION ALL"
        "  SELECT w.tenant_id, w.period_start, true, false FROM unpriced_late w WHERE $2::integer > 0"
        "  UNION ALL"
        "  SELECT w.tenant_id, w.period_start, true, false FROM unrated_period w WHERE $2::integer > 0"
        /* Usage of closed days. */
        "  UNION ALL"
        "  SELECT u.tenant_id, s.at, true, false FROM late_usage u"
        "    CROSS JOIN LATERAL (VALUES (u.period_start), (u.period_end - interval '1 second')) AS s (at)"
        "   WHERE u.rated_with >= $1::date - $2::integer AND u.rated_with <= $1::date"
        /* Corrections: of 31 days at most, which may hold a whole February and touch the months beside it, so the
         * middle counts, too. */
        "  UNION ALL"
        "  SELECT c.tenant_id, s.at, true, false FROM bounds b, usage_correction c"
        "    CROSS JOIN LATERAL (VALUES (c.starts_at), (c.starts_at + (c.ends_at - c.starts_at) / 2),"
        "      (c.ends_at - interval '1 second')) AS s (at)"
        "   WHERE c.created_at >= b.late_from AND c.created_at < b.ends"
        /* Readings of meters: with the day that they are counted with, those of a closed period anew; so are those
         * that a price found which begins in the past. */
        "  UNION ALL"
        "  SELECT m.tenant_id, m.at, m.anew, true FROM meter_touched($1::date, $2::integer) m"
        "), period AS ("
        "  SELECT x.tenant_id, t.name, t.currency, t.billing_timezone AS zone,"
        "         date_trunc('month', x.at AT TIME ZONE t.billing_timezone) AS month, bool_or(x.anew) AS anew,"
        "         bool_or(x.is_metered) AS is_metered, bool_and(x.is_metered) AS is_metered_only"
        "    FROM touched x JOIN tenant t ON t.id = x.tenant_id GROUP BY 1, 2, 3, 4, 5"
        ")"
        " SELECT p.tenant_id, p.currency, extract(epoch FROM p.month AT TIME ZONE p.zone)::bigint,"
        "  extract(epoch FROM (p.month + interval '1 month') AT TIME ZONE p.zone)::bigint,"
        "  p.anew OR p.is_metered AND coalesce(o.status = 'closed', false),"
        "  coalesce(o.status = 'closed', false),"
        "  extract(epoch FROM date_trunc('month', (b.ends - interval '1 second') AT TIME ZONE p.zone)"
        "   AT TIME ZONE p.zone)::bigint,"
        "  extract(epoch FROM (date_trunc('month', (b.ends - interval '1 second') AT TIME ZONE p.zone)"
        "   + interval '1 month') AT TIME ZONE p.zone)::bigint, p.is_metered, p.is_metered_only,"
        "  EXISTS (SELECT FROM unrated_period u WHERE u.tenant_id = p.tenant_id"
        "   AND u.period_start = p.month AT TIME ZONE p.zone)"
        "  FROM bounds b, period p LEFT JOIN billing_period o ON o.tenant_id = p.tenant_id"
        "   AND o.starts_at = p.month AT TIME ZONE p.zone"
        " ORDER BY p.tenant_id, p.month",
    .params = 2,
};
// clang-format on

static const struct db_stmt statement_admit = {
    .name = "rate_tenant_admit",
    .sql = "DELETE FROM unrated_period WHERE tenant_id = $1::uuid AND period_start = to_timestamp($2::bigint)",
    .params = 2,
};

const struct db_stmt *const rate_tenant_statements[] = {&statement_due, &statement_admit, NULL};

/* One period being rated. */
struct rating {
    const PGresult *due;
    int row;
    int64_t day;
    const struct price_book *book;
    int64_t starts_s, ends_s;
    bool anew, is_closed;
    bool is_metered_only; /* all else of it is rated already, and does not depend on its meters */
    struct committed committed;
    struct facts facts; /* if anew */
    PGresult *written_rows, *meter_rows;
    struct rated_lines written, targets;
};

static void rating_release(struct rating *rating)
{
    committed_release(&rating->committed);
    PQclear(rating->written_rows);
    PQclear(rating->meter_rows);
    facts_release(&rating->facts);
    rated_lines_release(&rating->written);
    rated_lines_release(&rating->targets);
}

static const char *tenant_of(const struct rating *rating)
{
    return db_text(rating->due, rating->row, DUE_TENANT);
}

/* ---- One period ---- */

/* From the facts, too, where the day's book does not have all prices of what was written of meters, or of readings that
 * are to be rated. */
static enum err_kind load_written(struct rating *rating, struct db *db, struct err *reterr)
{
    int64_t book_from_s = calendar_time_of_day(rating->day) - RATE_BEFORE_DAYS * CALENDAR_DAY_S;
    bool is_in_book = rating->starts_s >= book_from_s || !db_bool(rating->due, rating->row, DUE_METERED);
    rating->is_metered_only = rating->is_metered_only && !rating->anew && rating->committed.count == 0;
    enum err_kind kind = rating->is_metered_only
                             ? rated_lines_of_meters(db, tenant_of(rating), rating->starts_s, &rating->written_rows,
                                                     &rating->written, reterr)
                             : rated_lines_of_period(db, tenant_of(rating), rating->starts_s, rating->anew,
                                                     &rating->written_rows, &rating->written, reterr);
    if (kind != ERR_NONE || rating->anew || (is_in_book && meter_lines_all_known(rating->book, &rating->written)))
        return kind;
    rating->anew = true;
    rating->is_metered_only = false;
    db_result_clear(&rating->written_rows);
    rated_lines_release(&rating->written);
    return rated_lines_of_period(db, tenant_of(rating), rating->starts_s, true, &rating->written_rows, &rating->written,
                                 reterr);
}

static enum err_kind load_targets(struct rating *rating, struct db *db, const struct facts_period *period,
                                  const struct price_book **ret_book, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (rating->anew)
        kind = facts_measure(db, period, &rating->facts, &rating->targets, reterr);
    else if (!rating->is_metered_only)
        kind = rate_lines_fold(&rating->written, &rating->targets, reterr);
    *ret_book = rating->anew ? &rating->facts.book : rating->book; /* it may lie further back */
    if (kind == ERR_NONE)
        kind = meter_lines_add(db, period, *ret_book, &rating->meter_rows, &rating->targets, reterr);
    if (!rating->anew) {
        rate_lines_drop_unknown(rating->book, &rating->targets);
        rate_lines_drop_unknown(rating->book, &rating->written);
    }
    return kind;
}

static enum err_kind rate(struct rating *rating, struct db *db, struct err *reterr)
{
    struct committed *committed = &rating->committed;
    enum err_kind kind = committed_load(db, tenant_of(rating), rating->starts_s, rating->ends_s, committed, reterr);
    if (kind == ERR_NONE)
        kind = load_written(rating, db, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t known_s = calendar_time_of_day(rating->day + 1);
    const struct facts_period period = {.tenant = tenant_of(rating),
                                        .starts_s = rating->starts_s,
                                        .ends_s = rating->ends_s,
                                        .closed_until_s = known_s,
                                        .known_until_s = known_s};
    const struct price_book *book = NULL;
    bool is_over = rating->ends_s <= known_s;
    kind = load_targets(rating, db, &period, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_lines(&rating->targets, book, committed->list, committed->count, reterr);
    if (kind == ERR_NONE)
        kind = meter_lines_check(&rating->targets, reterr);
    if (kind == ERR_NONE)
        kind = committed_add_fees(committed, is_over, &rating->targets, reterr);
    if (kind == ERR_NONE && rating->anew)
        kind = facts_add_minimum(db, &period, &rating->facts, &rating->targets, reterr);
    if (kind == ERR_NONE && rating->anew)
        kind = facts_note_waiting(db, &period, &rating->facts, reterr);
    if (kind == ERR_NONE)
        kind = committed_write(committed, db, is_over ? rating->ends_s : known_s, reterr);
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
    char start[DB_INT_TEXT_SIZE];
    enum err_kind kind = rate(&rating, db, reterr);
    if (kind == ERR_NONE && db_bool(rating.due, rating.row, DUE_UNRATED))
        kind = db_run(db, &statement_admit, DB_PARAMS(tenant_of(&rating), db_int_param(start, rating.starts_s)), NULL,
                      reterr);
    return kind == ERR_NONE ? write(&rating, db, reterr) : kind;
}

/* One tenant's fault does not stop the books: a second without a price, or what fits no amount or is more than a
 * statement can read. Its period stays open, and is tried again with each close. Where the database is slow for all,
 * noting that fails, too. */
static bool is_its_own_fault(enum err_kind kind)
{
    return kind == ERR_NOT_FOUND || kind == ERR_INVALID || kind == ERR_TIMEOUT;
}

struct refusal {
    const struct rating *rating;
    const char *reason;
};

static enum err_kind refuse(struct db *db, void *context, struct err *reterr)
{
    const struct refusal *refusal = context;
    const struct rating *rating = refusal->rating;
    const struct refused_period period = {.tenant = db_identity(rating->due, rating->row, DUE_TENANT),
                                          .starts_s = rating->starts_s,
                                          .ends_s = rating->ends_s};
    CLEANUP(refusals_release) struct refusals refusals = {0};
    refusals_add(&refusals, &period, refusal->reason);
    return refusals_write(&refusals, rating->day, db, reterr);
}

static enum err_kind rate_or_refuse(struct leader *leader, struct rating *rating, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = leader_transact(leader, rate_one, rating, &err);
    if (!is_its_own_fault(kind)) {
        *reterr = err;
        return kind;
    }
    if (kind == ERR_NOT_FOUND) {
        refusals_tell(tenant_of(rating), err.text);
        return ERR_NONE; /* it waits as unpriced usage does */
    }
    return leader_transact(leader, refuse, &(struct refusal){.rating = rating, .reason = err.text}, reterr);
}

static enum err_kind due_of(struct db *db, int64_t day, int64_t late_days, PGresult **ret, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    char days[DB_INT_TEXT_SIZE];
    calendar_date_print(day, date);
    return db_run(db, &statement_due, DB_PARAMS(date, db_int_param(days, late_days)), ret, reterr);
}

enum err_kind rate_tenants_due(struct db *db, int64_t day, PGresult **ret, struct err *reterr)
{
    return due_of(db, day, 0, ret, reterr);
}

enum err_kind rate_tenants(struct leader *leader, int64_t day, const struct price_book *book, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *due = NULL;
    enum err_kind kind = due_of(leader->db, day, LATE_DAYS, &due, reterr);
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
            .is_metered_only = db_bool(due, row, DUE_METERED_ONLY),
        };
        kind = rate_or_refuse(leader, &rating, reterr);
    }
    return kind == ERR_NONE ? kind : err_context(reterr, "rating whole periods");
}
