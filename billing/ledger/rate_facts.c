/* From the facts of a period to lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_facts.h"

#include "billing/ledger/rate_minimum.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"
#include "common/least.h"
#include "common/log.h"

#include <stdlib.h>

/* The facts of a tenant's period as far as they are closed: usage, but for days that wait for a price, and corrections.
 * Columns are enum usage_column. */
static const struct db_stmt statement_usage = {
    .name = "rate_facts_usage",
    .sql =
        "WITH bounds AS (SELECT to_timestamp($2::bigint) AS starts,"
        "   least(to_timestamp($3::bigint), to_timestamp($4::bigint)) AS ends, to_timestamp($5::bigint) AS known"
        "), usage AS ("
        "  SELECT u.reservation_id, n.gpu_model, u.period_start, u.period_end, u.gpu_milli, u.class,"
        "         l.rated_with AS late FROM usage_interval u LEFT JOIN node n ON n.id = u.node_id LEFT JOIN late_usage l"
        "      ON l.period_start = u.period_start AND l.instance_id = u.instance_id AND l.seq = u.seq, bounds b"
        "   WHERE u.tenant_id = $1::uuid AND u.period_start > b.starts - interval '1 day' AND u.period_start < b.ends"
        "     AND u.period_end > b.starts AND u.class IN ('used', 'unused') AND NOT EXISTS ("
        "      SELECT FROM unpriced_usage w WHERE w.reservation_id = u.reservation_id"
        "         AND w.day = (u.period_start AT TIME ZONE 'UTC')::date)"
        "  UNION ALL"
        "  SELECT c.reservation_id, c.gpu_model, greatest(c.starts_at, b.starts),"
        "         least(c.ends_at, to_timestamp($3::bigint)), c.gpu_milli, 'used',"
        "         (c.created_at AT TIME ZONE 'UTC')::date FROM usage_correction c, bounds b"
        "   WHERE c.tenant_id = $1::uuid AND c.starts_at < to_timestamp($3::bigint) AND c.ends_at > b.starts"
        "     AND c.created_at < b.known"
        ")"
        " SELECT u.reservation_id, (b.starts AT TIME ZONE 'UTC')::date - date '1970-01-01',"
        "   CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS kind,"
        "   CASE WHEN r.instance_type_id IS NULL THEN u.gpu_model ELSE i.name END AS sku,"
        "   CASE WHEN r.tier <> 'preemptible' THEN u.class END AS capacity, r.tenant_id, r.project, r.tier, t.currency,"
        "   t.billing_timezone, extract(epoch FROM u.period_start)::bigint, extract(epoch FROM u.period_end)::bigint,"
        "   u.gpu_milli, sign(u.gpu_milli)::integer, u.class = 'used' OR r.tier <> 'preemptible',"
        "   $2::bigint, $3::bigint, $3::bigint, u.late - date '1970-01-01'"
        "  FROM bounds b, usage u JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id"
        "  LEFT JOIN instance_type i ON i.id = r.instance_type_id"
        " ORDER BY u.reservation_id, kind, sku, capacity, u.period_start, u.period_end",
    .params = 5,
};

static const struct db_stmt statement_forget = {
    .name = "rate_facts_forget",
    .sql = "DELETE FROM unpriced_late WHERE tenant_id = $1::uuid AND period_start = to_timestamp($2::bigint)",
    .params = 2,
};

static const struct db_stmt statement_wait = {
    .name = "rate_facts_wait",
    .sql =
        "INSERT INTO unpriced_late (tenant_id, period_start, day, reservation_id, sku, gpu_milli_seconds)"
        " SELECT $1::uuid, to_timestamp($2::bigint), date '1970-01-01' + x.day::integer, x.reservation_id, min(x.sku),"
        "  sum(x.amount) FROM unnest($3::bigint[], $4::uuid[], $5::text[], $6::bigint[])"
        "   AS x (day, reservation_id, sku, amount) GROUP BY 3, 4",
    .params = 6,
};

const struct db_stmt *const rate_facts_statements[] = {&statement_usage, &statement_forget, &statement_wait, NULL};

void facts_release(struct facts *facts)
{
    price_book_release(&facts->book);
    PQclear(facts->usage_rows);
    PQclear(facts->short_rows);
    free(facts->left_out);
    *facts = (struct facts){0};
}

static enum err_kind load_usage(struct db *db, const struct facts_period *period, PGresult **ret, struct err *reterr)
{
    char texts[4][DB_INT_TEXT_SIZE];
    return db_run(db, &statement_usage,
                  DB_PARAMS(period->tenant, db_int_param(texts[0], period->starts_s),
                            db_int_param(texts[1], period->ends_s), db_int_param(texts[2], period->closed_until_s),
                            db_int_param(texts[3], period->known_until_s)),
                  ret, reterr);
}

