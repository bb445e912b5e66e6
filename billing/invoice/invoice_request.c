/* A table of actions; the frame around them makes each happen once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/invoice/invoice_request.h"

#include "billing/failure.h"
#include "billing/invoice/credit_note.h"
#include "billing/invoice/invoice_issue.h"
#include "billing/invoice/invoice_store.h"
#include "billing/ledger/payments.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <string.h>

#define CHUNK 100 /* of one look */

static struct metric metric_requests = {.name = "sluice_billing_invoice_requests_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Requests of operators about invoices that were decided"};
static struct metric metric_put_off = {
    .name = "sluice_billing_invoice_requests_put_off_total",
    .type = METRIC_COUNTER,
    .help = "Attempts to carry out a request about an invoice that failed by no fault of its own; it is tried again"};

void invoice_request_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_requests, &metric_put_off};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Behind $1. */
static const struct db_stmt statement_open = {
    .name = "invoice_request_open",
    .sql = "SELECT id, kind, invoice_id, reason FROM invoice_request WHERE is_open AND id > $1::uuid"
           " ORDER BY id LIMIT " SQL_NUMBER(CHUNK),
    .params = 1,
};
enum { OPEN_ID, OPEN_KIND, OPEN_INVOICE, OPEN_REASON };

/* Not while one of its tenant's that was asked for before is put off. */
static const struct db_stmt statement_take = {
    .name = "invoice_request_take",
    .sql = "UPDATE invoice_request r SET is_open = false WHERE r.id = $1::uuid AND r.is_open"
           "   AND NOT EXISTS (SELECT FROM invoice_request b"
           "                    WHERE b.is_open AND b.id < r.id AND b.tenant_id = r.tenant_id) RETURNING r.id",
    .params = 1,
};

static const struct db_stmt statement_decide = {
    .name = "invoice_request_decide",
    .sql =
        "INSERT INTO invoice_request_status (request_id, tenant_id, state, problem, detail, credit_note_id, draft_id)"
        " SELECT r.id, r.tenant_id, CASE WHEN $2::text IS NULL THEN 'done' ELSE 'refused' END, $2::text, $3::text,"
        "  $4::uuid, $5::uuid FROM invoice_request r WHERE r.id = $1::uuid",
    .params = 5,
};

static const struct db_stmt statement_invoice = {
    .name = "invoice_request_invoice",
    .sql = "SELECT i.status, i.tenant_id, extract(epoch FROM i.period_start)::bigint,"
           "  extract(epoch FROM i.period_end)::bigint, EXISTS (SELECT FROM credit_note c WHERE c.invoice_id = i.id)"
           "  FROM invoice i WHERE i.id = $1::uuid FOR UPDATE",
    .params = 1,
};
enum { INVOICE_STATUS, INVOICE_TENANT, INVOICE_START, INVOICE_END, INVOICE_IS_CREDITED };

/* The close itself follows: the books look for what is due. */
static const struct db_stmt statement_unpark = {
    .name = "invoice_request_unpark",
    .sql = "UPDATE billing_period p SET parked_at = NULL, parked_reason = NULL FROM invoice_request r"
           " WHERE r.id = $1::uuid AND p.month = r.month AND p.status = 'open' AND p.parked_at IS NOT NULL"
           "   AND (r.tenant_id IS NULL OR p.tenant_id = r.tenant_id)",
    .params = 1,
};

const struct db_stmt *const invoice_request_statements[] = {
    &statement_open, &statement_take, &statement_decide, &statement_invoice, &statement_unpark, NULL,
};

struct work {
    struct identity id;
    const char *kind;
    struct identity invoice; /* but for a close */
    const char *reason;      /* NULL: none was given */
    int64_t now_s;
    const struct err *refusal; /* where it could not be carried out */
    /* The invoice, locked. */
    const char *status;
    bool is_credited;
    struct invoice_draft draft; /* its tenant and period, to be drawn up */
    /* out */
    bool is_decided;
    bool made_credit_note, made_draft;
    struct identity made;
};

static bool has_status(const struct work *work, const char *status)
{
    return strcmp(work->status, status) == 0;
}

static enum err_kind must_be_issued(const struct work *work, struct err *reterr)
{
    if (!has_status(work, "issued"))
        return err_set_code(reterr, ERR_CONFLICT, "invoice_not_issued", "the invoice is %s", work->status);
    return ERR_NONE;
}

