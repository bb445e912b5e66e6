/* The public keys of an issuer (RFC 7517, RFC 8037), and whether one of them signed a token. A key is of one algorithm,
 * by what it is: a token cannot choose how it is checked. No I/O. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/jwt/jwt.h"

#define JWKS_KEYS_MAX 64

struct jwks;

/* Keys that are not ours to use (another type, for encryption, too weak) are left out. ERR_INVALID where it is no set,
 * or nothing is left. */
MUST_CHECK enum err_kind jwks_parse(const char *text, size_t length, struct jwks **ret, struct err *reterr);
void jwks_free(struct jwks *keys); /* NULL is fine */

enum jwks_verdict {
    JWKS_SIGNED,
    JWKS_UNKNOWN_KEY, /* it names a key that is not here: there may be new ones */
    JWKS_FORGED,
};
enum jwks_verdict jwks_verify(const struct jwks *keys, const struct jwt *jwt);
