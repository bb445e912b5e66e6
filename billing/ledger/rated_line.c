/* Rated lines: adding up, subtracting, reading and writing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rated_line.h"

#include "common/alloc.h"
#include "common/calendar.h"
#include "common/money.h"
#include "common/text_find.h"

#include <string.h>

#define X(value, text) [value] = (text),
static const char *const capacity_texts[] = {CAPACITY_STATUSES(X)};
static const char *const category_texts[] = {CHARGE_CATEGORIES(X)};
static const char *const reason_texts[] = {CHARGE_REASONS(X)};
#undef X

#define KEY_COLUMNS                                                                                                    \
    "l.reservation_id, l.price_id, extract(epoch FROM coalesce(l.corrects, l.period_start))::bigint, l.list_price_id," \
    " l.discount_id, l.commitment_id, l.window_no, l.list_window_no, l.capacity_status, l.commitment_status,"          \
    " l.charge_category, l.reason, l.tenant_id, l.currency, l.meter_id"
#define SUMS                                                                                                           \
    " sum(l.seconds)::bigint, sum(l.gpu_milli_seconds)::bigint, sum(l.list_u)::bigint, sum(l.contracted_u)::bigint,"   \
    " sum(l.effective_u)::bigint, sum(l.amount_u)::bigint, sum(l.meter_quantity)::bigint"
enum {
    ROW_RESERVATION,
    ROW_PRICE,
    ROW_PERIOD,
    ROW_LIST_PRICE,
    ROW_DISCOUNT,
    ROW_COMMITMENT,
    ROW_WINDOW,
    ROW_LIST_WINDOW,
    ROW_CAPACITY,
    ROW_COMMITMENT_STATUS,
    ROW_CATEGORY,
    ROW_REASON,
    ROW_TENANT,
    ROW_CURRENCY,
    ROW_METER,
    ROW_SECONDS,
    ROW_GPU_MILLI_S,
    ROW_LIST,
    ROW_CONTRACTED,
    ROW_EFFECTIVE,
    ROW_BILLED,
    ROW_METER_QUANTITY,
};

static const struct db_stmt statement_of_reservations = {
    .name = "rated_line_of_reservations",
    .sql = "SELECT " KEY_COLUMNS "," SUMS " FROM rated_line l"
           " WHERE l.reservation_id = ANY ($1::uuid[]) AND l.period_start >= to_timestamp($2::bigint)"
           "   AND l.charge_category = 'usage' AND l.corrects IS NULL"
           " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    .params = 2,
};

static const struct db_stmt statement_of_period = {
    .name = "rated_line_of_period",
    .sql = "SELECT " KEY_COLUMNS "," SUMS " FROM rated_line l"
           " WHERE l.tenant_id = $1::uuid"
           "   AND (l.charge_category IN ('usage', 'purchase') OR $3::boolean AND l.reason = 'minimum')"
           "   AND (l.period_start = to_timestamp($2::bigint) AND l.corrects IS NULL"
           "        OR l.corrects = to_timestamp($2::bigint))"
           " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    .params = 3,
};

/* Of a period that is open, in the same columns: what lines of meters do not have is not grouped by. */
static const struct db_stmt statement_of_meters = {
    .name = "rated_line_of_meters",
    .sql =
        "SELECT l.reservation_id, l.price_id, $2::bigint, l.list_price_id, l.discount_id, l.commitment_id, 0, 0, NULL,"
        "  l.commitment_status, 'usage', NULL, l.tenant_id, l.currency, l.meter_id, 0, 0, sum(l.list_u)::bigint,"
        "  sum(l.contracted_u)::bigint, sum(l.effective_u)::bigint, sum(l.amount_u)::bigint,"
        "  sum(l.meter_quantity)::bigint FROM rated_line l"
        " WHERE l.tenant_id = $1::uuid AND l.period_start = to_timestamp($2::bigint) AND l.corrects IS NULL"
        "   AND l.meter_id IS NOT NULL AND l.charge_category = 'usage'"
        " GROUP BY l.tenant_id, l.reservation_id, l.meter_id, l.price_id, l.list_price_id, l.discount_id,"
        "  l.commitment_id, l.commitment_status, l.currency",
    .params = 2,
};

