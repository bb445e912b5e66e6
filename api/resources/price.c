/* Prices: versions of what a GPU-hour, or a unit of a meter, costs. A version is immutable but for its end, which the
 * next one sets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"
#include "api/resources/price_model.h"
#include "api/resources/registry.h"
#include "api/resources/version_end.h"
#include "api/server/answer.h"
#include "common/money.h"
#include "common/price_book.h"

#include <string.h>

struct price {
    const char *id;
    const char *sku_kind;
    const char *sku;
    const char *tenant;
    const char *project;
    const char *tier;
    struct field_money gpu_hour;
    struct price_model model;
    int64_t valid_from;
    const char *corrects;
    const char *below_floor_reason;
};

#define PACKAGE_MOST_U INT64_C(1000000000000000000)

static const char *const sku_kinds[] = {"instance_type", "gpu_model", "meter", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", "any", NULL};

// clang-format off
static const struct field price_fields[] = {
    FIELD_ID   ("id",          struct price, id, .identity = IDENTITY_PRICE, .flags = FIELD_READ_ONLY, .help = "The version of the price"),
    FIELD_ENUM ("sku_kind",    struct price, sku_kind, .values = sku_kinds, .flags = FIELD_REQUIRED, .example = "instance_type", .help = "What it is a price of: an instance type, a GPU model for shapes that tenants give, or a meter"),
    FIELD_TEXT ("sku",         struct price, sku, .flags = FIELD_REQUIRED, .least = 1, .most = 64, .example = "h100.8x", .help = "Name of the instance type, GPU model or meter"),
    FIELD_TEXT ("tenant",      struct price, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant whose own price it is; null: the list price"),
    FIELD_TEXT ("project",     struct price, project, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "Name of the tenant's project whose own price it is, before the tenant's; null: of the whole tenant, or the list"),
    FIELD_ENUM ("tier",        struct price, tier, .values = tiers, .help = "Of which tier of reservations, reserved where it is left out; any: of a meter, and of nothing else"),
    FIELD_MONEY("gpu_hour",    struct price, gpu_hour, .flags = FIELD_REQUIRED, .help = "Price of a GPU-hour, or of a meter's priced unit; with tiers that of the first, of a package that of each of its units"),
    FIELD_ENUM ("model",       struct price, model.model, .values = price_models, .fallback = "flat", .help = "flat; graduated: each tier at its own price; volume: everything at the price of the tier that the total reaches; package: begun packages are paid whole. Counted per tenant, sku and billing period"),
    FIELD_ROWS ("tiers",       struct price, model.tiers, .flags = FIELD_NULLABLE, .least = 1, .most = 16, .fields = price_tier_fields, .size = PRICE_TIER_SIZE, .help = "Of graduated and volume prices: rising, the last without an end"),
    FIELD_INT  ("package_gpu_hours", struct price, model.package_gpu_hours, .flags = FIELD_NULLABLE, .least = 1, .most = 1000000, .help = "Of package prices: GPU-hours, or units of a meter, of a package"),
    FIELD_ROWS ("windows",     struct price, model.windows, .flags = FIELD_NULLABLE, .least = 1, .most = 8, .fields = price_window_fields, .size = PRICE_WINDOW_SIZE, .help = "Of flat prices: what holds at times of the local day instead; the first that fits"),
    FIELD_INT  ("minimum_s",   struct price, model.minimum_s, .fallback = "0", .least = 0, .most = 2678400, .help = "Least seconds that an instance which ran at all is charged for"),
    FIELD_TIME ("valid_from",  struct price, valid_from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive; null: now. A price that begins in the past, where none of the same subject held, has the days since then rated again: what is in a closed billing period is corrected in the open one"),
    FIELD_ID   ("corrects",    struct price, corrects, .identity = IDENTITY_PRICE, .flags = FIELD_NULLABLE, .help = "The version that it replaces for all of its validity, of the same subject: what was rated by that is rated again; null: none"),
    PRICE_FLOOR_REASON(struct price, below_floor_reason),
    FIELD_COLUMN_WITH("withdrawn_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When a correction took its place; null: it holds"),
    FIELD_COLUMN_WITH("valid_until", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time, exclusive; null: until the next version"),
    FIELDS_END,
};
// clang-format on

static const struct schema price_end_schema = {"PriceEnd", version_end_fields, sizeof(struct version_end)};

static const struct schema price_schema = {"Price", price_fields, sizeof(struct price)};

struct price_query {
    const char *sku_kind;
    const char *sku;
    const char *tenant;
};
static const struct field price_query_fields[] = {
    FIELD_ENUM("sku_kind", struct price_query, sku_kind, .values = sku_kinds, .help = "Only prices of this kind"),
    FIELD_TEXT("sku", struct price_query, sku, .help = "Only prices of this instance type, GPU model or meter"),
    FIELD_TEXT("tenant", struct price_query, tenant, .help = "Only the tenant of this name's own prices"),
    FIELDS_END,
};
static const struct schema price_query_schema = {"PriceQuery", price_query_fields, sizeof(struct price_query)};

#define PRICE_SELECT                                                                                                   \
    "SELECT p.id, p.sku_kind, p.sku, t.name AS tenant, p.project, p.tier, p.gpu_hour_u AS \"gpu_hour.amount_u\","      \
    " " PRICE_MODEL_COLUMNS ", p.corrects, extract(epoch FROM p.withdrawn_at)::bigint AS withdrawn_at,"                \
    " p.currency AS \"gpu_hour.currency\", extract(epoch FROM lower(p.valid))::bigint AS valid_from,"                  \
    " extract(epoch FROM upper(p.valid))::bigint AS valid_until, p.id AS page_key,"                                    \
    " " VERSION_REVISION("p") ", CASE WHEN p.withdrawn_at IS NULL THEN 0 ELSE 1 END AS status_revision"                \
                              " FROM price p LEFT JOIN tenant t ON t.id = p.tenant_id"

static const struct db_stmt statement_list = {
    .name = "price_list",
    .sql = PRICE_SELECT " WHERE ($1::uuid IS NULL OR p.id > $1::uuid) AND ($3::text IS NULL OR p.sku_kind = $3::text)"
                        " AND ($4::text IS NULL OR p.sku = $4::text) AND ($5::text IS NULL OR t.name = $5::text)"
                        " ORDER BY p.id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get = {
    .name = "price_get",
    .sql = PRICE_SELECT " WHERE p.id = $1::uuid",
    .params = 1,
};

/* What the wish names. A meter that is retired takes a price of the time before, and corrections. */
static const struct db_stmt statement_references = {
    .name = "price_references",
    .sql = "SELECT (SELECT id FROM tenant WHERE name = $1),"
           " EXISTS (SELECT FROM instance_type WHERE name = $2),"
           " EXISTS (SELECT FROM meter WHERE name = $2"
           "  AND (retired_at IS NULL OR $5::boolean OR to_timestamp($3::bigint) < retired_at)),"
           " coalesce($3::bigint, extract(epoch FROM sluice_now())::bigint),"
           " $4::text IS NULL OR EXISTS (SELECT FROM project p JOIN tenant t ON t.id = p.tenant_id"
           "  WHERE t.name = $1 AND p.name = $4::text)",
    .params = 5,
};

