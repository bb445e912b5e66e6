/* From counted readings to lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/meter_lines.h"

#include "billing/ledger/rate_lines.h"
#include "billing/ledger/usage_lines.h"
#include "common/money.h"

#include <string.h>

static const struct db_stmt statement_counted = {
    .name = "meter_lines_counted",
    .sql =
        "SELECT u.reservation_id, u.meter_id, m.name, r.tenant_id, r.project, t.currency, t.billing_timezone,"
        "  extract(epoch FROM u.at)::bigint, u.quantity"
        "  FROM (SELECT c.reservation_id, c.meter_id, c.at, sum(c.quantity)::bigint AS quantity FROM meter_usage c"
        "         WHERE c.tenant_id = $1::uuid AND c.at >= to_timestamp($2::bigint) AND c.at < to_timestamp($3::bigint)"
        "           AND c.counted_with < (to_timestamp($4::bigint) AT TIME ZONE 'UTC')::date GROUP BY 1, 2, 3) u"
        "  JOIN meter m ON m.id = u.meter_id JOIN reservation r ON r.id = u.reservation_id"
        "  JOIN tenant t ON t.id = r.tenant_id ORDER BY u.reservation_id, u.meter_id, u.at",
    .params = 4,
};
enum {
    COUNTED_RESERVATION,
    COUNTED_METER,
    COUNTED_NAME,
    COUNTED_TENANT,
    COUNTED_PROJECT,
    COUNTED_CURRENCY,
    COUNTED_ZONE,
    COUNTED_AT,
    COUNTED_QUANTITY,
};

const struct db_stmt *const meter_lines_statements[] = {&statement_counted, NULL};

/* Readings of one reservation and meter, its rows up to end, in order of time. */
struct series {
    const PGresult *rows;
    int end;
    struct rated_line line; /* what its lines have in common */
};

/* Adds a line of what falls into a stretch, and returns the row after it. */
static int add_stretch(const struct series *series, int row, const struct price_book *book,
                       const struct price_choice *choice, size_t stretch, struct rated_lines *lines)
{
    const struct rating_span *valid = &choice->prices[stretch].valid;
    struct rated_line line = series->line;
    for (; row < series->end && db_int(series->rows, row, COUNTED_AT, 0) < valid->to_s; row++) {
        if (db_int(series->rows, row, COUNTED_AT, 0) >= valid->from_s)
            line.meter_quantity += db_int(series->rows, row, COUNTED_QUANTITY, 0);
    }
    usage_lines_price(book, choice, stretch, &line.key);
    if (line.meter_quantity != 0)
        rated_lines_push(lines, &line);
    return row;
}

static void add_series(const PGresult *rows, int first, int end, const struct facts_period *period,
                       const struct price_book *book, struct rated_lines *lines)
{
    struct series series = {.rows = rows, .end = end};
    series.line = (struct rated_line){.key = {.reservation = db_identity(rows, first, COUNTED_RESERVATION),
                                              .meter = db_identity(rows, first, COUNTED_METER),
                                              .period_start_s = period->starts_s},
                                      .tenant = db_identity(rows, first, COUNTED_TENANT),
                                      .period_end_s = period->ends_s,
                                      .currency = db_text(rows, first, COUNTED_CURRENCY)};
    const struct sku sku = {.kind = SKU_METER,
                            .name = db_text(rows, first, COUNTED_NAME),
                            .tier = SKU_ANY_TIER,
                            .currency = series.line.currency};
    const struct price_customer customer = {.tenant = series.line.tenant,
                                            .project = db_text(rows, first, COUNTED_PROJECT),
                                            .zone = db_text(rows, first, COUNTED_ZONE)};
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &sku, &customer, &choice);
    int row = first;
    for (size_t stretch = 0; stretch < choice.count; stretch++)
        row = add_stretch(&series, row, book, &choice, stretch, lines);
}

/* Does the book know the prices of all lines of meters? */
static bool knows_all(const struct price_book *book, const struct rated_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (rated_line_is_metered(&lines->list[i]) && !rate_lines_knows(book, &lines->list[i]))
            return false;
    }
    return true;
}

static void drop_metered(struct rated_lines *lines)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (!rated_line_is_metered(&lines->list[i]))
            lines->list[kept++] = lines->list[i];
    }
    lines->count = kept;
}

enum err_kind meter_lines_add(struct db *db, const struct facts_period *period, const struct price_book *book,
                              bool anew, struct rated_lines *written, PGresult **ret_rows, struct rated_lines *lines,
                              struct err *reterr)
{
    char texts[3][DB_INT_TEXT_SIZE];
    if (!anew && !knows_all(book, written)) {
        drop_metered(written);
        return ERR_NONE;
    }
    enum err_kind kind =
        db_run(db, &statement_counted,
               DB_PARAMS(period->tenant, db_int_param(texts[0], period->starts_s),
                         db_int_param(texts[1], period->ends_s), db_int_param(texts[2], period->known_until_s)),
               ret_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (int row = 0, next; row < PQntuples(*ret_rows); row = next) {
        next = usage_run_end(*ret_rows, row, COUNTED_METER);
        add_series(*ret_rows, row, next, period, book, lines);
    }
    return rated_lines_merge(lines, reterr);
}