static const struct db_stmt statement_periods = {
    .name = "rated_line_periods",
    .sql = "INSERT INTO billing_period (tenant_id, starts_at, ends_at)"
           " SELECT DISTINCT t, to_timestamp(s), to_timestamp(e)"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS x (t, s, e)"
           " ON CONFLICT (tenant_id, starts_at) DO NOTHING",
    .params = 3,
};

enum {
    COLUMN_TENANT,
    COLUMN_RESERVATION,
    COLUMN_PRICE,
    COLUMN_PERIOD,
    COLUMN_LIST_PRICE,
    COLUMN_DISCOUNT,
    COLUMN_COMMITMENT,
    COLUMN_WINDOW,
    COLUMN_LIST_WINDOW,
    COLUMN_CAPACITY,
    COLUMN_COMMITMENT_STATUS,
    COLUMN_CATEGORY,
    COLUMN_REASON,
    COLUMN_CURRENCY,
    COLUMN_SECONDS,
    COLUMN_GPU_MILLI_S,
    COLUMN_LIST,
    COLUMN_CONTRACTED,
    COLUMN_EFFECTIVE,
    COLUMN_BILLED,
    COLUMN_METER,
    COLUMN_METER_QUANTITY,
    COLUMN_COUNT,
};

/* Those of some periods that are closed, and the one that the day's last second lies in. */
static const struct db_stmt statement_closed = {
    .name = "rated_line_closed",
    .sql = "SELECT DISTINCT b.tenant_id, extract(epoch FROM b.starts_at)::bigint,"
           "  extract(epoch FROM m.month AT TIME ZONE t.billing_timezone)::bigint,"
           "  extract(epoch FROM (m.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint"
           "  FROM unnest($1::uuid[], $2::bigint[]) AS x (tenant_id, starts_s)"
           "  JOIN billing_period b ON b.tenant_id = x.tenant_id AND b.starts_at = to_timestamp(x.starts_s)"
           "   AND b.status = 'closed'"
           "  JOIN tenant t ON t.id = b.tenant_id"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', to_timestamp($3::bigint - 1)"
           "    AT TIME ZONE t.billing_timezone) AS month) m",
    .params = 3,
};

static const struct db_stmt statement_write = {
    .name = "rated_line_write",
    .sql =
        "INSERT INTO rated_line (day, tenant_id, reservation_id, price_id, period_start, corrects, charge_class,"
        "  list_price_id, discount_id, commitment_id, window_no, list_window_no, capacity_status, commitment_status,"
        "  charge_category, reason, currency, seconds, gpu_milli_seconds, list_u, contracted_u, effective_u, amount_u,"
        "  meter_id, meter_quantity)"
        " SELECT date '1970-01-01' + $23::integer, x.tenant, x.reservation, x.price,"
        "  to_timestamp(coalesce($24::bigint, x.period)),"
        "  CASE WHEN $24::bigint IS NOT NULL THEN to_timestamp(x.period) END,"
        "  CASE WHEN $24::bigint IS NOT NULL THEN 'correction' END,"
        "  x.list_price, x.discount, x.commitment, x.window_no, x.list_window_no, x.capacity, x.commitment_status,"
        "  x.category, x.reason, x.currency, x.seconds, x.gpu_milli_s, x.list_u,"
        "  x.contracted_u, x.effective_u, x.billed_u, x.meter, x.meter_quantity"
        "   FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::uuid[],"
        "    $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],"
        "    $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[],"
        "    $21::uuid[], $22::bigint[])"
        "    AS x (tenant, reservation, price, period, list_price, discount, commitment, window_no, list_window_no,"
        "     capacity, commitment_status, category, reason, currency, seconds, gpu_milli_s, list_u, contracted_u,"
        "     effective_u, billed_u, meter, meter_quantity)",
    .params = COLUMN_COUNT + 2,
};

