/* Who asks, and which time it is there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "common/clock.h"

struct me {
    const char *principal;
    const char *role;
    const char *tenant;
    int64_t domain_time;
    bool virtual_clock;
    const char *address;
    const char *client_certificate;
};

// clang-format off
static const struct field me_fields[] = {
    FIELD_TEXT("principal",     struct me, principal, .flags = FIELD_READ_ONLY, .help = "Name of the user or service account"),
    FIELD_TEXT("role",          struct me, role, .flags = FIELD_READ_ONLY, .help = "What the token may do"),
    FIELD_TEXT("tenant",        struct me, tenant, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Name of the tenant acted for; null: the provider"),
    FIELD_TIME("domain_time",   struct me, domain_time, .flags = FIELD_READ_ONLY, .help = "What time it is in windows, metering and prices"),
    FIELD_BOOL("virtual_clock", struct me, virtual_clock, .flags = FIELD_READ_ONLY, .help = "Whether domain time stands still until an operator moves it"),
    FIELD_TEXT("address",       struct me, address, .flags = FIELD_READ_ONLY, .help = "Where the request came from, as limits and audit have it: an address, or unix"),
    FIELD_TEXT("client_certificate", struct me, client_certificate, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "SHA-256 of the client certificate that the TLS proxy verified; null: none was shown"),
    FIELDS_END,
};
// clang-format on

static const struct schema me_schema = {"Me", me_fields, sizeof(struct me)};

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const struct caller *caller = &request->caller;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &clock_domain_statement, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct clock_domain clock = clock_domain_of(result);
    const struct me me = {
        .principal = caller->principal,
        .role = role_text(caller->role),
        .tenant = caller->is_tenant ? caller->tenant : NULL,
        .domain_time = clock.now_s,
        .virtual_clock = clock.is_virtual,
        .address = request->remote,
        .client_certificate = request->certificate,
    };
    response_struct(response, 200, me_fields, &me);
    return ERR_NONE;
}

static const struct route me_routes[] = {
    {GET, "/v1/me", ROLES_EVERY, RATE_READ, .answer = &me_schema, .run = get, .summary = "Who the token stands for"},
    ROUTES_END,
};

static const struct db_stmt *const me_statements[] = {NULL};

const struct resource me_resource = {"me", me_routes, me_statements,
    "Who the token stands for."};
