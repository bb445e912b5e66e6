/* Invoices and their lines: a tenant's as issued, the provider's from the draft on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/document_pdf.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const statuses[] = {"draft", "finalized", "issued", "void", NULL};
static const char *const categories[] = {"usage", "purchase", "credit", "adjustment", NULL};
static const char *const classes[] = {"correction", NULL};

// clang-format off
static const struct field tax_fields[] = {
    FIELD_COLUMN("code",             FIELD_TYPE_TEXT, .help = "Code of the tax rate; standard where it is the tenant's own rate"),
    FIELD_COLUMN_WITH("country",     FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Country of the rate; null: the tenant's own"),
    FIELD_COLUMN("rate_bp",          FIELD_TYPE_INT, .help = "Basis points"),
    FIELD_COLUMN_WITH("base",        FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What it is on"),
    FIELD_COLUMN_WITH("tax",         FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Rounded once, half away from zero"),
    FIELD_COLUMN_WITH("note",        FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What must be said with it"),
    FIELDS_END,
};

static const struct field invoice_fields[] = {
    FIELD_COLUMN("id",           FIELD_TYPE_ID, .identity = IDENTITY_INVOICE, .help = "The invoice"),
    FIELD_COLUMN("tenant",       FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN_WITH("number",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Series and gapless number, e.g. INV-000001; null until it is issued"),
    FIELD_COLUMN("period_start", FIELD_TYPE_TIME, .help = "Billing period, inclusive"),
    FIELD_COLUMN("period_end",   FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("currency",     FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN_WITH("net",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Sum of the lines"),
    FIELD_COLUMN("tax_rate_bp",  FIELD_TYPE_INT, .help = "Tax in basis points"),
    FIELD_COLUMN_WITH("tax",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Rounded once, on the invoice"),
    FIELD_COLUMN_WITH("total",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is owed"),
    FIELD_COLUMN_WITH("credited", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What credit notes took back of it"),
    FIELD_COLUMN("taxes",        FIELD_TYPE_ROWS, .fields = tax_fields, .help = "Tax by code"),
    FIELD_COLUMN("status",       FIELD_TYPE_ENUM, .values = statuses, .help = "draft: may be drawn up again; finalized: what it says is frozen; issued: it is owed; void: owed no more, it keeps its number. Tenants see issued and void ones"),
    FIELD_COLUMN_WITH("issued_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time; null until it is issued"),
    FIELD_COLUMN_WITH("due_at",    FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time by which it is to be paid"),
    FIELD_COLUMN_WITH("voided_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time; null: it is not void"),
    FIELD_COLUMN_WITH("void_reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it is void"),
    FIELD_COLUMN_WITH("replaces",  FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_INVOICE, .help = "The void invoice of the same period that it stands for"),
    FIELD_COLUMN_WITH("content_sha256", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "SHA-256 of all that it says but number and dates, when it was finalized"),
    FIELD_COLUMN_WITH("pdf_sha256", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "SHA-256 of its PDF document when it was issued"),
    FIELDS_END,
};

static const struct field line_fields[] = {
    FIELD_COLUMN("line_no",           FIELD_TYPE_INT, .help = "From 1"),
    FIELD_COLUMN("category",          FIELD_TYPE_ENUM, .values = categories, .help = "usage; purchase: a commitment's fee; credit: given back by rule; adjustment: charged by rule"),
    FIELD_COLUMN_WITH("class",        FIELD_TYPE_ENUM, FIELD_NULLABLE, .values = classes, .help = "correction: of a period that was closed before"),
    FIELD_COLUMN_WITH("reservation",  FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "The reservation; null: of none, as a fee"),
    FIELD_COLUMN_WITH("reservation_name", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What people called it when the invoice was drawn up; null: it had no name"),
    FIELD_COLUMN_WITH("price",        FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_PRICE, .help = "The version of the price; null: none"),
    FIELD_COLUMN_WITH("corrects",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Start of the billing period that it corrects"),
    FIELD_COLUMN_WITH("reason",       FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The rule of a credit or adjustment"),
    FIELD_COLUMN("description",       FIELD_TYPE_TEXT, .help = "For people"),
    FIELD_COLUMN("gpu_milli_seconds", FIELD_TYPE_INT, .help = "Billed milli-GPU-seconds"),
    FIELD_COLUMN("gpu_hours",         FIELD_TYPE_TEXT, .help = "The same in GPU-hours, a decimal rounded to six digits"),
    FIELD_COLUMN_WITH("meter",        FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the meter that it is of; null: of GPU-time, a fee or a rule"),
    FIELD_COLUMN_WITH("quantity",     FIELD_TYPE_AMOUNT, FIELD_NULLABLE, .help = "Of a meter: what is billed, in the unit, to the millionth"),
    FIELD_COLUMN_WITH("unit",         FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Of a meter: the unit that is priced"),
    FIELD_COLUMN("amount_exact",      FIELD_TYPE_MONEY, .help = "What was rated for it, in micro-units"),
    FIELD_COLUMN_WITH("net",          FIELD_TYPE_MONEY, FIELD_MINOR, .help = "The exact amount rounded half away from zero"),
    FIELD_COLUMN_WITH("tax_shown",    FIELD_TYPE_MONEY, FIELD_MINOR, .help = "The line's share of the invoice's tax"),
    FIELD_COLUMN_WITH("credited",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What credit notes took back of its net"),
    FIELDS_END,
};
// clang-format on

static const struct schema invoice_schema = {"Invoice", invoice_fields, 0};
static const struct schema line_schema = {"InvoiceLine", line_fields, 0};

struct invoice_query {
    const char *number;
    const char *tenant;
    const char *status;
};
static const struct field invoice_query_fields[] = {
    FIELD_TEXT("number", struct invoice_query, number, .help = "Only the invoice of this number"),
    FIELDS_END,
};
static const struct field system_invoice_query_fields[] = {
    FIELD_TEXT("number", struct invoice_query, number, .help = "Only the invoice of this number"),
    FIELD_TEXT("tenant", struct invoice_query, tenant, .help = "Only invoices of the tenant of this name"),
    FIELD_ENUM("status", struct invoice_query, status, .values = statuses, .help = "Only invoices of this status"),
    FIELDS_END,
};
static const struct schema invoice_query_schema = {"InvoiceQuery", invoice_query_fields, sizeof(struct invoice_query)};
static const struct schema system_invoice_query_schema = {"SystemInvoiceQuery", system_invoice_query_fields,
                                                          sizeof(struct invoice_query)};

#define NUMBER_TEXT "document_number(i.series, i.number)"
#define TAXES                                                                                                          \
    "(SELECT json_agg(json_build_object('code', x.tax_code, 'country', x.country, 'rate_bp', x.rate_bp,"               \
    " 'base.amount_minor', x.base_minor, 'base.currency', i.currency, 'tax.amount_minor', x.tax_minor,"                \
    " 'tax.currency', i.currency, 'note', x.note) ORDER BY x.tax_code) FROM invoice_tax x WHERE x.invoice_id = i.id)"

#define INVOICE_SELECT                                                                                                 \
    "SELECT i.id, t.name AS tenant, " NUMBER_TEXT " AS number,"                                                        \
    " extract(epoch FROM i.period_start)::bigint AS period_start,"                                                     \
    " extract(epoch FROM i.period_end)::bigint AS period_end, i.currency, i.net_minor AS \"net.amount_minor\","        \
    " i.currency AS \"net.currency\", i.tax_rate_bp, i.tax_minor AS \"tax.amount_minor\","                             \
    " i.currency AS \"tax.currency\", i.total_minor AS \"total.amount_minor\", i.currency AS \"total.currency\","      \
    " (SELECT coalesce(sum(c.total_minor), 0)::bigint FROM credit_note c WHERE c.invoice_id = i.id)"                   \
    "  AS \"credited.amount_minor\", i.currency AS \"credited.currency\", " TAXES " AS taxes,"                         \
    " i.status, extract(epoch FROM i.issued_at)::bigint AS issued_at, extract(epoch FROM i.due_at)::bigint AS due_at," \
    " extract(epoch FROM i.voided_at)::bigint AS voided_at, i.void_reason, i.replaces,"                                \
    " encode(i.content_sha256, 'hex') AS content_sha256, encode(i.pdf_sha256, 'hex') AS pdf_sha256, i.id AS page_key"  \
    " FROM invoice i JOIN tenant t ON t.id = i.tenant_id"

/* Row-level security keeps a tenant to its own, here and below. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "invoice_list",
    .sql = INVOICE_SELECT " WHERE ($1::uuid IS NULL OR i.id > $1::uuid)"
           " AND ($3::text IS NULL OR " NUMBER_TEXT " = $3::text)"
           " AND ($4::text IS NULL OR t.name = $4::text)"
           " AND ($5::text IS NULL OR i.status = $5::text) ORDER BY i.id LIMIT $2::bigint",
    .params = 5,
};
// clang-format on

static const struct db_stmt statement_get = {
    .name = "invoice_get",
    .sql = INVOICE_SELECT " WHERE i.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lines = {
    .name = "invoice_lines",
    .sql =
        "SELECT l.line_no, l.charge_category AS category, l.charge_class AS class, l.reservation_id AS reservation,"
        " l.reservation_name,"
        " l.price_id AS price, extract(epoch FROM l.corrects)::bigint AS corrects, l.reason, l.description,"
        " l.gpu_milli_seconds,"
        " round(l.gpu_milli_seconds / 3600000.0, 6)::text AS gpu_hours, m.name AS meter,"
        " meter_micro_units(m.aggregation, l.meter_quantity) AS quantity,"
        " meter_priced_unit(m.aggregation, m.unit) AS unit, l.amount_u AS \"amount_exact.amount_u\","
        " i.currency AS \"amount_exact.currency\", l.net_minor AS \"net.amount_minor\", i.currency AS \"net.currency\","
        " l.tax_shown_minor AS \"tax_shown.amount_minor\", i.currency AS \"tax_shown.currency\","
        " (SELECT coalesce(sum(n.net_minor), 0)::bigint FROM credit_note_line n WHERE n.invoice_id = l.invoice_id"
        "   AND n.invoice_line_no = l.line_no) AS \"credited.amount_minor\", i.currency AS \"credited.currency\","
        " l.line_no AS page_key"
        " FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id LEFT JOIN meter m ON m.id = l.meter_id"
        " WHERE l.invoice_id = $3::uuid AND l.line_no > coalesce($1::integer, 0)"
        " ORDER BY l.line_no LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_document = {
    .name = "invoice_document",
    .sql = "SELECT CASE WHEN i.number IS NOT NULL THEN invoice_document(i.id) END AS document, " NUMBER_TEXT
           " AS number, 1 AS wish_revision, 'pdf' AS status_revision FROM invoice i WHERE i.id = $1::uuid",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct invoice_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->number, query->tenant, query->status),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    if (request->form == FORM_PDF)
        return document_pdf_answer(request, response, &statement_document, "invoice", reterr);
    return answer_object(request, response, 200, &statement_get, request->object, "invoice", reterr);
}

static enum err_kind lines(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_get, request->object, "invoice", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_lines, DB_PARAMS(request->object), reterr);
}

// clang-format off
#define ONE  .has_id = true, .id = IDENTITY_INVOICE
#define BOTH .forms = FORM_MASK(FORM_JSON) | FORM_MASK(FORM_PDF), .problems = PROBLEMS("invoice_not_issued")
#define PDF  .forms = FORM_MASK(FORM_PDF), .problems = PROBLEMS("invoice_not_issued")
static const struct route invoice_routes[] = {
    {GET, "/v1/invoices",                   ROLES_TENANT_MONEY, RATE_READ, .query = &invoice_query_schema, .answer = &invoice_schema, .is_list = true, .run = list, .summary = "List invoices"},
    {GET, "/v1/invoices/{id}",              ROLES_TENANT_MONEY, RATE_READ, .answer = &invoice_schema, ONE, BOTH, .run = get, .summary = "One invoice, as JSON or PDF"},
    {GET, "/v1/invoices/{id}/pdf",          ROLES_TENANT_MONEY, RATE_READ, ONE, PDF, .run = get, .summary = "The document of an invoice"},
    {GET, "/v1/invoices/{id}/lines",        ROLES_TENANT_MONEY, RATE_READ, .answer = &line_schema, .is_list = true, ONE, .run = lines, .summary = "Its lines"},
    {GET, "/v1/system/invoices",            ROLES_SYSTEM_READ,  RATE_READ, .query = &system_invoice_query_schema, .answer = &invoice_schema, .is_list = true, .run = list, .summary = "List invoices of all tenants"},
    {GET, "/v1/system/invoices/{id}",       ROLES_SYSTEM_READ,  RATE_READ, .answer = &invoice_schema, ONE, BOTH, .run = get, .summary = "One invoice, as JSON or PDF"},
    {GET, "/v1/system/invoices/{id}/pdf",   ROLES_SYSTEM_READ,  RATE_READ, ONE, PDF, .run = get, .summary = "The document of an invoice"},
    {GET, "/v1/system/invoices/{id}/lines", ROLES_SYSTEM_READ,  RATE_READ, .answer = &line_schema, .is_list = true, ONE, .run = lines, .summary = "Its lines"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const invoice_statements[] = {&statement_list, &statement_get, &statement_lines,
                                                           &statement_document, NULL};

const struct resource invoice_resource = {
    "invoices", invoice_routes, invoice_statements,
    "What a tenant is billed for a month, line by line. Operators see drafts, too."};
