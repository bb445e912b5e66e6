/* What happened to assets so far, found by asset. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/asset_row.h"

struct asset_history {
    PGresult *rows; /* in the order in which changes take effect */
};
void asset_history_release(struct asset_history *history); /* for CLEANUP; starts as {0} */
/* Of the assets of an array parameter: what was applied to them through a day ("YYYY-MM-DD"). */
MUST_CHECK enum err_kind asset_history_load(struct db *db, const char *assets, const char *date,
                                            struct asset_history *ret, struct err *reterr);
/* The life of an asset of those. */
MUST_CHECK enum err_kind asset_history_life(const struct asset_history *history, const struct asset_row *asset,
                                            struct asset_life *ret, struct err *reterr);

extern const struct db_stmt *const asset_history_statements[];
