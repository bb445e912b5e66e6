/* Who asks, by the token shown, and whether they may ask that much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/log.h"

#include <string.h>
#include <strings.h>

#define BEARER            "Bearer "
#define AUTH_ATTEMPTS_MAX 3

/* ---- Looking tokens up ---- */

static struct request_internal *of_job(struct job *job)
{
    return (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
}

static void load_token(struct job *job, struct worker *worker)
{
    struct request_internal *internal = of_job(job);
    if (suspension_claim(&internal->suspension)) {
        struct err err = {0};
        struct identity id = {0};
        enum err_kind kind = identity_from_uuid(internal->request.caller.token_id, &id, &err);
        if (kind == ERR_NONE)
            kind = token_cache_load(internal->server->tokens, worker->system_db, id, &err);
        if (kind == ERR_NONE)
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
    struct identity token_id;
};

static void refresh_token(struct job *job, struct worker *worker)
{
    struct refresh *refresh = (struct refresh *)(void *)((char *)job - offsetof(struct refresh, job));
    struct err err = {0};
    if (token_cache_load(refresh->cache, worker->system_db, refresh->token_id, &err) != ERR_NONE)
        log_error("token_refresh_failed", &err); /* the next request asks itself */
    free(refresh);
}

static void submit_refresh(struct server *server, struct identity token_id)
{
    struct refresh *refresh = alloc_zero(1, sizeof *refresh);
    *refresh = (struct refresh){.job.run = refresh_token, .cache = server->tokens, .token_id = token_id};
    if (!workers_submit(server->workers, &refresh->job))
        free(refresh);
}

/* Suspends the request until the database has said who the token's holder is. */
static void look_up(struct request_internal *internal, struct identity token_id)
{
    identity_to_uuid(token_id, internal->request.caller.token_id);
    if (!request_suspend(internal))
        return;
    internal->job = (struct job){.run = load_token};
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

/* ---- Who asks ---- */

/* *ret_waits: the token is not known yet, and is being looked up. */
static enum err_kind identify(struct request_internal *internal, bool *ret_waits, struct err *reterr)
{
    struct request *request = &internal->request;
    const char *header = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    if (header == NULL || strncasecmp(header, BEARER, strlen(BEARER)) != 0)
        return err_set(reterr, ERR_UNAUTHENTICATED, "send a token: Authorization: Bearer slu_...");
    struct token token;
    enum err_kind kind = token_parse(header + strlen(BEARER), &token, reterr);
    if (kind != ERR_NONE)
        return kind;
    enum token_known known = TOKEN_UNKNOWN;
    kind = token_cache_find(internal->server->tokens, &token, &request->caller, &known, reterr);
    token_forget(&token);
    if (known == TOKEN_STALE)
        submit_refresh(internal->server, token.id);
    if (known != TOKEN_UNKNOWN)
        return kind;
    if (!may_guess(internal))
        return refuse(RATE_STRANGER, reterr);
    if (internal->auth_attempts++ >= AUTH_ATTEMPTS_MAX)
        return err_set(reterr, ERR_UNAVAILABLE, "the token could not be looked up");
    *ret_waits = true;
    look_up(internal, token.id);
    return ERR_NONE;
}

enum err_kind authenticate(struct request_internal *internal, bool *ret_waits, struct err *reterr)
{
    if (internal->request.route->roles == ROLES_NONE)
        return charge_stranger(internal, ERR_NONE, reterr);
    enum err_kind kind = identify(internal, ret_waits, reterr);
    if (*ret_waits)
        return ERR_NONE;
    if (kind == ERR_UNAUTHENTICATED)
        return charge_stranger(internal, kind, reterr);
    return kind == ERR_NONE ? charge_caller(internal, reterr) : kind;
}
