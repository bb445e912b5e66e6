/* SSH keys: the public keys that open a tenant's instances. A reservation names them; what its instances get is looked
 * up once, when it is made, so that changing a key changes no instance that is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/ssh_key.h"

#include "api/resources/registry.h"
#include "api/server/answer.h"

struct ssh_key_wish {
    const char *name;
    const char *public_key;
};

// clang-format off
static const struct field status_fields[] = {
    FIELD_COLUMN("type",        FIELD_TYPE_TEXT, .help = "What kind of key it is, e.g. ssh-ed25519"),
    FIELD_COLUMN("fingerprint", FIELD_TYPE_TEXT, .help = "SHA-256 of the key, as ssh-keygen -l prints it"),
    FIELDS_END,
};

static const struct field ssh_key_fields[] = {
    FIELD_COLUMN("id",         FIELD_TYPE_ID, .identity = IDENTITY_SSH_KEY, .help = "The key"),
    FIELD_TEXT  ("name",       struct ssh_key_wish, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "ana", .help = "Unique within the tenant; what reservations name"),
    FIELD_TEXT  ("public_key", struct ssh_key_wish, public_key, .flags = FIELD_REQUIRED, .least = 1, .most = SSH_KEY_TEXT_MAX, .example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme", .help = "One line as in id_ed25519.pub: type, base64, comment"),
    FIELD_COLUMN("created_at", FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("status",     FIELD_TYPE_OBJECT, .fields = status_fields, .help = "What was found in it"),
    FIELDS_END,
};
// clang-format on

static const struct schema ssh_key_schema = {"SshKey", ssh_key_fields, sizeof(struct ssh_key_wish)};

struct ssh_key_query {
    const char *name, *fingerprint;
};
static const struct field query_fields[] = {
    FIELD_TEXT("name", struct ssh_key_query, name, .help = "Only the key of this name"),
    FIELD_TEXT("fingerprint", struct ssh_key_query, fingerprint, .help = "Only keys of this fingerprint"),
    FIELDS_END,
};
static const struct schema query_schema = {"SshKeyQuery", query_fields, sizeof(struct ssh_key_query)};

/* ---- Statements ---- */

#define SSH_KEY_COLUMNS                                                                                                \
    "id, name, public_key, split_part(public_key, ' ', 1) AS \"status.type\", fingerprint AS \"status.fingerprint\","  \
    " extract(epoch FROM created_at)::bigint AS created_at, revision AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "ssh_key_list",
    .sql = "SELECT " SSH_KEY_COLUMNS ", id AS page_key FROM ssh_key WHERE ($1::uuid IS NULL OR id > $1::uuid)"
           " AND ($3::text IS NULL OR name = $3::text) AND ($4::text IS NULL OR fingerprint = $4::text)"
           " ORDER BY id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "ssh_key_get",
    .sql = "SELECT " SSH_KEY_COLUMNS " FROM ssh_key WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "ssh_key_lock",
    .sql = "SELECT " SSH_KEY_COLUMNS " FROM ssh_key WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock ssh_key_lock = {.stmt = &statement_lock, .noun = "SSH key"};

static const struct db_stmt statement_create = {
    .name = "ssh_key_create",
    .sql = "INSERT INTO ssh_key (id, tenant_id, name, public_key, fingerprint) VALUES ($1::uuid, $2::uuid, $3, $4, $5)"
           " ON CONFLICT (tenant_id, name) DO NOTHING RETURNING " SSH_KEY_COLUMNS,
    .params = 5,
};

static const struct db_stmt statement_replace = {
    .name = "ssh_key_replace",
    .sql = "UPDATE ssh_key SET public_key = $2, fingerprint = $3, revision = revision + 1 WHERE id = $1::uuid"
           " RETURNING " SSH_KEY_COLUMNS,
    .params = 3,
};

