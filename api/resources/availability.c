/* Availability: how many instances of a type are free in each step of time, in one zone or in all. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning.h"
#include "api/resources/registry.h"

struct availability_query {
    const char *zone;
    const char *instance_type;
    struct planning_range range;
};

// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("zone",          struct availability_query, zone, .least = 1, .most = 63, .help = "Only the zone of this name"),
    FIELD_TEXT("instance_type", struct availability_query, instance_type, .least = 1, .most = 63, .help = "Only the instance type of this name"),
    PLANNING_RANGE_FIELDS(struct availability_query, range),
    FIELDS_END,
};

static const struct field item_fields[] = {
    FIELD_COLUMN("zone",          FIELD_TYPE_TEXT, .help = "The zone, by name"),
    FIELD_COLUMN("instance_type", FIELD_TYPE_TEXT, .help = "The type, by name"),
    FIELD_COLUMN("free",          FIELD_TYPE_JSON, .help = "For each step: how many more of them could run throughout it, on one GPU model, wherever in the zone; an integer each"),
    FIELDS_END,
};

static const struct field availability_fields[] = {
    FIELD_COLUMN("from",   FIELD_TYPE_TIME, .help = "Start of the first step"),
    FIELD_COLUMN("step_s", FIELD_TYPE_INT,  .help = "Length of each step in seconds"),
    FIELD_COLUMN("steps",  FIELD_TYPE_INT,  .help = "How many"),
    FIELD_COLUMN("items",  FIELD_TYPE_ROWS, .fields = item_fields, .help = "By zone and type"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"AvailabilityQuery", query_fields, sizeof(struct availability_query)};
static const struct schema availability_schema = {"Availability", availability_fields, 0};

static const struct db_stmt statement_zones = {
    .name = "availability_zones",
    .sql = "SELECT id FROM zone WHERE $1::text IS NULL OR name = $1::text ORDER BY name LIMIT $2::bigint",
    .params = 2,
};

// clang-format off
/* The types as the question has them. */
static const struct db_stmt statement_types = {
    .name = "availability_types",
    .sql = "SELECT count(*), json_agg(json_build_object('name', t.name, 'terms', " PLANNING_SQL_TERMS("t") ") ORDER BY t.name),"
           " bool_or(t.retired) FROM (SELECT * FROM instance_type"
           "  WHERE CASE WHEN $1::text IS NULL THEN NOT retired ELSE name = $1::text END ORDER BY name LIMIT 256) t",
    .params = 1,
};
// clang-format on

static enum err_kind find(struct request *request, const PGresult **ret_zones, const PGresult **ret_types,
                          struct err *reterr)
{
    const struct availability_query *query = request->query;
    enum err_kind kind =
        request_run(request, &statement_zones, DB_PARAMS(query->zone, request_int(request, QUESTIONS_PER_REQUEST_MAX)),
                    ret_zones, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_types, DB_PARAMS(query->instance_type), ret_types, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (query->zone != NULL && PQntuples(*ret_zones) == 0)
        field_problem_add(&request->problems, "?zone", "unknown_zone", "there is no zone '%s'", query->zone);
    if (query->instance_type != NULL && db_int(*ret_types, 0, 0, 0) == 0)
        field_problem_add(&request->problems, "?instance_type", "unknown_instance_type",
                          "there is no instance type '%s'", query->instance_type);
    else if (query->instance_type != NULL && db_bool(*ret_types, 0, 2))
        field_problem_add(&request->problems, "?instance_type", "instance_type_retired", "'%s' is retired",
                          query->instance_type);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static void write_items(struct json_out *out, const char *answer)
{
    CLEANUP(planning_json_freep) json_t *object = json_loads(answer, 0, NULL);
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(object, "items"), i, item)
    {
        planning_json_out(out, item);
    }
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    (void)reterr; /* it cannot fail */
    const struct availability_query *query = request->query;
    struct json_out *out = &response->body;
    response->status = 200;
    json_out_open(out, '{');
    planning_range_tell(&query->range, out);
    json_out_key(out, "items");
    json_out_open(out, '[');
    for (size_t i = 0; i < count; i++)
        write_items(out, answers[i]);
    json_out_close(out, ']');
    json_out_close(out, '}');
    return ERR_NONE;
}

static enum err_kind ask(struct request *request, struct response *response, struct err *reterr)
{
    struct availability_query *query = request->query;
    const PGresult *zones = NULL;
    const PGresult *types = NULL;
    enum err_kind kind = planning_range_read(request, &query->range, reterr);
    if (kind == ERR_NONE)
        kind = find(request, &zones, &types, reterr);
    if (kind != ERR_NONE)
        return kind;
    int count = PQntuples(zones);
    if (count == 0 || db_int(types, 0, 0, 0) == 0)
        return finish(request, response, NULL, 0, reterr); /* there is nobody to ask, or nothing */
    struct json_out body;
    json_out_init(&body, request->arena);
    json_out_open(&body, '{');
    planning_range_ask(&query->range, &body);
    json_out_key(&body, "types");
    json_out_raw(&body, db_text(types, 0, 1));
    json_out_close(&body, '}');
    struct question *questions = arena_alloc(request->arena, (size_t)count * sizeof *questions);
    for (int i = 0; i < count; i++)
        questions[i] =
            (struct question){.zone_id = db_text(zones, i, 0), .kind = "availability", .body = json_out_finish(&body)};
    return request_ask(request, questions, (size_t)count, 1, finish);
}

// clang-format off
static const struct route availability_routes[] = {
    {GET, "/v1/availability", ROLES_EVERY, RATE_REPORT, .query = &query_schema, .answer = &availability_schema, .has_items = true, .run = ask, .asks = true, .problems = PROBLEMS("unknown_zone", "window_in_past", "window_reversed", "too_much_asked", "unknown_instance_type", "instance_type_retired"), .summary = "How many instances of each type are free, step by step"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const availability_statements[] = {&statement_zones, &statement_types, NULL};

const struct resource availability_resource = {"availability", availability_routes, availability_statements,
                                               "Free capacity per step of a range."};
