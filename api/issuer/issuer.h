/* A server that says who somebody is (OpenID Connect): its document and its keys, kept fresh by a thread that also
 * brings our requests to it. Nobody else waits for the network: whoever needs keys that are not here, or has a code to
 * exchange, is told on that thread.
 *
 * Keys are asked for again every so often, and where a token names one that is not known, but not oftener than every
 * two seconds: whoever comes sooner waits until then. While the issuer does not answer, those that are here are good
 * for a day. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/issuer/discovery.h"
#include "api/jwt/jwks.h"

#include <stdint.h>

struct issuer;

struct issuer_options {
    const char *url;                  /* the issuer, exactly as it calls itself; lives as long */
    const char *ca_file;              /* NULL: the system's authorities */
    int64_t timeout_ms;               /* of a request to it */
    int64_t refresh_s;                /* between two questions for its keys */
    void (*keys_told)(void *context); /* on its thread, each time that it tells its keys; NULL: nobody wants to know */
    void *context;
};

void issuer_metrics_register(void); /* once, of all issuers */
struct issuer *issuer_start(const struct issuer_options *options);
/* Tells whoever waits that nothing came. NULL is fine. */
void issuer_stop(struct issuer *issuer);

enum issuer_verdict {
    ISSUER_SIGNED,
    ISSUER_FORGED,
    ISSUER_UNKNOWN_KEY,
    ISSUER_HAS_NO_KEYS, /* it has not answered yet, or for long */
};
enum issuer_verdict issuer_verify(struct issuer *issuer, const struct jwt *jwt);

/* Somebody who waits for new keys. ready is called once, on the issuer's thread, when there are, or are not. */
struct issuer_waiter {
    struct issuer_waiter *next;
    void (*ready)(struct issuer_waiter *waiter);
};
/* False: too many wait. Then ready is not called. */
bool issuer_want_keys(struct issuer *issuer, struct issuer_waiter *waiter);

/* False where it has not said yet. */
bool issuer_discovery(struct issuer *issuer, struct discovery *ret);

/* On the issuer's thread: what it answered, as sender_options.ended has it. */
typedef void issuer_answered(void *context, int status, const char *error, const char *body);
/* Posts a form to its token endpoint. authorization: a header, or NULL. Everything is copied. False: too many are under
 * way, or it has not said where. */
bool issuer_exchange(struct issuer *issuer, const char *form, const char *authorization, issuer_answered *answered,
                     void *context);
