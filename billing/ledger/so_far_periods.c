/* Periods that are rated as a whole: of tenants with commitments, with what came late, or with meters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_so_far.h"
#include "billing/ledger/so_far.h"

#include "billing/ledger/commitments.h"
#include "billing/ledger/meter_lines.h"
#include "billing/ledger/rate_facts.h"
#include "billing/ledger/rate_lines.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"
#include "common/calendar.h"

/* Billing periods of tenants with commitments that the day touches. */
static const struct db_stmt statement_committed = {
    .name = "so_far_committed",
    .sql = "SELECT DISTINCT t.id, extract(epoch FROM m.month AT TIME ZONE t.billing_timezone)::bigint,"
           "  extract(epoch FROM (m.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint"
           "  FROM commitment c JOIN tenant t ON t.id = c.tenant_id"
           "  CROSS JOIN (VALUES (to_timestamp($1::bigint)), (to_timestamp($2::bigint - 1))) AS s (at)"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', s.at AT TIME ZONE t.billing_timezone) AS month) m"
           " WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};
enum { COMMITTED_TENANT, COMMITTED_START, COMMITTED_END };

const struct db_stmt *const so_far_period_statements[] = {&statement_committed, NULL};

void so_far_add_period(struct so_far *so_far, const struct so_far_period *period)
{
    for (size_t i = so_far->period_count; i > 0; i--) { /* the last ones are likely */
        struct so_far_period *known = &so_far->periods[i - 1];
        if (known->starts_s != period->starts_s || !identity_equal(known->tenant, period->tenant))
            continue;
        known->is_metered_only = known->is_metered_only && period->is_metered_only;
        return;
    }
    if (so_far->period_count == so_far->period_capacity) {
        so_far->period_capacity = so_far->period_capacity == 0 ? 64 : so_far->period_capacity * 2;
        so_far->periods = alloc_resize(so_far->periods, so_far->period_capacity, sizeof *so_far->periods);
    }
    so_far->periods[so_far->period_count++] = *period;
}

/* The part of it that is not rated alone, with what was rated of it before, and prices that are not known left out; or,
 * if something came late, all of it from the facts. */
struct whole {
    bool anew;
    bool is_metered_only; /* all else is rated alone */
    struct facts facts;   /* if anew */
    PGresult *usage_rows, *written_rows, *meter_rows;
    struct committed committed;
    struct rated_lines written, targets;
};

static void whole_release(struct whole *whole)
{
    facts_release(&whole->facts);
    PQclear(whole->usage_rows);
    PQclear(whole->written_rows);
    PQclear(whole->meter_rows);
    committed_release(&whole->committed);
    rated_lines_release(&whole->written);
    rated_lines_release(&whole->targets);
}

/* Keeps what is not rated alone and has a price that is known, or none. */
static void keep_rest(const struct rate_scope *scope, struct rated_lines *lines)
{
    struct rated_lines rest = {0};
    rate_scope_split(scope, lines, &rest);
    rate_lines_drop_unknown(scope->book, &rest);
    rated_lines_release(lines);
    *lines = rest;
}

static void keep_period(struct rated_lines *lines, int64_t starts_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->list[i].key.period_start_s == starts_s)
            lines->list[kept++] = lines->list[i];
    }
    lines->count = kept;
}

static const struct price_book *book_of(const struct so_far *so_far, const struct whole *whole)
{
    return whole->anew ? &whole->facts.book : so_far->scope.book;
}

static bool is_anew(const struct so_far *so_far, const struct so_far_period *period)
{
    for (int row = 0; row < PQntuples(so_far->due); row++) {
        if (identity_equal(db_identity(so_far->due, row, DUE_TENANT), period->tenant) &&
            db_int(so_far->due, row, DUE_START, 0) == period->starts_s)
            return db_bool(so_far->due, row, DUE_ANEW);
    }
    return false;
}

