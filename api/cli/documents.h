/* Documents of a text in YAML or JSON, as JSON values. Pure: opens nothing.
 *
 * A text that begins with { or [ is JSON: one value, or several one behind the other. Any other is YAML, of which plain
 * null, true, false and numbers as JSON writes them are values and all else is text; anchors and aliases are read, tags and
 * merge keys are not. In both a list at the top is one of documents, and a document without content is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>
#include <stddef.h>

#define DOCUMENTS_MAX       10000    /* of one text */
#define DOCUMENTS_DEPTH_MAX 32       /* of one document; what the API reads */
#define DOCUMENTS_BYTES_MAX 16777216 /* of one text, what aliases repeat counted each time */

#define DOCUMENTS_TOO_DEEP "lists and objects stand too deep in one another"

struct arena;

struct document {
    json_t *value;
    int line; /* where it begins, from 1 */
};

struct documents {
    struct document *items; /* the arena's */
    size_t count, capacity;
};

/* Releases the values; the arena keeps the rest. */
void documents_clear(struct documents *documents);

/* ERR_MALFORMED "line 7: ..." where any of it cannot be read: then there are none. */
MUST_CHECK enum err_kind documents_read(struct arena *arena, const char *text, size_t length, struct documents *ret,
                                        struct err *reterr);
