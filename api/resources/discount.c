/* Discounts: what a tenant pays less, for a time. One is made and may be ended; nothing else changes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"
#include "api/resources/price_model.h"
#include "api/resources/registry.h"
#include "api/resources/version_end.h"
#include "api/server/answer.h"

#include <string.h>

struct discount {
    const char *id, *tenant, *project, *sku_kind, *sku;
    int64_t percent_bp;
    struct field_money gpu_hour;
    int64_t valid_from, valid_until;
    const char *reason, *below_floor_reason;
};

static const char *const sku_kinds[] = {"instance_type", "gpu_model", "meter", NULL};

// clang-format off
static const struct field discount_fields[] = {
    FIELD_ID   ("id",          struct discount, id, .identity = IDENTITY_DISCOUNT, .flags = FIELD_READ_ONLY, .help = "The discount"),
    FIELD_TEXT ("tenant",      struct discount, tenant, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "acme", .help = "Whose, by name"),
    FIELD_TEXT ("project",     struct discount, project, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "Only of this project; null: of all"),
    FIELD_ENUM ("sku_kind",    struct discount, sku_kind, .values = sku_kinds, .flags = FIELD_NULLABLE, .help = "Only of this; null: of everything"),
    FIELD_TEXT ("sku",         struct discount, sku, .flags = FIELD_NULLABLE, .least = 1, .most = 64, .help = "Name of the instance type, GPU model or meter"),
    FIELD_INT  ("percent_bp",  struct discount, percent_bp, .flags = FIELD_NULLABLE, .least = 1, .most = 10000, .example = "1000", .help = "Off the price that holds, in basis points; or give gpu_hour"),
    FIELD_MONEY("gpu_hour",    struct discount, gpu_hour, .flags = FIELD_NULLABLE, .help = "A fixed price of a GPU-hour, or of a unit of a meter, instead of the one that holds; of a sku"),
    FIELD_TIME ("valid_from",  struct discount, valid_from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive, not in the past; null: now"),
    FIELD_TIME ("valid_until", struct discount, valid_until, .flags = FIELD_NULLABLE, .help = "Domain time, exclusive; null: open"),
    FIELD_TEXT ("reason",      struct discount, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 255, .example = "launch customer", .help = "Why it is granted"),
    PRICE_FLOOR_REASON(struct discount, below_floor_reason),
    FIELDS_END,
};
// clang-format on

static const struct schema discount_schema = {"Discount", discount_fields, sizeof(struct discount)};
static const struct schema end_schema = {"DiscountEnd", version_end_fields, sizeof(struct version_end)};

struct discount_query {
    const char *tenant;
};
static const struct field query_fields[] = {
    FIELD_TEXT("tenant", struct discount_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
static const struct schema query_schema = {"DiscountQuery", query_fields, sizeof(struct discount_query)};

#define DISCOUNT_SELECT                                                                                                \
    "SELECT d.id, t.name AS tenant, d.project, d.sku_kind, d.sku, d.percent_bp,"                                       \
    " d.gpu_hour_u AS \"gpu_hour.amount_u\", d.currency AS \"gpu_hour.currency\","                                     \
    " extract(epoch FROM lower(d.valid))::bigint AS valid_from,"                                                       \
    " extract(epoch FROM upper(d.valid))::bigint AS valid_until, d.reason, d.id AS page_key, " VERSION_REVISION(       \
        "d") " FROM discount d JOIN tenant t ON t.id = d.tenant_id"

static const struct db_stmt statement_list = {
    .name = "discount_list",
    .sql = DISCOUNT_SELECT " WHERE ($1::uuid IS NULL OR d.id > $1::uuid) AND ($3::text IS NULL OR t.name = $3::text)"
                           " ORDER BY d.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "discount_get",
    .sql = DISCOUNT_SELECT " WHERE d.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_references = {
    .name = "discount_references",
    .sql = "SELECT (SELECT id FROM tenant WHERE name = $1), (SELECT currency FROM tenant WHERE name = $1),"
           " $2::text IS NULL OR EXISTS (SELECT FROM project p JOIN tenant t ON t.id = p.tenant_id"
           "  WHERE t.name = $1 AND p.name = $2::text),"
           " coalesce($3::bigint, extract(epoch FROM sluice_now())::bigint),"
           " coalesce(to_timestamp($3::bigint) >= date_trunc('second', sluice_now()), true)",
    .params = 3,
};
enum { REF_TENANT, REF_CURRENCY, REF_PROJECT, REF_FROM, REF_IS_NOT_PAST };

static const struct db_stmt statement_create = {
    .name = "discount_create",
    .sql =
        "INSERT INTO discount (id, tenant_id, project, sku_kind, sku, percent_bp, gpu_hour_u, currency, valid, reason,"
        "  created_by) VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6::integer, $7::bigint, $8,"
        "  tstzrange(to_timestamp($9::bigint), to_timestamp($10::bigint)), $11, $12::uuid)",
    .params = 12,
};

/* What instance types and GPU models cost the tenant once the discount holds, at the instant when it begins: by the
 * nearest price of each tier, at the least that a GPU-hour of it can cost. */
