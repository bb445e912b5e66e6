/* The way of a GET: run the statement, write its rows by the fields of the route's answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/answer.h"

#include "api/server/route.h"
#include "common/must.h"

#define PAGE_PARAMS 2
#define FILTERS_MAX 12

const char *const list_orders[] = {"oldest", "newest", NULL};

enum err_kind answer_find(struct request *request, const struct db_stmt *stmt, const char *id, const char *noun,
                          const PGresult **ret, struct err *reterr)
{
    must(stmt->params == 1 || stmt->params == 2);
    enum err_kind kind =
        request_run(request, stmt, DB_PARAMS(id, request_bool(request->includes_deleted)), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        return request_not_found(request, noun, reterr);
    return kind;
}

enum err_kind answer_object(struct request *request, struct response *response, int status, const struct db_stmt *stmt,
                            const char *id, const char *noun, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = answer_find(request, stmt, id, noun, &result, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, status, request->route->answer->fields, result, 0);
    return kind;
}

enum err_kind answer_unchanged(struct request *request, struct response *response, const struct db_stmt *stmt,
                               const char *id, bool *ret_is_answered, struct err *reterr)
{
    *ret_is_answered = false;
    if (request_header(request, "If-None-Match") == NULL)
        return ERR_NONE;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, stmt, DB_PARAMS(id), &result, reterr);
    if (kind != ERR_NONE || PQntuples(result) == 0)
        return kind;
    int header_count = response->header_count;
    *ret_is_answered = response_is_known(request, response, result, 0);
    if (!*ret_is_answered)
        response->header_count = header_count; /* the ETag is that of what is read next */
    return ERR_NONE;
}

enum err_kind answer_page(struct request *request, struct response *response, const struct db_stmt *stmt,
                          const char *const *filters, struct err *reterr)
{
    must(stmt->params >= PAGE_PARAMS && stmt->params <= PAGE_PARAMS + FILTERS_MAX);
    struct page page;
    enum err_kind kind = page_read(request, &page, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *params[PAGE_PARAMS + FILTERS_MAX] = {page.after, page.limit_sql};
    for (int i = PAGE_PARAMS; i < stmt->params; i++)
        params[i] = filters[i - PAGE_PARAMS];
    const PGresult *result = NULL;
    kind = request_run(request, stmt, params, &result, reterr);
    if (kind == ERR_NONE)
        response_list(request, response, request->route->answer->fields, result, &page);
    return kind;
}
