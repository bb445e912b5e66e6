/* The hash of a document as it is issued: whoever prints it later can show that it is the same. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* Prints what the statement `document` tells of the object (a UUID) and hands the SHA-256 of the PDF, as hexadecimal
 * digits, to the statement `store` as its second parameter. */
MUST_CHECK enum err_kind document_hash_store(struct db *db, const struct db_stmt *document, const struct db_stmt *store,
                                             const char *object, struct err *reterr);
