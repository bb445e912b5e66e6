/* The question, and from its answer the amendment as it would be. What it costs more (or less) is the difference of two
 * estimates from now on: what lies behind is the same by either terms. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/amendment_preview.h"

#include "api/resources/planning.h"
#include "api/resources/price_estimate.h"
#include "api/resources/reservation.h"
#include "api/server/json_out.h"
#include "api/server/question.h"
#include "api/server/server.h"

#include <jansson.h>
#include <string.h>

static const struct db_stmt statement_ask = {
    .name = "amendment_preview_ask",
    .sql =
        "SELECT json_strip_nulls(json_build_object('reservation', r.id, 'changes_start', $2::boolean, 'starts_s',"
        "   $3::bigint, 'changes_end', $4::boolean, 'ends_s', $5::bigint, 'count', $6::bigint, 'duration_s', $7::bigint,"
        "   'start_from_s', $8::bigint, 'start_to_s', $9::bigint)),"
        " CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
        " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
        "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
        " r.tier, w.currency, r.gpu_count::bigint * 1000 + r.gpu_milli, r.project"
        " FROM reservation r JOIN tenant w ON w.id = r.tenant_id"
        " LEFT JOIN instance_type t ON t.id = r.instance_type_id WHERE r.id = $1::uuid",
    .params = 9,
};
enum { ASK_BODY, ASK_SKU_KIND, ASK_SKU, ASK_TIER, ASK_CURRENCY, ASK_GPU_MILLI, ASK_PROJECT };

#define TIME_TEXT(parameter)                                                                                           \
    "to_char(to_timestamp(" parameter "::bigint) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
// clang-format off
static const struct db_stmt statement_preview = {
    .name = "amendment_preview",
    .sql = "SELECT NULL::uuid AS id, $1::uuid AS reservation, 'granted' AS state,"
           " CASE WHEN $2::boolean THEN jsonb_build_object('starts_at', " TIME_TEXT("$3") ") ELSE '{}' END"
           " || CASE WHEN $4::boolean THEN jsonb_build_object('ends_at', " TIME_TEXT("$5") ") ELSE '{}' END"
           " || jsonb_strip_nulls(jsonb_build_object('count', $6::bigint)) AS changes,"
           " $7::bigint AS \"terms.count\", $8::bigint AS \"terms.starts_at\", $9::bigint AS \"terms.ends_at\","
           " NULL::text AS reason, NULL::json AS binding, NULL::json AS alternatives,"
           " extract(epoch FROM sluice_now())::bigint AS created_at, NULL::bigint AS decided_at",
    .params = 9,
};
// clang-format on

const struct db_stmt *const amendment_preview_statements[] = {&statement_ask, &statement_preview, NULL};

/* Between question and answer. */
struct preview {
    struct amendment_subject subject;
    struct amendment_wish wish;
    int64_t starts_at, ends_at, count; /* as it would be */
    bool has_range;                    /* of starts */
    const PGresult *asked;
    route_handler *answer;
};

/* Of so many instances from now (or their start) to their end; false: not known, or open. */
static enum err_kind estimate(struct request *request, const struct preview *preview, int64_t starts_at,
                              int64_t ends_at, int64_t count, bool *ret_known, int64_t *ret_u, struct err *reterr)
{
    const PGresult *asked = preview->asked;
    int64_t now = preview->subject.now;
    const struct price_terms terms = {
        .sku_kind = db_text(asked, 0, ASK_SKU_KIND),
        .sku = db_text(asked, 0, ASK_SKU),
        .tier = db_text(asked, 0, ASK_TIER),
        .currency = db_text(asked, 0, ASK_CURRENCY),
        .tenant_id = preview->subject.tenant_id,
        .project = db_text(asked, 0, ASK_PROJECT),
        .starts_s = starts_at > now ? starts_at : now,
        .ends_s = ends_at,
        .gpu_milli = count * db_int(asked, 0, ASK_GPU_MILLI, 0),
    };
    struct price_estimate estimated = {0};
    *ret_known = false;
    if (ends_at == FIELD_NULL || terms.sku == NULL)
        return ERR_NONE;
    enum err_kind kind = price_estimate(request, &terms, &estimated, reterr);
    *ret_known = kind == ERR_NONE && estimated.is_known;
    *ret_u = estimated.total_u;
    return kind;
}

static enum err_kind cost_delta(struct request *request, const struct preview *preview, const char **ret,
                                struct err *reterr)
{
    const struct amendment_subject *subject = &preview->subject;
    bool is_known = false;
    bool was_known = false;
    int64_t will_u = 0;
    int64_t was_u = 0;
    enum err_kind kind =
        estimate(request, preview, preview->starts_at, preview->ends_at, preview->count, &is_known, &will_u, reterr);
    if (kind == ERR_NONE)
        kind = estimate(request, preview, subject->starts_at, subject->ends_at, subject->count, &was_known, &was_u,
                        reterr);
    if (kind != ERR_NONE)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    if (is_known && was_known)
        price_money_out(&out, will_u - was_u, db_text(preview->asked, 0, ASK_CURRENCY));
    else
        json_out_null(&out);
    *ret = json_out_finish(&out);
    return ERR_NONE;
}

