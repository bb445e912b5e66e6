/* Reading what was billed and credited, asking for the amounts, writing and posting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/credit_note.h"

#include "billing/invoice/document_hash.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/settlement.h"
#include "common/alloc.h"
#include "common/credit_wish.h"

#include <stdio.h>

static const struct db_stmt statement_lines = {.name = "credit_note_wish", .sql = CREDIT_WISH_LINES, .params = 2};

static const struct db_stmt statement_invoice = {
    .name = "credit_note_invoice", .sql = CREDIT_WISH_INVOICE, .params = 1};

/* An invoice of before had no configuration: the provider's series is taken. No row: the series is of another kind. */
static const struct db_stmt statement_insert = {
    .name = "credit_note_insert",
    .sql =
        "WITH chosen AS ("
        "  SELECT i.id, i.tenant_id, i.currency, coalesce(i.configuration, '{}') - 'prices' AS configuration,"
        "   coalesce(i.configuration->'terms'->>'credit_series', s.credit_series) AS series"
        "    FROM invoice i JOIN billing_profile s ON s.tenant_id IS NULL WHERE i.id = $2::uuid"
        "), numbered AS MATERIALIZED ("
        "  SELECT c.*, document_number_take(c.series, 'credit_note') AS number FROM chosen c)"
        " INSERT INTO credit_note (id, tenant_id, invoice_id, series, number, reason, currency, net_minor, tax_minor,"
        "   total_minor, issued_at, configuration)"
        " SELECT $1::uuid, n.tenant_id, n.id, n.series, n.number, r.reason, n.currency, $4::bigint, $5::bigint,"
        "   $4::bigint + $5::bigint, to_timestamp($6::bigint), n.configuration"
        "   FROM numbered n JOIN invoice_request r ON r.id = $3::uuid WHERE n.number IS NOT NULL"
        " RETURNING document_number(series, number)",
    .params = 6,
};

static const struct db_stmt statement_insert_lines = {
    .name = "credit_note_lines",
    .sql = "INSERT INTO credit_note_line (credit_note_id, line_no, tenant_id, invoice_id, invoice_line_no,"
           "  gpu_milli_seconds, amount_u, net_minor, tax_shown_minor)"
           " SELECT $1::uuid, x.line_no, i.tenant_id, i.id, x.invoice_line_no, x.quantity, x.amount_u, x.net, x.tax"
           "   FROM invoice i, unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])"
           "    WITH ORDINALITY AS x (invoice_line_no, quantity, amount_u, net, tax, line_no) WHERE i.id = $2::uuid",
    .params = 7,
};

/* The billing period that it is a charge of, in the tenant's calendar, is there: of a tenant that used nothing in it,
 * too. */
static const struct db_stmt statement_period = {
    .name = "credit_note_period",
    .sql = "INSERT INTO billing_period (tenant_id, starts_at, ends_at)"
           " SELECT t.id, m.month AT TIME ZONE t.billing_timezone,"
           "  (m.month + interval '1 month') AT TIME ZONE t.billing_timezone FROM tenant t CROSS JOIN LATERAL"
           "  (SELECT date_trunc('month', to_timestamp($2::bigint) AT TIME ZONE t.billing_timezone) AS month) m"
           "  WHERE t.id = $1::uuid ON CONFLICT DO NOTHING",
    .params = 2,
};

static const struct db_stmt statement_document = {
    .name = "credit_note_document",
    .sql = "SELECT credit_note_document($1::uuid)",
    .params = 1,
};

static const struct db_stmt statement_hash = {
    .name = "credit_note_hash",
    .sql = "UPDATE credit_note SET pdf_sha256 = decode($2::text, 'hex') WHERE id = $1::uuid",
    .params = 2,
};

static const struct db_stmt statement_event = {
    .name = "credit_note_event",
    .sql = "SELECT event_append($1::uuid, NULL, 'credit_note', $2::uuid, 1, 'credit_note.issued', NULL,"
           "  jsonb_build_object('number', $3::text, 'invoice', $4::uuid, 'total_minor', $5::bigint, 'currency',"
           "  $6::text)), pg_notify('sluice_event', '')",
    .params = 6,
};

const struct db_stmt *const credit_note_statements[] = {
    &statement_lines,        &statement_invoice, &statement_insert,
    &statement_insert_lines, &statement_period,  &statement_document,
    &statement_hash,         &statement_event,   NULL,
};

struct credit {
    struct identity id, invoice, request;
    PGresult *bill;           /* the invoice */
    PGresult *wish;           /* its lines */
    struct credit_line *line; /* of each of them; those that come to nothing are left out below */
    struct money_share *tax;
    size_t count;
    struct credit_tax sums;
    const char *currency;
    int exponent;
};

static void credit_release(struct credit *credit)
{
    PQclear(credit->bill);
    PQclear(credit->wish);
    free(credit->line);
    free(credit->tax);
}

