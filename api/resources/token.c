/* Tokens: what principals show. The text of a token is in the answer that makes or rotates it, and nowhere else ever
 * after. Tenants' admins see all of their tenant's, everybody else their own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/token.h"

#include "api/resources/principal.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/server.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <string.h>

#define OVERLAP_MAX_S 2592000 /* thirty days */

static const char *const principal_kinds[] = {"user", "service_account", NULL};

// clang-format off
#define ID        FIELD_COLUMN("id", FIELD_TYPE_ID, .identity = IDENTITY_TOKEN, .help = "The token; also a part of its text")
#define TEXT      FIELD_COLUMN_WITH("token", FIELD_TYPE_TEXT, FIELD_OPTIONAL, .help = "The text to show as Authorization: Bearer; only in the answer that makes or rotates it")
#define NAME      FIELD_TEXT  ("name", struct token_wish, name, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "ana-laptop", .help = "For people")
#define SCOPES    FIELD_LIST  ("scopes", struct token_wish, scopes, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .least = 1, .most = 64, .help = "What it may do of what its role may, by resource: \"reservations:read\", \"reservations:write\" (which includes read); null: everything")
#define EXPIRES   FIELD_TIME  ("expires_at", struct token_wish, expires_at, .flags = FIELD_NULLABLE, .help = "Real time; null: never")
#define FACTS \
    FIELD_COLUMN     ("created_at",     FIELD_TYPE_TIME, .help = "Real time"), \
    FIELD_COLUMN_WITH("rotated_at",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time of the last rotation; null: none"), \
    FIELD_COLUMN_WITH("previous_until", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Until when the text before the last rotation is taken, too"), \
    FIELD_COLUMN_WITH("revoked_at",     FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time; null: not revoked"), \
    FIELD_COLUMN_WITH("last_used_at",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time, to the minute"), \
    FIELDS_END

static const struct field token_fields[] = {
    ID, TEXT,
    FIELD_ENUM("role", struct token_wish, role, .flags = FIELD_CREATE_ONLY, .values = tenant_role_texts, .help = "What it may do, as far as its principal may; the principal's role unless said"),
    NAME,
    FIELD_TEXT("principal", struct token_wish, principal, .flags = FIELD_CREATE_ONLY, .least = 1, .most = 128, .help = "Name of the member or service account that it stands for; the caller unless said"),
    FIELD_COLUMN("principal_kind", FIELD_TYPE_TEXT, .help = "user or service_account"),
    SCOPES, EXPIRES, FACTS,
};

