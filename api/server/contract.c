/* Writing the OpenAPI documents once, under a lock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/contract.h"

#include "api/server/server.h"
#include "common/alloc.h"
#include "common/must.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct contract {
    const struct resource *const *resources;
    pthread_mutex_t lock;                  /* of what follows, until it is written: then it stays */
    struct contract_document documents[2]; /* 3.1 and 3.0.3 */
};

struct contract *contract_new(const struct resource *const *resources)
{
    struct contract *contract = alloc_zero(1, sizeof *contract);
    contract->resources = resources;
    must(pthread_mutex_init(&contract->lock, NULL) == 0);
    return contract;
}

void contract_free(struct contract *contract)
{
    if (contract == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(contract->documents); i++)
        free(contract->documents[i].text);
    must(pthread_mutex_destroy(&contract->lock) == 0);
    free(contract);
}

static void write_etag(struct contract_document *document)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    must(EVP_Digest(document->text, strlen(document->text), digest, NULL, EVP_sha256(), NULL) == 1);
    hex_print(digest, CONTRACT_ETAG_BYTES, document->etag + 1);
    document->etag[0] = document->etag[CONTRACT_ETAG_SIZE - 2] = '"';
}

const struct contract_document *contract_document(struct contract *contract, bool as_30)
{
    struct contract_document *document = &contract->documents[as_30 ? 1 : 0];
    must(pthread_mutex_lock(&contract->lock) == 0);
    if (document->text == NULL) {
        document->text = openapi_write(contract->resources, as_30);
        write_etag(document);
    }
    must(pthread_mutex_unlock(&contract->lock) == 0);
    return document;
}
