/* The API's own description, made of its tables: OpenAPI 3.1 and 3.0.3, and the pages for people. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/contract.h"
#include "api/server/docs_page.h"
#include "api/server/etag.h"
#include "api/server/page_html.h"
#include "api/server/problem_page.h"
#include "api/server/server.h"

#include <string.h>

/* The same for everybody, and for as long as this program runs. */
#define DOCUMENT_CACHE "public, max-age=300"

static enum err_kind answer_document(struct request *request, struct response *response, bool as_30)
{
    const struct contract_document *document = contract_document(request->internal->server->contract, as_30);
    const char *known = request_header(request, "If-None-Match");
    bool is_known = known != NULL && etag_is_known(known, document->etag);
    response->status = is_known ? 304 : 200;
    response_header(response, "Cache-Control", DOCUMENT_CACHE);
    response_header(response, "ETag", document->etag);
    if (!is_known)
        json_out_bytes(&response->body, document->text, strlen(document->text));
    return ERR_NONE;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    return answer_document(request, response, false);
}

static enum err_kind get_30(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    return answer_document(request, response, true);
}

static enum err_kind get_docs(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr;
    response_header(response, "Cache-Control", DOCUMENT_CACHE);
    docs_page(request, response);
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

// clang-format off
static const struct route document_routes[] = {
    {GET, "/openapi.json",     ROLES_NONE, RATE_READ, .direct = get, .summary = "This document: OpenAPI 3.1"},
    {GET, "/openapi-3.0.json", ROLES_NONE, RATE_READ, .direct = get_30, .summary = "The same as OpenAPI 3.0.3, for generators that lag"},
    {GET, "/docs",             ROLES_NONE, RATE_READ, .forms = FORM_MASK(FORM_HTML), .direct = get_docs, .summary = "This document as a page"},
    {GET, "/docs/errors",      ROLES_NONE, RATE_READ, .forms = FORM_MASK(FORM_HTML), .direct = get_errors, .summary = "The codes of problems, as a page"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const document_statements[] = {NULL};

const struct resource document_resource = {"document", document_routes, document_statements,
                                           "This document, and its pages for people."};
