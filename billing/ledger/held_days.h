/* Days of reservations that cannot be rated yet, since a second has no price or an amount fits no number: each is a row
 * of unpriced_usage, is tried again with each day's close, and keeps its billing period open; everybody else's are
 * rated. One that fits no number is told of by an event, once, and so is that it was rated at last. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* Starts as {0}. */
struct held_days {
    struct db_array reservation, tenant, day, sku, amount, reason;
};
void held_days_release(struct held_days *days); /* for CLEANUP */

/* A reservation's day, rows [first, end) of enum usage_column; sku_row: one of them that names what cannot be rated.
 * unfit: why it fits no number; NULL: it has no price. */
void held_days_add(struct held_days *days, const PGresult *rows, int first, int end, int sku_row, const char *unfit);
MUST_CHECK enum err_kind held_days_write(struct held_days *days, struct db *db, struct err *reterr);

/* They are rated: they wait no more, if they did. Parallel arrays. */
MUST_CHECK enum err_kind held_days_free(struct db *db, struct db_array *reservations, struct db_array *days,
                                        struct err *reterr);

void held_days_register_metrics(void);

extern const struct db_stmt *const held_days_statements[];
