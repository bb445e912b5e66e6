/* Allocation that aborts when there is no memory: no caller has a better answer, and the supervisor starts the
 * process again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"

#include "common/must.h"

#include <stdlib.h>
#include <string.h>

/* A size of zero is asked for as one byte, because malloc(0) may return NULL. */
static size_t at_least_one(size_t count)
{
    return count == 0 ? 1 : count;
}

void *alloc_zero(size_t count, size_t size)
{
    void *memory = calloc(at_least_one(count), at_least_one(size));
    must(memory != NULL);
    return memory;
}

void *alloc_resize(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, at_least_one(count), at_least_one(size));
    must(memory != NULL);
    return memory;
}

char *alloc_text(const char *text)
{
    char *copy = strdup(text);
    must(copy != NULL);
    return copy;
}
