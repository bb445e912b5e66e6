/* A tenant's billing period measured from the facts: its usage and corrections, whatever was written of it before.
 * One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

struct facts_period {
    const char *tenant;
    int64_t starts_s, ends_s;
    int64_t closed_until_s; /* usage up to here */
    int64_t known_until_s;  /* corrections that were made before */
};

/* What the lines' prices and texts live in. */
struct facts {
    struct price_book book; /* of the period, and on until what is known ends */
    PGresult *usage_rows, *short_rows;
};
void facts_release(struct facts *facts); /* for CLEANUP; starts as {0} */

/* Adds usage, without amounts yet. ERR_NOT_FOUND if a second has no price. */
MUST_CHECK enum err_kind facts_measure(struct db *db, const struct facts_period *period, struct facts *ret,
                                       struct rated_lines *lines, struct err *reterr);
/* Adds what minimum durations come to, by the same prices. */
MUST_CHECK enum err_kind facts_add_minimum(struct db *db, const struct facts_period *period, struct facts *facts,
                                           struct rated_lines *lines, struct err *reterr);

extern const struct db_stmt *const rate_facts_statements[];
