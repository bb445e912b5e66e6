/* Drawing up, writing and freezing an invoice. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/invoice_store.h"

#include "common/alloc.h"
#include "common/invoice_describe.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

static const struct db_stmt statement_close_period = {
    .name = "invoice_close_period",
    .sql =
        "UPDATE billing_period SET status = 'closed', closed_at = sluice_now(), parked_at = NULL, parked_reason = NULL"
        " WHERE tenant_id = $1::uuid AND starts_at = to_timestamp($2::bigint) AND status = 'open' RETURNING tenant_id",
    .params = 2,
};

static const struct db_stmt statement_groups = {
    .name = "invoice_groups",
    .sql = "SELECT " INVOICE_GROUP_COLUMNS " FROM invoice_groups($1::uuid, to_timestamp($2::bigint))",
    .params = 2,
};

static const struct db_stmt statement_terms = {
    .name = "invoice_terms",
    .sql = "SELECT by_hand, tax_code, tax_country, tax_note, tax_rate_bp"
           " FROM invoice_terms($1::uuid, to_timestamp($2::bigint))",
    .params = 2,
};

enum { TERMS_BY_HAND, TERMS_TAX_CODE, TERMS_TAX_COUNTRY, TERMS_TAX_NOTE, TERMS_TAX_RATE };

static const struct db_stmt statement_insert = {
    .name = "invoice_insert",
    .sql = "INSERT INTO invoice (id, tenant_id, period_start, period_end, currency, net_minor, tax_code, tax_rate_bp,"
           "  tax_minor, total_minor, status, replaces)"
           " VALUES ($1::uuid, $2::uuid, to_timestamp($3::bigint), to_timestamp($4::bigint), $5::text, $6::bigint,"
           "  $7::text, $8::integer, $9::bigint, $10::bigint, 'draft', $11::uuid)",
    .params = 11,
};

static const struct db_stmt statement_rewrite = {
    .name = "invoice_rewrite",
    .sql = "UPDATE invoice SET net_minor = $2::bigint, tax_code = $3::text, tax_rate_bp = $4::integer,"
           "  tax_minor = $5::bigint, total_minor = $6::bigint, drawn_up_at = sluice_now()"
           " WHERE id = $1::uuid AND status = 'draft' RETURNING id",
    .params = 6,
};

static const struct db_stmt statement_clear = {
    .name = "invoice_clear",
    .sql = "WITH lines AS (DELETE FROM invoice_line WHERE invoice_id = $1::uuid)"
           " DELETE FROM invoice_tax WHERE invoice_id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_tax = {
    .name = "invoice_tax",
    .sql = "INSERT INTO invoice_tax (invoice_id, tax_code, tenant_id, country, rate_bp, base_minor, tax_minor, note)"
           " VALUES ($1::uuid, $2::text, $3::uuid, $4::text, $5::integer, $6::bigint, $7::bigint, $8::text)",
    .params = 8,
};

static const struct db_stmt statement_lines = {
    .name = "invoice_lines",
    .sql = "INSERT INTO invoice_line (invoice_id, line_no, tenant_id, reservation_id, price_id, commitment_id,"
           "  charge_category, charge_class, corrects, reason, description, gpu_milli_seconds, amount_u, net_minor,"
           "  tax_shown_minor, unit_price_u, meter_id, meter_quantity, reservation_name)"
           " SELECT $1::uuid, x.line_no, $2::uuid, x.reservation_id, x.price_id, x.commitment_id, x.category, x.class,"
           "  to_timestamp(x.corrects), x.reason, x.description, x.quantity, x.amount_u, x.net, x.tax, x.unit_price,"
           "  x.meter, x.meter_quantity, r.name"
           "   FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::text[],"
           "     $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[],"
           "     $17::bigint[])"
           "    WITH ORDINALITY AS x (reservation_id, price_id, commitment_id, category, class, corrects, reason,"
           "     description, quantity, amount_u, net, tax, unit_price, meter,"
           "     meter_quantity, line_no) LEFT JOIN reservation r ON r.id = x.reservation_id",
    .params = 17,
};

/* Everything that the amounts follow from and the document says, as it is now. */
#define PARTY(alias, name)                                                                                             \
    "jsonb_build_object('name', " name ", 'address', " alias ".address, 'country', " alias ".country,"                 \
    " 'tax_number', " alias ".tax_number, 'reference', " alias ".reference, 'note', " alias ".note)"

