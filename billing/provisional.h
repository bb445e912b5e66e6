/* Provisional days: what the days that are not closed come to so far, revenue and costs, for reports alone.
 *
 * All of it is computed anew, under a new generation, in transactions that stay short; the last one makes the
 * generation that of its days and drops the one before. So a report sees one generation or the other, a crash on the
 * way leaves the last one, and nothing of it is ever a part of ledger, invoices or a close: the close of a day drops
 * its row in the transaction that notes the day. At least once a minute while something changes, but never more than a
 * small share of the leader's time. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

struct provisional {
    bool is_stale;       /* something happened since */
    int64_t as_of_s;     /* domain time of the last; 0: none */
    int64_t finished_ms; /* monotonic */
    int64_t took_ms;
};

bool provisional_is_due(const struct provisional *provisional, int64_t now_s, int64_t monotonic_ms);

/* Every day from the first open one through that of the present instant; those before it are closed. */
MUST_CHECK enum err_kind provisional_refresh(struct leader *leader, struct provisional *provisional,
                                             int64_t first_open_day, int64_t now_s, struct err *reterr);

/* Within the transaction that closes the day: its provisional figures are no longer those of the day. */
MUST_CHECK enum err_kind provisional_forget(struct db *db, int64_t day, struct err *reterr);

void provisional_register_metrics(void);

extern const struct db_stmt *const provisional_statements[];
