/* Two statements of a day: its results by cohort, and the warnings that follow from them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/cohort_day.h"

#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

static struct metric metric_warnings = {.name = "sluice_billing_impairment_warnings",
                                        .type = METRIC_GAUGE,
                                        .help = "Cohorts whose market price is significantly below their book value"};

void cohort_day_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_warnings};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Revenue that fits no number is the most that can be told. */
static const struct db_stmt statement_result = {
    .name = "cohort_day_result",
    .sql = "INSERT INTO cohort_result (day, cohort, currency, revenue_u, depreciation_u, cash_u, gpu_milli_seconds)"
           " SELECT f.day, c.cohort, f.currency,"
           "  greatest(least(sum(f.revenue_u), 9223372036854775807), -9223372036854775807), sum(f.depreciation_u),"
           "  sum(f.power_u + f.colocation_u + f.operations_u + f.network_u + f.storage_u), sum(f.gpu_milli_seconds)"
           "  FROM margin_facts($1::date, $1::date + 1) f JOIN node_cohort c ON c.node_id = f.node_id"
           " GROUP BY 1, 2, 3 ON CONFLICT (cohort, currency, day) DO NOTHING",
    .params = 1,
};

/* A tenth is significant, a month's money costs a hundredth: docs/capex.md. */
static const struct db_stmt statement_warn = {
    .name = "cohort_day_warn",
    .sql = "WITH found AS MATERIALIZED ("
           "  SELECT c.currency, v.key AS cohort, v.assessment, v.book_minor, v.market_minor, v.asc_360_loss_minor,"
           "         v.ias_36_loss_minor"
           "    FROM (SELECT DISTINCT currency FROM market_price) c"
           "    CROSS JOIN LATERAL book_values('cohort', c.currency, $1::date, 1000, 100) v"
           "   WHERE v.assessment IN ('indicated', 'impaired')"
           "), raised AS ("
           "  INSERT INTO impairment_warning (id, cohort, currency, assessment, since)"
           "  SELECT gen_random_uuid(), f.cohort, f.currency, f.assessment, $1::date FROM found f"
           "   WHERE NOT EXISTS (SELECT FROM impairment_warning w WHERE w.cohort = f.cohort AND w.currency = f.currency"
           "                        AND w.cleared_on IS NULL)"
           "  RETURNING id, cohort, currency, revision, 'impairment_warning.raised' AS kind"
           "), changed AS ("
           "  UPDATE impairment_warning w SET assessment = f.assessment, revision = w.revision + 1 FROM found f"
           "   WHERE w.cohort = f.cohort AND w.currency = f.currency AND w.cleared_on IS NULL"
           "     AND w.assessment <> f.assessment"
           "  RETURNING w.id, w.cohort, w.currency, w.revision, 'impairment_warning.changed'"
           "), cleared AS ("
           "  UPDATE impairment_warning w SET cleared_on = $1::date, revision = w.revision + 1"
           "   WHERE w.cleared_on IS NULL"
           "     AND NOT EXISTS (SELECT FROM found f WHERE f.cohort = w.cohort AND f.currency = w.currency)"
           "  RETURNING w.id, w.cohort, w.currency, w.revision, 'impairment_warning.cleared'"
           "), said AS (SELECT * FROM raised UNION ALL SELECT * FROM changed UNION ALL SELECT * FROM cleared)"
           " SELECT s.cohort, s.kind, event_append(NULL, NULL, 'impairment_warning', s.id, s.revision, s.kind, NULL,"
           "   jsonb_build_object('cohort', s.cohort, 'currency', s.currency, 'assessment', f.assessment,"
           "    'book_minor', f.book_minor, 'market_minor', f.market_minor, 'asc_360_loss_minor', f.asc_360_loss_minor,"
           "    'ias_36_loss_minor', f.ias_36_loss_minor), NULL)"
           "  FROM said s LEFT JOIN found f ON f.cohort = s.cohort AND f.currency = s.currency",
    .params = 1,
};
enum { WARNED_COHORT, WARNED_KIND };

static const struct db_stmt statement_count = {
    .name = "cohort_day_count",
    .sql = "SELECT count(*) FROM impairment_warning WHERE cleared_on IS NULL",
    .params = 0,
};

const struct db_stmt *const cohort_day_statements[] = {&statement_result, &statement_warn, &statement_count, NULL};

enum err_kind cohort_day_result(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    return db_run(db, &statement_result, DB_PARAMS(date), NULL, reterr);
}

enum err_kind cohort_day_post(struct db *db, int64_t day, struct err *reterr)
{
    enum err_kind kind = cohort_day_result(db, day, reterr);
    return kind == ERR_NONE ? cohort_day_warn(db, day, reterr) : kind;
}

enum err_kind cohort_day_warn(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_result_clear) PGresult *said = NULL;
    enum err_kind kind = db_run(db, &statement_warn, DB_PARAMS(date), &said, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(said); row++)
        log_event(LOG_LEVEL_WARNING, "impairment_warning", LOG_TEXT("cohort", db_text(said, row, WARNED_COHORT)),
                  LOG_TEXT("kind", db_text(said, row, WARNED_KIND)), LOG_TEXT("day", date));
    return kind == ERR_NONE ? cohort_day_count_warnings(db, reterr) : kind;
}

enum err_kind cohort_day_count_warnings(struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *count = NULL;
    enum err_kind kind = db_run(db, &statement_count, DB_NO_PARAMS, &count, reterr);
    if (kind == ERR_NONE)
        metric_set(&metric_warnings, db_int(count, 0, 0, 0));
    return kind;
}
