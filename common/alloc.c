/* Allocation that aborts when there is no memory: no caller has a better answer, and the supervisor starts the
 * process again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"

#include "common/must.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Of x86-64, and of arm64 with pages of 4 KiB. */
#define HUGE_PAGE ((size_t)2 << 20)

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

void *alloc_table(size_t count, size_t size)
{
    size_t bytes;
    bool overflows = __builtin_mul_overflow(count, size, &bytes);
    must(!overflows && bytes <= SIZE_MAX / 2);
    if (bytes < HUGE_PAGE)
        return alloc_zero(count, size);
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, bytes);
    must(memory != NULL);
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a hint: without it the table works, too */
    memset(memory, 0, bytes);
    return memory;
}

char *alloc_text(const char *text)
{
    char *copy = strdup(text);
    must(copy != NULL);
    return copy;
}
