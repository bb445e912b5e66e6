/* Credit notes and their lines, as issued. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/document_pdf.h"
#include "api/resources/object_param.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field note_fields[] = {
    FIELD_COLUMN("id",             FIELD_TYPE_ID, .identity = IDENTITY_CREDIT_NOTE, .help = "The credit note"),
    FIELD_COLUMN("tenant",         FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN("number",         FIELD_TYPE_TEXT, .help = "Series and gapless number, e.g. CRN-000001"),
    FIELD_COLUMN("invoice",        FIELD_TYPE_ID, .identity = IDENTITY_INVOICE, .help = "The invoice that it takes back of"),
    FIELD_COLUMN("invoice_number", FIELD_TYPE_TEXT, .help = "Its number"),
    FIELD_COLUMN("reason",         FIELD_TYPE_TEXT, .help = "Why, as it is printed"),
    FIELD_COLUMN_WITH("net",       FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Sum of the lines"),
    FIELD_COLUMN_WITH("tax",       FIELD_TYPE_MONEY, FIELD_MINOR, .help = "By cumulative rounding over the credited net: full credit leaves no tax"),
    FIELD_COLUMN_WITH("total",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is no longer owed"),
    FIELD_COLUMN("issued_at",      FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN_WITH("pdf_sha256", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "SHA-256 of its PDF document when it was issued"),
    FIELDS_END,
};

static const struct field line_fields[] = {
    FIELD_COLUMN("line_no",                FIELD_TYPE_INT, .help = "From 1"),
    FIELD_COLUMN("invoice_line_no",        FIELD_TYPE_INT, .help = "The invoice's line"),
    FIELD_COLUMN("description",            FIELD_TYPE_TEXT, .help = "That line's"),
    FIELD_COLUMN_WITH("reservation",       FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "That line's reservation; null: of none, as a fee"),
    FIELD_COLUMN_WITH("reservation_name",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What people called it when the invoice was drawn up; null: it had no name"),
    FIELD_COLUMN_WITH("gpu_milli_seconds", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Quantity, where it was credited by quantity"),
    FIELD_COLUMN("amount_exact",           FIELD_TYPE_MONEY, .help = "What is taken back, in micro-units"),
    FIELD_COLUMN_WITH("net",               FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Rounded with what was credited of the line before"),
    FIELD_COLUMN_WITH("tax_shown",         FIELD_TYPE_MONEY, FIELD_MINOR, .help = "The line's share of the tax"),
    FIELDS_END,
};
// clang-format on

static const struct schema note_schema = {"CreditNote", note_fields, 0};
static const struct schema line_schema = {"CreditNoteLine", line_fields, 0};

struct note_query {
    const char *invoice, *number, *tenant;
};
static const struct field note_query_fields[] = {
    FIELD_TEXT("invoice", struct note_query, invoice, .help = "Only credit notes of the invoice of this id"),
    FIELD_TEXT("number", struct note_query, number, .help = "Only the credit note of this number"),
    FIELDS_END,
};
static const struct field system_note_query_fields[] = {
    FIELD_TEXT("invoice", struct note_query, invoice, .help = "Only credit notes of the invoice of this id"),
    FIELD_TEXT("number", struct note_query, number, .help = "Only the credit note of this number"),
    FIELD_TEXT("tenant", struct note_query, tenant, .help = "Only credit notes of the tenant of this name"),
    FIELDS_END,
};
static const struct schema note_query_schema = {"CreditNoteQuery", note_query_fields, sizeof(struct note_query)};
static const struct schema system_note_query_schema = {"SystemCreditNoteQuery", system_note_query_fields,
                                                       sizeof(struct note_query)};

#define NOTE_SELECT                                                                                                    \
    "SELECT c.id, t.name AS tenant, document_number(c.series, c.number) AS number, c.invoice_id AS invoice,"           \
    " document_number(i.series, i.number) AS invoice_number, c.reason, c.net_minor AS \"net.amount_minor\","           \
    " c.currency AS \"net.currency\", c.tax_minor AS \"tax.amount_minor\", c.currency AS \"tax.currency\","            \
    " c.total_minor AS \"total.amount_minor\", c.currency AS \"total.currency\","                                      \
    " extract(epoch FROM c.issued_at)::bigint AS issued_at, encode(c.pdf_sha256, 'hex') AS pdf_sha256,"                \
    " c.id AS page_key, 1 AS wish_revision"                                                                            \
    " FROM credit_note c JOIN tenant t ON t.id = c.tenant_id JOIN invoice i ON i.id = c.invoice_id"

/* Row-level security keeps a tenant to its own, here and below. */
static const struct db_stmt statement_list = {
    .name = "credit_note_list",
    .sql = NOTE_SELECT " WHERE ($1::uuid IS NULL OR c.id > $1::uuid) AND ($3::uuid IS NULL OR c.invoice_id = $3::uuid)"
                       " AND ($4::text IS NULL OR document_number(c.series, c.number) = $4::text)"
                       " AND ($5::text IS NULL OR t.name = $5::text) ORDER BY c.id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get = {
    .name = "credit_note_get",
    .sql = NOTE_SELECT " WHERE c.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lines = {
    .name = "credit_note_line_list",
    .sql =
        "SELECT n.line_no, n.invoice_line_no, l.description, l.reservation_id AS reservation,"
        " l.reservation_name, n.gpu_milli_seconds,"
        " n.amount_u AS \"amount_exact.amount_u\", c.currency AS \"amount_exact.currency\","
        " n.net_minor AS \"net.amount_minor\", c.currency AS \"net.currency\","
        " n.tax_shown_minor AS \"tax_shown.amount_minor\", c.currency AS \"tax_shown.currency\", n.line_no AS page_key"
        " FROM credit_note_line n JOIN credit_note c ON c.id = n.credit_note_id"
        " JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no"
        " WHERE n.credit_note_id = $3::uuid AND n.line_no > coalesce($1::integer, 0)"
        " ORDER BY n.line_no LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_document = {
    .name = "credit_note_document",
    .sql = "SELECT credit_note_document(c.id) AS document, document_number(c.series, c.number) AS number,"
           " 1 AS wish_revision, 'pdf' AS status_revision FROM credit_note c WHERE c.id = $1::uuid",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct note_query *query = request->query;
    const char *invoice = NULL;
    enum err_kind kind = object_param_read(request, query->invoice, &invoice, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_list,
                                          DB_PARAMS(invoice, query->number, query->tenant), reterr)
                            : kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    if (request->form == FORM_PDF)
        return document_pdf_answer(request, response, &statement_document, "credit note", reterr);
    return answer_object(request, response, 200, &statement_get, request->object, "credit note", reterr);
}

