/* One change per transaction: they are rare, and each may follow from the one before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/asset_change_day.h"

#include "billing/capex_posting/asset_history.h"
#include "billing/ledger/journal.h"
#include "common/calendar.h"
#include "common/money.h"

#include <stdio.h>

#define CHANGE_FIRST_COLUMN (ASSET_ROW_WIDTH + 2) /* after the asset, the id, and whether it is in the books */

// clang-format off
static const struct db_stmt statement_due = {
    .name = "asset_change_due",
    .sql = "SELECT " ASSET_ROW_COLUMNS("$1::date") ", c.id, b.asset_id IS NOT NULL, " ASSET_CHANGE_COLUMNS
           "  FROM asset_change c JOIN (" ASSET_ROW_TABLES ") ON a.id = c.asset_id"
           "  LEFT JOIN asset_book b ON b.asset_id = a.id"
           " WHERE c.effective_on <= $1::date"
           "   AND NOT EXISTS (SELECT FROM asset_change_status s WHERE s.change_id = c.id)"
           " ORDER BY c.effective_on, c.id LIMIT 1",
    .params = 1,
};
// clang-format on

static const struct db_stmt statement_applied = {
    .name = "asset_change_applied",
    .sql = "INSERT INTO asset_change_status (change_id, outcome, units_gpu_milli_s, cost_minor, accumulated_minor,"
           "  impairment_minor, amount_minor)"
           " VALUES ($1::uuid, 'applied', $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint)",
    .params = 6,
};

static const struct db_stmt statement_refused = {
    .name = "asset_change_refused",
    .sql = "INSERT INTO asset_change_status (change_id, outcome, problem) VALUES ($1::uuid, 'refused', $2)",
    .params = 2,
};

static const struct db_stmt statement_gone = {
    .name = "asset_change_gone",
    .sql = "UPDATE asset_book SET disposed_on = $2::date WHERE asset_id = $1::uuid",
    .params = 2,
};

const struct db_stmt *const asset_change_day_statements[] = {
    &statement_due, &statement_applied, &statement_refused, &statement_gone, NULL,
};

/* A change that is due. */
struct due {
    struct asset_row asset;
    const char *id; /* in the result */
    bool is_in_books;
    struct asset_change change;
};

/* What the income statement calls it: of what is worth less or more, or of what goes. */
static const char *result_account(const struct asset_change *change, int64_t amount)
{
    if (change->kind == ASSET_IMPAIR || change->kind == ASSET_REVERSE)
        return "impairment_loss";
    return amount < 0 ? "disposal_loss" : "disposal_gain";
}

static enum err_kind micro_of(const struct asset_row *asset, int64_t amount_minor, int64_t *ret_u, struct err *reterr)
{
    return money_micro_of_minor(amount_minor, asset->exponent, ret_u, reterr);
}

