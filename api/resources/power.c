/* Power: what nodes of a kind take from the grid, and what a node took on a day where that is metered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/gpu_model.h"

#define READINGS_MAX 1000
#define WATTS_MAX    1000000

/* ---- Profiles ---- */

struct profile {
    const char *gpu_model;
    int64_t gpu_count, idle_w, full_w;
};

// clang-format off
static const struct field profile_fields[] = {
    FIELD_TEXT("gpu_model", struct profile, gpu_model, .flags = FIELD_REQUIRED, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .example = "H100", .help = "Nodes of this GPU model"),
    FIELD_INT ("gpu_count", struct profile, gpu_count, .flags = FIELD_REQUIRED, .least = 0, .most = 1000, .example = "8", .help = "And of so many GPUs"),
    FIELD_INT ("idle_w",    struct profile, idle_w, .flags = FIELD_REQUIRED, .least = 0, .most = WATTS_MAX, .example = "3400", .help = "Watts while no GPU works"),
    FIELD_INT ("full_w",    struct profile, full_w, .flags = FIELD_REQUIRED, .least = 0, .most = WATTS_MAX, .example = "10200", .help = "Watts while all work: what colocation is paid for; at least idle_w"),
    FIELDS_END,
};
// clang-format on
static const struct schema profile_schema = {"PowerProfile", profile_fields, sizeof(struct profile)};

static const struct db_stmt statement_profiles = {
    .name = "power_profiles",
    .sql = "SELECT gpu_model, gpu_count, idle_w, full_w, gpu_model || ' ' || gpu_count AS page_key FROM power_profile"
           " WHERE $1::text IS NULL OR gpu_model || ' ' || gpu_count > $1::text"
           " ORDER BY gpu_model || ' ' || gpu_count LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_put_profile = {
    .name = "power_put_profile",
    .sql = "INSERT INTO power_profile (gpu_model, gpu_count, idle_w, full_w)"
           " VALUES ($1, $2::integer, $3::integer, $4::integer) ON CONFLICT (gpu_model, gpu_count)"
           " DO UPDATE SET idle_w = excluded.idle_w, full_w = excluded.full_w"
           " RETURNING gpu_model, gpu_count, idle_w, full_w",
    .params = 4,
};

static enum err_kind profiles(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_profiles, DB_NO_PARAMS, reterr);
}

static enum err_kind put_profile(struct request *request, struct response *response, struct err *reterr)
{
    const struct profile *wish = request->body;
    if (wish->full_w < wish->idle_w) {
        field_problem_add(&request->problems, "/full_w", "out_of_range", "must be at least idle_w");
        return request_invalid(request, reterr);
    }
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_put_profile,
                                     DB_PARAMS(wish->gpu_model, request_int(request, wish->gpu_count),
                                               request_int(request, wish->idle_w), request_int(request, wish->full_w)),
                                     &result, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, profile_fields, result, 0);
    return kind;
}

/* ---- Readings ---- */

struct reading {
    const char *node, *day;
    int64_t watt_hours;
};
struct readings {
    struct field_rows items;
};

// clang-format off
static const struct field reading_fields[] = {
    FIELD_ID  ("node",       struct reading, node, .identity = IDENTITY_NODE, .flags = FIELD_REQUIRED, .help = "The node"),
    FIELD_DATE("day",        struct reading, day, .flags = FIELD_REQUIRED, .help = "UTC day, which is not closed"),
    FIELD_INT ("watt_hours", struct reading, watt_hours, .flags = FIELD_REQUIRED, .least = 0, .most = 100000000, .example = "163200", .help = "At the node, without what cooling and distribution add"),
    FIELDS_END,
};
static const struct field readings_fields[] = {
    FIELD_ROWS("items", struct readings, items, .flags = FIELD_REQUIRED, .fields = reading_fields, .size = sizeof(struct reading), .least = 0, .most = READINGS_MAX, .help = "One per node and day; a later one takes the place of an earlier"),
    FIELDS_END,
};
// clang-format on
static const struct schema reading_schema = {"EnergyReading", reading_fields, sizeof(struct reading)};
static const struct schema readings_schema = {"EnergyReadings", readings_fields, sizeof(struct readings)};

