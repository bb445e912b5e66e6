/* The text of a cursor: base64url(HMAC-SHA-256 cut to 16 bytes, then the key). Bound to path, tenant and filter, so
 * that a cursor of another list is refused instead of misread. Pure but for the server's key. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

const char *page_cursor_make(struct request *request, const char *key) __attribute__((returns_nonnull));
/* NULL where it was not made for this request's list. */
const char *page_cursor_read(struct request *request, const char *cursor);
