/* Signing people in by an identity provider (OpenID Connect, authorization code with PKCE): where a browser begins, and
 * where the provider's page leads it back to. Refusals lead browsers to the console, which says what went wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/signin_state.h"
#include "api/jwt/claims.h"
#include "api/resources/person.h"
#include "api/resources/registry.h"
#include "api/resources/session.h"
#include "api/server/exchange.h"
#include "api/server/server.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/must.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <string.h>

#define CALLBACK_PATH "/sign-in/callback"
#define CODE_MAX      2048

struct sign_in {
    bool has_session;
    const char *identity_provider;
};

// clang-format off
static const struct field sign_in_fields[] = {
    FIELD_BOOL("has_session",       struct sign_in, has_session, .flags = FIELD_READ_ONLY, .help = "Whether the browser sent a session's cookie; GET /v1/me tells whether it is a good one"),
    FIELD_TEXT("identity_provider", struct sign_in, identity_provider, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Who signs people in at /sign-in/start; null: a token is exchanged, and nothing else"),
    FIELDS_END,
};
// clang-format on
static const struct schema sign_in_schema = {"SignIn", sign_in_fields, sizeof(struct sign_in)};

struct callback {
    const char *code, *state, *error, *iss;
};
// clang-format off
static const struct field callback_fields[] = {
    FIELD_TEXT("code",  struct callback, code, .most = CODE_MAX, .help = "What the provider gave, for once"),
    FIELD_TEXT("state", struct callback, state, .help = "Of this sign-in, as it was sent"),
    FIELD_TEXT("error", struct callback, error, .help = "Why it signed nobody in"),
    FIELD_TEXT("iss",   struct callback, iss, .most = CODE_MAX, .help = "Which provider it is (RFC 9207)"),
    FIELDS_END,
};
// clang-format on
static const struct schema callback_schema = {"SignInCallback", callback_fields, sizeof(struct callback)};

static const struct trust *trust_of(const struct request *request)
{
    return &request->internal->server->people;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr; /* it cannot fail */
    const char *value = NULL;
    size_t length = 0;
    const struct sign_in answer = {
        .has_session =
            cookie_find(request_header(request, MHD_HTTP_HEADER_COOKIE), SESSION_COOKIE, &value, &length) && length > 0,
        .identity_provider = trust_of(request)->url,
    };
    response_struct(response, 200, sign_in_fields, &answer);
    return ERR_NONE;
}

/* ---- Writing addresses and forms ---- */

static const char *escaped(struct request *request, const char *text)
{
    char *made = curl_easy_escape(NULL, text, (int)strlen(text));
    must(made != NULL);
    const char *copy = arena_text(request->arena, made);
    curl_free(made);
    return copy;
}

/* As the provider knows it. The host is the browser's, and screened; whether there is TLS, the proxy says. */
static const char *redirect_uri(struct request *request)
{
    return arena_format(request->arena, "%s://%s" CALLBACK_PATH, request->internal->peer.is_https ? "https" : "http",
                        request_header(request, MHD_HTTP_HEADER_HOST));
}

static enum err_kind start(struct request *request, struct response *response, struct err *reterr)
{
    const struct trust *trust = trust_of(request);
    const struct api_settings *settings = request->internal->server->settings;
    if (trust->issuer == NULL)
        return err_set(reterr, ERR_NOT_FOUND, "there is no identity provider: sign in with a token");
    struct discovery discovery;
    if (!issuer_discovery(trust->issuer, &discovery) || discovery.authorization_endpoint[0] == '\0')
        return err_set_code(reterr, ERR_UNAVAILABLE, "issuer_unavailable",
                            "the identity provider has not answered yet");
    struct signin_state state;
    signin_state_new(clock_real_ms() / 1000, &state);
    const char *mark = strchr(discovery.authorization_endpoint, '?') == NULL ? "?" : "&";
    response_header(response, "Location",
                    arena_format(request->arena,
                                 "%s%sresponse_type=code&client_id=%s&redirect_uri=%s&scope=%s&state=%s&nonce=%s"
                                 "&code_challenge=%s&code_challenge_method=S256",
                                 discovery.authorization_endpoint, mark, escaped(request, trust->audience),
                                 escaped(request, redirect_uri(request)), escaped(request, settings->sign_in_scopes),
                                 state.state, state.nonce, state.challenge));
    response_header(response, MHD_HTTP_HEADER_SET_COOKIE, arena_text(request->arena, state.set_cookie));
    response->status = 303;
    return ERR_NONE;
}

/* ---- Back from the provider ---- */

static enum err_kind fail(struct err *reterr, const char *why)
{
    return err_set_code(reterr, ERR_UNAUTHENTICATED, "sign_in_failed", "%s", why);
}

static bool read_state(const struct request *request, struct signin_state *ret)
{
    const char *value = NULL;
    size_t length = 0;
    return cookie_find(request_header(request, MHD_HTTP_HEADER_COOKIE), SIGNIN_COOKIE, &value, &length) &&
           signin_state_of(value, length, clock_real_ms() / 1000, ret);
}

