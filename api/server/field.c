/* What reading, writing and documenting share: problems, and reading a value from its text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 256

/* Room for one more: twice as many whenever their number is a power of two. */
static void make_room(struct field_problems *problems)
{
    size_t count = problems->listed;
    if ((count & (count - 1)) != 0)
        return;
    struct field_problem *items = arena_alloc(problems->arena, (count == 0 ? 1 : 2 * count) * sizeof *items);
    if (count > 0)
        memcpy(items, problems->items, count * sizeof *items);
    problems->items = items;
}

void field_problem_add(struct field_problems *problems, const char *pointer, const char *code, const char *format, ...)
{
    size_t most = problems->most > 0 ? problems->most : FIELD_PROBLEMS_MAX;
    problems->count++;
    if (problems->listed == most)
        return;
    make_room(problems);
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a long detail is cut */
    va_end(arguments);
    problems->items[problems->listed++] = (struct field_problem){
        .pointer = arena_text(problems->arena, pointer),
        .code = code,
        .detail = arena_text(problems->arena, detail),
    };
}
