/* Issuing invoices, a transaction each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/month_close.h"

#include "billing/invoice/invoice_issue.h"
#include "billing/invoice/invoice_store.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/shutdown.h"

#define PERIODS_MAX "1000" /* of one look */

static struct metric metric_invoices = {
    .name = "sluice_billing_invoices_total", .type = METRIC_COUNTER, .help = "Invoices issued"};
static struct metric metric_parked = {.name = "sluice_billing_periods_parked_total",
                                      .type = METRIC_COUNTER,
                                      .help = "Closes of a tenant's period that failed; the reason stands with it"};

void month_close_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_invoices, &metric_parked};
    metric_register(metrics, COUNT_OF(metrics));
}

/* $2: how long a period in which meters are billed waits for more readings. */
static const struct db_stmt statement_due = {
    .name = "month_close_due",
    .sql = "SELECT p.tenant_id, extract(epoch FROM p.starts_at)::bigint, extract(epoch FROM p.ends_at)::bigint"
           "  FROM billing_period p"
           " WHERE p.status = 'open' AND p.ends_at <= to_timestamp($1::bigint)"
           "   AND (p.parked_at IS NULL OR p.parked_at < to_timestamp($1::bigint)) AND NOT EXISTS ("
           "  SELECT FROM usage_waiting w WHERE w.tenant_id = p.tenant_id"
           "     AND w.starts_at < p.ends_at AND w.ends_at > p.starts_at)"
           "   AND (p.ends_at + $2::bigint * interval '1 second' <= to_timestamp($1::bigint) OR NOT EXISTS ("
           "  SELECT FROM rated_line l WHERE l.tenant_id = p.tenant_id AND l.period_start = p.starts_at"
           "     AND l.meter_id IS NOT NULL AND l.corrects IS NULL))"
           " ORDER BY p.ends_at, p.tenant_id LIMIT " PERIODS_MAX,
    .params = 2,
};
enum { DUE_TENANT, DUE_START, DUE_END };

static const struct db_stmt statement_start = {
    .name = "month_close_start",
    .sql = "INSERT INTO month_close (month) SELECT DISTINCT p.month FROM billing_period p"
           " WHERE p.status = 'open' AND p.ends_at <= to_timestamp($1::bigint) ON CONFLICT (month) DO NOTHING",
    .params = 1,
};

static const struct db_stmt statement_finish = {
    .name = "month_close_finish",
    .sql = "UPDATE month_close m SET finished_at = sluice_now() WHERE m.finished_at IS NULL"
           "   AND NOT EXISTS (SELECT FROM billing_period p WHERE p.month = m.month AND p.status = 'open')",
    .params = 0,
};

static const struct db_stmt statement_park = {
    .name = "month_close_park",
    .sql = "UPDATE billing_period SET parked_at = to_timestamp($3::bigint), parked_reason = $4::text, attempts = "
           "attempts + 1"
           " WHERE tenant_id = $1::uuid AND starts_at = to_timestamp($2::bigint) AND status = 'open'",
    .params = 4,
};

/* Delivered within the period, and rated for it, in milli-GPU-seconds. */
static const struct db_stmt statement_compare = {
    .name = "month_close_compare",
    .sql = "SELECT delivered, rated FROM delivered_and_rated($1::uuid, to_timestamp($2::bigint), "
           "to_timestamp($3::bigint))",
    .params = 3,
};
enum { COMPARED_DELIVERED, COMPARED_RATED };

const struct db_stmt *const month_close_statements[] = {
    &statement_due, &statement_start, &statement_finish, &statement_park, &statement_compare, NULL,
};

struct closing {
    struct leader *leader;
    struct identity tenant;
    int64_t starts_at_s, ends_at_s, closed_until_s, now_s;
    bool issued;        /* out */
    const char *parked; /* in, of park(): why */
};

