/* Finding a text in a table of texts, as of an enum. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <string.h>

/* Where it stands, or count. Entries that are NULL are no text. */
static inline size_t text_find(const char *const *texts, size_t count, const char *text)
{
    size_t i = 0;
    while (i < count && (texts[i] == NULL || strcmp(texts[i], text) != 0))
        i++;
    return i;
}
