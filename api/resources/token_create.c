/* Making tokens. Of a tenant's callers, everybody makes tokens for itself and an admin for service accounts, too; an
 * operator makes tokens for anybody's principals, which come to be by first mention. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/principal.h"
#include "api/resources/token.h"
#include "api/server/server.h"
#include "common/must.h"

#include <string.h>

/* Whom the token is to stand for. */
struct owner {
    const char *id, *tenant_id;
    const char *role, *kind;
};

static const struct db_stmt statement_owner = {
    .name = "token_owner",
    .sql = "SELECT id, role, kind FROM principal WHERE tenant_id = $1::uuid AND name = $2 AND removed_at IS NULL",
    .params = 2,
};

/* The update of nothing lets the principal's row be returned whether it was there or not. */
static const struct db_stmt statement_owner_made = {
    .name = "token_owner_made",
    .sql = "INSERT INTO principal AS p (id, tenant_id, kind, name, role) VALUES ($1::uuid, $2::uuid, $3, $4, $5)"
           " ON CONFLICT (tenant_id, name) WHERE removed_at IS NULL DO UPDATE SET name = p.name"
           " RETURNING p.id, p.role, p.kind, p.revision = 1 AND p.id = $1::uuid",
    .params = 5,
};

static const struct db_stmt statement_create = {
    .name = "token_create",
    .sql = "INSERT INTO token (id, principal_id, tenant_id, role, secret_sha256, name, scopes, expires_at)"
           " VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bytea, $6, $7::text[], to_timestamp($8::bigint))",
    .params = 8,
};

const struct db_stmt *const token_create_statements[] = {&statement_owner, &statement_owner_made, &statement_create,
                                                         NULL};

static void take_owner(const PGresult *row, const char *tenant_id, struct owner *ret)
{
    *ret = (struct owner){
        .id = db_text(row, 0, 0), .tenant_id = tenant_id, .role = db_text(row, 0, 1), .kind = db_text(row, 0, 2)};
}

static enum err_kind owner_of_tenant(struct request *request, const struct token_wish *wish, struct owner *ret,
                                     struct err *reterr)
{
    const struct caller *caller = &request->caller;
    const char *name = wish->principal == NULL ? caller->principal : wish->principal;
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_owner, DB_PARAMS(caller->tenant_id, name), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_own = PQntuples(row) > 0 && strcmp(db_text(row, 0, 0), caller->principal_id) == 0;
    bool is_account = PQntuples(row) > 0 && strcmp(db_text(row, 0, 2), "service_account") == 0;
    if (!is_own && !(is_account && caller->role == ROLE_ADMIN)) {
        field_problem_add(&request->problems, "/principal", "unknown_principal",
                          "must be the caller, or a service account where the caller is an admin");
        return request_invalid(request, reterr);
    }
    take_owner(row, caller->tenant_id, ret);
    return ERR_NONE;
}

static enum err_kind owner_for_operator(struct request *request, const struct token_wish *wish, struct owner *ret,
                                        struct err *reterr)
{
    const char *tenant_id = NULL;
    enum err_kind kind = principal_tenant(request, wish->tenant, wish->role, &tenant_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), id);
    const char *name = wish->principal == NULL ? wish->name : wish->principal;
    const PGresult *row = NULL;
    kind = request_run(request, &statement_owner_made, DB_PARAMS(id, tenant_id, wish->principal_kind, name, wish->role),
                       &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    take_owner(row, tenant_id, ret);
    return db_bool(row, 0, 3)
               ? request_event(request, tenant_id, NULL, "principal", ret->id, 1, "principal.created", reterr)
               : ERR_NONE;
}

static void check_scopes(struct request *request, const struct token_wish *wish, struct scopes *ret)
{
    *ret = (struct scopes){.is_everything = wish->scopes.array == NULL};
    for (size_t i = 0; i < wish->scopes.count; i++) {
        if (!scopes_add(ret, request->internal->server->resources, wish->scopes.items[i]))
            field_problem_add(&request->problems, arena_format(request->arena, "/scopes/%zu", i), "unknown_scope",
                              "there is no scope '%.60s'", wish->scopes.items[i]);
    }
}

static enum err_kind check(struct request *request, const struct token_wish *wish, const struct owner *owner,
                           const char *role, struct err *reterr)
{
    struct scopes scopes;
    check_scopes(request, wish, &scopes);
    if (!role_covers(role_from_text(owner->role), role_from_text(role)))
        field_problem_add(&request->problems, "/role", "role_beyond_principal",
                          "is more than the role '%s' of the principal", owner->role);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    enum err_kind kind = token_check_expiry(request, wish->expires_at, reterr);
    return kind == ERR_NONE ? token_check_authority(request, role, &scopes, reterr) : kind;
}

enum err_kind token_create(struct request *request, struct response *response, struct err *reterr)
{
    const struct token_wish *wish = request->body;
    struct owner owner = {0};
    enum err_kind kind = request->caller.is_tenant ? owner_of_tenant(request, wish, &owner, reterr)
                                                   : owner_for_operator(request, wish, &owner, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *role = wish->role == NULL ? owner.role : wish->role;
    kind = check(request, wish, &owner, role, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(token_forget) struct token token;
    token_make(owner.tenant_id == NULL ? TOKEN_PROVIDERS : TOKEN_TENANTS, &token);
    must(identity_from_uuid(request->new_id, &token.id, reterr) == ERR_NONE);
    kind = request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, owner.id, owner.tenant_id, role, token_hash_param(request, &token),
                                 wish->name, wish->scopes.array, request_int(request, wish->expires_at)),
                       NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, owner.tenant_id, NULL, "token", request->new_id, 1, "token.created", reterr);
    return kind == ERR_NONE ? token_show(request, response, 201, &token, reterr) : kind;
}
