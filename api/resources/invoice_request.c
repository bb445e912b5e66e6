/* What operators ask of invoices: written here, carried out by sluice-billing, answered when it has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_request.h"

#include "api/resources/invoice_request_preview.h"
#include "api/resources/object_param.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/await.h"
#include "api/server/server.h"
#include "common/money.h"

#include <string.h>

#define LINES_MAX 1000
#define SHARE_MAX 1000000

struct credit_line {
    int64_t line_no, gpu_milli_seconds, share_numerator, share_denominator;
    struct field_money net;
};

struct share {
    int64_t numerator, denominator;
};

struct wish {
    const char *reason;
    struct share share;
    struct field_rows lines;
};

static const char *const states[] = {"open", "done", "refused", NULL};
static const char *const kinds[] = {"finalize", "issue", "void", "credit", "close", NULL};

// clang-format off
static const struct field reason_fields[] = {
    FIELD_TEXT("reason", struct wish, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 500, .example = "billed to the wrong account", .help = "Why; it stays with the invoice"),
    FIELDS_END,
};

static const struct field credit_line_fields[] = {
    FIELD_INT  ("line_no",           struct credit_line, line_no, .flags = FIELD_REQUIRED, .least = 1, .most = INT32_MAX, .example = "1", .help = "Line of the invoice"),
    FIELD_INT  ("gpu_milli_seconds", struct credit_line, gpu_milli_seconds, .flags = FIELD_NULLABLE, .least = 1, .most = INT64_MAX, .help = "So much of its quantity"),
    FIELD_INT  ("share_numerator",   struct credit_line, share_numerator, .flags = FIELD_NULLABLE, .least = 1, .most = SHARE_MAX, .example = "1", .help = "Such a share of the whole line"),
    FIELD_INT  ("share_denominator", struct credit_line, share_denominator, .flags = FIELD_NULLABLE, .least = 1, .most = SHARE_MAX, .example = "3", .help = "The share's denominator"),
    FIELD_MONEY("net",               struct credit_line, net, .flags = FIELD_NULLABLE, .help = "Such an amount, net, with the line's sign"),
    FIELDS_END,
};

static const struct field share_fields[] = {
    FIELD_INT("numerator",   struct share, numerator, .flags = FIELD_REQUIRED, .least = 1, .most = SHARE_MAX, .example = "1", .help = "So many parts"),
    FIELD_INT("denominator", struct share, denominator, .flags = FIELD_REQUIRED, .least = 1, .most = SHARE_MAX, .example = "3", .help = "of so many"),
    FIELDS_END,
};

static const struct field credit_fields[] = {
    FIELD_TEXT("reason", struct wish, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 500, .example = "outage of 12,000 s on 17 June", .help = "Why; it is printed on the credit note"),
    FIELD_OBJECT("share", struct wish, share, .flags = FIELD_OPTIONAL, .fields = share_fields, .help = "Such a share of every line, however many there are; not beside lines"),
    FIELD_ROWS("lines",  struct wish, lines, .flags = FIELD_NULLABLE, .fields = credit_line_fields, .size = sizeof(struct credit_line), .least = 1, .most = LINES_MAX, .help = "What to credit of which lines: a quantity, a share or an amount each; null: all of them, by the share, or all that is left of the invoice"),
    FIELDS_END,
};

static const struct field request_fields[] = {
    FIELD_COLUMN("id",                FIELD_TYPE_ID, .identity = IDENTITY_INVOICE_REQUEST, .help = "The request"),
    FIELD_COLUMN("kind",              FIELD_TYPE_ENUM, .values = kinds, .help = "What is asked for; close: a month's parked closes are tried again"),
    FIELD_COLUMN_WITH("tenant",       FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant; null: of all"),
    FIELD_COLUMN_WITH("invoice",      FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_INVOICE, .help = "Of which invoice; null for a close"),
    FIELD_COLUMN_WITH("month",        FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "Of which month, by its first day; null but for a close"),
    FIELD_COLUMN_WITH("reason",       FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why"),
    FIELD_COLUMN("state",             FIELD_TYPE_ENUM, .values = states, .help = "open until sluice-billing has carried it out, or refused it"),
    FIELD_COLUMN_WITH("problem",      FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused: a problem code"),
    FIELD_COLUMN_WITH("detail",       FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The same in words"),
    FIELD_COLUMN_WITH("credit_note",  FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_CREDIT_NOTE, .help = "The credit note that it made"),
    FIELD_COLUMN_WITH("draft",        FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_INVOICE, .help = "The draft that stands for the invoice that it made void"),
    FIELD_COLUMN("created_at",        FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN_WITH("decided_at",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time"),
    FIELDS_END,
};
// clang-format on

static const struct schema reason_schema = {"InvoiceVoid", reason_fields, sizeof(struct wish)};
static const struct schema credit_schema = {"InvoiceCredit", credit_fields, sizeof(struct wish)};
const struct schema invoice_request_schema = {"InvoiceRequest", request_fields, 0};

struct request_query {
    const char *invoice, *state;
};
static const struct field request_query_fields[] = {
    FIELD_TEXT("invoice", struct request_query, invoice, .help = "Only requests about the invoice of this id"),
    FIELD_ENUM("state", struct request_query, state, .values = states, .help = "Only requests of this state"),
    FIELDS_END,
};
static const struct schema request_query_schema = {"InvoiceRequestQuery", request_query_fields,
                                                   sizeof(struct request_query)};

#define REQUEST_SELECT                                                                                                 \
    "SELECT r.id, r.kind, t.name AS tenant, r.invoice_id AS invoice, r.month, r.reason,"                               \
    " coalesce(s.state, 'open') AS state, s.problem, s.detail, s.credit_note_id AS credit_note, s.draft_id AS draft,"  \
    " extract(epoch FROM r.created_at)::bigint AS created_at, extract(epoch FROM s.decided_at)::bigint AS decided_at," \
    " r.id AS page_key, 1 AS wish_revision, coalesce(s.state, 'open') AS status_revision"                              \
    " FROM invoice_request r LEFT JOIN invoice_request_status s ON s.request_id = r.id"                                \
    " LEFT JOIN tenant t ON t.id = r.tenant_id"

static const struct db_stmt statement_list = {
    .name = "invoice_request_list",
    .sql =
        REQUEST_SELECT " WHERE ($1::uuid IS NULL OR r.id > $1::uuid) AND ($3::uuid IS NULL OR r.invoice_id = $3::uuid)"
                       " AND ($4::text IS NULL OR coalesce(s.state, 'open') = $4::text)"
                       " ORDER BY r.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "invoice_request_get",
    .sql = REQUEST_SELECT " WHERE r.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_invoice = {
    .name = "invoice_request_invoice",
    .sql = "SELECT i.tenant_id, i.currency FROM invoice i WHERE i.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_insert = {
    .name = "invoice_request_insert",
    .sql = "INSERT INTO invoice_request (id, kind, tenant_id, invoice_id, reason, principal_id, share_numerator,"
           "  share_denominator)"
           " VALUES ($1::uuid, $2, $3::uuid, $4::uuid, $5, $6::uuid, $7::integer, $8::integer)",
    .params = 8,
};

static const struct db_stmt statement_insert_lines = {
    .name = "invoice_request_insert_lines",
    .sql = "INSERT INTO invoice_request_line (request_id, invoice_line_no, tenant_id, gpu_milli_seconds,"
           "  share_numerator, share_denominator, net_minor)"
           " SELECT $1::uuid, x.line_no, $2::uuid, x.quantity, x.numerator, x.denominator, x.net"
           "   FROM unnest($3::integer[], $4::bigint[], $5::integer[], $6::integer[], $7::bigint[])"
           "     AS x (line_no, quantity, numerator, denominator, net)",
    .params = 7,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct request_query *query = request->query;
    const char *invoice = NULL;
    enum err_kind kind = object_param_read(request, query->invoice, &invoice, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_list, DB_PARAMS(invoice, query->state), reterr)
                            : kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "request", reterr);
}

/* request->object is the request: what came of it, or 202 while nothing has. */
static enum err_kind invoice_request_answer(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "there is no such request");
    if (kind != ERR_NONE)
        return kind;
    const char *state = db_text(result, 0, PQfnumber(result, "state"));
    const char *problem = db_text(result, 0, PQfnumber(result, "problem"));
    const struct problem_code *code = problem == NULL ? NULL : problem_find(problem);
    if (problem != NULL)
        return err_set_code(reterr, ERR_CONFLICT, code != NULL && code->kind == ERR_CONFLICT ? problem : "conflict",
                            "%s", db_text(result, 0, PQfnumber(result, "detail")));
    response_row(response, strcmp(state, "open") == 0 ? 202 : 201, request_fields, result, 0);
    return ERR_NONE;
}

