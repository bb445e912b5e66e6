/* Minimum durations: what lacks to the minimum of the price that held at an instance's end, at that price, is charged
 * in the billing period of its end. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "billing/ledger/refusals.h"
#include "common/price_book.h"

/* What they come to of a tenant's instances that ended in the span, written or not, as lines besides. ret_rows: what
 * texts of the lines live in. */
MUST_CHECK enum err_kind rate_minimum_of_tenant(struct db *db, const char *tenant, struct rating_span span,
                                                const struct price_book *book, PGresult **ret_rows,
                                                struct rated_lines *lines, struct err *reterr);

/* What a day changes of it: of each reservation of which an instance ended on it, what all its instances come to in
 * that billing period, less what was written of them. So a charge that was rated anew with the same day, and then came
 * to nothing, is not made again. A reservation whose charge fits no number is left out, and its period refused. */
struct minimum_rows {
    PGresult *instances, *charged; /* what texts of the lines live in */
};
void minimum_rows_release(struct minimum_rows *rows); /* for CLEANUP; starts as {0} */
MUST_CHECK enum err_kind rate_minimum_of_day(struct db *db, int64_t day, const struct price_book *book,
                                             struct minimum_rows *ret_rows, struct rated_lines *lines,
                                             struct refusals *refusals, struct err *reterr);

extern const struct db_stmt *const rate_minimum_statements[];