static const struct db_stmt statement_readings = {
    .name = "power_readings",
    .sql = "SELECT node_id AS node, day, watt_hours, day || ' ' || node_id AS page_key FROM node_energy"
           " WHERE $1::text IS NULL OR (day, node_id) > (split_part($1, ' ', 1)::date, split_part($1, ' ', 2)::uuid)"
           " ORDER BY day, node_id LIMIT $2::bigint",
    .params = 2,
};

/* Positions whose node is unknown, whose day is closed, or which name a node's day again. */
static const struct db_stmt statement_check = {
    .name = "power_check",
    .sql = "SELECT position - 1, n.id IS NULL, EXISTS (SELECT FROM billing_day b WHERE b.day >= x.day), again"
           "  FROM (SELECT *, row_number() OVER (PARTITION BY node, day ORDER BY position) > 1 AS again"
           "          FROM unnest($1::uuid[], $2::date[]) WITH ORDINALITY AS u (node, day, position)) x"
           "  LEFT JOIN node n ON n.id = x.node"
           " WHERE n.id IS NULL OR again OR EXISTS (SELECT FROM billing_day b WHERE b.day >= x.day) ORDER BY 1",
    .params = 2,
};

static const struct db_stmt statement_put = {
    .name = "power_put",
    .sql = "INSERT INTO node_energy (node_id, day, watt_hours)"
           " SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[])"
           " ON CONFLICT (node_id, day) DO UPDATE SET watt_hours = excluded.watt_hours",
    .params = 3,
};

static enum err_kind readings(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_readings, DB_NO_PARAMS, reterr);
}

static enum err_kind check(struct request *request, struct db_array *nodes, struct db_array *days, struct err *reterr)
{
    const PGresult *wrong = NULL;
    enum err_kind kind =
        request_run(request, &statement_check, DB_PARAMS(db_array_param(nodes), db_array_param(days)), &wrong, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(wrong); row++) {
        const char *pointer = arena_format(request->arena, "/items/%s", db_text(wrong, row, 0));
        if (db_bool(wrong, row, 1))
            field_problem_add(&request->problems, pointer, "unknown_node", "there is no such node");
        if (db_bool(wrong, row, 2))
            field_problem_add(&request->problems, pointer, "out_of_range", "the books of that day are closed");
        if (db_bool(wrong, row, 3))
            field_problem_add(&request->problems, pointer, "out_of_range",
                              "an item before it is of the same node and day");
    }
    return kind != ERR_NONE || request->problems.count == 0 ? kind : request_invalid(request, reterr);
}

static enum err_kind put(struct request *request, struct response *response, struct err *reterr)
{
    const struct readings *wish = request->body;
    const struct reading *items = wish->items.items;
    CLEANUP(db_array_clear) struct db_array nodes = {0};
    CLEANUP(db_array_clear) struct db_array days = {0};
    CLEANUP(db_array_clear) struct db_array amounts = {0};
    for (size_t i = 0; i < wish->items.count; i++) {
        db_array_text(&nodes, items[i].node);
        db_array_text(&days, items[i].day);
        db_array_int(&amounts, items[i].watt_hours);
    }
    enum err_kind kind = check(request, &nodes, &days, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return request_run(request, &statement_put,
                       DB_PARAMS(db_array_param(&nodes), db_array_param(&days), db_array_param(&amounts)), NULL,
                       reterr);
}

// clang-format off
static const struct route power_routes[] = {
    {GET,  "/v1/system/power-profiles",  ROLES_SYSTEM_READ,    RATE_READ,  .answer = &profile_schema, .is_list = true, .run = profiles, .summary = "What nodes of a kind take from the grid"},
    {PUT,  "/v1/system/power-profiles",  ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &profile_schema, .answer = &profile_schema, .run = put_profile, .summary = "Say what nodes of a kind take from the grid"},
    {GET,  "/v1/system/energy-readings", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &reading_schema, .is_list = true, .run = readings, .summary = "Metered energy by node and day"},
    {POST, "/v1/system/energy-readings", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &readings_schema, .status = 204, .run = put, .problems = PROBLEMS("unknown_node"), .summary = "Report the metered energy of nodes' days, which then holds instead of the profile"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const power_statements[] = {
    &statement_profiles, &statement_put_profile, &statement_readings, &statement_check, &statement_put, NULL};

const struct resource power_resource = {"power", power_routes, power_statements,
                                        "What nodes take from the grid: by meter, else by profile and use."};
