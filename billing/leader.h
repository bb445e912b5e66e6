/* What every part of sluice-billing works with: the connection and the lease under which it may write.
 * One process leads ("billing"); each of its transactions is fenced. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/lease.h"

struct leader {
    struct db *db;
    struct lease lease;
};

/* Runs work in a fenced transaction (ERR_FENCED once another process leads), renewing the lease where that is due.
 * Work must be repeatable: a serialization failure runs it again. */
MUST_CHECK enum err_kind leader_transact(struct leader *leader, db_work *work, void *context, struct err *reterr);