/* What was measured before the day: from the facts, or as it was written. */
static enum err_kind load_before(struct db *db, const struct facts_period *facts, struct whole *whole,
                                 struct err *reterr)
{
    if (whole->is_metered_only)
        return rated_lines_of_meters(db, facts->tenant, facts->starts_s, &whole->written_rows, &whole->written, reterr);
    enum err_kind kind = rated_lines_of_period(db, facts->tenant, facts->starts_s, whole->anew, &whole->written_rows,
                                               &whole->written, reterr);
    if (kind != ERR_NONE)
        return kind;
    return whole->anew ? facts_measure(db, facts, &whole->facts, &whole->targets, reterr)
                       : rate_lines_fold(&whole->written, &whole->targets, reterr);
}

static enum err_kind load_so_far(struct db *db, const struct so_far *so_far, const struct facts_period *facts,
                                 struct whole *whole, struct err *reterr)
{
    CLEANUP(bulk_rows_release) struct bulk_rows unpriced = {0}; /* told of already */
    int64_t reservations = 0;
    if (whole->is_metered_only)
        return ERR_NONE;
    enum err_kind kind = so_far_load_usage(db, so_far, facts->tenant, INT64_MAX, &whole->usage_rows, reterr);
    return kind == ERR_NONE ? so_far_measure(so_far, book_of(so_far, whole), whole->usage_rows, &whole->targets,
                                             &unpriced, &reservations, reterr)
                            : kind;
}

static enum err_kind load_whole(struct db *db, const struct so_far *so_far, const struct facts_period *facts,
                                struct whole *whole, struct err *reterr)
{
    enum err_kind kind = committed_load(db, facts->tenant, facts->starts_s, facts->ends_s, &whole->committed, reterr);
    whole->is_metered_only = whole->is_metered_only && !whole->anew && whole->committed.count == 0;
    if (kind == ERR_NONE)
        kind = load_before(db, facts, whole, reterr);
    if (kind == ERR_NONE)
        kind = load_so_far(db, so_far, facts, whole, reterr);
    keep_period(&whole->targets, facts->starts_s);
    bool knows_all = whole->anew || meter_lines_all_known(so_far->scope.book, &whole->written);
    if (!knows_all) /* the close rates them anew */
        meter_lines_drop(&whole->written);
    else if (kind == ERR_NONE)
        kind = meter_lines_add(db, facts, book_of(so_far, whole), &whole->meter_rows, &whole->targets, reterr);
    if (!whole->anew) {
        keep_rest(&so_far->scope, &whole->targets);
        keep_rest(&so_far->scope, &whole->written);
    }
    return kind;
}

static enum err_kind rate_whole(struct db *db, const struct so_far *so_far, const struct facts_period *facts,
                                struct whole *whole, struct err *reterr)
{
    bool is_over = facts->ends_s <= so_far->part->until_s;
    enum err_kind kind = load_whole(db, so_far, facts, whole, reterr);
    if (kind == ERR_NONE)
        kind =
            rate_lines(&whole->targets, book_of(so_far, whole), whole->committed.list, whole->committed.count, reterr);
    if (kind == ERR_NONE)
        kind = meter_lines_check(&whole->targets, reterr);
    if (kind == ERR_NONE)
        kind = committed_add_fees(&whole->committed, is_over, &whole->targets, reterr);
    if (kind == ERR_NONE && whole->anew)
        kind = facts_add_minimum(db, facts, &whole->facts, &whole->targets, reterr);
    return kind == ERR_NONE ? rated_lines_subtract(&whole->targets, &whole->written, reterr) : kind;
}

