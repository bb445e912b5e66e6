/* What the targets share: their entry, and taking an input apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/alloc.h"
#include "common/must.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input up to its first zero, as a text that ends where its memory ends: AddressSanitizer sees the byte beyond. */
static inline char *input_text(const uint8_t *data, size_t size)
{
    size_t length = size == 0 ? 0 : strnlen((const char *)data, size);
    char *text = alloc_zero(length + 1, 1);
    if (length > 0)
        memcpy(text, data, length);
    return text;
}

/* Cuts the next part off *rest, up to the separator; NULL where nothing is left. */
static inline char *input_part(char **rest, const char *separator)
{
    return *rest == NULL ? NULL : strsep(rest, separator);
}
