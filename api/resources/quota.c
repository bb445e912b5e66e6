/* Quotas: what a tenant or one of its projects may hold of a zone. Operators set them, the zone's planner keeps them,
 * and the tenant sees them with what is held, as the planner counts it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/json_out.h"
#include "api/server/question.h"

#define PEAK_MAX_MILLI  INT64_C(1000000000000)
#define MONTH_MAX_HOURS INT64_C(1000000000)

struct quota {
    const char *id, *zone, *project, *gpu_model;
    int64_t peak_gpu_milli, month_gpu_hours;
};

// clang-format off
#define QUOTA_FIELDS \
    FIELD_ID  ("id",              struct quota, id, .identity = IDENTITY_QUOTA, .flags = FIELD_READ_ONLY, .help = "The quota"), \
    FIELD_TEXT("zone",            struct quota, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "us-east-1a", .help = "The zone it is about, by name"), \
    FIELD_TEXT("project",         struct quota, project, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "The project it is about; null: the tenant as a whole"), \
    FIELD_TEXT("gpu_model",       struct quota, gpu_model, .flags = FIELD_NULLABLE, .least = 1, .most = 47, .example = "H100", .help = "The GPU model it is about; null: any"), \
    FIELD_INT ("peak_gpu_milli",  struct quota, peak_gpu_milli, .flags = FIELD_NULLABLE, .least = 0, .most = PEAK_MAX_MILLI, .example = "16000", .help = "Most GPUs held at one instant, in thousandths; null: no such limit"), \
    FIELD_INT ("month_gpu_hours", struct quota, month_gpu_hours, .flags = FIELD_NULLABLE, .least = 0, .most = MONTH_MAX_HOURS, .help = "Most GPU-hours held in one calendar month (UTC); null: no such limit")

static const struct field quota_fields[] = { QUOTA_FIELDS, FIELDS_END };

static const struct field held_fields[] = {
    QUOTA_FIELDS,
    FIELD_COLUMN_WITH("held_gpu_milli",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "What is held now, in thousandths of a GPU"),
    FIELD_COLUMN_WITH("held_peak_gpu_milli",  FIELD_TYPE_INT, FIELD_NULLABLE, .help = "The most that is held at one instant from now on"),
    FIELD_COLUMN_WITH("held_month_gpu_hours", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "GPU-hours held in this month, what is still to come included; a begun hour counts"),
    FIELDS_END,
};

static const struct field subject_fields[] = {
    FIELD_TEXT("zone",      struct quota, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "us-east-1a", .help = "Of the quota in the zone of this name"),
    FIELD_TEXT("project",   struct quota, project, .help = "Of this project; left out: of the tenant as a whole"),
    FIELD_TEXT("gpu_model", struct quota, gpu_model, .example = "H100", .help = "Of this GPU model; left out: of any"),
    FIELDS_END,
};
// clang-format on

static const struct schema quota_schema = {"Quota", quota_fields, sizeof(struct quota)};
static const struct schema held_schema = {"HeldQuota", held_fields, 0};
static const struct schema subject_schema = {"QuotaQuery", subject_fields, sizeof(struct quota)};

/* ---- Statements ---- */

#define QUOTA_COLUMNS                                                                                                  \
    "q.id, z.name AS zone, q.project, q.gpu_model, q.peak_gpu_milli, q.month_gpu_hours, q.id AS page_key"

static const struct db_stmt statement_list = {
    .name = "quota_list",
    .sql = "SELECT " QUOTA_COLUMNS " FROM quota q JOIN zone z ON z.id = q.zone_id"
           " WHERE q.tenant_id = $3::uuid AND ($1::uuid IS NULL OR q.id > $1::uuid) ORDER BY q.id LIMIT $2::bigint",
    .params = 3,
};