const struct db_stmt *const rated_line_statements[] = {
    &statement_of_reservations,
    &statement_of_period,
    &statement_of_meters,
    &statement_periods,
    &statement_closed,
    &statement_write,
    NULL,
};

/* ---- In memory ---- */

bool rated_line_is_metered(const struct rated_line *line)
{
    return !identity_is_nil(line->key.meter);
}

void rated_line_give(struct rated_line *line, int64_t amount_u)
{
    line->list_u = line->contracted_u = line->effective_u = line->billed_u = amount_u;
}

const char *rated_line_category(const struct rated_line *line)
{
    return category_texts[line->key.category];
}

void rated_lines_release(struct rated_lines *lines)
{
    free(lines->list);
    *lines = (struct rated_lines){0};
}

void rated_lines_push(struct rated_lines *lines, const struct rated_line *line)
{
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity == 0 ? 64 : lines->capacity * 2;
        lines->list = alloc_resize(lines->list, lines->capacity, sizeof *lines->list);
    }
    lines->list[lines->count++] = *line;
}

void rated_lines_truncate(struct rated_lines *lines, size_t count)
{
    lines->count = count;
}

static int by_key(const void *a, const void *b)
{
    const struct rated_line *one = a;
    const struct rated_line *other = b;
    return memcmp(&one->key, &other->key, sizeof one->key);
}

/* Adds sign times the other's quantities and amounts. */
static enum err_kind add(struct rated_line *line, const struct rated_line *other, int sign, struct err *reterr)
{
    int64_t *const sums[] = {&line->seconds,      &line->gpu_milli_s, &line->meter_quantity, &line->list_u,
                             &line->contracted_u, &line->effective_u, &line->billed_u};
    const int64_t values[] = {other->seconds,      other->gpu_milli_s, other->meter_quantity, other->list_u,
                              other->contracted_u, other->effective_u, other->billed_u};
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < COUNT_OF(sums) && kind == ERR_NONE; i++)
        kind = sign > 0 ? money_add(*sums[i], values[i], sums[i], reterr)
                        : money_subtract(*sums[i], values[i], sums[i], reterr);
    return kind;
}

enum err_kind rated_lines_merge(struct rated_lines *lines, struct err *reterr)
{
    if (lines->count == 0)
        return ERR_NONE;
    qsort(lines->list, lines->count, sizeof *lines->list, by_key);
    size_t last = 0;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 1; i < lines->count && kind == ERR_NONE; i++) {
        if (by_key(&lines->list[last], &lines->list[i]) == 0)
            kind = add(&lines->list[last], &lines->list[i], 1, reterr);
        else
            lines->list[++last] = lines->list[i];
    }
    lines->count = last + 1;
    return kind;
}

enum err_kind rated_lines_check(const struct rated_lines *lines, struct err *reterr)
{
    for (size_t i = 0; i < lines->count; i++) {
        const struct rated_line *line = &lines->list[i];
        const int64_t amounts[] = {line->list_u, line->contracted_u, line->effective_u, line->billed_u};
        for (size_t k = 0; k < COUNT_OF(amounts); k++) {
            if (amounts[k] > MONEY_LINE_MOST_U || amounts[k] < -MONEY_LINE_MOST_U)
                return err_set(reterr, ERR_INVALID, "an amount of %lld micro-units is more than the books can add up",
                               (long long)amounts[k]);
        }
    }
    return ERR_NONE;
}

static bool is_nothing(const struct rated_line *line)
{
    return line->seconds == 0 && line->gpu_milli_s == 0 && line->meter_quantity == 0 && line->list_u == 0 &&
           line->contracted_u == 0 && line->effective_u == 0 && line->billed_u == 0;
}

