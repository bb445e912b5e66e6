/* What a day brought in by cohort, and whether cohorts are worth less than their books say. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* Within the transaction that closes the day, once its provisional figures are forgotten: the day's rows of
 * cohort_result; then the warnings. */
MUST_CHECK enum err_kind cohort_day_post(struct db *db, int64_t day, struct err *reterr);
/* Warnings that are new, have changed or are over by the books as they are and the market prices of a day, each with
 * its event. Repeatable: what was said is not said again. For the close of the day, and before it whenever a market
 * price has come into force. */
MUST_CHECK enum err_kind cohort_day_warn(struct db *db, int64_t day, struct err *reterr);
/* The day's rows of cohort_result alone; those that are there stay. */
MUST_CHECK enum err_kind cohort_day_result(struct db *db, int64_t day, struct err *reterr);
/* Tells the metric how many warnings stand. */
MUST_CHECK enum err_kind cohort_day_count_warnings(struct db *db, struct err *reterr);

void cohort_day_register_metrics(void);

extern const struct db_stmt *const cohort_day_statements[];
