/* Quotas as operators set them: what a tenant, or one of its projects, may hold of a zone. One per tenant, zone,
 * project and GPU model; the zone's planner keeps it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"

#define PEAK_MAX_MILLI  INT64_C(1000000000000)
#define MONTH_MAX_HOURS INT64_C(1000000000)

struct quota {
    const char *id, *tenant, *zone, *project, *gpu_model;
    int64_t peak_gpu_milli, month_gpu_hours;
    int64_t changed_at;
};

struct quota_query {
    const char *tenant, *zone, *project;
};

// clang-format off
static const struct field quota_fields[] = {
    FIELD_ID  ("id",              struct quota, id, .identity = IDENTITY_QUOTA, .flags = FIELD_READ_ONLY, .help = "The quota"),
    FIELD_TEXT("tenant",          struct quota, tenant, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 63, .example = "acme", .help = "Whom it is about, by name"),
    FIELD_TEXT("zone",            struct quota, zone, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 63, .example = "us-east-1a", .help = "The zone it is about, by name"),
    FIELD_TEXT("project",         struct quota, project, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .least = 1, .most = 63, .help = "The project it is about; null: the tenant as a whole"),
    FIELD_TEXT("gpu_model",       struct quota, gpu_model, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .example = "H100", .help = "The GPU model it is about; null: any"),
    FIELD_INT ("peak_gpu_milli",  struct quota, peak_gpu_milli, .flags = FIELD_NULLABLE, .least = 0, .most = PEAK_MAX_MILLI, .example = "16000", .help = "Most GPUs held at one instant, in thousandths; null: no such limit"),
    FIELD_INT ("month_gpu_hours", struct quota, month_gpu_hours, .flags = FIELD_NULLABLE, .least = 0, .most = MONTH_MAX_HOURS, .help = "Most GPU-hours held in one calendar month (UTC); null: no such limit"),
    FIELD_TIME("changed_at",      struct quota, changed_at, .flags = FIELD_READ_ONLY, .help = "When it was set last"),
    FIELDS_END,
};

static const struct field query_fields[] = {
    FIELD_TEXT("tenant",  struct quota_query, tenant, .help = "Only those of the tenant of this name"),
    FIELD_TEXT("zone",    struct quota_query, zone, .help = "Only those in the zone of this name"),
    FIELD_TEXT("project", struct quota_query, project, .help = "Only those of projects of this name"),
    FIELDS_END,
};
// clang-format on

static const struct schema quota_schema = {"Quota", quota_fields, sizeof(struct quota)};
static const struct schema query_schema = {"QuotaQuery", query_fields, sizeof(struct quota_query)};

/* ---- Statements ---- */

#define QUOTA_COLUMNS                                                                                                  \
    "q.id, w.name AS tenant, z.name AS zone, q.project, q.gpu_model, q.peak_gpu_milli, q.month_gpu_hours,"             \
    " extract(epoch FROM q.changed_at)::bigint AS changed_at, q.revision AS wish_revision, q.tenant_id, q.zone_id"
#define QUOTA_JOINS " JOIN tenant w ON w.id = q.tenant_id JOIN zone z ON z.id = q.zone_id"

static const struct db_stmt statement_list = {
    .name = "system_quota_list",
    .sql = "SELECT " QUOTA_COLUMNS ", q.id AS page_key FROM quota q" QUOTA_JOINS
           " WHERE ($1::uuid IS NULL OR q.id > $1::uuid) AND ($3::text IS NULL OR w.name = $3::text)"
           "   AND ($4::text IS NULL OR z.name = $4::text) AND ($5::text IS NULL OR q.project = $5::text)"
           " ORDER BY q.id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get = {
    .name = "system_quota_get",
    .sql = "SELECT " QUOTA_COLUMNS " FROM quota q" QUOTA_JOINS " WHERE q.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "system_quota_lock",
    .sql = "SELECT " QUOTA_COLUMNS " FROM quota q" QUOTA_JOINS " WHERE q.id = $1::uuid FOR UPDATE OF q",
    .params = 1,
};
static const struct object_lock quota_lock = {.stmt = &statement_lock, .noun = "quota"};

/* What the names of a new one mean. */
static const struct db_stmt statement_find = {
    .name = "system_quota_find",
    .sql = "SELECT w.id, z.id, $3::text IS NULL OR EXISTS (SELECT FROM node n WHERE n.zone_id = z.id"
           "                                                  AND n.gpu_model = $3::text),"
           " $4::text IS NULL OR EXISTS (SELECT FROM project p WHERE p.tenant_id = w.id AND p.name = $4::text)"
           " FROM (SELECT 1) one LEFT JOIN tenant w ON w.name = $1 AND w.status <> 'closed'"
           " LEFT JOIN zone z ON z.name = $2",
    .params = 4,
};

static const struct db_stmt statement_create = {
    .name = "system_quota_create",
    .sql = "INSERT INTO quota (id, tenant_id, zone_id, project, gpu_model, peak_gpu_milli, month_gpu_hours)"
           " VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5, $6::bigint, $7::bigint)"
           " ON CONFLICT ON CONSTRAINT quota_subject DO NOTHING RETURNING 1",
    .params = 7,
};

