/* What would come of a POST of a reservation or quote: admission says what it would of the wish and leaves nothing,
 * then the zone's planner decides it as it would and undoes that. What is answered is the object as it would be, or the
 * problem that the POST would get. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/elsewhere.h"
#include "api/resources/planning.h"
#include "api/resources/price_estimate.h"
#include "api/resources/quote_price.h"
#include "api/resources/reservation_admission.h"
#include "api/resources/reservation_columns.h"
#include "common/must.h"

/* A quote that is made firm: no planner is asked, since it has its places. */
static const struct db_stmt statement_confirmed = {
    .name = "reservation_preview_confirmed",
    .sql = RESERVATION_COLUMNS("'scheduled'") RESERVATION_FROM " WHERE r.id = $1::uuid",
    .params = 1,
};

const struct db_stmt *const reservation_preview_statements[] = {&statement_confirmed, NULL};

/* Between question and answer. */
struct preview {
    struct admission admission;
    const PGresult *admitted; /* its row, as enum admission_preview_column has it */
};

static void tell_cost(struct request *request, const struct price_estimate *estimate, const char *currency)
{
    struct json_out out;
    json_out_init(&out, request->arena);
    if (estimate->is_known && estimate->total_u != FIELD_NULL)
        price_money_out(&out, estimate->total_u, currency);
    else
        json_out_null(&out);
    request_cost_delta(request, json_out_finish(&out));
}

static enum err_kind confirm(struct request *request, struct response *response, const char *id, struct err *reterr)
{
    struct price_estimate estimate;
    struct price_terms terms;
    const PGresult *result = NULL;
    enum err_kind kind = quote_estimate(request, id, &terms, &estimate, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_confirmed, DB_PARAMS(id), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(result) == 1); /* it was just confirmed */
    tell_cost(request, &estimate, terms.currency);
    response_row(response, 200, reservation_fields, result, 0);
    return ERR_NONE;
}

/* ---- The planner's answer ---- */

static enum err_kind price(struct request *request, const struct preview *preview, struct reservation *wish,
                           struct err *reterr)
{
    const PGresult *row = preview->admitted;
    const struct price_terms terms = {
        .sku_kind = db_text(row, 0, PREVIEW_SKU_KIND),
        .sku = db_text(row, 0, PREVIEW_SKU),
        .tier = wish->tier,
        .currency = db_text(row, 0, PREVIEW_CURRENCY),
        .tenant_id = request->caller.tenant_id,
        .project = wish->project,
        .starts_s = wish->status.starts_at,
        .ends_s = wish->status.ends_at,
        .gpu_milli = db_int(row, 0, PREVIEW_GPU_MILLI, 0),
        .count = wish->count,
    };
    struct price_estimate estimate = {0};
    enum err_kind kind = price_estimate(request, &terms, &estimate, reterr);
    if (kind != ERR_NONE)
        return kind;
    tell_cost(request, &estimate, terms.currency);
    if (!estimate.is_known)
        return ERR_NONE;
    return quote_price_json(request, &terms, &estimate, &wish->price, reterr);
}

static int64_t instant_of(const json_t *answer, const char *member)
{
    const json_t *value = json_object_get(answer, member);
    return json_is_integer(value) ? json_integer_value(value) : FIELD_NULL;
}

/* The arena's; NULL for null. */
static const char *text_of(struct request *request, const json_t *answer, const char *member)
{
    struct json_out out;
    const json_t *value = json_object_get(answer, member);
    if (value == NULL || json_is_null(value))
        return NULL;
    if (json_is_string(value))
        return arena_text(request->arena, json_string_value(value));
    json_out_init(&out, request->arena);
    planning_json_out(&out, value);
    return json_out_finish(&out);
}

static struct reservation_verdict verdict_of(struct request *request, const struct admission *admission,
                                             const json_t *answer)
{
    bool is_granted = json_is_true(json_object_get(answer, "granted"));
    bool waits = json_is_true(json_object_get(answer, "waits"));
    const char *granted = admission->is_quote ? "held" : "scheduled";
    return (struct reservation_verdict){
        .state = is_granted ? granted
                 : waits    ? "waitlisted"
                            : "rejected",
        .health = "ok",
        .reason = text_of(request, answer, "reason"),
        .starts_at = instant_of(answer, "from_s"),
        .ends_at = is_granted ? instant_of(answer, "to_s") : FIELD_NULL,
        .ends_by = FIELD_NULL,
        .decided_at = FIELD_NULL,
        .binding = text_of(request, answer, "binding"),
        .alternatives = text_of(request, answer, "alternatives"),
    };
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    must(count == 1);
    const struct preview *preview = request->asked;
    const struct admission *admission = &preview->admission;
    struct reservation *wish = admission->wish;
    CLEANUP(planning_json_freep) json_t *answer = json_loads(answers[0], 0, NULL);
    wish->status = verdict_of(request, admission, answer);
    wish->created_at = db_int(preview->admitted, 0, PREVIEW_CREATED_AT, FIELD_NULL);
    wish->hold_until = db_int(preview->admitted, 0, PREVIEW_HOLD_UNTIL, FIELD_NULL);
    bool is_granted = json_is_true(json_object_get(answer, "granted"));
    bool waits = json_is_true(json_object_get(answer, "waits"));
    if (!is_granted && !waits)
        return elsewhere_refusal(request, admission->is_quote ? IDENTITY_QUOTE : IDENTITY_RESERVATION, NULL,
                                 &wish->status, db_text(preview->admitted, 0, PREVIEW_ZONE),
                                 db_text(preview->admitted, 0, PREVIEW_QUESTION), reterr);
    if (waits)
        request_warn(request, "waits",
                     "there is no place now: it would wait, and it is not known at what price it starts");
    enum err_kind kind = is_granted ? price(request, preview, wish, reterr) : ERR_NONE;
    if (kind == ERR_NONE)
        response_struct(response, 200, admission->is_quote ? quote_fields : reservation_fields, wish);
    return kind;
}

enum err_kind reservation_preview(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = admission_check(request, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct preview *preview = arena_alloc(request->arena, sizeof *preview);
    const struct outcome *outcome = NULL;
    admission_begin(&preview->admission, request->internal);
    kind = admission_preview(request, &preview->admission, &preview->admitted, &outcome, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *row = preview->admitted;
    if (outcome == &admission_outcomes[OUTCOME_CONFIRMED])
        return confirm(request, response, db_text(row, 0, PREVIEW_OBJECT), reterr);
    if (outcome != &admission_outcomes[OUTCOME_CREATED])
        return err_set_code(reterr, outcome->kind, outcome->text, "%s", outcome->detail);
    struct question *question = arena_alloc(request->arena, sizeof *question);
    *question = (struct question){
        .zone_id = db_text(row, 0, PREVIEW_ZONE), .kind = "verdict", .body = db_text(row, 0, PREVIEW_QUESTION)};
    request->asked = preview;
    return request_ask(request, question, 1, 1, finish);
}