/* Each account moves by what the change moves it, cash by what was paid, and the result by the rest. */
static enum err_kind post_effect(struct db *db, const struct due *due, const struct asset_effect *effect,
                                 struct err *reterr)
{
    const struct asset_change *change = &due->change;
    const char *currency = due->asset.currency;
    bool is_sold = change->kind == ASSET_REPLACE_PART || change->kind == ASSET_DISPOSE;
    int64_t cost_u = 0;
    int64_t accumulated_u = 0;
    int64_t impairment_u = 0;
    int64_t cash_u = 0;
    const struct {
        int64_t minor;
        int64_t *u;
    } moves[] = {
        {effect->after.cost_minor - effect->before.cost_minor, &cost_u},
        {effect->after.accumulated_minor - effect->before.accumulated_minor, &accumulated_u},
        {effect->after.impairment_minor - effect->before.impairment_minor, &impairment_u},
        {is_sold ? change->proceeds_minor - change->selling_cost_minor : 0, &cash_u},
    };
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        enum err_kind kind = micro_of(&due->asset, moves[i].minor, moves[i].u, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    char key[64];
    (void)snprintf(key, sizeof key, "asset_change:%s", due->id); /* 49 characters */
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    journal_open(&batch, &(struct journal_head){key, calendar_time_of_day(change->day), "asset", &due->asset.id});
    journal_debit(&batch, "hardware_cost", NULL, currency, cost_u);
    journal_credit(&batch, "accumulated_depreciation", NULL, currency, accumulated_u);
    journal_credit(&batch, "accumulated_impairment", NULL, currency, impairment_u);
    journal_debit(&batch, "cash", NULL, currency, cash_u);
    journal_credit(&batch, result_account(change, effect->amount_minor), NULL, currency,
                   cost_u - accumulated_u - impairment_u + cash_u);
    int64_t posted = 0;
    return effect->amount_minor == 0 && cost_u == 0 ? ERR_NONE : journal_post(&batch, db, &posted, reterr);
}

static enum err_kind note_applied(struct db *db, const struct due *due, const struct asset_effect *effect,
                                  struct err *reterr)
{
    char cost[DB_INT_TEXT_SIZE];
    char accumulated[DB_INT_TEXT_SIZE];
    char impairment[DB_INT_TEXT_SIZE];
    char amount[DB_INT_TEXT_SIZE];
    char units[DB_INT_TEXT_SIZE];
    bool has_units = due->asset.terms.method == DEPRECIATION_UNITS;
    return db_run(db, &statement_applied,
                  DB_PARAMS(due->id, has_units ? db_int_param(units, due->asset.units) : NULL,
                            db_int_param(cost, effect->after.cost_minor),
                            db_int_param(accumulated, effect->after.accumulated_minor),
                            db_int_param(impairment, effect->after.impairment_minor),
                            db_int_param(amount, effect->amount_minor)),
                  NULL, reterr);
}

/* ERR_INVALID: refused, with the reason in reterr; nothing was written. */
static enum err_kind work_out(struct db *db, const struct due *due, const char *date, struct asset_effect *ret,
                              struct err *reterr)
{
    CLEANUP(asset_history_release) struct asset_history history = {0};
    CLEANUP(db_array_clear) struct db_array ids = {0};
    db_array_identity(&ids, due->asset.id);
    struct asset_life life;
    enum err_kind kind = asset_history_load(db, db_array_param(&ids), date, &history, reterr);
    if (kind == ERR_NONE)
        kind = asset_history_life(&history, &due->asset, &life, reterr);
    return kind == ERR_NONE ? asset_life_apply(&life, &due->change, ret, reterr) : kind;
}

static enum err_kind refuse(struct db *db, const struct due *due, const char *problem, struct err *reterr)
{
    return db_run(db, &statement_refused, DB_PARAMS(due->id, problem), NULL, reterr);
}

static enum err_kind apply(struct db *db, const struct due *due, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    if (!due->is_in_books)
        return refuse(db, due, "the asset is not in the books yet", reterr);
    if (due->change.day < day)
        return refuse(db, due, "its day was closed already", reterr);
    struct asset_effect effect = {0};
    enum err_kind kind = work_out(db, due, date, &effect, reterr);
    if (kind == ERR_INVALID)
        return refuse(db, due, reterr->text, reterr);
    char asset[UUID_TEXT_SIZE];
    identity_to_uuid(due->asset.id, asset);
    if (kind == ERR_NONE)
        kind = note_applied(db, due, &effect, reterr);
    if (kind == ERR_NONE)
        kind = post_effect(db, due, &effect, reterr);
    if (kind == ERR_NONE && due->change.kind == ASSET_DISPOSE)
        kind = db_run(db, &statement_gone, DB_PARAMS(asset, date), NULL, reterr);
    return kind;
}

struct step {
    int64_t day;
    bool found; /* out: there may be another */
};

static enum err_kind apply_next(struct db *db, void *context, struct err *reterr)
{
    struct step *step = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(step->day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_due, DB_PARAMS(date), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    step->found = PQntuples(rows) > 0;
    if (!step->found)
        return ERR_NONE;
    struct due due = {0};
    kind = asset_row_read(rows, 0, &due.asset, reterr);
    if (kind != ERR_NONE)
        return kind;
    due.id = db_text(rows, 0, CHANGE_FIRST_COLUMN - 2);
    due.is_in_books = db_bool(rows, 0, CHANGE_FIRST_COLUMN - 1);
    due.change = asset_change_read(rows, 0, CHANGE_FIRST_COLUMN, due.asset.units);
    return apply(db, &due, step->day, reterr);
}

enum err_kind asset_change_day_post(struct leader *leader, int64_t day, struct err *reterr)
{
    struct step step = {.day = day, .found = true};
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && step.found)
        kind = leader_transact(leader, apply_next, &step, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "changing assets");
}