/* Drawn up anew, so that what was changed since (a tax, an address) is in what is frozen. */
static enum err_kind finalize(struct db *db, struct work *work, struct err *reterr)
{
    if (!has_status(work, "draft"))
        return err_set_code(reterr, ERR_CONFLICT, "invoice_not_draft", "the invoice is %s", work->status);
    work->draft.id = work->invoice;
    enum err_kind kind = invoice_draw_up(db, &work->draft, reterr);
    must(kind != ERR_NONE || work->draft.count > 0); /* the period is closed: what made the draft is still there */
    if (kind == ERR_NONE)
        kind = invoice_rewrite(db, &work->draft, reterr);
    return kind == ERR_NONE ? invoice_finalize(db, work->invoice, reterr) : kind;
}

static enum err_kind issue(struct db *db, struct work *work, struct err *reterr)
{
    enum err_kind kind = has_status(work, "finalized") ? ERR_NONE : finalize(db, work, reterr);
    return kind == ERR_NONE ? invoice_issue(db, work->invoice, work->now_s, reterr) : kind;
}

/* Its groups are billable again: by a draft that says what it replaces. */
static enum err_kind make_void(struct db *db, struct work *work, struct err *reterr)
{
    enum err_kind kind = must_be_issued(work, reterr);
    if (kind == ERR_NONE && work->is_credited)
        return err_set_code(reterr, ERR_CONFLICT, "invoice_is_credited",
                            "some of the invoice was credited: credit the rest");
    if (kind == ERR_NONE)
        kind = invoice_void(db, work->invoice, work->reason, work->now_s, reterr);
    work->draft.id = identity_new();
    if (kind == ERR_NONE)
        kind = invoice_draw_up(db, &work->draft, reterr);
    must(kind != ERR_NONE || work->draft.count > 0); /* as above */
    if (kind == ERR_NONE)
        kind = invoice_insert(db, &work->draft, &work->invoice, reterr);
    work->made_draft = true;
    work->made = work->draft.id;
    return kind;
}

static enum err_kind credit(struct db *db, struct work *work, struct err *reterr)
{
    enum err_kind kind = must_be_issued(work, reterr);
    work->made_credit_note = true;
    return kind == ERR_NONE ? credit_note_issue(db, work->invoice, work->id, work->now_s, &work->made, reterr) : kind;
}

static enum err_kind close_again(struct db *db, struct work *work, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(work->id, id);
    return db_run(db, &statement_unpark, DB_PARAMS(id), NULL, reterr);
}

static const struct action {
    const char *kind;
    enum err_kind (*run)(struct db *db, struct work *work, struct err *reterr);
    bool of_invoice;
} actions[] = {
    {"finalize", finalize, true}, {"issue", issue, true},        {"void", make_void, true},
    {"credit", credit, true},     {"close", close_again, false},
};

static const struct action *action_of(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (strcmp(actions[i].kind, kind) == 0)
            return &actions[i];
    }
    must(false); /* the table's check names the same */
    return NULL;
}

static enum err_kind decide(struct db *db, const struct work *work, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    char made[UUID_TEXT_SIZE];
    identity_to_uuid(work->id, id);
    identity_to_uuid(work->made, made);
    const struct err *refusal = work->refusal;
    const char *problem = refusal == NULL ? NULL : refusal->code[0] != '\0' ? refusal->code : err_slug(refusal->kind);
    return db_run(db, &statement_decide,
                  DB_PARAMS(id, problem, refusal == NULL ? NULL : refusal->text,
                            refusal == NULL && work->made_credit_note ? made : NULL,
                            refusal == NULL && work->made_draft ? made : NULL),
                  NULL, reterr);
}

static enum err_kind take(struct db *db, const struct work *work, bool *ret_is_taken, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(work->id, id);
    CLEANUP(db_result_clear) PGresult *taken = NULL;
    enum err_kind kind = db_run(db, &statement_take, DB_PARAMS(id), &taken, reterr);
    *ret_is_taken = kind == ERR_NONE && PQntuples(taken) == 1;
    return kind;
}

