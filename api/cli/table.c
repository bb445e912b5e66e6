/* Layout of tables: all cells first, then the widths, then the lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/table.h"

#include "common/arena.h"
#include "common/must.h"

#include <string.h>

#define GAP 2 /* spaces between columns */

static int count_columns(const struct column *columns)
{
    int count = 0;
    while (columns[count].title != NULL)
        count++;
    must(count > 0 && count <= COLUMNS_MAX);
    return count;
}

static const char *cell(struct arena *arena, const struct column *column, const json_t *object)
{
    const char *text = column->text(arena, json_at(object, column->path));
    if (text[0] == '\0' && column->otherwise != NULL)
        text = column->text(arena, json_at(object, column->otherwise));
    return text;
}

static void print_spaces(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

struct layout {
    const struct column *columns;
    int count;
    size_t width[COLUMNS_MAX];
    bool shown[COLUMNS_MAX];
};

static void print_line(FILE *out, const struct layout *layout, const char *const *cells)
{
    size_t owed = 0; /* spaces that are only printed if something follows */
    for (int i = 0; i < layout->count; i++) {
        if (!layout->shown[i])
            continue;
        size_t padding = layout->width[i] - text_width(cells[i]);
        if (layout->columns[i].right)
            owed += padding;
        if (cells[i][0] != '\0') {
            print_spaces(out, owed);
            fputs(cells[i], out);
            owed = 0;
        }
        owed += GAP + (layout->columns[i].right ? 0 : padding);
    }
    fputc('\n', out);
}

void table_print(FILE *out, struct arena *arena, const struct column *columns, const json_t *rows)
{
    struct layout layout = {.columns = columns, .count = count_columns(columns)};
    const size_t count = (size_t)layout.count;
    const size_t row_count = json_array_size(rows);
    const char **cells = arena_alloc(arena, (row_count + 1) * count * sizeof *cells);
    for (size_t i = 0; i < count; i++) {
        cells[i] = columns[i].title;
        layout.width[i] = text_width(columns[i].title);
        layout.shown[i] = !columns[i].optional;
    }
    for (size_t row = 0; row < row_count; row++) {
        for (size_t i = 0; i < count; i++) {
            const char *text = cell(arena, &columns[i], json_array_get(rows, row));
            cells[(row + 1) * count + i] = text;
            layout.shown[i] = layout.shown[i] || text[0] != '\0';
            size_t width = text_width(text);
            layout.width[i] = width > layout.width[i] ? width : layout.width[i];
        }
    }
    for (size_t row = 0; row <= row_count; row++)
        print_line(out, &layout, &cells[row * count]);
}

void table_print_one(FILE *out, struct arena *arena, const struct column *columns, const json_t *object)
{
    int count = count_columns(columns);
    size_t width = 0;
    for (int i = 0; i < count; i++)
        width = strlen(columns[i].title) > width ? strlen(columns[i].title) : width;
    for (int i = 0; i < count; i++) {
        const char *text = cell(arena, &columns[i], object);
        if (text[0] == '\0')
            continue;
        fputs(columns[i].title, out);
        print_spaces(out, width - strlen(columns[i].title) + GAP);
        fprintf(out, "%s\n", text);
    }
}
