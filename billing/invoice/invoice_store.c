/* Drawing up and writing an invoice. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/invoice_store.h"

#include "common/alloc.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

static const struct db_stmt statement_close_period = {
    .name = "invoice_close_period",
    .sql = "UPDATE billing_period p SET status = 'closed', closed_at = sluice_now() FROM tenant t"
           " WHERE p.tenant_id = $1::uuid AND p.starts_at = to_timestamp($2::bigint) AND p.status = 'open'"
           "   AND t.id = p.tenant_id RETURNING t.tax_rate_bp",
    .params = 2,
};

static const struct db_stmt statement_groups = {
    .name = "invoice_groups",
    .sql = "SELECT l.reservation_id, l.price_id, p.sku, p.gpu_hour_u, l.currency, sum(l.gpu_milli_seconds),"
           "       sum(l.amount_u)"
           "  FROM rated_line l JOIN price p ON p.id = l.price_id"
           " WHERE l.tenant_id = $1::uuid AND l.period_start = to_timestamp($2::bigint)"
           " GROUP BY l.reservation_id, l.price_id, p.sku, p.gpu_hour_u, p.valid, l.currency"
           " ORDER BY l.reservation_id, lower(p.valid), l.price_id",
    .params = 2,
};

enum { GROUP_RESERVATION, GROUP_PRICE, GROUP_SKU, GROUP_UNIT_PRICE, GROUP_CURRENCY, GROUP_QUANTITY, GROUP_AMOUNT };

static const struct db_stmt statement_number = {
    .name = "invoice_number",
    .sql = "UPDATE invoice_series SET next_number = next_number + 1 WHERE series = $1::text RETURNING next_number - 1",
    .params = 1,
};

static const struct db_stmt statement_insert = {
    .name = "invoice_insert",
    .sql = "INSERT INTO invoice (id, tenant_id, series, number, period_start, period_end, currency, net_minor,"
           "  tax_rate_bp, tax_minor, total_minor, issued_at)"
           " VALUES ($1::uuid, $2::uuid, $3::text, $4::bigint, to_timestamp($5::bigint), to_timestamp($6::bigint),"
           "  $7::text, $8::bigint, $9::integer, $10::bigint, $11::bigint, to_timestamp($12::bigint))",
    .params = 12,
};

static const struct db_stmt statement_lines = {
    .name = "invoice_lines",
    .sql = "INSERT INTO invoice_line (invoice_id, line_no, tenant_id, reservation_id, price_id, description,"
           "  gpu_milli_seconds, amount_u, net_minor, tax_shown_minor)"
           " SELECT $1::uuid, x.line_no, $2::uuid, x.reservation_id, x.price_id, x.description, x.quantity, x.amount_u,"
           "  x.net, x.tax"
           "   FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])"
           "    WITH ORDINALITY AS x (reservation_id, price_id, description, quantity, amount_u, net, tax, line_no)",
    .params = 9,
};

static const struct db_stmt statement_event = {
    .name = "invoice_event",
    .sql = "SELECT event_append($1::uuid, NULL, 'invoice', $2::uuid, 1, 'invoice.issued', NULL,"
           "  jsonb_build_object('number', $3::text, 'total_minor', $4::bigint, 'currency', $5::text)),"
           "  pg_notify('sluice_event', '')",
    .params = 5,
};

const struct db_stmt *const invoice_store_statements[] = {
    &statement_close_period,
    &statement_groups,
    &statement_number,
    &statement_insert,
    &statement_lines,
    &statement_event,
    NULL,
};

void invoice_draft_release(struct invoice_draft *draft)
{
    free(draft->amounts);
    free(draft->tax);
    PQclear(draft->rows);
}

enum err_kind invoice_close_period(struct db *db, struct invoice_draft *draft, bool *ret_was_open, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char starts_at[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->tenant, tenant);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_close_period,
                                DB_PARAMS(tenant, db_int_param(starts_at, draft->starts_at_s)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_was_open = PQntuples(rows) == 1;
    if (*ret_was_open)
        draft->tax_rate_bp = db_int(rows, 0, 0, 0);
    return ERR_NONE;
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

enum err_kind invoice_draft_load(struct db *db, struct invoice_draft *draft, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char starts_at[DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->tenant, tenant);
    enum err_kind kind = db_run(db, &statement_groups, DB_PARAMS(tenant, db_int_param(starts_at, draft->starts_at_s)),
                                &draft->rows, reterr);
    if (kind != ERR_NONE || PQntuples(draft->rows) == 0)
        return kind;
    draft->id = identity_new();
    draft->count = (size_t)PQntuples(draft->rows);
    draft->amounts = alloc_zero(draft->count, sizeof *draft->amounts);
    draft->tax = alloc_zero(draft->count, sizeof *draft->tax);
    kind = take_currency(draft, reterr);
    for (size_t i = 0; i < draft->count && kind == ERR_NONE; i++) {
        draft->amounts[i].amount_u = db_int(draft->rows, (int)i, GROUP_AMOUNT, 0);
        kind = money_add(draft->amount_u, draft->amounts[i].amount_u, &draft->amount_u, reterr);
    }
    if (kind == ERR_NONE)
        kind = invoice_amounts_round(draft->amounts, draft->count, draft->exponent, reterr);
    if (kind == ERR_NONE)
        kind =
            invoice_amounts_tax(draft->amounts, draft->count, draft->tax_rate_bp, draft->tax, &draft->totals, reterr);
    return kind;
}

static enum err_kind take_number(struct db *db, int64_t *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_number, DB_PARAMS(INVOICE_SERIES), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(rows) == 1); /* the migration makes the series */
    *ret = db_int(rows, 0, 0, 0);
    return ERR_NONE;
}

