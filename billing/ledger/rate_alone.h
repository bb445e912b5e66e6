/* What a reservation's usage comes to by itself: lines of flat prices, of tenants without commitments. What depends on
 * the rest of a tenant's usage is told apart: rate_tenant.h. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

#define RATE_BEFORE_DAYS 63 /* the billing month that a day lies in, and the one before, in any zone */

/* What tells them apart. Starts as {0}. */
struct rate_scope {
    const struct price_book *book;
    PGresult *committed;    /* tenants, in order */
    const PGresult *others; /* more of them, likewise; NULL: none */
};
MUST_CHECK enum err_kind rate_scope_load(struct db *db, int64_t day, const struct price_book *book,
                                         struct rate_scope *ret, struct err *reterr);
void rate_scope_release(struct rate_scope *scope); /* for CLEANUP */

/* Keeps the lines that are rated alone, in their order; the others are added to the rest, if there is one. */
void rate_scope_split(const struct rate_scope *scope, struct rated_lines *lines, struct rated_lines *rest);

/* Rates such lines (measured, merged) with what was measured of their groups before, and leaves what is to be written.
 * ret_rows: what texts of the lines live in. */
MUST_CHECK enum err_kind rate_alone(struct db *db, const struct rate_scope *scope, struct rated_lines *lines,
                                    PGresult **ret_rows, struct err *reterr);

extern const struct db_stmt *const rate_alone_statements[];
