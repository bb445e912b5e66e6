/* An arena is a chain of zeroed blocks, the newest first; allocating moves a mark. Blocks double up to a limit, so
 * that a small request costs one malloc; what is larger than a block gets one of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"

#include "common/alloc.h"
#include "common/must.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARENA_ALIGNMENT      16U
#define ARENA_BLOCK_SIZE_MIN 4096U
#define ARENA_BLOCK_SIZE_MAX 65536U

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ARENA_ALIGNMENT) char memory[];
};

struct arena {
    struct block *newest;
    size_t next_size;
};

struct arena *arena_new(void)
{
    struct arena *arena = alloc_zero(1, sizeof *arena);
    arena->next_size = ARENA_BLOCK_SIZE_MIN;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void arena_freep(struct arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

static struct block *block_for(struct arena *arena, size_t size)
{
    size_t block_size = size > arena->next_size ? size : arena->next_size;
    struct block *block = alloc_zero(1, sizeof *block + block_size);
    block->size = block_size;
    block->next = arena->newest;
    arena->newest = block;
    if (arena->next_size < ARENA_BLOCK_SIZE_MAX)
        arena->next_size *= 2;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    must(size <= SIZE_MAX / 2);
    size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < rounded)
        block = block_for(arena, rounded);
    void *memory = block->memory + block->used;
    block->used += rounded;
    return memory;
}

char *arena_text(struct arena *arena, const char *text)
{
    return arena_text_n(arena, text, strlen(text));
}

char *arena_text_n(struct arena *arena, const char *text, size_t length)
{
    must(length < SIZE_MAX / 2);
    char *copy = arena_alloc(arena, length + 1); /* zeroed: the end is there already */
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    must(length >= 0);

    char *text = arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    int written = vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    must(written == length);
    return text;
}
