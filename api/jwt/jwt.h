/* JSON Web Tokens (RFC 7519) as signed texts (RFC 7515, compact), read strictly: three algorithms and no others, no
 * extension that must be understood, one text for each token. Reading one says nothing about whether it is true: its
 * signature is a matter of keys (jwks.h), its claims one of rules (claims.h). No I/O, no clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define JWT_TEXT_MAX       8192
#define JWT_KID_SIZE       257
#define JWT_SIGNATURE_SIZE 1024 /* of RSA with 8192 bits */

/* X(constant, name in "alg", type of key, curve of key). "none" and the algorithms with a shared secret are not here,
 * so whoever has the public key signs nothing with it. */
#define JWT_ALGORITHMS(X)                                                                                              \
    X(JWT_RS256, "RS256", "RSA", "")                                                                                   \
    X(JWT_ES256, "ES256", "EC", "P-256")                                                                               \
    X(JWT_EDDSA, "EdDSA", "OKP", "Ed25519")

enum jwt_algorithm {
#define X(constant, name, type, curve) constant,
    JWT_ALGORITHMS(X)
#undef X
        JWT_ALGORITHM_COUNT
};

struct jwt {
    enum jwt_algorithm algorithm;
    char kid[JWT_KID_SIZE]; /* "": it names no key */
    json_t *claims;         /* an object */
    const char *text;       /* as it was given: signed is its beginning */
    size_t signed_length;
    uint8_t signature[JWT_SIGNATURE_SIZE];
    size_t signature_size;
};

/* Whether it looks like one: then it is none of our tokens. */
bool jwt_has_form(const char *text);
/* ERR_UNAUTHENTICATED (jwt_refused) where it is none that could be taken, and why. jwt_clear() it. text is not copied.
 */
MUST_CHECK enum err_kind jwt_parse(const char *text, struct jwt *ret, struct err *reterr);
void jwt_clear(struct jwt *jwt);
enum err_kind jwt_refuse(struct err *reterr, const char *why);
