/* Reservation by reservation, then the periods of tenants that are rated as a whole, then what is charged by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_so_far.h"

#include "billing/ledger/commitments.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_day.h"
#include "billing/ledger/rate_lines.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/usage_lines.h"
#include "common/alloc.h"

#include <string.h>

#define CHUNK_RESERVATIONS 2000 /* a transaction stays below a second */

/* The day's usage, cut off where it ends or now; of a chunk of reservations, or of a tenant. Columns are enum
 * usage_column. */
static const struct db_stmt statement_usage = {
    .name = "rate_so_far_usage",
    .sql = "WITH piece AS ("
           "  SELECT u.reservation_id, $1::date AS day, u.node_id,"
           "    greatest(u.period_start, $1::date::timestamp AT TIME ZONE 'UTC') AS period_start,"
           "    least(u.period_end, to_timestamp($2::bigint)) AS period_end, u.gpu_milli, u.class FROM usage_so_far u"
           "   WHERE u.period_start >= to_timestamp($3::bigint) AND u.period_start < to_timestamp($2::bigint)"
           "     AND u.period_end > $1::date::timestamp AT TIME ZONE 'UTC' AND u.class IN ('used', 'unused')"
           "     AND u.reservation_id > $4::uuid AND ($6::uuid IS NULL OR u.tenant_id = $6::uuid)"
           "), chosen AS ("
           "  SELECT DISTINCT p.reservation_id FROM piece p ORDER BY 1 LIMIT $5::bigint"
           "), usage AS ("
           "  SELECT p.* FROM piece p JOIN chosen c ON c.reservation_id = p.reservation_id"
           ")" USAGE_LINES_SELECT,
    .params = 6,
};

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

static const struct db_stmt statement_write = {
    .name = "rate_so_far_write",
    .sql = "INSERT INTO provisional_revenue (generation, day, tenant_id, reservation_id, currency, effective_u,"
           "  gpu_milli_seconds)"
           " SELECT x.generation, date '1970-01-01' + x.day::integer, x.tenant_id, x.reservation_id, x.currency,"
           "  x.effective_u, x.gpu_milli_s"
           "   FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[])"
           "     AS x (generation, day, tenant_id, reservation_id, currency, effective_u, gpu_milli_s)",
    .params = 7,
};

const struct db_stmt *const rate_so_far_statements[] = {&statement_usage, &statement_committed, &statement_write, NULL};

/* A tenant's billing period that is rated as a whole. */
struct period {
    struct identity tenant;
    int64_t starts_s, ends_s;
};

struct so_far {
    const struct day_part *part;
    int64_t generation;
    struct rate_scope scope;
    struct identity last; /* of the reservations before */
    bool more;            /* out */
    struct period *periods;
    size_t period_count, period_capacity;
    size_t next_period;
};

static void so_far_release(struct so_far *so_far)
{
    rate_scope_release(&so_far->scope);
    free(so_far->periods);
}

static void add_period(struct so_far *so_far, const struct period *period)
{
    for (size_t i = so_far->period_count; i > 0; i--) { /* the last ones are likely */
        if (memcmp(&so_far->periods[i - 1], period, sizeof *period) == 0)
            return;
    }
    if (so_far->period_count == so_far->period_capacity) {
        so_far->period_capacity = so_far->period_capacity == 0 ? 64 : so_far->period_capacity * 2;
        so_far->periods = alloc_resize(so_far->periods, so_far->period_capacity, sizeof *so_far->periods);
    }
    so_far->periods[so_far->period_count++] = *period;
}

static enum err_kind write(struct db *db, const struct so_far *so_far, const struct rated_lines *lines,
                           struct err *reterr)
{
    static const struct identity nil;
    CLEANUP(bulk_rows_release) struct bulk_rows rows = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const struct rated_line *line = &lines->list[i];
        bool has_reservation = memcmp(&line->key.reservation, &nil, sizeof nil) != 0;
        if (line->effective_u == 0 && line->gpu_milli_s == 0)
            continue;
        db_array_int(&rows.columns[0], so_far->generation);
        db_array_int(&rows.columns[1], so_far->part->day);
        db_array_identity(&rows.columns[2], line->tenant);
        bulk_rows_identity(&rows, 3, has_reservation ? &line->key.reservation : NULL);
        db_array_text(&rows.columns[4], line->currency);
        db_array_int(&rows.columns[5], line->effective_u);
        db_array_int(&rows.columns[6], line->gpu_milli_s);
    }
    return bulk_rows_send(&rows, db, &statement_write, reterr);
}

/* ---- Usage ---- */

static enum err_kind load_usage(struct db *db, const struct so_far *so_far, const char *tenant, int64_t limit,
                                PGresult **ret, struct err *reterr)
{
    static const struct identity nil;
    const struct day_part *part = so_far->part;
    char date[CALENDAR_DATE_SIZE];
    char last[UUID_TEXT_SIZE];
    char texts[3][DB_INT_TEXT_SIZE];
    calendar_date_print(part->day, date);
    identity_to_uuid(tenant == NULL ? so_far->last : nil, last);
    return db_run(db, &statement_usage,
                  DB_PARAMS(date, db_int_param(texts[0], part->until_s), db_int_param(texts[1], part->open_from_s),
                            last, db_int_param(texts[2], limit), tenant),
                  ret, reterr);
}

