/* Tokens: what principals show. The text of a token is in the answer that makes it, and nowhere else ever after. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/token.h"

#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/hex.h"
#include "common/must.h"

struct token_wish {
    const char *id;
    const char *token;
    const char *tenant;
    const char *role;
    const char *name;
    const char *principal;
    const char *principal_kind;
    int64_t expires_at;
    int64_t created_at;
    int64_t revoked_at;
    int64_t last_used_at;
};

static const char *const roles[] = {
#define X(constant, text, bit, of_tenant) text,
    ROLES(X)
#undef X
        NULL};
static const char *const principal_kinds[] = {"user", "service_account", NULL};

// clang-format off
static const struct field token_fields[] = {
    FIELD_ID  ("id",             struct token_wish, id, .identity = IDENTITY_TOKEN, .flags = FIELD_READ_ONLY, .help = "The token; also a part of its text"),
    FIELD_TEXT("token",          struct token_wish, token, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .help = "The text to show as Authorization: Bearer; only in the answer that makes it"),
    FIELD_TEXT("tenant",         struct token_wish, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant it acts for; null: the provider"),
    FIELD_ENUM("role",           struct token_wish, role, .values = roles, .flags = FIELD_REQUIRED, .example = "member", .help = "What it may do"),
    FIELD_TEXT("name",           struct token_wish, name, .flags = FIELD_REQUIRED, .most = 128, .least = 1, .example = "ana-laptop", .help = "For people"),
    FIELD_TEXT("principal",      struct token_wish, principal, .most = 128, .least = 1, .help = "Name of the user or service account it belongs to, made by first mention; the token's name unless said"),
    FIELD_ENUM("principal_kind", struct token_wish, principal_kind, .values = principal_kinds, .fallback = "service_account", .help = "Kind of a principal that is made"),
    FIELD_TIME("expires_at",     struct token_wish, expires_at, .flags = FIELD_NULLABLE, .help = "Real time; null: never"),
    FIELD_TIME("created_at",     struct token_wish, created_at, .flags = FIELD_READ_ONLY, .help = "Real time"),
    FIELD_TIME("revoked_at",     struct token_wish, revoked_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Real time; null: not revoked"),
    FIELD_TIME("last_used_at",   struct token_wish, last_used_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Real time, to the minute"),
    FIELDS_END,
};
// clang-format on

static const struct schema token_schema = {"Token", token_fields, sizeof(struct token_wish)};

struct token_query {
    const char *name;
    const char *tenant;
};
static const struct field token_query_fields[] = {
    FIELD_TEXT("name", struct token_query, name, .help = "Only tokens of this name"),
    FIELD_TEXT("tenant", struct token_query, tenant, .help = "Only tokens of the tenant of this name"),
    FIELDS_END,
};
static const struct schema token_query_schema = {"TokenQuery", token_query_fields, sizeof(struct token_query)};

#define TOKEN_SELECT                                                                                                   \
    "SELECT k.id, t.name AS tenant, k.role, k.name, p.name AS principal, p.kind AS principal_kind,"                    \
    " extract(epoch FROM k.expires_at)::bigint AS expires_at, extract(epoch FROM k.created_at)::bigint AS created_at," \
    " extract(epoch FROM k.revoked_at)::bigint AS revoked_at,"                                                         \
    " extract(epoch FROM k.last_used_at)::bigint AS last_used_at, k.id AS page_key"                                    \
    " FROM token k JOIN principal p ON p.id = k.principal_id LEFT JOIN tenant t ON t.id = k.tenant_id"

static const struct db_stmt statement_list = {
    .name = "token_list",
    .sql = TOKEN_SELECT " WHERE ($1::uuid IS NULL OR k.id > $1::uuid) AND ($3::text IS NULL OR k.name = $3::text)"
                        " AND ($4::text IS NULL OR t.name = $4::text) ORDER BY k.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "token_get",
    .sql = TOKEN_SELECT " WHERE k.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_tenant = {
    .name = "token_tenant",
    .sql = "SELECT id FROM tenant WHERE name = $1",
    .params = 1,
};

/* The update of nothing lets the principal's row be returned whether it was there or not. */
static const struct db_stmt statement_create = {
    .name = "token_create",
    .sql =
        "WITH owner AS ("
        "  INSERT INTO principal AS p (id, tenant_id, kind, name) VALUES ($1::uuid, $2::uuid, $3, $4)"
        "  ON CONFLICT (tenant_id, name) DO UPDATE SET name = p.name RETURNING p.id, p.kind"
        ") INSERT INTO token (id, principal_id, tenant_id, role, secret_sha256, name, expires_at)"
        " SELECT $5::uuid, owner.id, $2::uuid, $6, $7::bytea, $8, to_timestamp($9::bigint) FROM owner"
        " RETURNING extract(epoch FROM created_at)::bigint AS created_at, (SELECT kind FROM owner) AS principal_kind",
    .params = 9,
};

