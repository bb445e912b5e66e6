/* Payments: operators enter what was received and paid back, billing posts it and settles invoices. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

#include <string.h>

#define INVOICES_MAX 100

static const char *const kinds[] = {"payment", "refund", NULL};
static const char *const states[] = {"requested", "posted", "refused", NULL};

struct payment {
    const char *tenant;
    const char *kind;
    struct field_money amount;
    struct field_list invoices;
    const char *reference;
};

// clang-format off
static const struct field settlement_fields[] = {
    FIELD_COLUMN("invoice",       FIELD_TYPE_ID, .identity = IDENTITY_INVOICE, .help = "The invoice"),
    FIELD_COLUMN_WITH("amount",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What of it this settled"),
    FIELDS_END,
};
static const struct field payment_fields[] = {
    FIELD_COLUMN("id",            FIELD_TYPE_ID, .identity = IDENTITY_PAYMENT, .help = "The payment"),
    FIELD_COLUMN("tenant",        FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN("kind",          FIELD_TYPE_ENUM, .values = kinds, .help = "payment: received; refund: customer credit paid back"),
    FIELD_COLUMN_WITH("amount",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "How much"),
    FIELD_COLUMN("reference",     FIELD_TYPE_TEXT, .help = "Of the bank, for people"),
    FIELD_COLUMN("state",         FIELD_TYPE_ENUM, .values = states, .help = "requested until billing has posted it; refused: a refund of more than there is, or what cannot be posted for the tenant's own amounts"),
    FIELD_COLUMN_WITH("reason",   FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused: a code"),
    FIELD_COLUMN("settlements",   FIELD_TYPE_ROWS, .fields = settlement_fields, .help = "What it settled, in order"),
    FIELD_COLUMN_WITH("credited", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What was left: customer credit"),
    FIELD_COLUMN("created_at",    FIELD_TYPE_TIME, .help = "Domain time"),
    FIELDS_END,
};

static const struct field wish_fields[] = {
    FIELD_TEXT ("tenant",    struct payment, tenant, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "acme", .help = "Name of the tenant"),
    FIELD_ENUM ("kind",      struct payment, kind, .values = kinds, .fallback = "payment", .help = "payment: received; refund: customer credit that is paid back"),
    FIELD_MONEY("amount",    struct payment, amount, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "How much; more than 0"),
    FIELD_LIST ("invoices",  struct payment, invoices, .least = 1, .most = INVOICES_MAX, .flags = FIELD_NULLABLE, .help = "Numbers of the invoices that it is for, in order; null: the oldest that are open"),
    FIELD_TEXT ("reference", struct payment, reference, .least = 0, .most = 255, .fallback = "", .help = "Of the bank, for people"),
    FIELDS_END,
};
// clang-format on

static const struct schema payment_schema = {"Payment", payment_fields, 0};
static const struct schema wish_schema = {"PaymentWish", wish_fields, sizeof(struct payment)};

struct payment_query {
    const char *tenant;
};
static const struct field payment_query_fields[] = {
    FIELD_TEXT("tenant", struct payment_query, tenant, .help = "Only payments of the tenant of this name"),
    FIELDS_END,
};
static const struct schema payment_query_schema = {"PaymentQuery", payment_query_fields, sizeof(struct payment_query)};

#define PAYMENT_SELECT                                                                                                   \
    "SELECT p.id, t.name AS tenant, p.kind, p.amount_u / micro_per_minor(p.currency) AS \"amount.amount_minor\","        \
    " p.currency AS \"amount.currency\", p.reference, coalesce(s.state, 'requested') AS state, s.reason,"                \
    " (SELECT coalesce(json_agg(json_build_object('invoice', x.invoice_id, 'amount.amount_minor',"                       \
    "    x.amount_u / micro_per_minor(p.currency), 'amount.currency', p.currency) ORDER BY i.issued_at, x.invoice_id), " \
    "'[]')"                                                                                                              \
    "    FROM settlement x JOIN invoice i ON i.id = x.invoice_id WHERE x.source_id = p.id) AS settlements,"              \
    " coalesce(s.credited_u, 0) / micro_per_minor(p.currency) AS \"credited.amount_minor\","                             \
    " p.currency AS \"credited.currency\", extract(epoch FROM p.created_at)::bigint AS created_at,"                      \
    " p.id AS page_key, 1 AS wish_revision, coalesce(s.state, 'requested') AS status_revision"                           \
    " FROM payment p JOIN tenant t ON t.id = p.tenant_id LEFT JOIN payment_status s ON s.payment_id = p.id"

static const struct db_stmt statement_list = {
    .name = "payment_list",
    .sql = PAYMENT_SELECT " WHERE ($1::uuid IS NULL OR p.id > $1::uuid) AND ($3::text IS NULL OR t.name = $3::text)"
                          " ORDER BY p.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "payment_get",
    .sql = PAYMENT_SELECT " WHERE p.id = $1::uuid",
    .params = 1,
};

/* The tenant, its invoices of these numbers in this order, and the first number that is none of its in this currency.
 */
