/* From the facts of a period to lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_facts.h"

#include "billing/ledger/rate_rules.h"
#include "billing/ledger/usage_lines.h"

/* The facts of a tenant's period as far as they are closed: usage, but for days that wait for a price, and corrections.
 * Columns are enum usage_column. */
static const struct db_stmt statement_usage = {
    .name = "rate_facts_usage",
    .sql =
        "WITH bounds AS (SELECT to_timestamp($2::bigint) AS starts,"
        "   least(to_timestamp($3::bigint), to_timestamp($4::bigint)) AS ends, to_timestamp($5::bigint) AS known"
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
    .params = 5,
};

const struct db_stmt *const rate_facts_statements[] = {&statement_usage, NULL};

void facts_release(struct facts *facts)
{
    price_book_release(&facts->book);
    PQclear(facts->usage_rows);
    PQclear(facts->short_rows);
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
    for (int row = 0, next; row < rows && kind == ERR_NONE; row = next) {
        int unpriced = row;
        next = usage_run_end(ret->usage_rows, row, USAGE_COLUMN_DAY);
        kind = usage_lines_add_day(lines, &ret->book, ret->usage_rows, row, next, &unpriced, reterr);
    }
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

enum err_kind facts_add_minimum(struct db *db, const struct facts_period *period, struct facts *facts,
                                struct rated_lines *lines, struct err *reterr)
{
    struct rating_span span = {.from_s = period->starts_s, .to_s = period->ends_s};
    if (span.to_s > period->closed_until_s)
        span.to_s = period->closed_until_s;
    return rate_rules_minimum(db, period->tenant, span, &facts->book, &facts->short_rows, lines, reterr);
}
