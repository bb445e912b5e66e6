/* Quotas as a tenant sees them: its limits with what is held, as the zones' planners count it. Operators' part is
 * system_quota.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/json_out.h"
#include "api/server/question.h"

// clang-format off
static const struct field held_fields[] = {
    FIELD_COLUMN     ("id",        FIELD_TYPE_ID, .identity = IDENTITY_QUOTA, .help = "The quota"),
    FIELD_COLUMN     ("zone",      FIELD_TYPE_TEXT, .example = "us-east-1a", .help = "The zone it is about, by name"),
    FIELD_COLUMN_WITH("project",   FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The project it is about; null: the tenant as a whole"),
    FIELD_COLUMN_WITH("gpu_model", FIELD_TYPE_TEXT, FIELD_NULLABLE, .example = "H100", .help = "The GPU model it is about; null: any"),
    FIELD_COLUMN_WITH("peak_gpu_milli",  FIELD_TYPE_INT, FIELD_NULLABLE, .example = "16000", .help = "Most GPUs held at one instant, in thousandths; null: no such limit"),
    FIELD_COLUMN_WITH("month_gpu_hours", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Most GPU-hours held in one calendar month (UTC); null: no such limit"),
    FIELD_COLUMN_WITH("held_gpu_milli",       FIELD_TYPE_INT, FIELD_NULLABLE, .help = "What is held now, in thousandths of a GPU"),
    FIELD_COLUMN_WITH("held_peak_gpu_milli",  FIELD_TYPE_INT, FIELD_NULLABLE, .help = "The most that is held at one instant from now on"),
    FIELD_COLUMN_WITH("held_month_gpu_hours", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "GPU-hours held in this month, what is still to come included; a begun hour counts"),
    FIELDS_END,
};
// clang-format on

static const struct schema held_schema = {"HeldQuota", held_fields, 0};

/* $3: what the planners say is held. */
static const struct db_stmt statement_held = {
    .name = "quota_held",
    .sql = "SELECT q.id, z.name AS zone, q.project, q.gpu_model, q.peak_gpu_milli, q.month_gpu_hours, q.id AS page_key,"
           " h.held_gpu_milli, h.held_peak_gpu_milli, h.held_month_gpu_hours"
           "  FROM quota q JOIN zone z ON z.id = q.zone_id"
           "  LEFT JOIN (SELECT x.* FROM json_array_elements($3::json) AS a, json_to_recordset(a -> 'items')"
           "     AS x (zone uuid, project text, gpu_model text, held_gpu_milli bigint, held_peak_gpu_milli bigint,"
           "           held_month_gpu_hours bigint)) h"
           "    ON h.zone = q.zone_id AND h.project IS NOT DISTINCT FROM q.project"
           "   AND h.gpu_model IS NOT DISTINCT FROM q.gpu_model"
           " WHERE ($1::uuid IS NULL OR q.id > $1::uuid) ORDER BY q.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_zones = {
    .name = "quota_zones",
    .sql = "SELECT DISTINCT zone_id FROM quota ORDER BY zone_id LIMIT $1::bigint",
    .params = 1,
};

static enum err_kind answer_held(struct request *request, struct response *response, const char *const *answers,
                                 size_t count, struct err *reterr)
{
    struct json_out all;
    json_out_init(&all, request->arena);
    json_out_open(&all, '[');
    for (size_t i = 0; i < count; i++)
        json_out_raw(&all, answers[i]);
    json_out_close(&all, ']');
    return answer_page(request, response, &statement_held, DB_PARAMS(json_out_finish(&all)), reterr);
}

static enum err_kind list_held(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *zones = NULL;
    const char *most = request_int(request, QUESTIONS_PER_REQUEST_MAX);
    enum err_kind kind = request_run(request, &statement_zones, DB_PARAMS(most), &zones, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(zones);
    if (count == 0)
        return answer_held(request, response, NULL, 0, reterr);
    struct question *questions = arena_alloc(request->arena, count * sizeof *questions);
    const char *body = arena_format(request->arena, "{\"tenant\":\"%s\"}", request->caller.tenant_id);
    for (size_t i = 0; i < count; i++)
        questions[i] = (struct question){.zone_id = db_text(zones, (int)i, 0), .kind = "quotas", .body = body};
    return request_ask(request, questions, count, 1, answer_held);
}

// clang-format off
static const struct route quota_routes[] = {
    {GET, "/v1/quotas", ROLES_TENANT_READ, RATE_READ, .answer = &held_schema, .is_list = true, .run = list_held, .summary = "Quotas, with what is held against them"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const quota_statements[] = {&statement_held, &statement_zones, NULL};

const struct resource quota_resource = {"quotas", quota_routes, quota_statements, "What a tenant or project may hold."};
