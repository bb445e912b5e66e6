/* Issuing invoices, a transaction each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/month_close.h"

#include "billing/invoice/invoice_store.h"
#include "billing/ledger/journal.h"
#include "common/log.h"
#include "common/metrics.h"

#define PERIODS_MAX "10000" /* per call; the rest is due after the next day */

static struct metric metric_invoices = {
    .name = "sluice_billing_invoices_total", .type = METRIC_COUNTER, .help = "Invoices issued"};
static struct metric metric_refused = {.name = "sluice_billing_periods_refused_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Closes of a period refused because rated is not delivered"};

void month_close_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_invoices, &metric_refused};
    metric_register(metrics, COUNT_OF(metrics));
}

static const struct db_stmt statement_due = {
    .name = "month_close_due",
    .sql = "SELECT p.tenant_id, extract(epoch FROM p.starts_at)::bigint, extract(epoch FROM p.ends_at)::bigint"
           "  FROM billing_period p"
           " WHERE p.status = 'open' AND p.ends_at <= to_timestamp($1::bigint) AND NOT EXISTS ("
           "  SELECT FROM unpriced_usage w WHERE w.tenant_id = p.tenant_id"
           "     AND w.day::timestamp AT TIME ZONE 'UTC' < p.ends_at"
           "     AND (w.day + 1)::timestamp AT TIME ZONE 'UTC' > p.starts_at)"
           " ORDER BY p.ends_at, p.tenant_id LIMIT " PERIODS_MAX,
    .params = 1,
};

/* Delivered within the period, and rated for it, in milli-GPU-seconds. */
static const struct db_stmt statement_compare = {
    .name = "month_close_compare",
    .sql = "SELECT delivered, rated FROM delivered_and_rated($1::uuid, to_timestamp($2::bigint), to_timestamp($3::bigint))",
    .params = 3,
};

const struct db_stmt *const month_close_statements[] = {&statement_due, &statement_compare, NULL};

struct closing {
    struct identity tenant;
    int64_t starts_at_s, ends_at_s, now_s;
    bool refused, issued; /* out */
};

static enum err_kind rated_is_delivered(struct db *db, const struct closing *closing, bool *ret, struct err *reterr)
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
    int64_t delivered = db_int(rows, 0, 0, 0);
    int64_t rated = db_int(rows, 0, 1, 0);
    *ret = delivered == rated;
    if (delivered != rated) {
        log_event(LOG_LEVEL_ERROR, "period_refused", LOG_TEXT("tenant", tenant),
                  LOG_INT("starts_at", closing->starts_at_s), LOG_INT("delivered_gpu_milli_s", delivered),
                  LOG_INT("rated_gpu_milli_s", rated));
    }
    return ERR_NONE;
}

static enum err_kind post(struct db *db, const struct invoice_draft *draft, int64_t now_s, struct err *reterr)
{
    struct journal_invoice journal = {
        .invoice = draft->id,
        .tenant = draft->tenant,
        .currency = draft->currency,
        .issued_at_s = now_s,
        .unbilled_u = draft->amount_u,
        .lines = draft->amounts,
        .line_count = draft->count,
    };
    enum err_kind kind = money_micro_of_minor(draft->totals.total_minor, draft->exponent, &journal.total_u, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(draft->totals.tax_minor, draft->exponent, &journal.tax_u, reterr);
    return kind == ERR_NONE ? journal_post_invoice(db, &journal, reterr) : kind;
}

static enum err_kind close_period(struct db *db, void *context, struct err *reterr)
{
    struct closing *closing = context;
    bool sound = false;
    enum err_kind kind = rated_is_delivered(db, closing, &sound, reterr);
    closing->refused = kind == ERR_NONE && !sound;
    if (kind != ERR_NONE || !sound)
        return kind;

    CLEANUP(invoice_draft_release)
    struct invoice_draft draft = {
        .tenant = closing->tenant, .starts_at_s = closing->starts_at_s, .ends_at_s = closing->ends_at_s};
    bool was_open = false;
    kind = invoice_close_period(db, &draft, &was_open, reterr);
    if (kind != ERR_NONE || !was_open)
        return kind;
    kind = invoice_draft_load(db, &draft, reterr);
    if (kind != ERR_NONE || draft.amount_u == 0)
        return kind; /* nothing to bill */
    kind = invoice_issue(db, &draft, closing->now_s, reterr);
    if (kind == ERR_NONE)
        kind = post(db, &draft, closing->now_s, reterr);
    closing->issued = kind == ERR_NONE;
    return kind;
}

enum err_kind month_close(struct leader *leader, int64_t closed_until_s, int64_t now_s, struct err *reterr)
{
    char until[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *due = NULL;
    enum err_kind kind =
        db_run(leader->db, &statement_due, DB_PARAMS(db_int_param(until, closed_until_s)), &due, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(due); row++) {
        struct closing closing = {
            .tenant = db_identity(due, row, 0),
            .starts_at_s = db_int(due, row, 1, 0),
            .ends_at_s = db_int(due, row, 2, 0),
            .now_s = now_s,
        };
        kind = leader_transact(leader, close_period, &closing, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "closing the month of tenant '%s'", db_text(due, row, 0));
        metric_add(&metric_invoices, closing.issued);
        metric_add(&metric_refused, closing.refused);
    }
    return kind;
}