enum err_kind rated_lines_subtract(struct rated_lines *targets, const struct rated_lines *written, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < written->count && kind == ERR_NONE; i++) {
        struct rated_line minus = written->list[i];
        minus.seconds = minus.gpu_milli_s = minus.meter_quantity = minus.list_u = minus.contracted_u =
            minus.effective_u = minus.billed_u = 0;
        kind = add(&minus, &written->list[i], -1, reterr);
        rated_lines_push(targets, &minus);
    }
    if (kind == ERR_NONE)
        kind = rated_lines_merge(targets, reterr);
    size_t kept = 0;
    for (size_t i = 0; i < targets->count; i++) {
        if (!is_nothing(&targets->list[i]))
            targets->list[kept++] = targets->list[i];
    }
    targets->count = kept;
    return kind;
}

/* ---- Reading ---- */

/* The value of a column's text; 0 for null. Nobody writes any but these. */
static uint8_t value_of(const char *const *texts, size_t count, const char *text)
{
    size_t found = text == NULL ? 0 : text_find(texts, count, text);
    return found < count ? (uint8_t)found : 0;
}

static struct identity identity_or_nil(const PGresult *rows, int row, int column)
{
    return db_text(rows, row, column) == NULL ? (struct identity){0} : db_identity(rows, row, column);
}

static void read_rows(const PGresult *rows, struct rated_lines *ret)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct rated_line line = {
            .key =
                {
                    .reservation = identity_or_nil(rows, row, ROW_RESERVATION),
                    .price = identity_or_nil(rows, row, ROW_PRICE),
                    .period_start_s = db_int(rows, row, ROW_PERIOD, 0),
                    .list_price = identity_or_nil(rows, row, ROW_LIST_PRICE),
                    .discount = identity_or_nil(rows, row, ROW_DISCOUNT),
                    .commitment = identity_or_nil(rows, row, ROW_COMMITMENT),
                    .meter = identity_or_nil(rows, row, ROW_METER),
                    .window = (uint8_t)db_int(rows, row, ROW_WINDOW, 0),
                    .list_window = (uint8_t)db_int(rows, row, ROW_LIST_WINDOW, 0),
                    .capacity = value_of(capacity_texts, COUNT_OF(capacity_texts), db_text(rows, row, ROW_CAPACITY)),
                    .commitment_status =
                        value_of(capacity_texts, COUNT_OF(capacity_texts), db_text(rows, row, ROW_COMMITMENT_STATUS)),
                    .category = value_of(category_texts, COUNT_OF(category_texts), db_text(rows, row, ROW_CATEGORY)),
                    .reason = value_of(reason_texts, COUNT_OF(reason_texts), db_text(rows, row, ROW_REASON)),
                },
            .tenant = db_identity(rows, row, ROW_TENANT),
            .currency = db_text(rows, row, ROW_CURRENCY),
            .seconds = db_int(rows, row, ROW_SECONDS, 0),
            .gpu_milli_s = db_int(rows, row, ROW_GPU_MILLI_S, 0),
            .meter_quantity = db_int(rows, row, ROW_METER_QUANTITY, 0),
            .list_u = db_int(rows, row, ROW_LIST, 0),
            .contracted_u = db_int(rows, row, ROW_CONTRACTED, 0),
            .effective_u = db_int(rows, row, ROW_EFFECTIVE, 0),
            .billed_u = db_int(rows, row, ROW_BILLED, 0),
        };
        rated_lines_push(ret, &line);
    }
}

enum err_kind rated_lines_of_reservations(struct db *db, struct db_array *reservations, int64_t from_s,
                                          PGresult **ret_rows, struct rated_lines *ret, struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    enum err_kind kind = db_run(db, &statement_of_reservations,
                                DB_PARAMS(db_array_param(reservations), db_int_param(from, from_s)), ret_rows, reterr);
    if (kind == ERR_NONE)
        read_rows(*ret_rows, ret);
    return kind;
}

enum err_kind rated_lines_of_period(struct db *db, const char *tenant, int64_t period_start_s, bool with_minimum,
                                    PGresult **ret_rows, struct rated_lines *ret, struct err *reterr)
{
    char start[DB_INT_TEXT_SIZE];
    enum err_kind kind =
        db_run(db, &statement_of_period,
               DB_PARAMS(tenant, db_int_param(start, period_start_s), with_minimum ? "t" : "f"), ret_rows, reterr);
    if (kind == ERR_NONE)
        read_rows(*ret_rows, ret);
    return kind;
}

