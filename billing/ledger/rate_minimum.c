/* From instances that are over to what lacks, and from there to what is still to be written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_minimum.h"

#include "common/calendar.h"

/* Chosen instances that ended in a span and neither failed nor gave way: how long they were held, undelivered time
 * included, so that what the provider owes is not charged for. Nothing to look at where no price has a minimum.
 *   chosen: their ids; ended: when. */
// clang-format off
#define SHORT(chosen, ended)                                                                                           \
    "SELECT m.reservation_id, m.tenant_id, r.project, t.currency, t.billing_timezone, r.tier,"                         \
    "  CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"                                \
    "  CASE WHEN r.instance_type_id IS NULL THEN max(n.gpu_model) ELSE i.name END,"                                    \
    "  extract(epoch FROM max(u.period_end))::bigint, max(u.gpu_milli),"                                               \
    "  extract(epoch FROM sum(u.period_end - u.period_start))::bigint,"                                                \
    "  extract(epoch FROM b.month AT TIME ZONE t.billing_timezone)::bigint,"                                           \
    "  extract(epoch FROM (b.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint"                     \
    "  FROM (" chosen ") d"                                                                                            \
    "  JOIN meter_instance m ON m.instance_id = d.instance_id AND m.closed AND m.class NOT IN ('failed', 'preempted')" \
    "  JOIN usage_interval u ON u.reservation_id = m.reservation_id AND u.instance_id = m.instance_id"                 \
    "  JOIN reservation r ON r.id = m.reservation_id JOIN tenant t ON t.id = m.tenant_id"                              \
    "  LEFT JOIN instance_type i ON i.id = r.instance_type_id LEFT JOIN node n ON n.id = u.node_id"                    \
    "  CROSS JOIN LATERAL (SELECT date_trunc('month', (m.open_since - interval '1 second')"                            \
    "    AT TIME ZONE t.billing_timezone) AS month) b"                                                                 \
    " WHERE " ended                                                                                                    \
    " GROUP BY m.instance_id, r.id, t.id, i.name, b.month HAVING bool_or(u.class IN ('used', 'unused'))"               \
    " ORDER BY m.reservation_id, m.instance_id"

/* The start of the billing period before a day ($1 its start) begins: what a day's charges are held against. */
#define PERIOD_BEFORE                                                                                                  \
    "date_trunc('month', (to_timestamp($1::bigint) - interval '1 second') AT TIME ZONE t.billing_timezone)"            \
    " AT TIME ZONE t.billing_timezone"
// clang-format on

/* Of a tenant. Intervals end with their UTC day, so the last one begins on the day of the end. */
static const struct db_stmt statement_short = {
    .name = "rate_minimum_short",
    .sql = SHORT("SELECT DISTINCT instance_id FROM usage_interval"
                 " WHERE period_start >= date_trunc('day', to_timestamp($1::bigint), 'UTC')"
                 "   AND period_start < to_timestamp($2::bigint) AND tenant_id = $3::uuid"
                 "   AND EXISTS (SELECT FROM price WHERE minimum_s > 0)",
                 "m.open_since > to_timestamp($1::bigint) AND m.open_since <= to_timestamp($2::bigint)"),
    .params = 3,
};

/* Reservations whose charge a day may change: an instance ended on it, or one that was charged for with the day before
 * may have been prolonged at midnight. */
static const struct db_stmt statement_ended = {
    .name = "rate_minimum_ended",
    .sql = "SELECT m.reservation_id FROM meter_instance m"
           " WHERE m.closed AND m.open_since <= to_timestamp($2::bigint) AND m.instance_id IN ("
           "   SELECT u.instance_id FROM usage_interval u WHERE u.period_start >= to_timestamp($1::bigint)"
           "      AND u.period_start < to_timestamp($2::bigint) AND EXISTS (SELECT FROM price WHERE minimum_s > 0))"
           " UNION"
           " SELECT l.reservation_id FROM rated_line l"
           "  WHERE l.day = (to_timestamp($1::bigint) AT TIME ZONE 'UTC')::date - 1 AND l.reason = 'minimum'",
    .params = 2,
};

/* Of reservations: all that ended in the periods that the day and the second before it lie in. */
static const struct db_stmt statement_short_of = {
    .name = "rate_minimum_short_of",
    .sql = SHORT("SELECT DISTINCT instance_id FROM usage_interval WHERE reservation_id = ANY ($3::uuid[])"
                 " AND period_start >= to_timestamp($1::bigint) - interval '32 days'"
                 " AND period_start < to_timestamp($2::bigint)",
                 "m.open_since > " PERIOD_BEFORE " AND m.open_since <= to_timestamp($2::bigint)"),
    .params = 3,
};

