/* Reading CSV. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/csv_read.h"

#include <string.h>

const char *csv_text(const char *text)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* U+FEFF in UTF-8 */
    return strncmp(text, mark, sizeof mark - 1) == 0 ? text + sizeof mark - 1 : text;
}

static enum err_kind malformed(const struct csv_reader *reader, const char *what, struct err *reterr)
{
    return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "line %d: %s", reader->line, what);
}

/* Behind the opening quote; two quotes within stand for one. */
static enum err_kind read_quoted(struct csv_reader *reader, struct arena *arena, const char **ret, struct err *reterr)
{
    size_t size = strlen(reader->at);
    size_t length = 0;
    const char *from = reader->at;
    while (*from != '\0' && (*from != '"' || from[1] == '"'))
        from += *from == '"' ? 2 : 1;
    if (*from == '\0')
        return malformed(reader, "a quote does not end", reterr);
    size = (size_t)(from - reader->at);
    char *cell = arena_alloc(arena, size + 1);
    for (const char *next = reader->at; next < from; next++) {
        reader->line += *next == '\n';
        cell[length++] = *next;
        next += *next == '"';
    }
    cell[length] = '\0';
    reader->at = from + 1;
    *ret = cell;
    return strchr(",\r\n", *reader->at) == NULL && *reader->at != '\0'
               ? malformed(reader, "text stands behind a quoted cell", reterr)
               : ERR_NONE;
}

static enum err_kind read_cell(struct csv_reader *reader, struct arena *arena, const char **ret, struct err *reterr)
{
    if (*reader->at == '"') {
        reader->at++;
        return read_quoted(reader, arena, ret, reterr);
    }
    size_t length = strcspn(reader->at, ",\r\n");
    *ret = arena_text_n(arena, reader->at, length);
    reader->at += length;
    return ERR_NONE;
}

static void skip_line_end(struct csv_reader *reader)
{
    reader->at += *reader->at == '\r';
    if (*reader->at == '\n') {
        reader->at++;
        reader->line++;
    }
}

enum err_kind csv_read_row(struct csv_reader *reader, struct arena *arena, struct csv_cells *ret, struct err *reterr)
{
    ret->count = 0;
    while (*reader->at == '\r' || *reader->at == '\n')
        skip_line_end(reader);
    ret->line = reader->line;
    if (*reader->at == '\0')
        return ERR_NONE;
    for (;;) {
        if (ret->count == CSV_CELLS_MAX)
            return malformed(reader, "the row has too many cells", reterr);
        enum err_kind kind = read_cell(reader, arena, &ret->items[ret->count], reterr);
        if (kind != ERR_NONE)
            return kind;
        ret->count++;
        if (*reader->at != ',')
            break;
        reader->at++;
    }
    skip_line_end(reader);
    return ERR_NONE;
}