static enum err_kind lines(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_get, request->object, "credit note", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_lines, DB_PARAMS(request->object), reterr);
}

// clang-format off
#define ONE  .has_id = true, .id = IDENTITY_CREDIT_NOTE
#define BOTH .forms = FORM_MASK(FORM_JSON) | FORM_MASK(FORM_PDF)
static const struct route note_routes[] = {
    {GET, "/v1/credit-notes",                   ROLES_TENANT_MONEY, RATE_READ, .query = &note_query_schema, .answer = &note_schema, .is_list = true, .run = list, .summary = "List credit notes"},
    {GET, "/v1/credit-notes/{id}",              ROLES_TENANT_MONEY, RATE_READ, .answer = &note_schema, ONE, BOTH, .run = get, .summary = "One credit note, as JSON or PDF"},
    {GET, "/v1/credit-notes/{id}/pdf",          ROLES_TENANT_MONEY, RATE_READ, ONE, .forms = FORM_MASK(FORM_PDF), .run = get, .summary = "The document of a credit note"},
    {GET, "/v1/credit-notes/{id}/lines",        ROLES_TENANT_MONEY, RATE_READ, .answer = &line_schema, .is_list = true, ONE, .run = lines, .summary = "Its lines"},
    {GET, "/v1/system/credit-notes",            ROLES_SYSTEM_READ,  RATE_READ, .query = &system_note_query_schema, .answer = &note_schema, .is_list = true, .run = list, .summary = "List credit notes of all tenants"},
    {GET, "/v1/system/credit-notes/{id}",       ROLES_SYSTEM_READ,  RATE_READ, .answer = &note_schema, ONE, BOTH, .run = get, .summary = "One credit note, as JSON or PDF"},
    {GET, "/v1/system/credit-notes/{id}/pdf",   ROLES_SYSTEM_READ,  RATE_READ, ONE, .forms = FORM_MASK(FORM_PDF), .run = get, .summary = "The document of a credit note"},
    {GET, "/v1/system/credit-notes/{id}/lines", ROLES_SYSTEM_READ,  RATE_READ, .answer = &line_schema, .is_list = true, ONE, .run = lines, .summary = "Its lines"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const note_statements[] = {&statement_list, &statement_get, &statement_lines,
                                                        &statement_document, NULL};

const struct resource credit_note_resource = {"credit-notes", note_routes, note_statements,
                                              "What was taken back of issued invoices."};
