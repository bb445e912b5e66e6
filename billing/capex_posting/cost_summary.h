/* A closed day's costs by rack and cohort, which reports over many days read. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Within the transaction that closes the day, once: the day's rows of cost_summary. */
MUST_CHECK enum err_kind cost_summary_post(struct db *db, int64_t day, struct err *reterr);
/* Closed days that a release closed which knew no summaries, or no results of cohorts: both, a transaction a day. */
MUST_CHECK enum err_kind cost_summary_catch_up(struct leader *leader, struct err *reterr);

extern const struct db_stmt *const cost_summary_statements[];
