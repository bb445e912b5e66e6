/* From sums of counted readings to lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/meter_lines.h"

#include "billing/ledger/rate_lines.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"
#include "common/least.h"
#include "common/money.h"

#include <stdlib.h>
#include <string.h>

/* A sum that fits no int64 is read as null: it is its tenant's fault. $5: the instants at which prices may change, the
 * period's start before them and its end after them, in order. A stretch that one of them cuts was summed before it was
 * known: the readings of its day stand for it, as far as they are counted. Columns are enum meter_column. */
// clang-format off
static const struct db_stmt statement_counted = {
    .name = "meter_lines_counted",
    .sql =
        "WITH cut AS MATERIALIZED (SELECT array_agg(to_timestamp(c) ORDER BY c) AS list FROM unnest($5::bigint[]) c"
        "), crossed AS MATERIALIZED ("
        "  SELECT DISTINCT u.reservation_id, u.meter_id, date_trunc('day', u.starts_at, 'UTC') AS day"
        "    FROM unnest($5::bigint[]) c JOIN meter_usage u ON u.tenant_id = $1::uuid"
        "     AND u.starts_at < to_timestamp(c) AND u.starts_at > to_timestamp(c) - interval '24 hours'"
        "     AND u.ends_at > to_timestamp(c) AND u.counted_with < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')::date"
        "), known AS MATERIALIZED ("
        "  SELECT xid, seq FROM meter_counted WHERE day < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')::date"
        "   ORDER BY day DESC LIMIT 1"
        "), counted AS ("
        "  SELECT u.reservation_id, u.meter_id, width_bucket(u.starts_at, k.list) AS stretch, u.quantity"
        "    FROM cut k, meter_usage u LEFT JOIN crossed x ON x.reservation_id = u.reservation_id"
        "     AND x.meter_id = u.meter_id AND u.starts_at >= x.day AND u.starts_at < x.day + interval '24 hours'"
        "   WHERE u.tenant_id = $1::uuid AND u.starts_at >= to_timestamp($2::bigint) AND u.starts_at < to_timestamp($3::bigint)"
        "     AND u.counted_with < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')::date AND x.day IS NULL"
        "  UNION ALL"
        "  SELECT r.reservation_id, r.meter_id, width_bucket(r.to_at - interval '1 second', k.list),"
        "    r.quantity_milli * CASE m.aggregation WHEN 'level' THEN extract(epoch FROM r.to_at - r.from_at) ELSE 1 END"
        "    FROM cut k, known n, crossed x JOIN meter_reading r ON r.reservation_id = x.reservation_id"
        "     AND r.meter_id = x.meter_id AND r.to_at > x.day AND r.to_at <= x.day + interval '24 hours'"
        "    JOIN meter m ON m.id = r.meter_id"
        "   WHERE (r.xid, r.seq) <= (n.xid, n.seq) AND r.to_at > to_timestamp($2::bigint) AND r.to_at <= to_timestamp($3::bigint)"
        "), summed AS (SELECT reservation_id, meter_id, stretch, sum(quantity) AS quantity FROM counted GROUP BY 1, 2, 3)"
        " SELECT s.reservation_id, s.meter_id, m.name, r.tenant_id, r.project, t.currency, t.billing_timezone,"
        "   extract(epoch FROM k.list[s.stretch])::bigint,"
        "   CASE WHEN s.quantity <= 9223372036854775807 THEN s.quantity::bigint END"
        "   FROM cut k, summed s JOIN meter m ON m.id = s.meter_id JOIN reservation r ON r.id = s.reservation_id"
        "   JOIN tenant t ON t.id = r.tenant_id ORDER BY s.reservation_id, s.meter_id, s.stretch",
    .params = 5,
};
// clang-format on

const struct db_stmt *const meter_lines_statements[] = {&statement_counted, NULL};

/* Sums of one reservation and meter, its rows up to end, in order of time: each lies within one stretch of prices. */
struct series {
    const PGresult *rows;
    int end;
    struct rated_line line; /* what its lines have in common */
};

/* Adds a line of what falls into a stretch, and goes on to the row after it. */
static enum err_kind add_stretch(const struct series *series, int *row, const struct price_book *book,
                                 const struct price_choice *choice, size_t stretch, struct rated_lines *lines,
                                 struct err *reterr)
{
    const struct rating_span *valid = &choice->prices[stretch].valid;
    struct rated_line line = series->line;
    for (; *row < series->end && db_int(series->rows, *row, METER_COLUMN_AT, 0) < valid->to_s; (*row)++) {
        if (db_int(series->rows, *row, METER_COLUMN_AT, 0) < valid->from_s)
            continue;
        int64_t quantity = db_int(series->rows, *row, METER_COLUMN_QUANTITY, -1);
        if (quantity < 0 || money_add(line.meter_quantity, quantity, &line.meter_quantity, reterr) != ERR_NONE)
            return err_set_code(reterr, ERR_INVALID, "amount_out_of_range",
                                "what was reported of the meter '%s' does not fit in 64 bits",
                                db_text(series->rows, *row, METER_COLUMN_NAME));
    }
    usage_lines_price(book, choice, stretch, &line.key);
    if (line.meter_quantity != 0)
        rated_lines_push(lines, &line);
    return ERR_NONE;
}

