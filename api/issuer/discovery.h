/* What an issuer says of itself (OpenID Connect Discovery 1.0, 4.2), as far as we need it. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>

#define ENDPOINT_SIZE 2049

struct discovery {
    char authorization_endpoint[ENDPOINT_SIZE]; /* "", as the next: it signs nobody in, and has keys only */
    char token_endpoint[ENDPOINT_SIZE];
    char jwks_uri[ENDPOINT_SIZE];
};

/* ERR_INVALID where it is no such document, is another issuer's, or leads from https to http. */
MUST_CHECK enum err_kind discovery_parse(const char *text, const char *issuer, struct discovery *ret,
                                         struct err *reterr);