static void json_freep(json_t **json)
{
    json_decref(*json);
}

/* A member of the answer as it stands; what it is where there is none. */
static void member_out(struct json_out *out, const json_t *said, const char *member, const char *none)
{
    const json_t *value = json_object_get(said, member);
    if (value == NULL || json_is_null(value))
        json_out_raw(out, none);
    else
        planning_json_out(out, value);
}

/* ERR_NONE where it would be granted: in the window that the planner says, which of a range knows the start. */
static enum err_kind verdict_of(struct request *request, const char *answer, struct preview *preview,
                                struct err *reterr)
{
    CLEANUP(json_freep) json_t *said = json_loads(answer, 0, NULL);
    const json_t *starts_at = json_object_get(said, "starts_s");
    if (preview->has_range && json_is_integer(starts_at)) {
        preview->starts_at = json_integer_value(starts_at);
        preview->ends_at = json_integer_value(json_object_get(said, "ends_s"));
    }
    if (json_is_true(json_object_get(said, "granted")))
        return ERR_NONE;
    const char *reason = json_string_value(json_object_get(said, "reason"));
    struct json_out members;
    json_out_init(&members, request->arena);
    json_out_key(&members, "binding");
    member_out(&members, said, "binding", "null");
    json_out_key(&members, "alternatives");
    member_out(&members, said, "alternatives", "[]");
    request->internal->problem_members = json_out_finish(&members);
    const struct problem_code *code = reason == NULL ? NULL : problem_find(reason);
    return err_set_code(reterr, code == NULL ? ERR_CONFLICT : code->kind, code == NULL ? "conflict" : code->code,
                        "the amendment would be refused");
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    (void)count; /* one question */
    struct preview *preview = request->asked;
    const char *delta = NULL;
    enum err_kind kind = verdict_of(request, answers[0], preview, reterr);
    if (kind == ERR_NONE)
        kind = cost_delta(request, preview, &delta, reterr);
    if (kind != ERR_NONE)
        return kind;
    request_cost_delta(request, delta);
    return preview->answer(request, response, reterr);
}

enum err_kind amendment_preview_answer(struct request *request, struct response *response, struct err *reterr)
{
    const struct preview *preview = request->asked;
    const struct amendment_wish *wish = &preview->wish;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(
        request, &statement_preview,
        DB_PARAMS(preview->subject.id, request_bool(wish->changes_start),
                  wish->changes_start ? request_int(request, wish->starts_at) : NULL, request_bool(wish->changes_end),
                  wish->changes_end ? request_int(request, wish->ends_at) : NULL,
                  wish->changes_count ? request_int(request, wish->count) : NULL, request_int(request, preview->count),
                  request_int(request, preview->starts_at), request_int(request, preview->ends_at)),
        &result, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, request->route->answer->fields, result, 0);
    return kind;
}

enum err_kind amendment_preview(struct request *request, const struct amendment_subject *subject,
                                const struct amendment_wish *wish, route_handler *answer, struct err *reterr)
{
    struct preview *preview = arena_alloc(request->arena, sizeof *preview);
    int64_t wished_start = wish->starts_at == FIELD_NULL ? subject->now : wish->starts_at;
    *preview = (struct preview){
        .subject = *subject,
        .wish = *wish,
        .answer = answer,
        .starts_at = wish->changes_start ? wished_start : subject->starts_at,
        .ends_at = wish->changes_end ? wish->ends_at : subject->ends_at,
        .count = wish->changes_count ? wish->count : subject->count,
    };
    const struct reservation *range = wish->window;
    preview->has_range = range != NULL && range->duration_s != FIELD_NULL;
    enum err_kind kind = request_run(
        request, &statement_ask,
        DB_PARAMS(subject->id, request_bool(wish->changes_start),
                  wish->changes_start ? request_int(request, wish->starts_at) : NULL, request_bool(wish->changes_end),
                  wish->changes_end ? request_int(request, wish->ends_at) : NULL,
                  wish->changes_count ? request_int(request, wish->count) : NULL,
                  preview->has_range ? request_int(request, range->duration_s) : NULL,
                  preview->has_range ? request_int(request, range->start_range.from) : NULL,
                  preview->has_range ? request_int(request, range->start_range.to) : NULL),
        &preview->asked, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct question *question = arena_alloc(request->arena, sizeof *question);
    *question = (struct question){
        .zone_id = subject->zone_id, .kind = "amendment", .body = db_text(preview->asked, 0, ASK_BODY)};
    request->asked = preview;
    return request_ask(request, question, 1, 1, finish);
}
