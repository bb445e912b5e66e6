/* What was counted of meters as lines without amounts yet: by reservation, meter, price and billing period.
 *
 * A reading has the price that holds at its last second. What has none is free, and no line: it is rated once a price
 * that holds then is made. Always from the facts, so that repetition changes nothing. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rate_facts.h"

/* Adds a tenant's period as far as it is counted with days up to that one (facts_period.known_until_s), and merges.
 * written: what was rated of the period before. If it names a price that was withdrawn, and so is not in the book, the
 * meters' lines stay as they were written until the period is rated anew. ret_rows: what texts live in. */
MUST_CHECK enum err_kind meter_lines_add(struct db *db, const struct facts_period *period,
                                         const struct price_book *book, bool anew, struct rated_lines *written,
                                         PGresult **ret_rows, struct rated_lines *lines, struct err *reterr);

extern const struct db_stmt *const meter_lines_statements[];
