/* What most handlers answer: one object by its id, or a page of a list. The fields are those of route->answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"
#include "api/server/response.h"

/* By which a list that can be turned round is asked for: oldest first unless said. NULL-terminated. */
extern const char *const list_orders[];

/* The row of a statement that takes an id and, where it has a second parameter, whether it may be a deleted one.
 * ERR_NOT_FOUND "<noun> '<id in the address>' does not exist". */
MUST_CHECK enum err_kind answer_find(struct request *request, const struct db_stmt *stmt, const char *id,
                                     const char *noun, const PGresult **ret, struct err *reterr);
/* The same, answered under that status, with its ETag (response_object). */
MUST_CHECK enum err_kind answer_object(struct request *request, struct response *response, int status,
                                       const struct db_stmt *stmt, const char *id, const char *noun,
                                       struct err *reterr);
/* Of a GET whose client has a version (If-None-Match): compares it with the row's revisions alone, which cost a
 * fraction of the whole object. *ret_is_answered: 304; otherwise the object is to be asked for, there or not. */
MUST_CHECK enum err_kind answer_unchanged(struct request *request, struct response *response,
                                          const struct db_stmt *stmt, const char *id, bool *ret_is_answered,
                                          struct err *reterr);
/* A page of a list: $1 and $2 of the statement are the page's (page.h), $3 and what follows are `filters`
 * (DB_NO_PARAMS where there are none). */
MUST_CHECK enum err_kind answer_page(struct request *request, struct response *response, const struct db_stmt *stmt,
                                     const char *const *filters, struct err *reterr);
