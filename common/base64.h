/* Base64 (RFC 4648, 4), by OpenSSL. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_TEXT_SIZE(size) (4 * (((size_t)(size) + 2) / 3) + 1)

/* ret has room for BASE64_TEXT_SIZE(size). */
void base64_print(const uint8_t *bytes, size_t size, char *ret);
/* False for any text that base64_print does not write, for one of more than 4096 characters, and for more bytes than
 * size_max. */
bool base64_read(const char *text, uint8_t *ret, size_t size_max, size_t *ret_size);