// clang-format off
static const struct db_stmt statement_configure = {
    .name = "invoice_configure",
    .sql = "UPDATE invoice i SET configuration = ("
           " SELECT jsonb_build_object('seller', " PARTY("s", "s.legal_name") ","
           " 'buyer', " PARTY("p", "coalesce(p.legal_name, t.name)") ","
           "  'tenant', jsonb_build_object('name', t.name, 'timezone', t.billing_timezone, 'currency', t.currency),"
           "  'terms', jsonb_build_object('issue', coalesce(p.issue, s.issue),"
           "   'invoice_series', coalesce(p.invoice_series, s.invoice_series),"
           "   'credit_series', coalesce(p.credit_series, s.credit_series),"
           "   'payment_days', coalesce(p.payment_days, s.payment_days)),"
           "  'tax_rate', to_jsonb(x),"
           "  'prices', (SELECT coalesce(jsonb_agg(to_jsonb(q) ORDER BY q.id), '[]') FROM price q"
           "              WHERE q.id IN (SELECT l.price_id FROM invoice_line l WHERE l.invoice_id = i.id)),"
           "  'rounding', 'lines half away from zero from their micro totals; tax once, on their sum')"
           "  FROM tenant t JOIN billing_profile s ON s.tenant_id IS NULL"
           "  LEFT JOIN billing_profile p ON p.tenant_id = t.id"
           "  CROSS JOIN LATERAL invoice_terms(t.id, i.period_end) e"
           "  LEFT JOIN tax_rate x ON x.code = e.tax_code AND x.country = e.tax_country"
           "   AND x.valid @> i.period_end - interval '1 second' WHERE t.id = i.tenant_id)"
           " WHERE i.id = $1::uuid AND i.status = 'draft'",
    .params = 1,
};
// clang-format on

static const struct db_stmt statement_finalize = {
    .name = "invoice_finalize",
    .sql = "UPDATE invoice SET status = 'finalized', finalized_at = sluice_now(),"
           "  content_sha256 = sha256(convert_to(invoice_content(id)::text, 'UTF8'))"
           " WHERE id = $1::uuid AND status = 'draft' RETURNING id",
    .params = 1,
};

const struct db_stmt *const invoice_store_statements[] = {
    &statement_close_period,
    &statement_groups,
    &statement_terms,
    &statement_insert,
    &statement_rewrite,
    &statement_clear,
    &statement_tax,
    &statement_lines,
    &statement_configure,
    &statement_finalize,
    NULL,
};

void invoice_draft_release(struct invoice_draft *draft)
{
    free(draft->amounts);
    free(draft->tax);
    PQclear(draft->rows);
    PQclear(draft->terms);
}

enum err_kind invoice_close_period(struct db *db, const struct invoice_draft *draft, bool *ret_was_open,
                                   struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char starts_at[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->tenant, tenant);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_close_period,
                                DB_PARAMS(tenant, db_int_param(starts_at, draft->starts_at_s)), &rows, reterr);
    if (kind == ERR_NONE)
        *ret_was_open = PQntuples(rows) == 1;
    return kind;
}

/* Everything on an invoice is in one currency. */
static enum err_kind take_currency(struct invoice_draft *draft, struct err *reterr)
{
    const char *currency = db_text(draft->rows, 0, GROUP_CURRENCY);
    for (size_t i = 1; i < draft->count; i++) {
        const char *other = db_text(draft->rows, (int)i, GROUP_CURRENCY);
        if (strcmp(other, currency) != 0)
            return err_set(reterr, ERR_INTERNAL, "a period was rated in '%s' and in '%s'", currency, other);
    }
    (void)snprintf(draft->currency, sizeof draft->currency, "%s", currency); /* three letters: the table's check */
    return money_exponent(draft->currency, &draft->exponent, reterr);
}