/* $3: what the planners say is held. */
static const struct db_stmt statement_held = {
    .name = "quota_held",
    .sql = "SELECT " QUOTA_COLUMNS ", h.held_gpu_milli, h.held_peak_gpu_milli, h.held_month_gpu_hours"
           "  FROM quota q JOIN zone z ON z.id = q.zone_id"
           "  LEFT JOIN (SELECT x.* FROM json_array_elements($3::json) AS a, json_to_recordset(a -> 'items')"
           "     AS x (zone uuid, project text, gpu_model text, held_gpu_milli bigint, held_peak_gpu_milli bigint,"
           "           held_month_gpu_hours bigint)) h"
           "    ON h.zone = q.zone_id AND h.project IS NOT DISTINCT FROM q.project"
           "   AND h.gpu_model IS NOT DISTINCT FROM q.gpu_model"
           " WHERE ($1::uuid IS NULL OR q.id > $1::uuid) ORDER BY q.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_zones = {
    .name = "quota_zones",
    .sql = "SELECT DISTINCT zone_id FROM quota ORDER BY zone_id LIMIT $1::bigint",
    .params = 1,
};

static const struct db_stmt statement_find = {
    .name = "quota_find",
    .sql = "SELECT (SELECT id FROM tenant WHERE id = $1::uuid), (SELECT id FROM zone WHERE name = $2),"
           " $3::text IS NULL OR EXISTS (SELECT FROM node n JOIN zone z ON z.id = n.zone_id AND z.name = $2"
           "                              WHERE n.gpu_model = $3::text),"
           " $4::text IS NULL OR EXISTS (SELECT FROM project WHERE tenant_id = $1::uuid AND name = $4::text)",
    .params = 4,
};

static const struct db_stmt statement_put = {
    .name = "quota_put",
    .sql = "INSERT INTO quota AS q (id, tenant_id, zone_id, project, gpu_model, peak_gpu_milli, month_gpu_hours)"
           " VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5, $6::bigint, $7::bigint)"
           " ON CONFLICT ON CONSTRAINT quota_subject DO UPDATE SET peak_gpu_milli = excluded.peak_gpu_milli,"
           "    month_gpu_hours = excluded.month_gpu_hours, revision = q.revision + 1, changed_at = sluice_now()"
           " RETURNING q.id, (SELECT name FROM zone WHERE id = q.zone_id) AS zone, q.project, q.gpu_model,"
           "    q.peak_gpu_milli, q.month_gpu_hours, q.revision",
    .params = 7,
};

static const struct db_stmt statement_delete = {
    .name = "quota_delete",
    .sql = "DELETE FROM quota q USING zone z WHERE q.tenant_id = $1::uuid AND z.id = q.zone_id AND z.name = $2"
           " AND q.project IS NOT DISTINCT FROM $3::text AND q.gpu_model IS NOT DISTINCT FROM $4::text"
           " RETURNING q.id, q.zone_id, q.revision",
    .params = 4,
};

/* ---- For the tenant ---- */

static enum err_kind answer_held(struct request *request, struct response *response, const char *const *answers,
                                 size_t count, struct err *reterr)
{
    struct json_out all;
    json_out_init(&all, request->arena);
    json_out_open(&all, '[');
    for (size_t i = 0; i < count; i++)
        json_out_raw(&all, answers[i]);
    json_out_close(&all, ']');
    return answer_page(request, response, &statement_held, DB_PARAMS(json_out_finish(&all)), reterr);
}

