/* An invoice or credit note as PDF. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"
#include "api/server/response.h"

/* Answers the document that a statement tells of request->object in its columns "document" (null: it is not issued) and
 * "number"; with the row's ETag. */
MUST_CHECK enum err_kind document_pdf_answer(struct request *request, struct response *response,
                                             const struct db_stmt *stmt, const char *noun, struct err *reterr);
