/* Instance types: the shapes that are sold under a name. Every role may list them; operators make them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

struct instance_type {
    const char *id;
    const char *name;
    int64_t gpu_count;
    int64_t gpu_milli;
    struct field_list gpu_models;
    int64_t cpu_milli;
    int64_t memory_mib;
    const char *description;
    int64_t open_ended_max_percent;
    bool retired;
    int64_t created_at;
};

// clang-format off
static const struct field instance_type_fields[] = {
    FIELD_ID  ("id",          struct instance_type, id, .identity = IDENTITY_INSTANCE_TYPE, .flags = FIELD_READ_ONLY, .help = "The instance type"),
    FIELD_TEXT("name",        struct instance_type, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "h100.4x", .help = "Unique name, e.g. h100.8x"),
    FIELD_INT ("gpu_count",   struct instance_type, gpu_count, .flags = FIELD_CREATE_ONLY, .least = 0, .most = 64, .fallback = "0", .example = "4", .help = "Whole GPUs; 0 where it is a share"),
    FIELD_INT ("gpu_milli",   struct instance_type, gpu_milli, .flags = FIELD_CREATE_ONLY, .least = 0, .most = 999, .fallback = "0", .help = "Share of one GPU in thousandths; 0 where it is whole GPUs"),
    FIELD_LIST("gpu_models",  struct instance_type, gpu_models, .flags = FIELD_REQUIRED, .least = 1, .example = "[\"H100\"]", .help = "GPU models it may land on"),
    FIELD_INT ("cpu_milli",   struct instance_type, cpu_milli, .flags = FIELD_REQUIRED, .least = 0, .most = INT32_MAX, .example = "96000", .help = "CPU in thousandths of a core"),
    FIELD_INT ("memory_mib",  struct instance_type, memory_mib, .flags = FIELD_REQUIRED, .least = 0, .most = INT32_MAX, .example = "1048576", .help = "Memory in MiB"),
    FIELD_TEXT("description", struct instance_type, description, .least = 0, .most = 1000, .fallback = "", .help = "For people"),
    FIELD_INT ("open_ended_max_percent", struct instance_type, open_ended_max_percent, .flags = FIELD_NULLABLE, .least = 0, .most = 100, .help = "The share of the GPUs that it may land on, per zone, that is sold without an end; null: no cap"),
    FIELD_BOOL("retired",     struct instance_type, retired, .fallback = "false", .help = "Whether new reservations and quotes may no longer name it; what is reserved of it stays as it is"),
    FIELD_TIME("created_at",  struct instance_type, created_at, .flags = FIELD_READ_ONLY, .help = "Domain time"),
    FIELDS_END,
};
// clang-format on

static const struct schema instance_type_schema = {"InstanceType", instance_type_fields, sizeof(struct instance_type)};

struct instance_type_query {
    const char *name;
};
static const struct field instance_type_query_fields[] = {
    FIELD_TEXT("name", struct instance_type_query, name, .help = "Only the instance type of this name"),
    FIELDS_END,
};
static const struct schema instance_type_query_schema = {"InstanceTypeQuery", instance_type_query_fields,
                                                         sizeof(struct instance_type_query)};

#define INSTANCE_TYPE_COLUMNS                                                                                          \
    "id, name, gpu_count, gpu_milli, to_json(gpu_models) AS gpu_models, cpu_milli, memory_mib, description,"           \
    " open_ended_max_percent, retired, extract(epoch FROM created_at)::bigint AS created_at, revision AS "             \
    "wish_revision"

static const struct db_stmt statement_list = {
    .name = "instance_type_list",
    .sql = "SELECT " INSTANCE_TYPE_COLUMNS ", id AS page_key FROM instance_type"
           " WHERE ($1::uuid IS NULL OR id > $1::uuid) AND ($3::text IS NULL OR name = $3::text)"
           " ORDER BY id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "instance_type_get",
    .sql = "SELECT " INSTANCE_TYPE_COLUMNS " FROM instance_type WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "instance_type_create",
    .sql = "INSERT INTO instance_type (id, name, gpu_count, gpu_milli, gpu_models, cpu_milli, memory_mib, description,"
           "  open_ended_max_percent, retired)"
           " VALUES ($1::uuid, $2, $3::integer, $4::integer, $5::text[], $6::bigint, $7::bigint, $8, $9::integer,"
           "  $10::boolean)"
           " ON CONFLICT (name) DO NOTHING RETURNING " INSTANCE_TYPE_COLUMNS,
    .params = 10,
};

static const struct db_stmt statement_lock = {
    .name = "instance_type_lock",
    .sql = "SELECT " INSTANCE_TYPE_COLUMNS " FROM instance_type WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock instance_type_lock = {.stmt = &statement_lock, .noun = "instance type"};

/* Of what is made from now on: a reservation has its shape from the instant it was asked for. */
static const struct db_stmt statement_replace = {
    .name = "instance_type_replace",
    .sql = "UPDATE instance_type SET gpu_models = $2::text[], cpu_milli = $3::bigint, memory_mib = $4::bigint,"
           " description = $5, open_ended_max_percent = $6::integer, retired = $7::boolean, revision = revision + 1"
           " WHERE id = $1::uuid RETURNING " INSTANCE_TYPE_COLUMNS,
    .params = 7,
};