static const struct field system_token_fields[] = {
    ID, TEXT,
    FIELD_TEXT("tenant", struct token_wish, tenant, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant it acts for; null: the provider"),
    FIELD_ENUM("role", struct token_wish, role, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .values = role_texts, .example = "member", .help = "What it may do, as far as its principal may"),
    NAME,
    FIELD_TEXT("principal", struct token_wish, principal, .flags = FIELD_CREATE_ONLY, .most = 128, .least = 1, .help = "Name of the user or service account it belongs to, made with this role by first mention; the token's name unless said"),
    FIELD_ENUM("principal_kind", struct token_wish, principal_kind, .flags = FIELD_CREATE_ONLY, .values = principal_kinds, .fallback = "service_account", .help = "Kind of a principal that is made"),
    SCOPES, EXPIRES, FACTS,
};
// clang-format on

static const struct schema token_schema = {"Token", token_fields, sizeof(struct token_wish)};
static const struct schema system_token_schema = {"SystemToken", system_token_fields, sizeof(struct token_wish)};

struct token_query {
    const char *name, *principal, *tenant;
};
// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("name",      struct token_query, name, .help = "Only tokens of this name"),
    FIELD_TEXT("principal", struct token_query, principal, .help = "Only tokens of the member or service account of this name"),
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    FIELD_TEXT("name",      struct token_query, name, .help = "Only tokens of this name"),
    FIELD_TEXT("principal", struct token_query, principal, .help = "Only tokens of the principal of this name"),
    FIELD_TEXT("tenant",    struct token_query, tenant, .help = "Only tokens of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"TokenQuery", query_fields, sizeof(struct token_query)};
static const struct schema system_query_schema = {"SystemTokenQuery", system_query_fields, sizeof(struct token_query)};

struct rotation {
    int64_t overlap_s;
};
static const struct field rotation_fields[] = {
    FIELD_INT("overlap_s", struct rotation, overlap_s, .least = 0, .most = OVERLAP_MAX_S, .fallback = "3600",
              .help = "How long the text that it has now is taken, too, in seconds; 0: not a moment"),
    FIELDS_END,
};
static const struct schema rotation_schema = {"TokenRotation", rotation_fields, sizeof(struct rotation)};

/* ---- Statements ---- */

// clang-format off
#define EPOCH(column) "extract(epoch FROM k." column ")::bigint AS " column
#define TOKEN_SELECT \
    "SELECT k.id, t.name AS tenant, k.role, k.name, p.name AS principal, p.kind AS principal_kind," \
    " to_json(k.scopes) AS scopes, " EPOCH("expires_at") ", " EPOCH("created_at") ", " EPOCH("rotated_at") "," \
    " CASE WHEN k.previous_until > clock_timestamp() THEN extract(epoch FROM k.previous_until)::bigint END AS previous_until," \
    " " EPOCH("revoked_at") ", " EPOCH("last_used_at") ", k.revision AS wish_revision, k.id AS page_key, k.tenant_id," \
    " k.principal_id, array_to_string(k.scopes, ' ') AS scope_texts, NULL::text AS token" \
    " FROM token k JOIN principal p ON p.id = k.principal_id LEFT JOIN tenant t ON t.id = k.tenant_id" \
    " WHERE k.hidden_at IS NULL"
// clang-format on

/* $3: only those of this principal. */
static const struct db_stmt statement_list = {
    .name = "token_list",
    .sql = TOKEN_SELECT " AND ($1::uuid IS NULL OR k.id > $1::uuid) AND ($3::uuid IS NULL OR k.principal_id = $3::uuid)"
                        " AND ($4::text IS NULL OR k.name = $4::text) AND ($5::text IS NULL OR p.name = $5::text)"
                        " AND ($6::text IS NULL OR t.name = $6::text) ORDER BY k.id LIMIT $2::bigint",
    .params = 6,
};

static const struct db_stmt statement_get = {
    .name = "token_get",
    .sql = TOKEN_SELECT " AND k.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "token_lock",
    .sql = TOKEN_SELECT " AND k.id = $1::uuid FOR UPDATE OF k",
    .params = 1,
};
static const struct object_lock token_lock = {.stmt = &statement_lock, .noun = "token"};

static const struct db_stmt statement_change = {
    .name = "token_change",
    .sql = "UPDATE token SET name = $2, expires_at = to_timestamp($3::bigint), revision = revision + 1"
           " WHERE id = $1::uuid RETURNING revision",
    .params = 3,
};

static const struct db_stmt statement_rotate = {
    .name = "token_rotate",
    .sql =
        "UPDATE token SET secret_sha256 = $2::bytea, rotated_at = clock_timestamp(), revision = revision + 1,"
        "   previous_sha256 = CASE WHEN $3::integer > 0 THEN secret_sha256 END,"
        "   previous_until = CASE WHEN $3::integer > 0 THEN clock_timestamp() + $3::integer * interval '1 second' END"
        " WHERE id = $1::uuid AND revoked_at IS NULL RETURNING revision",
    .params = 3,
};

/* $2: the caller's own session; it was there, and stays. */
static const struct db_stmt statement_end_sessions = {
    .name = "token_end_sessions",
    .sql = "UPDATE session SET revoked_at = clock_timestamp()"
           " WHERE token_id = $1::uuid AND revoked_at IS NULL AND id IS DISTINCT FROM $2::uuid",
    .params = 2,
};

static const struct db_stmt statement_revoke = {
    .name = "token_revoke",
    .sql = "UPDATE token SET revoked_at = clock_timestamp(), revision = revision + 1"
           " WHERE id = $1::uuid AND revoked_at IS NULL RETURNING revision",
    .params = 1,
};

static const struct db_stmt statement_remove = {
    .name = "token_remove",
    .sql = "UPDATE token SET revoked_at = coalesce(revoked_at, clock_timestamp()), hidden_at = clock_timestamp(),"
           "   revision = revision + 1 WHERE id = $1::uuid RETURNING revision",
    .params = 1,
};

static const struct db_stmt *const statements[] = {&statement_list,   &statement_get,    &statement_lock,
                                                   &statement_change, &statement_rotate, &statement_end_sessions,
                                                   &statement_revoke, &statement_remove, NULL};

/* ---- Who may see which, and do what with it ---- */

static const char *only_of(const struct request *request)
{
    const struct caller *caller = &request->caller;
    return caller->is_tenant && caller->role != ROLE_ADMIN ? caller->principal_id : NULL;
}

static enum err_kind check_visible(const struct request *request, const PGresult *row, struct err *reterr)
{
    const char *only = only_of(request);
    bool is_seen =
        PQntuples(row) > 0 && (only == NULL || strcmp(db_text(row, 0, PQfnumber(row, "principal_id")), only) == 0);
    return is_seen ? ERR_NONE : request_not_found(request, "token", reterr);
}

enum err_kind token_check_authority(struct request *request, const char *role, const struct scopes *scopes,
                                    struct err *reterr)
{
    const struct caller *caller = &request->caller;
    enum role wished = role_from_text(role);
    bool is_operators = !caller->is_tenant && role_is_tenants(wished); /* who lets tenants in may act as one */
    if (!is_operators && !role_covers(caller->role, wished))
        return err_set(reterr, ERR_FORBIDDEN, "the role '%s' may do what '%s' may not", role, role_text(caller->role));
    if (!scopes_cover(&caller->scopes, scopes))
        return err_set_code(reterr, ERR_FORBIDDEN, "scope_missing",
                            "the token shown may not do all that this one could");
    return ERR_NONE;
}

static bool is_own(const struct request *request)
{
    const PGresult *row = request->locked;
    return strcmp(db_text(row, 0, PQfnumber(row, "principal_id")), request->caller.principal_id) == 0;
}

/* Whoever rotates a token has its text and acts as whom it stands for: only who could have made it. An operator makes
 * tokens for all of a tenant's. */
static enum err_kind check_may_have(const struct request *request, struct err *reterr)
{
    const PGresult *row = request->locked;
    bool is_person = strcmp(db_text(row, 0, PQfnumber(row, "principal_kind")), "user") == 0;
    if (request->caller.is_tenant && is_person && !is_own(request))
        return err_set(reterr, ERR_FORBIDDEN, "the token stands for another person, who alone may have its text");
    return ERR_NONE;
}

static enum err_kind check_locked(struct request *request, struct err *reterr)
{
    const PGresult *row = request->locked;
    enum err_kind kind = check_visible(request, row, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_providers = db_text(row, 0, PQfnumber(row, "tenant_id")) == NULL;
    if (is_providers && !is_own(request) && request->caller.role != ROLE_SYSTEM_ADMIN)
        return err_set(reterr, ERR_FORBIDDEN, "only a system_admin decides who acts for the provider");
    struct scopes scopes = {0};
    scopes_read(&scopes, request->internal->server->resources, db_text(row, 0, PQfnumber(row, "scope_texts")));
    return token_check_authority(request, db_text(row, 0, PQfnumber(row, "role")), &scopes, reterr);
}

/* ---- Reads ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct token_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(only_of(request), query->name, query->principal, query->tenant), reterr);
}

static enum err_kind find(struct request *request, const char *id, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(id), ret, reterr);
    return kind == ERR_NONE ? check_visible(request, *ret, reterr) : kind;
}

/* A repetition of the POST that made it comes here too: the secret is not kept, so its answer has no text. */
static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = find(request, request->object, &row, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, 200, request->route->answer->fields, row, 0);
    return kind;
}

enum err_kind token_show(struct request *request, struct response *response, int status, const struct token *token,
                         struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(token->id, id);
    const PGresult *row = NULL;
    enum err_kind kind = find(request, id, &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    char text[TOKEN_TEXT_SIZE];
    token_print(token, text);
    PGresult *told = PQcopyResult(row, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    must(told != NULL && PQsetvalue(told, 0, PQfnumber(told, "token"), text, (int)strlen(text)) == 1);
    response_object(request, response, status, request->route->answer->fields, told, 0);
    PQclear(told);
    OPENSSL_cleanse(text, sizeof text);
    return ERR_NONE;
}

/* ---- Changes: of the locked one ---- */

const char *token_hash_param(struct request *request, const struct token *token)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    char digits[HEX_TEXT_SIZE(TOKEN_HASH_SIZE)];
    token_hash(token, hash);
    hex_print(hash, sizeof hash, digits);
    return arena_format(request->arena, "\\x%s", digits);
}

static enum err_kind tell(struct request *request, const PGresult *changed, const char *kind, struct err *reterr)
{
    request->revokes_token = true; /* what is remembered of it is so no longer */
    const char *tenant_id = db_text(request->locked, 0, PQfnumber(request->locked, "tenant_id"));
    return request_event(request, tenant_id, NULL, "token", request->object, db_int(changed, 0, 0, 0), kind, reterr);
}

enum err_kind token_check_expiry(struct request *request, int64_t expires_at, struct err *reterr)
{
    if (expires_at == FIELD_NULL || expires_at > clock_real_ms() / 1000)
        return ERR_NONE;
    field_problem_add(&request->problems, "/expires_at", "out_of_range", "must lie in the future");
    return request_invalid(request, reterr);
}

static enum err_kind change(struct request *request, struct response *response, struct err *reterr)
{
    const struct token_wish *wish = request->body;
    enum err_kind kind = check_locked(request, reterr);
    if (kind == ERR_NONE && request->body_present == 0)
        return get(request, response, reterr);
    if (kind == ERR_NONE)
        kind = token_check_expiry(request, wish->expires_at, reterr);
    const PGresult *changed = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_change,
                           DB_PARAMS(request->object, wish->name, request_int(request, wish->expires_at)), &changed,
                           reterr);
    if (kind == ERR_NONE)
        kind = tell(request, changed, "token.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

/* Without an overlap nothing is good any more that the text of before was, nor what it was exchanged for. */
static enum err_kind end_sessions(struct request *request, int64_t overlap_s, struct err *reterr)
{
    if (overlap_s > 0)
        return ERR_NONE;
    const char *own = request->caller.session_id[0] == '\0' ? NULL : request->caller.session_id;
    return request_run(request, &statement_end_sessions, DB_PARAMS(request->object, own), NULL, reterr);
}

static enum err_kind rotate(struct request *request, struct response *response, struct err *reterr)
{
    const struct rotation *rotation = request->body;
    enum err_kind kind = check_locked(request, reterr);
    if (kind == ERR_NONE)
        kind = check_may_have(request, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(token_forget) struct token token;
    bool is_tenants = db_text(request->locked, 0, PQfnumber(request->locked, "tenant_id")) != NULL;
    token_make(is_tenants ? TOKEN_TENANTS : TOKEN_PROVIDERS, &token);
    must(identity_from_uuid(request->object, &token.id, reterr) == ERR_NONE);
    const PGresult *changed = NULL;
    kind = request_run(
        request, &statement_rotate,
        DB_PARAMS(request->object, token_hash_param(request, &token), request_int(request, rotation->overlap_s)),
        &changed, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(changed) == 0)
        return err_set(reterr, ERR_CONFLICT, "the token was revoked: make another");
    kind = end_sessions(request, rotation->overlap_s, reterr);
    if (kind == ERR_NONE)
        kind = tell(request, changed, "token.changed", reterr);
    return kind == ERR_NONE ? token_show(request, response, 200, &token, reterr) : kind;
}

static enum err_kind revoke_token(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *changed = NULL;
    enum err_kind kind = check_visible(request, request->locked, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_revoke, DB_PARAMS(request->object), &changed, reterr);
    if (kind == ERR_NONE && PQntuples(changed) > 0)
        kind = tell(request, changed, "token.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

static enum err_kind remove_token(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *changed = NULL;
    enum err_kind kind = check_visible(request, request->locked, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_remove, DB_PARAMS(request->object), &changed, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return tell(request, changed, "token.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_TOKEN
#define ROUTES(plane_, readers_, writers_, query_, schema_) \
    {GET,    plane_ "/tokens",             readers_, RATE_READ,  .query = &(query_), .answer = &(schema_), .is_list = true, .run = list, .summary = "List tokens, without their texts"}, \
    {POST,   plane_ "/tokens",             writers_, RATE_WRITE, .body = &(schema_), .answer = &(schema_), .run = token_create, .replay = get, .problems = PROBLEMS("unknown_tenant", "unknown_principal", "unknown_scope", "role_beyond_principal"), .summary = "Make a token; its text is in this answer only"}, \
    {GET,    plane_ "/tokens/{id}",        readers_, RATE_READ,  .answer = &(schema_), ONE, .run = get, .summary = "One token, without its text"}, \
    {PATCH,  plane_ "/tokens/{id}",        writers_, RATE_WRITE, .body = &(schema_), .answer = &(schema_), ONE, .lock = &token_lock, .run = change, .summary = "Name a token otherwise, or let it end at another time"}, \
    {POST,   plane_ "/tokens/{id}/rotate", writers_, RATE_WRITE, .body = &rotation_schema, .answer = &(schema_), ONE, .lock = &token_lock, .status = 200, .run = rotate, .again = get, .problems = PROBLEMS("conflict"), .summary = "Give a token another text; the one it has is taken for a while, too"}, \
    {POST,   plane_ "/tokens/{id}/revoke", writers_, RATE_WRITE, .answer = &(schema_), ONE, .lock = &token_lock, .status = 200, .run = revoke_token, .again = get, .summary = "Revoke a token, at once"}, \
    {DELETE, plane_ "/tokens/{id}",        writers_, RATE_WRITE, ONE, .lock = &token_lock, .status = 204, .run = remove_token, .summary = "Revoke a token and hide it"}

static const struct route routes[] = {
    ROUTES("/v1", ROLES_TENANT_MONEY, ROLES_TENANT_MONEY, query_schema, token_schema),
    ROUTES("/v1/system", ROLES_SYSTEM_READ, ROLES_SYSTEM_OPERATE, system_query_schema, system_token_schema),
    ROUTES_END,
};
// clang-format on

const struct resource token_resource = {"tokens", routes, statements,
                                        "What proves who is calling, and how much of it may be done."};
