/* An asset's life as the API tells it: what billing has applied, and what is wished and to come. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"
#include "common/asset_row.h"

struct asset_books {
    struct asset_row asset;
    int64_t closed_until; /* first day that is not closed; INT64_MIN: none is */
    const PGresult *changes;
    struct asset_life life;
};

/* With everything that is applied or wished, but for the changes from the one of this id on (NULL: all). What cannot be
 * applied any more is passed over: billing will refuse it. ERR_NOT_FOUND. */
MUST_CHECK enum err_kind asset_books_load(struct request *request, const char *asset, const char *until_change,
                                          struct asset_books *ret, struct err *reterr);

extern const struct db_stmt *const asset_books_statements[];