static const struct db_stmt statement_delete = {
    .name = "ssh_key_delete",
    .sql = "DELETE FROM ssh_key WHERE id = $1::uuid RETURNING revision + 1",
    .params = 1,
};

static const struct db_stmt *const statements[] = {
    &statement_list, &statement_get, &statement_lock, &statement_create, &statement_replace, &statement_delete, NULL};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct ssh_key_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name, query->fingerprint), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "SSH key", reterr);
}

static enum err_kind parse(struct request *request, const struct ssh_key_wish *wish, struct ssh_key *ret,
                           struct err *reterr)
{
    struct err err = {0};
    if (ssh_key_parse(wish->public_key, ret, &err) == ERR_NONE)
        return ERR_NONE;
    field_problem_add(&request->problems, "/public_key", "invalid_public_key", "%s", err.text);
    return request_invalid(request, reterr);
}

static enum err_kind tell(struct request *request, const char *id, int64_t revision, const char *kind,
                          struct err *reterr)
{
    return request_event(request, request->caller.tenant_id, NULL, "ssh_key", id, revision, kind, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct ssh_key_wish *wish = request->body;
    struct ssh_key key = {0};
    enum err_kind kind = parse(request, wish, &key, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(
        request, &statement_create,
        DB_PARAMS(request->new_id, request->caller.tenant_id, wish->name, wish->public_key, key.fingerprint), &result,
        reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an SSH key named '%s' exists already", wish->name);
    response_object(request, response, 201, ssh_key_fields, result, 0);
    return tell(request, request->new_id, 1, "ssh_key.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct ssh_key_wish *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    struct ssh_key key = {0};
    enum err_kind kind = parse(request, wish, &key, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_replace, DB_PARAMS(request->object, wish->public_key, key.fingerprint),
                       &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, ssh_key_fields, result, 0);
    return tell(request, request->object, db_int(result, 0, PQfnumber(result, "wish_revision"), 0), "ssh_key.changed",
                reterr);
}

static enum err_kind remove_key(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return tell(request, request->object, db_int(result, 0, 0, 0), "ssh_key.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_SSH_KEY
static const struct route routes[] = {
    {GET,    "/v1/ssh-keys",      ROLES_TENANT_READ,  RATE_READ,  .query = &query_schema, .answer = &ssh_key_schema, .is_list = true, .run = list, .summary = "List SSH keys"},
    {POST,   "/v1/ssh-keys",      ROLES_TENANT_WRITE, RATE_WRITE, .body = &ssh_key_schema, .answer = &ssh_key_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken", "invalid_public_key"), .summary = "Add an SSH key"},
    {GET,    "/v1/ssh-keys/{id}", ROLES_TENANT_READ,  RATE_READ,  .answer = &ssh_key_schema, ONE, .run = get, .summary = "One SSH key"},
    {PUT,    "/v1/ssh-keys/{id}", ROLES_TENANT_WRITE, RATE_WRITE, .body = &ssh_key_schema, .answer = &ssh_key_schema, ONE, .lock = &ssh_key_lock, .run = replace, .problems = PROBLEMS("invalid_public_key"), .summary = "Change an SSH key, for reservations to come: all of it"},
    {PATCH,  "/v1/ssh-keys/{id}", ROLES_TENANT_WRITE, RATE_WRITE, .body = &ssh_key_schema, .answer = &ssh_key_schema, ONE, .lock = &ssh_key_lock, .run = replace, .problems = PROBLEMS("invalid_public_key"), .summary = "Change an SSH key, for reservations to come: what is given"},
    {DELETE, "/v1/ssh-keys/{id}", ROLES_TENANT_WRITE, RATE_WRITE, ONE, .lock = &ssh_key_lock, .status = 204, .run = remove_key, .summary = "Remove an SSH key; instances that have it keep it"},
    ROUTES_END,
};
// clang-format on

const struct resource ssh_key_resource = {"ssh-keys", routes, statements,
                                          "Public keys that open instances; reservations name them."};
