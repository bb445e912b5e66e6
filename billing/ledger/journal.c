/* Posting: accounts first, then journals and their entries in one statement, so that the trigger sees each journal
 * whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/journal.h"

#include "common/calendar.h"
#include "common/must.h"

#include <stdio.h>

/* An account that the chart does not have is not made; posting to it fails. */
static const struct db_stmt statement_accounts = {
    .name = "journal_accounts",
    .sql = "INSERT INTO account (code, tenant_id, currency, kind)"
           " SELECT c.code, x.tenant_id, x.currency, c.kind"
           "   FROM (SELECT DISTINCT u.code, u.tenant_id, u.currency"
           "           FROM unnest($1::text[], $2::uuid[], $3::text[]) AS u (code, tenant_id, currency)) x"
           "   JOIN chart_of_accounts c ON c.code = x.code AND c.per_tenant = (x.tenant_id IS NOT NULL)"
           "  WHERE NOT EXISTS (SELECT FROM account a WHERE a.code = x.code AND a.currency = x.currency"
           "                       AND a.tenant_id IS NOT DISTINCT FROM x.tenant_id)"
           " ON CONFLICT (code, tenant_id, currency) DO NOTHING",
    .params = 3,
};

/* How many journals were posted, and the first key that stands for something else already. */
static const struct db_stmt statement_post = {
    .name = "journal_post",
    .sql =
        "WITH head AS MATERIALIZED ("
        "  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::uuid[])"
        "    WITH ORDINALITY AS h (key, posted_at, source_type, source_id, place)"
        "), side AS MATERIALIZED ("
        "  SELECT s.place, s.position, a.id AS account_id, greatest(s.amount_u, 0) AS debit_u,"
        "         greatest(-s.amount_u, 0) AS credit_u"
        "    FROM unnest($5::bigint[], $6::text[], $7::uuid[], $8::text[], $9::bigint[])"
        "      WITH ORDINALITY AS s (place, code, tenant_id, currency, amount_u, position)"
        "    LEFT JOIN account a ON a.code = s.code AND a.currency = s.currency"
        "     AND a.tenant_id IS NOT DISTINCT FROM s.tenant_id"
        "), posted AS ("
        "  INSERT INTO journal (idempotency_key, posted_at, source_type, source_id)"
        "  SELECT h.key, to_timestamp(h.posted_at), h.source_type, h.source_id FROM head h ORDER BY h.place"
        "  ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, idempotency_key"
        "), entered AS ("
        "  INSERT INTO entry (journal_id, seq, account_id, debit_u, credit_u)"
        "  SELECT p.id, row_number() OVER (PARTITION BY p.id ORDER BY s.position), s.account_id, s.debit_u, s.credit_u"
        "    FROM posted p JOIN head h ON h.key = p.idempotency_key JOIN side s ON s.place = h.place"
        "), repeated AS ("
        "  SELECT h.key, coalesce(j.source_type = h.source_type AND j.source_id IS NOT DISTINCT FROM h.source_id"
        "     AND (SELECT array_agg(row(e.account_id, e.debit_u, e.credit_u)::text"
        "                           ORDER BY e.account_id, e.debit_u, e.credit_u)"
        "            FROM entry e WHERE e.journal_id = j.id) IS NOT DISTINCT FROM"
        "         (SELECT array_agg(row(s.account_id, s.debit_u, s.credit_u)::text"
        "                           ORDER BY s.account_id, s.debit_u, s.credit_u)"
        "            FROM side s WHERE s.place = h.place), false) AS is_same"
        "    FROM head h LEFT JOIN journal j ON j.idempotency_key = h.key"
        "   WHERE NOT EXISTS (SELECT FROM posted p WHERE p.idempotency_key = h.key)"
        ") SELECT (SELECT count(*) FROM posted), (SELECT min(key) FROM repeated WHERE NOT is_same)",
    .params = 9,
};
enum { POSTED_COUNT, POSTED_OTHER };

