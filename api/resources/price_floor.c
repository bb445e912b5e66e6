/* Price floors: the policy of each instance type or GPU model, in versions over time, and what was sold below it for a
 * reason. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"
#include "api/resources/registry.h"
#include "api/resources/version_end.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"
#include "common/money.h"

struct floor_wish {
    const char *id, *instance_type, *gpu_model, *currency, *mode;
    int64_t margin_bp, utilisation_bp, valid_from;
};

static const char *const modes[] = {"off", "warn", "require", NULL};
static const char *const sellers[] = {"price", "discount", "commitment", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};

// clang-format off
static const struct field floor_fields[] = {
    FIELD_ID  ("id",             struct floor_wish, id, .identity = IDENTITY_PRICE_FLOOR, .flags = FIELD_READ_ONLY, .help = "The version of the policy"),
    FIELD_TEXT("instance_type",  struct floor_wish, instance_type, .flags = FIELD_NULLABLE, .least = 1, .most = 64, .example = "h100.8x", .help = "Name of the instance type"),
    FIELD_TEXT("gpu_model",      struct floor_wish, gpu_model, .flags = FIELD_NULLABLE, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .help = "Or the GPU model, for shapes that tenants give"),
    FIELD_TEXT("currency",       struct floor_wish, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Costs and prices of this currency"),
    FIELD_ENUM("mode",           struct floor_wish, mode, .values = modes, .flags = FIELD_REQUIRED, .example = "require", .help = "What happens to a price, a discount or a commitment below the floor. off: nothing; warn: its preview tells; require: it is refused unless below_floor_reason says why"),
    FIELD_INT ("margin_bp",      struct floor_wish, margin_bp, .least = 0, .most = 9999, .fallback = "2000", .help = "Share of the price that is to be left over its cost, in basis points"),
    FIELD_INT ("utilisation_bp", struct floor_wish, utilisation_bp, .least = 1, .most = 10000, .fallback = "7500", .help = "Share of all GPU-hours that is sold, in basis points, which the fixed cost is spread over"),
    FIELD_TIME("valid_from",     struct floor_wish, valid_from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive; null: now"),
    FIELD_COLUMN_WITH("valid_until", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time, exclusive; null: until the next version"),
    FIELDS_END,
};

struct floor_query {
    const char *instance_type, *gpu_model;
};
static const struct field query_fields[] = {
    FIELD_TEXT("instance_type", struct floor_query, instance_type, .help = "Only those of the instance type of this name"),
    FIELD_TEXT("gpu_model", struct floor_query, gpu_model, .help = "Only those of this GPU model"),
    FIELDS_END,
};

static const struct field override_fields[] = {
    FIELD_COLUMN("id",            FIELD_TYPE_ID, .identity = IDENTITY_PRICE_FLOOR_OVERRIDE, .help = "The override"),
    FIELD_COLUMN("price_floor",   FIELD_TYPE_ID, .identity = IDENTITY_PRICE_FLOOR, .help = "The version of the policy"),
    FIELD_COLUMN_WITH("instance_type", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Of which instance type; or"),
    FIELD_COLUMN_WITH("gpu_model", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Of which GPU model"),
    FIELD_COLUMN("tier",          FIELD_TYPE_ENUM, .values = tiers, .help = "And which tier"),
    FIELD_COLUMN("sold_by",       FIELD_TYPE_ENUM, .values = sellers, .help = "By what"),
    FIELD_COLUMN_WITH("price",      FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_PRICE, .help = "The price; null: it is none"),
    FIELD_COLUMN_WITH("discount",   FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_DISCOUNT, .help = "The discount; null: it is none"),
    FIELD_COLUMN_WITH("commitment", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_COMMITMENT, .help = "The commitment; null: it is none"),
    FIELD_COLUMN_WITH("tenant",   FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "To whom; null: to everybody"),
    FIELD_COLUMN("gpu_hour",      FIELD_TYPE_MONEY, .help = "The least that a GPU-hour costs by it"),
    FIELD_COLUMN("floor",         FIELD_TYPE_MONEY, .help = "The floor at that time"),
    FIELD_COLUMN("reason",        FIELD_TYPE_TEXT, .help = "Why"),
    FIELD_COLUMN("made_by",       FIELD_TYPE_ID, .identity = IDENTITY_PRINCIPAL, .help = "Who said so"),
    FIELD_COLUMN("made_at",       FIELD_TYPE_TIME, .help = "Domain time"),
    FIELDS_END,
};
// clang-format on

static const struct schema floor_schema = {"PriceFloor", floor_fields, sizeof(struct floor_wish)};
static const struct schema end_schema = {"PriceFloorEnd", version_end_fields, sizeof(struct version_end)};
static const struct schema query_schema = {"PriceFloorQuery", query_fields, sizeof(struct floor_query)};
static const struct schema override_schema = {"PriceFloorOverride", override_fields, 0};

#define FLOOR_SELECT                                                                                                   \
    "SELECT f.id, f.instance_type, f.gpu_model, f.currency, f.mode, f.margin_bp, f.utilisation_bp,"                    \
    " extract(epoch FROM lower(f.valid))::bigint AS valid_from,"                                                       \
    " extract(epoch FROM upper(f.valid))::bigint AS valid_until, f.id AS page_key, " VERSION_REVISION(                 \
        "f") " FROM price_floor f"

static const struct db_stmt statement_list = {
    .name = "price_floor_list",
    .sql =
        FLOOR_SELECT " WHERE ($1::uuid IS NULL OR f.id > $1::uuid) AND ($3::text IS NULL OR f.instance_type = $3::text)"
                     " AND ($4::text IS NULL OR f.gpu_model = $4::text) ORDER BY f.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "price_floor_get",
    .sql = FLOOR_SELECT " WHERE f.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_references = {
    .name = "price_floor_references",
    .sql = "SELECT $1::text IS NULL OR EXISTS (SELECT FROM instance_type WHERE name = $1::text),"
           " coalesce($2::bigint, extract(epoch FROM sluice_now())::bigint),"
           " $3::text IS NULL OR EXISTS (SELECT FROM node WHERE gpu_model = $3::text)",
    .params = 3,
};

/* An end in the past would change what already held: then the versions overlap, and the insert says so. */
static const struct db_stmt statement_close = {
    .name = "price_floor_close",
    .sql = "UPDATE price_floor SET valid = tstzrange(lower(valid), to_timestamp($3::bigint))"
           " WHERE instance_type IS NOT DISTINCT FROM $1::text AND gpu_model IS NOT DISTINCT FROM $4::text"
           "  AND currency = $2 AND upper_inf(valid) AND lower(valid) < to_timestamp($3::bigint)"
           "  AND to_timestamp($3::bigint) >= date_trunc('second', sluice_now()) RETURNING id",
    .params = 4,
};

