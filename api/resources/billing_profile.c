/* Billing profiles: who sells, who buys, on which terms. The provider's own is there from the beginning and holds where
 * a tenant's says nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/tenant_named.h"
#include "api/server/answer.h"

#include <string.h>

struct profile {
    const char *id, *tenant;
    const char *legal_name, *address, *country, *tax_number, *reference, *note;
    const char *tax_code, *tax_country;
    const char *issue, *invoice_series, *credit_series;
    int64_t payment_days;
};

static const char *const issues[] = {"at_close", "by_hand", NULL};

// clang-format off
static const struct field profile_fields[] = {
    FIELD_ID  ("id",             struct profile, id, .identity = IDENTITY_BILLING_PROFILE, .flags = FIELD_READ_ONLY, .help = "The profile"),
    FIELD_TEXT("tenant",         struct profile, tenant, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant; null: the provider's own, which is there from the beginning"),
    FIELD_TEXT("legal_name",     struct profile, legal_name, .flags = FIELD_NULLABLE, .least = 1, .most = 200, .example = "Acme Research AG", .help = "Name on invoices; null: the tenant's name"),
    FIELD_TEXT("address",        struct profile, address, .flags = FIELD_NULLABLE, .pattern = FIELD_LINES, .least = 1, .most = 500, .help = "Postal address, in lines"),
    FIELD_TEXT("country",        struct profile, country, .flags = FIELD_NULLABLE, .least = 2, .most = 2, .example = "DE", .help = "ISO 3166-1 code of the address"),
    FIELD_TEXT("tax_number",     struct profile, tax_number, .flags = FIELD_NULLABLE, .least = 1, .most = 40, .help = "Number for value added tax, as it is to be printed"),
    FIELD_TEXT("reference",      struct profile, reference, .flags = FIELD_NULLABLE, .least = 1, .most = 80, .help = "The buyer's own reference, such as a purchase order"),
    FIELD_TEXT("note",           struct profile, note, .flags = FIELD_NULLABLE, .pattern = FIELD_LINES, .least = 1, .most = 1000, .help = "Printed at the foot; the provider's has its bank account"),
    FIELD_TEXT("tax_code",       struct profile, tax_code, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .help = "Code of a tax rate; null: as the provider's, and where that is null too the tenant's tax_rate_bp"),
    FIELD_TEXT("tax_country",    struct profile, tax_country, .flags = FIELD_NULLABLE, .least = 2, .most = 2, .help = "Country whose rate of that code holds; null: that of the address"),
    FIELD_ENUM("issue",          struct profile, issue, .values = issues, .flags = FIELD_NULLABLE, .help = "at_close: invoices are issued as the month closes; by_hand: they stay drafts for an operator; null: as the provider's"),
    FIELD_TEXT("invoice_series", struct profile, invoice_series, .flags = FIELD_NULLABLE, .least = 1, .most = 16, .help = "Series of its invoices: capital letters, digits, / and -; null: the provider's"),
    FIELD_TEXT("credit_series",  struct profile, credit_series, .flags = FIELD_NULLABLE, .least = 1, .most = 16, .help = "Series of its credit notes, another one; null: the provider's"),
    FIELD_INT ("payment_days",   struct profile, payment_days, .flags = FIELD_NULLABLE, .least = 0, .most = 365, .help = "Days from issue to the due date; null: as the provider's"),
    FIELDS_END,
};
// clang-format on

static const struct schema profile_schema = {"BillingProfile", profile_fields, sizeof(struct profile)};

struct profile_query {
    const char *tenant;
};
static const struct field profile_query_fields[] = {
    FIELD_TEXT("tenant", struct profile_query, tenant, .help = "Only the profile of the tenant of this name"),
    FIELDS_END,
};
static const struct schema profile_query_schema = {"BillingProfileQuery", profile_query_fields,
                                                   sizeof(struct profile_query)};

#define PROFILE_SELECT                                                                                                 \
    "SELECT p.id, t.name AS tenant, p.legal_name, p.address, p.country, p.tax_number, p.reference, p.note, "           \
    "p.tax_code,"                                                                                                      \
    " p.tax_country, p.issue, p.invoice_series, p.credit_series, p.payment_days, p.id AS page_key,"                    \
    " p.revision AS wish_revision FROM billing_profile p LEFT JOIN tenant t ON t.id = p.tenant_id"

static const struct db_stmt statement_list = {
    .name = "billing_profile_list",
    .sql = PROFILE_SELECT " WHERE ($1::uuid IS NULL OR p.id > $1::uuid) AND ($3::text IS NULL OR t.name = $3::text)"
                          " ORDER BY p.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "billing_profile_get",
    .sql = PROFILE_SELECT " WHERE p.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "billing_profile_lock",
    .sql = PROFILE_SELECT " WHERE p.id = $1::uuid FOR UPDATE OF p",
    .params = 1,
};
static const struct object_lock profile_lock = {.stmt = &statement_lock, .noun = "billing profile"};

static const struct db_stmt statement_create = {
    .name = "billing_profile_create",
    .sql = "INSERT INTO billing_profile (id, tenant_id, legal_name, address, country, tax_number, reference, note,"
           " tax_code, tax_country, issue, invoice_series, credit_series, payment_days)"
           " VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::integer)"
           " ON CONFLICT (tenant_id) DO NOTHING RETURNING id",
    .params = 14,
};

static const struct db_stmt statement_replace = {
    .name = "billing_profile_replace",
    .sql = "UPDATE billing_profile SET legal_name = $2, address = $3, country = $4, tax_number = $5, reference = $6,"
           " note = $7, tax_code = $8, tax_country = $9, issue = $10, invoice_series = $11, credit_series = $12,"
           " payment_days = $13::integer, revision = revision + 1 WHERE id = $1::uuid RETURNING revision, tenant_id",
    .params = 13,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct profile_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->tenant), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "billing profile", reterr);
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALLS   "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"

/* What the fields' table cannot say, and the database's checks would. */
static enum err_kind check(struct request *request, const struct profile *wish, bool is_provider, struct err *reterr)
{
    const struct {
        const char *pointer, *text, *characters, *not_first, *detail;
    } texts[] = {
        {"/country", wish->country, CAPITALS, "", "two capital letters"},
        {"/tax_country", wish->tax_country, CAPITALS, "", "two capital letters"},
        {"/tax_code", wish->tax_code, SMALLS DIGITS "_", DIGITS "_", "lower-case letters, digits and _"},
        {"/invoice_series", wish->invoice_series, CAPITALS DIGITS "/-", "/-", "capital letters, digits, / and -"},
        {"/credit_series", wish->credit_series, CAPITALS DIGITS "/-", "/-", "capital letters, digits, / and -"},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *text = texts[i].text;
        if (text != NULL &&
            (strchr(texts[i].not_first, text[0]) != NULL || text[strspn(text, texts[i].characters)] != '\0'))
            field_problem_add(&request->problems, texts[i].pointer, "out_of_range", "%s", texts[i].detail);
    }
    if (wish->tax_code != NULL && strlen(wish->tax_code) > 32)
        field_problem_add(&request->problems, "/tax_code", "out_of_range", "32 characters at most");
    if (wish->invoice_series != NULL && wish->credit_series != NULL &&
        strcmp(wish->invoice_series, wish->credit_series) == 0)
        field_problem_add(&request->problems, "/credit_series", "out_of_range", "another series than that of invoices");
    bool is_complete = wish->issue != NULL && wish->invoice_series != NULL && wish->credit_series != NULL &&
                       wish->payment_days != FIELD_NULL;
    if (is_provider && !is_complete)
        field_problem_add(&request->problems, "", "missing_field",
                          "the provider's own has issue, invoice_series, credit_series and payment_days");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct profile *wish = request->body;
    const PGresult *found = NULL;
    const char *tenant = NULL;
    if (wish->tenant == NULL) {
        field_problem_add(&request->problems, "/tenant", "missing_field", "the provider's own is there already");
        return request_invalid(request, reterr);
    }
    enum err_kind kind = check(request, wish, false, reterr);
    if (kind == ERR_NONE)
        kind = tenant_named(request, wish->tenant, &tenant, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, tenant, wish->legal_name, wish->address, wish->country, wish->tax_number,
                              wish->reference, wish->note, wish->tax_code, wish->tax_country, wish->issue,
                              wish->invoice_series, wish->credit_series, request_int(request, wish->payment_days)),
                    &found, reterr);
    if (kind == ERR_NONE && PQntuples(found) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "tenant '%s' has a billing profile", wish->tenant);
    if (kind == ERR_NONE)
        kind = request_event(request, NULL, NULL, "billing_profile", request->new_id, 1, "billing_profile.created",
                             reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "billing profile", reterr)
               : kind;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct profile *wish = request->body;
    const PGresult *changed = NULL;
    bool is_provider = db_text(request->locked, 0, PQfnumber(request->locked, "tenant")) == NULL;
    if (request->body_present == 0)
        return get(request, response, reterr);
    enum err_kind kind = check(request, wish, is_provider, reterr);
    if (kind == ERR_NONE)
        kind =
            request_run(request, &statement_replace,
                        DB_PARAMS(request->object, wish->legal_name, wish->address, wish->country, wish->tax_number,
                                  wish->reference, wish->note, wish->tax_code, wish->tax_country, wish->issue,
                                  wish->invoice_series, wish->credit_series, request_int(request, wish->payment_days)),
                        &changed, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, NULL, NULL, "billing_profile", request->object, db_int(changed, 0, 0, 0),
                             "billing_profile.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_BILLING_PROFILE
static const struct route profile_routes[] = {
    {GET,   "/v1/system/billing-profiles",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &profile_query_schema, .answer = &profile_schema, .is_list = true, .run = list, .summary = "List billing profiles, the provider's first"},
    {GET,   "/v1/system/billing-profiles/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &profile_schema, ONE, .run = get, .summary = "One billing profile"},
    {POST,  "/v1/system/billing-profiles",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &profile_schema, .answer = &profile_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken", "unknown_tenant"), .summary = "Make a tenant's billing profile"},
    {PUT,   "/v1/system/billing-profiles/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &profile_schema, .answer = &profile_schema, ONE, .lock = &profile_lock, .run = replace, .summary = "Change a billing profile: all of it"},
    {PATCH, "/v1/system/billing-profiles/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &profile_schema, .answer = &profile_schema, ONE, .lock = &profile_lock, .run = replace, .summary = "Change a billing profile: what is given"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const profile_statements[] = {&statement_list,   &statement_get,     &statement_lock,
                                                           &statement_create, &statement_replace, NULL};

const struct resource billing_profile_resource = {
    "billing-profiles", profile_routes, profile_statements,
    "Who sells and who buys, with address, tax, series and terms: what invoices are made out with. What was finalized "
    "keeps the profile that it was made with."};
