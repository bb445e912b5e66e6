/* From a finalized invoice to one that is owed, or owed no more. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/invoice_issue.h"

#include "billing/invoice/document_hash.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/settlement.h"
#include "common/alloc.h"
#include "common/must.h"

#include <stdio.h>

/* What a tenant's FOCUS export says that is charged in the period of an invoice, and what the invoice comes to. */
static const struct db_stmt statement_charged = {
    .name = "invoice_charged",
    .sql = "SELECT i.total_minor * micro_per_minor(i.currency), coalesce((SELECT sum(c.billed_u) FROM focus_charge c"
           "   WHERE c.tenant_id = i.tenant_id AND c.period_start = i.period_start), 0)::bigint"
           "  FROM invoice i WHERE i.id = $1::uuid",
    .params = 1,
};
enum { CHARGED_TOTAL, CHARGED_SUM };

/* No row: the series is of another kind. */
static const struct db_stmt statement_issue = {
    .name = "invoice_issue",
    .sql = "WITH chosen AS ("
           "  SELECT i.id, i.configuration->'terms'->>'invoice_series' AS series,"
           "         (i.configuration->'terms'->>'payment_days')::integer AS payment_days"
           "    FROM invoice i WHERE i.id = $1::uuid AND i.status = 'finalized'"
           "), numbered AS MATERIALIZED ("
           "  SELECT c.*, document_number_take(c.series, 'invoice') AS number FROM chosen c)"
           " UPDATE invoice i SET status = 'issued', series = n.series, number = n.number,"
           "  issued_at = to_timestamp($2::bigint), due_at = to_timestamp($2::bigint + n.payment_days * 86400)"
           "   FROM numbered n WHERE i.id = n.id AND n.number IS NOT NULL"
           " RETURNING i.tenant_id, i.currency, i.tax_minor, i.total_minor, document_number(i.series, i.number)",
    .params = 2,
};

enum { ISSUED_TENANT, ISSUED_CURRENCY, ISSUED_TAX, ISSUED_TOTAL, ISSUED_NUMBER };

static const struct db_stmt statement_amounts = {
    .name = "invoice_amounts",
    .sql = "SELECT amount_u, net_minor FROM invoice_line WHERE invoice_id = $1::uuid ORDER BY line_no",
    .params = 1,
};
enum { LINE_AMOUNT, LINE_NET };

static const struct db_stmt statement_void = {
    .name = "invoice_void",
    .sql = "UPDATE invoice SET status = 'void', voided_at = to_timestamp($2::bigint), void_reason = $3::text"
           " WHERE id = $1::uuid AND status = 'issued'"
           " RETURNING tenant_id, currency, tax_minor, total_minor, document_number(series, number)",
    .params = 3,
};

static const struct db_stmt statement_document = {
    .name = "invoice_document",
    .sql = "SELECT invoice_document($1::uuid)",
    .params = 1,
};

static const struct db_stmt statement_hash = {
    .name = "invoice_hash",
    .sql = "UPDATE invoice SET pdf_sha256 = decode($2::text, 'hex') WHERE id = $1::uuid",
    .params = 2,
};

static const struct db_stmt statement_event = {
    .name = "invoice_event",
    .sql = "SELECT event_append($1::uuid, NULL, 'invoice', $2::uuid, $3::bigint, $4::text, NULL,"
           "  jsonb_build_object('number', $5::text, 'total_minor', $6::bigint, 'currency', $7::text)),"
           "  pg_notify('sluice_event', '')",
    .params = 7,
};

const struct db_stmt *const invoice_issue_statements[] = {
    &statement_charged,  &statement_issue, &statement_amounts, &statement_void,
    &statement_document, &statement_hash,  &statement_event,   NULL,
};

static enum err_kind append_event(struct db *db, const char *id, const PGresult *issued, const char *revision,
                                  const char *what, struct err *reterr)
{
    return db_run(db, &statement_event,
                  DB_PARAMS(db_text(issued, 0, ISSUED_TENANT), id, revision, what, db_text(issued, 0, ISSUED_NUMBER),
                            db_text(issued, 0, ISSUED_TOTAL), db_text(issued, 0, ISSUED_CURRENCY)),
                  NULL, reterr);
}