static const struct db_stmt statement_replace = {
    .name = "system_quota_replace",
    .sql = "UPDATE quota SET peak_gpu_milli = $2::bigint, month_gpu_hours = $3::bigint, revision = revision + 1,"
           " changed_at = sluice_now() WHERE id = $1::uuid",
    .params = 3,
};

static const struct db_stmt statement_delete = {
    .name = "system_quota_delete",
    .sql = "DELETE FROM quota WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt *const statements[] = {
    &statement_list,   &statement_get,     &statement_lock,   &statement_find,
    &statement_create, &statement_replace, &statement_delete, NULL};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct quota_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->tenant, query->zone, query->project),
                       reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "quota", reterr);
}

/* The zone reads its quotas anew before it decides what comes with this event or later. */
static enum err_kind tell(struct request *request, const char *tenant_id, const char *zone_id, const char *id,
                          int64_t revision, const char *kind, struct err *reterr)
{
    request->wakes_planner = true;
    return request_event(request, tenant_id, zone_id, "quota", id, revision, kind, reterr);
}

static enum err_kind tell_locked(struct request *request, const char *kind, struct err *reterr)
{
    const PGresult *row = request->locked;
    return tell(request, db_text(row, 0, PQfnumber(row, "tenant_id")), db_text(row, 0, PQfnumber(row, "zone_id")),
                request->object, db_int(row, 0, PQfnumber(row, "wish_revision"), 0) + 1, kind, reterr);
}

static void check_limits(struct request *request, const struct quota *wish)
{
    if (wish->peak_gpu_milli == FIELD_NULL && wish->month_gpu_hours == FIELD_NULL)
        field_problem_add(&request->problems, "/peak_gpu_milli", "missing_field",
                          "give peak_gpu_milli, month_gpu_hours, or both");
}

/* The ids of tenant and zone. */
static enum err_kind find(struct request *request, const struct quota *wish, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind = request_run(request, &statement_find,
                                     DB_PARAMS(wish->tenant, wish->zone, wish->gpu_model, wish->project), ret, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool has_tenant = db_text(*ret, 0, 0) != NULL;
    bool has_zone = db_text(*ret, 0, 1) != NULL;
    if (!has_tenant)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    else if (!db_bool(*ret, 0, 3))
        field_problem_add(&request->problems, "/project", "unknown_project", "the tenant has no project '%s'",
                          wish->project);
    if (!has_zone)
        field_problem_add(&request->problems, "/zone", "unknown_zone", "there is no zone '%s'", wish->zone);
    else if (!db_bool(*ret, 0, 2))
        field_problem_add(&request->problems, "/gpu_model", "unknown_gpu_model", "the zone has no GPU of this model");
    check_limits(request, wish);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct quota *wish = request->body;
    const PGresult *found = NULL;
    const PGresult *made = NULL;
    enum err_kind kind = find(request, wish, &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *tenant_id = db_text(found, 0, 0);
    const char *zone_id = db_text(found, 0, 1);
    kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, tenant_id, zone_id, wish->project, wish->gpu_model,
                              request_int(request, wish->peak_gpu_milli), request_int(request, wish->month_gpu_hours)),
                    &made, reterr);
    if (kind == ERR_NONE && PQntuples(made) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "quota_exists",
                            "there is a quota of this tenant, project and GPU model in the zone: change that");
    if (kind == ERR_NONE)
        kind = answer_object(request, response, 201, &statement_get, request->new_id, "quota", reterr);
    return kind == ERR_NONE ? tell(request, tenant_id, zone_id, request->new_id, 1, "quota.set", reterr) : kind;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct quota *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    check_limits(request, wish);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    enum err_kind kind = request_run(request, &statement_replace,
                                     DB_PARAMS(request->object, request_int(request, wish->peak_gpu_milli),
                                               request_int(request, wish->month_gpu_hours)),
                                     NULL, reterr);
    if (kind == ERR_NONE)
        kind = get(request, response, reterr);
    return kind == ERR_NONE ? tell_locked(request, "quota.set", reterr) : kind;
}

static enum err_kind lift(struct request *request, struct response *response, struct err *reterr)
{
    response->status = 204;
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), NULL, reterr);
    return kind == ERR_NONE ? tell_locked(request, "quota.removed", reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_QUOTA
static const struct route routes[] = {
    {GET,    "/v1/system/quotas",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &quota_schema, .is_list = true, .run = list, .summary = "List quotas"},
    {POST,   "/v1/system/quotas",      ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &quota_schema, .answer = &quota_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_tenant", "unknown_zone", "unknown_gpu_model", "unknown_project", "quota_exists"), .summary = "Limit what a tenant or project holds of a zone; it takes nothing away"},
    {GET,    "/v1/system/quotas/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &quota_schema, ONE, .run = get, .summary = "One quota"},
    {PUT,    "/v1/system/quotas/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &quota_schema, .answer = &quota_schema, ONE, .lock = &quota_lock, .run = replace, .summary = "Change a quota: all of it; a lower one takes nothing away"},
    {PATCH,  "/v1/system/quotas/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &quota_schema, .answer = &quota_schema, ONE, .lock = &quota_lock, .run = replace, .summary = "Change a quota: what is given; a lower one takes nothing away"},
    {DELETE, "/v1/system/quotas/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &quota_lock, .status = 204, .run = lift, .summary = "Lift a quota"},
    ROUTES_END,
};
// clang-format on

const struct resource system_quota_resource = {"quotas", routes, statements, NULL};
