/* Rating of a day: its delivered usage x the prices that hold -> rated lines; and a journal per tenant.
 *
 * A group is a reservation at a price version in a billing period of its tenant. What a line adds is the rating of the
 * group's usage to date less what was rated before. A reservation's day with a second that no price covers is neither
 * rated nor dropped: it waits in unpriced_usage and is tried again with each day; so does one whose amounts fit no
 * number, and no other waits for it. Repeatable: what a day has rated is not rated again. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"
#include "common/price_book.h"

/* day: days since 1970-01-01; metered to its end. */
MUST_CHECK enum err_kind rate_day(struct leader *leader, int64_t day, struct err *reterr);

/* What the day's lines come to in the ledger, and which credit they free. In the transaction that notes the day: until
 * then a run that is repeated may rate more, by a price that was made meanwhile. */
MUST_CHECK enum err_kind rate_day_journals(struct db *db, int64_t day, struct err *reterr);

/* The prices that the day's rating may need: far enough back for every open period of a day that waits, so that what
 * was rated in it finds its price. */
MUST_CHECK enum err_kind rate_day_book(struct db *db, int64_t day, struct price_book *ret, struct err *reterr);

void rate_day_register_metrics(void);

extern const struct db_stmt *const rate_day_statements[];
