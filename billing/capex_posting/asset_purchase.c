/* A chunk of purchases per transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/asset_purchase.h"

#include "billing/bulk_rows.h"
#include "billing/ledger/journal.h"
#include "common/asset_row.h"
#include "common/calendar.h"
#include "common/money.h"

#include <stdio.h>

#define PURCHASES_MAX 2000 /* per transaction, which stays below a second */

/* An asset that no node has yet is in stock: its service begins when one does. */
// clang-format off
static const struct db_stmt statement_due = {
    .name = "asset_purchase_due",
    .sql = "SELECT " ASSET_ROW_COLUMNS("$1::date") "  FROM " ASSET_ROW_TABLES
           " CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(a.node_id, p.node_id) IS NOT NULL THEN a.in_service END"
           "                       AS in_service) b"
           " WHERE coalesce(a.acquired_on, a.in_service) <= $1::date"
           "   AND NOT EXISTS (SELECT FROM asset_book k WHERE k.asset_id = a.id)"
           " ORDER BY a.id LIMIT " SQL_NUMBER(PURCHASES_MAX),
    .params = 1,
};
// clang-format on

static const struct db_stmt statement_recognise = {
    .name = "asset_purchase_recognise",
    .sql =
        "INSERT INTO asset_book (asset_id, recognised_on, in_service, opening_minor)"
        " SELECT x.asset_id, date '1970-01-01' + x.day::integer, date '1970-01-01' + x.in_service::integer, x.opening"
        "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])"
        "     AS x (asset_id, day, in_service, opening)",
    .params = 4,
    .columns = 4,
};

static const struct db_stmt statement_begin = {
    .name = "asset_purchase_begin",
    .sql = "UPDATE asset_book b SET in_service = greatest(a.in_service, $1::date) FROM " ASSET_ROW_TABLES
           " WHERE b.in_service IS NULL AND b.disposed_on IS NULL AND a.id = b.asset_id"
           "   AND coalesce(a.node_id, p.node_id) IS NOT NULL",
    .params = 1,
};

const struct db_stmt *const asset_purchase_statements[] = {
    &statement_due,
    &statement_recognise,
    &statement_begin,
    NULL,
};

struct chunk {
    int64_t day;
    bool more; /* out */
};

/* What the schedule says of the days before. Units of production of that time are not known: none. */
static int64_t opening_of(const struct asset_row *asset, int64_t day)
{
    struct depreciation_segment segment = depreciation_begin(&asset->terms);
    return depreciation_accumulated(&segment, day, 0);
}

static enum err_kind draw_up(struct journal_batch *batch, const struct asset_row *asset, int64_t day,
                             int64_t opening_minor, struct err *reterr)
{
    int64_t cost_u = 0;
    int64_t opening_u = 0;
    enum err_kind kind = money_micro_of_minor(asset->terms.cost_minor, asset->exponent, &cost_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(opening_minor, asset->exponent, &opening_u, reterr);
    char id[UUID_TEXT_SIZE];
    char key[64];
    identity_to_uuid(asset->id, id);
    (void)snprintf(key, sizeof key, "purchase:%s", id); /* 45 characters */
    journal_open(batch, &(struct journal_head){key, calendar_time_of_day(day), "asset", &asset->id});
    journal_debit(batch, "hardware_cost", NULL, asset->currency, cost_u);
    journal_credit(batch, "accounts_payable", NULL, asset->currency, cost_u);
    journal_debit(batch, "retained_earnings", NULL, asset->currency, opening_u);
    journal_credit(batch, "accumulated_depreciation", NULL, asset->currency, opening_u);
    return kind;
}

static enum err_kind recognise(struct bulk_rows *books, struct journal_batch *batch, const PGresult *rows, int row,
                               int64_t day, struct err *reterr)
{
    struct asset_row asset;
    enum err_kind kind = asset_row_read(rows, row, &asset, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t opening_minor = opening_of(&asset, day);
    struct db_column *next = books->columns; /* in the order of the statement's parameters */
    db_column_identity(next++, asset.id);
    db_column_int8(next++, day);
    db_column_int8_or_null(next++, asset.is_in_stock ? INT64_MIN : asset.terms.in_service, INT64_MIN);
    db_column_int8(next, opening_minor);
    return draw_up(batch, &asset, day, opening_minor, reterr);
}

static enum err_kind post_chunk(struct db *db, void *context, struct err *reterr)
{
    struct chunk *chunk = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(chunk->day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(bulk_rows_release) struct bulk_rows books = {0};
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    enum err_kind kind = db_run(db, &statement_due, DB_PARAMS(date), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        kind = recognise(&books, &batch, rows, row, chunk->day, reterr);
    if (kind != ERR_NONE)
        return kind;
    chunk->more = PQntuples(rows) == PURCHASES_MAX;
    kind = bulk_rows_send(&books, db, &statement_recognise, reterr);
    int64_t posted = 0;
    return kind == ERR_NONE ? journal_post(&batch, db, &posted, reterr) : kind;
}

static enum err_kind begin_service(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(*day, date);
    return db_run(db, &statement_begin, DB_PARAMS(date), NULL, reterr);
}

enum err_kind asset_purchase_post(struct leader *leader, int64_t day, struct err *reterr)
{
    struct chunk chunk = {.day = day, .more = true};
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && chunk.more)
        kind = leader_transact(leader, post_chunk, &chunk, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, begin_service, &day, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "taking assets into the books");
}
