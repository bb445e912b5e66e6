/* Readings of meters become what counts: each once, with its own day, or with the first day that is open.
 *
 * Reads meter_reading by the cursor "billing:readings"; cursor and sums are one transaction, so each counts once. What
 * was counted with which day follows from up to where each day counted (meter_counted). One thread: the leader's. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Counts what is visible. first_open_day: days since 1970-01-01. */
MUST_CHECK enum err_kind readings_count(struct leader *leader, int64_t first_open_day, struct err *reterr);

void readings_register_metrics(void);

extern const struct db_stmt *const readings_statements[];