static enum err_kind take_lines(struct invoice_line_amount *lines, const PGresult *rows, int exponent,
                                int64_t *ret_unbilled_u, struct err *reterr)
{
    *ret_unbilled_u = 0;
    enum err_kind kind = ERR_NONE;
    for (int row = 0; row < PQntuples(rows) && kind == ERR_NONE; row++) {
        struct invoice_line_amount *line = &lines[row];
        int64_t net_u = 0;
        *line = (struct invoice_line_amount){.amount_u = db_int(rows, row, LINE_AMOUNT, 0),
                                             .net_minor = db_int(rows, row, LINE_NET, 0)};
        kind = money_micro_of_minor(line->net_minor, exponent, &net_u, reterr);
        line->rounding_u = net_u - line->amount_u;
        if (kind == ERR_NONE)
            kind = money_add(*ret_unbilled_u, line->amount_u, ret_unbilled_u, reterr);
    }
    return kind;
}

static enum err_kind post(struct db *db, struct identity id, const PGresult *issued, const PGresult *rows,
                          int64_t now_s, struct err *reterr)
{
    int exponent = 0;
    struct journal_invoice journal = {
        .invoice = id,
        .tenant = db_identity(issued, 0, ISSUED_TENANT),
        .currency = db_text(issued, 0, ISSUED_CURRENCY),
        .issued_at_s = now_s,
        .line_count = (size_t)PQntuples(rows),
    };
    struct invoice_line_amount *lines = alloc_zero(journal.line_count + 1, sizeof *lines);
    journal.lines = lines;
    enum err_kind kind = money_exponent(journal.currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind = take_lines(lines, rows, exponent, &journal.unbilled_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(db_int(issued, 0, ISSUED_TOTAL, 0), exponent, &journal.total_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(db_int(issued, 0, ISSUED_TAX, 0), exponent, &journal.tax_u, reterr);
    if (kind == ERR_NONE)
        kind = journal_post_invoice(db, &journal, reterr);
    free(lines);
    const struct settlement_invoice settled = {
        .invoice = id, .tenant = journal.tenant, .currency = journal.currency, .at_s = now_s};
    int64_t left_u = 0;
    return kind == ERR_NONE ? settlement_draw(db, &settled, &left_u, reterr) : kind;
}

/* An invoice is not issued while its tenant's data sets say something else: the difference is 0. */
static enum err_kind charges_sum_to_total(struct db *db, const char *id, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *row = NULL;
    enum err_kind kind = db_run(db, &statement_charged, DB_PARAMS(id), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t total_u = db_int(row, 0, CHARGED_TOTAL, 0);
    int64_t charged_u = db_int(row, 0, CHARGED_SUM, 0);
    if (total_u != charged_u)
        return err_set(reterr, ERR_PRECONDITION,
                       "the charges of its period come to %lld micro-units, and the invoice to %lld",
                       (long long)charged_u, (long long)total_u);
    return ERR_NONE;
}

enum err_kind invoice_issue(struct db *db, struct identity id, int64_t now_s, struct err *reterr)
{
    char text[UUID_TEXT_SIZE];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(id, text);
    CLEANUP(db_result_clear) PGresult *issued = NULL;
    CLEANUP(db_result_clear) PGresult *lines = NULL;
    enum err_kind kind = charges_sum_to_total(db, text, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_issue, DB_PARAMS(text, db_int_param(now, now_s)), &issued, reterr);
    if (kind == ERR_NONE && PQntuples(issued) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "series_of_other_kind", "its series is one of credit notes");
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_amounts, DB_PARAMS(text), &lines, reterr);
    if (kind == ERR_NONE)
        kind = post(db, id, issued, lines, now_s, reterr);
    if (kind == ERR_NONE)
        kind = document_hash_store(db, &statement_document, &statement_hash, text, reterr);
    return kind == ERR_NONE ? append_event(db, text, issued, "1", "invoice.issued", reterr) : kind;
}

enum err_kind invoice_void(struct db *db, struct identity id, const char *reason, int64_t now_s, struct err *reterr)
{
    char text[UUID_TEXT_SIZE];
    char key[64];
    char now[DB_INT_TEXT_SIZE];
    identity_to_uuid(id, text);
    (void)snprintf(key, sizeof key, "invoice:%s", text); /* 44 characters */
    CLEANUP(db_result_clear) PGresult *voided = NULL;
    enum err_kind kind =
        db_run(db, &statement_void, DB_PARAMS(text, db_int_param(now, now_s), reason), &voided, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(voided) == 1); /* the caller has locked an issued one */
    kind = journal_reverse(db, key, now_s, reterr);
    if (kind == ERR_NONE)
        kind = settlement_void(db, id, now_s, reterr);
    return kind == ERR_NONE ? append_event(db, text, voided, "2", "invoice.voided", reterr) : kind;
}
