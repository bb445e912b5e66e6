/* One statement: PostgreSQL adds up what the chunks of nodes have written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/cost_summary.h"

#include "common/calendar.h"

static const struct db_stmt statement_write = {
    .name = "cost_summary_write",
    .sql = "SELECT cost_summary_write($1::date)",
    .params = 1,
};

const struct db_stmt *const cost_summary_statements[] = {&statement_write, NULL};

enum err_kind cost_summary_post(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    return db_run(db, &statement_write, DB_PARAMS(date), NULL, reterr);
}
