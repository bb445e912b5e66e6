/* Lists by keyset: ?limit= (1 to 1000, 100) and ?page=, an opaque cursor, signed and bound to route, tenant and filter.
 *
 * The statement of a list takes two parameters of the page and one rule:
 *
 *     WHERE ($1::uuid IS NULL OR z.id > $1::uuid) ... ORDER BY z.id LIMIT $2::bigint      $1 page.after, $2
 * page.limit_sql
 *
 * and selects a column named "page_key", the text that `after` gets for the next page (an id; or several values
 * that the handler joins and splits itself). limit_sql is one more than shown, so that the end is known. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

struct request;

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX     1000

struct page {
    const char *after; /* page_key of the last row shown before; NULL for the first page */
    int limit;
    const char *limit_sql; /* text of limit + 1 */
};

/* Reads limit and page of the query: the framework takes them on every route with .is_list, the query table need not
 * name them. ERR_INVALID (bad_page, out_of_range). */
MUST_CHECK enum err_kind page_read(struct request *request, struct page *ret, struct err *reterr);
