/* Who asks, by the token or the session shown, and whether they may ask that much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/session_cookie.h"
#include "api/auth/signin_throttle.h"
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/log.h"

#include <string.h>
#include <strings.h>

#define BEARER "Bearer "

/* ---- Looking tokens up ---- */

/* What others have asked while this one stood in the queue is as good. */
static enum err_kind find_token(struct request_internal *internal, struct worker *worker, struct err *reterr)
{
    struct token_cache *tokens = internal->server->tokens;
    struct token_finding *finding = arena_alloc(internal->request.arena, sizeof *finding);
    enum token_known known = TOKEN_UNKNOWN;
    enum err_kind kind = ERR_NONE;
    finding->kind = token_cache_find(tokens, &internal->shown, &finding->caller, &known, &finding->err);
    if (known != TOKEN_FRESH)
        kind = token_cache_load(tokens, worker->system_db, &internal->shown, NULL, finding, reterr);
    if (kind == ERR_NONE)
        internal->finding = finding;
    return kind;
}

static void load_token(struct job *job, struct worker *worker)
{
    struct request_internal *internal = internal_of_job(job);
    if (suspension_claim(&internal->suspension)) {
        struct err err = {0};
        if (find_token(internal, worker, &err) == ERR_NONE)
            suspension_end(internal->server->suspensions, &internal->suspension); /* dispatched again */
        else
            answer_error(internal, &err);
    }
    internal_drop(internal);
}

/* A look-up that no request waits for: what is remembered is about to grow old. */
struct refresh {
    struct job job;
    struct token_cache *cache;
    struct token_proof shown;
};

static void refresh_token(struct job *job, struct worker *worker)
{
    struct refresh *refresh = (struct refresh *)(void *)((char *)job - offsetof(struct refresh, job));
    struct err err = {0};
    if (token_cache_load(refresh->cache, worker->system_db, &refresh->shown, NULL, NULL, &err) != ERR_NONE)
        log_error("token_refresh_failed", &err); /* the next request asks itself */
    free(refresh);
}

static void submit_refresh(struct server *server, const struct token_proof *shown)
{
    struct refresh *refresh = alloc_zero(1, sizeof *refresh);
    *refresh = (struct refresh){.job.run = refresh_token, .cache = server->tokens, .shown = *shown};
    if (!workers_submit(server->workers, &refresh->job))
        free(refresh);
}

/* Suspends the request until the database has said who the token's holder is. */
static void look_up(struct request_internal *internal)
{
    if (!request_suspend(internal))
        return;
    internal->job = (struct job){.run = internal->bearer == NULL ? load_token : workload_load};
    internal_keep(internal);
    if (workers_submit(internal->server->workers, &internal->job))
        return;
    internal_drop(internal);
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "too many requests are waiting");
    if (suspension_claim(&internal->suspension))
        answer_error(internal, &err);
}

/* ---- Limits ---- */

static enum err_kind refuse(enum rate_class rate, struct err *reterr)
{
    return err_set_code(reterr, ERR_THROTTLED, "rate_limited", "%s",
                        rate == RATE_STRANGER ? "this address has made too many requests without a good token"
                                              : "the tenant has made too many requests of this class");
}

static enum err_kind charge(struct request_internal *internal, enum rate_class rate, const char *key,
                            struct err *reterr)
{
    bool may = rate_take(internal->server->rates, rate, key, internal->arrived_us, &internal->rate);
    return may ? ERR_NONE : refuse(rate, reterr);
}

/* The provider's own callers have no limit: they are few, and known. */
static enum err_kind charge_caller(struct request_internal *internal, struct err *reterr)
{
    const struct request *request = &internal->request;
    if (!request->caller.is_tenant)
        return ERR_NONE;
    return charge(internal, request->route->rate, request->caller.tenant_id, reterr);
}

/* Who shows no good token pays by address: the refusal stays what it was while there is something left to pay with. */
static enum err_kind charge_stranger(struct request_internal *internal, enum err_kind refusal, struct err *reterr)
{
    char network[INET6_ADDRSTRLEN];
    peer_network(&internal->peer, network);
    struct err err = {0};
    if (charge(internal, RATE_STRANGER, network, &err) == ERR_NONE)
        return refusal;
    *reterr = err;
    return err.kind;
}

