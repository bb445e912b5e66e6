/* Drawing credit upon invoices. Sources are locked in the order in which they are drawn. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/settlement.h"

#include "billing/ledger/allocation.h"
#include "billing/ledger/give_back.h"
#include "billing/ledger/journal.h"
#include "common/alloc.h"
#include "common/least.h"

#include <stdio.h>
#include <stdlib.h>

static const struct db_stmt statement_open = {
    .name = "settlement_open",
    .sql = "SELECT open_u FROM invoice_open WHERE invoice_id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_total = {
    .name = "settlement_total",
    .sql = "SELECT tenant_id, currency, total_u FROM invoice_open WHERE invoice_id = $1::uuid",
    .params = 1,
};
enum { TOTAL_TENANT, TOTAL_CURRENCY, TOTAL_AMOUNT };

/* Grants that there are; and those that are over since a void invoice, which this one stands in for, had drawn upon
 * them: of them as much as that had, which came back to them and was not drawn elsewhere. */
static const struct db_stmt statement_grants = {
    .name = "settlement_grants",
    .sql =
        "WITH RECURSIVE replaced AS ("
        "  SELECT i.replaces AS id FROM invoice i WHERE i.id = $4::uuid"
        "  UNION ALL SELECT i.replaces FROM replaced r JOIN invoice i ON i.id = r.id"
        "), drawn AS ("
        "  SELECT d.source_id, sum(d.amount_u)::bigint AS amount_u FROM replaced r JOIN settlement d"
        "    ON d.invoice_id = r.id AND d.kind = 'prepaid' AND d.amount_u > 0 GROUP BY d.invoice_id, d.source_id"
        "), reopened AS (SELECT source_id AS id, max(amount_u) AS most_u FROM drawn GROUP BY 1)"
        " SELECT g.id, CASE WHEN x.is_over THEN least(o.most_u, s.remaining_u + s.expired_u) ELSE s.remaining_u END,"
        "        s.remaining_u"
        "   FROM (SELECT w.grant_id AS id FROM credit_grant_status w WHERE w.tenant_id = $1::uuid AND w.state = 'active'"
        "         UNION SELECT id FROM reopened) c"
        "   JOIN credit_grant_status s ON s.grant_id = c.id JOIN credit_grant g ON g.id = c.id"
        "   LEFT JOIN reopened o ON o.id = c.id"
        "  CROSS JOIN LATERAL (SELECT coalesce(g.expires_at <= to_timestamp($3::bigint), false) AS is_over) x"
        " WHERE g.currency = $2::text"
        "   AND CASE WHEN x.is_over THEN o.most_u > 0 AND s.remaining_u + s.expired_u > 0 ELSE s.state = 'active' END"
        " ORDER BY g.priority, g.expires_at NULLS LAST, g.created_at, g.id FOR UPDATE OF s",
    .params = 4,
};
enum { GRANT_ID, GRANT_ROOM, GRANT_REMAINING };

/* The most that can be told, where payments of old come to more: it covers whatever is drawn. */
static const struct db_stmt statement_customer_credit = {
    .name = "settlement_customer_credit",
    .sql = "SELECT least(coalesce(sum(e.credit_u - e.debit_u), 0), 9223372036854775807)::bigint"
           "  FROM account a JOIN entry e ON e.account_id = a.id"
           " WHERE a.code = 'customer_credit' AND a.tenant_id = $1::uuid AND a.currency = $2::text",
    .params = 2,
};