/* What was charged of those periods. */
static const struct db_stmt statement_charged = {
    .name = "rate_minimum_charged",
    .sql = "SELECT l.reservation_id, l.tenant_id, l.currency, l.price_id,"
           "  extract(epoch FROM coalesce(l.corrects, l.period_start))::bigint, sum(l.amount_u)::bigint"
           "  FROM rated_line l JOIN tenant t ON t.id = l.tenant_id"
           " WHERE l.reservation_id = ANY ($2::uuid[]) AND l.reason = 'minimum'"
           "   AND coalesce(l.corrects, l.period_start) >= " PERIOD_BEFORE " GROUP BY 1, 2, 3, 4, 5",
    .params = 2,
};

enum { CHARGED_RESERVATION, CHARGED_TENANT, CHARGED_CURRENCY, CHARGED_PRICE, CHARGED_PERIOD, CHARGED_AMOUNT };

enum {
    SHORT_RESERVATION,
    SHORT_TENANT,
    SHORT_PROJECT,
    SHORT_CURRENCY,
    SHORT_ZONE,
    SHORT_TIER,
    SHORT_KIND,
    SHORT_SKU,
    SHORT_END,
    SHORT_GPU_MILLI,
    SHORT_SECONDS,
    SHORT_PERIOD,
    SHORT_PERIOD_END,
};

const struct db_stmt *const rate_minimum_statements[] = {&statement_short, &statement_ended, &statement_short_of,
                                                         &statement_charged, NULL};

void minimum_rows_release(struct minimum_rows *rows)
{
    PQclear(rows->instances);
    PQclear(rows->charged);
}

/* The stretch of the choice that holds at an instant; its count where none does. */
static size_t stretch_at(const struct price_choice *choice, int64_t at_s)
{
    size_t i = 0;
    while (i < choice->count && (choice->prices[i].valid.from_s > at_s || choice->prices[i].valid.to_s <= at_s))
        i++;
    return i;
}

/* What lacks to the minimum of the price that held at the end, at that price. */
static enum err_kind add_short(struct rated_lines *lines, const struct price_book *book, const PGresult *rows, int row,
                               struct err *reterr)
{
    const char *name = db_text(rows, row, SHORT_SKU);
    struct sku sku = {.kind = db_text(rows, row, SHORT_KIND),
                      .name = name != NULL ? name : "",
                      .tier = db_text(rows, row, SHORT_TIER),
                      .currency = db_text(rows, row, SHORT_CURRENCY)};
    struct price_customer customer = {.tenant = db_identity(rows, row, SHORT_TENANT),
                                      .project = db_text(rows, row, SHORT_PROJECT),
                                      .zone = db_text(rows, row, SHORT_ZONE)};
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &sku, &customer, &choice);
    size_t stretch = stretch_at(&choice, db_int(rows, row, SHORT_END, 0) - 1);
    if (stretch == choice.count)
        return ERR_NONE; /* its usage waits for a price */
    const struct price_version *version = &book->versions[choice.prices[stretch].version];
    int64_t missing_s = version->minimum_s - db_int(rows, row, SHORT_SECONDS, 0);
    if (missing_s <= 0)
        return ERR_NONE;
    struct rating_item item =
        price_choice_item(book, &choice, stretch, missing_s, missing_s * db_int(rows, row, SHORT_GPU_MILLI, 0));
    struct rated_line line = {
        .key = {.reservation = db_identity(rows, row, SHORT_RESERVATION),
                .price = version->id,
                .period_start_s = db_int(rows, row, SHORT_PERIOD, 0),
                .category = CHARGE_ADJUSTMENT,
                .reason = REASON_MINIMUM},
        .tenant = customer.tenant,
        .period_end_s = db_int(rows, row, SHORT_PERIOD_END, 0),
        .currency = sku.currency,
    };
    int64_t amount_u = 0;
    enum err_kind kind = rating_alone(&item, NULL, &amount_u, reterr);
    rated_line_give(&line, amount_u);
    rated_lines_push(lines, &line);
    return kind;
}

/* A reservation's, rows [first, end): all of it is added, or nothing. */
static enum err_kind add_run(struct rated_lines *lines, const struct price_book *book, const PGresult *rows, int first,
                             int end, struct err *reterr)
{
    CLEANUP(rated_lines_release) struct rated_lines own = {0};
    enum err_kind kind = ERR_NONE;
    for (int row = first; kind == ERR_NONE && row < end; row++)
        kind = add_short(&own, book, rows, row, reterr);
    if (kind == ERR_NONE)
        kind = rated_lines_merge(&own, reterr);
    if (kind == ERR_NONE)
        kind = rated_lines_check(&own, reterr);
    for (size_t i = 0; kind == ERR_NONE && i < own.count; i++)
        rated_lines_push(lines, &own.list[i]);
    return kind;
}

