/* What a month comes to so far: drawn up as sluice-billing will, from what is rated, and not stored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/tenant_named.h"
#include "common/calendar.h"
#include "common/invoice_amounts.h"
#include "common/invoice_describe.h"
#include "common/must.h"

#define LINES_SHOWN 1000 /* the sums are of all of them */

struct line {
    const char *reservation, *reservation_name, *price, *description;
    int64_t gpu_milli_seconds;
    int64_t quantity;
    const char *unit;
    struct field_money amount_exact, net, tax_shown;
};

struct preview {
    const char *tenant;
    int64_t period_start, period_end, rated_until;
    const char *currency;
    struct field_money net, tax, total;
    const char *tax_code;
    int64_t tax_rate_bp;
    int64_t line_count;
    const char *lines; /* JSON */
};

// clang-format off
static const struct field line_fields[] = {
    FIELD_ID   ("reservation",       struct line, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The reservation; null: of none, as a fee"),
    FIELD_TEXT ("reservation_name",  struct line, reservation_name, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What people call it; null: it has no name"),
    FIELD_ID   ("price",             struct line, price, .identity = IDENTITY_PRICE, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The version of the price; null: none"),
    FIELD_TEXT ("description",       struct line, description, .flags = FIELD_READ_ONLY, .help = "For people"),
    FIELD_INT  ("gpu_milli_seconds", struct line, gpu_milli_seconds, .flags = FIELD_READ_ONLY, .help = "Milli-GPU-seconds so far"),
    FIELD_AMOUNT("quantity",         struct line, quantity, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Of a meter: so far, in the unit that is priced; null: of none"),
    FIELD_TEXT ("unit",              struct line, unit, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Of a meter: the unit that is priced"),
    FIELD_MONEY("amount_exact",      struct line, amount_exact, .flags = FIELD_READ_ONLY, .help = "What was rated for it so far, in micro-units"),
    FIELD_MONEY("net",               struct line, net, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "The exact amount rounded half away from zero"),
    FIELD_MONEY("tax_shown",         struct line, tax_shown, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "The line's share of the tax"),
    FIELDS_END,
};

static const struct field preview_fields[] = {
    FIELD_TEXT ("tenant",       struct preview, tenant, .flags = FIELD_READ_ONLY, .help = "Name of the tenant"),
    FIELD_TIME ("period_start", struct preview, period_start, .flags = FIELD_READ_ONLY, .help = "Billing period, inclusive"),
    FIELD_TIME ("period_end",   struct preview, period_end, .flags = FIELD_READ_ONLY, .help = "Exclusive"),
    FIELD_TIME ("rated_until",  struct preview, rated_until, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Up to when delivery is in it; null: no day is closed yet"),
    FIELD_TEXT ("currency",     struct preview, currency, .flags = FIELD_READ_ONLY, .help = "ISO 4217"),
    FIELD_MONEY("net",          struct preview, net, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "Sum of the lines"),
    FIELD_TEXT ("tax_code",     struct preview, tax_code, .flags = FIELD_READ_ONLY, .help = "Code of the tax"),
    FIELD_INT  ("tax_rate_bp",  struct preview, tax_rate_bp, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Tax in basis points; null: the code has no rate at the period's end yet, and no tax is counted"),
    FIELD_MONEY("tax",          struct preview, tax, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "Rounded once"),
    FIELD_MONEY("total",        struct preview, total, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "What would be owed"),
    FIELD_INT  ("line_count",   struct preview, line_count, .flags = FIELD_READ_ONLY, .help = "How many lines it has"),
    FIELD_JSON ("lines",        struct preview, lines, .flags = FIELD_READ_ONLY, .fields = line_fields, .is_list = true, .help = "The first 1000 of them"),
    FIELDS_END,
};
// clang-format on

static const struct schema preview_schema = {"InvoicePreview", preview_fields, sizeof(struct preview)};

struct preview_query {
    const char *month, *tenant;
};
static const struct field preview_query_fields[] = {
    FIELD_TEXT("month", struct preview_query, month, .least = 10, .most = 10,
               .help = "The month, by its first day; left out: the present one"),
    FIELDS_END,
};
// clang-format off
static const struct field system_preview_query_fields[] = {
    FIELD_TEXT("tenant", struct preview_query, tenant, .flags = FIELD_REQUIRED, .example = "acme", .help = "Name of the tenant"),
    FIELD_TEXT("month", struct preview_query, month, .least = 10, .most = 10, .help = "The month, by its first day; left out: the present one"),
    FIELDS_END,
};
// clang-format on
static const struct schema preview_query_schema = {"InvoicePreviewQuery", preview_query_fields,
                                                   sizeof(struct preview_query)};
static const struct schema system_preview_query_schema = {"SystemInvoicePreviewQuery", system_preview_query_fields,
                                                          sizeof(struct preview_query)};

/* The month in the tenant's own calendar. */
static const struct db_stmt statement_period = {
    .name = "invoice_preview_period",
    .sql = "SELECT t.id, t.name, t.currency, extract(epoch FROM m.month AT TIME ZONE t.billing_timezone)::bigint,"
           " extract(epoch FROM (m.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint,"
           " (SELECT extract(epoch FROM (max(day) + 1)::timestamp AT TIME ZONE 'UTC')::bigint FROM billing_day)"
           " FROM tenant t CROSS JOIN LATERAL (SELECT coalesce($2::date::timestamp,"
           "  date_trunc('month', sluice_now() AT TIME ZONE t.billing_timezone)) AS month) m"
           " WHERE t.id = $1::uuid OR t.name = $3::text",
    .params = 3,
};

static const struct db_stmt statement_groups = {
    .name = "invoice_preview_groups",
    .sql = "SELECT " INVOICE_GROUP_COLUMNS ", (SELECT r.name FROM reservation r WHERE r.id = g.reservation_id)"
           " FROM invoice_groups($1::uuid, to_timestamp($2::bigint)) g",
    .params = 2,
};

static const struct db_stmt statement_terms = {
    .name = "invoice_preview_terms",
    .sql = "SELECT tax_code, tax_rate_bp FROM invoice_terms($1::uuid, to_timestamp($2::bigint))",
    .params = 2,
};

/* What the amounts are worked out in; the request's arena has it. */
struct sums {
    const PGresult *groups;
    size_t count;
    struct invoice_line_amount *amounts;
    struct money_share *tax;
    struct invoice_amounts totals;
    int exponent;
};

static enum err_kind work_out(struct request *request, const struct preview *preview, struct sums *sums,
                              struct err *reterr)
{
    sums->count = (size_t)PQntuples(sums->groups);
    sums->amounts = arena_alloc(request->arena, (sums->count + 1) * sizeof *sums->amounts);
    sums->tax = arena_alloc(request->arena, (sums->count + 1) * sizeof *sums->tax);
    for (size_t i = 0; i < sums->count; i++)
        sums->amounts[i] = (struct invoice_line_amount){.amount_u = db_int(sums->groups, (int)i, GROUP_AMOUNT, 0)};
    int64_t rate_bp = preview->tax_rate_bp == FIELD_NULL ? 0 : preview->tax_rate_bp;
    enum err_kind kind = money_exponent(preview->currency, &sums->exponent, reterr);
    if (kind == ERR_NONE)
        kind = invoice_amounts_round(sums->amounts, sums->count, sums->exponent, reterr);
    if (kind == ERR_NONE)
        kind = invoice_amounts_tax(sums->amounts, sums->count, rate_bp, sums->tax, &sums->totals, reterr);
    return kind;
}

/* Fits: it came from micro-units. */
static struct field_money minor(const struct sums *sums, const char *currency, int64_t amount_minor)
{
    struct field_money money = {.currency = currency};
    enum err_kind kind = money_micro_of_minor(amount_minor, sums->exponent, &money.amount_u, NULL);
    must(kind == ERR_NONE);
    return money;
}

static const char *write_lines(struct request *request, const struct preview *preview, const struct sums *sums)
{
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    for (size_t i = 0; i < sums->count && i < LINES_SHOWN; i++) {
        int row = (int)i;
        char description[INVOICE_DESCRIPTION_SIZE];
        invoice_describe(sums->groups, row, description);
        const struct line line = {
            .reservation = db_text(sums->groups, row, GROUP_RESERVATION),
            .reservation_name = db_text(sums->groups, row, GROUP_UNIT + 1), /* behind those of the group */
            .price = db_text(sums->groups, row, GROUP_PRICE),
            .description = description,
            .gpu_milli_seconds = db_int(sums->groups, row, GROUP_QUANTITY, 0),
            .quantity = db_int(sums->groups, row, GROUP_MICRO_UNITS, FIELD_NULL),
            .unit = db_text(sums->groups, row, GROUP_UNIT),
            .amount_exact = {sums->amounts[i].amount_u, preview->currency},
            .net = minor(sums, preview->currency, sums->amounts[i].net_minor),
            .tax_shown = minor(sums, preview->currency, sums->tax[i].amount),
        };
        field_write_struct(line_fields, &line, &out);
    }
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

static enum err_kind load(struct request *request, const char *own, struct preview *preview, struct sums *sums,
                          struct err *reterr)
{
    const struct preview_query *query = request->query;
    const PGresult *period = NULL;
    const PGresult *terms = NULL;
    enum err_kind kind =
        request_run(request, &statement_period, DB_PARAMS(own, query->month, query->tenant), &period, reterr);
    if (kind == ERR_NONE && PQntuples(period) == 0)
        return tenant_unknown(request, query->tenant, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *tenant = db_text(period, 0, 0);
    *preview = (struct preview){
        .tenant = db_text(period, 0, 1),
        .currency = db_text(period, 0, 2),
        .period_start = db_int(period, 0, 3, 0),
        .period_end = db_int(period, 0, 4, 0),
        .rated_until = db_int(period, 0, 5, FIELD_NULL),
    };
    kind = request_run(request, &statement_terms, DB_PARAMS(tenant, request_int(request, preview->period_end)), &terms,
                       reterr);
    if (kind != ERR_NONE)
        return kind;
    preview->tax_code = db_text(terms, 0, 0);
    preview->tax_rate_bp = db_int(terms, 0, 1, FIELD_NULL);
    return request_run(request, &statement_groups, DB_PARAMS(tenant, request_int(request, preview->period_start)),
                       &sums->groups, reterr);
}

static enum err_kind answer(struct request *request, struct response *response, const char *own, struct err *reterr)
{
    const struct preview_query *query = request->query;
    struct preview preview = {0};
    struct sums sums = {0};
    int64_t day = 0;
    if (query->month != NULL &&
        (calendar_date_parse(query->month, &day, NULL) != ERR_NONE || calendar_month_of_day(day) != day)) {
        field_problem_add(&request->problems, "?month", "out_of_range", "the first day of a month, YYYY-MM-01");
        return request_invalid(request, reterr);
    }
    enum err_kind kind = load(request, own, &preview, &sums, reterr);
    if (kind == ERR_NONE)
        kind = work_out(request, &preview, &sums, reterr);
    if (kind != ERR_NONE)
        return kind;
    preview.net = minor(&sums, preview.currency, sums.totals.net_minor);
    preview.tax = minor(&sums, preview.currency, sums.totals.tax_minor);
    preview.total = minor(&sums, preview.currency, sums.totals.total_minor);
    preview.line_count = (int64_t)sums.count;
    preview.lines = write_lines(request, &preview, &sums);
    response_struct(response, 200, preview_fields, &preview);
    return ERR_NONE;
}

static enum err_kind get_own(struct request *request, struct response *response, struct err *reterr)
{
    return answer(request, response, request->caller.tenant_id, reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer(request, response, NULL, reterr);
}

// clang-format off
static const struct route preview_routes[] = {
    {GET, "/v1/invoice-preview",        ROLES_TENANT_MONEY, RATE_READ, .query = &preview_query_schema, .answer = &preview_schema, .run = get_own, .summary = "What a month comes to so far"},
    {GET, "/v1/system/invoice-preview", ROLES_SYSTEM_READ,  RATE_READ, .query = &system_preview_query_schema, .answer = &preview_schema, .run = get, .problems = PROBLEMS("unknown_tenant"), .summary = "What a month comes to so far for a tenant"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const preview_statements[] = {&statement_period, &statement_groups, &statement_terms,
                                                           NULL};

const struct resource invoice_preview_resource = {"invoices", preview_routes, preview_statements, NULL};
