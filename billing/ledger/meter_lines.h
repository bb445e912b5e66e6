/* What was counted of meters as lines without amounts yet: by reservation, meter, price and billing period.
 *
 * A reading has the price that holds at its last second. What has none is free, and no line: it is rated once a price
 * that holds then is made. Always from what was counted, all of the period, so that repetition changes nothing. One
 * thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rate_facts.h"

/* Adds a tenant's period as far as it is counted with days up to that one (facts_period.known_until_s), and merges. The
 * book has all prices of the period. ret_rows: what texts live in. ERR_INVALID where a quantity does not fit. */
MUST_CHECK enum err_kind meter_lines_add(struct db *db, const struct facts_period *period,
                                         const struct price_book *book, PGresult **ret_rows, struct rated_lines *lines,
                                         struct err *reterr);

/* ---- Pure parts of that ---- */

/* What was counted, by reservation, meter and stretch of time between cuts, in this order. QUANTITY is null where it
 * fits no int64. */
enum meter_column {
    METER_COLUMN_RESERVATION,
    METER_COLUMN_METER,
    METER_COLUMN_NAME,
    METER_COLUMN_TENANT,
    METER_COLUMN_PROJECT,
    METER_COLUMN_CURRENCY,
    METER_COLUMN_ZONE,
    METER_COLUMN_AT, /* when the stretch begins */
    METER_COLUMN_QUANTITY,
    METER_COLUMN_COUNT,
};
/* Adds lines of the rows, and merges. The rows outlive the lines. Errors as above. */
MUST_CHECK enum err_kind meter_lines_of_rows(const PGresult *rows, const struct facts_period *period,
                                             const struct price_book *book, struct rated_lines *lines,
                                             struct err *reterr);

struct meter_cuts {
    int64_t *list;
    size_t count;
};
void meter_cuts_release(struct meter_cuts *cuts); /* for CLEANUP; starts as {0} */
/* Where prices may change for the tenant within the period: its start and end, and the ends of what is valid of prices
 * of meters and of discounts, in no order. Those of all meters at once, which are few: more than one needs does no
 * harm. */
void meter_lines_cuts(const struct price_book *book, const struct facts_period *period, struct identity tenant,
                      struct meter_cuts *ret);

/* Are the prices in the book of all lines of meters that were written? If not, one was withdrawn since: the period is
 * rated anew, by a book of its own. */
bool meter_lines_all_known(const struct price_book *book, const struct rated_lines *written);
/* Leaves what is of no meter. */
void meter_lines_drop(struct rated_lines *lines);

/* What a tenant's meters of a billing period may come to, in micro-units: 100 billion of the currency. So sums over
 * tenants, years and documents fit. */
#define METER_PERIOD_MOST_U INT64_C(100000000000000000)
/* ERR_INVALID where rated lines of meters come to more. */
MUST_CHECK enum err_kind meter_lines_check(const struct rated_lines *lines, struct err *reterr);

extern const struct db_stmt *const meter_lines_statements[];
