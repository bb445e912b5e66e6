/* Members and service accounts: who acts for a tenant, or for the provider, and the most that each may do. Both are
 * principals, a person or a program; what changes here holds for their tokens at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/principal.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

struct member {
    const char *tenant, *name, *email, *description, *role;
    bool disabled;
};

// clang-format off
#define ID(what_)          FIELD_COLUMN("id", FIELD_TYPE_ID, .identity = IDENTITY_PRINCIPAL, .help = (what_))
#define TENANT             FIELD_TEXT  ("tenant", struct member, tenant, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant it acts for; null: the provider")
#define NAME               FIELD_TEXT  ("name", struct member, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 128, .example = "ana", .help = "Unique among the tenant's members and service accounts")
#define EMAIL              FIELD_TEXT  ("email", struct member, email, .flags = FIELD_NULLABLE, .least = 3, .most = 254, .example = "ana@example.com", .help = "Where to reach it, and what it may sign in as; unique within the tenant; null: none")
#define DESCRIPTION        FIELD_TEXT  ("description", struct member, description, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .help = "For people; null: none")
#define ROLE(roles_)       FIELD_ENUM  ("role", struct member, role, .flags = FIELD_REQUIRED, .values = (roles_), .example = "member", .help = "The most that it may do; its tokens may do less")
#define DISABLED           FIELD_BOOL  ("disabled", struct member, disabled, .fallback = "false", .help = "Whether all of its tokens are refused for the time being")
#define CREATED            FIELD_COLUMN("created_at", FIELD_TYPE_TIME, .help = "Real time")

static const struct field member_fields[] = {ID("The member"), NAME, EMAIL, ROLE(tenant_role_texts), DISABLED, CREATED, FIELDS_END};
static const struct field account_fields[] = {ID("The service account"), NAME, DESCRIPTION, ROLE(tenant_role_texts), DISABLED, CREATED, FIELDS_END};
static const struct field system_member_fields[] = {ID("The member"), TENANT, NAME, EMAIL, ROLE(role_texts), DISABLED, CREATED, FIELDS_END};
static const struct field system_account_fields[] = {ID("The service account"), TENANT, NAME, DESCRIPTION, ROLE(role_texts), DISABLED, CREATED, FIELDS_END};
// clang-format on

static const struct schema member_schema = {"Member", member_fields, sizeof(struct member)};
static const struct schema account_schema = {"ServiceAccount", account_fields, sizeof(struct member)};
static const struct schema system_member_schema = {"SystemMember", system_member_fields, sizeof(struct member)};
static const struct schema system_account_schema = {"SystemServiceAccount", system_account_fields,
                                                    sizeof(struct member)};

struct member_query {
    const char *name, *tenant;
};
// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("name",   struct member_query, name, .help = "Only who has this name"),
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    FIELD_TEXT("name",   struct member_query, name, .help = "Only who has this name"),
    FIELD_TEXT("tenant", struct member_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"PrincipalQuery", query_fields, sizeof(struct member_query)};
static const struct schema system_query_schema = {"SystemPrincipalQuery", system_query_fields,
                                                  sizeof(struct member_query)};

/* ---- Statements: $1 is the id, $2 the kind ---- */

#define MEMBER_SELECT                                                                                                  \
    "SELECT p.id, w.name AS tenant, p.name, p.email, p.description, p.role, p.disabled,"                               \
    " extract(epoch FROM p.created_at)::bigint AS created_at, p.revision AS wish_revision, p.tenant_id"                \
    " FROM principal p LEFT JOIN tenant w ON w.id = p.tenant_id WHERE p.removed_at IS NULL"

static const struct db_stmt statement_list = {
    .name = "member_list",
    .sql = "SELECT m.*, m.id AS page_key FROM (" MEMBER_SELECT " AND p.kind = $3) m"
           " WHERE ($1::uuid IS NULL OR m.id > $1::uuid) AND ($4::text IS NULL OR m.name = $4::text)"
           " AND ($5::text IS NULL OR m.tenant = $5::text) ORDER BY m.id LIMIT $2::bigint",
    .params = 5,
};