static enum err_kind list_held(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *zones = NULL;
    const char *most = request_int(request, QUESTIONS_PER_REQUEST_MAX);
    enum err_kind kind = request_run(request, &statement_zones, DB_PARAMS(most), &zones, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(zones);
    if (count == 0)
        return answer_held(request, response, NULL, 0, reterr);
    struct question *questions = arena_alloc(request->arena, count * sizeof *questions);
    const char *body = arena_format(request->arena, "{\"tenant\":\"%s\"}", request->caller.tenant_id);
    for (size_t i = 0; i < count; i++)
        questions[i] = (struct question){.zone_id = db_text(zones, (int)i, 0), .kind = "quotas", .body = body};
    return request_ask(request, questions, count, 1, answer_held);
}

/* ---- For operators ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_PARAMS(request->object), reterr);
}

/* The zone reads it anew before it decides what comes with this event or later. */
static enum err_kind tell_zone(struct request *request, const char *zone_id, const char *id, int64_t revision,
                               const char *kind, struct err *reterr)
{
    request->wakes_planner = true;
    return request_event(request, request->object, zone_id, "quota", id, revision, kind, reterr);
}

static enum err_kind find_zone(struct request *request, const struct quota *wish, const char **ret_zone_id,
                               struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_find, DB_PARAMS(request->object, wish->zone, wish->gpu_model, wish->project),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_text(result, 0, 0) == NULL)
        return request_not_found(request, "tenant", reterr);
    *ret_zone_id = db_text(result, 0, 1);
    if (*ret_zone_id == NULL)
        field_problem_add(&request->problems, "/zone", "unknown_zone", "there is no zone '%s'", wish->zone);
    else if (!db_bool(result, 0, 2))
        field_problem_add(&request->problems, "/gpu_model", "unknown_gpu_model", "the zone has no GPU of this model");
    if (!db_bool(result, 0, 3))
        field_problem_add(&request->problems, "/project", "unknown_project", "the tenant has no project '%s'",
                          wish->project);
    if (wish->peak_gpu_milli == FIELD_NULL && wish->month_gpu_hours == FIELD_NULL)
        field_problem_add(&request->problems, "/peak_gpu_milli", "missing_field",
                          "give peak_gpu_milli, month_gpu_hours, or both");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static enum err_kind put(struct request *request, struct response *response, struct err *reterr)
{
    const struct quota *wish = request->body;
    const char *zone_id = NULL;
    enum err_kind kind = find_zone(request, wish, &zone_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), id);
    const PGresult *result = NULL;
    kind =
        request_run(request, &statement_put,
                    DB_PARAMS(id, request->object, zone_id, wish->project, wish->gpu_model,
                              request_int(request, wish->peak_gpu_milli), request_int(request, wish->month_gpu_hours)),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_row(response, 200, quota_fields, result, 0);
    return tell_zone(request, zone_id, db_text(result, 0, 0), db_int(result, 0, PQfnumber(result, "revision"), 1),
                     "quota.set", reterr);
}

static enum err_kind remove_quota(struct request *request, struct response *response, struct err *reterr)
{
    const struct quota *subject = request->query;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_delete,
                    DB_PARAMS(request->object, subject->zone, subject->project, subject->gpu_model), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the tenant has no such quota");
    response->status = 204;
    return tell_zone(request, db_text(result, 0, 1), db_text(result, 0, 0), db_int(result, 0, 2, 0) + 1,
                     "quota.removed", reterr);
}

// clang-format off
#define OF_TENANT .has_id = true, .id = IDENTITY_TENANT
static const struct route quota_routes[] = {
    {GET,    "/v1/quotas",                     ROLES_TENANT_READ,    RATE_READ,  .answer = &held_schema, .is_list = true, .run = list_held, .summary = "Quotas, with what is held against them"},
    {GET,    "/v1/system/tenants/{id}/quotas", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &quota_schema, .is_list = true, OF_TENANT, .run = list, .summary = "Quotas of a tenant"},
    {PUT,    "/v1/system/tenants/{id}/quotas", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &quota_schema, .answer = &quota_schema, OF_TENANT, .run = put, .problems = PROBLEMS("unknown_zone", "unknown_gpu_model", "unknown_project"), .summary = "Set the quota of a tenant or project in a zone; a lower one takes nothing away"},
    {DELETE, "/v1/system/tenants/{id}/quotas", ROLES_SYSTEM_OPERATE, RATE_WRITE, .query = &subject_schema, OF_TENANT, .status = 204, .run = remove_quota, .summary = "Lift the quota of a tenant or project in a zone"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const quota_statements[] = {
    &statement_list, &statement_held, &statement_zones, &statement_find, &statement_put, &statement_delete, NULL};

const struct resource quota_resource = {"quotas", quota_routes, quota_statements, "What a tenant or project may hold."};
