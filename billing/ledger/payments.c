/* Posting payments and refunds, one transaction each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/payments.h"

#include "billing/failure.h"
#include "billing/ledger/allocation.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/settlement.h"
#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/shutdown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 100 /* of one look */

static struct metric metric_unfit = {.name = "sluice_billing_payments_unfit_total",
                                     .type = METRIC_COUNTER,
                                     .help = "Payments and refunds that could not be posted and were refused"};
static struct metric metric_put_off = {
    .name = "sluice_billing_payments_put_off_total",
    .type = METRIC_COUNTER,
    .help = "Attempts to post a payment or refund that failed by no fault of its own; it is tried again"};

void payments_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_unfit, &metric_put_off};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Ids sort by the time they were made. Behind $2. A request that was put off keeps its own tenant's waiting. */
static const struct db_stmt statement_new = {
    .name = "payments_new",
    .sql = "SELECT p.id, p.tenant_id, p.currency, p.amount_u, extract(epoch FROM p.created_at)::bigint, p.kind"
           "  FROM payment p"
           " WHERE NOT EXISTS (SELECT FROM payment_status s WHERE s.payment_id = p.id)"
           "   AND NOT EXISTS (SELECT FROM invoice_request q WHERE q.is_open AND q.id < p.id"
           "                      AND (q.tenant_id IS NULL OR q.tenant_id = p.tenant_id))"
           "   AND p.id > $2::uuid ORDER BY p.id LIMIT $1::bigint",
    .params = 2,
};
enum { NEW_ID, NEW_TENANT, NEW_CURRENCY, NEW_AMOUNT, NEW_AT, NEW_KIND };

/* The invoices that a payment may settle, in the order in which it does. */
static const struct db_stmt statement_open = {
    .name = "payments_open",
    .sql =
        "SELECT o.invoice_id, o.open_u"
        "  FROM payment p JOIN invoice_open o ON o.tenant_id = p.tenant_id AND o.currency = p.currency AND o.open_u > 0"
        " WHERE p.id = $1::uuid AND (p.invoice_ids IS NULL OR o.invoice_id = ANY (p.invoice_ids))"
        " ORDER BY array_position(p.invoice_ids, o.invoice_id), o.issued_at, o.invoice_id",
    .params = 1,
};

/* Was anything of its tenant's asked for before it that is still to be posted? */
static const struct db_stmt statement_behind = {
    .name = "payments_behind",
    .sql = "SELECT EXISTS (SELECT FROM payment p JOIN payment b ON b.tenant_id = p.tenant_id AND b.id < p.id"
           "                WHERE p.id = $1::uuid"
           "                  AND NOT EXISTS (SELECT FROM payment_status s WHERE s.payment_id = b.id))",
    .params = 1,
};

static const struct db_stmt statement_posted = {
    .name = "payments_posted",
    .sql = "INSERT INTO payment_status (payment_id, tenant_id, state, reason, settled_u, credited_u)"
           " VALUES ($1::uuid, $2::uuid, $3::text, $4::text, $5::bigint, $6::bigint)",
    .params = 6,
};

const struct db_stmt *const payments_statements[] = {&statement_new, &statement_open, &statement_behind,
                                                     &statement_posted, NULL};

struct payment {
    struct identity id, tenant;
    const char *currency;
    int64_t amount_u, at_s;
    bool is_refund;
    int64_t settled_u;  /* out: of invoices */
    const char *reason; /* out: why it is refused; NULL: it is not */
};

static enum err_kind settle(struct db *db, struct payment *payment, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(payment->id, id);
    CLEANUP(db_result_clear) PGresult *open = NULL;
    enum err_kind kind = db_run(db, &statement_open, DB_PARAMS(id), &open, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(open);
    int64_t *room_u = alloc_zero(count + 1, sizeof *room_u);
    int64_t *taken_u = alloc_zero(count + 1, sizeof *taken_u);
    for (size_t i = 0; i < count; i++)
        room_u[i] = db_int(open, (int)i, 1, 0);
    payment->settled_u = allocation_fill(payment->amount_u, room_u, count, taken_u);
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        const struct settlement_invoice of = {.invoice = db_identity(open, (int)i, 0),
                                              .tenant = payment->tenant,
                                              .currency = payment->currency,
                                              .at_s = payment->at_s};
        kind = settlement_add(db, &of, "payment", &payment->id, taken_u[i], reterr);
    }
    free(room_u);
    free(taken_u);
    return kind;
}

/* What is missing may be in a payment that was put off. */
static enum err_kind lack_credit(struct db *db, struct payment *payment, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(payment->id, id);
    CLEANUP(db_result_clear) PGresult *row = NULL;
    enum err_kind kind = db_run(db, &statement_behind, DB_PARAMS(id), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_bool(row, 0, 0))
        return err_set(reterr, ERR_RETRY, "what was asked for before it is not posted yet");
    payment->reason = "insufficient_credit";
    return ERR_NONE;
}

