/* What reading, writing and documenting share: problems, and reading a value from its text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_SIZE 256

void field_problem_add(struct field_problems *problems, const char *pointer, const char *code, const char *format, ...)
{
    if (problems->count++ >= FIELD_PROBLEMS_MAX)
        return;
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a long detail is cut */
    va_end(arguments);
    problems->items[problems->count - 1] = (struct field_problem){
        .pointer = arena_text(problems->arena, pointer),
        .code = code,
        .detail = arena_text(problems->arena, detail),
    };
}
