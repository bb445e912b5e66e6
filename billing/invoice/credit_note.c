/* Reading what was billed and credited, asking for the amounts, writing and posting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/credit_note.h"

#include "billing/invoice/document_hash.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/settlement.h"
#include "billing/rating/credit_amounts.h"
#include "common/alloc.h"

#include <stdio.h>

/* The lines that the request names, or all where it names none; the last column tells how many it names. */
static const struct db_stmt statement_lines = {
    .name = "credit_note_wish",
    .sql = "WITH wish AS (SELECT * FROM invoice_request_line WHERE request_id = $2::uuid)"
           " SELECT l.line_no, l.amount_u, l.net_minor, l.gpu_milli_seconds, coalesce(c.amount_u, 0),"
           "  coalesce(c.net_minor, 0), w.gpu_milli_seconds, w.share_numerator, w.share_denominator, w.net_minor,"
           "  (SELECT count(*) FROM wish)"
           "  FROM invoice_line l LEFT JOIN wish w ON w.invoice_line_no = l.line_no"
           "  CROSS JOIN LATERAL (SELECT sum(n.amount_u) AS amount_u, sum(n.net_minor) AS net_minor"
           "   FROM credit_note_line n WHERE n.invoice_id = l.invoice_id AND n.invoice_line_no = l.line_no) c"
           " WHERE l.invoice_id = $1::uuid AND (w.request_id IS NOT NULL OR NOT EXISTS (SELECT FROM wish))"
           " ORDER BY l.line_no",
    .params = 2,
};

enum {
    WISH_LINE,
    WISH_AMOUNT,
    WISH_NET,
    WISH_QUANTITY,
    WISH_CREDITED_U,
    WISH_CREDITED_MINOR,
    WISH_OF_QUANTITY,
    WISH_NUMERATOR,
    WISH_DENOMINATOR,
    WISH_OF_AMOUNT,
    WISH_COUNT,
};

static const struct db_stmt statement_invoice = {
    .name = "credit_note_invoice",
    .sql =
        "SELECT i.tenant_id, i.currency, i.net_minor, i.tax_minor, coalesce(c.net_minor, 0), coalesce(c.tax_minor, 0)"
        "  FROM invoice i CROSS JOIN LATERAL (SELECT sum(n.net_minor) AS net_minor, sum(n.tax_minor) AS tax_minor"
        "   FROM credit_note n WHERE n.invoice_id = i.id) c WHERE i.id = $1::uuid",
    .params = 1,
};

enum { INVOICE_TENANT, INVOICE_CURRENCY, INVOICE_NET, INVOICE_TAX, INVOICE_CREDITED_NET, INVOICE_CREDITED_TAX };

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
           "  jsonb_build_object('number', $3::text, 'invoice', $4::uuid, 'total_minor', $5::bigint, 'currency', "
           "$6::text)),"
           "  pg_notify('sluice_event', '')",
    .params = 6,
};

const struct db_stmt *const credit_note_statements[] = {
    &statement_lines,    &statement_invoice, &statement_insert, &statement_insert_lines,
    &statement_document, &statement_hash,    &statement_event,  NULL,
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

static struct credit_line read_line(const PGresult *wish, int row)
{
    struct credit_line line = {
        .amount_u = db_int(wish, row, WISH_AMOUNT, 0),
        .net_minor = db_int(wish, row, WISH_NET, 0),
        .gpu_milli_s = db_int(wish, row, WISH_QUANTITY, 0),
        .credited_u = db_int(wish, row, WISH_CREDITED_U, 0),
        .credited_minor = db_int(wish, row, WISH_CREDITED_MINOR, 0),
        .measure = CREDIT_REST,
    };
    static const struct {
        int column;
        enum credit_measure measure;
    } measures[] = {
        {WISH_OF_QUANTITY, CREDIT_QUANTITY}, {WISH_NUMERATOR, CREDIT_SHARE}, {WISH_OF_AMOUNT, CREDIT_AMOUNT}};
    for (size_t i = 0; i < COUNT_OF(measures); i++) {
        if (db_text(wish, row, measures[i].column) == NULL)
            continue;
        line.measure = measures[i].measure;
        line.numerator = db_int(wish, row, measures[i].column, 0);
        line.denominator = db_int(wish, row, WISH_DENOMINATOR, 1);
    }
    return line;
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
    int64_t named = credit->count == 0 ? 1 : db_int(credit->wish, 0, WISH_COUNT, 0);
    if (named != 0 && named != (int64_t)credit->count)
        return err_set_code(reterr, ERR_CONFLICT, "unknown_line", "a line that the invoice does not have");
    credit->line = alloc_zero(credit->count + 1, sizeof *credit->line);
    credit->tax = alloc_zero(credit->count + 1, sizeof *credit->tax);
    credit->currency = db_text(credit->bill, 0, INVOICE_CURRENCY);
    credit->sums = (struct credit_tax){
        .net_minor = db_int(credit->bill, 0, INVOICE_NET, 0),
        .tax_minor = db_int(credit->bill, 0, INVOICE_TAX, 0),
        .credited_net_minor = db_int(credit->bill, 0, INVOICE_CREDITED_NET, 0),
        .credited_tax_minor = db_int(credit->bill, 0, INVOICE_CREDITED_TAX, 0),
    };
    return money_exponent(credit->currency, &credit->exponent, reterr);
}

static enum err_kind work_out(struct credit *credit, struct err *reterr)
{
    bool is_something = false;
    for (size_t i = 0; i < credit->count; i++) {
        credit->line[i] = read_line(credit->wish, (int)i);
        enum err_kind kind = credit_amounts_line(&credit->line[i], credit->exponent, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "line %s", db_text(credit->wish, (int)i, WISH_LINE));
        is_something = is_something || credit->line[i].credit_minor != 0;
    }
    if (!is_something)
        return err_set_code(reterr, ERR_CONFLICT, "nothing_to_credit", "nothing is left of it, or it comes to nothing");
    return credit_amounts_tax(credit->line, credit->count, &credit->sums, credit->tax, reterr);
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
        db_array_text(&columns[LINE], db_text(credit->wish, (int)i, WISH_LINE));
        db_array_text(&columns[QUANTITY], db_text(credit->wish, (int)i, WISH_OF_QUANTITY));
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
    struct identity tenant = db_identity(credit->bill, 0, INVOICE_TENANT);
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
        kind = document_hash_store(db, &statement_document, &statement_hash, ids[0], reterr);
    if (kind != ERR_NONE)
        return kind;
    (void)db_int_param(total, credit->sums.credit_net_minor + credit->sums.credit_tax_minor);
    return db_run(db, &statement_event,
                  DB_PARAMS(db_text(credit->bill, 0, INVOICE_TENANT), ids[0], db_text(made, 0, 0), ids[1], total,
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
        kind = work_out(&credit, reterr);
    if (kind == ERR_NONE)
        kind = insert(db, &credit, now_s, reterr);
    if (kind == ERR_NONE)
        kind = post(db, &credit, now_s, reterr);
    if (kind == ERR_NONE)
        *ret = credit.id;
    return kind;
}
