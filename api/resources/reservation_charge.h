/* What cancelling a reservation comes to: it is billed until now, so what is left of it is spared, but for the share
 * that the policy that holds charges (charge_policy, docs/money.md). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

struct reservation_charge {
    bool is_known;         /* the rest has an end and a price; it holds nothing: known, and 0 */
    bool holds_something;  /* there is a rest */
    const char *kind;      /* cancellation or early_release */
    const char *policy_id; /* NULL: none holds */
    const char *tenant_id, *currency;
    int64_t share_bp;    /* of what is left */
    int64_t remaining_u; /* what is left would cost */
    int64_t charge_u;    /* the share of it */
};

/* Of cancelling reservation {id} now. */
MUST_CHECK enum err_kind reservation_charge_find(struct request *request, struct reservation_charge *ret,
                                                 struct err *reterr);
/* The same as JSON of a cost_delta: what is charged less what is spared; null where it is not known. */
const char *reservation_charge_delta(struct request *request, const struct reservation_charge *charge);
/* Wishes the charge, in the transaction of the cancellation. */
MUST_CHECK enum err_kind reservation_charge_wish(struct request *request, const struct reservation_charge *charge,
                                                 struct err *reterr);

extern const struct db_stmt *const reservation_charge_statements[];