static enum err_kind insert(struct db *db, const struct invoice_draft *draft, int64_t number, int64_t now_s,
                            struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char texts[8][DB_INT_TEXT_SIZE];
    identity_to_uuid(draft->id, id);
    identity_to_uuid(draft->tenant, tenant);
    return db_run(db, &statement_insert,
                  DB_PARAMS(id, tenant, INVOICE_SERIES, db_int_param(texts[0], number),
                            db_int_param(texts[1], draft->starts_at_s), db_int_param(texts[2], draft->ends_at_s),
                            draft->currency, db_int_param(texts[3], draft->totals.net_minor),
                            db_int_param(texts[4], draft->tax_rate_bp), db_int_param(texts[5], draft->totals.tax_minor),
                            db_int_param(texts[6], draft->totals.total_minor), db_int_param(texts[7], now_s)),
                  NULL, reterr);
}

/* The columns of the lines, as arrays. */
enum { LINE_RESERVATION, LINE_PRICE, LINE_DESCRIPTION, LINE_QUANTITY, LINE_AMOUNT, LINE_NET, LINE_TAX, LINE_COLUMNS };

static void add_line(struct db_array columns[LINE_COLUMNS], const struct invoice_draft *draft, size_t i)
{
    int row = (int)i;
    char price[MONEY_TEXT_SIZE];
    char description[256];
    money_print(db_int(draft->rows, row, GROUP_UNIT_PRICE, 0), price);
    (void)snprintf(description, sizeof description, "%s at %s %s per GPU-hour", db_text(draft->rows, row, GROUP_SKU),
                   price, draft->currency); /* a long name is cut */
    db_array_text(&columns[LINE_RESERVATION], db_text(draft->rows, row, GROUP_RESERVATION));
    db_array_text(&columns[LINE_PRICE], db_text(draft->rows, row, GROUP_PRICE));
    db_array_text(&columns[LINE_DESCRIPTION], description);
    db_array_text(&columns[LINE_QUANTITY], db_text(draft->rows, row, GROUP_QUANTITY));
    db_array_int(&columns[LINE_AMOUNT], draft->amounts[i].amount_u);
    db_array_int(&columns[LINE_NET], draft->amounts[i].net_minor);
    db_array_int(&columns[LINE_TAX], draft->tax[i].amount);
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

static enum err_kind append_event(struct db *db, const struct invoice_draft *draft, int64_t number, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char total[DB_INT_TEXT_SIZE];
    char printed[DB_INT_TEXT_SIZE + sizeof INVOICE_SERIES];
    identity_to_uuid(draft->id, id);
    identity_to_uuid(draft->tenant, tenant);
    (void)snprintf(printed, sizeof printed, INVOICE_SERIES "-%06lld", (long long)number);
    return db_run(db, &statement_event,
                  DB_PARAMS(tenant, id, printed, db_int_param(total, draft->totals.total_minor), draft->currency), NULL,
                  reterr);
}

enum err_kind invoice_issue(struct db *db, const struct invoice_draft *draft, int64_t now_s, struct err *reterr)
{
    int64_t number = 0;
    enum err_kind kind = take_number(db, &number, reterr);
    if (kind == ERR_NONE)
        kind = insert(db, draft, number, now_s, reterr);
    if (kind == ERR_NONE)
        kind = insert_lines(db, draft, reterr);
    if (kind == ERR_NONE)
        kind = append_event(db, draft, number, reterr);
    return kind;
}