static const struct db_stmt statement_get_user = {
    .name = "member_get_user",
    .sql = MEMBER_SELECT " AND p.id = $1::uuid AND p.kind = 'user'",
    .params = 1,
};

static const struct db_stmt statement_get_account = {
    .name = "member_get_account",
    .sql = MEMBER_SELECT " AND p.id = $1::uuid AND p.kind = 'service_account'",
    .params = 1,
};

static const struct db_stmt statement_lock_user = {
    .name = "member_lock_user",
    .sql = MEMBER_SELECT " AND p.id = $1::uuid AND p.kind = 'user' FOR UPDATE OF p",
    .params = 1,
};
static const struct object_lock user_lock = {.stmt = &statement_lock_user, .noun = "member"};

static const struct db_stmt statement_lock_account = {
    .name = "member_lock_account",
    .sql = MEMBER_SELECT " AND p.id = $1::uuid AND p.kind = 'service_account' FOR UPDATE OF p",
    .params = 1,
};
static const struct object_lock account_lock = {.stmt = &statement_lock_account, .noun = "service account"};

/* No row: name or e-mail is another's. */
static const struct db_stmt statement_create = {
    .name = "member_create",
    .sql = "INSERT INTO principal (id, kind, tenant_id, name, email, description, role, disabled)"
           " VALUES ($1::uuid, $2, $3::uuid, $4, $5, $6, $7, $8::boolean) ON CONFLICT DO NOTHING RETURNING 1",
    .params = 8,
};

/* No row: the e-mail is another's. */
static const struct db_stmt statement_replace = {
    .name = "member_replace",
    .sql = "UPDATE principal p SET email = $2, description = $3, role = $4, disabled = $5::boolean,"
           " revision = p.revision + 1 WHERE p.id = $1::uuid AND NOT EXISTS (SELECT FROM principal o"
           "   WHERE o.tenant_id IS NOT DISTINCT FROM p.tenant_id AND lower(o.email) = lower($2) AND o.id <> p.id"
           "     AND o.removed_at IS NULL) RETURNING p.revision",
    .params = 5,
};

static const struct db_stmt statement_remove = {
    .name = "member_remove",
    .sql = "UPDATE principal SET removed_at = clock_timestamp(), revision = revision + 1, email = NULL,"
           " external_subject = NULL, name = CASE WHEN kind = 'user' THEN 'removed member' ELSE name END"
           " WHERE id = $1::uuid RETURNING revision",
    .params = 1,
};

/* Operators name a person's first token as the person. */
static const struct db_stmt statement_revoke = {
    .name = "member_revoke_tokens",
    .sql =
        "UPDATE token k SET revoked_at = coalesce(k.revoked_at, clock_timestamp()), revision = k.revision + 1,"
        " name = CASE WHEN p.kind = 'user' THEN 'token of a removed member' ELSE k.name END"
        " FROM principal p WHERE p.id = $1::uuid AND k.principal_id = p.id AND (k.revoked_at IS NULL OR p.kind = 'user')",
    .params = 1,
};

/* Who else could let people in. All are locked: two that are removed at once are seen by each other. */
static const struct db_stmt statement_admins = {
    .name = "member_admins",
    .sql = "SELECT id FROM principal WHERE tenant_id IS NOT DISTINCT FROM $1::uuid AND kind = 'user' AND NOT disabled"
           " AND role IN ('admin', 'system_admin') AND removed_at IS NULL ORDER BY id FOR UPDATE",
    .params = 1,
};

static const struct db_stmt *const statements[] = {&statement_list,
                                                   &statement_get_user,
                                                   &statement_get_account,
                                                   &statement_lock_user,
                                                   &statement_lock_account,
                                                   &statement_create,
                                                   &statement_replace,
                                                   &statement_remove,
                                                   &statement_revoke,
                                                   &statement_admins,
                                                   NULL};

/* ---- Reads ---- */

static bool is_of_people(const struct request *request)
{
    return request->resource == &member_resource;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct member_query *query = request->query;
    const char *kind = is_of_people(request) ? "user" : "service_account";
    return answer_page(request, response, &statement_list, DB_PARAMS(kind, query->name, query->tenant), reterr);
}

