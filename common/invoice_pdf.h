/* An invoice or credit note as a printed document, made from what invoice_document() or credit_note_document() say
 * (migrations/0031_invoice_documents.sql): the process that issues it and the one that shows it make the same bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>

/* document: JSON. The bytes are to be freed. ERR_INTERNAL where the document is not what it should be. */
MUST_CHECK enum err_kind invoice_pdf_render(const char *document, unsigned char **ret, size_t *ret_length,
                                            struct err *reterr);
