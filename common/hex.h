/* Bytes as hexadecimal digits, lower case. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEX_TEXT_SIZE(size) (2 * (size_t)(size) + 1)

/* ret has room for HEX_TEXT_SIZE(size). */
void hex_print(const uint8_t *bytes, size_t size, char *ret);
/* False where text is not exactly 2 * size digits, of either case. */
bool hex_read(const char *text, uint8_t *ret, size_t size);
