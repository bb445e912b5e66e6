/* The API's own description, made of its tables: OpenAPI 3.1, and the page that the `type` of a problem points to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/page_html.h"
#include "api/server/problem_page.h"
#include "api/server/server.h"

#include <string.h>

/* The same for everybody, and for as long as this program runs. */
#define DOCUMENT_CACHE "public, max-age=300"

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    const char *document = request->internal->server->document;
    response->status = 200;
    response_header(response, "Cache-Control", DOCUMENT_CACHE);
    json_out_bytes(&response->body, document, strlen(document));
    return ERR_NONE;
}

static enum err_kind get_errors(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    response->status = 200;
    page_html_headers(request, response);
    response_header(response, "Cache-Control", DOCUMENT_CACHE);
    problem_page_html(&response->body);
    return ERR_NONE;
}

static const struct route document_routes[] = {
    {GET, "/openapi.json", ROLES_NONE, RATE_READ, .direct = get, .summary = "This document"},
    {GET, "/docs/errors", ROLES_NONE, RATE_READ, .forms = FORM_MASK(FORM_HTML), .direct = get_errors,
     .summary = "The codes of problems, as a page (HTML)"},
    ROUTES_END,
};

static const struct db_stmt *const document_statements[] = {NULL};

const struct resource document_resource = {"document", document_routes, document_statements};