static enum err_kind add_series(const PGresult *rows, int first, int end, const struct facts_period *period,
                                const struct price_book *book, struct rated_lines *lines, struct err *reterr)
{
    struct series series = {.rows = rows, .end = end};
    series.line = (struct rated_line){.key = {.reservation = db_identity(rows, first, METER_COLUMN_RESERVATION),
                                              .meter = db_identity(rows, first, METER_COLUMN_METER),
                                              .period_start_s = period->starts_s},
                                      .tenant = db_identity(rows, first, METER_COLUMN_TENANT),
                                      .period_end_s = period->ends_s,
                                      .currency = db_text(rows, first, METER_COLUMN_CURRENCY)};
    const struct sku sku = {.kind = SKU_METER,
                            .name = db_text(rows, first, METER_COLUMN_NAME),
                            .tier = SKU_ANY_TIER,
                            .currency = series.line.currency};
    const struct price_customer customer = {.tenant = series.line.tenant,
                                            .project = db_text(rows, first, METER_COLUMN_PROJECT),
                                            .zone = db_text(rows, first, METER_COLUMN_ZONE)};
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &sku, &customer, &choice);
    int row = first;
    enum err_kind kind = ERR_NONE;
    for (size_t stretch = 0; stretch < choice.count && kind == ERR_NONE; stretch++)
        kind = add_stretch(&series, &row, book, &choice, stretch, lines, reterr);
    return kind;
}

bool meter_lines_all_known(const struct price_book *book, const struct rated_lines *written)
{
    for (size_t i = 0; i < written->count; i++) {
        if (rated_line_is_metered(&written->list[i]) && !rate_lines_knows(book, &written->list[i]))
            return false;
    }
    return true;
}

void meter_lines_drop(struct rated_lines *lines)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (!rated_line_is_metered(&lines->list[i]))
            lines->list[kept++] = lines->list[i];
    }
    lines->count = kept;
}

/* ---- Where prices may change ---- */

static bool is_of(struct identity owner, struct identity tenant)
{
    return identity_is_nil(owner) || identity_equal(owner, tenant);
}

void meter_cuts_release(struct meter_cuts *cuts)
{
    free(cuts->list);
}

static void add_span(struct meter_cuts *cuts, const struct facts_period *period, const struct rating_span *valid)
{
    const int64_t ends[] = {valid->from_s, valid->to_s};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (ends[i] > period->starts_s && ends[i] < period->ends_s)
            cuts->list[cuts->count++] = ends[i];
    }
}

void meter_lines_cuts(const struct price_book *book, const struct facts_period *period, struct identity tenant,
                      struct meter_cuts *ret)
{
    ret->list = alloc_zero(2 * (book->count + book->discount_count + 1), sizeof *ret->list);
    ret->list[ret->count++] = period->starts_s;
    ret->list[ret->count++] = period->ends_s;
    for (size_t i = 0; i < book->count; i++) {
        const struct price_version *version = &book->versions[i];
        if (strcmp(version->sku.kind, SKU_METER) == 0 && is_of(version->tenant, tenant))
            add_span(ret, period, &version->valid);
    }
    for (size_t i = 0; i < book->discount_count; i++) {
        if (is_of(book->discounts[i].tenant, tenant))
            add_span(ret, period, &book->discounts[i].valid);
    }
}

enum err_kind meter_lines_of_rows(const PGresult *rows, const struct facts_period *period,
                                  const struct price_book *book, struct rated_lines *lines, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        next = db_run_end(rows, row, METER_COLUMN_METER);
        kind = add_series(rows, row, next, period, book, lines, reterr);
    }
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

enum err_kind meter_lines_add(struct db *db, const struct facts_period *period, const struct price_book *book,
                              PGresult **ret_rows, struct rated_lines *lines, struct err *reterr)
{
    char texts[3][DB_INT_TEXT_SIZE];
    CLEANUP(meter_cuts_release) struct meter_cuts cuts = {0};
    CLEANUP(db_array_clear) struct db_array at = {0};
    struct identity tenant = {0};
    enum err_kind kind = identity_from_uuid(period->tenant, &tenant, reterr);
    if (kind != ERR_NONE)
        return kind;
    meter_lines_cuts(book, period, tenant, &cuts);
    for (size_t i = 0; i < cuts.count; i++)
        db_array_int(&at, cuts.list[i]);
    kind = db_run(db, &statement_counted,
                  DB_PARAMS(period->tenant, db_int_param(texts[0], period->starts_s),
                            db_int_param(texts[1], period->ends_s), db_int_param(texts[2], period->known_until_s),
                            db_array_param(&at)),
                  ret_rows, reterr);
    return kind == ERR_NONE ? meter_lines_of_rows(*ret_rows, period, book, lines, reterr) : kind;
}

enum err_kind meter_lines_check(const struct rated_lines *lines, struct err *reterr)
{
    int64_t sum_u = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const struct rated_line *line = &lines->list[i];
        if (!rated_line_is_metered(line))
            continue;
        int64_t most_u = greatest_of(line->list_u, line->contracted_u);
        if (most_u > METER_PERIOD_MOST_U - sum_u)
            return err_set_code(reterr, ERR_INVALID, "amount_out_of_range",
                                "what its meters come to is more than a tenant's billing period may come to");
        sum_u += most_u;
    }
    return ERR_NONE;
}