static bool may_guess(struct request_internal *internal)
{
    char network[INET6_ADDRSTRLEN];
    peer_network(&internal->peer, network);
    return rate_has(internal->server->rates, RATE_STRANGER, network, internal->arrived_us);
}

/* ---- Signing in ---- */

/* Refuses a try for as long as those before it are paid for. */
static enum err_kind hear(struct request_internal *internal, enum signin_subject subject, const char *key,
                          struct err *reterr)
{
    int64_t wait_s = signin_throttle_wait_s(internal->server->signins, subject, key, internal->arrived_us);
    if (wait_s == 0)
        return ERR_NONE;
    internal->retry_after_s = wait_s;
    return err_set_code(reterr, ERR_THROTTLED, "sign_in_throttled",
                        subject == SIGNIN_ADDRESS ? "this address has failed to sign in too often"
                                                  : "signing in with this token has failed too often");
}

/* An account, as far as a try names one: the token's id. */
static const char *account_of(struct request_internal *internal)
{
    char *id = arena_alloc(internal->request.arena, UUID_TEXT_SIZE);
    identity_to_uuid(internal->shown.id, id);
    return id;
}

enum err_kind signin_hear_address(struct request_internal *internal, struct err *reterr)
{
    char network[INET6_ADDRSTRLEN];
    peer_network(&internal->peer, network);
    return hear(internal, SIGNIN_ADDRESS, network, reterr);
}

void signin_failed_address(struct request_internal *internal)
{
    char network[INET6_ADDRSTRLEN];
    peer_network(&internal->peer, network);
    signin_throttle_failed(internal->server->signins, SIGNIN_ADDRESS, network, internal->arrived_us);
}

static enum err_kind hear_signin(struct request_internal *internal, struct err *reterr)
{
    enum err_kind kind = signin_hear_address(internal, reterr);
    return kind == ERR_NONE ? hear(internal, SIGNIN_ACCOUNT, account_of(internal), reterr) : kind;
}

/* What came of a try. One that showed nothing was none. */
static void note_signin(struct request_internal *internal, enum err_kind kind)
{
    struct signin_throttle *signins = internal->server->signins;
    if (kind == ERR_NONE)
        signin_throttle_succeeded(signins, SIGNIN_ACCOUNT, account_of(internal));
    if (kind != ERR_UNAUTHENTICATED || request_header(&internal->request, MHD_HTTP_HEADER_AUTHORIZATION) == NULL)
        return;
    signin_failed_address(internal);
    if (internal->shown.kind != TOKEN_NONE)
        signin_throttle_failed(signins, SIGNIN_ACCOUNT, account_of(internal), internal->arrived_us);
}

/* ---- Who asks ---- */

/* What stands behind the scheme, which one space or more part from it (RFC 9110, 11.4); NULL: it is another. */
static const char *bearer_of(const char *header)
{
    if (header == NULL || strncasecmp(header, BEARER, strlen(BEARER)) != 0)
        return NULL;
    header += strlen(BEARER);
    return header + strspn(header, " ");
}

/* By Authorization; without one, by the browser's cookie. */
static enum err_kind read_shown(const struct request *request, struct token *ret, struct err *reterr)
{
    const char *header = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    const char *value = NULL;
    size_t length = 0;
    if (header == NULL &&
        cookie_find(request_header(request, MHD_HTTP_HEADER_COOKIE), SESSION_COOKIE, &value, &length)) {
        enum err_kind kind = token_parse(arena_text_n(request->arena, value, length), ret, reterr);
        if (kind == ERR_NONE && ret->kind != TOKEN_SESSIONS)
            return err_set(reterr, ERR_UNAUTHENTICATED, "the cookie holds no session");
        return kind;
    }
    const char *bearer = bearer_of(header);
    if (bearer == NULL)
        return err_set(reterr, ERR_UNAUTHENTICATED, "send a token: Authorization: Bearer slu_...");
    enum err_kind kind = token_parse(bearer, ret, reterr);
    if (kind == ERR_NONE && ret->kind == TOKEN_SESSIONS)
        return err_set(reterr, ERR_UNAUTHENTICATED, "a session is taken from its cookie only");
    return kind;
}