static const struct db_stmt statement_create = {
    .name = "price_floor_create",
    .sql =
        "INSERT INTO price_floor (id, instance_type, currency, mode, margin_bp, utilisation_bp, valid, created_by,"
        "  gpu_model)"
        " VALUES ($1::uuid, $2, $3, $4, $5::integer, $6::integer, tstzrange(to_timestamp($7::bigint), NULL), $8::uuid,"
        "  $9)",
    .params = 9,
};

static const struct db_stmt statement_lock = {
    .name = "price_floor_lock",
    .sql = "SELECT " VERSION_REVISION("f") " FROM price_floor f WHERE f.id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock price_floor_lock = {.stmt = &statement_lock, .noun = "price floor"};

static const struct db_stmt statement_end = {
    .name = "price_floor_end",
    .sql =
        "UPDATE price_floor SET valid = tstzrange(lower(valid), coalesce(to_timestamp($2::bigint), sluice_now()))"
        " WHERE id = $1::uuid AND upper_inf(valid) AND coalesce(to_timestamp($2::bigint), sluice_now()) > lower(valid)"
        "  AND coalesce(to_timestamp($2::bigint), sluice_now()) >= date_trunc('second', sluice_now()) RETURNING NULL",
    .params = 2,
};

static const struct db_stmt statement_overrides = {
    .name = "price_floor_override_list",
    .sql = "SELECT o.id, o.price_floor_id AS price_floor, f.instance_type, f.gpu_model, o.tier, o.sold_by,"
           " CASE o.sold_by WHEN 'price' THEN o.object_id END AS price,"
           " CASE o.sold_by WHEN 'discount' THEN o.object_id END AS discount,"
           " CASE o.sold_by WHEN 'commitment' THEN o.object_id END AS commitment, t.name AS tenant,"
           " o.gpu_hour_u AS \"gpu_hour.amount_u\", f.currency AS \"gpu_hour.currency\","
           " o.floor_u AS \"floor.amount_u\", f.currency AS \"floor.currency\", o.reason, o.created_by AS made_by,"
           " extract(epoch FROM o.created_at)::bigint AS made_at, o.id AS page_key"
           " FROM price_floor_override o JOIN price_floor f ON f.id = o.price_floor_id"
           " LEFT JOIN tenant t ON t.id = o.tenant_id"
           " WHERE ($1::uuid IS NULL OR o.id > $1::uuid) AND ($3::text IS NULL OR f.instance_type = $3::text)"
           " AND ($4::text IS NULL OR f.gpu_model = $4::text)"
           " ORDER BY o.id LIMIT $2::bigint",
    .params = 4,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct floor_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->instance_type, query->gpu_model), reterr);
}

