/* An issuer that is believed: what its tokens must say, and whom they stand for here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/issuer/issuer.h"
#include "api/jwt/rules.h"
#include "api/server/settings.h"

struct token_cache;

struct trust {
    struct issuer *issuer; /* NULL: there is none, and the rest is empty */
    struct rules *rules;
    const char *url;
    const char *audience;
    int64_t skew_s, lifetime_max_s;
};

/* By the settings, of people (sign_in_*) and of workloads (workload_*), whose tokens are remembered in the cache: only
 * for as long as their keys are the issuer's. ERR_INVALID, ERR_PRECONDITION. */
MUST_CHECK enum err_kind trust_start(const struct api_settings *settings, struct token_cache *tokens,
                                     struct trust *ret_people, struct trust *ret_workloads, struct err *reterr);
void trust_stop(struct trust *trust);

/* Whether a token is good, of id tokens with the browser's nonce, else NULL. *ret is to be cleared in any case, and
 * *ret_expires_at_s set on success. ERR_UNAUTHENTICATED; ERR_UNAVAILABLE where the issuer's keys are not here; ERR_RETRY
 * where it names one that is not. */
MUST_CHECK enum err_kind trust_verify(const struct trust *trust, const char *text, const char *nonce, struct jwt *ret,
                                      int64_t *ret_expires_at_s, struct err *reterr);
