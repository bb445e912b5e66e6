/* A workload shows what its own issuer gave it: verified on a worker's thread, then remembered as our tokens are, until
 * it expires. A key that is not known is asked for once, while the request is suspended and no thread waits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/clock.h"
#include "common/must.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEYS_WAIT_MS 10000

bool workload_is_shown(struct request_internal *internal, const char *text)
{
    if (internal->server->workloads.issuer == NULL || !jwt_has_form(text))
        return false;
    struct token_proof *shown = &internal->shown;
    *shown = (struct token_proof){.kind = TOKEN_WORKLOADS};
    must(EVP_Digest(text, strlen(text), shown->sha256, NULL, EVP_sha256(), NULL) == 1);
    memcpy(shown->id.bytes, shown->sha256, sizeof shown->id.bytes);
    internal->bearer = text; /* of the connection, which lives as long as the request */
    return true;
}

/* ---- Who it is ---- */

static enum err_kind find_account(const struct trust *trust, const struct jwt *jwt, int64_t expires_at_s,
                                  struct workload *ret, struct err *reterr)
{
    const struct rule *rule = rules_find(trust->rules, jwt->claims);
    if (rule == NULL)
        return jwt_refuse(reterr, "no rule says whom it stands for");
    *ret = (struct workload){.role = rule->role, .expires_at_ms = (expires_at_s + trust->skew_s) * 1000};
    (void)snprintf(ret->tenant, sizeof ret->tenant, "%s", rule->tenant);
    (void)snprintf(ret->account, sizeof ret->account, "%s", rule->account);
    return ERR_NONE;
}

static enum err_kind identify(struct request_internal *internal, struct db *db, struct err *reterr)
{
    const struct trust *trust = &internal->server->workloads;
    CLEANUP(jwt_clear) struct jwt jwt = {0};
    struct workload workload;
    int64_t expires_at_s = 0;
    enum err_kind kind = trust_verify(trust, internal->bearer, NULL, &jwt, &expires_at_s, reterr);
    if (kind == ERR_NONE)
        kind = find_account(trust, &jwt, expires_at_s, &workload, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct token_finding *finding = arena_alloc(internal->request.arena, sizeof *finding);
    kind = token_cache_load(internal->server->tokens, db, &internal->shown, &workload, finding, reterr);
    if (kind == ERR_NONE)
        internal->finding = finding;
    return kind;
}

/* With the claim: refused, which authenticate.c says when the request is dispatched again. */
static void refuse(struct request_internal *internal, struct err *err)
{
    if (err->kind == ERR_RETRY)
        err->kind = ERR_UNAUTHENTICATED; /* of a key that its issuer has not */
    if (err->kind != ERR_UNAUTHENTICATED) {
        answer_error(internal, err);
        return;
    }
    struct err *kept = arena_alloc(internal->request.arena, sizeof *kept);
    *kept = *err;
    internal->refusal = kept;
    suspension_end(internal->server->suspensions, &internal->suspension);
}

/* ---- Keys that are not here ---- */

/* On the issuer's thread: whatever came of it, it is tried again. The reference goes on to the job. */
static void keys_came(struct issuer_waiter *waiter)
{
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)waiter - offsetof(struct request_internal, keys));
    internal->job = (struct job){.run = workload_load};
    if (workers_submit(internal->server->workers, &internal->job))
        return;
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "too many requests are waiting");
    if (suspension_claim(&internal->suspension))
        answer_error(internal, &err);
    internal_drop(internal);
}

/* True: the request is the waiter's now. */
static bool wait_for_keys(struct request_internal *internal, const struct err *err)
{
    bool is_known = err->kind != ERR_RETRY && strcmp(err->code, "issuer_unavailable") != 0;
    if (is_known || internal->has_wanted_keys)
        return false;
    internal->has_wanted_keys = true;
    internal->keys.ready = keys_came;
    internal_keep(internal);
    suspension_park(&internal->suspension, clock_monotonic_ms() + KEYS_WAIT_MS);
    if (issuer_want_keys(internal->server->workloads.issuer, &internal->keys))
        return true;
    internal_drop(internal); /* not the last: the job has one */
    return !suspension_claim(&internal->suspension);
}

void workload_load(struct job *job, struct worker *worker)
{
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
    if (suspension_claim(&internal->suspension)) {
        struct err err = {0};
        if (identify(internal, worker->system_db, &err) == ERR_NONE)
            suspension_end(internal->server->suspensions, &internal->suspension); /* dispatched again */
        else if (!wait_for_keys(internal, &err))
            refuse(internal, &err);
    }
    internal_drop(internal);
}