static enum err_kind rated_is_delivered(struct db *db, const struct closing *closing, struct err *reterr)
{
    char tenant[UUID_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    identity_to_uuid(closing->tenant, tenant);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_compare,
               DB_PARAMS(tenant, db_int_param(from, closing->starts_at_s), db_int_param(to, closing->ends_at_s)), &rows,
               reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t delivered = db_int(rows, 0, COMPARED_DELIVERED, 0);
    int64_t rated = db_int(rows, 0, COMPARED_RATED, 0);
    if (delivered != rated)
        return err_set(reterr, ERR_PRECONDITION, "%lld milli-GPU-seconds were delivered, and %lld rated",
                       (long long)delivered, (long long)rated);
    return ERR_NONE;
}

static enum err_kind close_period(struct db *db, void *context, struct err *reterr)
{
    struct closing *closing = context;
    CLEANUP(invoice_draft_release)
    struct invoice_draft draft = {.id = identity_new(),
                                  .tenant = closing->tenant,
                                  .starts_at_s = closing->starts_at_s,
                                  .ends_at_s = closing->ends_at_s};
    bool was_open = false;
    closing->issued = false;
    enum err_kind kind = rated_is_delivered(db, closing, reterr);
    if (kind == ERR_NONE)
        kind = invoice_close_period(db, &draft, &was_open, reterr);
    if (kind != ERR_NONE || !was_open)
        return kind;
    kind = invoice_draw_up(db, &draft, reterr);
    if (kind != ERR_NONE || draft.count == 0)
        return kind; /* nothing to bill */
    kind = invoice_insert(db, &draft, NULL, reterr);
    if (kind != ERR_NONE || invoice_waits_for_operator(&draft))
        return kind;
    kind = invoice_finalize(db, draft.id, reterr);
    if (kind == ERR_NONE)
        kind = invoice_issue(db, draft.id, closing->now_s, reterr);
    closing->issued = kind == ERR_NONE;
    return kind;
}

static enum err_kind park(struct db *db, void *context, struct err *reterr)
{
    const struct closing *closing = context;
    char tenant[UUID_TEXT_SIZE];
    char starts_at[DB_INT_TEXT_SIZE];
    char until[DB_INT_TEXT_SIZE];
    identity_to_uuid(closing->tenant, tenant);
    return db_run(db, &statement_park,
                  DB_PARAMS(tenant, db_int_param(starts_at, closing->starts_at_s),
                            db_int_param(until, closing->closed_until_s), closing->parked),
                  NULL, reterr);
}

/* What is wrong with the tenant's rows, or takes too long with them, stays with the tenant; what is wrong with the
 * database or the lease is everybody's, and passes. */
static bool is_of_tenant(enum err_kind kind)
{
    return kind != ERR_NONE && (kind == ERR_TIMEOUT || !err_retryable(kind));
}

static enum err_kind close_or_park(struct closing *closing, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = leader_transact(closing->leader, close_period, closing, &err);
    metric_add(&metric_invoices, closing->issued && kind == ERR_NONE);
    if (is_of_tenant(kind)) {
        char tenant[UUID_TEXT_SIZE];
        identity_to_uuid(closing->tenant, tenant);
        log_event(LOG_LEVEL_ERROR, "period_parked", LOG_TEXT("tenant", tenant),
                  LOG_INT("starts_at", closing->starts_at_s), LOG_TEXT("reason", err.text));
        metric_add(&metric_parked, 1);
        closing->parked = err.text;
        kind = leader_transact(closing->leader, park, closing, reterr);
    } else if (kind != ERR_NONE && reterr != NULL) {
        *reterr = err;
    }
    return kind;
}

static enum err_kind start(struct db *db, void *context, struct err *reterr)
{
    const int64_t *closed_until_s = context;
    char until[DB_INT_TEXT_SIZE];
    return db_run(db, &statement_start, DB_PARAMS(db_int_param(until, *closed_until_s)), NULL, reterr);
}

static enum err_kind finish(struct db *db, void *context, struct err *reterr)
{
    (void)context;
    return db_run(db, &statement_finish, DB_NO_PARAMS, NULL, reterr);
}

static enum err_kind close_due(struct leader *leader, const struct month_close_terms *terms, int *ret_count,
                               struct err *reterr)
{
    char until[DB_INT_TEXT_SIZE];
    char grace[DB_INT_TEXT_SIZE];
    int64_t closed_until_s = terms->closed_until_s;
    CLEANUP(db_result_clear) PGresult *due = NULL;
    enum err_kind kind = db_run(
        leader->db, &statement_due,
        DB_PARAMS(db_int_param(until, closed_until_s), db_int_param(grace, terms->reading_grace_s)), &due, reterr);
    *ret_count = kind == ERR_NONE ? PQntuples(due) : 0;
    if (*ret_count > 0)
        kind = leader_transact(leader, start, &closed_until_s, reterr);
    for (int row = 0; kind == ERR_NONE && row < *ret_count && !shutdown_requested(); row++) {
        struct closing closing = {
            .leader = leader,
            .tenant = db_identity(due, row, DUE_TENANT),
            .starts_at_s = db_int(due, row, DUE_START, 0),
            .ends_at_s = db_int(due, row, DUE_END, 0),
            .closed_until_s = closed_until_s,
            .now_s = terms->now_s,
        };
        kind = close_or_park(&closing, reterr);
    }
    return kind;
}

enum err_kind month_close(struct leader *leader, const struct month_close_terms *terms, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    int count = 0;
    do {
        kind = close_due(leader, terms, &count, reterr);
    } while (kind == ERR_NONE && count > 0 && !shutdown_requested());
    if (kind == ERR_NONE)
        kind = leader_transact(leader, finish, NULL, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "closing the month");
}