enum err_kind rated_lines_of_meters(struct db *db, const char *tenant, int64_t period_start_s, PGresult **ret_rows,
                                    struct rated_lines *ret, struct err *reterr)
{
    char start[DB_INT_TEXT_SIZE];
    enum err_kind kind =
        db_run(db, &statement_of_meters, DB_PARAMS(tenant, db_int_param(start, period_start_s)), ret_rows, reterr);
    if (kind == ERR_NONE)
        read_rows(*ret_rows, ret);
    return kind;
}

/* ---- Writing ---- */

/* In memory what a line lacks is nil. */
static void add_identity(struct db_array *column, struct identity id)
{
    db_array_identity_or_null(column, identity_is_nil(id) ? NULL : &id);
}

static void add_row(struct db_array columns[COLUMN_COUNT], const struct rated_line *line)
{
    const struct rated_key *key = &line->key;
    add_identity(&columns[COLUMN_TENANT], line->tenant);
    add_identity(&columns[COLUMN_RESERVATION], key->reservation);
    add_identity(&columns[COLUMN_PRICE], key->price);
    db_array_int(&columns[COLUMN_PERIOD], key->period_start_s);
    add_identity(&columns[COLUMN_LIST_PRICE], key->list_price);
    add_identity(&columns[COLUMN_DISCOUNT], key->discount);
    add_identity(&columns[COLUMN_COMMITMENT], key->commitment);
    db_array_int(&columns[COLUMN_WINDOW], key->window);
    db_array_int(&columns[COLUMN_LIST_WINDOW], key->list_window);
    db_array_text(&columns[COLUMN_CAPACITY], capacity_texts[key->capacity]);
    db_array_text(&columns[COLUMN_COMMITMENT_STATUS], capacity_texts[key->commitment_status]);
    db_array_text(&columns[COLUMN_CATEGORY], category_texts[key->category]);
    db_array_text(&columns[COLUMN_REASON], reason_texts[key->reason]);
    db_array_text(&columns[COLUMN_CURRENCY], line->currency);
    db_array_int(&columns[COLUMN_SECONDS], line->seconds);
    db_array_int(&columns[COLUMN_GPU_MILLI_S], line->gpu_milli_s);
    db_array_int(&columns[COLUMN_LIST], line->list_u);
    db_array_int(&columns[COLUMN_CONTRACTED], line->contracted_u);
    db_array_int(&columns[COLUMN_EFFECTIVE], line->effective_u);
    db_array_int(&columns[COLUMN_BILLED], line->billed_u);
    add_identity(&columns[COLUMN_METER], key->meter);
    db_array_int(&columns[COLUMN_METER_QUANTITY], line->meter_quantity);
}

static enum err_kind open_periods(struct db *db, const struct rated_lines *lines, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array tenants = {0};
    CLEANUP(db_array_clear) struct db_array starts = {0};
    CLEANUP(db_array_clear) struct db_array ends = {0};
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->list[i].period_end_s == 0)
            continue; /* it has lines, so it is there */
        db_array_identity(&tenants, lines->list[i].tenant);
        db_array_int(&starts, lines->list[i].key.period_start_s);
        db_array_int(&ends, lines->list[i].period_end_s);
    }
    return db_run(db, &statement_periods,
                  DB_PARAMS(db_array_param(&tenants), db_array_param(&starts), db_array_param(&ends)), NULL, reterr);
}

enum err_kind rated_period_open(struct db *db, const char *tenant, int64_t starts_s, int64_t ends_s, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array tenants = {0};
    CLEANUP(db_array_clear) struct db_array starts = {0};
    CLEANUP(db_array_clear) struct db_array ends = {0};
    db_array_text(&tenants, tenant);
    db_array_int(&starts, starts_s);
    db_array_int(&ends, ends_s);
    return db_run(db, &statement_periods,
                  DB_PARAMS(db_array_param(&tenants), db_array_param(&starts), db_array_param(&ends)), NULL, reterr);
}