static enum err_kind act(struct db *db, struct work *work, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    const struct action *action = action_of(work->kind);
    if (!action->of_invoice)
        return action->run(db, work, reterr);
    identity_to_uuid(work->invoice, id);
    CLEANUP(db_result_clear) PGresult *invoice = NULL;
    enum err_kind kind = db_run(db, &statement_invoice, DB_PARAMS(id), &invoice, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(invoice) == 1); /* it is referenced */
    work->status = db_text(invoice, 0, INVOICE_STATUS);
    work->is_credited = db_bool(invoice, 0, INVOICE_IS_CREDITED);
    work->draft = (struct invoice_draft){.tenant = db_identity(invoice, 0, INVOICE_TENANT),
                                         .starts_at_s = db_int(invoice, 0, INVOICE_START, 0),
                                         .ends_at_s = db_int(invoice, 0, INVOICE_END, 0)};
    kind = action->run(db, work, reterr);
    invoice_draft_release(&work->draft);
    return kind;
}

static enum err_kind carry_out(struct db *db, void *context, struct err *reterr)
{
    struct work *work = context;
    work->is_decided = false;
    enum err_kind kind = take(db, work, &work->is_decided, reterr);
    if (kind != ERR_NONE || !work->is_decided)
        return kind;
    if (work->refusal == NULL)
        kind = act(db, work, reterr);
    return kind == ERR_NONE ? decide(db, work, reterr) : kind;
}

/* Nobody else waits for what fails. The refusal is a transaction of its own, since that of the attempt is undone. */
static enum err_kind carry_out_or_refuse(struct leader *leader, struct work *work, struct err *reterr)
{
    struct err err = {0};
    char id[UUID_TEXT_SIZE];
    enum err_kind kind = leader_transact(leader, carry_out, work, &err);
    if (kind != ERR_NONE && failure_of(&err) == FAILURE_PASSING) {
        identity_to_uuid(work->id, id);
        metric_add(&metric_put_off, 1);
        log_event(LOG_LEVEL_ERROR, "invoice_request_put_off", LOG_TEXT("request", id), LOG_TEXT("why", err.text));
        return ERR_NONE;
    }
    if (kind != ERR_NONE && failure_of(&err) == FAILURE_OWN) {
        work->refusal = &err;
        kind = leader_transact(leader, carry_out, work, reterr);
    } else if (kind != ERR_NONE) {
        *reterr = err;
    }
    metric_add(&metric_requests, kind == ERR_NONE && work->is_decided);
    return kind;
}

/* Those behind *last, which becomes the last of them. */
static enum err_kind carry_out_some(struct leader *leader, int64_t now_s, struct identity *last, int *ret_count,
                                    bool *closes_again, struct err *reterr)
{
    char behind[UUID_TEXT_SIZE];
    identity_to_uuid(*last, behind);
    CLEANUP(db_result_clear) PGresult *open = NULL;
    enum err_kind kind = db_run(leader->db, &statement_open, DB_PARAMS(behind), &open, reterr);
    *ret_count = kind == ERR_NONE ? PQntuples(open) : 0;
    for (int row = 0; kind == ERR_NONE && row < *ret_count && !shutdown_requested(); row++) {
        struct work work = {
            .id = db_identity(open, row, OPEN_ID),
            .kind = db_text(open, row, OPEN_KIND),
            .reason = db_text(open, row, OPEN_REASON),
            .now_s = now_s,
        };
        const struct action *action = action_of(work.kind);
        if (action->of_invoice)
            work.invoice = db_identity(open, row, OPEN_INVOICE);
        kind = payments_post(leader, reterr); /* in the order in which they were asked for */
        if (kind == ERR_NONE)
            kind = carry_out_or_refuse(leader, &work, reterr);
        *closes_again = *closes_again || !action->of_invoice;
        *last = work.id;
    }
    return kind;
}

enum err_kind invoice_requests_carry_out(struct leader *leader, int64_t now_s, bool *ret_closes_again,
                                         struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    struct identity last = {0};
    int count = 0;
    *ret_closes_again = false;
    do {
        kind = carry_out_some(leader, now_s, &last, &count, ret_closes_again, reterr);
    } while (kind == ERR_NONE && count == CHUNK && !shutdown_requested());
    return kind == ERR_NONE ? kind : err_context(reterr, "carrying out a request about an invoice");
}