// clang-format off
static const struct db_stmt statement_sales = {
    .name = "discount_sales",
    .sql = "SELECT DISTINCT ON (p.sku_kind, p.sku, p.tier, CASE WHEN $2::text IS NULL THEN p.project END)"
           " p.sku, p.tier, coalesce($6::bigint, (least(p.gpu_hour_u,"
           "  (SELECT min((e->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.tiers) e),"
           "  (SELECT min((e->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.windows) e))"
           "   * (10000 - $7::bigint)::numeric / 10000)::bigint), p.sku_kind"
           "  FROM price p"
           " WHERE ($4::text IS NULL OR p.sku = $4::text AND p.sku_kind = $8::text) AND p.currency = $3::text"
           "   AND (p.tenant_id IS NULL OR p.tenant_id = $1::uuid)"
           "   AND (p.project IS NULL OR $2::text IS NULL OR p.project = $2::text)"
           "   AND p.withdrawn_at IS NULL AND p.valid @> greatest(to_timestamp($5::bigint), sluice_now())"
           " ORDER BY p.sku_kind, p.sku, p.tier, CASE WHEN $2::text IS NULL THEN p.project END, p.project IS NULL,"
           " p.tenant_id IS NULL",
    .params = 8,
};
// clang-format on
enum { SALE_SKU, SALE_TIER, SALE_LEAST, SALE_SKU_KIND };

static const struct db_stmt statement_lock = {
    .name = "discount_lock",
    .sql = "SELECT " VERSION_REVISION("d") " FROM discount d WHERE d.id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock discount_lock = {.stmt = &statement_lock, .noun = "discount"};

static const struct db_stmt statement_end = {
    .name = "discount_end",
    .sql = "UPDATE discount SET valid = tstzrange(lower(valid), coalesce(to_timestamp($2::bigint), sluice_now()))"
           " WHERE id = $1::uuid AND coalesce(to_timestamp($2::bigint), sluice_now()) > lower(valid)"
           "  AND coalesce(to_timestamp($2::bigint), sluice_now()) >= date_trunc('second', sluice_now())"
           "  AND (upper(valid) IS NULL OR upper(valid) > coalesce(to_timestamp($2::bigint), sluice_now()))"
           " RETURNING tenant_id",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct discount_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query != NULL ? query->tenant : NULL), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "discount", reterr);
}

static void check(struct request *request, const struct discount *wish, const PGresult *row)
{
    const char *currency = wish->gpu_hour.currency;
    bool is_fixed = currency != NULL;
    if (db_text(row, 0, REF_TENANT) == NULL)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    else if (!db_bool(row, 0, REF_PROJECT))
        field_problem_add(&request->problems, "/project", "unknown_project", "the tenant has no such project");
    else if (is_fixed && strcmp(currency, db_text(row, 0, REF_CURRENCY)) != 0)
        field_problem_add(&request->problems, "/gpu_hour/currency", "out_of_range", "the tenant is billed in %s",
                          db_text(row, 0, REF_CURRENCY));
    if (is_fixed == (wish->percent_bp != FIELD_NULL) || (is_fixed && wish->sku == NULL))
        field_problem_add(&request->problems, "/percent_bp", "out_of_range", "give percent_bp, or gpu_hour with a sku");
    if (is_fixed && (wish->gpu_hour.amount_u < 0 || wish->gpu_hour.amount_u > PRICE_MOST_U))
        field_problem_add(&request->problems, "/gpu_hour/amount", "out_of_range",
                          "must not be negative, nor more than a hundred million");
    if ((wish->sku == NULL) != (wish->sku_kind == NULL))
        field_problem_add(&request->problems, "/sku", "out_of_range", "goes with sku_kind");
    if (!db_bool(row, 0, REF_IS_NOT_PAST))
        field_problem_add(&request->problems, "/valid_from", "out_of_range", "must not be in the past");
    if (wish->valid_until != FIELD_NULL && wish->valid_until <= db_int(row, 0, REF_FROM, 0))
        field_problem_add(&request->problems, "/valid_until", "out_of_range", "must be after valid_from");
}

