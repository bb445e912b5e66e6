/* What is charged and credited by rule: cancellations and early releases, instances that ran less than their price's
 * minimum, and, once a billing period is over, what was promised and not delivered; of a closed period whose usage
 * changed, what differs. Repeatable: what a rule comes to, less what was written by it. What fits no number is left out,
 * and its tenant's period refused. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rate_minimum.h"

/* day: its usage is rated. */
MUST_CHECK enum err_kind rate_rules(struct leader *leader, int64_t day, const struct price_book *book,
                                    struct err *reterr);

/* What of it a day that is not closed has so far: cancellations, early releases and minimum durations, not yet
 * written; credits of billing periods that are over by then, which are of the cost of their usage: what was rated of
 * it, and the provisional figures of the generation. is_corrected: they correct closed periods. */
struct rule_charges {
    PGresult *shares;            /* what texts of the lines live in */
    struct minimum_rows minimum; /* likewise */
    struct rated_lines lines;
};
MUST_CHECK enum err_kind rate_rules_charges(struct db *db, int64_t day, const struct price_book *book,
                                            struct rule_charges *ret, struct err *reterr);
MUST_CHECK enum err_kind rate_rules_credits(struct db *db, int64_t until_s, int64_t generation, bool is_corrected,
                                            struct rule_charges *ret, struct err *reterr);
void rule_charges_release(struct rule_charges *charges); /* for CLEANUP; starts as {0} */

extern const struct db_stmt *const rate_rules_statements[];
