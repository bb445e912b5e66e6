/* Base64 for addresses, without padding (RFC 4648, 5): of cursors, and of everything in JOSE. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64URL_TEXT_SIZE(size)   ((4 * (size_t)(size) + 2) / 3 + 1)
#define BASE64URL_BYTES_MAX(length) (3 * (size_t)(length) / 4)

/* ret has room for BASE64URL_TEXT_SIZE(size). */
void base64url_print(const uint8_t *bytes, size_t size, char *ret);
/* False for any text that base64url_print does not write. ret has room for BASE64URL_BYTES_MAX(length). */
bool base64url_read(const char *text, size_t length, uint8_t *ret, size_t *ret_size);
