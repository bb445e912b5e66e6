/* Delivered usage as lines without amounts yet: quantities by reservation, price, billing period and whatever else
 * their price depends on. Memory only; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

/* The columns of rows of usage: one row per reservation, UTC day, sku, capacity status and span. The statement sorts
 * them by reservation, day, kind, sku and capacity. */
enum usage_column {
    USAGE_COLUMN_RESERVATION,
    USAGE_COLUMN_DAY, /* days since 1970-01-01 */
    USAGE_COLUMN_KIND,
    USAGE_COLUMN_SKU,
    USAGE_COLUMN_CAPACITY, /* text or null */
    USAGE_COLUMN_TENANT,
    USAGE_COLUMN_PROJECT,
    USAGE_COLUMN_TIER,
    USAGE_COLUMN_CURRENCY,
    USAGE_COLUMN_ZONE,
    USAGE_COLUMN_FROM,
    USAGE_COLUMN_TO,
    USAGE_COLUMN_GPU_MILLI, /* of all instances; negative takes back */
    USAGE_COLUMN_INSTANCES,
    USAGE_COLUMN_BILLED, /* whether these seconds cost anything */
    USAGE_COLUMN_PERIOD, /* the billing month that holds the day's start, the next, and the one after: three bounds */
};

/* The end of the run of rows from first on that are alike in the columns up to last_column. */
int usage_run_end(const PGresult *rows, int first, int last_column);

/* Adds a reservation's day, rows [first, end). ERR_NOT_FOUND if a second has no price: then nothing was added, and
 * *ret_unpriced is the row that has none. */
MUST_CHECK enum err_kind usage_lines_add_day(struct rated_lines *lines, const struct price_book *book,
                                             const PGresult *rows, int first, int end, int *ret_unpriced,
                                             struct err *reterr);
