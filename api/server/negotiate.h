/* Which form an answer has, by Accept (RFC 9110, 12.5.1), and which bodies are read, by Content-Type. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* In the order in which one is taken where the client likes several the same. */
enum form { FORM_JSON, FORM_CSV, FORM_EVENTS, FORM_HTML, FORM_PDF, FORM_COUNT };

#define FORM_MASK(form) (1U << (form))

extern const char *const form_types[FORM_COUNT]; /* "application/json", ... */

/* Of those that are offered (a mask), the one that the client wants most; of the same quality, the one that it names
 * more exactly. FORM_COUNT where it takes none. accept may be NULL: anything. */
enum form form_choose(const char *accept, unsigned offered);

/* Is a body of this type read as JSON? content_type may be NULL: it is taken for JSON. */
bool form_is_readable(const char *content_type, bool is_patch);
/* Is a body of this type read as CSV? It must be said. */
bool form_is_csv(const char *content_type);
/* It names no other character set than what is read: UTF-8, and with it ASCII. */
bool form_is_utf8(const char *content_type);
