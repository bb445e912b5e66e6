/* The OpenAPI documents as they are served. Each is written when it is first asked for: most processes are never asked,
 * and start the sooner. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/hex.h"

#include <stdbool.h>

struct resource;
struct contract;

#define CONTRACT_ETAG_BYTES 16
#define CONTRACT_ETAG_SIZE  (2 + HEX_TEXT_SIZE(CONTRACT_ETAG_BYTES))

/* The same for everybody, and for as long as this program runs. */
struct contract_document {
    char *text;
    char etag[CONTRACT_ETAG_SIZE]; /* with its quotes */
};

struct contract *contract_new(const struct resource *const *resources); /* must outlive it */
void contract_free(struct contract *contract);

/* OpenAPI 3.1, or its copy as 3.0.3. Any thread may ask. Never NULL; the contract's. */
const struct contract_document *contract_document(struct contract *contract, bool as_30);
