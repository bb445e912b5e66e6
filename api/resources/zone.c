/* Zones: the unit of planning. Every role may list them; operators make and tune them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

struct zone {
    const char *id;
    const char *name;
    const char *driver;
    int64_t lead_s;
    int64_t preemption_notice_s;
    int64_t sim_start_s;
    int64_t sim_stop_s;
    int64_t sim_fail_ppm;
    int64_t sim_seed;
    int64_t created_at;
};

static const char *const drivers[] = {"sim", NULL};

// clang-format off
static const struct field zone_fields[] = {
    FIELD_ID  ("id",           struct zone, id, .identity = IDENTITY_ZONE, .flags = FIELD_READ_ONLY, .help = "The zone"),
    FIELD_TEXT("name",         struct zone, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME, .example = "us-west-2a", .help = "Unique name"),
    FIELD_ENUM("driver",       struct zone, driver, .flags = FIELD_CREATE_ONLY, .values = drivers, .fallback = "sim", .help = "How instances get onto its nodes; sim stands for nodes nobody has here"),
    FIELD_INT ("lead_s",       struct zone, lead_s, .least = 0, .most = 86400, .fallback = "0", .example = "300", .help = "How long before its window an instance is started, in seconds"),
    FIELD_INT ("preemption_notice_s", struct zone, preemption_notice_s, .least = 0, .most = 86400, .fallback = "120", .help = "How long before its end a preemptible instance is told that it gives way, in seconds"),
    FIELD_INT ("sim_start_s",  struct zone, sim_start_s, .least = 0, .most = 86400, .fallback = "0", .help = "sim: seconds an instance takes to start"),
    FIELD_INT ("sim_stop_s",   struct zone, sim_stop_s, .least = 0, .most = 86400, .fallback = "0", .help = "sim: seconds an instance takes to stop"),
    FIELD_INT ("sim_fail_ppm", struct zone, sim_fail_ppm, .least = 0, .most = 1000000, .fallback = "0", .help = "sim: probability that a start fails, in millionths"),
    FIELD_INT ("sim_seed",     struct zone, sim_seed, .fallback = "1", .help = "sim: seed of its faults"),
    FIELD_TIME("created_at",   struct zone, created_at, .flags = FIELD_READ_ONLY, .help = "Domain time"),
    FIELDS_END,
};
// clang-format on

static const struct schema zone_schema = {"Zone", zone_fields, sizeof(struct zone)};

struct zone_query {
    const char *name;
};
static const struct field zone_query_fields[] = {
    FIELD_TEXT("name", struct zone_query, name, .help = "Only the zone of this name"),
    FIELDS_END,
};
static const struct schema zone_query_schema = {"ZoneQuery", zone_query_fields, sizeof(struct zone_query)};

#define ZONE_COLUMNS                                                                                                   \
    "id, name, driver, lead_s, preemption_notice_s, sim_start_s, sim_stop_s, sim_fail_ppm, sim_seed,"                  \
    " extract(epoch FROM created_at)::bigint AS created_at, revision AS wish_revision"

static const struct db_stmt statement_list = {
    .name = "zone_list",
    .sql = "SELECT " ZONE_COLUMNS ", id AS page_key FROM zone"
           " WHERE ($1::uuid IS NULL OR id > $1::uuid) AND ($3::text IS NULL OR name = $3::text)"
           " ORDER BY id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "zone_get",
    .sql = "SELECT " ZONE_COLUMNS " FROM zone WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "zone_create",
    .sql = "INSERT INTO zone (id, name, driver, lead_s, sim_start_s, sim_stop_s, sim_fail_ppm, sim_seed,"
           "  preemption_notice_s)"
           " VALUES ($1::uuid, $2, $3, $4::integer, $5::integer, $6::integer, $7::integer, $8::bigint, $9::integer)"
           " ON CONFLICT (name) DO NOTHING RETURNING " ZONE_COLUMNS,
    .params = 9,
};

static const struct db_stmt statement_lock = {
    .name = "zone_lock",
    .sql = "SELECT " ZONE_COLUMNS " FROM zone WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock zone_lock = {.stmt = &statement_lock, .noun = "zone"};

static const struct db_stmt statement_replace = {
    .name = "zone_replace",
    .sql = "UPDATE zone SET lead_s = $2::integer, sim_start_s = $3::integer, sim_stop_s = $4::integer,"
           " sim_fail_ppm = $5::integer, sim_seed = $6::bigint, preemption_notice_s = $7::integer,"
           " revision = revision + 1 WHERE id = $1::uuid RETURNING " ZONE_COLUMNS,
    .params = 7,
};

/* What names it, or did. Whole numbers only as far as anybody counts on: a zone may have millions of reservations. */
static const struct db_stmt statement_uses = {
    .name = "zone_uses",
    .sql = "SELECT concat_ws(', ', nullif(n.present, 0) || ' nodes', nullif(n.retired, 0) || ' retired nodes',"
           "   nullif(q.number, 0) || ' quotas', nullif(m.number, 0) || ' maintenance windows',"
           "   CASE WHEN EXISTS (SELECT FROM reservation WHERE zone_id = $1::uuid) THEN 'reservations' END)"
           " FROM (SELECT count(*) FILTER (WHERE retired_at IS NULL) AS present, count(retired_at) AS retired"
           "         FROM node WHERE zone_id = $1::uuid) n,"
           "      (SELECT count(*) AS number FROM quota WHERE zone_id = $1::uuid) q,"
           "      (SELECT count(*) AS number FROM maintenance_window WHERE zone_id = $1::uuid) m",
    .params = 1,
};