static enum err_kind judge_refund(struct db *db, struct payment *payment, struct err *reterr)
{
    int64_t there_u = 0;
    enum err_kind kind = settlement_customer_credit(db, payment->tenant, payment->currency, &there_u, reterr);
    return kind == ERR_NONE && there_u < payment->amount_u ? lack_credit(db, payment, reterr) : kind;
}

static enum err_kind post(struct db *db, const struct payment *payment, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char key[64];
    identity_to_uuid(payment->id, id);
    (void)snprintf(key, sizeof key, "payment:%s", id); /* 44 characters */
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    journal_open(&batch, &(struct journal_head){.key = key,
                                                .posted_at_s = payment->at_s,
                                                .source_type = payment->is_refund ? "refund" : "payment",
                                                .source = &payment->id});
    int64_t received_u = payment->is_refund ? -payment->amount_u : payment->amount_u;
    journal_debit(&batch, "cash", NULL, payment->currency, received_u);
    journal_credit(&batch, "receivable", &payment->tenant, payment->currency, payment->settled_u);
    journal_credit(&batch, "customer_credit", &payment->tenant, payment->currency, received_u - payment->settled_u);
    int64_t posted = 0;
    return journal_post(&batch, db, &posted, reterr);
}

static enum err_kind conclude(struct db *db, const struct payment *payment, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char tenant[UUID_TEXT_SIZE];
    char settled[DB_INT_TEXT_SIZE];
    char credited[DB_INT_TEXT_SIZE];
    identity_to_uuid(payment->id, id);
    identity_to_uuid(payment->tenant, tenant);
    bool has_rest = !payment->is_refund && payment->reason == NULL;
    int64_t credited_u = has_rest ? payment->amount_u - payment->settled_u : 0;
    return db_run(db, &statement_posted,
                  DB_PARAMS(id, tenant, payment->reason == NULL ? "posted" : "refused", payment->reason,
                            db_int_param(settled, payment->settled_u), db_int_param(credited, credited_u)),
                  NULL, reterr);
}

static enum err_kind post_payment(struct db *db, void *context, struct err *reterr)
{
    struct payment *payment = context;
    payment->settled_u = 0;
    payment->reason = NULL;
    enum err_kind kind = payment->is_refund ? judge_refund(db, payment, reterr) : settle(db, payment, reterr);
    if (kind == ERR_NONE && payment->reason == NULL)
        kind = post(db, payment, reterr);
    return kind == ERR_NONE ? conclude(db, payment, reterr) : kind;
}

static enum err_kind refuse(struct db *db, void *context, struct err *reterr)
{
    struct payment *payment = context;
    payment->settled_u = 0;
    return conclude(db, payment, reterr);
}

/* It was received, whatever the database made of it. The refusal is a transaction of its own, since that of the attempt is
 * undone. */
static enum err_kind post_or_refuse(struct leader *leader, struct payment *payment, struct err *reterr)
{
    struct err err = {0};
    char id[UUID_TEXT_SIZE];
    enum err_kind kind = leader_transact(leader, post_payment, payment, &err);
    if (kind == ERR_NONE)
        return kind;
    enum failure failure = failure_of(&err);
    bool is_refused = failure == FAILURE_OWN;
    if (failure == FAILURE_OF_ALL) {
        *reterr = err;
        return kind;
    }
    identity_to_uuid(payment->id, id);
    metric_add(is_refused ? &metric_unfit : &metric_put_off, 1);
    log_event(LOG_LEVEL_ERROR, is_refused ? "payment_refused" : "payment_put_off", LOG_TEXT("payment", id),
              LOG_TEXT("why", err.text));
    payment->reason = err_slug(kind);
    return is_refused ? leader_transact(leader, refuse, payment, reterr) : ERR_NONE;
}

/* Those behind *last, which becomes the last of them. */
static enum err_kind post_some(struct leader *leader, struct identity *last, int *ret_count, struct err *reterr)
{
    char most[DB_INT_TEXT_SIZE];
    char behind[UUID_TEXT_SIZE];
    identity_to_uuid(*last, behind);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind =
        db_run(leader->db, &statement_new, DB_PARAMS(db_int_param(most, CHUNK), behind), &rows, reterr);
    *ret_count = kind == ERR_NONE ? PQntuples(rows) : 0;
    for (int row = 0; kind == ERR_NONE && row < *ret_count && !shutdown_requested(); row++) {
        struct payment payment = {
            .id = db_identity(rows, row, NEW_ID),
            .tenant = db_identity(rows, row, NEW_TENANT),
            .currency = db_text(rows, row, NEW_CURRENCY),
            .amount_u = db_int(rows, row, NEW_AMOUNT, 0),
            .at_s = db_int(rows, row, NEW_AT, 0),
            .is_refund = strcmp(db_text(rows, row, NEW_KIND), "refund") == 0,
        };
        kind = post_or_refuse(leader, &payment, reterr);
        *last = payment.id;
    }
    return kind;
}

enum err_kind payments_post(struct leader *leader, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    struct identity last = {0};
    int count = 0;
    do {
        kind = post_some(leader, &last, &count, reterr);
    } while (kind == ERR_NONE && count == CHUNK && !shutdown_requested());
    return kind;
}
