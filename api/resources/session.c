/* Sessions: browsers that are signed in. One is made by showing a token, once; from then on the browser's cookie says
 * who asks. Everybody sees and ends their own, a tenant's admins those of their tenant, operators all. What has ended
 * is not shown any more. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/session.h"

#include "api/resources/principal.h"
#include "api/resources/registry.h"
#include "api/resources/token.h"
#include "api/server/answer.h"
#include "api/server/server.h"

#include <openssl/crypto.h>
#include <string.h>

#define PER_PRINCIPAL_MAX_TEXT "50" /* beyond, the oldest end */
#define USER_AGENT_MAX         255

struct revocation {
    const char *principal_id;
};

// clang-format off
#define FIELDS \
    FIELD_COLUMN     ("principal",    FIELD_TYPE_TEXT, .help = "Name of who is signed in"), \
    FIELD_COLUMN     ("principal_id", FIELD_TYPE_ID, .identity = IDENTITY_PRINCIPAL, .help = "The same by its id"), \
    FIELD_COLUMN_WITH("token_id",     FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_TOKEN, .help = "The token it was exchanged for, with which it ends; null: an identity provider said who this is"), \
    FIELD_COLUMN     ("created_at",   FIELD_TYPE_TIME, .help = "Real time"), \
    FIELD_COLUMN     ("last_used_at", FIELD_TYPE_TIME, .help = "Real time, to the minute"), \
    FIELD_COLUMN     ("expires_at",   FIELD_TYPE_TIME, .help = "Real time at which it ends, however much it is used"), \
    FIELD_COLUMN     ("address",      FIELD_TYPE_TEXT, .help = "Where it was begun from"), \
    FIELD_COLUMN_WITH("user_agent",   FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What the browser called itself then"), \
    FIELDS_END
#define ID FIELD_COLUMN("id", FIELD_TYPE_ID, .identity = IDENTITY_SESSION, .help = "The session")

static const struct field session_fields[] = {
    ID,
    FIELD_COLUMN_WITH("csrf_token", FIELD_TYPE_TEXT, FIELD_OPTIONAL, .help = "To be sent as X-CSRF-Token with whatever changes something; only in the answer that makes it, and in GET /v1/me"),
    FIELDS,
};
static const struct field system_session_fields[] = {
    ID,
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant it acts for; null: the provider"),
    FIELDS,
};
static const struct field revocation_fields[] = {
    FIELD_ID("principal_id", struct revocation, principal_id, .identity = IDENTITY_PRINCIPAL, .help = "Whose sessions; the caller's unless said"),
    FIELDS_END,
};
static const struct field revoked_fields[] = {
    FIELD_COLUMN("ended", FIELD_TYPE_INT, .help = "How many sessions it were"),
    FIELDS_END,
};
// clang-format on

static const struct schema session_schema = {"Session", session_fields, 0};
static const struct schema system_session_schema = {"SystemSession", system_session_fields, 0};
static const struct schema revocation_schema = {"SessionRevocation", revocation_fields, sizeof(struct revocation)};
static const struct schema revoked_schema = {"SessionsRevoked", revoked_fields, 0};

/* ---- Statements ---- */

#define EPOCH(column) "extract(epoch FROM s." column ")::bigint AS " column
// clang-format off
#define SESSION_SELECT(csrf)                                                                                           \
    "SELECT s.id, " csrf " AS csrf_token, w.name AS tenant, p.name AS principal, s.principal_id, s.token_id,"          \
    " " EPOCH("created_at") ", " EPOCH("last_used_at") ", " EPOCH("expires_at") ", s.address, s.user_agent,"           \
    " 1 AS wish_revision, s.id AS page_key"                                                                            \
    " FROM session s JOIN principal p ON p.id = s.principal_id LEFT JOIN tenant w ON w.id = s.tenant_id"               \
    " WHERE s.revoked_at IS NULL AND s.expires_at > clock_timestamp()"                                                 \
    " AND s.last_used_at + s.idle_s * interval '1 second' > clock_timestamp() AND NOT EXISTS"                          \
    " (SELECT FROM token k WHERE k.id = s.token_id"                                                                    \
    "     AND (k.revoked_at IS NOT NULL OR k.expires_at <= clock_timestamp()))"
// clang-format on

/* $3: only those of this principal. */
static const struct db_stmt statement_list = {
    .name = "session_list",
    .sql = SESSION_SELECT("NULL::text") " AND ($1::uuid IS NULL OR s.id > $1::uuid)"
                                        " AND ($3::uuid IS NULL OR s.principal_id = $3::uuid)"
                                        " ORDER BY s.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "session_get",
    .sql = SESSION_SELECT("$2::text") " AND s.id = $1::uuid",
    .params = 2,
};

static const struct db_stmt statement_lock = {
    .name = "session_lock",
    .sql = SESSION_SELECT("NULL::text") " AND s.id = $1::uuid FOR UPDATE OF s",
    .params = 1,
};
static const struct object_lock session_lock = {.stmt = &statement_lock, .noun = "session"};

static const struct db_stmt statement_trim = {
    .name = "session_trim",
    .sql =
        "UPDATE session SET revoked_at = clock_timestamp() WHERE id IN (SELECT id FROM session"
        " WHERE principal_id = $1::uuid AND revoked_at IS NULL ORDER BY created_at DESC OFFSET " PER_PRINCIPAL_MAX_TEXT
        " - 1) RETURNING id",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "session_create",
    .sql = "INSERT INTO session (id, principal_id, tenant_id, token_id, secret_sha256, expires_at, idle_s, address, "
           "user_agent)"
           " VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::bytea,"
           "         clock_timestamp() + $6::bigint * interval '1 second', $7::integer, $8, $9)",
    .params = 9,
};

static const struct db_stmt statement_revoke = {
    .name = "session_revoke",
    .sql = "UPDATE session SET revoked_at = clock_timestamp() WHERE id = $1::uuid AND revoked_at IS NULL",
    .params = 1,
};

static const struct db_stmt statement_principal = {
    .name = "session_principal",
    .sql = "SELECT FROM principal WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_revoke_all = {
    .name = "session_revoke_all",
    .sql = "WITH ended AS (UPDATE session SET revoked_at = clock_timestamp()"
           " WHERE principal_id = $1::uuid AND revoked_at IS NULL RETURNING expires_at)"
           " SELECT count(*) FILTER (WHERE expires_at > clock_timestamp()) AS ended FROM ended",
    .params = 1,
};

static const struct db_stmt *const statements[] = {&statement_list,      &statement_get,        &statement_lock,
                                                   &statement_trim,      &statement_create,     &statement_revoke,
                                                   &statement_principal, &statement_revoke_all, NULL};

/* ---- Who may see which ---- */

/* One's own sessions are everybody's, with any token. Those of others need the scope as all else does. */
static bool is_tenants_admin(const struct request *request)
{
    const struct caller *caller = &request->caller;
    bool is_write = request->route->method != GET;
    return caller->role == ROLE_ADMIN &&
           scopes_allow(&caller->scopes, request->internal->server->resources, session_resource.name, is_write);
}

/* The operators' routes show all; those that everybody may call, one's own, to an admin the tenant's. NULL: all that
 * row-level security shows. */
static const char *only_of(const struct request *request)
{
    bool is_own = request->route->roles == ROLES_EVERY && !is_tenants_admin(request);
    return is_own ? request->caller.principal_id : NULL;
}

static enum err_kind check_visible(const struct request *request, const PGresult *row, struct err *reterr)
{
    const char *only = only_of(request);
    bool is_seen =
        PQntuples(row) > 0 && (only == NULL || strcmp(db_text(row, 0, PQfnumber(row, "principal_id")), only) == 0);
    return is_seen ? ERR_NONE : request_not_found(request, "session", reterr);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_PARAMS(only_of(request)), reterr);
}