static enum err_kind check_floors(struct request *request, const struct discount *wish, const PGresult *row,
                                  struct err *reterr)
{
    const PGresult *sales = NULL;
    bool is_fixed = wish->gpu_hour.currency != NULL;
    enum err_kind kind = request_run(request, &statement_sales,
                                     DB_PARAMS(db_text(row, 0, REF_TENANT), wish->project,
                                               db_text(row, 0, REF_CURRENCY), wish->sku, db_text(row, 0, REF_FROM),
                                               is_fixed ? request_int(request, wish->gpu_hour.amount_u) : NULL,
                                               request_int(request, wish->percent_bp), wish->sku_kind),
                                     &sales, reterr);
    for (int i = 0; kind == ERR_NONE && i < PQntuples(sales); i++) {
        const struct price_sale sale = {.sold_by = "discount",
                                        .subject = {.sku_kind = db_text(sales, i, SALE_SKU_KIND),
                                                    .sku = db_text(sales, i, SALE_SKU),
                                                    .currency = db_text(row, 0, REF_CURRENCY),
                                                    .at_s = db_text(row, 0, REF_FROM)},
                                        .tier = db_text(sales, i, SALE_TIER),
                                        .tenant_id = db_text(row, 0, REF_TENANT),
                                        .least_u = db_int(sales, i, SALE_LEAST, 0),
                                        .reason = wish->below_floor_reason};
        kind = price_floor_check(request, &sale, reterr);
    }
    return kind;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct discount *wish = request->body;
    const PGresult *row = NULL;
    enum err_kind kind =
        request_run(request, &statement_references,
                    DB_PARAMS(wish->tenant, wish->project, request_int(request, wish->valid_from)), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    check(request, wish, row);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    kind = check_floors(request, wish, row, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_fixed = wish->gpu_hour.currency != NULL;
    kind = request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, db_text(row, 0, REF_TENANT), wish->project, wish->sku_kind, wish->sku,
                                 request_int(request, wish->percent_bp),
                                 is_fixed ? request_int(request, wish->gpu_hour.amount_u) : NULL,
                                 wish->gpu_hour.currency, db_text(row, 0, REF_FROM),
                                 request_int(request, wish->valid_until), wish->reason, request->caller.principal_id),
                       NULL, reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps",
                            "a discount of the same holds at that time already");
    if (kind == ERR_NONE)
        kind = request_event(request, db_text(row, 0, REF_TENANT), NULL, "discount", request->new_id, 1,
                             "discount.created", reterr);
    return kind == ERR_NONE ? answer_object(request, response, 201, &statement_get, request->new_id, "discount", reterr)
                            : kind;
}

static enum err_kind end(struct request *request, struct response *response, struct err *reterr)
{
    static const struct version version = {
        .end = &statement_end,
        .kind = "discount",
        .event = "discount.ended",
        .refusal = "it ends earlier already, begins later, or the end is past",
    };
    enum err_kind kind = version_end(request, &version, reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_DISCOUNT
static const struct route discount_routes[] = {
    {GET,  "/v1/discounts",                 ROLES_TENANT_MONEY,   RATE_READ,  .answer = &discount_schema, .is_list = true, .run = list, .summary = "List discounts"},
    {GET,  "/v1/discounts/{id}",            ROLES_TENANT_MONEY,   RATE_READ,  .answer = &discount_schema, ONE, .run = get, .summary = "One discount"},
    {GET,  "/v1/system/discounts",          ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &discount_schema, .is_list = true, .run = list, .summary = "List discounts"},
    {GET,  "/v1/system/discounts/{id}",     ROLES_SYSTEM_READ,    RATE_READ,  .answer = &discount_schema, ONE, .run = get, .summary = "One discount"},
    {POST, "/v1/system/discounts",          ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &discount_schema, .answer = &discount_schema, .run = create, .replay = get, .problems = PROBLEMS("price_overlaps", "price_below_floor", "unknown_tenant", "unknown_project"), .summary = "Grant a discount"},
    {POST, "/v1/system/discounts/{id}/end", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &end_schema, .answer = &discount_schema, ONE, .lock = &discount_lock, .run = end, .again = get, .problems = PROBLEMS("price_overlaps"), .summary = "End a discount"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const discount_statements[] = {
    &statement_list,   &statement_get,  &statement_references, &statement_sales,
    &statement_create, &statement_lock, &statement_end,        NULL};

const struct resource discount_resource = {"discounts", discount_routes, discount_statements,
                                           "What tenants pay less: a percentage, or a fixed price."};
