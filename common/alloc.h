/* Memory that is there or the process is not: out of memory aborts. For what outlives a request; what belongs to
 * a request comes from its arena. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

void *alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* realloc; what is added is not zeroed. old may be NULL. */
void *alloc_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* For a large table that is read here and there: zeroed, on huge pages where the system grants them; free() gives it
 * back. */
void *alloc_table(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
char *alloc_text(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
