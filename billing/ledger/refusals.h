/* Billing periods of tenants that cannot be rated whole, since an amount of theirs fits no number: rows of
 * unrated_period. Each stays open and is rated from the facts with each day's close until it can be. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* Starts as {0}. */
struct refusals {
    struct db_array tenant, starts_s, ends_s, reason;
};
void refusals_release(struct refusals *refusals); /* for CLEANUP */

/* Tells of it in the log and by a metric; noting it is up to refusals_write. */
void refusals_tell(const char *tenant, const char *why);

struct refused_period {
    struct identity tenant;
    int64_t starts_s, ends_s;
};
/* refusals: NULL where what is refused is left out, and no more. */
void refusals_add(struct refusals *refusals, const struct refused_period *period, const char *why);

/* day: whose close could not rate them. */
MUST_CHECK enum err_kind refusals_write(struct refusals *refusals, int64_t day, struct db *db, struct err *reterr);

void refusals_register_metrics(void);

extern const struct db_stmt *const refusals_statements[];