static enum err_kind show(struct request *request, struct response *response, int status, const char *csrf,
                          struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(request->object, csrf), &row, reterr);
    if (kind == ERR_NONE)
        kind = check_visible(request, row, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, status, request->route->answer->fields, row, 0);
    return kind;
}

/* A repetition of the POST that made it comes here, too: without cookie, whose secret is not kept. */
static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return show(request, response, 200, NULL, reterr);
}

/* ---- Beginning ---- */

/* Printable ASCII of what the browser says; NULL: it says nothing. */
static const char *user_agent(struct request *request)
{
    const char *header = request_header(request, MHD_HTTP_HEADER_USER_AGENT);
    if (header == NULL || header[0] == '\0')
        return NULL;
    char *text = arena_text_n(request->arena, header, strnlen(header, USER_AGENT_MAX));
    for (char *each = text; *each != '\0'; each++)
        *each = *each >= ' ' && *each <= '~' ? *each : '?';
    return text;
}

static enum err_kind trim(struct request *request, const char *principal_id, struct err *reterr)
{
    const PGresult *ended = NULL;
    enum err_kind kind = request_run(request, &statement_trim, DB_PARAMS(principal_id), &ended, reterr);
    request->revokes_token |= kind == ERR_NONE && PQntuples(ended) > 0;
    return kind;
}