/* Remembers of what was shown what is needed further on. */
static enum err_kind take_shown(struct request_internal *internal, struct err *reterr)
{
    const char *bearer = bearer_of(request_header(&internal->request, MHD_HTTP_HEADER_AUTHORIZATION));
    if (bearer != NULL && workload_is_shown(internal, bearer))
        return ERR_NONE;
    CLEANUP(token_forget) struct token token = {0};
    enum err_kind kind = read_shown(&internal->request, &token, reterr);
    if (kind != ERR_NONE)
        return kind;
    token_prove(&token, &internal->shown);
    if (token.kind == TOKEN_SESSIONS)
        csrf_token(&token, internal->csrf);
    return ERR_NONE;
}

/* Of the look-up that the request was suspended for. */
static enum err_kind take_finding(struct request_internal *internal, struct err *reterr)
{
    const struct token_finding *finding = internal->finding;
    internal->finding = NULL;
    internal->request.caller = finding->caller;
    if (finding->kind != ERR_NONE)
        *reterr = finding->err;
    return finding->kind;
}

enum err_kind caller_find(struct request_internal *internal, bool *ret_waits, struct err *reterr)
{
    enum err_kind kind = take_shown(internal, reterr);
    if (kind == ERR_NONE && internal->request.route->signs_in)
        kind = hear_signin(internal, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (internal->finding != NULL)
        return take_finding(internal, reterr);
    enum token_known known = TOKEN_UNKNOWN;
    kind = token_cache_find(internal->server->tokens, &internal->shown, &internal->request.caller, &known, reterr);
    if (known == TOKEN_STALE)
        submit_refresh(internal->server, &internal->shown);
    if (known != TOKEN_UNKNOWN)
        return kind;
    if (internal->refusal != NULL) {
        *reterr = *internal->refusal;
        return reterr->kind;
    }
    if (!may_guess(internal))
        return refuse(RATE_STRANGER, reterr);
    *ret_waits = true;
    look_up(internal);
    return ERR_NONE;
}

void caller_doubt(struct request_internal *internal)
{
    token_cache_forget(internal->server->tokens, &internal->shown);
    internal->refusal = NULL;
    internal->expire = NULL; /* a look-up has its own time */
    internal->is_in_doubt = true;
    suspension_end(internal->server->suspensions, &internal->suspension);
}

/* A browser sends its cookie whoever makes it: what changes something must come from a page of ours. */
static enum err_kind check_forgery(const struct request_internal *internal, struct err *reterr)
{
    const struct request *request = &internal->request;
    if (request->caller.session_id[0] == '\0' || request->route->method == GET)
        return ERR_NONE;
    const struct request_origin from = {
        .origin = request_header(request, MHD_HTTP_HEADER_ORIGIN),
        .sec_fetch_site = request_header(request, "Sec-Fetch-Site"),
        .host = request_header(request, MHD_HTTP_HEADER_HOST),
        .is_https = internal->peer.is_https,
    };
    if (!origin_is_ours(&from))
        return err_set_code(reterr, ERR_FORBIDDEN, "csrf_failed", "a page of another origin sent this");
    if (!csrf_token_fits(internal->csrf, request_header(request, CSRF_HEADER)))
        return err_set_code(reterr, ERR_FORBIDDEN, "csrf_failed", "%s is missing, or not that of the session",
                            CSRF_HEADER);
    return ERR_NONE;
}

enum err_kind authenticate(struct request_internal *internal, bool *ret_waits, struct err *reterr)
{
    if (internal->request.route->roles == ROLES_NONE)
        return charge_stranger(internal, ERR_NONE, reterr);
    enum err_kind kind = caller_find(internal, ret_waits, reterr);
    if (*ret_waits)
        return ERR_NONE;
    if (internal->request.route->signs_in)
        note_signin(internal, kind);
    if (kind == ERR_UNAUTHENTICATED)
        return charge_stranger(internal, kind, reterr);
    if (kind == ERR_NONE)
        kind = charge_caller(internal, reterr);
    return kind == ERR_NONE ? check_forgery(internal, reterr) : kind;
}
