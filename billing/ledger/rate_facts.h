/* A tenant's billing period measured from the facts: its usage and corrections, whatever was written of it before. What
 * came late and has no price is left out and waits (unpriced_late); all else goes on. One thread. */
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
    bool *left_out; /* by row of usage: it came late, and a second of it has no price */
    size_t left_out_count;
};
void facts_release(struct facts *facts); /* for CLEANUP; starts as {0} */

/* Adds usage, without amounts yet. ERR_NOT_FOUND if a second of what did not come late has no price. */
MUST_CHECK enum err_kind facts_measure(struct db *db, const struct facts_period *period, struct facts *ret,
                                       struct rated_lines *lines, struct err *reterr);
/* Billable milli-GPU-seconds of a row of usage within the period; negative: taken back. */
int64_t facts_amount(const struct facts_period *period, const struct facts *facts, int row);
/* Notes what is left out of the period, in place of what was noted of it before. */
MUST_CHECK enum err_kind facts_note_waiting(struct db *db, const struct facts_period *period, const struct facts *facts,
                                            struct err *reterr);
/* Adds what minimum durations come to, by the same prices. */
MUST_CHECK enum err_kind facts_add_minimum(struct db *db, const struct facts_period *period, struct facts *facts,
                                           struct rated_lines *lines, struct err *reterr);

extern const struct db_stmt *const rate_facts_statements[];
