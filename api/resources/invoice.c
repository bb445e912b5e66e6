/* Invoices and their lines, as issued. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const statuses[] = {"issued", "void", NULL};

// clang-format off
static const struct field invoice_fields[] = {
    FIELD_COLUMN("id",           FIELD_TYPE_ID, .identity = IDENTITY_INVOICE, .help = "The invoice"),
    FIELD_COLUMN("tenant",       FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN("number",       FIELD_TYPE_TEXT, .help = "Series and gapless number, e.g. INV-000001"),
    FIELD_COLUMN("period_start", FIELD_TYPE_TIME, .help = "Billing period, inclusive"),
    FIELD_COLUMN("period_end",   FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("currency",     FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN_WITH("net",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Sum of the lines"),
    FIELD_COLUMN("tax_rate_bp",  FIELD_TYPE_INT, .help = "Tax in basis points"),
    FIELD_COLUMN_WITH("tax",     FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Rounded once, on the invoice"),
    FIELD_COLUMN_WITH("total",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is owed"),
    FIELD_COLUMN("status",       FIELD_TYPE_ENUM, .values = statuses, .help = "A void one keeps its number"),
    FIELD_COLUMN("issued_at",    FIELD_TYPE_TIME, .help = "Domain time"),
    FIELDS_END,
};

static const struct field line_fields[] = {
    FIELD_COLUMN("line_no",           FIELD_TYPE_INT, .help = "From 1"),
    FIELD_COLUMN("reservation",       FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),
    FIELD_COLUMN("price",             FIELD_TYPE_ID, .identity = IDENTITY_PRICE, .help = "The version of the price"),
    FIELD_COLUMN("description",       FIELD_TYPE_TEXT, .help = "For people"),
    FIELD_COLUMN("gpu_milli_seconds", FIELD_TYPE_INT, .help = "Billed milli-GPU-seconds"),
    FIELD_COLUMN("gpu_hours",         FIELD_TYPE_TEXT, .help = "The same in GPU-hours, a decimal rounded to six digits"),
    FIELD_COLUMN("amount_exact",      FIELD_TYPE_MONEY, .help = "Price times quantity, in micro-units"),
    FIELD_COLUMN_WITH("net",          FIELD_TYPE_MONEY, FIELD_MINOR, .help = "The exact amount rounded half away from zero"),
    FIELD_COLUMN_WITH("tax_shown",    FIELD_TYPE_MONEY, FIELD_MINOR, .help = "The line's share of the invoice's tax"),
    FIELDS_END,
};
// clang-format on

static const struct schema invoice_schema = {"Invoice", invoice_fields, 0};
static const struct schema line_schema = {"InvoiceLine", line_fields, 0};

struct invoice_query {
    const char *number;
    const char *tenant;
};
static const struct field invoice_query_fields[] = {
    FIELD_TEXT("number", struct invoice_query, number, .help = "Only the invoice of this number"),
    FIELDS_END,
};
static const struct field system_invoice_query_fields[] = {
    FIELD_TEXT("number", struct invoice_query, number, .help = "Only the invoice of this number"),
    FIELD_TEXT("tenant", struct invoice_query, tenant, .help = "Only invoices of the tenant of this name"),
    FIELDS_END,
};
static const struct schema invoice_query_schema = {"InvoiceQuery", invoice_query_fields, sizeof(struct invoice_query)};
static const struct schema system_invoice_query_schema = {"SystemInvoiceQuery", system_invoice_query_fields,
                                                          sizeof(struct invoice_query)};

#define NUMBER_TEXT "i.series || '-' || lpad(i.number::text, greatest(6, length(i.number::text)), '0')"

#define INVOICE_SELECT                                                                                                 \
    "SELECT i.id, t.name AS tenant, " NUMBER_TEXT " AS number,"                                                        \
    " extract(epoch FROM i.period_start)::bigint AS period_start,"                                                     \
    " extract(epoch FROM i.period_end)::bigint AS period_end, i.currency, i.net_minor AS \"net.amount_minor\","        \
    " i.currency AS \"net.currency\", i.tax_rate_bp, i.tax_minor AS \"tax.amount_minor\","                             \
    " i.currency AS \"tax.currency\", i.total_minor AS \"total.amount_minor\", i.currency AS \"total.currency\","      \
    " i.status, extract(epoch FROM i.issued_at)::bigint AS issued_at, i.id AS page_key,"                               \
    " 1 AS wish_revision, i.status AS status_revision"                                                                 \
    " FROM invoice i JOIN tenant t ON t.id = i.tenant_id"

/* Row-level security keeps a tenant to its own, here and below. */
static const struct db_stmt statement_list = {
    .name = "invoice_list",
    .sql = INVOICE_SELECT " WHERE ($1::uuid IS NULL OR i.id > $1::uuid)"
                          " AND ($3::text IS NULL OR " NUMBER_TEXT " = $3::text)"
                          " AND ($4::text IS NULL OR t.name = $4::text) ORDER BY i.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "invoice_get",
    .sql = INVOICE_SELECT " WHERE i.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lines = {
    .name = "invoice_lines",
    .sql =
        "SELECT l.line_no, l.reservation_id AS reservation, l.price_id AS price, l.description, l.gpu_milli_seconds,"
        " round(l.gpu_milli_seconds / 3600000.0, 6)::text AS gpu_hours, l.amount_u AS \"amount_exact.amount_u\","
        " i.currency AS \"amount_exact.currency\", l.net_minor AS \"net.amount_minor\", i.currency AS \"net.currency\","
        " l.tax_shown_minor AS \"tax_shown.amount_minor\", i.currency AS \"tax_shown.currency\", l.line_no AS page_key"
        " FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
        " WHERE l.invoice_id = $3::uuid AND l.line_no > coalesce($1::integer, 0)"
        " ORDER BY l.line_no LIMIT $2::bigint",
    .params = 3,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct invoice_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->number, query->tenant), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
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
static const struct route invoice_routes[] = {
    {GET, "/v1/invoices",                   ROLES_TENANT_MONEY, RATE_READ, .query = &invoice_query_schema, .answer = &invoice_schema, .is_list = true, .run = list, .summary = "List invoices"},
    {GET, "/v1/invoices/{id}",              ROLES_TENANT_MONEY, RATE_READ, .answer = &invoice_schema, .has_id = true, .id = IDENTITY_INVOICE, .run = get, .summary = "One invoice"},
    {GET, "/v1/invoices/{id}/lines",        ROLES_TENANT_MONEY, RATE_READ, .answer = &line_schema, .is_list = true, .has_id = true, .id = IDENTITY_INVOICE, .run = lines, .summary = "Its lines"},
    {GET, "/v1/system/invoices",            ROLES_SYSTEM_READ,  RATE_READ, .query = &system_invoice_query_schema, .answer = &invoice_schema, .is_list = true, .run = list, .summary = "List invoices of all tenants"},
    {GET, "/v1/system/invoices/{id}",       ROLES_SYSTEM_READ,  RATE_READ, .answer = &invoice_schema, .has_id = true, .id = IDENTITY_INVOICE, .run = get, .summary = "One invoice"},
    {GET, "/v1/system/invoices/{id}/lines", ROLES_SYSTEM_READ,  RATE_READ, .answer = &line_schema, .is_list = true, .has_id = true, .id = IDENTITY_INVOICE, .run = lines, .summary = "Its lines"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const invoice_statements[] = {&statement_list, &statement_get, &statement_lines, NULL};

const struct resource invoice_resource = {"invoices", invoice_routes, invoice_statements,
    "What a tenant is billed for a month, line by line."};