enum { REF_TENANT, REF_HAS_TYPE, REF_HAS_METER, REF_FROM, REF_HAS_PROJECT };

/* An end in the past would change what was already sold: then the versions overlap, and the insert says so. */
static const struct db_stmt statement_close = {
    .name = "price_close",
    .sql =
        "UPDATE price SET valid = tstzrange(lower(valid), to_timestamp($6::bigint))"
        " WHERE sku_kind = $1 AND sku = $2 AND tier = $3 AND currency = $4 AND tenant_id IS NOT DISTINCT FROM $5::uuid"
        " AND project IS NOT DISTINCT FROM $7::text AND withdrawn_at IS NULL AND upper_inf(valid) AND lower(valid) < "
        "to_timestamp($6::bigint)"
        " AND to_timestamp($6::bigint) >= sluice_now() RETURNING id",
    .params = 7,
};

static const struct db_stmt statement_create = {
    .name = "price_create",
    .sql = "INSERT INTO price (id, sku_kind, sku, tier, currency, tenant_id, project, valid, gpu_hour_u, created_by,"
           "  model, tiers, package_gpu_hours, windows, minimum_s, corrects)"
           " VALUES ($1::uuid, $2, $3, $4, $5, $6::uuid, $7, coalesce((SELECT valid FROM price WHERE id = $16::uuid),"
           "   tstzrange(to_timestamp($8::bigint), NULL)), $9::bigint, $10::uuid, $11, $12::jsonb, $13::bigint,"
           "  $14::jsonb, $15::integer, $16::uuid)",
    .params = 16,
};