static const struct db_stmt statement_revoke = {
    .name = "token_revoke",
    .sql = "UPDATE token SET revoked_at = clock_timestamp() WHERE id = $1::uuid AND revoked_at IS NULL"
           " RETURNING tenant_id",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct token_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name, query->tenant), reterr);
}

/* A repetition under an idempotency key comes here too: the secret is not kept, so its answer has no text. */
static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "token", reterr);
}

/* Sets *ret_id to the UUID of the tenant wished for, NULL for the provider, and says no where role and tenant do not
 * go together, or where the caller would make itself more than it is. */
static enum err_kind tenant_of(struct request *request, const struct token_wish *wish, const char **ret_id,
                               struct err *reterr)
{
    bool is_tenants = role_is_tenants(role_from_text(wish->role));
    if (is_tenants != (wish->tenant != NULL)) {
        field_problem_add(&request->problems, "/tenant", is_tenants ? "missing_field" : "out_of_range",
                          is_tenants ? "is required for the role '%s'" : "must be null for the role '%s'", wish->role);
        return request_invalid(request, reterr);
    }
    if (!is_tenants && request->caller.role != ROLE_SYSTEM_ADMIN)
        return err_set(reterr, ERR_FORBIDDEN, "only a system_admin makes tokens of the provider");
    if (!is_tenants)
        return ERR_NONE;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_tenant, DB_PARAMS(wish->tenant), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
        return request_invalid(request, reterr);
    }
    *ret_id = db_text(result, 0, 0);
    return ERR_NONE;
}

/* bytea as PostgreSQL reads it. */
static const char *hash_param(struct request *request, const struct token *token)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    char digits[HEX_TEXT_SIZE(TOKEN_HASH_SIZE)];
    token_hash(token, hash);
    hex_print(hash, sizeof hash, digits);
    return arena_format(request->arena, "\\x%s", digits);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct token_wish *wish = request->body;
    const char *tenant_id = NULL;
    enum err_kind kind = tenant_of(request, wish, &tenant_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(token_forget) struct token token;
    token_make(tenant_id != NULL, &token);
    must(identity_from_uuid(request->new_id, &token.id, reterr) == ERR_NONE);
    char principal_id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), principal_id);
    const char *principal = wish->principal == NULL ? wish->name : wish->principal;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_create,
                       DB_PARAMS(principal_id, tenant_id, wish->principal_kind, principal, request->new_id, wish->role,
                                 hash_param(request, &token), wish->name, request_int(request, wish->expires_at)),
                       &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    char text[TOKEN_TEXT_SIZE];
    token_print(&token, text);
    struct token_wish made = *wish;
    made.id = request->new_id;
    made.token = text;
    made.principal = principal;
    made.created_at = db_int(result, 0, 0, FIELD_NULL);
    made.principal_kind = db_text(result, 0, 1);
    made.revoked_at = FIELD_NULL;
    made.last_used_at = FIELD_NULL;
    response_struct(response, 201, token_fields, &made);
    return request_event(request, tenant_id, NULL, "token", request->new_id, 1, "token.created", reterr);
}

static enum err_kind revoke(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_revoke, DB_PARAMS(request->object), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0) {
        request->revokes_token = true;
        kind =
            request_event(request, db_text(result, 0, 0), NULL, "token", request->object, 2, "token.changed", reterr);
    }
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
static const struct route token_routes[] = {
    {GET,  "/v1/system/tokens",             ROLES_SYSTEM_READ,    RATE_READ,  .query = &token_query_schema, .answer = &token_schema, .is_list = true, .run = list, .summary = "List tokens, without their texts"},
    {POST, "/v1/system/tokens",             ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &token_schema, .answer = &token_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_tenant"), .summary = "Make a token; its text is in this answer only"},
    {POST, "/v1/system/tokens/{id}/revoke", ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &token_schema, .has_id = true, .id = IDENTITY_TOKEN, .status = 200, .run = revoke, .summary = "Revoke a token, at once"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const token_statements[] = {&statement_list,   &statement_get,    &statement_tenant,
                                                         &statement_create, &statement_revoke, NULL};

const struct resource token_resource = {"tokens", token_routes, token_statements,
    "What proves who is calling."};
