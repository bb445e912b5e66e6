/* Tax rates: versions by code and country. A version is immutable but for its end, which the next one sets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

struct tax_rate {
    const char *id, *code, *country, *note;
    int64_t rate_bp, valid_from;
};

// clang-format off
static const struct field tax_rate_fields[] = {
    FIELD_ID  ("id",         struct tax_rate, id, .identity = IDENTITY_TAX_RATE, .flags = FIELD_READ_ONLY, .help = "The version of the rate"),
    FIELD_TEXT("code",       struct tax_rate, code, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "standard", .help = "What billing profiles name: standard, reduced, exempt, reverse_charge, ..."),
    FIELD_TEXT("country",    struct tax_rate, country, .flags = FIELD_REQUIRED, .least = 2, .most = 2, .example = "DE", .help = "ISO 3166-1"),
    FIELD_INT ("rate_bp",    struct tax_rate, rate_bp, .flags = FIELD_REQUIRED, .least = 0, .most = 10000, .example = "1900", .help = "Basis points"),
    FIELD_TEXT("note",       struct tax_rate, note, .flags = FIELD_NULLABLE, .least = 1, .most = 300, .help = "What invoices must say with it, for example who owes the tax; null: nothing"),
    FIELD_TIME("valid_from", struct tax_rate, valid_from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive; null: now. An invoice has the rate of its period's last second"),
    FIELD_COLUMN_WITH("valid_until", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time, exclusive; null: until the next version"),
    FIELDS_END,
};
// clang-format on

static const struct schema tax_rate_schema = {"TaxRate", tax_rate_fields, sizeof(struct tax_rate)};

struct tax_rate_query {
    const char *code, *country;
};
static const struct field tax_rate_query_fields[] = {
    FIELD_TEXT("code", struct tax_rate_query, code, .help = "Only rates of this code"),
    FIELD_TEXT("country", struct tax_rate_query, country, .help = "Only rates of this country"),
    FIELDS_END,
};
static const struct schema tax_rate_query_schema = {"TaxRateQuery", tax_rate_query_fields,
                                                    sizeof(struct tax_rate_query)};

#define TAX_RATE_SELECT                                                                                                \
    "SELECT r.id, r.code, r.country, r.rate_bp, r.note, extract(epoch FROM lower(r.valid))::bigint AS valid_from,"     \
    " extract(epoch FROM upper(r.valid))::bigint AS valid_until, r.id AS page_key,"                                    \
    " CASE WHEN upper_inf(r.valid) THEN 1 ELSE 2 END AS wish_revision FROM tax_rate r"

static const struct db_stmt statement_list = {
    .name = "tax_rate_list",
    .sql = TAX_RATE_SELECT " WHERE ($1::uuid IS NULL OR r.id > $1::uuid) AND ($3::text IS NULL OR r.code = $3::text)"
                           " AND ($4::text IS NULL OR r.country = $4::text) ORDER BY r.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "tax_rate_get",
    .sql = TAX_RATE_SELECT " WHERE r.id = $1::uuid",
    .params = 1,
};

/* An open version ends where the next begins, if that is not before now: else the two overlap, and the insert says so.
 */
static const struct db_stmt statement_close = {
    .name = "tax_rate_close",
    .sql = "UPDATE tax_rate SET valid = tstzrange(lower(valid), coalesce(to_timestamp($3::bigint), sluice_now()))"
           " WHERE code = $1 AND country = $2 AND upper_inf(valid)"
           " AND lower(valid) < coalesce(to_timestamp($3::bigint), sluice_now())"
           " AND coalesce(to_timestamp($3::bigint), sluice_now()) >= sluice_now()",
    .params = 3,
};

static const struct db_stmt statement_create = {
    .name = "tax_rate_create",
    .sql = "INSERT INTO tax_rate (id, code, country, rate_bp, note, valid, created_by) VALUES ($1::uuid, $2, $3,"
           " $4::integer, $5, tstzrange(coalesce(to_timestamp($6::bigint), sluice_now()), NULL), $7::uuid)",
    .params = 7,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct tax_rate_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->code, query->country), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "tax rate", reterr);
}

static enum err_kind check(struct request *request, const struct tax_rate *wish, struct err *reterr)
{
    if (strspn(wish->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        field_problem_add(&request->problems, "/country", "out_of_range", "two capital letters");
    size_t letters = strspn(wish->code, "abcdefghijklmnopqrstuvwxyz_0123456789");
    if (wish->code[letters] != '\0' || letters > 32 || strchr("_0123456789", wish->code[0]) != NULL)
        field_problem_add(&request->problems, "/code", "out_of_range",
                          "at most 32 lower-case letters, digits and _, beginning with a letter");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct tax_rate *wish = request->body;
    const char *from = request_int(request, wish->valid_from);
    enum err_kind kind = check(request, wish, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_close, DB_PARAMS(wish->code, wish->country, from), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, wish->code, wish->country, request_int(request, wish->rate_bp),
                                     wish->note, from, request->caller.principal_id),
                           NULL, reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "tax_rate_overlaps",
                            "the rate '%s' of '%s' has a version at or after this start already, or the start is past",
                            wish->code, wish->country);
    if (kind == ERR_NONE)
        kind = request_event(request, NULL, NULL, "tax_rate", request->new_id, 1, "tax_rate.created", reterr);
    return kind == ERR_NONE ? answer_object(request, response, 201, &statement_get, request->new_id, "tax rate", reterr)
                            : kind;
}

// clang-format off
static const struct route tax_rate_routes[] = {
    {GET,  "/v1/system/tax-rates",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &tax_rate_query_schema, .answer = &tax_rate_schema, .is_list = true, .run = list, .summary = "List tax rates"},
    {GET,  "/v1/system/tax-rates/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &tax_rate_schema, .has_id = true, .id = IDENTITY_TAX_RATE, .run = get, .summary = "One version of a tax rate"},
    {POST, "/v1/system/tax-rates",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &tax_rate_schema, .answer = &tax_rate_schema, .run = create, .replay = get, .problems = PROBLEMS("tax_rate_overlaps"), .summary = "Make a version of a tax rate, which ends the open one"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const tax_rate_statements[] = {&statement_list, &statement_get, &statement_close,
                                                            &statement_create, NULL};

const struct resource tax_rate_resource = {
    "tax-rates", tax_rate_routes, tax_rate_statements,
    "Tax by code and country, in versions over time; billing profiles name the code."};