static enum err_kind take_terms(struct db *db, struct invoice_draft *draft, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char ends_at[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->tenant, tenant);
    enum err_kind kind =
        db_run(db, &statement_terms, DB_PARAMS(tenant, db_int_param(ends_at, draft->ends_at_s)), &draft->terms, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(draft->terms) == 1); /* the migration makes the provider's */
    if (db_text(draft->terms, 0, TERMS_TAX_RATE) == NULL) {
        const char *country = db_text(draft->terms, 0, TERMS_TAX_COUNTRY);
        return err_set(reterr, ERR_PRECONDITION, "the tax '%s' has no rate in '%s' at the period's end",
                       db_text(draft->terms, 0, TERMS_TAX_CODE), country != NULL ? country : "no country");
    }
    return ERR_NONE;
}

enum err_kind invoice_draw_up(struct db *db, struct invoice_draft *draft, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char starts_at[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->tenant, tenant);
    enum err_kind kind = db_run(db, &statement_groups, DB_PARAMS(tenant, db_int_param(starts_at, draft->starts_at_s)),
                                &draft->rows, reterr);
    if (kind != ERR_NONE || PQntuples(draft->rows) == 0)
        return kind;
    size_t count = (size_t)PQntuples(draft->rows);
    draft->amounts = alloc_zero(count, sizeof *draft->amounts);
    draft->tax = alloc_zero(count, sizeof *draft->tax);
    bool is_something = false;
    for (size_t i = 0; i < count; i++) {
        draft->amounts[i].amount_u = db_int(draft->rows, (int)i, GROUP_AMOUNT, 0);
        is_something = is_something || draft->amounts[i].amount_u != 0;
    }
    if (!is_something)
        return ERR_NONE;
    draft->count = count;
    kind = take_currency(draft, reterr);
    if (kind == ERR_NONE)
        kind = take_terms(db, draft, reterr);
    if (kind == ERR_NONE)
        kind = invoice_amounts_round(draft->amounts, count, draft->exponent, reterr);
    if (kind == ERR_NONE)
        kind = invoice_amounts_tax(draft->amounts, count, db_int(draft->terms, 0, TERMS_TAX_RATE, 0), draft->tax,
                                   &draft->totals, reterr);
    return kind;
}

bool invoice_waits_for_operator(const struct invoice_draft *draft)
{
    return db_bool(draft->terms, 0, TERMS_BY_HAND);
}

/* The columns of the lines, as arrays: those of the group as they came, then what was made of it. */
enum {
    LINE_DESCRIPTION = GROUP_REASON + 1,
    LINE_QUANTITY,
    LINE_AMOUNT,
    LINE_NET,
    LINE_TAX,
    LINE_UNIT_PRICE,
    LINE_METER,
    LINE_METER_QUANTITY,
    LINE_COLUMNS
};

static void add_line(struct db_array columns[LINE_COLUMNS], const struct invoice_draft *draft, size_t i)
{
    int row = (int)i;
    char description[INVOICE_DESCRIPTION_SIZE];
    invoice_describe(draft->rows, row, description);
    for (int column = 0; column <= GROUP_REASON; column++)
        db_array_text(&columns[column], db_text(draft->rows, row, column));
    db_array_text(&columns[LINE_DESCRIPTION], description);
    db_array_text(&columns[LINE_QUANTITY], db_text(draft->rows, row, GROUP_QUANTITY));
    db_array_int(&columns[LINE_AMOUNT], draft->amounts[i].amount_u);
    db_array_int(&columns[LINE_NET], draft->amounts[i].net_minor);
    db_array_int(&columns[LINE_TAX], draft->tax[i].amount);
    db_array_text(&columns[LINE_UNIT_PRICE], db_text(draft->rows, row, GROUP_UNIT_PRICE));
    db_array_text(&columns[LINE_METER], db_text(draft->rows, row, GROUP_METER));
    db_array_text(&columns[LINE_METER_QUANTITY], db_text(draft->rows, row, GROUP_METER_QUANTITY));
}