/* What came late on the day and waits: days before have told of theirs. */
static enum err_kind write_waiting(struct db *db, const struct so_far *so_far, const struct facts_period *period,
                                   const struct facts *facts, struct err *reterr)
{
    CLEANUP(bulk_rows_release) struct bulk_rows waiting = {0};
    const PGresult *rows = facts->usage_rows;
    for (int row = 0; facts->left_out_count > 0 && row < PQntuples(rows); row++) {
        if (!facts->left_out[row] || db_int(rows, row, USAGE_COLUMN_LATE, 0) != so_far->part->day)
            continue;
        const struct rated_line line = so_far_unpriced_line(rows, row);
        so_far_add_row(&waiting, so_far, &line, facts_amount(period, facts, row));
    }
    return so_far_send(&waiting, db, reterr);
}

static enum err_kind rate_period(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    const struct so_far_period *period = &so_far->periods[so_far->next_period];
    bool anew = is_anew(so_far, period);
    CLEANUP(whole_release) struct whole whole = {.anew = anew, .is_metered_only = period->is_metered_only};
    CLEANUP(whole_release) struct whole plain = {0};
    char tenant[UUID_TEXT_SIZE];
    struct err err = {0};
    identity_to_uuid(period->tenant, tenant);
    const struct facts_period facts = {.tenant = tenant,
                                       .starts_s = period->starts_s,
                                       .ends_s = period->ends_s,
                                       .closed_until_s = calendar_time_of_day(so_far->part->day),
                                       .known_until_s = calendar_time_of_day(so_far->part->day + 1)};
    enum err_kind kind = rate_whole(db, so_far, &facts, &whole, &err);
    bool is_refused = kind == ERR_NOT_FOUND && anew; /* a second has no price: the close rates the day, and no more */
    if (is_refused)
        kind = rate_whole(db, so_far, &facts, &plain, &err);
    if (is_refused && kind == ERR_NOT_FOUND)
        return ERR_NONE;
    if (kind == ERR_NONE)
        kind = so_far_write(db, so_far, is_refused ? &plain.targets : &whole.targets, &err);
    if (kind == ERR_NONE && anew && !is_refused)
        kind = write_waiting(db, so_far, &facts, &whole.facts, &err);
    if (kind != ERR_NONE)
        *reterr = err;
    return kind;
}

/* What its close could not rate either is left out. */
static enum err_kind rate_or_pass(struct leader *leader, struct so_far *so_far, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = leader_transact(leader, rate_period, so_far, &err);
    if (kind == ERR_INVALID || kind == ERR_TIMEOUT)
        return ERR_NONE;
    if (kind != ERR_NONE)
        *reterr = err;
    return kind;
}

static enum err_kind find_whole(struct db *db, struct so_far *so_far, struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    for (int row = 0; row < PQntuples(so_far->due); row++) {
        if (db_bool(so_far->due, row, DUE_ANEW) || db_bool(so_far->due, row, DUE_METERED))
            so_far_add_period(so_far,
                              &(struct so_far_period){.tenant = db_identity(so_far->due, row, DUE_TENANT),
                                                      .starts_s = db_int(so_far->due, row, DUE_START, 0),
                                                      .ends_s = db_int(so_far->due, row, DUE_END, 0),
                                                      .is_metered_only = db_bool(so_far->due, row, DUE_METERED_ONLY)});
    }
    enum err_kind kind = db_run(
        db, &statement_committed,
        DB_PARAMS(db_int_param(from, calendar_time_of_day(so_far->part->day)), db_int_param(to, so_far->part->until_s)),
        &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        so_far_add_period(so_far, &(struct so_far_period){.tenant = db_identity(rows, row, COMMITTED_TENANT),
                                                          .starts_s = db_int(rows, row, COMMITTED_START, 0),
                                                          .ends_s = db_int(rows, row, COMMITTED_END, 0)});
    return kind;
}

enum err_kind so_far_rate_periods(struct leader *leader, struct so_far *so_far, struct err *reterr)
{
    enum err_kind kind = find_whole(leader->db, so_far, reterr);
    for (; so_far->next_period < so_far->period_count && kind == ERR_NONE; so_far->next_period++)
        kind = rate_or_pass(leader, so_far, reterr);
    return kind;
}
