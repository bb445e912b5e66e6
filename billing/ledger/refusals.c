/* Rows of unrated_period. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/refusals.h"

#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

static struct metric metric_refused = {
    .name = "sluice_billing_reratings_refused_total",
    .type = METRIC_COUNTER,
    .help = "Billing periods that could not be rated as a whole: a second has no price, or an amount does not fit"};

void refusals_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_refused};
    metric_register(metrics, COUNT_OF(metrics));
}

/* A period that is refused is there, and so waits, even if nothing else of it was rated. */
static const struct db_stmt statement_write = {
    .name = "refusals_write",
    .sql = "WITH refused AS ("
           "  SELECT x.tenant_id, to_timestamp(x.starts_s) AS starts, to_timestamp(max(x.ends_s)) AS ends,"
           "    min(x.reason) AS reason FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[])"
           "      AS x (tenant_id, starts_s, ends_s, reason) GROUP BY x.tenant_id, x.starts_s"
           "), opened AS ("
           "  INSERT INTO billing_period (tenant_id, starts_at, ends_at)"
           "  SELECT r.tenant_id, r.starts, r.ends FROM refused r ON CONFLICT (tenant_id, starts_at) DO NOTHING"
           ") INSERT INTO unrated_period (tenant_id, period_start, day, reason)"
           "  SELECT r.tenant_id, r.starts, $5::date, r.reason FROM refused r"
           "  ON CONFLICT (tenant_id, period_start) DO UPDATE SET day = excluded.day, reason = excluded.reason",
    .params = 5,
};

const struct db_stmt *const refusals_statements[] = {&statement_write, NULL};

void refusals_release(struct refusals *refusals)
{
    struct db_array *const arrays[] = {&refusals->tenant, &refusals->starts_s, &refusals->ends_s, &refusals->reason};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

void refusals_tell(const char *tenant, const char *why)
{
    metric_add(&metric_refused, 1);
    log_event(LOG_LEVEL_ERROR, "rerating_refused", LOG_TEXT("tenant", tenant), LOG_TEXT("why", why));
}

void refusals_add(struct refusals *refusals, const struct refused_period *period, const char *why)
{
    char tenant[UUID_TEXT_SIZE];
    if (refusals == NULL)
        return;
    identity_to_uuid(period->tenant, tenant);
    db_array_text(&refusals->tenant, tenant);
    db_array_int(&refusals->starts_s, period->starts_s);
    db_array_int(&refusals->ends_s, period->ends_s);
    db_array_text(&refusals->reason, why);
    refusals_tell(tenant, why);
}

enum err_kind refusals_write(struct refusals *refusals, int64_t day, struct db *db, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    if (refusals->tenant.count == 0)
        return ERR_NONE;
    calendar_date_print(day, date);
    return db_run(db, &statement_write,
                  DB_PARAMS(db_array_param(&refusals->tenant), db_array_param(&refusals->starts_s),
                            db_array_param(&refusals->ends_s), db_array_param(&refusals->reason), date),
                  NULL, reterr);
}