static const struct db_stmt statement_drawn = {
    .name = "settlement_drawn",
    .sql =
        "UPDATE credit_grant_status s SET remaining_u = y.remaining_u, expired_u = y.expired_u,"
        "       changed_at = to_timestamp($3::bigint),"
        "       state = CASE WHEN y.remaining_u > 0 THEN 'active' WHEN y.expired_u > 0 THEN 'expired' ELSE 'used_up' END"
        "  FROM credit_grant_status w JOIN unnest($1::uuid[], $2::bigint[]) AS x (id, amount_u) ON w.grant_id = x.id"
        " CROSS JOIN LATERAL (SELECT greatest(w.remaining_u - x.amount_u, 0) AS remaining_u,"
        "   w.expired_u - greatest(x.amount_u - w.remaining_u, 0) AS expired_u) y WHERE s.grant_id = w.grant_id",
    .params = 3,
};

static const struct db_stmt statement_add = {
    .name = "settlement_add",
    .sql =
        "INSERT INTO settlement (invoice_id, seq, tenant_id, kind, source_id, amount_u, settled_at)"
        " SELECT $1::uuid, (SELECT coalesce(max(s.seq), 0) FROM settlement s WHERE s.invoice_id = $1::uuid) + x.place,"
        "        $2::uuid, $3::text, x.source_id, x.amount_u, to_timestamp($6::bigint)"
        "   FROM unnest($4::uuid[], $5::bigint[]) WITH ORDINALITY AS x (source_id, amount_u, place)",
    .params = 6,
};

const struct db_stmt *const settlement_statements[] = {
    &statement_open,
    &statement_total,
    &statement_grants,
    &statement_customer_credit,
    &statement_drawn,
    &statement_add,
    NULL,
};

static enum err_kind open_of(struct db *db, const struct settlement_invoice *of, int64_t *ret_u, struct err *reterr)
{
    char invoice[UUID_TEXT_SIZE];
    identity_to_uuid(of->invoice, invoice);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_open, DB_PARAMS(invoice), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "invoice '%s' is not issued", invoice);
    if (kind == ERR_NONE)
        *ret_u = db_int(result, 0, 0, 0);
    return kind;
}