enum err_kind invoice_request_replay(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* the answer's */
    (void)reterr;
    return request_await(request, request->object, invoice_request_answer);
}

enum err_kind invoice_request_ask(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind =
        request_event(request, NULL, NULL, "invoice_request", request->new_id, 1, "invoice_request.created", reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!request->validates_only)
        return request_await(request, request->new_id, invoice_request_answer);
    request->object = request->new_id;
    return invoice_request_answer(request, response, reterr);
}

/* What is said of lines, a value per line in each. */
enum { LINE_NO, LINE_QUANTITY, LINE_NUMERATOR, LINE_DENOMINATOR, LINE_NET, LINE_COLUMNS };

static void add_value(struct db_array *column, int64_t value)
{
    db_array_int_or_null(column, value, FIELD_NULL);
}

/* Problems are the request's; what stands there of a line that has any is not used. */
static void add_line(struct request *request, const struct wish *wish, size_t position, const char *currency,
                     int exponent, struct db_array columns[LINE_COLUMNS])
{
    const struct credit_line *lines = wish->lines.items;
    const struct credit_line *line = &lines[position];
    bool by_quantity = line->gpu_milli_seconds != FIELD_NULL;
    bool by_share = line->share_numerator != FIELD_NULL;
    bool by_amount = line->net.currency != NULL;
    const char *pointer = arena_format(request->arena, "/lines/%zu", position);
    int64_t minor = by_amount ? money_minor_of_micro(line->net.amount_u, exponent) : FIELD_NULL;
    int64_t exact_u = 0;
    if (by_quantity + by_share + by_amount != 1 || by_share != (line->share_denominator != FIELD_NULL))
        field_problem_add(&request->problems, pointer, "out_of_range", "one of a quantity, a share and an amount");
    if (by_share && line->share_numerator > line->share_denominator)
        field_problem_add(&request->problems, pointer, "out_of_range", "more than the whole line");
    if (by_amount &&
        (strcmp(line->net.currency, currency) != 0 || minor == 0 ||
         money_micro_of_minor(minor, exponent, &exact_u, NULL) != ERR_NONE || exact_u != line->net.amount_u))
        field_problem_add(&request->problems, pointer, "out_of_range", "an amount of %s in whole minor units, not 0",
                          currency);
    const int64_t values[] = {line->line_no, line->gpu_milli_seconds, line->share_numerator, line->share_denominator,
                              minor};
    for (int i = 0; i < LINE_COLUMNS; i++)
        add_value(&columns[i], values[i]);
}