static enum err_kind show(struct request *request, struct response *response, int status, const char *id,
                          struct err *reterr)
{
    return is_of_people(request)
               ? answer_object(request, response, status, &statement_get_user, id, "member", reterr)
               : answer_object(request, response, status, &statement_get_account, id, "service account", reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return show(request, response, 200, request->object, reterr);
}

/* ---- Changes ---- */

static enum err_kind tell(struct request *request, const char *tenant_id, const char *id, int64_t revision,
                          const char *kind, struct err *reterr)
{
    request->revokes_token = true; /* who its callers are is remembered no longer */
    return request_event(request, tenant_id, NULL, "principal", id, revision, kind, reterr);
}

/* Whose it is to be, or is; *ret_id is NULL for the provider's. */
static enum err_kind tenant_of(struct request *request, const char *tenant, const char *role, const char **ret_id,
                               struct err *reterr)
{
    if (!request->caller.is_tenant)
        return principal_tenant(request, tenant, role, ret_id, reterr);
    *ret_id = request->caller.tenant_id;
    return ERR_NONE;
}

/* Of one that is there. Who is shut out can be of a tenant that is closed: its people may want to be forgotten. */
static enum err_kind check_change(struct request *request, const char *role, bool is_let_in, struct err *reterr)
{
    const char *ignored = NULL;
    const char *tenant = db_text(request->locked, 0, PQfnumber(request->locked, "tenant"));
    if (is_let_in)
        return tenant_of(request, tenant, role, &ignored, reterr);
    return request->caller.is_tenant ? ERR_NONE : principal_check(request, tenant, role, reterr);
}

static enum err_kind check_email(struct request *request, const struct member *wish, struct err *reterr)
{
    const char *at = wish->email == NULL ? NULL : strchr(wish->email, '@');
    bool fits = wish->email == NULL || (at != NULL && at != wish->email && at[1] != '\0' &&
                                        strchr(at + 1, '@') == NULL && strchr(wish->email, ' ') == NULL);
    if (fits)
        return ERR_NONE;
    field_problem_add(&request->problems, "/email", "out_of_range", "must be an address like ana@example.com");
    return request_invalid(request, reterr);
}

static enum err_kind taken(const struct member *wish, struct err *reterr)
{
    return err_set_code(reterr, ERR_CONFLICT, "name_taken", "the name '%s', or the e-mail, is another's", wish->name);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct member *wish = request->body;
    const char *tenant_id = NULL;
    enum err_kind kind = tenant_of(request, wish->tenant, wish->role, &tenant_id, reterr);
    if (kind == ERR_NONE)
        kind = check_email(request, wish, reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind =
            request_run(request, &statement_create,
                        DB_PARAMS(request->new_id, is_of_people(request) ? "user" : "service_account", tenant_id,
                                  wish->name, wish->email, wish->description, wish->role, request_bool(wish->disabled)),
                        &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return taken(wish, reterr);
    kind = tell(request, tenant_id, request->new_id, 1, "principal.created", reterr);
    return kind == ERR_NONE ? show(request, response, 201, request->new_id, reterr) : kind;
}

static bool is_admin(const char *role)
{
    return strcmp(role, "admin") == 0 || strcmp(role, "system_admin") == 0;
}

/* Before the locked one stops being an admin: somebody must be left to let people in. */
static enum err_kind check_not_last(struct request *request, const char *tenant_id, struct err *reterr)
{
    const PGresult *row = request->locked;
    bool is_one = is_of_people(request) && is_admin(db_text(row, 0, PQfnumber(row, "role"))) &&
                  !db_bool(row, 0, PQfnumber(row, "disabled"));
    if (!is_one)
        return ERR_NONE;
    const PGresult *admins = NULL;
    enum err_kind kind = request_run(request, &statement_admins, DB_PARAMS(tenant_id), &admins, reterr);
    if (kind == ERR_NONE && PQntuples(admins) < 2)
        return err_set_code(reterr, ERR_CONFLICT, "last_admin", "nobody else who is an admin would be left");
    return kind;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct member *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *row = request->locked;
    const char *tenant_id = db_text(row, 0, PQfnumber(row, "tenant_id"));
    enum err_kind kind = check_change(request, wish->role, !wish->disabled, reterr);
    if (kind == ERR_NONE)
        kind = check_email(request, wish, reterr);
    if (kind == ERR_NONE && (wish->disabled || !is_admin(wish->role)))
        kind = check_not_last(request, tenant_id, reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind = request_run(
            request, &statement_replace,
            DB_PARAMS(request->object, wish->email, wish->description, wish->role, request_bool(wish->disabled)),
            &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return taken(wish, reterr);
    kind = tell(request, tenant_id, request->object, db_int(result, 0, 0, 0), "principal.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

/* The row stays, for what it did; who a person was is forgotten, and the name is free again. */
static enum err_kind remove_member(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *row = request->locked;
    const char *tenant_id = db_text(row, 0, PQfnumber(row, "tenant_id"));
    enum err_kind kind = check_change(request, db_text(row, 0, PQfnumber(row, "role")), false, reterr);
    if (kind == ERR_NONE)
        kind = check_not_last(request, tenant_id, reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_remove, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_revoke, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return tell(request, tenant_id, request->object, db_int(result, 0, 0, 0), "principal.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PRINCIPAL
#define ROUTES(plane_, noun_, readers_, writers_, query_, schema_, lock_, what_) \
    {GET,    plane_ noun_,         readers_, RATE_READ,  .query = &(query_), .answer = &(schema_), .is_list = true, .run = list, .summary = "List " what_}, \
    {POST,   plane_ noun_,         writers_, RATE_WRITE, .body = &(schema_), .answer = &(schema_), .run = create, .replay = get, .problems = PROBLEMS("name_taken", "unknown_tenant"), .summary = "Add a " what_}, \
    {GET,    plane_ noun_ "/{id}", readers_, RATE_READ,  .answer = &(schema_), ONE, .run = get, .summary = "One " what_}, \
    {PUT,    plane_ noun_ "/{id}", writers_, RATE_WRITE, .body = &(schema_), .answer = &(schema_), ONE, .lock = &(lock_), .run = replace, .problems = PROBLEMS("name_taken", "last_admin", "unknown_tenant"), .summary = "Change a " what_ ", at once: all of it"}, \
    {PATCH,  plane_ noun_ "/{id}", writers_, RATE_WRITE, .body = &(schema_), .answer = &(schema_), ONE, .lock = &(lock_), .run = replace, .problems = PROBLEMS("name_taken", "last_admin", "unknown_tenant"), .summary = "Change a " what_ ", at once: what is given"}, \
    {DELETE, plane_ noun_ "/{id}", writers_, RATE_WRITE, ONE, .lock = &(lock_), .status = 204, .run = remove_member, .problems = PROBLEMS("last_admin"), .summary = "Remove a " what_ ", with all of its tokens"}

static const struct route member_routes[] = {
    ROUTES("/v1", "/members", ROLES_TENANT_MONEY, ROLES_TENANT_ADMIN, query_schema, member_schema, user_lock, "member"),
    ROUTES("/v1/system", "/members", ROLES_SYSTEM_READ, ROLES_SYSTEM_OPERATE, system_query_schema, system_member_schema, user_lock, "member of a tenant or of the provider"),
    ROUTES_END,
};

static const struct route account_routes[] = {
    ROUTES("/v1", "/service-accounts", ROLES_TENANT_MONEY, ROLES_TENANT_ADMIN, query_schema, account_schema, account_lock, "service account"),
    ROUTES("/v1/system", "/service-accounts", ROLES_SYSTEM_READ, ROLES_SYSTEM_OPERATE, system_query_schema, system_account_schema, account_lock, "service account of a tenant or of the provider"),
    ROUTES_END,
};
// clang-format on

const struct resource member_resource = {"members", member_routes, statements,
                                         "The people who act for a tenant, or for the provider."};
const struct resource service_account_resource = {"service-accounts", account_routes, principal_statements,
                                                  "The programs that act for a tenant, or for the provider."};
