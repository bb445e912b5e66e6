/* Decoding a question's body by a table: JSON into a struct. sluice-api writes these bodies, instants as epoch seconds
 * and ids as UUIDs; the tables here say what of them a kind reads. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/identity.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum question_type {
    QUESTION_INT,    /* int64_t */
    QUESTION_BOOL,   /* bool */
    QUESTION_TEXT,   /* const char *, the arena's */
    QUESTION_ID,     /* struct identity, of a UUID's text; absent: all zero */
    QUESTION_TEXTS,  /* struct question_texts */
    QUESTION_OBJECT, /* the nested struct, by .fields; absent: as it was (zero) */
    QUESTION_ROWS,   /* struct question_rows: an array of objects by .fields */
};

struct question_texts {
    const char *const *items;
    uint32_t count;
};

struct question_rows {
    void *items; /* of the struct, .size bytes each */
    uint32_t count;
};

struct question_field {
    const char *name; /* NULL ends a table */
    enum question_type type;
    size_t offset;
    bool required; /* else absent or null: if_absent, NULL, or zero */
    int64_t if_absent;
    int64_t least, most;                 /* INT, and how many TEXTS or ROWS; both 0: no bounds */
    const struct question_field *fields; /* OBJECT, ROWS */
    size_t size;                         /* ROWS */
};

#define QUESTION_ROWS_MAX 10000

/* NULL where all fits, else the name of the first field that does not ("" for no object at all). Fields that the table
 * does not name are passed over: an API may be newer. */
const char *question_decode(const struct question_field *fields, const json_t *object, struct arena *arena,
                            void *target);