/* Takes a version out, for a correction of the same subject. */
static const struct db_stmt statement_withdraw = {
    .name = "price_withdraw",
    .sql = "UPDATE price SET withdrawn_at = sluice_now() WHERE id = $1::uuid AND withdrawn_at IS NULL AND sku_kind = $2"
           " AND sku = $3 AND tier = $4 AND currency = $5 AND tenant_id IS NOT DISTINCT FROM $6::uuid"
           " AND project IS NOT DISTINCT FROM $7::text RETURNING id",
    .params = 7,
};

static const struct db_stmt statement_lock = {
    .name = "price_lock",
    .sql = "SELECT " VERSION_REVISION("p") " FROM price p WHERE p.id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock price_lock = {.stmt = &statement_lock, .noun = "price"};

/* An end is not in the past: that would change what was already sold. */
static const struct db_stmt statement_end = {
    .name = "price_end",
    .sql = "UPDATE price SET valid = tstzrange(lower(valid), coalesce(to_timestamp($2::bigint), sluice_now()))"
           " WHERE id = $1::uuid AND withdrawn_at IS NULL AND upper_inf(valid)"
           "  AND coalesce(to_timestamp($2::bigint), sluice_now()) > lower(valid)"
           "  AND coalesce(to_timestamp($2::bigint), sluice_now()) >= date_trunc('second', sluice_now())"
           " RETURNING tenant_id",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct price_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->sku_kind, query->sku, query->tenant),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "price", reterr);
}

static bool is_of_meter(const struct price *wish)
{
    return strcmp(wish->sku_kind, SKU_METER) == 0;
}

static const char *tier_of(const struct price *wish)
{
    if (wish->tier != NULL)
        return wish->tier;
    return is_of_meter(wish) ? SKU_ANY_TIER : "reserved";
}

/* So that what a reading, a package or a small reservation comes to fits an amount. The books hold what does not by
 * its own (docs/money.md): here a slip of the pen is told to who made it. */
static void check_most(struct request *request, const struct price *wish)
{
    int64_t most_u = price_model_most_u(&wish->model, wish->gpu_hour.amount_u);
    int64_t package = wish->model.package_gpu_hours == FIELD_NULL ? 1 : wish->model.package_gpu_hours;
    if (most_u > PRICE_MOST_U)
        field_problem_add(&request->problems, "/gpu_hour/amount", "out_of_range",
                          "a GPU-hour or a meter's unit costs at most a hundred million, in every tier and window");
    else if (most_u > PACKAGE_MOST_U / package)
        field_problem_add(&request->problems, "/package_gpu_hours", "out_of_range",
                          "a package costs at most a trillion");
}