enum err_kind settlement_add_each(struct db *db, const struct settlement_invoice *of, const char *kind,
                                  struct db_array *sources, struct db_array *amounts, struct err *reterr)
{
    char invoice[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char at[DB_INT_TEXT_SIZE];
    identity_to_uuid(of->invoice, invoice);
    identity_to_uuid(of->tenant, tenant);
    return db_run(
        db, &statement_add,
        DB_PARAMS(invoice, tenant, kind, db_array_param(sources), db_array_param(amounts), db_int_param(at, of->at_s)),
        NULL, reterr);
}

enum err_kind settlement_add(struct db *db, const struct settlement_invoice *of, const char *kind,
                             const struct identity *source_or_null, int64_t amount_u, struct err *reterr)
{
    if (amount_u == 0)
        return ERR_NONE;
    CLEANUP(db_array_clear) struct db_array source = {0};
    CLEANUP(db_array_clear) struct db_array amount = {0};
    db_array_identity_or_null(&source, source_or_null);
    db_array_int(&amount, amount_u);
    return settlement_add_each(db, of, kind, &source, &amount, reterr);
}

static enum err_kind post(struct db *db, struct journal_batch *batch, struct err *reterr)
{
    int64_t posted = 0;
    return journal_post(batch, db, &posted, reterr);
}

/* ---- Prepaid credit ---- */

/* What is drawn of which grant. */
struct drawing {
    struct db_array grant, amount; /* one value each */
    int64_t total_u;
    int64_t revived_u; /* of it: had expired */
};

static void drawing_release(struct drawing *drawing)
{
    db_array_clear(&drawing->grant);
    db_array_clear(&drawing->amount);
}

static struct drawing drawing_of(const PGresult *grants, int64_t amount_u)
{
    size_t count = (size_t)PQntuples(grants);
    int64_t *room_u = alloc_zero(count, sizeof *room_u);
    int64_t *taken_u = alloc_zero(count, sizeof *taken_u);
    for (size_t i = 0; i < count; i++)
        room_u[i] = db_int(grants, (int)i, GRANT_ROOM, 0);
    struct drawing ret = {.total_u = allocation_fill(amount_u, room_u, count, taken_u)};
    for (size_t i = 0; i < count && taken_u[i] > 0; i++) {
        int64_t left_u = taken_u[i] - db_int(grants, (int)i, GRANT_REMAINING, 0);
        db_array_identity(&ret.grant, db_identity(grants, (int)i, GRANT_ID));
        db_array_int(&ret.amount, taken_u[i]);
        ret.revived_u += greatest_of(left_u, 0);
    }
    free(room_u);
    free(taken_u);
    return ret;
}

/* In the order of the grants; *ret_drawn_u of all, *ret_revived_u of it of what had expired. */
static enum err_kind draw_grants(struct db *db, const struct settlement_invoice *of, int64_t amount_u,
                                 int64_t *ret_drawn_u, int64_t *ret_revived_u, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char invoice[UUID_TEXT_SIZE];
    char at[DB_INT_TEXT_SIZE];
    identity_to_uuid(of->tenant, tenant);
    identity_to_uuid(of->invoice, invoice);
    CLEANUP(db_result_clear) PGresult *grants = NULL;
    enum err_kind kind = db_run(db, &statement_grants,
                                DB_PARAMS(tenant, of->currency, db_int_param(at, of->at_s), invoice), &grants, reterr);
    *ret_drawn_u = 0;
    if (kind != ERR_NONE || PQntuples(grants) == 0)
        return kind;
    CLEANUP(drawing_release) struct drawing drawing = drawing_of(grants, amount_u);
    *ret_drawn_u = drawing.total_u;
    *ret_revived_u = drawing.revived_u;
    kind = db_run(db, &statement_drawn, DB_PARAMS(db_array_param(&drawing.grant), db_array_param(&drawing.amount), at),
                  NULL, reterr);
    return kind == ERR_NONE ? settlement_add_each(db, of, "prepaid", &drawing.grant, &drawing.amount, reterr) : kind;
}

enum err_kind settlement_customer_credit(struct db *db, struct identity tenant, const char *currency, int64_t *ret_u,
                                         struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(tenant, id);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_customer_credit, DB_PARAMS(id, currency), &result, reterr);
    if (kind == ERR_NONE)
        *ret_u = db_int(result, 0, 0, 0);
    return kind;
}

static enum err_kind draw_customer_credit(struct db *db, const struct settlement_invoice *of, int64_t amount_u,
                                          int64_t *ret_drawn_u, struct err *reterr)
{
    int64_t there_u = 0;
    enum err_kind kind = settlement_customer_credit(db, of->tenant, of->currency, &there_u, reterr);
    *ret_drawn_u = least_of(there_u, amount_u);
    return kind == ERR_NONE ? settlement_add(db, of, "customer_credit", NULL, *ret_drawn_u, reterr) : kind;
}

void settlement_open_journal(struct journal_batch *batch, const struct settlement_invoice *of, const char *prefix,
                             struct identity key, const char *source_type)
{
    char id[UUID_TEXT_SIZE];
    char text[64];
    identity_to_uuid(key, id);
    (void)snprintf(text, sizeof text, "%s:%s", prefix, id); /* 46 characters at most */
    journal_open(batch, &(struct journal_head){
                            .key = text, .posted_at_s = of->at_s, .source_type = source_type, .source = &of->invoice});
}