static enum err_kind insert_lines(struct db *db, const struct invoice_draft *draft, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    identity_to_uuid(draft->id, id);
    identity_to_uuid(draft->tenant, tenant);
    struct db_array columns[LINE_COLUMNS] = {0};
    for (size_t i = 0; i < draft->count; i++)
        add_line(columns, draft, i);
    const char *params[LINE_COLUMNS + 2] = {id, tenant};
    for (int i = 0; i < LINE_COLUMNS; i++)
        params[i + 2] = db_array_param(&columns[i]);
    enum err_kind kind = db_run(db, &statement_lines, params, NULL, reterr);
    for (int i = 0; i < LINE_COLUMNS; i++)
        db_array_clear(&columns[i]);
    return kind;
}

static enum err_kind insert_parts(struct db *db, const struct invoice_draft *draft, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char base[DB_INT_TEXT_SIZE];
    char tax[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->id, id);
    identity_to_uuid(draft->tenant, tenant);
    enum err_kind kind = db_run(
        db, &statement_tax,
        DB_PARAMS(id, db_text(draft->terms, 0, TERMS_TAX_CODE), tenant, db_text(draft->terms, 0, TERMS_TAX_COUNTRY),
                  db_text(draft->terms, 0, TERMS_TAX_RATE), db_int_param(base, draft->totals.net_minor),
                  db_int_param(tax, draft->totals.tax_minor), db_text(draft->terms, 0, TERMS_TAX_NOTE)),
        NULL, reterr);
    return kind == ERR_NONE ? insert_lines(db, draft, reterr) : kind;
}

enum err_kind invoice_insert(struct db *db, const struct invoice_draft *draft, const struct identity *replaces,
                             struct err *reterr)
{
    char ids[3][UUID_TEXT_SIZE];
    char texts[5][DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->id, ids[0]);
    identity_to_uuid(draft->tenant, ids[1]);
    if (replaces != NULL)
        identity_to_uuid(*replaces, ids[2]);
    enum err_kind kind =
        db_run(db, &statement_insert,
               DB_PARAMS(ids[0], ids[1], db_int_param(texts[0], draft->starts_at_s),
                         db_int_param(texts[1], draft->ends_at_s), draft->currency,
                         db_int_param(texts[2], draft->totals.net_minor), db_text(draft->terms, 0, TERMS_TAX_CODE),
                         db_text(draft->terms, 0, TERMS_TAX_RATE), db_int_param(texts[3], draft->totals.tax_minor),
                         db_int_param(texts[4], draft->totals.total_minor), replaces != NULL ? ids[2] : NULL),
               NULL, reterr);
    return kind == ERR_NONE ? insert_parts(db, draft, reterr) : kind;
}

enum err_kind invoice_rewrite(struct db *db, const struct invoice_draft *draft, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char texts[3][DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->id, id);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_clear, DB_PARAMS(id), NULL, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_rewrite,
                      DB_PARAMS(id, db_int_param(texts[0], draft->totals.net_minor),
                                db_text(draft->terms, 0, TERMS_TAX_CODE), db_text(draft->terms, 0, TERMS_TAX_RATE),
                                db_int_param(texts[1], draft->totals.tax_minor),
                                db_int_param(texts[2], draft->totals.total_minor)),
                      &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(rows) == 1); /* the caller has locked a draft */
    return insert_parts(db, draft, reterr);
}

enum err_kind invoice_finalize(struct db *db, struct identity id, struct err *reterr)
{
    char text[UUID_TEXT_SIZE];
    identity_to_uuid(id, text);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_configure, DB_PARAMS(text), NULL, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_finalize, DB_PARAMS(text), &rows, reterr);
    if (kind == ERR_NONE)
        must(PQntuples(rows) == 1); /* the caller has made or locked a draft */
    return kind;
}