/* A reading has neither a tier nor a time of the day, and there is nothing that it lasts at least. */
static void check_kind(struct request *request, const struct price *wish)
{
    bool is_any = strcmp(tier_of(wish), SKU_ANY_TIER) == 0;
    if (is_any != is_of_meter(wish))
        field_problem_add(&request->problems, "/tier", "out_of_range", "is any of a meter, and of nothing else");
    if (is_of_meter(wish) && wish->model.windows.count > 0)
        field_problem_add(&request->problems, "/windows", "out_of_range", "prices of meters have none");
    if (is_of_meter(wish) && wish->model.minimum_s > 0)
        field_problem_add(&request->problems, "/minimum_s", "out_of_range", "prices of meters have none");
}

struct price_references {
    const char *tenant_id; /* NULL: the list price */
    const char *from;      /* seconds, as text */
};

static enum err_kind find_references(struct request *request, const struct price *wish, struct price_references *ret,
                                     struct err *reterr)
{
    struct err err = {0};
    int exponent = 0;
    if (money_exponent(wish->gpu_hour.currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/gpu_hour/currency", "out_of_range", "%s", err.text);
    if (wish->gpu_hour.amount_u < 0)
        field_problem_add(&request->problems, "/gpu_hour/amount", "out_of_range", "must not be negative");
    check_most(request, wish);
    check_kind(request, wish);
    price_model_check(request, &wish->model, wish->gpu_hour.amount_u);
    if (wish->corrects != NULL && wish->valid_from != FIELD_NULL)
        field_problem_add(&request->problems, "/valid_from", "out_of_range",
                          "a correction is valid as what it corrects");
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_references,
                                     DB_PARAMS(wish->tenant, wish->sku, request_int(request, wish->valid_from),
                                               wish->project, wish->corrects != NULL ? "t" : "f"),
                                     &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    ret->tenant_id = db_text(result, 0, REF_TENANT);
    ret->from = db_text(result, 0, REF_FROM);
    if (wish->project != NULL && (ret->tenant_id == NULL || !db_bool(result, 0, REF_HAS_PROJECT)))
        field_problem_add(&request->problems, "/project", "unknown_project", "the tenant has no such project");
    if (wish->tenant != NULL && ret->tenant_id == NULL)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    if (strcmp(wish->sku_kind, "instance_type") == 0 && !db_bool(result, 0, REF_HAS_TYPE))
        field_problem_add(&request->problems, "/sku", "unknown_instance_type", "there is no instance type '%s'",
                          wish->sku);
    if (is_of_meter(wish) && !db_bool(result, 0, REF_HAS_METER))
        field_problem_add(&request->problems, "/sku", "unknown_meter", "there is no meter '%s', or it is retired",
                          wish->sku);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind check_floor(struct request *request, const struct price *wish,
                                 const struct price_references *references, struct err *reterr)
{
    const struct price_sale sale = {.sold_by = "price",
                                    .subject = {.sku_kind = wish->sku_kind,
                                                .sku = wish->sku,
                                                .currency = wish->gpu_hour.currency,
                                                .at_s = references->from},
                                    .tier = tier_of(wish),
                                    .tenant_id = references->tenant_id,
                                    .least_u = price_model_least_u(&wish->model, wish->gpu_hour.amount_u),
                                    .reason = wish->below_floor_reason};
    return price_floor_check(request, &sale, reterr);
}

static enum err_kind close_open_version(struct request *request, const struct price *wish,
                                        const struct price_references *references, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_close,
                                     DB_PARAMS(wish->sku_kind, wish->sku, tier_of(wish), wish->gpu_hour.currency,
                                               references->tenant_id, references->from, wish->project),
                                     &result, reterr);
    if (kind != ERR_NONE || PQntuples(result) == 0)
        return kind;
    return request_event(request, references->tenant_id, NULL, "price", db_text(result, 0, 0), 2, "price.changed",
                         reterr);
}

/* A correction takes the place of what it corrects, any other version comes after the open one. */
static enum err_kind make_room(struct request *request, const struct price *wish,
                               const struct price_references *references, struct err *reterr)
{
    if (wish->corrects == NULL)
        return close_open_version(request, wish, references, reterr);
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_withdraw,
                                     DB_PARAMS(wish->corrects, wish->sku_kind, wish->sku, tier_of(wish),
                                               wish->gpu_hour.currency, references->tenant_id, wish->project),
                                     &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps",
                            "there is no such version of the same subject, or it was withdrawn already");
    return request_event(request, references->tenant_id, NULL, "price", wish->corrects, 2, "price.withdrawn", reterr);
}

static enum err_kind insert(struct request *request, const struct price *wish,
                            const struct price_references *references, struct err *reterr)
{
    const struct price_model *model = &wish->model;
    return request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, wish->sku_kind, wish->sku, tier_of(wish), wish->gpu_hour.currency,
                                 references->tenant_id, wish->project, references->from,
                                 request_int(request, wish->gpu_hour.amount_u), request->caller.principal_id,
                                 model->model, price_model_tiers(request, model),
                                 request_int(request, model->package_gpu_hours), price_model_windows(request, model),
                                 request_int(request, model->minimum_s), wish->corrects),
                       NULL, reterr);
}

