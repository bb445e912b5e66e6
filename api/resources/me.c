/* Who asks, what may be asked, and which time it is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/server.h"
#include "common/clock.h"

struct me {
    const char *principal, *principal_id, *principal_kind;
    const char *role;
    const char *tenant, *tenant_id;
    bool tenant_suspended;
    const char *token_id, *session_id, *csrf_token;
    int64_t token_expires_at;
    struct field_list scopes;
    struct me_limits {
        int64_t body_bytes, page_items, wait_s, quotes;
    } limits;
    int64_t domain_time;
    bool virtual_clock;
    const char *address;
    const char *client_certificate;
};

// clang-format off
static const struct field limit_fields[] = {
    FIELD_INT("body_bytes", struct me_limits, body_bytes, .flags = FIELD_READ_ONLY, .help = "Largest body of a request"),
    FIELD_INT("page_items", struct me_limits, page_items, .flags = FIELD_READ_ONLY, .help = "Most items of a page"),
    FIELD_INT("wait_s",     struct me_limits, wait_s, .flags = FIELD_READ_ONLY, .help = "Longest wait that Prefer may ask for"),
    FIELD_INT("quotes",     struct me_limits, quotes, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Quotes that the tenant may hold at one time; null: the provider has none"),
    FIELDS_END,
};

static const struct field me_fields[] = {
    FIELD_TEXT  ("principal",        struct me, principal, .flags = FIELD_READ_ONLY, .help = "Name of the user or service account"),
    FIELD_ID    ("principal_id",     struct me, principal_id, .identity = IDENTITY_PRINCIPAL, .flags = FIELD_READ_ONLY, .help = "The same by its id"),
    FIELD_TEXT  ("principal_kind",   struct me, principal_kind, .flags = FIELD_READ_ONLY, .help = "user or service_account"),
    FIELD_TEXT  ("role",             struct me, role, .flags = FIELD_READ_ONLY, .help = "What the token may do"),
    FIELD_TEXT  ("tenant",           struct me, tenant, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Name of the tenant acted for; null: the provider"),
    FIELD_ID    ("tenant_id",        struct me, tenant_id, .identity = IDENTITY_TENANT, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The same by its id"),
    FIELD_BOOL  ("tenant_suspended", struct me, tenant_suspended, .flags = FIELD_READ_ONLY, .help = "Whether the tenant may read only"),
    FIELD_ID    ("token_id",         struct me, token_id, .identity = IDENTITY_TOKEN, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The token shown, or that the session was exchanged for; null: there is none"),
    FIELD_TIME  ("token_expires_at", struct me, token_expires_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Real time at which what was shown ends, a session if it is not used; null: never"),
    FIELD_ID    ("session_id",       struct me, session_id, .identity = IDENTITY_SESSION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The browser's session; null: a token was shown"),
    FIELD_TEXT  ("csrf_token",       struct me, csrf_token, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Of a session: to be sent as X-CSRF-Token with whatever changes something; null: a token was shown"),
    FIELD_LIST  ("scopes",           struct me, scopes, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What it may do of what the role may; null: everything"),
    FIELD_OBJECT("limits",           struct me, limits, .flags = FIELD_READ_ONLY, .fields = limit_fields, .help = "How much may be asked for"),
    FIELD_TIME  ("domain_time",      struct me, domain_time, .flags = FIELD_READ_ONLY, .help = "What time it is in windows, metering and prices"),
    FIELD_BOOL  ("virtual_clock",    struct me, virtual_clock, .flags = FIELD_READ_ONLY, .help = "Whether domain time stands still until an operator moves it"),
    FIELD_TEXT  ("address",          struct me, address, .flags = FIELD_READ_ONLY, .help = "Where the request came from, as limits and audit have it: an address, or unix"),
    FIELD_TEXT  ("client_certificate", struct me, client_certificate, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "SHA-256 of the client certificate that the TLS proxy verified; null: none was shown"),
    FIELDS_END,
};
// clang-format on

static const struct schema me_schema = {"Me", me_fields, sizeof(struct me)};

static const struct db_stmt statement_quotes = {
    .name = "me_quotes",
    .sql = "SELECT quotes_max FROM tenant WHERE id = $1::uuid",
    .params = 1,
};

static enum err_kind read_limits(struct request *request, struct me_limits *ret, struct err *reterr)
{
    *ret = (struct me_limits){
        .body_bytes = BODY_BYTES_MAX, .page_items = PAGE_LIMIT_MAX, .wait_s = WAIT_MAX_S, .quotes = FIELD_NULL};
    if (!request->caller.is_tenant)
        return ERR_NONE;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_quotes, DB_PARAMS(request->caller.tenant_id), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0)
        ret->quotes = db_int(result, 0, 0, FIELD_NULL);
    return kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const struct caller *caller = &request->caller;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &clock_domain_statement, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct clock_domain clock = clock_domain_of(result);
    bool is_session = caller->session_id[0] != '\0';
    struct me me = {
        .principal = caller->principal,
        .principal_id = caller->principal_id,
        .principal_kind = caller->is_service_account ? "service_account" : "user",
        .role = role_text(caller->role),
        .tenant = caller->is_tenant ? caller->tenant : NULL,
        .tenant_id = caller->is_tenant ? caller->tenant_id : NULL,
        .tenant_suspended = caller->tenant_suspended,
        .token_id = caller->token_id[0] == '\0' ? NULL : caller->token_id,
        .session_id = is_session ? caller->session_id : NULL,
        .csrf_token = is_session ? request->internal->csrf : NULL,
        .token_expires_at = caller->token_expires_at,
        .scopes = scopes_list(&caller->scopes, request->internal->server->resources, request->arena),
        .domain_time = clock.now_s,
        .virtual_clock = clock.is_virtual,
        .address = request->remote,
        .client_certificate = request->certificate,
    };
    kind = read_limits(request, &me.limits, reterr);
    if (kind == ERR_NONE)
        response_struct(response, 200, me_fields, &me);
    return kind;
}

static const struct route me_routes[] = {
    {GET, "/v1/me", ROLES_EVERY, RATE_READ, .answer = &me_schema, .needs_no_scope = true, .run = get,
     .summary = "Who the token stands for, and what it may do"},
    ROUTES_END,
};

static const struct db_stmt *const me_statements[] = {&statement_quotes, NULL};

const struct resource me_resource = {"me", me_routes, me_statements, "Who the token stands for."};
