/* The end of a process that found a bug in itself: one line of log, then a core. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *condition, const char *file, int line, const char *function)
{
    fputs("{\"level\":\"fatal\",\"event\":\"must_failed\",\"condition\":\"", stderr);
    for (const char *next = condition; *next != '\0'; next++) {
        if (*next == '"' || *next == '\\')
            fputc('\\', stderr);
        fputc(*next, stderr);
    }
    fprintf(stderr, "\",\"at\":\"%s:%d\",\"function\":\"%s\"}\n", file, line, function);
    abort();
}