static const struct db_stmt statement_reverse = {
    .name = "journal_reverse",
    .sql = "WITH old AS ("
           "  SELECT id, source_type, source_id FROM journal WHERE idempotency_key = $1::text"
           "), posted AS ("
           "  INSERT INTO journal (idempotency_key, posted_at, source_type, source_id, reverses)"
           "  SELECT 'reversal:' || $1::text, to_timestamp($2::bigint), 'reversal', o.source_id, o.id FROM old o"
           "  ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, reverses"
           "), entered AS ("
           "  INSERT INTO entry (journal_id, seq, account_id, debit_u, credit_u)"
           "  SELECT p.id, e.seq, e.account_id, e.credit_u, e.debit_u"
           "    FROM posted p JOIN entry e ON e.journal_id = p.reverses"
           ") SELECT EXISTS (SELECT FROM old)",
    .params = 2,
};

/* A tenant's day of many reservations may come to more than an entry can tell: in as many pieces as it takes. */
#define ENTRY_MOST_U "9000000000000000000"
#define PIECE(of)    "sign(" of ") * greatest(least(abs(" of ") - n.piece * " ENTRY_MOST_U ", " ENTRY_MOST_U "), 0)"

// clang-format off
static const struct db_stmt statement_rating_totals = {
    .name = "journal_rating_totals",
    .sql = "SELECT t.tenant_id, t.currency, " PIECE("t.billed_u") ", " PIECE("t.effective_u") ", " PIECE("t.deferred_u")
           "  FROM (SELECT tenant_id, currency, sum(amount_u) AS billed_u, sum(effective_u) AS effective_u,"
           "               sum(amount_u) - sum(effective_u) AS deferred_u"
           "          FROM rated_line WHERE day = $1::date GROUP BY 1, 2"
           "        HAVING sum(amount_u) <> 0 OR sum(effective_u) <> 0) t"
           "  CROSS JOIN LATERAL generate_series(0, ceil(greatest(abs(t.billed_u), abs(t.effective_u), abs(t.deferred_u))"
           "                                             / " ENTRY_MOST_U ") - 1) AS n (piece) ORDER BY 1, 2, n.piece",
    .params = 1,
};
// clang-format on
enum { RATING_TENANT, RATING_CURRENCY, RATING_RECEIVABLE, RATING_REVENUE, RATING_DEFERRED };

const struct db_stmt *const journal_statements[] = {
    &statement_accounts, &statement_post, &statement_reverse, &statement_rating_totals, NULL,
};

/* ---- Any journal ---- */