static enum err_kind end(struct request *request, struct response *response, struct err *reterr)
{
    static const struct version version = {
        .end = &statement_end,
        .kind = "price",
        .event = "price.changed",
        .refusal = "it has an end already, or that end is past",
    };
    enum err_kind kind = version_end(request, &version, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->wakes_planner = true;
    return get(request, response, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct price *wish = request->body;
    struct price_references references = {0};
    enum err_kind kind = find_references(request, wish, &references, reterr);
    if (kind == ERR_NONE)
        kind = check_floor(request, wish, &references, reterr);
    if (kind == ERR_NONE)
        kind = make_room(request, wish, &references, reterr);
    if (kind == ERR_NONE)
        kind = insert(request, wish, &references, reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps",
                            "the price of '%s' has a version at or after this start already, or the start is past",
                            wish->sku);
    if (kind != ERR_NONE)
        return kind;
    request->wakes_planner = true;
    kind = request_event(request, references.tenant_id, NULL, "price", request->new_id, 1, "price.created", reterr);
    return kind == ERR_NONE ? answer_object(request, response, 201, &statement_get, request->new_id, "price", reterr)
                            : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PRICE
static const struct route price_routes[] = {
    {GET,  "/v1/prices",             ROLES_EVERY,          RATE_READ,  .query = &price_query_schema, .answer = &price_schema, .is_list = true, .run = list, .summary = "List prices: a tenant sees the list prices and its own"},
    {GET,  "/v1/prices/{id}",        ROLES_EVERY,          RATE_READ,  .answer = &price_schema, ONE, .run = get, .summary = "One version of a price"},
    {GET,  "/v1/system/prices",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &price_query_schema, .answer = &price_schema, .is_list = true, .run = list, .summary = "List prices"},
    {GET,  "/v1/system/prices/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &price_schema, ONE, .run = get, .summary = "One version of a price"},
    {POST, "/v1/system/prices",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &price_schema, .answer = &price_schema, .run = create, .replay = get, .problems = PROBLEMS("price_overlaps", "price_below_floor", "unknown_tenant", "unknown_project", "unknown_instance_type", "unknown_meter"), .summary = "Make a version of a price, which ends the open one, or corrects one"},
    {POST, "/v1/system/prices/{id}/end", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &price_end_schema, .answer = &price_schema, ONE, .lock = &price_lock, .run = end, .again = get, .problems = PROBLEMS("price_overlaps"), .summary = "End a version of a price without another"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const price_statements[] = {&statement_list,  &statement_get,    &statement_references,
                                                         &statement_close, &statement_create, &statement_withdraw,
                                                         &statement_lock,  &statement_end,    NULL};

const struct resource price_resource = {"prices", price_routes, price_statements,
                                        "What a GPU-hour, or a unit of a meter, costs, in versions over time."};