static enum err_kind store(struct request *request, const struct session_of *of, const struct token *token,
                           struct err *reterr)
{
    const struct api_settings *settings = request->internal->server->settings;
    enum err_kind kind = trim(request, of->principal_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, of->principal_id, of->tenant_id, of->token_id,
                                 token_hash_param(request, token), request_int(request, settings->session_lifetime_s),
                                 request_int(request, settings->session_idle_s), request->remote, user_agent(request)),
                       NULL, reterr);
}

static void give_cookie(struct request *request, struct response *response, const struct token *token)
{
    char text[TOKEN_TEXT_SIZE];
    token_print(token, text);
    char *cookie = arena_alloc(request->arena, SESSION_COOKIE_SIZE);
    session_cookie_print(text, request->internal->server->settings->session_lifetime_s, cookie);
    response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    OPENSSL_cleanse(text, sizeof text);
}

enum err_kind session_begin(struct request *request, struct response *response, const struct session_of *of,
                            char ret_csrf[static CSRF_TEXT_SIZE], struct err *reterr)
{
    CLEANUP(token_forget) struct token token;
    token_make(TOKEN_SESSIONS, &token);
    enum err_kind kind = identity_from_uuid(request->new_id, &token.id, reterr);
    if (kind == ERR_NONE)
        kind = store(request, of, &token, reterr);
    if (kind != ERR_NONE)
        return kind;
    csrf_token(&token, ret_csrf);
    give_cookie(request, response, &token);
    return ERR_NONE;
}

/* A token, which ends by itself or is revoked: what was made of a session would outlive it. */
static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct caller *caller = &request->caller;
    if (caller->session_id[0] != '\0' || caller->token_id[0] == '\0')
        return err_set_code(reterr, ERR_FORBIDDEN, "session_makes_none",
                            "a session is exchanged for a token of Sluice: Authorization: Bearer slu_...");
    const struct session_of of = {
        .principal_id = caller->principal_id,
        .tenant_id = caller->is_tenant ? caller->tenant_id : NULL,
        .token_id = caller->token_id,
    };
    char csrf[CSRF_TEXT_SIZE];
    enum err_kind kind = session_begin(request, response, &of, csrf, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->object = request->new_id;
    return show(request, response, 201, csrf, reterr);
}

/* ---- Ending ---- */

static void take_cookie(const struct request *request, struct response *response, bool is_own)
{
    if (is_own && request->caller.session_id[0] != '\0')
        response_header(response, MHD_HTTP_HEADER_SET_COOKIE, session_cookie_gone);
}