static enum err_kind check_callback(const struct request *request, struct signin_state *ret, struct err *reterr)
{
    const struct callback *query = request->query;
    if (trust_of(request)->issuer == NULL)
        return err_set(reterr, ERR_NOT_FOUND, "there is no identity provider: sign in with a token");
    if (!read_state(request, ret) || !signin_state_is(ret, query->state))
        return fail(reterr, "this browser has begun no such sign-in within the last ten minutes");
    if (query->iss != NULL && strcmp(query->iss, trust_of(request)->url) != 0)
        return fail(reterr, "it is the answer of another identity provider");
    if (query->error != NULL)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "sign_in_failed", "the identity provider says '%.100s'",
                            query->error);
    return query->code != NULL ? ERR_NONE : fail(reterr, "the identity provider gave no code");
}

/* RFC 6749, 2.3.1: both are escaped, then joined. NULL: a public client. */
static const char *authorization(struct request *request)
{
    const struct api_settings *settings = request->internal->server->settings;
    if (settings->sign_in_client_secret[0] == '\0')
        return NULL;
    const char *pair = arena_format(request->arena, "%s:%s", escaped(request, settings->sign_in_client_id),
                                    escaped(request, settings->sign_in_client_secret));
    char *encoded = arena_alloc(request->arena, BASE64_TEXT_SIZE(strlen(pair)));
    base64_print((const uint8_t *)pair, strlen(pair), encoded);
    return arena_format(request->arena, "Authorization: Basic %s", encoded);
}

static enum err_kind begin_exchange(struct request *request, struct err *reterr)
{
    const struct callback *query = request->query;
    struct signin_state state;
    enum err_kind kind = signin_hear_address(request->internal, reterr);
    if (kind == ERR_NONE)
        kind = check_callback(request, &state, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *header = authorization(request);
    const char *form = arena_format(
        request->arena, "grant_type=authorization_code&code=%s&redirect_uri=%s&code_verifier=%s%s%s",
        escaped(request, query->code), escaped(request, redirect_uri(request)), state.verifier,
        header == NULL ? "&client_id=" : "", header == NULL ? escaped(request, trust_of(request)->audience) : "");
    exchange_begin(request, form, header);
    return ERR_NONE;
}

/* ---- Who it is ---- */

static enum err_kind verify(const struct request *request, struct jwt *ret, struct err *reterr)
{
    struct signin_state state;
    int64_t expires_at_s = 0;
    const char *token = request->internal->exchanged;
    if (token == NULL)
        return fail(reterr, "the identity provider does not take its code back");
    if (!read_state(request, &state))
        return fail(reterr, "the sign-in took longer than ten minutes");
    enum err_kind kind = trust_verify(trust_of(request), token, state.nonce, ret, &expires_at_s, reterr);
    if (kind == ERR_RETRY)
        kind = reterr->kind = ERR_UNAUTHENTICATED; /* of a key that its issuer has not: it was asked */
    return kind;
}

static enum err_kind begin_session(struct request *request, struct response *response, const struct jwt *jwt,
                                   struct err *reterr)
{
    const struct rule *rule = rules_find(trust_of(request)->rules, jwt->claims);
    if (rule == NULL)
        return err_set_code(reterr, ERR_FORBIDDEN, "sign_in_no_role", "nobody has given you a role here");
    struct session_of of = {0};
    enum err_kind kind = person_of(request, trust_of(request)->url, jwt->claims, rule, &of, reterr);
    char csrf[CSRF_TEXT_SIZE]; /* the console asks for it */
    return kind == ERR_NONE ? session_begin(request, response, &of, csrf, reterr) : kind;
}

static enum err_kind finish(struct request *request, struct response *response, struct err *reterr)
{
    CLEANUP(jwt_clear) struct jwt jwt = {0};
    enum err_kind kind = verify(request, &jwt, reterr);
    if (kind == ERR_NONE)
        kind = begin_session(request, response, &jwt, reterr);
    if (kind == ERR_UNAUTHENTICATED || kind == ERR_FORBIDDEN)
        signin_failed_address(request->internal);
    if (kind != ERR_NONE)
        return kind;
    response_header(response, MHD_HTTP_HEADER_SET_COOKIE, signin_cookie_gone);
    response_header(response, "Location", console_start(request->internal->server));
    response->status = 303;
    return ERR_NONE;
}

// clang-format off
static const struct route sign_in_routes[] = {
    {GET, "/sign-in",       ROLES_NONE, RATE_READ, .answer = &sign_in_schema, .direct = get, .summary = "How a browser signs in here"},
    {GET, "/sign-in/start", ROLES_NONE, RATE_READ, .status = 303, .leads_to_console = true, .direct = start, .problems = PROBLEMS("not_found", "issuer_unavailable"), .summary = "Lead a browser to the identity provider"},
    {GET, CALLBACK_PATH,    ROLES_NONE, RATE_READ, .query = &callback_schema, .takes_any_query = true, .status = 303, .leads_to_console = true, .fetch = begin_exchange, .run = finish, .problems = PROBLEMS("not_found", "sign_in_failed", "sign_in_throttled", "jwt_refused", "token_expired", "sign_in_no_role", "principal_disabled", "issuer_unavailable", "serialization_failure", "outcome_unknown", "storage_full"), .summary = "Where the identity provider leads a browser back to"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const sign_in_statements[] = {NULL};

const struct resource sign_in_resource = {"sign-in", sign_in_routes, sign_in_statements, "Signing browsers in."};