/* Each line once. LINES_MAX keeps the square small. */
static void check_repetition(struct request *request, const struct wish *wish)
{
    const struct credit_line *lines = wish->lines.items;
    for (size_t i = 1; i < wish->lines.count; i++) {
        size_t before = 0;
        while (before < i && lines[before].line_no != lines[i].line_no)
            before++;
        if (before < i)
            field_problem_add(&request->problems, arena_format(request->arena, "/lines/%zu", i), "out_of_range",
                              "the line is named twice");
    }
}

static enum err_kind insert_lines(struct request *request, const struct wish *wish, const char *tenant,
                                  const char *currency, struct err *reterr)
{
    int exponent = 0;
    struct db_array columns[LINE_COLUMNS] = {0};
    const char *params[LINE_COLUMNS + 2] = {request->new_id, tenant};
    enum err_kind kind = money_exponent(currency, &exponent, reterr);
    for (size_t i = 0; kind == ERR_NONE && i < wish->lines.count; i++)
        add_line(request, wish, i, currency, exponent, columns);
    check_repetition(request, wish);
    if (kind == ERR_NONE && request->problems.count > 0)
        kind = request_invalid(request, reterr);
    for (int i = 0; i < LINE_COLUMNS; i++)
        params[i + 2] = db_array_param(&columns[i]);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_insert_lines, params, NULL, reterr);
    for (int i = 0; i < LINE_COLUMNS; i++)
        db_array_clear(&columns[i]);
    return kind;
}