void journal_batch_release(struct journal_batch *batch)
{
    struct db_array *const arrays[] = {
        &batch->key,  &batch->posted_at, &batch->source_type, &batch->source, &batch->journal,
        &batch->code, &batch->tenant,    &batch->currency,    &batch->amount,
    };
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

void journal_open(struct journal_batch *batch, const struct journal_head *head)
{
    db_array_text(&batch->key, head->key);
    db_array_int(&batch->posted_at, head->posted_at_s);
    db_array_text(&batch->source_type, head->source_type);
    db_array_identity_or_null(&batch->source, head->source);
}

void journal_debit(struct journal_batch *batch, const char *code, const struct identity *tenant_or_null,
                   const char *currency, int64_t amount_u)
{
    must(batch->key.count > 0);
    if (amount_u == 0)
        return;
    db_array_int(&batch->journal, (int64_t)batch->key.count);
    db_array_text(&batch->code, code);
    db_array_identity_or_null(&batch->tenant, tenant_or_null);
    db_array_text(&batch->currency, currency);
    db_array_int(&batch->amount, amount_u);
}

void journal_credit(struct journal_batch *batch, const char *code, const struct identity *tenant_or_null,
                    const char *currency, int64_t amount_u)
{
    must(amount_u != INT64_MIN);
    journal_debit(batch, code, tenant_or_null, currency, -amount_u);
}

enum err_kind journal_post(struct journal_batch *batch, struct db *db, int64_t *ret_posted, struct err *reterr)
{
    *ret_posted = 0;
    if (batch->key.count == 0)
        return ERR_NONE;
    const char *code = db_array_param(&batch->code);
    const char *tenant = db_array_param(&batch->tenant);
    const char *currency = db_array_param(&batch->currency);
    enum err_kind kind = db_run(db, &statement_accounts, DB_PARAMS(code, tenant, currency), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    kind = db_run(db, &statement_post,
                  DB_PARAMS(db_array_param(&batch->key), db_array_param(&batch->posted_at),
                            db_array_param(&batch->source_type), db_array_param(&batch->source),
                            db_array_param(&batch->journal), code, tenant, currency, db_array_param(&batch->amount)),
                  &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_posted = db_int(result, 0, POSTED_COUNT, 0);
    const char *other = db_text(result, 0, POSTED_OTHER);
    return other == NULL ? ERR_NONE
                         : err_set(reterr, ERR_CONFLICT, "the journal '%s' was posted with other content", other);
}

enum err_kind journal_reverse(struct db *db, const char *key, int64_t posted_at_s, struct err *reterr)
{
    char posted_at[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_reverse, DB_PARAMS(key, db_int_param(posted_at, posted_at_s)), &result, reterr);
    if (kind == ERR_NONE && !db_bool(result, 0, 0))
        return err_set(reterr, ERR_NOT_FOUND, "there is no journal '%s' to reverse", key);
    return kind;
}

/* ---- Those of every day ---- */

static void add_rating(struct journal_batch *batch, const PGresult *rows, int row)
{
    struct identity tenant = db_identity(rows, row, RATING_TENANT);
    const char *currency = db_text(rows, row, RATING_CURRENCY);
    journal_debit(batch, "unbilled_receivable", &tenant, currency, db_int(rows, row, RATING_RECEIVABLE, 0));
    journal_credit(batch, "revenue", &tenant, currency, db_int(rows, row, RATING_REVENUE, 0));
    journal_credit(batch, "deferred_revenue", &tenant, currency, db_int(rows, row, RATING_DEFERRED, 0));
}

enum err_kind journal_post_rating(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_rating_totals, DB_PARAMS(date), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    for (int row = 0, next; row < PQntuples(rows); row = next) {
        char key[128];
        next = db_run_end(rows, row, RATING_CURRENCY);
        (void)snprintf(key, sizeof key, "rate:%s:%s", db_text(rows, row, RATING_TENANT), date); /* far below the size */
        journal_open(&batch, &(struct journal_head){.key = key,
                                                    .posted_at_s = calendar_time_of_day(day + 1) - 1,
                                                    .source_type = "rating"});
        for (int piece = row; piece < next; piece++)
            add_rating(&batch, rows, piece);
    }
    int64_t posted = 0;
    return journal_post(&batch, db, &posted, reterr);
}

enum err_kind journal_post_invoice(struct db *db, const struct journal_invoice *invoice, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char key[64];
    identity_to_uuid(invoice->invoice, id);
    (void)snprintf(key, sizeof key, "invoice:%s", id); /* 44 characters */
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    journal_open(&batch, &(struct journal_head){.key = key,
                                                .posted_at_s = invoice->issued_at_s,
                                                .source_type = "invoice",
                                                .source = &invoice->invoice});
    journal_debit(&batch, "receivable", &invoice->tenant, invoice->currency, invoice->total_u);
    journal_credit(&batch, "unbilled_receivable", &invoice->tenant, invoice->currency, invoice->unbilled_u);
    journal_credit(&batch, "tax_payable", NULL, invoice->currency, invoice->tax_u);
    for (size_t i = 0; i < invoice->line_count; i++) /* asked for more than was rated: a credit */
        journal_credit(&batch, "rounding", NULL, invoice->currency, invoice->lines[i].rounding_u);
    int64_t posted = 0;
    return journal_post(&batch, db, &posted, reterr);
}