/* A reservation with a second that has no price is left out, as its close would have it wait. */
static enum err_kind measure(const struct so_far *so_far, const PGresult *rows, struct rated_lines *lines,
                             int64_t *ret_reservations, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        struct err err = {0};
        int unpriced = row;
        next = usage_run_end(rows, row, USAGE_COLUMN_RESERVATION);
        *ret_reservations += 1;
        kind = usage_lines_add_day(lines, so_far->scope.book, rows, row, next, &unpriced, &err);
        if (kind == ERR_NOT_FOUND)
            kind = ERR_NONE;
        else if (kind != ERR_NONE)
            *reterr = err;
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
    int64_t reservations = 0;
    enum err_kind kind = load_usage(db, so_far, NULL, CHUNK_RESERVATIONS, &rows, reterr);
    if (kind == ERR_NONE)
        kind = measure(so_far, rows, &lines, &reservations, reterr);
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
    if (kind == ERR_NONE && PQntuples(rows) > 0)
        so_far->last = db_identity(rows, PQntuples(rows) - 1, USAGE_COLUMN_RESERVATION);
    so_far->more = reservations == CHUNK_RESERVATIONS;
    return kind;
}

/* ---- Periods ---- */

/* The part of it that is not rated alone, with what was rated of it before; prices that are not known left out. */
struct whole {
    PGresult *usage_rows, *written_rows;
    struct committed committed;
    struct rated_lines written, targets;
};

static void whole_release(struct whole *whole)
{
    PQclear(whole->usage_rows);
    PQclear(whole->written_rows);
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

static enum err_kind load_whole(struct db *db, const struct so_far *so_far, const struct period *period,
                                struct whole *whole, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    int64_t reservations = 0;
    identity_to_uuid(period->tenant, tenant);
    enum err_kind kind = load_usage(db, so_far, tenant, INT64_MAX, &whole->usage_rows, reterr);
    if (kind == ERR_NONE)
        kind = measure(so_far, whole->usage_rows, &whole->targets, &reservations, reterr);
    keep_period(&whole->targets, period->starts_s);
    if (kind == ERR_NONE)
        kind = rated_lines_of_period(db, tenant, period->starts_s, false, &whole->written_rows, &whole->written, reterr);
    if (kind == ERR_NONE)
        kind = rate_lines_fold(&whole->written, &whole->targets, reterr);
    if (kind == ERR_NONE)
        kind = committed_load(db, tenant, period->starts_s, period->ends_s, &whole->committed, reterr);
    keep_rest(&so_far->scope, &whole->targets);
    keep_rest(&so_far->scope, &whole->written);
    return kind;
}

static enum err_kind rate_period(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    const struct period *period = &so_far->periods[so_far->next_period];
    CLEANUP(whole_release) struct whole whole = {0};
    bool is_over = period->ends_s <= so_far->part->until_s;
    enum err_kind kind = load_whole(db, so_far, period, &whole, reterr);
    if (kind == ERR_NONE)
        kind = rate_lines(&whole.targets, so_far->scope.book, whole.committed.list, whole.committed.count, reterr);
    if (kind == ERR_NONE)
        kind = committed_add_fees(&whole.committed, is_over, &whole.targets, reterr);
    if (kind == ERR_NONE)
        kind = rated_lines_subtract(&whole.targets, &whole.written, reterr);
    return kind == ERR_NONE ? write(db, so_far, &whole.targets, reterr) : kind;
}

static enum err_kind find_committed(struct db *db, struct so_far *so_far, struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(
        db, &statement_committed,
        DB_PARAMS(db_int_param(from, calendar_time_of_day(so_far->part->day)), db_int_param(to, so_far->part->until_s)),
        &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        add_period(so_far, &(struct period){.tenant = db_identity(rows, row, 0),
                                            .starts_s = db_int(rows, row, 1, 0),
                                            .ends_s = db_int(rows, row, 2, 0)});
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

enum err_kind rate_so_far(struct leader *leader, const struct day_part *part, int64_t generation, struct err *reterr)
{
    CLEANUP(price_book_release) struct price_book book = {0};
    CLEANUP(so_far_release) struct so_far so_far = {.part = part, .generation = generation, .more = true};
    enum err_kind kind = rate_day_book(leader->db, part->day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_scope_load(leader->db, part->day, &book, &so_far.scope, reterr);
    while (kind == ERR_NONE && so_far.more)
        kind = leader_transact(leader, rate_chunk, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = find_committed(leader->db, &so_far, reterr);
    for (; so_far.next_period < so_far.period_count && kind == ERR_NONE; so_far.next_period++)
        kind = leader_transact(leader, rate_period, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, charge, &so_far, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "rating what is delivered so far");
}