static enum err_kind list_overrides(struct request *request, struct response *response, struct err *reterr)
{
    const struct floor_query *query = request->query;
    return answer_page(request, response, &statement_overrides, DB_PARAMS(query->instance_type, query->gpu_model),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "price floor", reterr);
}

/* Checks the wish and finds where it begins, in seconds as text. */
static enum err_kind find_references(struct request *request, const struct floor_wish *wish, const char **ret_from,
                                     struct err *reterr)
{
    struct err err = {0};
    int exponent = 0;
    const PGresult *row = NULL;
    if (money_exponent(wish->currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/currency", "out_of_range", "%s", err.text);
    enum err_kind kind = request_run(
        request, &statement_references,
        DB_PARAMS(wish->instance_type, request_int(request, wish->valid_from), wish->gpu_model), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_from = db_text(row, 0, 1);
    if (!db_bool(row, 0, 0))
        field_problem_add(&request->problems, "/instance_type", "unknown_instance_type",
                          "there is no instance type '%s'", wish->instance_type);
    if (!db_bool(row, 0, 2))
        field_problem_add(&request->problems, "/gpu_model", "unknown_gpu_model", "no node has GPUs of the model '%s'",
                          wish->gpu_model);
    if ((wish->instance_type == NULL) == (wish->gpu_model == NULL))
        field_problem_add(&request->problems, "/gpu_model", "out_of_range", "give it, or instance_type");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind replace(struct request *request, const struct floor_wish *wish, const char *from,
                             struct err *reterr)
{
    const PGresult *closed = NULL;
    enum err_kind kind =
        request_run(request, &statement_close, DB_PARAMS(wish->instance_type, wish->currency, from, wish->gpu_model),
                    &closed, reterr);
    if (kind == ERR_NONE && PQntuples(closed) > 0)
        kind = request_event(request, NULL, NULL, "price_floor", db_text(closed, 0, 0), 2, "price_floor.ended", reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, wish->instance_type, wish->currency, wish->mode,
                                     request_int(request, wish->margin_bp), request_int(request, wish->utilisation_bp),
                                     from, request->caller.principal_id, wish->gpu_model),
                           NULL, reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps",
                            "the floor of '%s' has a version at or after this start already, or the start is past",
                            wish->instance_type != NULL ? wish->instance_type : wish->gpu_model);
    return kind;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const char *from = NULL;
    enum err_kind kind = find_references(request, request->body, &from, reterr);
    if (kind == ERR_NONE)
        kind = replace(request, request->body, from, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, NULL, NULL, "price_floor", request->new_id, 1, "price_floor.created", reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "price floor", reterr)
               : kind;
}

static enum err_kind end(struct request *request, struct response *response, struct err *reterr)
{
    static const struct version version = {
        .end = &statement_end,
        .kind = "price_floor",
        .event = "price_floor.ended",
        .refusal = "it has an end already, or that end is past",
    };
    enum err_kind kind = version_end(request, &version, reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PRICE_FLOOR
static const struct route price_floor_routes[] = {
    {GET,  "/v1/system/price-floors",          ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &floor_schema, .is_list = true, .run = list, .summary = "List price floors"},
    {GET,  "/v1/system/price-floors/{id}",     ROLES_SYSTEM_READ,    RATE_READ,  .answer = &floor_schema, ONE, .run = get, .summary = "One version of a price floor"},
    {POST, "/v1/system/price-floors",          ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &floor_schema, .answer = &floor_schema, .run = create, .replay = get, .problems = PROBLEMS("price_overlaps", "unknown_instance_type", "unknown_gpu_model"), .summary = "Make a version of a price floor, which ends the open one"},
    {POST, "/v1/system/price-floors/{id}/end", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &end_schema, .answer = &floor_schema, ONE, .lock = &price_floor_lock, .run = end, .again = get, .problems = PROBLEMS("price_overlaps"), .summary = "End a price floor without another"},
    {GET,  "/v1/system/price-floor-overrides", ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &override_schema, .is_list = true, .run = list_overrides, .summary = "List what was sold below a floor, with the reason and who gave it"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const price_floor_statements[] = {
    &statement_list,  &statement_get,       &statement_references,
    &statement_close, &statement_create,    &statement_lock,
    &statement_end,   &statement_overrides, NULL};

const struct resource price_floor_resource = {
    "price-floors", price_floor_routes, price_floor_statements,
    "What an instance type or a GPU model must at least be sold for, and what was sold for "
    "less."};
