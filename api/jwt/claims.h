/* What a token says, against what it must say: who made it, for whom, and for how long (RFC 7519, 4.1; OpenID Connect
 * Core 1.0, 3.1.3.7). Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>
#include <stdint.h>

#define CLAIMS_SKEW_MAX_S 300

struct claims_wanted {
    const char *issuer;     /* exactly */
    const char *audience;   /* among those it is for */
    const char *nonce;      /* of a sign-in: that of the browser; NULL: it is none */
    int64_t now_s;          /* real time */
    int64_t skew_s;         /* by which the issuer's clock may be wrong, either way */
    int64_t lifetime_max_s; /* from iat to exp */
};

/* ERR_UNAUTHENTICATED: jwt_refused, and of one that was good, token_expired. *ret_expires_at_s: until when it is good,
 * without the skew. */
MUST_CHECK enum err_kind claims_check(const json_t *claims, const struct claims_wanted *wanted,
                                      int64_t *ret_expires_at_s, struct err *reterr);
/* The claim's text where it is one of 1 to length_max bytes without control characters; else NULL. */
const char *claims_text(const json_t *claims, const char *name, size_t length_max);
/* Does the claim have the value, or its list? A name that begins with / is a JSON pointer, without escapes. An e-mail
 * address has its value only where email_verified is true. */
bool claims_have(const json_t *claims, const char *name, const char *value);
