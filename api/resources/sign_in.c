/* How to sign in here: for the console, before it knows anybody. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/server.h"

struct sign_in {
    bool has_session;
};

// clang-format off
static const struct field sign_in_fields[] = {
    FIELD_BOOL("has_session", struct sign_in, has_session, .flags = FIELD_READ_ONLY, .help = "Whether the browser sent a session's cookie; GET /v1/me tells whether it is a good one"),
    FIELDS_END,
};
// clang-format on
static const struct schema sign_in_schema = {"SignIn", sign_in_fields, sizeof(struct sign_in)};

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr; /* it cannot fail */
    const char *value = NULL;
    size_t length = 0;
    const struct sign_in answer = {
        .has_session =
            cookie_find(request_header(request, MHD_HTTP_HEADER_COOKIE), SESSION_COOKIE, &value, &length) && length > 0,
    };
    response_struct(response, 200, sign_in_fields, &answer);
    return ERR_NONE;
}

// clang-format off
static const struct route sign_in_routes[] = {
    {GET, "/sign-in", ROLES_NONE, RATE_READ, .answer = &sign_in_schema, .direct = get, .summary = "How a browser signs in here"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const sign_in_statements[] = {NULL};

const struct resource sign_in_resource = {"sign-in", sign_in_routes, sign_in_statements, "Signing browsers in."};
