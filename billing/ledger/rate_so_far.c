/* Reservation by reservation, then the periods of tenants that are rated as a whole, then what is charged by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_so_far.h"

#include "billing/ledger/rate_day.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/so_far.h"

#include <stdlib.h>

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

const struct db_stmt *const rate_so_far_statements[] = {&statement_write, NULL};

static void so_far_release(struct so_far *so_far)
{
    rate_scope_release(&so_far->scope);
    PQclear(so_far->due);
    free(so_far->periods);
}

/* ---- Rows ---- */

void so_far_add_row(struct bulk_rows *rows, const struct so_far *so_far, const struct rated_line *line,
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

enum err_kind so_far_send(struct bulk_rows *rows, struct db *db, struct err *reterr)
{
    return bulk_rows_send(rows, db, &statement_write, reterr);
}

enum err_kind so_far_write(struct db *db, const struct so_far *so_far, const struct rated_lines *lines,
                           struct err *reterr)
{
    CLEANUP(bulk_rows_release) struct bulk_rows rows = {0};
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->list[i].effective_u != 0 || lines->list[i].gpu_milli_s != 0)
            so_far_add_row(&rows, so_far, &lines->list[i], 0);
    }
    return so_far_send(&rows, db, reterr);
}

/* ---- Rules ---- */

static enum err_kind charge(struct db *db, void *context, struct err *reterr)
{
    const struct so_far *so_far = context;
    CLEANUP(rule_charges_release) struct rule_charges charges = {0};
    enum err_kind kind = rate_rules_charges(db, so_far->part->day, so_far->scope.book, &charges, reterr);
    return kind == ERR_NONE ? so_far_write(db, so_far, &charges.lines, reterr) : kind;
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
    return kind == ERR_NONE ? so_far_write(db, so_far, &credits.lines, reterr) : kind;
}

enum err_kind rate_so_far(struct leader *leader, const struct day_part *part, int64_t generation, struct err *reterr)
{
    CLEANUP(price_book_release) struct price_book book = {0};
    CLEANUP(so_far_release)
    struct so_far so_far = {.part = part, .generation = generation};
    enum err_kind kind = rate_day_book(leader->db, part->day, &book, reterr);
    if (kind == ERR_NONE)
        kind = rate_scope_load(leader->db, part->day, &book, &so_far.scope, reterr);
    if (kind == ERR_NONE)
        kind = rate_tenants_due(leader->db, part->day, &so_far.due, reterr);
    so_far.scope.others = so_far.due;
    if (kind == ERR_NONE)
        kind = so_far_rate_usage(leader, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = so_far_rate_periods(leader, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, credit, &so_far, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, charge, &so_far, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "rating what is delivered so far");
}
