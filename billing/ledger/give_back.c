/* Undoing drawdown, in the reverse of its order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/give_back.h"

#include "billing/ledger/allocation.h"
#include "billing/ledger/journal.h"
#include "common/alloc.h"

#include <stdlib.h>

/* Payments and customer credit that settle it, net of what was given back of them before. */
static const struct db_stmt statement_own = {
    .name = "give_back_own",
    .sql = "SELECT greatest(coalesce(sum(amount_u), 0), 0)::bigint FROM settlement"
           " WHERE invoice_id = $1::uuid AND kind IN ('payment', 'customer_credit')",
    .params = 1,
};

/* Grants that settle it, likewise, the last that was drawn first; and whether they are over. */
static const struct db_stmt statement_grants = {
    .name = "give_back_grants",
    .sql = "SELECT d.id, d.drawn_u, coalesce(g.expires_at <= to_timestamp($2::bigint), false)"
           "  FROM (SELECT source_id AS id, sum(amount_u)::bigint AS drawn_u, min(seq) AS place FROM settlement"
           "         WHERE invoice_id = $1::uuid AND kind = 'prepaid' GROUP BY source_id HAVING sum(amount_u) > 0) d"
           "  JOIN credit_grant g ON g.id = d.id JOIN credit_grant_status s ON s.grant_id = d.id"
           " ORDER BY d.place DESC FOR UPDATE OF s",
    .params = 2,
};

/* What is over stays over. */
static const struct db_stmt statement_returned = {
    .name = "give_back_returned",
    .sql =
        "UPDATE credit_grant_status s SET remaining_u = s.remaining_u + x.kept_u, expired_u = s.expired_u + x.lapsed_u,"
        "       state = CASE WHEN s.remaining_u + x.kept_u > 0 THEN 'active' ELSE 'expired' END,"
        "       changed_at = to_timestamp($4::bigint)"
        "  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS x (id, kept_u, lapsed_u) WHERE s.grant_id = x.id",
    .params = 4,
};

const struct db_stmt *const give_back_statements[] = {&statement_own, &statement_grants, &statement_returned, NULL};

enum { GRANT_ID, GRANT_DRAWN, GRANT_IS_OVER };

/* What goes back to which grant. */
struct returned {
    struct db_array grant, taken, kept, lapsed; /* one value each; taken: minus what goes back */
    int64_t total_u, lapsed_u;
};

static void returned_release(struct returned *returned)
{
    struct db_array *const arrays[] = {&returned->grant, &returned->taken, &returned->kept, &returned->lapsed};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

static void returned_add(struct returned *returned, const PGresult *grants, int row, int64_t amount_u)
{
    bool is_over = db_bool(grants, row, GRANT_IS_OVER);
    db_array_identity(&returned->grant, db_identity(grants, row, GRANT_ID));
    db_array_int(&returned->taken, -amount_u);
    db_array_int(&returned->kept, is_over ? 0 : amount_u);
    db_array_int(&returned->lapsed, is_over ? amount_u : 0);
    returned->total_u += amount_u;
    returned->lapsed_u += is_over ? amount_u : 0;
}

static struct returned returned_of(const PGresult *grants, int64_t amount_u)
{
    size_t count = (size_t)PQntuples(grants);
    int64_t *room_u = alloc_zero(count + 1, sizeof *room_u);
    int64_t *taken_u = alloc_zero(count + 1, sizeof *taken_u);
    struct returned ret = {0};
    for (size_t i = 0; i < count; i++)
        room_u[i] = db_int(grants, (int)i, GRANT_DRAWN, 0);
    (void)allocation_fill(amount_u, room_u, count, taken_u); /* the sum is counted below */
    for (size_t i = 0; i < count && taken_u[i] > 0; i++)
        returned_add(&ret, grants, (int)i, taken_u[i]);
    free(room_u);
    free(taken_u);
    return ret;
}

static enum err_kind own_of(struct db *db, const char *invoice, int64_t *ret_u, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_own, DB_PARAMS(invoice), &result, reterr);
    if (kind == ERR_NONE)
        *ret_u = db_int(result, 0, 0, 0);
    return kind;
}

static enum err_kind to_grants(struct db *db, const struct settlement_invoice *of, const char *invoice,
                               int64_t amount_u, int64_t *ret_total_u, int64_t *ret_lapsed_u, struct err *reterr)
{
    char at[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *grants = NULL;
    enum err_kind kind = db_run(db, &statement_grants, DB_PARAMS(invoice, db_int_param(at, of->at_s)), &grants, reterr);
    if (kind != ERR_NONE || PQntuples(grants) == 0)
        return kind;
    CLEANUP(returned_release) struct returned returned = returned_of(grants, amount_u);
    kind = db_run(db, &statement_returned,
                  DB_PARAMS(db_array_param(&returned.grant), db_array_param(&returned.kept),
                            db_array_param(&returned.lapsed), at),
                  NULL, reterr);
    if (kind == ERR_NONE)
        kind = settlement_add_each(db, of, "prepaid", &returned.grant, &returned.taken, reterr);
    *ret_total_u = returned.total_u;
    *ret_lapsed_u = returned.lapsed_u;
    return kind;
}

/* An amount from one account of the tenant to another; of nothing: no journal. */
static void draw_up(struct journal_batch *batch, const struct settlement_invoice *of, const char *prefix,
                    struct identity key, const char *source_type, const char *const accounts[2], int64_t amount_u)
{
    if (amount_u == 0)
        return;
    settlement_open_journal(batch, of, prefix, key, source_type);
    journal_debit(batch, accounts[0], &of->tenant, of->currency, amount_u);
    journal_credit(batch, accounts[1], &of->tenant, of->currency, amount_u);
}

enum err_kind give_back(struct db *db, const struct settlement_invoice *of, struct identity key, int64_t excess_u,
                        struct err *reterr)
{
    static const char *const overpaid[] = {"receivable", "customer_credit"};
    static const char *const back[] = {"receivable", "deferred_revenue"};
    static const char *const lapse[] = {"deferred_revenue", "revenue"};
    char invoice[UUID_TEXT_SIZE];
    int64_t own_u = 0;
    int64_t prepaid_u = 0;
    int64_t lapsed_u = 0;
    identity_to_uuid(of->invoice, invoice);
    enum err_kind kind = own_of(db, invoice, &own_u, reterr);
    if (kind == ERR_NONE && excess_u > own_u)
        kind = to_grants(db, of, invoice, excess_u - own_u, &prepaid_u, &lapsed_u, reterr);
    if (kind == ERR_NONE) /* an invoice of less than nothing was settled by nobody: it is the tenant's */
        kind = settlement_add(db, of, "customer_credit", NULL, prepaid_u - excess_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    draw_up(&batch, of, "overpaid", key, "overpayment", overpaid, excess_u - prepaid_u);
    draw_up(&batch, of, "return", key, "drawdown", back, prepaid_u);
    draw_up(&batch, of, "lapse", key, "breakage", lapse, lapsed_u);
    int64_t posted = 0;
    return journal_post(&batch, db, &posted, reterr);
}
