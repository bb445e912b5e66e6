/* Aligned tables from JSON: what is shown of a noun is a static table of columns. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/text.h"

#include <stdbool.h>
#include <stdio.h>

struct column {
    const char *title;
    const char *path;      /* in the object: "status.state"; "" is the object itself */
    const char *otherwise; /* path to take where the first has nothing; may be NULL */
    text_of_json *text;
    bool right;    /* numbers */
    bool optional; /* left out where no row has anything to show */
};
#define COLUMNS_END                                                                                                    \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define COLUMNS_MAX 24

/* Rows below their titles, two spaces between columns, no space at the end of a line. rows is an array; elements that
 * are no objects give empty cells. */
void table_print(FILE *out, struct arena *arena, const struct column *columns, const json_t *rows);
/* One object: a line for each column that has something to show. */
void table_print_one(FILE *out, struct arena *arena, const struct column *columns, const json_t *object);