static const struct db_stmt statement_find = {
    .name = "payment_find",
    .sql = "WITH named AS ("
           "  SELECT n.number, n.place, i.id FROM unnest($2::text[]) WITH ORDINALITY AS n (number, place)"
           "    LEFT JOIN tenant t ON t.name = $1"
           "    LEFT JOIN invoice i ON i.tenant_id = t.id AND i.currency = $3 AND i.status = 'issued'"
           "     AND i.series || '-' || lpad(i.number::text, greatest(6, length(i.number::text)), '0') = n.number"
           ") SELECT (SELECT id FROM tenant WHERE name = $1), (SELECT array_agg(id ORDER BY place) FROM named),"
           "         (SELECT number FROM named WHERE id IS NULL ORDER BY place LIMIT 1)",
    .params = 3,
};

static const struct db_stmt statement_create = {
    .name = "payment_create",
    .sql = "INSERT INTO payment (id, tenant_id, kind, currency, amount_u, invoice_ids, reference, created_by)"
           " VALUES ($1::uuid, $2::uuid, $3, $4, $5::bigint, $6::uuid[], $7, $8::uuid)",
    .params = 8,
};

static enum err_kind list_own(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_PARAMS(NULL), reterr);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct payment_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->tenant), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "payment", reterr);
}

/* Whose it is and what it is for, as parameters. */
struct subject {
    const char *tenant_id, *invoice_ids;
};

static enum err_kind find(struct request *request, const struct payment *wish, struct subject *ret, struct err *reterr)
{
    bool is_refund = strcmp(wish->kind, "refund") == 0;
    const PGresult *found = NULL;
    enum err_kind kind = request_run(
        request, &statement_find, DB_PARAMS(wish->tenant, wish->invoices.array, wish->amount.currency), &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct subject){.tenant_id = db_text(found, 0, 0), .invoice_ids = db_text(found, 0, 1)};
    const char *unknown = db_text(found, 0, 2);
    if (wish->amount.amount_u <= 0 || wish->amount.amount_u > MONEY_ENTERED_MOST_U)
        field_problem_add(&request->problems, "/amount/amount", "out_of_range",
                          "must be more than 0, and a trillion at most");
    if (ret->tenant_id == NULL)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    else if (unknown != NULL)
        field_problem_add(&request->problems, "/invoices", "unknown_invoice",
                          "the tenant has no issued invoice '%s' in this currency", unknown);
    if (is_refund && wish->invoices.count > 0)
        field_problem_add(&request->problems, "/invoices", "out_of_range", "a refund is for no invoice");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct payment *wish = request->body;
    struct subject subject = {0};
    enum err_kind kind = find(request, wish, &subject, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, subject.tenant_id, wish->kind, wish->amount.currency,
                                     request_int(request, wish->amount.amount_u), subject.invoice_ids, wish->reference,
                                     request->caller.principal_id),
                           NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->wakes_billing = true;
    kind = request_event(request, subject.tenant_id, NULL, "payment", request->new_id, 1, "payment.created", reterr);
    return kind == ERR_NONE ? answer_object(request, response, 201, &statement_get, request->new_id, "payment", reterr)
                            : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PAYMENT
static const struct route payment_routes[] = {
    {GET,  "/v1/payments",             ROLES_TENANT_MONEY,   RATE_READ,  .answer = &payment_schema, .is_list = true, .run = list_own, .summary = "List payments"},
    {GET,  "/v1/payments/{id}",        ROLES_TENANT_MONEY,   RATE_READ,  .answer = &payment_schema, ONE, .run = get, .summary = "One payment"},
    {GET,  "/v1/system/payments",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &payment_query_schema, .answer = &payment_schema, .is_list = true, .run = list, .summary = "List payments of all tenants"},
    {GET,  "/v1/system/payments/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &payment_schema, ONE, .run = get, .summary = "One payment"},
    {POST, "/v1/system/payments",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &wish_schema, .answer = &payment_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_tenant", "unknown_invoice"), .summary = "Enter a payment received, or credit paid back"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const payment_statements[] = {&statement_list, &statement_get, &statement_find,
                                                           &statement_create, NULL};

const struct resource payment_resource = {"credit", payment_routes, payment_statements, NULL};
