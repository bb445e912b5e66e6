/* On the issuer's thread the answer is read, and where its token names a key that is not here, that is waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/exchange.h"

#include "api/server/server.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"

#include <string.h>

#define KEYS_WAIT_MS 10000

/* No claim is held: whoever has it by then runs the handler, or has answered. Drops the exchange's reference. */
static void go_on(struct request_internal *internal)
{
    struct err err = {0};
    if (execute_submit(internal, &err) != ERR_NONE && suspension_claim(&internal->suspension))
        answer_error(internal, &err);
    internal_drop(internal);
}

static void keys_came(struct issuer_waiter *waiter)
{
    go_on((struct request_internal *)(void *)((char *)waiter - offsetof(struct request_internal, keys)));
}

/* NULL: it has none. */
static char *id_token_of(const char *body)
{
    json_t *answer = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    const char *token = json_string_value(json_object_get(answer, "id_token"));
    char *copy = token == NULL ? NULL : alloc_text(token);
    json_decref(answer);
    return copy;
}

static bool has_new_key(struct issuer *issuer, const char *token)
{
    CLEANUP(jwt_clear) struct jwt jwt = {0};
    struct err ignored = {0};
    return jwt_parse(token, &jwt, &ignored) == ERR_NONE && issuer_verify(issuer, &jwt) == ISSUER_UNKNOWN_KEY;
}

static void log_refusal(const struct request_internal *internal, int status, const char *error)
{
    log_event(LOG_LEVEL_WARNING, "exchange_failed", LOG_TEXT("request_id", internal->request.id),
              LOG_INT("status", status), LOG_TEXT("text", error == NULL ? "" : error));
}

static void answered(void *context, int status, const char *error, const char *body)
{
    struct request_internal *internal = context;
    struct issuer *issuer = internal->server->people.issuer;
    if (!suspension_claim(&internal->suspension)) { /* the timer has answered */
        internal_drop(internal);
        return;
    }
    if (status == 200)
        internal->exchanged = id_token_of(body);
    if (internal->exchanged == NULL)
        log_refusal(internal, status, error);
    bool wants_keys = internal->exchanged != NULL && has_new_key(issuer, internal->exchanged);
    internal->keys.ready = keys_came;
    suspension_park(&internal->suspension, clock_monotonic_ms() + KEYS_WAIT_MS);
    if (!wants_keys || !issuer_want_keys(issuer, &internal->keys))
        go_on(internal);
}

void exchange_begin(struct request *request, const char *form, const char *authorization)
{
    struct request_internal *internal = request->internal;
    if (!request_suspend(internal))
        return;
    internal_keep(internal);
    if (issuer_exchange(internal->server->people.issuer, form, authorization, answered, internal))
        return;
    struct err err = {0};
    (void)err_set_code(&err, ERR_UNAVAILABLE, "issuer_unavailable", "the identity provider cannot be asked");
    if (suspension_claim(&internal->suspension))
        answer_error(internal, &err);
    internal_drop(internal);
}