enum err_kind rated_lines_write(const struct rated_lines *lines, const struct rated_place *place, struct db *db,
                                struct err *reterr)
{
    if (lines->count == 0)
        return ERR_NONE;
    struct db_array columns[COLUMN_COUNT] = {0};
    for (size_t i = 0; i < lines->count; i++)
        add_row(columns, &lines->list[i]);
    char day[DB_INT_TEXT_SIZE];
    char period[DB_INT_TEXT_SIZE];
    const char *params[COLUMN_COUNT + 2];
    for (int i = 0; i < COLUMN_COUNT; i++)
        params[i] = db_array_column(&columns[i]);
    params[COLUMN_COUNT] = db_int_param(day, place->day);
    params[COLUMN_COUNT + 1] = place->is_correction ? db_int_param(period, place->period_start_s) : NULL;
    enum err_kind kind = place->is_correction ? ERR_NONE : open_periods(db, lines, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_write, params, NULL, reterr);
    for (int i = 0; i < COLUMN_COUNT; i++)
        db_array_clear(&columns[i]);
    return kind;
}

/* ---- Where they belong ---- */

enum { CLOSED_TENANT, CLOSED_START, CLOSED_OPEN_START, CLOSED_OPEN_END };

static enum err_kind load_closed(struct db *db, const struct rated_lines *lines, int64_t day, PGresult **ret,
                                 struct err *reterr)
{
    char until[DB_INT_TEXT_SIZE];
    CLEANUP(db_array_clear) struct db_array tenants = {0};
    CLEANUP(db_array_clear) struct db_array starts = {0};
    for (size_t i = 0; i < lines->count; i++) {
        db_array_identity(&tenants, lines->list[i].tenant);
        db_array_int(&starts, lines->list[i].key.period_start_s);
    }
    return db_run(db, &statement_closed,
                  DB_PARAMS(db_array_param(&tenants), db_array_param(&starts),
                            db_int_param(until, calendar_time_of_day(day + 1))),
                  ret, reterr);
}

/* Takes the lines of a tenant's period out. */
static void take_period(struct rated_lines *lines, struct identity tenant, int64_t starts_s, struct rated_lines *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const struct rated_line *line = &lines->list[i];
        if (line->key.period_start_s == starts_s && identity_equal(line->tenant, tenant))
            rated_lines_push(ret, line);
        else
            lines->list[kept++] = *line;
    }
    lines->count = kept;
}

static enum err_kind write_corrections(const struct rated_lines *lines, int64_t day, const PGresult *closed, int row,
                                       struct db *db, struct err *reterr)
{
    const struct rated_place place = {
        .day = day, .is_correction = true, .period_start_s = db_int(closed, row, CLOSED_OPEN_START, 0)};
    enum err_kind kind = rated_period_open(db, db_text(closed, row, CLOSED_TENANT), place.period_start_s,
                                           db_int(closed, row, CLOSED_OPEN_END, 0), reterr);
    return kind == ERR_NONE ? rated_lines_write(lines, &place, db, reterr) : kind;
}

enum err_kind rated_lines_write_late(const struct rated_lines *lines, int64_t day, struct db *db, struct err *reterr)
{
    if (lines->count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *closed = NULL;
    CLEANUP(rated_lines_release) struct rated_lines rest = {0};
    for (size_t i = 0; i < lines->count; i++)
        rated_lines_push(&rest, &lines->list[i]);
    enum err_kind kind = load_closed(db, lines, day, &closed, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(closed); row++) {
        CLEANUP(rated_lines_release) struct rated_lines late = {0};
        take_period(&rest, db_identity(closed, row, CLOSED_TENANT), db_int(closed, row, CLOSED_START, 0), &late);
        kind = write_corrections(&late, day, closed, row, db, reterr);
    }
    return kind == ERR_NONE ? rated_lines_write(&rest, &(struct rated_place){.day = day}, db, reterr) : kind;
}