/* No row: something is or was reserved of it. */
static const struct db_stmt statement_delete = {
    .name = "instance_type_delete",
    .sql = "DELETE FROM instance_type t WHERE t.id = $1::uuid"
           " AND NOT EXISTS (SELECT FROM reservation r WHERE r.instance_type_id = t.id) RETURNING revision + 1",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct instance_type_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "instance type", reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct instance_type *wish = request->body;
    if ((wish->gpu_count == 0) == (wish->gpu_milli == 0)) {
        field_problem_add(&request->problems, "/gpu_count", "out_of_range",
                          "give either gpu_count (whole GPUs) or gpu_milli (a share of one), not both or none");
        return request_invalid(request, reterr);
    }
    const PGresult *result = NULL;
    enum err_kind kind = request_run(
        request, &statement_create,
        DB_PARAMS(request->new_id, wish->name, request_int(request, wish->gpu_count),
                  request_int(request, wish->gpu_milli), wish->gpu_models.array, request_int(request, wish->cpu_milli),
                  request_int(request, wish->memory_mib), wish->description,
                  request_int(request, wish->open_ended_max_percent), request_bool(wish->retired)),
        &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an instance type named '%s' exists already",
                            wish->name);
    response_object(request, response, 201, instance_type_fields, result, 0);
    request->wakes_planner = true;
    return request_event(request, NULL, NULL, "instance_type", request->new_id, 1, "instance_type.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct instance_type *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_replace,
                    DB_PARAMS(request->object, wish->gpu_models.array, request_int(request, wish->cpu_milli),
                              request_int(request, wish->memory_mib), wish->description,
                              request_int(request, wish->open_ended_max_percent), request_bool(wish->retired)),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, instance_type_fields, result, 0);
    request->wakes_planner = true;
    int64_t revision = db_int(result, 0, PQfnumber(result, "wish_revision"), 0);
    return request_event(request, NULL, NULL, "instance_type", request->object, revision, "instance_type.changed",
                         reterr);
}

static enum err_kind remove_type(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "instance_type_in_use", "reservations are or were of this type");
    response->status = 204;
    request->wakes_planner = true;
    return request_event(request, NULL, NULL, "instance_type", request->object, db_int(result, 0, 0, 0),
                         "instance_type.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_INSTANCE_TYPE
static const struct route instance_type_routes[] = {
    {GET,   "/v1/instance-types",             ROLES_EVERY,          RATE_READ,  .query = &instance_type_query_schema, .answer = &instance_type_schema, .is_list = true, .run = list, .summary = "List instance types"},
    {GET,   "/v1/instance-types/{id}",        ROLES_EVERY,          RATE_READ,  .answer = &instance_type_schema, ONE, .run = get, .summary = "One instance type"},
    {GET,   "/v1/system/instance-types",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &instance_type_query_schema, .answer = &instance_type_schema, .is_list = true, .run = list, .summary = "List instance types"},
    {GET,   "/v1/system/instance-types/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &instance_type_schema, ONE, .run = get, .summary = "One instance type"},
    {POST,  "/v1/system/instance-types",      ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &instance_type_schema, .answer = &instance_type_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make an instance type"},
    {PUT,   "/v1/system/instance-types/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &instance_type_schema, .answer = &instance_type_schema, ONE, .lock = &instance_type_lock, .run = replace, .summary = "Change an instance type for what is reserved from now on: all of it"},
    {PATCH, "/v1/system/instance-types/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &instance_type_schema, .answer = &instance_type_schema, ONE, .lock = &instance_type_lock, .run = replace, .summary = "Change an instance type for what is reserved from now on: what is given"},
    {DELETE, "/v1/system/instance-types/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &instance_type_lock, .status = 204, .run = remove_type, .problems = PROBLEMS("instance_type_in_use"), .summary = "Remove an instance type of which nothing was ever reserved"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const instance_type_statements[] = {
    &statement_list, &statement_get, &statement_create, &statement_lock, &statement_replace, &statement_delete, NULL};

const struct resource instance_type_resource = {"instance-types", instance_type_routes, instance_type_statements,
                                                "The shapes that can be reserved by name."};
