/* An arena per request: everything a request allocates is released at once, when it is answered.
 * One thread at a time uses an arena. Out of memory aborts, so no caller checks. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void) __attribute__((returns_nonnull));
void arena_free(struct arena *arena); /* NULL is fine */
void arena_freep(struct arena **arena);
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull)); /* zeroed, 16-byte aligned */
char *arena_text(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_text_n(struct arena *arena, const char *text, size_t length) __attribute__((returns_nonnull));
char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) __attribute__((returns_nonnull));
