/* The steps of a day, and what they come to in the ledger. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/capex_day.h"

#include "billing/capex/pools.h"
#include "billing/capex_posting/asset_change_day.h"
#include "billing/capex_posting/asset_purchase.h"
#include "billing/capex_posting/depreciation_rows.h"
#include "billing/capex_posting/node_day.h"
#include "billing/ledger/journal.h"
#include "common/calendar.h"
#include "common/money.h"

#include <stdio.h>
#include <string.h>

#define STOCK_MAX 4000 /* per transaction, which stays below a second */

// clang-format off
/* In stock again after it was used: depreciation does not cease (IAS 16.55), but it earns nothing, so that it is not a
 * cost of revenue. */
static const struct db_stmt statement_stock = {
    .name = "capex_day_stock",
    .sql = "SELECT " ASSET_ROW_COLUMNS("$1::date") "  FROM " ASSET_ROW_TABLES " JOIN asset_book b ON b.asset_id = a.id"
           " WHERE a.node_id IS NULL AND p.node_id IS NULL AND b.in_service <= $1::date"
           "   AND (b.disposed_on IS NULL OR b.disposed_on > $1::date) AND ($2::uuid IS NULL OR a.id > $2::uuid)"
           "   AND NOT EXISTS (SELECT FROM depreciation d WHERE d.asset_id = a.id AND d.day = $1::date)"
           " ORDER BY a.id LIMIT " SQL_NUMBER(STOCK_MAX),
    .params = 2,
};
// clang-format on

/* In the order of enum cost_pool. */
static const struct db_stmt statement_totals = {
    .name = "capex_day_totals",
    .sql = "SELECT currency, sum(depreciation_u), sum(power_u), sum(colocation_u), sum(operations_u), sum(network_u),"
           "       sum(storage_u) FROM node_cost WHERE day = $1::date GROUP BY 1 ORDER BY 1",
    .params = 1,
};
enum { TOTAL_CURRENCY, TOTAL_FIRST_POOL };

static const struct db_stmt statement_stock_totals = {
    .name = "capex_day_stock_totals",
    .sql = "SELECT a.currency, sum(d.amount_minor) FROM depreciation d JOIN asset a ON a.id = d.asset_id"
           " WHERE d.day = $1::date AND d.node_id IS NULL GROUP BY 1 ORDER BY 1",
    .params = 1,
};
enum { STOCK_CURRENCY, STOCK_AMOUNT };

const struct db_stmt *const capex_day_statements[] = {
    &statement_stock,
    &statement_totals,
    &statement_stock_totals,
    NULL,
};

/* ---- In stock ---- */

struct stock {
    int64_t day;
    char after[UUID_TEXT_SIZE];   /* the last asset posted; "": none */
    char reached[UUID_TEXT_SIZE]; /* out */
    bool more;                    /* out */
};

static enum err_kind post_stock(struct db *db, void *context, struct err *reterr)
{
    struct stock *stock = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(stock->day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(asset_history_release) struct asset_history history = {0};
    CLEANUP(depreciation_rows_release) struct depreciation_rows charges = {0};
    CLEANUP(db_array_clear) struct db_array ids = {0};
    const char *after = stock->after[0] == '\0' ? NULL : stock->after;
    enum err_kind kind = db_run(db, &statement_stock, DB_PARAMS(date, after), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    stock->more = PQntuples(rows) == STOCK_MAX;
    if (PQntuples(rows) == 0)
        return ERR_NONE;
    for (int row = 0; row < PQntuples(rows); row++)
        db_array_identity(&ids, db_identity(rows, row, ASSET_ROW_ID));
    identity_to_uuid(db_identity(rows, PQntuples(rows) - 1, ASSET_ROW_ID), stock->reached);
    kind = asset_history_load(db, db_array_param(&ids), date, &history, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct asset_row asset;
        int64_t amount_u = 0;
        kind = asset_row_read(rows, row, &asset, reterr);
        if (kind == ERR_NONE)
            kind = depreciation_rows_add(&charges, &history, &asset, stock->day, 0, &amount_u, reterr);
    }
    return kind == ERR_NONE ? depreciation_rows_send(&charges, db, reterr) : kind;
}

static enum err_kind stock_day_post(struct leader *leader, int64_t day, struct err *reterr)
{
    struct stock stock = {.day = day, .more = true};
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && stock.more) {
        kind = leader_transact(leader, post_stock, &stock, reterr);
        memcpy(stock.after, stock.reached, sizeof stock.after);
    }
    return kind;
}

/* ---- The ledger ---- */

/* A journal of a day's expense: at the last second of the day, so that a month's entries lie within the month. */
static void draw_up(struct journal_batch *batch, int64_t day, const char *what, const char *expense,
                    const char *credited, const char *currency, int64_t amount_u)
{
    if (amount_u == 0)
        return;
    char date[CALENDAR_DATE_SIZE];
    char key[64];
    calendar_date_print(day, date);
    (void)snprintf(key, sizeof key, "%s:%s:%s", what, date, currency); /* far below the size */
    journal_open(batch, &(struct journal_head){key, calendar_time_of_day(day + 1) - 1, what, NULL});
    journal_debit(batch, expense, NULL, currency, amount_u);
    journal_credit(batch, credited, NULL, currency, amount_u);
}

static enum err_kind draw_up_stock(struct journal_batch *batch, int64_t day, const PGresult *rows, struct err *reterr)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *currency = db_text(rows, row, STOCK_CURRENCY);
        int exponent = 0;
        int64_t amount_u = 0;
        enum err_kind kind = money_exponent(currency, &exponent, reterr);
        if (kind == ERR_NONE)
            kind = money_micro_of_minor(db_int(rows, row, STOCK_AMOUNT, 0), exponent, &amount_u, reterr);
        if (kind != ERR_NONE)
            return kind;
        draw_up(batch, day, "depreciation_in_stock", cost_pool_expense(POOL_OPERATIONS),
                cost_pool_accrual(POOL_DEPRECIATION), currency, amount_u);
    }
    return ERR_NONE;
}

enum err_kind capex_day_journals(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_result_clear) PGresult *totals = NULL;
    CLEANUP(db_result_clear) PGresult *stock = NULL;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    enum err_kind kind = db_run(db, &statement_totals, DB_PARAMS(date), &totals, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_stock_totals, DB_PARAMS(date), &stock, reterr);
    if (kind == ERR_NONE)
        kind = draw_up_stock(&batch, day, stock, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(totals); row++) {
        for (enum cost_pool pool = 0; pool < COST_POOL_COUNT; pool++)
            draw_up(&batch, day, cost_pool_text(pool), cost_pool_expense(pool), cost_pool_accrual(pool),
                    db_text(totals, row, TOTAL_CURRENCY), db_int(totals, row, TOTAL_FIRST_POOL + (int)pool, 0));
    }
    int64_t posted = 0;
    return kind == ERR_NONE ? journal_post(&batch, db, &posted, reterr) : kind;
}

enum err_kind capex_day_take_in(struct leader *leader, int64_t day, struct err *reterr)
{
    enum err_kind kind = asset_purchase_post(leader, day, reterr);
    return kind == ERR_NONE ? asset_change_day_post(leader, day, reterr) : kind;
}

enum err_kind capex_day_post(struct leader *leader, int64_t day, struct err *reterr)
{
    enum err_kind kind = stock_day_post(leader, day, reterr);
    if (kind == ERR_NONE)
        kind = node_day_post(leader, day, reterr);
    return kind;
}
