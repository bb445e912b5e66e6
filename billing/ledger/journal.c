/* Posting. An account is made by its first posting; journal and entries are one statement, so that the trigger sees
 * each journal whole. Posted at the last second of the day, so that a month's entries lie within the month. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/journal.h"

#include "common/calendar.h"

/* x (tenant_id, currency, code, amount_u) -> journals (x.key) and entries; a positive amount is a debit. */
#define ACCOUNT_KINDS                                                                                                  \
    "(VALUES ('unbilled_receivable', 'asset'), ('receivable', 'asset'), ('revenue', 'income'),"                        \
    " ('tax_payable', 'liability'), ('rounding', 'expense'), ('cost_of_revenue', 'expense'),"                          \
    " ('accumulated_depreciation', 'asset')) AS k (code, kind)"

static const struct db_stmt statement_accounts = {
    .name = "journal_accounts",
    .sql = "INSERT INTO account (code, tenant_id, currency, kind)"
           " SELECT k.code, x.tenant_id, x.currency, k.kind"
           "   FROM (SELECT DISTINCT u.code, u.tenant_id, u.currency"
           "           FROM unnest($1::text[], $2::uuid[], $3::text[]) AS u (code, tenant_id, currency)) x"
           "   JOIN " ACCOUNT_KINDS " ON k.code = x.code"
           "  WHERE NOT EXISTS (SELECT FROM account a WHERE a.code = x.code AND a.currency = x.currency"
           "                       AND a.tenant_id IS NOT DISTINCT FROM x.tenant_id)"
           " ON CONFLICT (code, tenant_id, currency) DO NOTHING",
    .params = 3,
};

static const struct db_stmt statement_rating_totals = {
    .name = "journal_rating_totals",
    .sql = "SELECT tenant_id, currency, sum(amount_u) FROM rated_line WHERE day = $1::date"
           " GROUP BY 1, 2 HAVING sum(amount_u) <> 0",
    .params = 1,
};

static const struct db_stmt statement_depreciation_totals = {
    .name = "journal_depreciation_totals",
    .sql = "SELECT NULL::uuid, currency, sum(depreciation_u) FROM node_cost WHERE day = $1::date"
           " GROUP BY 2 HAVING sum(depreciation_u) > 0",
    .params = 1,
};

static const struct db_stmt statement_post = {
    .name = "journal_post",
    .sql = "WITH x AS (SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::numeric[])"
           "            WITH ORDINALITY AS u (key, code, tenant_id, currency, amount_u, position)"
           "), posted AS ("
           "  INSERT INTO journal (idempotency_key, posted_at, source_type, source_id)"
           "  SELECT DISTINCT x.key, to_timestamp($6::bigint), $7::text, $8::uuid FROM x"
           "  ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, idempotency_key)"
           " INSERT INTO entry (journal_id, seq, account_id, debit_u, credit_u)"
           " SELECT p.id, row_number() OVER (PARTITION BY p.id ORDER BY x.position), a.id, greatest(x.amount_u, 0),"
           "        greatest(-x.amount_u, 0)"
           "   FROM posted p JOIN x ON x.key = p.idempotency_key"
           "   JOIN account a ON a.code = x.code AND a.currency = x.currency"
           "    AND a.tenant_id IS NOT DISTINCT FROM x.tenant_id"
           "  WHERE x.amount_u <> 0",
    .params = 8,
};

const struct db_stmt *const journal_statements[] = {
    &statement_accounts, &statement_rating_totals, &statement_depreciation_totals, &statement_post, NULL,
};

/* The sides of journals being written. */
struct sides {
    struct db_array key, code, tenant, currency, amount;
};

static void sides_release(struct sides *sides)
{
    db_array_clear(&sides->key);
    db_array_clear(&sides->code);
    db_array_clear(&sides->tenant);
    db_array_clear(&sides->currency);
    db_array_clear(&sides->amount);
}

/* amount: a number as text; a positive one is a debit. */
static void add_side(struct sides *sides, const char *key, const char *code, const char *tenant, const char *currency,
                     const char *amount)
{
    db_array_text(&sides->key, key);
    db_array_text(&sides->code, code);
    db_array_text(&sides->tenant, tenant);
    db_array_text(&sides->currency, currency);
    db_array_text(&sides->amount, amount);
}