static enum err_kind add_all(struct rated_lines *lines, const struct price_book *book, const PGresult *rows,
                             struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0, next; kind == ERR_NONE && row < PQntuples(rows); row = next) {
        next = db_run_end(rows, row, SHORT_RESERVATION);
        kind = add_run(lines, book, rows, row, next, reterr);
    }
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

enum err_kind rate_minimum_of_tenant(struct db *db, const char *tenant, struct rating_span span,
                                     const struct price_book *book, PGresult **ret_rows, struct rated_lines *lines,
                                     struct err *reterr)
{
    char texts[2][DB_INT_TEXT_SIZE];
    enum err_kind kind = db_run(
        db, &statement_short, DB_PARAMS(db_int_param(texts[0], span.from_s), db_int_param(texts[1], span.to_s), tenant),
        ret_rows, reterr);
    return kind == ERR_NONE ? add_all(lines, book, *ret_rows, reterr) : kind;
}

/* ---- Of a day ---- */

static void read_charged(const PGresult *rows, struct rated_lines *ret)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct rated_line line = {
            .key = {.reservation = db_identity(rows, row, CHARGED_RESERVATION),
                    .price = db_identity(rows, row, CHARGED_PRICE),
                    .period_start_s = db_int(rows, row, CHARGED_PERIOD, 0),
                    .category = CHARGE_ADJUSTMENT,
                    .reason = REASON_MINIMUM},
            .tenant = db_identity(rows, row, CHARGED_TENANT),
            .currency = db_text(rows, row, CHARGED_CURRENCY),
        };
        rated_line_give(&line, db_int(rows, row, CHARGED_AMOUNT, 0));
        rated_lines_push(ret, &line);
    }
}

static void forget(struct rated_lines *lines, struct identity reservation)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (!identity_equal(lines->list[i].key.reservation, reservation))
            lines->list[kept++] = lines->list[i];
    }
    lines->count = kept;
}

/* What fits no number is its reservation's own fault: what was charged of it before stays, and its period waits. */
static enum err_kind add_fitting(struct rated_lines *lines, const struct price_book *book, const PGresult *rows,
                                 struct rated_lines *charged, struct refusals *refusals, struct err *reterr)
{
    for (int row = 0, next; row < PQntuples(rows); row = next) {
        struct err err = {0};
        next = db_run_end(rows, row, SHORT_RESERVATION);
        enum err_kind kind = add_run(lines, book, rows, row, next, &err);
        const struct refused_period period = {.tenant = db_identity(rows, row, SHORT_TENANT),
                                              .starts_s = db_int(rows, row, SHORT_PERIOD, 0),
                                              .ends_s = db_int(rows, row, SHORT_PERIOD_END, 0)};
        if (kind == ERR_INVALID) {
            forget(charged, db_identity(rows, row, SHORT_RESERVATION));
            refusals_add(refusals, &period, err.text);
        } else if (kind != ERR_NONE) {
            *reterr = err;
            return kind;
        }
    }
    return rated_lines_merge(lines, reterr);
}

static enum err_kind ended_on(struct db *db, const char *from, const char *to, struct db_array *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_ended, DB_PARAMS(from, to), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        db_array_text(ret, db_text(rows, row, 0));
    return kind;
}

enum err_kind rate_minimum_of_day(struct db *db, int64_t day, const struct price_book *book,
                                  struct minimum_rows *ret_rows, struct rated_lines *lines, struct refusals *refusals,
                                  struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    CLEANUP(db_array_clear) struct db_array reservations = {0};
    CLEANUP(rated_lines_release) struct rated_lines charged = {0};
    (void)db_int_param(from, calendar_time_of_day(day));
    (void)db_int_param(to, calendar_time_of_day(day + 1));
    enum err_kind kind = ended_on(db, from, to, &reservations, reterr);
    if (kind != ERR_NONE || reservations.count == 0)
        return kind;
    const char *ids = db_array_param(&reservations);
    kind = db_run(db, &statement_short_of, DB_PARAMS(from, to, ids), &ret_rows->instances, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_charged, DB_PARAMS(from, ids), &ret_rows->charged, reterr);
    if (kind != ERR_NONE)
        return kind;
    read_charged(ret_rows->charged, &charged);
    kind = add_fitting(lines, book, ret_rows->instances, &charged, refusals, reterr);
    return kind == ERR_NONE ? rated_lines_subtract(lines, &charged, reterr) : kind;
}