/* Leaves out each row of a reservation's that came late and has a second without a price. */
static enum err_kind leave_out(struct facts *facts, int first, int end, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = first; row < end && kind == ERR_NONE; row++) {
        CLEANUP(rated_lines_release) struct rated_lines alone = {0};
        struct err err = {0};
        int unpriced = row;
        if (db_text(facts->usage_rows, row, USAGE_COLUMN_LATE) == NULL)
            continue;
        kind = usage_lines_add_day(&alone, &facts->book, facts->usage_rows, row, row + 1, NULL, &unpriced, &err);
        facts->left_out[row] = kind == ERR_NOT_FOUND;
        facts->left_out_count += facts->left_out[row];
        if (kind == ERR_NOT_FOUND)
            kind = ERR_NONE;
        else if (kind != ERR_NONE)
            *reterr = err;
    }
    return kind;
}

/* A reservation's rows. */
static enum err_kind measure(struct facts *facts, int first, int end, struct rated_lines *lines, struct err *reterr)
{
    struct err err = {0};
    int unpriced = first;
    enum err_kind kind = usage_lines_add_day(lines, &facts->book, facts->usage_rows, first, end, NULL, &unpriced, &err);
    if (kind == ERR_NOT_FOUND) {
        kind = leave_out(facts, first, end, reterr);
        return kind == ERR_NONE ? usage_lines_add_day(lines, &facts->book, facts->usage_rows, first, end,
                                                      facts->left_out, &unpriced, reterr)
                                : kind;
    }
    if (kind != ERR_NONE)
        *reterr = err;
    return kind;
}

enum err_kind facts_measure(struct db *db, const struct facts_period *period, struct facts *ret,
                            struct rated_lines *lines, struct err *reterr)
{
    struct price_scope scope = {.from_s = period->starts_s, .to_s = period->ends_s};
    if (scope.to_s < period->known_until_s) /* a day may lie in two periods */
        scope.to_s = period->known_until_s;
    enum err_kind kind = price_book_load(db, &scope, &ret->book, reterr);
    if (kind == ERR_NONE)
        kind = load_usage(db, period, &ret->usage_rows, reterr);
    int rows = kind == ERR_NONE ? PQntuples(ret->usage_rows) : 0;
    ret->left_out = alloc_zero((size_t)rows + 1, sizeof *ret->left_out);
    for (int row = 0, next; row < rows && kind == ERR_NONE; row = next) {
        next = db_run_end(ret->usage_rows, row, USAGE_COLUMN_DAY);
        kind = measure(ret, row, next, lines, reterr);
    }
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

int64_t facts_amount(const struct facts_period *period, const struct facts *facts, int row)
{
    int64_t from_s = greatest_of(db_int(facts->usage_rows, row, USAGE_COLUMN_FROM, 0), period->starts_s);
    int64_t to_s = least_of(db_int(facts->usage_rows, row, USAGE_COLUMN_TO, 0), period->ends_s);
    return (to_s - from_s) * db_int(facts->usage_rows, row, USAGE_COLUMN_GPU_MILLI, 0);
}

/* What waits, a value per row in each. */
struct waiting {
    struct db_array day, reservation, sku, amount;
};

static void waiting_release(struct waiting *waiting)
{
    struct db_array *const arrays[] = {&waiting->day, &waiting->reservation, &waiting->sku, &waiting->amount};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

static void waiting_add(struct waiting *waiting, const struct facts_period *period, const struct facts *facts, int row)
{
    char sku[USAGE_SKU_SIZE];
    const char *reservation = db_text(facts->usage_rows, row, USAGE_COLUMN_RESERVATION);
    usage_sku_print(facts->usage_rows, row, sku);
    db_array_text(&waiting->day, db_text(facts->usage_rows, row, USAGE_COLUMN_LATE));
    db_array_text(&waiting->reservation, reservation);
    db_array_text(&waiting->sku, sku);
    db_array_int(&waiting->amount, facts_amount(period, facts, row));
    log_event(LOG_LEVEL_ERROR, "late_usage_without_price", LOG_TEXT("reservation", reservation), LOG_TEXT("sku", sku));
}

enum err_kind facts_note_waiting(struct db *db, const struct facts_period *period, const struct facts *facts,
                                 struct err *reterr)
{
    char start[DB_INT_TEXT_SIZE];
    CLEANUP(waiting_release) struct waiting waiting = {0};
    enum err_kind kind =
        db_run(db, &statement_forget, DB_PARAMS(period->tenant, db_int_param(start, period->starts_s)), NULL, reterr);
    if (kind != ERR_NONE || facts->left_out_count == 0)
        return kind;
    for (int row = 0; row < PQntuples(facts->usage_rows); row++) {
        if (facts->left_out[row])
            waiting_add(&waiting, period, facts, row);
    }
    return db_run(db, &statement_wait,
                  DB_PARAMS(period->tenant, start, db_array_param(&waiting.day), db_array_param(&waiting.reservation),
                            db_array_param(&waiting.sku), db_array_param(&waiting.amount)),
                  NULL, reterr);
}

enum err_kind facts_add_minimum(struct db *db, const struct facts_period *period, struct facts *facts,
                                struct rated_lines *lines, struct err *reterr)
{
    struct rating_span span = {.from_s = period->starts_s, .to_s = period->ends_s};
    if (span.to_s > period->closed_until_s)
        span.to_s = period->closed_until_s;
    return rate_minimum_of_tenant(db, period->tenant, span, &facts->book, &facts->short_rows, lines, reterr);
}