static enum err_kind post(struct db *db, struct sides *sides, int64_t posted_at_s, const char *source_type,
                          const char *source_id, struct err *reterr)
{
    if (sides->key.count == 0)
        return ERR_NONE;
    const char *code = db_array_param(&sides->code);
    const char *tenant = db_array_param(&sides->tenant);
    const char *currency = db_array_param(&sides->currency);
    enum err_kind kind = db_run(db, &statement_accounts, DB_PARAMS(code, tenant, currency), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    char posted_at[DB_INT_TEXT_SIZE];
    return db_run(db, &statement_post,
                  DB_PARAMS(db_array_param(&sides->key), code, tenant, currency, db_array_param(&sides->amount),
                            db_int_param(posted_at, posted_at_s), source_type, source_id),
                  NULL, reterr);
}

/* A kind of journal that sums up a day: totals per tenant and currency, one debit and one credit each. */
struct day_posting {
    const struct db_stmt *totals; /* day -> tenant or null, currency, amount */
    const char *prefix;           /* of the key */
    const char *source_type;
    const char *debit, *credit; /* codes */
    bool debit_is_tenants;      /* whether the debited account is the tenant's own */
};

static enum err_kind post_day(struct db *db, int64_t day, const struct day_posting *posting, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, posting->totals, DB_PARAMS(date), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(sides_release) struct sides sides = {0};
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *tenant = db_text(rows, row, 0);
        const char *currency = db_text(rows, row, 1);
        char key[128];
        char negative[DB_INT_TEXT_SIZE];
        (void)snprintf(key, sizeof key, "%s:%s:%s", posting->prefix, tenant != NULL ? tenant : date,
                       tenant != NULL ? date : currency); /* far below the size */
        add_side(&sides, key, posting->debit, posting->debit_is_tenants ? tenant : NULL, currency,
                 db_text(rows, row, 2));
        add_side(&sides, key, posting->credit, NULL, currency, db_int_param(negative, -db_int(rows, row, 2, 0)));
    }
    return post(db, &sides, calendar_time_of_day(day + 1) - 1, posting->source_type, NULL, reterr);
}

enum err_kind journal_post_rating(struct db *db, int64_t day, struct err *reterr)
{
    static const struct day_posting posting = {
        .totals = &statement_rating_totals,
        .prefix = "rate",
        .source_type = "rating",
        .debit = "unbilled_receivable",
        .credit = "revenue",
        .debit_is_tenants = true,
    };
    return post_day(db, day, &posting, reterr);
}

enum err_kind journal_post_depreciation(struct db *db, int64_t day, struct err *reterr)
{
    static const struct day_posting posting = {
        .totals = &statement_depreciation_totals,
        .prefix = "depreciation",
        .source_type = "depreciation",
        .debit = "cost_of_revenue",
        .credit = "accumulated_depreciation",
    };
    return post_day(db, day, &posting, reterr);
}

static void add_amount(struct sides *sides, const char *key, const char *code, const char *tenant, const char *currency,
                       int64_t amount_u)
{
    char text[DB_INT_TEXT_SIZE];
    add_side(sides, key, code, tenant, currency, db_int_param(text, amount_u));
}

enum err_kind journal_post_invoice(struct db *db, const struct journal_invoice *invoice, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char key[64];
    identity_to_uuid(invoice->invoice, id);
    identity_to_uuid(invoice->tenant, tenant);
    (void)snprintf(key, sizeof key, "invoice:%s", id); /* 44 characters */
    CLEANUP(sides_release) struct sides sides = {0};
    add_amount(&sides, key, "receivable", tenant, invoice->currency, invoice->total_u);
    add_amount(&sides, key, "unbilled_receivable", tenant, invoice->currency, -invoice->unbilled_u);
    add_amount(&sides, key, "tax_payable", NULL, invoice->currency, -invoice->tax_u);
    for (size_t i = 0; i < invoice->line_count; i++) { /* asked for more than was rated: a credit */
        if (invoice->lines[i].rounding_u != 0)
            add_amount(&sides, key, "rounding", NULL, invoice->currency, -invoice->lines[i].rounding_u);
    }
    return post(db, &sides, invoice->issued_at_s, "invoice", id, reterr);
}
