/* UTF-8, character by character. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Bytes of the character at text, which ends with a zero; 0 if there is none (RFC 3629, table 3-7 of Unicode: no
 * overlong forms, no surrogates, nothing beyond U+10FFFF). The zero itself counts as one. */
size_t utf8_length(const unsigned char *text);