/* Fabrics and racks come with nodes, so there are none. */
static const struct db_stmt statement_delete = {
    .name = "zone_delete",
    .sql = "DELETE FROM zone WHERE id = $1::uuid RETURNING revision + 1",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct zone_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "zone", reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct zone *wish = request->body;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, wish->name, wish->driver, request_int(request, wish->lead_s),
                              request_int(request, wish->sim_start_s), request_int(request, wish->sim_stop_s),
                              request_int(request, wish->sim_fail_ppm), request_int(request, wish->sim_seed),
                              request_int(request, wish->preemption_notice_s)),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "a zone named '%s' exists already", wish->name);
    response_object(request, response, 201, zone_fields, result, 0);
    request->wakes_planner = true;
    return request_event(request, NULL, request->new_id, "zone", request->new_id, 1, "zone.created", reterr);
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct zone *wish = request->body;
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *result = NULL;
    enum err_kind kind = request_run(
        request, &statement_replace,
        DB_PARAMS(request->object, request_int(request, wish->lead_s), request_int(request, wish->sim_start_s),
                  request_int(request, wish->sim_stop_s), request_int(request, wish->sim_fail_ppm),
                  request_int(request, wish->sim_seed), request_int(request, wish->preemption_notice_s)),
        &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response_object(request, response, 200, zone_fields, result, 0);
    request->wakes_planner = true;
    int64_t revision = db_int(result, 0, PQfnumber(result, "wish_revision"), 0);
    return request_event(request, NULL, request->object, "zone", request->object, revision, "zone.changed", reterr);
}

static enum err_kind remove_zone(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *uses = NULL;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_uses, DB_PARAMS(request->object), &uses, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_text(uses, 0, 0)[0] != '\0')
        return err_set_code(reterr, ERR_CONFLICT, "zone_in_use", "the zone is used by %s", db_text(uses, 0, 0));
    kind = request_run(request, &statement_delete, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    request->wakes_planner = true;
    return request_event(request, NULL, request->object, "zone", request->object, db_int(result, 0, 0, 0),
                         "zone.removed", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_ZONE
static const struct route zone_routes[] = {
    {GET,   "/v1/zones",             ROLES_EVERY,          RATE_READ,  .query = &zone_query_schema, .answer = &zone_schema, .is_list = true, .run = list, .summary = "List zones"},
    {GET,   "/v1/zones/{id}",        ROLES_EVERY,          RATE_READ,  .answer = &zone_schema, ONE, .run = get, .summary = "One zone"},
    {GET,   "/v1/system/zones",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &zone_query_schema, .answer = &zone_schema, .is_list = true, .run = list, .summary = "List zones"},
    {GET,   "/v1/system/zones/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &zone_schema, ONE, .run = get, .summary = "One zone"},
    {POST,  "/v1/system/zones",      ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &zone_schema, .answer = &zone_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make a zone"},
    {PUT,   "/v1/system/zones/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &zone_schema, .answer = &zone_schema, ONE, .lock = &zone_lock, .run = replace, .summary = "Tune a zone: all of it"},
    {PATCH, "/v1/system/zones/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &zone_schema, .answer = &zone_schema, ONE, .lock = &zone_lock, .run = replace, .summary = "Tune a zone: what is given"},
    {DELETE, "/v1/system/zones/{id}", ROLES_SYSTEM_OPERATE, RATE_WRITE, ONE, .lock = &zone_lock, .status = 204, .run = remove_zone, .problems = PROBLEMS("zone_in_use"), .summary = "Remove a zone that was never used"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const zone_statements[] = {
    &statement_list,    &statement_get,  &statement_create, &statement_lock,
    &statement_replace, &statement_uses, &statement_delete, NULL};

const struct resource zone_resource = {"zones", zone_routes, zone_statements, "The places that are planned as one."};
