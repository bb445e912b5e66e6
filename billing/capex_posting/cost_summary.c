/* PostgreSQL adds up what the chunks of nodes have written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/cost_summary.h"

#include "billing/capex_posting/cohort_day.h"
#include "common/calendar.h"

static const struct db_stmt statement_write = {
    .name = "cost_summary_write",
    .sql = "SELECT cost_summary_write($1::date)",
    .params = 1,
};

/* A day's rows commit together, so that one of them tells of all. */
static const struct db_stmt statement_missing = {
    .name = "cost_summary_missing",
    .sql = "SELECT b.day - date '1970-01-01' FROM billing_day b"
           " WHERE NOT EXISTS (SELECT FROM cost_summary s WHERE s.day = b.day)"
           "   AND EXISTS (SELECT FROM cost_allocation c WHERE c.day = b.day) ORDER BY 1",
    .params = 0,
};

const struct db_stmt *const cost_summary_statements[] = {&statement_write, &statement_missing, NULL};

enum err_kind cost_summary_post(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    return db_run(db, &statement_write, DB_PARAMS(date), NULL, reterr);
}

static enum err_kind post_missing(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    enum err_kind kind = cost_summary_post(db, *day, reterr);
    return kind == ERR_NONE ? cohort_day_result(db, *day, reterr) : kind;
}

enum err_kind cost_summary_catch_up(struct leader *leader, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *missing = NULL;
    enum err_kind kind = db_run(leader->db, &statement_missing, DB_NO_PARAMS, &missing, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(missing); row++) {
        int64_t day = db_int(missing, row, 0, 0);
        kind = leader_transact(leader, post_missing, &day, reterr);
    }
    return kind;
}
