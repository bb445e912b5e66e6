/* Rows of `depreciation`: a day's charge per asset, drawn up and sent at once. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/bulk_rows.h"
#include "billing/capex_posting/asset_history.h"
#include "billing/day_part.h"

/* Starts as {0}. */
struct depreciation_rows {
    struct bulk_rows rows;
};
void depreciation_rows_release(struct depreciation_rows *rows); /* for CLEANUP */

/* The asset's charge of the day in micro-units; units: milli-GPU-seconds delivered on it. An asset that is written off
 * gets no row any more. */
MUST_CHECK enum err_kind depreciation_rows_add(struct depreciation_rows *rows, const struct asset_history *history,
                                               const struct asset_row *asset, int64_t day, int64_t units,
                                               int64_t *ret_amount_u, struct err *reterr);
/* The same of a part of a day, without a row: pro rata to what has elapsed; by units, what those come to. */
MUST_CHECK enum err_kind depreciation_so_far(const struct asset_history *history, const struct asset_row *asset,
                                             const struct day_part *part, int64_t units, int64_t *ret_amount_u,
                                             struct err *reterr);
MUST_CHECK enum err_kind depreciation_rows_send(struct depreciation_rows *rows, struct db *db, struct err *reterr);

extern const struct db_stmt *const depreciation_rows_statements[];
