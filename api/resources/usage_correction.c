/* Usage corrections: facts that came after their seconds were metered. Billing rates them at the prices of their span,
 * in a closed period as a correction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"

#define GPU_MILLI_MAX INT64_C(100000000)

struct usage_correction {
    const char *id, *reservation, *gpu_model;
    int64_t starts_at, ends_at, gpu_milli;
    const char *reason;
};

// clang-format off
static const struct field correction_fields[] = {
    FIELD_ID   ("id",          struct usage_correction, id, .identity = IDENTITY_CORRECTION, .flags = FIELD_READ_ONLY, .help = "The correction"),
    FIELD_ID   ("reservation", struct usage_correction, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_REQUIRED, .help = "Whose usage it corrects"),
    FIELD_TIME ("starts_at",   struct usage_correction, starts_at, .flags = FIELD_REQUIRED, .help = "Domain time, inclusive"),
    FIELD_TIME ("ends_at",     struct usage_correction, ends_at, .flags = FIELD_REQUIRED, .help = "Domain time, exclusive, at most 31 days later; not in the future"),
    FIELD_INT  ("gpu_milli",   struct usage_correction, gpu_milli, .flags = FIELD_REQUIRED, .least = -GPU_MILLI_MAX, .most = GPU_MILLI_MAX, .example = "-8000", .help = "Thousandths of a GPU that are billed besides for each second; negative: taken back"),
    FIELD_TEXT ("gpu_model",   struct usage_correction, gpu_model, .flags = FIELD_NULLABLE, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .help = "For a reservation with a shape of its own: the model whose price holds"),
    FIELD_TEXT ("reason",      struct usage_correction, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 255, .example = "outage INC-7", .help = "Why"),
    FIELD_COLUMN("tenant",     FIELD_TYPE_TEXT, .help = "Whose, by name"),
    FIELD_COLUMN_WITH("reservation_name", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What people call the reservation; null: it has no name"),
    FIELD_COLUMN("created_at", FIELD_TYPE_TIME, .help = "Domain time: it is rated with this day"),
    FIELDS_END,
};
// clang-format on

static const struct schema correction_schema = {"UsageCorrection", correction_fields, sizeof(struct usage_correction)};

#define CORRECTION_SELECT                                                                                              \
    "SELECT c.id, c.reservation_id AS reservation, extract(epoch FROM c.starts_at)::bigint AS starts_at,"              \
    " extract(epoch FROM c.ends_at)::bigint AS ends_at, c.gpu_milli, c.gpu_model, c.reason, t.name AS tenant,"         \
    " (SELECT r.name FROM reservation r WHERE r.id = c.reservation_id) AS reservation_name,"                           \
    " extract(epoch FROM c.created_at)::bigint AS created_at, c.id AS page_key"                                        \
    " FROM usage_correction c JOIN tenant t ON t.id = c.tenant_id"

static const struct db_stmt statement_list = {
    .name = "usage_correction_list",
    .sql = CORRECTION_SELECT " WHERE ($1::uuid IS NULL OR c.id > $1::uuid) ORDER BY c.id LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_get = {
    .name = "usage_correction_get",
    .sql = CORRECTION_SELECT " WHERE c.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_references = {
    .name = "usage_correction_references",
    .sql = "SELECT r.tenant_id, r.instance_type_id IS NOT NULL OR $3::text IS NOT NULL,"
           " to_timestamp($2::bigint) <= sluice_now() FROM reservation r WHERE r.id = $1::uuid",
    .params = 3,
};

static const struct db_stmt statement_create = {
    .name = "usage_correction_create",
    .sql =
        "INSERT INTO usage_correction (id, tenant_id, reservation_id, starts_at, ends_at, gpu_milli, gpu_model, reason,"
        "  created_by) VALUES ($1::uuid, $2::uuid, $3::uuid, to_timestamp($4::bigint), to_timestamp($5::bigint),"
        "  $6::integer, $7, $8, $9::uuid)",
    .params = 9,
};

#define SPAN_MAX_S INT64_C(2678400)

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "usage correction", reterr);
}

static void check(struct request *request, const struct usage_correction *wish, const PGresult *row)
{
    if (PQntuples(row) == 0)
        field_problem_add(&request->problems, "/reservation", "out_of_range", "there is no such reservation");
    else if (!db_bool(row, 0, 1))
        field_problem_add(&request->problems, "/gpu_model", "missing_field", "the reservation has no instance type");
    else if (!db_bool(row, 0, 2))
        field_problem_add(&request->problems, "/ends_at", "out_of_range", "must not be in the future");
    if (wish->ends_at <= wish->starts_at || wish->ends_at - wish->starts_at > SPAN_MAX_S)
        field_problem_add(&request->problems, "/ends_at", "out_of_range",
                          "must be after starts_at, by at most 31 days");
    if (wish->gpu_milli == 0)
        field_problem_add(&request->problems, "/gpu_milli", "out_of_range", "must not be 0");
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct usage_correction *wish = request->body;
    const PGresult *row = NULL;
    enum err_kind kind =
        request_run(request, &statement_references,
                    DB_PARAMS(wish->reservation, request_int(request, wish->ends_at), wish->gpu_model), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    check(request, wish, row);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    const char *tenant = db_text(row, 0, 0);
    kind = request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, tenant, wish->reservation, request_int(request, wish->starts_at),
                                 request_int(request, wish->ends_at), request_int(request, wish->gpu_milli),
                                 wish->gpu_model, wish->reason, request->caller.principal_id),
                       NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, tenant, NULL, "usage_correction", request->new_id, 1, "usage_correction.created",
                             reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "usage correction", reterr)
               : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_CORRECTION
static const struct route correction_routes[] = {
    {GET,  "/v1/usage-corrections",             ROLES_TENANT_MONEY,   RATE_READ,  .answer = &correction_schema, .is_list = true, .run = list, .summary = "List corrections of usage"},
    {GET,  "/v1/usage-corrections/{id}",        ROLES_TENANT_MONEY,   RATE_READ,  .answer = &correction_schema, ONE, .run = get, .summary = "One correction"},
    {GET,  "/v1/system/usage-corrections",      ROLES_SYSTEM_READ,    RATE_READ,  .answer = &correction_schema, .is_list = true, .run = list, .summary = "List corrections of usage"},
    {GET,  "/v1/system/usage-corrections/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &correction_schema, ONE, .run = get, .summary = "One correction"},
    {POST, "/v1/system/usage-corrections",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &correction_schema, .answer = &correction_schema, .run = create, .replay = get, .summary = "Correct usage that was metered already"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const correction_statements[] = {&statement_list, &statement_get, &statement_references,
                                                              &statement_create, NULL};

const struct resource usage_correction_resource = {"usage-corrections", correction_routes, correction_statements,
                                                   "Facts that came after their seconds were metered."};