static enum err_kind load(struct db *db, struct credit *credit, struct err *reterr)
{
    char invoice[UUID_TEXT_SIZE];
    char request[UUID_TEXT_SIZE];
    identity_to_uuid(credit->invoice, invoice);
    identity_to_uuid(credit->request, request);
    enum err_kind kind = db_run(db, &statement_invoice, DB_PARAMS(invoice), &credit->bill, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_lines, DB_PARAMS(invoice, request), &credit->wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    credit->count = (size_t)PQntuples(credit->wish);
    credit->line = alloc_zero(credit->count + 1, sizeof *credit->line);
    credit->tax = alloc_zero(credit->count + 1, sizeof *credit->tax);
    credit->currency = db_text(credit->bill, 0, CREDIT_BILL_CURRENCY);
    return money_exponent(credit->currency, &credit->exponent, reterr);
}

static enum err_kind insert_lines(struct db *db, const struct credit *credit, struct err *reterr)
{
    enum { LINE, QUANTITY, AMOUNT, NET, TAX, COLUMNS };
    char id[UUID_TEXT_SIZE];
    char invoice[UUID_TEXT_SIZE];
    identity_to_uuid(credit->id, id);
    identity_to_uuid(credit->invoice, invoice);
    struct db_array columns[COLUMNS] = {0};
    for (size_t i = 0; i < credit->count; i++) {
        if (credit->line[i].credit_minor == 0 && credit->line[i].credit_u == 0)
            continue;
        db_array_text(&columns[LINE], db_text(credit->wish, (int)i, CREDIT_WISH_LINE));
        db_array_text(&columns[QUANTITY], db_text(credit->wish, (int)i, CREDIT_WISH_OF_QUANTITY));
        db_array_int(&columns[AMOUNT], credit->line[i].credit_u);
        db_array_int(&columns[NET], credit->line[i].credit_minor);
        db_array_int(&columns[TAX], credit->tax[i].amount);
    }
    const char *params[COLUMNS + 2] = {id, invoice};
    for (int i = 0; i < COLUMNS; i++)
        params[i + 2] = db_array_param(&columns[i]);
    enum err_kind kind = db_run(db, &statement_insert_lines, params, NULL, reterr);
    for (int i = 0; i < COLUMNS; i++)
        db_array_clear(&columns[i]);
    return kind;
}

static enum err_kind post(struct db *db, const struct credit *credit, int64_t now_s, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char key[64];
    int64_t net_u = 0;
    int64_t tax_u = 0;
    int64_t posted = 0;
    struct identity tenant = db_identity(credit->bill, 0, CREDIT_BILL_TENANT);
    identity_to_uuid(credit->id, id);
    (void)snprintf(key, sizeof key, "credit_note:%s", id); /* 48 characters */
    enum err_kind kind = money_micro_of_minor(credit->sums.credit_net_minor, credit->exponent, &net_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(credit->sums.credit_tax_minor, credit->exponent, &tax_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    journal_open(&batch, &(struct journal_head){
                             .key = key, .posted_at_s = now_s, .source_type = "credit_note", .source = &credit->id});
    journal_debit(&batch, "revenue", &tenant, credit->currency, net_u);
    journal_debit(&batch, "tax_payable", NULL, credit->currency, tax_u);
    journal_credit(&batch, "receivable", &tenant, credit->currency, net_u + tax_u);
    kind = journal_post(&batch, db, &posted, reterr);
    const struct settlement_invoice reduced = {
        .invoice = credit->invoice, .tenant = tenant, .currency = credit->currency, .at_s = now_s};
    return kind == ERR_NONE ? settlement_reduce(db, &reduced, credit->id, net_u + tax_u, reterr) : kind;
}

static enum err_kind insert(struct db *db, const struct credit *credit, int64_t now_s, struct err *reterr)
{
    char ids[3][UUID_TEXT_SIZE];
    char net[DB_INT_TEXT_SIZE];
    char tax[DB_INT_TEXT_SIZE];
    char total[DB_INT_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(credit->id, ids[0]);
    identity_to_uuid(credit->invoice, ids[1]);
    identity_to_uuid(credit->request, ids[2]);
    CLEANUP(db_result_clear) PGresult *made = NULL;
    enum err_kind kind = db_run(db, &statement_insert,
                                DB_PARAMS(ids[0], ids[1], ids[2], db_int_param(net, credit->sums.credit_net_minor),
                                          db_int_param(tax, credit->sums.credit_tax_minor), db_int_param(now, now_s)),
                                &made, reterr);
    if (kind == ERR_NONE && PQntuples(made) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "series_of_other_kind", "its series is one of invoices");
    if (kind == ERR_NONE)
        kind = insert_lines(db, credit, reterr);
    if (kind == ERR_NONE)
        kind =
            db_run(db, &statement_period, DB_PARAMS(db_text(credit->bill, 0, CREDIT_BILL_TENANT), now), NULL, reterr);
    if (kind == ERR_NONE)
        kind = document_hash_store(db, &statement_document, &statement_hash, ids[0], reterr);
    if (kind != ERR_NONE)
        return kind;
    (void)db_int_param(total, credit->sums.credit_net_minor + credit->sums.credit_tax_minor);
    return db_run(db, &statement_event,
                  DB_PARAMS(db_text(credit->bill, 0, CREDIT_BILL_TENANT), ids[0], db_text(made, 0, 0), ids[1], total,
                            credit->currency),
                  NULL, reterr);
}

enum err_kind credit_note_issue(struct db *db, struct identity invoice, struct identity request, int64_t now_s,
                                struct identity *ret, struct err *reterr)
{
    CLEANUP(credit_release)
    struct credit credit = {.id = identity_new(), .invoice = invoice, .request = request};
    enum err_kind kind = load(db, &credit, reterr);
    if (kind == ERR_NONE)
        kind = credit_wish_work_out(credit.bill, credit.wish, credit.line, credit.tax, &credit.sums, reterr);
    if (kind == ERR_NONE)
        kind = insert(db, &credit, now_s, reterr);
    if (kind == ERR_NONE)
        kind = post(db, &credit, now_s, reterr);
    if (kind == ERR_NONE)
        *ret = credit.id;
    return kind;
}
