/* Projects: what a tenant groups its reservations by, and what quotas may be about. A project is known by its name,
 * which never changes: reservations, quotas and events carry it, and keep it when the project is gone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

struct project {
    const char *name, *description, *labels;
};

// clang-format off
static const struct field project_fields[] = {
    FIELD_COLUMN     ("id",          FIELD_TYPE_ID, .identity = IDENTITY_PROJECT, .help = "The project"),
    FIELD_COLUMN_WITH("tenant",      FIELD_TYPE_TEXT, FIELD_OPTIONAL, .help = "Whose; for operators"),
    FIELD_TEXT       ("name",        struct project, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "research", .help = "Unique within the tenant; what reservations and quotas name"),
    FIELD_TEXT       ("description", struct project, description, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .help = "For people; null: none"),
    FIELD_MAP        ("labels",      struct project, labels, .fallback = "{}", .help = "The tenant's own key and value pairs"),
    FIELD_COLUMN     ("created_at",  FIELD_TYPE_TIME, .help = "Domain time"),
    FIELDS_END,
};
// clang-format on

static const struct schema project_schema = {"Project", project_fields, sizeof(struct project)};

struct project_query {
    const char *name, *tenant;
};
// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("name",   struct project_query, name, .help = "Only the project of this name"),
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    FIELD_TEXT("name",   struct project_query, name, .help = "Only projects of this name"),
    FIELD_TEXT("tenant", struct project_query, tenant, .help = "Only projects of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"ProjectQuery", query_fields, sizeof(struct project_query)};
static const struct schema system_query_schema = {"SystemProjectQuery", system_query_fields,
                                                  sizeof(struct project_query)};

/* ---- Statements ---- */

#define PROJECT_COLUMNS                                                                                                \
    "p.id, p.name, p.description, p.labels, extract(epoch FROM p.created_at)::bigint AS created_at,"                   \
    " p.revision AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "project_list",
    .sql = "SELECT " PROJECT_COLUMNS ", p.id AS page_key FROM project p WHERE ($1::uuid IS NULL OR p.id > $1::uuid)"
           " AND ($3::text IS NULL OR p.name = $3::text) ORDER BY p.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_list_all = {
    .name = "project_list_all",
    .sql = "SELECT " PROJECT_COLUMNS ", w.name AS tenant, p.id AS page_key FROM project p"
           " JOIN tenant w ON w.id = p.tenant_id WHERE ($1::uuid IS NULL OR p.id > $1::uuid)"
           " AND ($3::text IS NULL OR p.name = $3::text) AND ($4::text IS NULL OR w.name = $4::text)"
           " ORDER BY p.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "project_get",
    .sql = "SELECT " PROJECT_COLUMNS " FROM project p WHERE p.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "project_lock",
    .sql = "SELECT " PROJECT_COLUMNS " FROM project p WHERE p.id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock project_lock = {.stmt = &statement_lock, .noun = "project"};

static const struct db_stmt statement_create = {
    .name = "project_create",
    .sql = "INSERT INTO project AS p (id, tenant_id, name, description, labels)"
           " VALUES ($1::uuid, $2::uuid, $3, $4, $5::jsonb) ON CONFLICT (tenant_id, name) DO NOTHING"
           " RETURNING " PROJECT_COLUMNS,
    .params = 5,
};

static const struct db_stmt statement_replace = {
    .name = "project_replace",
    .sql = "UPDATE project p SET description = $2, labels = $3::jsonb, revision = p.revision + 1 WHERE p.id = $1::uuid"
           " RETURNING " PROJECT_COLUMNS,
    .params = 3,
};

/* No row: it is in use. A wish that is not decided yet does not count: it keeps the name, whatever becomes of it. */
static const struct db_stmt statement_delete = {
    .name = "project_delete",
    .sql = "DELETE FROM project p WHERE p.id = $1::uuid AND p.name <> 'default'"
           "   AND NOT EXISTS (SELECT FROM quota q WHERE q.tenant_id = p.tenant_id AND q.project = p.name)"
           "   AND NOT EXISTS (SELECT FROM reservation_status s JOIN reservation r ON r.id = s.reservation_id"
           "     WHERE r.tenant_id = p.tenant_id AND r.project = p.name"
           "       AND s.state IN ('held', 'scheduled', 'activating', 'active', 'ending', 'waitlisted'))"
           " RETURNING revision + 1",
    .params = 1,
};

static const struct db_stmt *const statements[] = {
    &statement_list,    &statement_get,    &statement_lock,     &statement_create,
    &statement_replace, &statement_delete, &statement_list_all, NULL};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct project_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name), reterr);
}

static enum err_kind list_all(struct request *request, struct response *response, struct err *reterr)
{
    const struct project_query *query = request->query;
    return answer_page(request, response, &statement_list_all, DB_PARAMS(query->name, query->tenant), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "project", reterr);
}

static enum err_kind tell(struct request *request, const char *id, int64_t revision, const char *kind,
                          struct err *reterr)
{
    return request_event(request, request->caller.tenant_id, NULL, "project", id, revision, kind, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct project *wish = request->body;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, request->caller.tenant_id, wish->name, wish->description, wish->labels),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "a project named '%s' exists already", wish->name);
    response_object(request, response, 201, project_fields, result, 0);
    return tell(request, request->new_id, 1, "project.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct project *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_replace,
                                     DB_PARAMS(request->object, wish->description, wish->labels), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, project_fields, result, 0);
    return tell(request, request->object, db_int(result, 0, PQfnumber(result, "wish_revision"), 0), "project.changed",
                reterr);
}

static enum err_kind remove_project(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "project_in_use",
                            "it is the default, has a quota, or has reservations that are not over");
    response->status = 204;
    return tell(request, request->object, db_int(result, 0, 0, 0), "project.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PROJECT
static const struct route routes[] = {
    {GET,    "/v1/projects",      ROLES_TENANT_MONEY, RATE_READ,  .query = &query_schema, .answer = &project_schema, .is_list = true, .run = list, .summary = "List projects"},
    {POST,   "/v1/projects",      ROLES_TENANT_WRITE, RATE_WRITE, .body = &project_schema, .answer = &project_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make a project"},
    {GET,    "/v1/projects/{id}", ROLES_TENANT_MONEY, RATE_READ,  .answer = &project_schema, ONE, .run = get, .summary = "One project"},
    {PUT,    "/v1/projects/{id}", ROLES_TENANT_WRITE, RATE_WRITE, .body = &project_schema, .answer = &project_schema, ONE, .lock = &project_lock, .run = replace, .summary = "Change a project: all of it"},
    {PATCH,  "/v1/projects/{id}", ROLES_TENANT_WRITE, RATE_WRITE, .body = &project_schema, .answer = &project_schema, ONE, .lock = &project_lock, .run = replace, .summary = "Change a project: what is given"},
    {DELETE, "/v1/projects/{id}", ROLES_TENANT_WRITE, RATE_WRITE, ONE, .lock = &project_lock, .status = 204, .run = remove_project, .problems = PROBLEMS("project_in_use"), .summary = "Remove a project that is not in use"},
    {GET,    "/v1/system/projects", ROLES_SYSTEM_READ, RATE_READ, .query = &system_query_schema, .answer = &project_schema, .is_list = true, .run = list_all, .summary = "List all tenants' projects"},
    ROUTES_END,
};
// clang-format on

const struct resource project_resource = {"projects", routes, statements,
                                          "What a tenant groups its reservations by, and what quotas may be about."};
