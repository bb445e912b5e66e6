/* What a declarative file says: things by kind and name, each as it should be.
 *
 * A document is {"kind": "project", "name": "research", "spec": {...}}, where spec is the body that the API's POST and PUT
 * take. Pure: opens nothing, asks nobody. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/documents.h"

#define KIND_ASKED_MAX  3
#define KIND_FIELDS_MAX (KIND_ASKED_MAX + 2)

/* A kind of things that are made by POST and changed by PUT. The table stands in the order in which they are made: what
 * others name comes first. */
struct kind {
    const char *name;
    const char *tenant_path; /* NULL: a tenant's token makes none */
    const char *system_path; /* NULL: the provider's tokens make none */
    const char *called;      /* the field that the document's name is; NULL: it has none */
    /* Fields that are part of what it is, beside that one: those a list can be asked for, and those it cannot. */
    const char *asked[KIND_ASKED_MAX];
    const char *compared;
    bool ends; /* by itself: its name is free for another one then */
};

extern const struct kind kinds[]; /* ends with a NULL name */

/* All the fields that tell one from another of its kind, the name's first; NULL behind the last. */
void kind_fields(const struct kind *kind, const char *ret[static KIND_FIELDS_MAX]);

/* What is made, and cannot be declared. */
struct no_kind {
    const char *name;
    const char *why; /* behind "it " */
};

extern const struct no_kind no_kinds[]; /* ends with a NULL name */

struct declaration {
    const struct kind *kind;
    json_t *spec;      /* with the name in its field */
    const char *shown; /* "project/research" */
    const char *file;
    size_t document; /* from 1 */
    int line;
};

struct declarations {
    struct declaration *items; /* the arena's, in the order in which they are made */
    size_t count, capacity;
};

void declarations_clear(struct declarations *declarations);

/* Adds those of a text of this name. ERR_MALFORMED "'a.yaml', document 2 (line 9): ...". */
MUST_CHECK enum err_kind declarations_read(struct arena *arena, const char *file, const char *text, size_t length,
                                           struct declarations *declarations, struct err *reterr);

/* Puts them in order. ERR_MALFORMED where two are the same thing. */
MUST_CHECK enum err_kind declarations_order(struct arena *arena, struct declarations *declarations, struct err *reterr);

/* Where it stands: "'a.yaml', document 2 (line 9)". */
const char *declaration_place(struct arena *arena, const struct declaration *declaration);

/* Is the object the one that is meant, by all that tells one from another? */
bool declaration_is_of(const struct declaration *declaration, const json_t *object);
