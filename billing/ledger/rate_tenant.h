/* What depends on all that a tenant uses in a billing period: prices with tiers or packages, commitments; and what is
 * rated anew because a fact came late or a price was corrected.
 *
 * A tenant's period is rated from the quantities that were measured, or, after a correction, from the facts; what is
 * written is the difference from what was written before, in the period itself while it is open and then as a
 * correction in the one that the day lies in. So it is repeatable, and the order in which facts come does not matter. A
 * commitment's fee is written with the first day of its period, what of it was not used with the last. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"
#include "common/price_book.h"

/* day: its reservations are rated; book: every price of its period and the one before. A transaction per tenant. */
MUST_CHECK enum err_kind rate_tenants(struct leader *leader, int64_t day, const struct price_book *book,
                                      struct err *reterr);

/* Periods that the day, which is not closed, touches so far. */
enum rate_tenant_column {
    DUE_TENANT, /* rows are sorted by it */
    DUE_CURRENCY,
    DUE_START,
    DUE_END,
    DUE_ANEW,   /* to be rated from the facts */
    DUE_CLOSED, /* the period: what changes is a correction, in the open one */
    DUE_OPEN_START,
    DUE_OPEN_END,
    DUE_METERED,      /* readings of meters were counted of it */
    DUE_METERED_ONLY, /* and nothing else is due */
    DUE_UNRATED,      /* it could not be rated before */
};
MUST_CHECK enum err_kind rate_tenants_due(struct db *db, int64_t day, PGresult **ret, struct err *reterr);

void rate_tenant_register_metrics(void);

extern const struct db_stmt *const rate_tenant_statements[];