static enum err_kind draw_upon(struct db *db, const struct settlement_invoice *of, int64_t open_u, int64_t *ret_left_u,
                               struct err *reterr)
{
    int64_t prepaid_u = 0;
    int64_t revived_u = 0;
    int64_t own_u = 0;
    enum err_kind kind = draw_grants(db, of, open_u, &prepaid_u, &revived_u, reterr);
    if (kind == ERR_NONE && prepaid_u < open_u)
        kind = draw_customer_credit(db, of, open_u - prepaid_u, &own_u, reterr);
    *ret_left_u = open_u - prepaid_u - own_u;
    if (kind != ERR_NONE || prepaid_u + own_u == 0)
        return kind;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    if (revived_u > 0) {
        settlement_open_journal(&batch, of, "revival", of->invoice, "breakage");
        journal_debit(&batch, "revenue", &of->tenant, of->currency, revived_u);
        journal_credit(&batch, "deferred_revenue", &of->tenant, of->currency, revived_u);
    }
    settlement_open_journal(&batch, of, "drawdown", of->invoice, "drawdown");
    journal_debit(&batch, "deferred_revenue", &of->tenant, of->currency, prepaid_u);
    journal_debit(&batch, "customer_credit", &of->tenant, of->currency, own_u);
    journal_credit(&batch, "receivable", &of->tenant, of->currency, prepaid_u + own_u);
    return post(db, &batch, reterr);
}

enum err_kind settlement_draw(struct db *db, const struct settlement_invoice *of, int64_t *ret_left_u,
                              struct err *reterr)
{
    int64_t open_u = 0;
    *ret_left_u = 0;
    enum err_kind kind = open_of(db, of, &open_u, reterr);
    if (kind != ERR_NONE || open_u == 0)
        return kind;
    return open_u < 0 ? give_back(db, of, of->invoice, -open_u, reterr) : draw_upon(db, of, open_u, ret_left_u, reterr);
}

/* What had become customer credit, as of an invoice of less than nothing, is taken back as far as it is there. */
static enum err_kind take_back(struct db *db, const struct settlement_invoice *of, struct identity key,
                               int64_t amount_u, struct err *reterr)
{
    int64_t drawn_u = 0;
    enum err_kind kind = draw_customer_credit(db, of, amount_u, &drawn_u, reterr);
    if (kind != ERR_NONE || drawn_u == 0)
        return kind;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    settlement_open_journal(&batch, of, "drawdown", key, "drawdown");
    journal_debit(&batch, "customer_credit", &of->tenant, of->currency, drawn_u);
    journal_credit(&batch, "receivable", &of->tenant, of->currency, drawn_u);
    return post(db, &batch, reterr);
}

static enum err_kind reduce(struct db *db, const struct settlement_invoice *of, const char *kind_text,
                            const struct identity *source_or_null, int64_t amount_u, struct err *reterr)
{
    const struct identity *key = source_or_null != NULL ? source_or_null : &of->invoice;
    int64_t open_u = 0;
    enum err_kind kind = settlement_add(db, of, kind_text, source_or_null, amount_u, reterr);
    if (kind == ERR_NONE)
        kind = open_of(db, of, &open_u, reterr);
    if (kind == ERR_NONE && open_u < 0)
        kind = give_back(db, of, *key, -open_u, reterr);
    else if (kind == ERR_NONE && open_u > 0 && amount_u < 0)
        kind = take_back(db, of, *key, least_of(open_u, -amount_u), reterr);
    return kind;
}

enum err_kind settlement_reduce(struct db *db, const struct settlement_invoice *of, struct identity credit_note,
                                int64_t amount_u, struct err *reterr)
{
    return reduce(db, of, "credit_note", &credit_note, amount_u, reterr);
}

enum err_kind settlement_void(struct db *db, struct identity invoice, int64_t at_s, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(invoice, id);
    CLEANUP(db_result_clear) PGresult *found = NULL;
    enum err_kind kind = db_run(db, &statement_total, DB_PARAMS(id), &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(found) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "invoice '%s' was never issued", id);
    const struct settlement_invoice of = {.invoice = invoice,
                                          .tenant = db_identity(found, 0, TOTAL_TENANT),
                                          .currency = db_text(found, 0, TOTAL_CURRENCY),
                                          .at_s = at_s};
    return reduce(db, &of, "void", NULL, db_int(found, 0, TOTAL_AMOUNT, 0), reterr);
}
