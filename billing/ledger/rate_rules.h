/* What is charged and credited by rule: cancellations and early releases, instances that ran less than their price's
 * minimum, and, once a billing period is over, what was promised and not delivered. Repeatable: what a rule comes to,
 * less what was written by it. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

/* day: its usage is rated. */
MUST_CHECK enum err_kind rate_rules(struct leader *leader, int64_t day, const struct price_book *book,
                                    struct err *reterr);

/* What of it a day that is not closed has so far: cancellations, early releases and minimum durations, not yet
 * written; credits of billing periods that are over by then, which are of the cost of their usage: what was rated of
 * it, and the provisional figures of the generation. */
struct rule_charges {
    PGresult *rows[2]; /* what texts of the lines live in */
    struct rated_lines lines;
};
MUST_CHECK enum err_kind rate_rules_charges(struct db *db, int64_t day, const struct price_book *book,
                                            struct rule_charges *ret, struct err *reterr);
MUST_CHECK enum err_kind rate_rules_credits(struct db *db, int64_t until_s, int64_t generation,
                                            struct rule_charges *ret, struct err *reterr);
void rule_charges_release(struct rule_charges *charges); /* for CLEANUP; starts as {0} */

/* What minimum durations come to of a tenant's instances that ended in the span, written or not, as lines besides.
 * ret_rows: what texts of the lines live in. */
MUST_CHECK enum err_kind rate_rules_minimum(struct db *db, const char *tenant, struct rating_span span,
                                            const struct price_book *book, PGresult **ret_rows,
                                            struct rated_lines *lines, struct err *reterr);

extern const struct db_stmt *const rate_rules_statements[];
