/* Changes whose outcome somebody else decides: the handler writes the wish, the transaction commits, and the request
 * waits suspended, without a thread, until the verdict is there or its wait is over. Then it is answered from the
 * object, as a repetition would be. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

/* The amendment, or request about an invoice, that the handler has asked for, and who answers: as a GET's handler,
 * request->object what was asked for, once it is decided, or still open where the wait (Prefer; else verdict_wait_ms) is over. id lives in the request's
 * arena. Returns ERR_NONE. */
enum err_kind request_await(struct request *request, const char *id, route_handler *finish);

extern const struct db_stmt await_statement;
extern const struct db_stmt *const await_statements[];
