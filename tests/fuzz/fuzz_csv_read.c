/* Whatever CSV comes: it is refused with a reason, or each of its rows, written as CSV again (every cell in quotes), is
 * read back as the same cells; lines never go back, and reading ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/csv_read.h"
#include "api/server/json_out.h"
#include "tests/fuzz/fuzz.h"

static const char *quoted(struct arena *arena, const struct csv_cells *row)
{
    struct json_out out;
    json_out_init(&out, arena);
    for (size_t i = 0; i < row->count; i++) {
        json_out_bytes(&out, i == 0 ? "\"" : ",\"", i == 0 ? 1 : 2);
        for (const char *c = row->items[i]; *c != '\0'; c++)
            json_out_bytes(&out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
        json_out_bytes(&out, "\"", 1);
    }
    return json_out_finish(&out);
}

static void read_back(struct arena *arena, const struct csv_cells *row)
{
    struct csv_reader reader = {quoted(arena, row), 1};
    struct csv_cells again;
    must(csv_read_row(&reader, arena, &again, NULL) == ERR_NONE);
    must(again.count == row->count);
    for (size_t i = 0; i < row->count; i++)
        must(strcmp(again.items[i], row->items[i]) == 0);
    must(csv_read_row(&reader, arena, &again, NULL) == ERR_NONE);
    must(again.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct csv_reader reader = {text, 1};
    int line = 0;
    for (size_t rows = 0;; rows++) {
        struct err err = {0};
        struct csv_cells row = {0};
        must(rows <= size); /* each row takes a byte at least */
        if (csv_read_row(&reader, arena, &row, &err) != ERR_NONE) {
            must(err.kind == ERR_MALFORMED && strcmp(err.code, "malformed_csv") == 0 && err.text[0] != '\0');
            return 0;
        }
        if (row.count == 0)
            return 0;
        must(row.count <= CSV_CELLS_MAX && row.line >= line);
        line = row.line;
        read_back(arena, &row);
    }
}
