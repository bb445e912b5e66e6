/* Leadership: a lease that is renewed, and an epoch that fences.
 *
 * lease_acquire takes or renews; each transaction of a leader begins with lease_fence, which locks the epoch's row
 * FOR SHARE and fails with ERR_FENCED once somebody else took over. A takeover updates that row, so it waits for
 * what is running. Lease times are real time. One thread uses a lease. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

struct lease {
    char name[80];   /* "zone:<uuid>", "billing", "housekeeping" */
    char holder[80]; /* host:pid:random */
    int64_t ttl_ms;
    int64_t epoch;         /* while held */
    int64_t renewed_at_ms; /* monotonic, of the last successful renewal */
    bool held;
};

void lease_init(struct lease *lease, const char *name, int64_t ttl_ms);
/* Takes the lease if it is free or expired, renews it if held and a third of the ttl has passed (otherwise does
 * nothing). lease->held says who leads afterwards. */
MUST_CHECK enum err_kind lease_keep(struct lease *lease, struct db *db, struct err *reterr);
/* First statement of each leader's transaction. After ERR_FENCED the caller forgets what it planned and sets
 * lease->held to false, so that the next lease_keep asks again. */
MUST_CHECK enum err_kind lease_fence(const struct lease *lease, struct db *db, struct err *reterr);
/* The same in two parts, for a pipeline: sends the check, takes its answer. */
MUST_CHECK enum err_kind lease_fence_send(const struct lease *lease, struct db *db, struct err *reterr);
MUST_CHECK enum err_kind lease_fence_receive(const struct lease *lease, struct db *db, struct err *reterr);
/* Gives it back. Whoever takes it next, the same holder too, does so under another epoch, for which it waits until all is
 * over that began under this one. */
MUST_CHECK enum err_kind lease_give(struct lease *lease, struct db *db, struct err *reterr);
/* On shutdown: gives it back, so that a standby need not wait for the ttl. */
void lease_release(struct lease *lease, struct db *db);

struct db_stmt;
extern const struct db_stmt *const lease_statements[];
