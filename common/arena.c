/* An arena is a chain of zeroed blocks, the newest first; allocating moves a mark. Blocks double up to a limit, so
 * that a small request costs one malloc; what is larger than a block gets one of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"

#include "common/alloc.h"
#include "common/must.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARENA_ALIGNMENT      16U
#define ARENA_BLOCK_SIZE_MIN 16384U
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

/* ---- Blocks of the smallest size are kept for the next arena ----
 *
 * A request's memory is one such block, mostly. Each thread keeps a few with their memory zeroed as far as it was used,
 * which is a fraction of what calloc would zero, and asks no lock. Not under AddressSanitizer, which is to see each use
 * of what was freed. */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEPT_MAX 0
#else
#define KEPT_MAX 64 /* a MiB per thread */
#endif

static _Thread_local struct {
    struct block *first;
    int count;
} kept;

static pthread_key_t kept_key;

/* At the end of a thread. */
static void free_kept(void *unused)
{
    (void)unused;
    while (kept.first != NULL) {
        struct block *next = kept.first->next;
        free(kept.first);
        kept.first = next;
    }
    kept.count = 0;
}

static void make_key(void)
{
    must(pthread_key_create(&kept_key, free_kept) == 0);
}

static void keep(struct block *block)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, make_key) == 0);
    if (kept.first == NULL)
        must(pthread_setspecific(kept_key, &kept) == 0); /* so that free_kept is called */
    memset(block->memory, 0, block->used);
    block->used = 0;
    block->next = kept.first;
    kept.first = block;
    kept.count++;
}

static void give_back(struct block *block)
{
    if (block->size == ARENA_BLOCK_SIZE_MIN && kept.count < KEPT_MAX)
        keep(block);
    else
        free(block);
}

static struct block *new_block(size_t size)
{
    struct block *block = kept.first;
    if (size != ARENA_BLOCK_SIZE_MIN || block == NULL) {
        block = alloc_zero(1, sizeof *block + size);
        block->size = size;
        return block;
    }
    kept.first = block->next;
    kept.count--;
    return block;
}

/* ---- Arenas: each lies in its first block ---- */

struct arena *arena_new(void)
{
    struct block *block = new_block(ARENA_BLOCK_SIZE_MIN);
    block->next = NULL;
    block->used = (sizeof(struct arena) + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    struct arena *arena = (struct arena *)(void *)block->memory;
    *arena = (struct arena){.newest = block, .next_size = 2 * ARENA_BLOCK_SIZE_MIN};
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *next = block->next; /* the last is the first, where the arena lies */
        give_back(block);
        block = next;
    }
}

void arena_freep(struct arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

static struct block *block_for(struct arena *arena, size_t size)
{
    struct block *block = new_block(size > arena->next_size ? size : arena->next_size);
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
    if (block->size - block->used < rounded)
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
