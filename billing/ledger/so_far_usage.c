/* Usage so far, reservation by reservation, in chunks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_so_far.h"
#include "billing/ledger/so_far.h"

#include "billing/ledger/usage_lines.h"

#define CHUNK_RESERVATIONS 2000 /* a transaction stays below a second */

// clang-format off
/* The day's usage, cut off where it ends or now; of a chunk of reservations, or of a tenant. Columns are enum
 * usage_column. */
static const struct db_stmt statement_usage = {
    .name = "so_far_usage",
    .sql =
        "WITH piece AS ("
        "  SELECT u.reservation_id, $1::date AS day, u.node_id,"
        "    greatest(u.period_start, $1::date::timestamp AT TIME ZONE 'UTC') AS period_start,"
        "    least(u.period_end, to_timestamp($2::bigint)) AS period_end, u.gpu_milli, u.class FROM usage_so_far u"
        "   WHERE u.period_start >= to_timestamp($3::bigint) AND u.period_start < to_timestamp($2::bigint)"
        "     AND u.period_end > $1::date::timestamp AT TIME ZONE 'UTC' AND u.class IN ('used', 'unused')"
        "     AND u.reservation_id > $4::uuid AND ($6::uuid IS NULL OR u.tenant_id = $6::uuid)"
        "), one AS MATERIALIZED ("
        "  SELECT DISTINCT p.reservation_id AS id FROM piece p ORDER BY 1 LIMIT $5::bigint"
        "), " USAGE_CHOSEN("one x")
        "  SELECT c.*, p.day, p.node_id, p.period_start, p.period_end, p.gpu_milli, p.class"
        "    FROM piece p JOIN chosen c ON c.id = p.reservation_id"
        USAGE_SUMMED,
    .params = 6,
};
// clang-format on

const struct db_stmt *const so_far_usage_statements[] = {&statement_usage, NULL};

enum err_kind so_far_load_usage(struct db *db, const struct so_far *so_far, const char *tenant, int64_t limit,
                                PGresult **ret, struct err *reterr)
{
    const struct day_part *part = so_far->part;
    char date[CALENDAR_DATE_SIZE];
    char last[UUID_TEXT_SIZE];
    char texts[3][DB_INT_TEXT_SIZE];
    calendar_date_print(part->day, date);
    identity_to_uuid(tenant == NULL ? so_far->last : (struct identity){0}, last);
    return db_run(db, &statement_usage,
                  DB_PARAMS(date, db_int_param(texts[0], part->until_s), db_int_param(texts[1], part->open_from_s),
                            last, db_int_param(texts[2], limit), tenant),
                  ret, reterr);
}

struct rated_line so_far_unpriced_line(const PGresult *rows, int row)
{
    return (struct rated_line){.key = {.reservation = db_identity(rows, row, USAGE_COLUMN_RESERVATION),
                                       .period_start_s = db_int(rows, row, USAGE_COLUMN_PERIOD, 0)},
                               .tenant = db_identity(rows, row, USAGE_COLUMN_TENANT),
                               .currency = db_text(rows, row, USAGE_COLUMN_CURRENCY)};
}

static void add_unpriced(struct bulk_rows *unpriced, const struct so_far *so_far, const PGresult *rows, int first,
                         int end)
{
    const struct rated_line line = so_far_unpriced_line(rows, first);
    so_far_add_row(unpriced, so_far, &line, usage_billable(rows, first, end));
}

enum err_kind so_far_measure(const struct so_far *so_far, const struct price_book *book, const PGresult *rows,
                             struct rated_lines *lines, struct bulk_rows *unpriced, int64_t *ret_reservations,
                             struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        struct err err = {0};
        int unpriced_row = row;
        next = db_run_end(rows, row, USAGE_COLUMN_RESERVATION);
        *ret_reservations += 1;
        kind = usage_lines_add_day(lines, book, rows, row, next, NULL, &unpriced_row, &err);
        if (kind == ERR_NOT_FOUND) {
            add_unpriced(unpriced, so_far, rows, row, next);
            kind = ERR_NONE;
        } else if (kind != ERR_NONE) {
            *reterr = err;
        }
    }
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

static enum err_kind rate_chunk(struct db *db, void *context, struct err *reterr)
{
    struct so_far *so_far = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(db_result_clear) PGresult *written = NULL;
    CLEANUP(rated_lines_release) struct rated_lines lines = {0};
    CLEANUP(rated_lines_release) struct rated_lines rest = {0};
    CLEANUP(bulk_rows_release) struct bulk_rows unpriced = {0};
    int64_t reservations = 0;
    enum err_kind kind = so_far_load_usage(db, so_far, NULL, so_far->chunk, &rows, reterr);
    if (kind == ERR_NONE)
        kind = so_far_measure(so_far, so_far->scope.book, rows, &lines, &unpriced, &reservations, reterr);
    if (kind == ERR_NONE)
        kind = so_far_send(&unpriced, db, reterr);
    if (kind != ERR_NONE)
        return kind;
    rate_scope_split(&so_far->scope, &lines, &rest);
    for (size_t i = 0; i < rest.count; i++)
        so_far_add_period(so_far, &(struct so_far_period){.tenant = rest.list[i].tenant,
                                                          .starts_s = rest.list[i].key.period_start_s,
                                                          .ends_s = rest.list[i].period_end_s});
    kind = rate_alone(db, &so_far->scope, &lines, &written, reterr);
    if (kind == ERR_NONE)
        kind = so_far_write(db, so_far, &lines, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(rows) > 0)
        so_far->last = db_identity(rows, PQntuples(rows) - 1, USAGE_COLUMN_RESERVATION);
    so_far->more = reservations == so_far->chunk;
    return ERR_NONE;
}

/* A reservation that its close could not rate is left out, and counted. */
static enum err_kind pass_one(struct db *db, void *context, struct err *reterr)
{
    struct so_far *so_far = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(bulk_rows_release) struct bulk_rows unpriced = {0};
    enum err_kind kind = so_far_load_usage(db, so_far, NULL, 1, &rows, reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    add_unpriced(&unpriced, so_far, rows, 0, PQntuples(rows));
    kind = so_far_send(&unpriced, db, reterr);
    so_far->last = kind == ERR_NONE ? db_identity(rows, 0, USAGE_COLUMN_RESERVATION) : so_far->last;
    return kind;
}

/* As the day's close does: a chunk with an amount that fits no number is halved until it stands alone. */
static enum err_kind rate_or_halve(struct leader *leader, struct so_far *so_far, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = leader_transact(leader, rate_chunk, so_far, &err);
    if (kind == ERR_INVALID && so_far->chunk > 1) {
        so_far->chunk /= 2;
        return ERR_NONE;
    }
    so_far->chunk = so_far->chunk < CHUNK_RESERVATIONS / 2 ? so_far->chunk * 2 : CHUNK_RESERVATIONS;
    if (kind == ERR_INVALID)
        return leader_transact(leader, pass_one, so_far, reterr);
    if (kind != ERR_NONE)
        *reterr = err;
    return kind;
}

enum err_kind so_far_rate_usage(struct leader *leader, struct so_far *so_far, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    so_far->chunk = CHUNK_RESERVATIONS;
    so_far->more = true;
    while (kind == ERR_NONE && so_far->more)
        kind = rate_or_halve(leader, so_far, reterr);
    return kind;
}
