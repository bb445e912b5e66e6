/* YAML into documents, on libyaml: its events become JSON values. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/documents.h"

/* As documents_read(); what was added before an error stays. */
MUST_CHECK enum err_kind yaml_read(struct arena *arena, const char *text, size_t length, struct documents *documents,
                                   struct err *reterr);
/* Takes a reference. Null is a document without content: none. */
MUST_CHECK enum err_kind documents_add(struct arena *arena, struct documents *documents, json_t *value, int line,
                                       struct err *reterr);