/* Of a wish that has none: nothing. */
static void check_share(struct request *request, const struct wish *wish)
{
    if (wish->share.numerator == FIELD_NULL)
        return;
    if (wish->share.numerator > wish->share.denominator)
        field_problem_add(&request->problems, "/share", "out_of_range", "more than the whole invoice");
    if (wish->lines.count > 0)
        field_problem_add(&request->problems, "/share", "out_of_range", "a share of every line, or lines");
}

static const struct wish no_wish = {.share = {FIELD_NULL, FIELD_NULL}};

static enum err_kind ask(struct request *request, struct response *response, const char *kind_text,
                         const struct wish *wish, struct err *reterr)
{
    const PGresult *invoice = NULL;
    enum err_kind kind = answer_find(request, &statement_invoice, request->object, "invoice", &invoice, reterr);
    if (kind != ERR_NONE)
        return kind;
    check_share(request, wish);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    const char *tenant = db_text(invoice, 0, 0);
    kind = request_run(request, &statement_insert,
                       DB_PARAMS(request->new_id, kind_text, tenant, request->object, wish->reason,
                                 request->caller.principal_id, request_int(request, wish->share.numerator),
                                 request_int(request, wish->share.denominator)),
                       NULL, reterr);
    if (kind == ERR_NONE && wish->lines.count > 0)
        kind = insert_lines(request, wish, tenant, db_text(invoice, 0, 1), reterr);
    if (kind == ERR_NONE && request->validates_only)
        kind = invoice_request_preview(request, kind_text, reterr);
    return kind == ERR_NONE ? invoice_request_ask(request, response, reterr) : kind;
}

static enum err_kind finalize(struct request *request, struct response *response, struct err *reterr)
{
    return ask(request, response, "finalize", &no_wish, reterr);
}

static enum err_kind issue(struct request *request, struct response *response, struct err *reterr)
{
    return ask(request, response, "issue", &no_wish, reterr);
}

static enum err_kind make_void(struct request *request, struct response *response, struct err *reterr)
{
    const struct wish *body = request->body;
    struct wish wish = no_wish;
    wish.reason = body->reason;
    return ask(request, response, "void", &wish, reterr);
}

static enum err_kind credit(struct request *request, struct response *response, struct err *reterr)
{
    return ask(request, response, "credit", request->body, reterr);
}

// clang-format off
#define ACTION ROLES_SYSTEM_FINANCE, RATE_WRITE, .answer = &invoice_request_schema, .has_id = true, .id = IDENTITY_INVOICE, .replay = invoice_request_replay, .waits = true
static const struct route request_routes[] = {
    {GET,  "/v1/system/invoice-requests",        ROLES_SYSTEM_READ, RATE_READ, .query = &request_query_schema, .answer = &invoice_request_schema, .is_list = true, .run = list, .summary = "List what was asked of invoices"},
    {GET,  "/v1/system/invoice-requests/{id}",   ROLES_SYSTEM_READ, RATE_READ, .answer = &invoice_request_schema, .has_id = true, .id = IDENTITY_INVOICE_REQUEST, .run = get, .summary = "One request"},
    {POST, "/v1/system/invoices/{id}/finalize",  ACTION, .run = finalize, .problems = PROBLEMS("invoice_not_draft", "conflict"), .summary = "Freeze what a draft says"},
    {POST, "/v1/system/invoices/{id}/issue",     ACTION, .run = issue, .problems = PROBLEMS("invoice_not_draft", "series_of_other_kind", "conflict"), .summary = "Give a draft its number: from then on it is owed"},
    {POST, "/v1/system/invoices/{id}/void",      ACTION, .body = &reason_schema, .run = make_void, .problems = PROBLEMS("invoice_not_issued", "invoice_is_credited", "conflict"), .summary = "Take an issued invoice back: a draft takes its place"},
    {POST, "/v1/system/invoices/{id}/credit",    ACTION, .body = &credit_schema, .run = credit, .problems = PROBLEMS("invoice_not_issued", "credit_exceeds_line", "credit_exceeds_invoice", "nothing_to_credit", "unknown_line", "series_of_other_kind", "conflict"), .summary = "Credit some of an issued invoice, or all that is left"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const request_own_statements[] = {
    &statement_list, &statement_get, &statement_invoice, &statement_insert, &statement_insert_lines, NULL};

const struct resource invoice_request_resource = {
    "invoice-requests", request_routes, request_own_statements,
    "What operators ask of invoices. Each is carried out once; a refusal changes nothing."};
