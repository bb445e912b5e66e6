/* The API's own description: OpenAPI 3.1, made of the tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/server.h"

#include <string.h>

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    const char *document = request->internal->server->document;
    response->status = 200;
    json_out_bytes(&response->body, document, strlen(document));
    return ERR_NONE;
}

static const struct route document_routes[] = {
    {GET, "/openapi.json", ROLES_NONE, RATE_READ, .direct = get, .summary = "This document"},
    ROUTES_END,
};

static const struct db_stmt *const document_statements[] = {NULL};

const struct resource document_resource = {"document", document_routes, document_statements};
