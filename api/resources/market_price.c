/* Market prices: what hardware could be sold for, as operators found it. A price is immutable; what was wrong is said
 * again with the same first day, and the later one holds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"
#include "common/money.h"

#include <string.h>

struct market_price {
    const char *id, *cohort, *gpu_model, *valid_from, *source;
    struct field_money price, selling_cost;
};

// clang-format off
static const struct field price_fields[] = {
    FIELD_ID   ("id",           struct market_price, id, .identity = IDENTITY_MARKET_PRICE, .flags = FIELD_READ_ONLY, .help = "The price"),
    FIELD_TEXT ("cohort",       struct market_price, cohort, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "Of a node of this cohort; it holds before the one of its GPU model"),
    FIELD_TEXT ("gpu_model",    struct market_price, gpu_model, .flags = FIELD_NULLABLE, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .example = "H100", .help = "Or of a GPU of this model, with its share of the node"),
    FIELD_MONEY("price",        struct market_price, price, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "Per node, or per GPU"),
    FIELD_MONEY("selling_cost", struct market_price, selling_cost, .flags = FIELD_MINOR, .help = "What selling it would cost, likewise (IAS 36.28); 0 unless said"),
    FIELD_DATE ("valid_from",   struct market_price, valid_from, .flags = FIELD_NULLABLE, .help = "First day; null: today (domain time)"),
    FIELD_TEXT ("source",       struct market_price, source, .flags = FIELD_REQUIRED, .least = 1, .most = 300, .example = "broker quote of 2026-03-02", .help = "Where it was found, for the auditor"),
    FIELDS_END,
};
// clang-format on

static const struct schema price_schema = {"MarketPrice", price_fields, sizeof(struct market_price)};

struct market_price_query {
    const char *cohort, *gpu_model;
};
static const struct field price_query_fields[] = {
    FIELD_TEXT("cohort", struct market_price_query, cohort, .help = "Only prices of this cohort"),
    FIELD_TEXT("gpu_model", struct market_price_query, gpu_model, .help = "Only prices of this GPU model"),
    FIELDS_END,
};
static const struct schema price_query_schema = {"MarketPriceQuery", price_query_fields,
                                                 sizeof(struct market_price_query)};

#define PRICE_SELECT                                                                                                   \
    "SELECT p.id, p.cohort, p.gpu_model, p.valid_from, p.source, p.amount_minor AS \"price.amount_minor\","            \
    " p.currency AS \"price.currency\", p.selling_cost_minor AS \"selling_cost.amount_minor\","                        \
    " p.currency AS \"selling_cost.currency\", p.id AS page_key, 1 AS wish_revision FROM market_price p"

static const struct db_stmt statement_list = {
    .name = "market_price_list",
    .sql = PRICE_SELECT " WHERE ($1::uuid IS NULL OR p.id > $1::uuid) AND ($3::text IS NULL OR p.cohort = $3::text)"
                        " AND ($4::text IS NULL OR p.gpu_model = $4::text) ORDER BY p.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "market_price_get",
    .sql = PRICE_SELECT " WHERE p.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "market_price_create",
    .sql = "INSERT INTO market_price (id, cohort, gpu_model, currency, amount_minor, selling_cost_minor, valid_from,"
           "  source, created_by) VALUES ($1::uuid, $2, $3, $4, $5::bigint, $6::bigint,"
           "  coalesce($7::date, (sluice_now() AT TIME ZONE 'UTC')::date), $8, $9::uuid)",
    .params = 9,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct market_price_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->cohort, query->gpu_model), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "market price", reterr);
}

static enum err_kind check(struct request *request, const struct market_price *wish, struct err *reterr)
{
    struct err err = {0};
    int exponent = 0;
    if ((wish->cohort == NULL) == (wish->gpu_model == NULL))
        field_problem_add(&request->problems, "/cohort", "out_of_range", "either it or gpu_model must be given");
    if (money_exponent(wish->price.currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/price/currency", "out_of_range", "%s", err.text);
    if (wish->price.amount_u < 0)
        field_problem_add(&request->problems, "/price/amount", "out_of_range", "must not be negative");
    if (wish->selling_cost.currency != NULL && wish->selling_cost.amount_u < 0)
        field_problem_add(&request->problems, "/selling_cost/amount", "out_of_range", "must not be negative");
    if (wish->selling_cost.currency != NULL && strcmp(wish->selling_cost.currency, wish->price.currency) != 0)
        field_problem_add(&request->problems, "/selling_cost/currency", "out_of_range", "must be that of the price");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct market_price *wish = request->body;
    enum err_kind kind = check(request, wish, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, wish->cohort, wish->gpu_model, wish->price.currency,
                                     asset_minor_text(request, &wish->price),
                                     asset_minor_text(request, &wish->selling_cost), wish->valid_from, wish->source,
                                     request->caller.principal_id),
                           NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, NULL, NULL, "market_price", request->new_id, 1, "market_price.created", reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "market price", reterr)
               : kind;
}

// clang-format off
static const struct route price_routes[] = {
    {GET,  "/v1/system/market-prices",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &price_query_schema, .answer = &price_schema, .is_list = true, .run = list, .summary = "List market prices of hardware"},
    {GET,  "/v1/system/market-prices/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &price_schema, .has_id = true, .id = IDENTITY_MARKET_PRICE, .run = get, .summary = "One market price"},
    {POST, "/v1/system/market-prices",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &price_schema, .answer = &price_schema, .run = create, .replay = get, .summary = "Say what hardware could be sold for, from a day on"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const price_statements[] = {&statement_list, &statement_get, &statement_create, NULL};

const struct resource market_price_resource = {"market-prices", price_routes, price_statements,
                                               "What hardware could be sold for, from a day on, with its source."};
