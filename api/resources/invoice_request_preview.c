/* The rules are those of sluice-billing, which looks again when it decides; the amounts are worked out by the same
 * code. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_request_preview.h"

#include "api/resources/price_estimate.h"
#include "common/credit_wish.h"
#include "common/must.h"

#include <string.h>

static const struct db_stmt statement_invoice = {
    .name = "invoice_request_preview_invoice",
    .sql = "SELECT i.status, i.currency, i.total_minor, EXISTS (SELECT FROM credit_note c WHERE c.invoice_id = i.id)"
           "  FROM invoice i WHERE i.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_bill = {
    .name = "invoice_request_preview_bill", .sql = CREDIT_WISH_INVOICE, .params = 1};

static const struct db_stmt statement_wish = {
    .name = "invoice_request_preview_wish", .sql = CREDIT_WISH_LINES, .params = 2};

const struct db_stmt *const invoice_request_preview_statements[] = {&statement_invoice, &statement_bill,
                                                                    &statement_wish, NULL};

enum effect { OWED_AS_BEFORE, OWED, OWED_NO_MORE, CREDITED };

static const struct rule {
    const char *kind;
    const char *statuses[2]; /* of the invoice, one of them */
    const char *problem;     /* where it has none of them */
    enum effect effect;
} rules[] = {
    {"finalize", {"draft", NULL}, "invoice_not_draft", OWED_AS_BEFORE},
    {"issue", {"draft", "finalized"}, "invoice_not_draft", OWED},
    {"void", {"issued", NULL}, "invoice_not_issued", OWED_NO_MORE},
    {"credit", {"issued", NULL}, "invoice_not_issued", CREDITED},
};

static const struct rule *find_rule(const char *kind)
{
    size_t i = 0;
    while (i < COUNT_OF(rules) && strcmp(rules[i].kind, kind) != 0)
        i++;
    must(i < COUNT_OF(rules)); /* the routes name no other */
    return &rules[i];
}

static bool allows(const struct rule *rule, const char *status)
{
    return strcmp(rule->statuses[0], status) == 0 ||
           (rule->statuses[1] != NULL && strcmp(rule->statuses[1], status) == 0);
}

static enum err_kind tell(struct request *request, int64_t amount_minor, const char *currency, struct err *reterr)
{
    struct json_out out;
    int exponent = 0;
    int64_t amount_u = 0;
    enum err_kind kind = money_exponent(currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(amount_minor, exponent, &amount_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_out_init(&out, request->arena);
    price_money_out(&out, amount_u, currency);
    request_cost_delta(request, json_out_finish(&out));
    return ERR_NONE;
}

/* What the credit note would come to, tax included. */
static enum err_kind credited(struct request *request, int64_t *ret_minor, struct err *reterr)
{
    const PGresult *bill = NULL;
    const PGresult *wish = NULL;
    struct credit_tax sums;
    enum err_kind kind = request_run(request, &statement_bill, DB_PARAMS(request->object), &bill, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_wish, DB_PARAMS(request->object, request->new_id), &wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(wish);
    struct credit_line *lines = arena_alloc(request->arena, (count + 1) * sizeof *lines);
    struct money_share *tax = arena_alloc(request->arena, (count + 1) * sizeof *tax);
    kind = credit_wish_work_out(bill, wish, lines, tax, &sums, reterr);
    return kind == ERR_NONE ? money_add(sums.credit_net_minor, sums.credit_tax_minor, ret_minor, reterr) : kind;
}

enum err_kind invoice_request_preview(struct request *request, const char *kind_text, struct err *reterr)
{
    const struct rule *rule = find_rule(kind_text);
    const PGresult *invoice = NULL;
    enum err_kind kind = request_run(request, &statement_invoice, DB_PARAMS(request->object), &invoice, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(invoice) == 1); /* the request refers to it */
    const char *status = db_text(invoice, 0, 0);
    const char *currency = db_text(invoice, 0, 1);
    int64_t minor = db_int(invoice, 0, 2, 0);
    if (!allows(rule, status))
        return err_set_code(reterr, ERR_CONFLICT, rule->problem, "the invoice is %s", status);
    if (rule->effect == OWED_AS_BEFORE)
        return ERR_NONE;
    if (rule->effect == OWED_NO_MORE && db_bool(invoice, 0, 3))
        return err_set_code(reterr, ERR_CONFLICT, "invoice_is_credited",
                            "some of the invoice was credited: credit the rest");
    if (rule->effect == CREDITED)
        kind = credited(request, &minor, reterr);
    return kind == ERR_NONE ? tell(request, rule->effect == OWED ? minor : -minor, currency, reterr) : kind;
}
