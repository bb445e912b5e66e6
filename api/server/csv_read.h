/* Reads CSV (RFC 4180), row by row: cells separated by commas, quoted where they hold commas, quotes or line ends; rows
 * end with CRLF or LF. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/err.h"

#include <stddef.h>

#define CSV_CELLS_MAX 64

struct csv_reader {
    const char *at; /* terminated text */
    int line;       /* of what is read next, from 1 */
};

struct csv_cells {
    const char *items[CSV_CELLS_MAX];
    size_t count; /* 0: there is no row any more */
    int line;     /* in which it begins */
};

/* The text without the byte order mark that spreadsheets put before it. */
const char *csv_text(const char *text);

/* The next row that is not empty. ERR_MALFORMED (malformed_csv): a quote that does not end, text behind one, or too
 * many cells. Cells live in the arena. */
MUST_CHECK enum err_kind csv_read_row(struct csv_reader *reader, struct arena *arena, struct csv_cells *ret,
                                      struct err *reterr);