static enum err_kind remove_session(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = check_visible(request, request->locked, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_revoke, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->revokes_token = true; /* what is remembered of it is so no longer */
    response->status = 204;
    take_cookie(request, response, strcmp(request->object, request->caller.session_id) == 0);
    return ERR_NONE;
}

static enum err_kind check_principal(struct request *request, const char *id, struct err *reterr)
{
    const char *only = only_of(request);
    if (only != NULL && strcmp(only, id) != 0)
        return err_set(reterr, ERR_FORBIDDEN, "only an admin or an operator ends the sessions of others");
    const PGresult *found = NULL;
    enum err_kind kind = request_run(request, &statement_principal, DB_PARAMS(id), &found, reterr);
    if (kind != ERR_NONE || PQntuples(found) > 0)
        return kind;
    field_problem_add(&request->problems, "/principal_id", "unknown_principal", "there is no such principal");
    return request_invalid(request, reterr);
}

static enum err_kind revoke_all(struct request *request, struct response *response, struct err *reterr)
{
    const struct revocation *wish = request->body;
    const char *id = wish->principal_id == NULL ? request->caller.principal_id : wish->principal_id;
    enum err_kind kind = check_principal(request, id, reterr);
    const PGresult *ended = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_revoke_all, DB_PARAMS(id), &ended, reterr);
    if (kind != ERR_NONE)
        return kind;
    request->revokes_token = true;
    response_row(response, 200, revoked_fields, ended, 0);
    take_cookie(request, response, strcmp(id, request->caller.principal_id) == 0);
    return ERR_NONE;
}

/* Who signed in since then stays so. */
static enum err_kind revoked_before(struct request *request, struct response *response, struct err *reterr)
{
    (void)request, (void)reterr;
    response->status = 200;
    json_out_raw(&response->body, "{\"ended\":0}");
    return ERR_NONE;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_SESSION, .needs_no_scope = true
static const struct route routes[] = {
    {POST,   "/v1/sessions",               ROLES_EVERY, RATE_WRITE, .answer = &session_schema, .needs_no_scope = true, .signs_in = true, .run = create, .replay = get, .problems = PROBLEMS("session_makes_none", "sign_in_throttled"), .summary = "Sign a browser in: a token is exchanged for a cookie"},
    {GET,    "/v1/sessions",               ROLES_EVERY, RATE_READ,  .answer = &session_schema, .is_list = true, .needs_no_scope = true, .run = list, .summary = "List the caller's sessions; to an admin, the tenant's"},
    {GET,    "/v1/sessions/{id}",          ROLES_EVERY, RATE_READ,  .answer = &session_schema, ONE, .run = get, .summary = "One session"},
    {DELETE, "/v1/sessions/{id}",          ROLES_EVERY, RATE_WRITE, ONE, .lock = &session_lock, .status = 204, .run = remove_session, .summary = "Sign a session out, at once"},
    {POST,   "/v1/sessions/revoke",        ROLES_EVERY, RATE_WRITE, .body = &revocation_schema, .answer = &revoked_schema, .status = 200, .needs_no_scope = true, .run = revoke_all, .again = revoked_before, .problems = PROBLEMS("unknown_principal"), .summary = "Sign out everywhere: end all sessions of the caller, or of another whom the caller may end"},
    {GET,    "/v1/system/sessions",        ROLES_SYSTEM_READ,    RATE_READ,  .answer = &system_session_schema, .is_list = true, .run = list, .summary = "List everybody's sessions"},
    {GET,    "/v1/system/sessions/{id}",   ROLES_SYSTEM_READ,    RATE_READ,  .answer = &system_session_schema, .has_id = true, .id = IDENTITY_SESSION, .run = get, .summary = "One session"},
    {DELETE, "/v1/system/sessions/{id}",   ROLES_SYSTEM_OPERATE, RATE_WRITE, .has_id = true, .id = IDENTITY_SESSION, .lock = &session_lock, .status = 204, .run = remove_session, .summary = "Sign a session out, at once"},
    {POST,   "/v1/system/sessions/revoke", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &revocation_schema, .answer = &revoked_schema, .status = 200, .run = revoke_all, .again = revoked_before, .problems = PROBLEMS("unknown_principal"), .summary = "Sign a principal out everywhere: end all of its sessions"},
    ROUTES_END,
};
// clang-format on

const struct resource session_resource = {"sessions", routes, statements, "Browsers that are signed in."};
