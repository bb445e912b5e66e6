/* Prepaid credit as the books have it: each grant posted once, and what expires of it. A transaction each. One
 * thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Posts all grants that are not posted yet. Bought: Dr cash, Cr deferred_revenue; given: Dr revenue, Cr deferred_revenue.
 * Key "grant:<id>". */
MUST_CHECK enum err_kind credit_grants_post(struct leader *leader, struct err *reterr);
/* What is left of a grant when it expires was earned without delivery (breakage): Dr deferred_revenue, Cr revenue, at
 * that instant. Key "breakage:<id>". */
MUST_CHECK enum err_kind credit_grants_expire(struct leader *leader, int64_t now_s, struct err *reterr);

extern const struct db_stmt *const credit_grants_statements[];
