/* Reservation by reservation, then the periods of tenants that are rated as a whole, then what is charged by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_so_far.h"

#include "billing/bulk_rows.h"
#include "billing/ledger/commitments.h"
#include "billing/ledger/meter_lines.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_day.h"
#include "billing/ledger/rate_facts.h"
#include "billing/ledger/rate_lines.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"

#define CHUNK_RESERVATIONS 2000 /* a transaction stays below a second */

// clang-format off
/* The day's usage, cut off where it ends or now; of a chunk of reservations, or of a tenant. Columns are enum
 * usage_column. */
static const struct db_stmt statement_usage = {
    .name = "rate_so_far_usage",
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

/* Billing periods of tenants with commitments that the day touches. */
static const struct db_stmt statement_committed = {
    .name = "rate_so_far_committed",
    .sql = "SELECT DISTINCT t.id, extract(epoch FROM m.month AT TIME ZONE t.billing_timezone)::bigint,"
           "  extract(epoch FROM (m.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint"
           "  FROM commitment c JOIN tenant t ON t.id = c.tenant_id"
           "  CROSS JOIN (VALUES (to_timestamp($1::bigint)), (to_timestamp($2::bigint - 1))) AS s (at)"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', s.at AT TIME ZONE t.billing_timezone) AS month) m"
           " WHERE tstzrange(c.starts_at, c.ends_at) && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};
enum { COMMITTED_TENANT, COMMITTED_START, COMMITTED_END };

static const struct db_stmt statement_write = {
    .name = "rate_so_far_write",
    .sql = "INSERT INTO provisional_revenue (generation, day, tenant_id, reservation_id, currency, period_start,"
           "  effective_u, gpu_milli_seconds, unpriced_gpu_milli_seconds, charge_category)"
           " SELECT x.generation, date '1970-01-01' + x.day::integer, x.tenant_id, x.reservation_id, x.currency,"
           "  to_timestamp(x.period), x.effective_u, x.gpu_milli_s, x.unpriced, x.category"
           "   FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[],"
           "     $8::bigint[], $9::bigint[], $10::text[]) AS x (generation, day, tenant_id, reservation_id, currency,"
           "     period, effective_u, gpu_milli_s, unpriced, category)",
    .params = 10,
    .columns = 10,
};

const struct db_stmt *const rate_so_far_statements[] = {&statement_usage, &statement_committed, &statement_write, NULL};

/* A tenant's billing period that is rated as a whole. */
struct period {
    struct identity tenant;
    int64_t starts_s, ends_s;
    bool is_metered_only;
};

struct so_far {
    const struct day_part *part;
    int64_t generation;
    struct rate_scope scope;
    PGresult *due;        /* periods that the day touches as a whole: enum rate_tenant_column */
    int64_t chunk;        /* so many reservations are next */
    struct identity last; /* of the reservations before */
    bool more;            /* out */
    struct period *periods;
    size_t period_count, period_capacity;
    size_t next_period;
};

static void so_far_release(struct so_far *so_far)
{
    rate_scope_release(&so_far->scope);
    PQclear(so_far->due);
    free(so_far->periods);
}

static void add_period(struct so_far *so_far, const struct period *period)
{
    for (size_t i = so_far->period_count; i > 0; i--) { /* the last ones are likely */
        struct period *known = &so_far->periods[i - 1];
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

static void add_row(struct bulk_rows *rows, const struct so_far *so_far, const struct rated_line *line,
                    int64_t unpriced_gpu_milli_s)
{
    bool has_reservation = !identity_is_nil(line->key.reservation);
    struct db_column *next = rows->columns; /* in the order of the statement's parameters */
    db_column_int8(next++, so_far->generation);
    db_column_int8(next++, so_far->part->day);
    db_column_identity(next++, line->tenant);
    db_column_identity_or_null(next++, has_reservation ? &line->key.reservation : NULL);
    db_column_text(next++, line->currency);
    db_column_int8(next++, line->key.period_start_s);
    db_column_int8(next++, line->effective_u);
    db_column_int8(next++, line->gpu_milli_s);
    db_column_int8(next++, unpriced_gpu_milli_s);
    db_column_text(next, rated_line_is_metered(line) ? "metered" : rated_line_category(line));
}

static enum err_kind write(struct db *db, const struct so_far *so_far, const struct rated_lines *lines,
                           struct err *reterr)
{
    CLEANUP(bulk_rows_release) struct bulk_rows rows = {0};
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->list[i].effective_u != 0 || lines->list[i].gpu_milli_s != 0)
            add_row(&rows, so_far, &lines->list[i], 0);
    }
    return bulk_rows_send(&rows, db, &statement_write, reterr);
}

/* ---- Usage ---- */

static enum err_kind load_usage(struct db *db, const struct so_far *so_far, const char *tenant, int64_t limit,
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

/* What says whose it is. */
static struct rated_line unpriced_line(const PGresult *rows, int row)
{
    return (struct rated_line){.key = {.reservation = db_identity(rows, row, USAGE_COLUMN_RESERVATION),
                                       .period_start_s = db_int(rows, row, USAGE_COLUMN_PERIOD, 0)},
                               .tenant = db_identity(rows, row, USAGE_COLUMN_TENANT),
                               .currency = db_text(rows, row, USAGE_COLUMN_CURRENCY)};
}

static void add_unpriced(struct bulk_rows *unpriced, const struct so_far *so_far, const PGresult *rows, int first,
                         int end)
{
    const struct rated_line line = unpriced_line(rows, first);
    add_row(unpriced, so_far, &line, usage_billable(rows, first, end));
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
        const struct rated_line line = unpriced_line(rows, row);
        add_row(&waiting, so_far, &line, facts_amount(period, facts, row));
    }
    return bulk_rows_send(&waiting, db, &statement_write, reterr);
}

/* A reservation with a second that has no price is left out, as its close would have it wait, and counted. */
static enum err_kind measure(const struct so_far *so_far, const struct price_book *book, const PGresult *rows,
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
    enum err_kind kind = load_usage(db, so_far, NULL, so_far->chunk, &rows, reterr);
    if (kind == ERR_NONE)
        kind = measure(so_far, so_far->scope.book, rows, &lines, &unpriced, &reservations, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&unpriced, db, &statement_write, reterr);
    if (kind != ERR_NONE)
        return kind;
    rate_scope_split(&so_far->scope, &lines, &rest);
    for (size_t i = 0; i < rest.count; i++)
        add_period(so_far, &(struct period){.tenant = rest.list[i].tenant,
                                            .starts_s = rest.list[i].key.period_start_s,
                                            .ends_s = rest.list[i].period_end_s});
    kind = rate_alone(db, &so_far->scope, &lines, &written, reterr);
    if (kind == ERR_NONE)
        kind = write(db, so_far, &lines, reterr);
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
    enum err_kind kind = load_usage(db, so_far, NULL, 1, &rows, reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    add_unpriced(&unpriced, so_far, rows, 0, PQntuples(rows));
    kind = bulk_rows_send(&unpriced, db, &statement_write, reterr);
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

/* ---- Periods ---- */

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

static bool is_anew(const struct so_far *so_far, const struct period *period)
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
    enum err_kind kind = load_usage(db, so_far, facts->tenant, INT64_MAX, &whole->usage_rows, reterr);
    return kind == ERR_NONE ? measure(so_far, book_of(so_far, whole), whole->usage_rows, &whole->targets, &unpriced,
                                      &reservations, reterr)
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

static enum err_kind rate_period(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    const struct period *period = &so_far->periods[so_far->next_period];
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
        kind = write(db, so_far, is_refused ? &plain.targets : &whole.targets, &err);
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
            add_period(so_far, &(struct period){.tenant = db_identity(so_far->due, row, DUE_TENANT),
                                                .starts_s = db_int(so_far->due, row, DUE_START, 0),
                                                .ends_s = db_int(so_far->due, row, DUE_END, 0),
                                                .is_metered_only = db_bool(so_far->due, row, DUE_METERED_ONLY)});
    }
    enum err_kind kind = db_run(
        db, &statement_committed,
        DB_PARAMS(db_int_param(from, calendar_time_of_day(so_far->part->day)), db_int_param(to, so_far->part->until_s)),
        &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        add_period(so_far, &(struct period){.tenant = db_identity(rows, row, COMMITTED_TENANT),
                                            .starts_s = db_int(rows, row, COMMITTED_START, 0),
                                            .ends_s = db_int(rows, row, COMMITTED_END, 0)});
    return kind;
}

/* ---- Rules ---- */

static enum err_kind charge(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    CLEANUP(rule_charges_release) struct rule_charges charges = {0};
    enum err_kind kind = rate_rules_charges(db, so_far->part->day, so_far->scope.book, &charges, reterr);
    return kind == ERR_NONE ? write(db, so_far, &charges.lines, reterr) : kind;
}

/* Is a closed period rated anew? */
static bool corrects(const struct so_far *so_far)
{
    for (int row = 0; row < PQntuples(so_far->due); row++) {
        if (db_bool(so_far->due, row, DUE_ANEW) && db_bool(so_far->due, row, DUE_CLOSED))
            return true;
    }
    return false;
}

/* After all usage. */
static enum err_kind credit(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    CLEANUP(rule_charges_release) struct rule_charges credits = {0};
    enum err_kind kind =
        rate_rules_credits(db, so_far->part->until_s, so_far->generation, corrects(so_far), &credits, reterr);
    return kind == ERR_NONE ? write(db, so_far, &credits.lines, reterr) : kind;
}

enum err_kind rate_so_far(struct leader *leader, const struct day_part *part, int64_t generation, struct err *reterr)
{
    CLEANUP(price_book_release) struct price_book book = {0};
    CLEANUP(so_far_release)
    struct so_far so_far = {.part = part, .generation = generation, .chunk = CHUNK_RESERVATIONS, .more = true};
    enum err_kind kind = rate_day_book(leader->db, part->day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_scope_load(leader->db, part->day, &book, &so_far.scope, reterr);
    if (kind == ERR_NONE)
        kind = rate_tenants_due(leader->db, part->day, &so_far.due, reterr);
    so_far.scope.others = so_far.due;
    while (kind == ERR_NONE && so_far.more)
        kind = rate_or_halve(leader, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = find_whole(leader->db, &so_far, reterr);
    for (; so_far.next_period < so_far.period_count && kind == ERR_NONE; so_far.next_period++)
        kind = rate_or_pass(leader, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, credit, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, charge, &so_far, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "rating what is delivered so far");
}
