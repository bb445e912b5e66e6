/* What is due of credit: payments to post, grants that expire, holds whose reservations have moved on. One look a
 * round; nothing due costs one statement. Grants are posted before: credit_grants.h. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* closed_until_s: everything before is rated. now_s: domain time. */
MUST_CHECK enum err_kind credit_keep(struct leader *leader, int64_t closed_until_s, int64_t now_s, struct err *reterr);

/* The day before closed_until_s was just rated: holds become smaller by it. Part of that transaction. */
MUST_CHECK enum err_kind credit_day_rated(struct db *db, int64_t closed_until_s, struct err *reterr);

extern const struct db_stmt *const credit_keep_statements[];
