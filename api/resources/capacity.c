/* Capacity: what the GPUs of each rack, leaf or fabric do over time. A page holds so many groups that groups times
 * steps stay within bounds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning.h"
#include "api/resources/registry.h"
#include "api/server/field_value.h"
#include "api/server/page_cursor.h"
#include "common/gpu_model.h"

#include <inttypes.h>
#include <string.h>

#define CELLS_MAX         10000 /* groups times steps of a page */
#define MILLI_S_PER_GPU_H INT64_C(3600000)
#define THOUSANDTHS       1000

struct capacity_query {
    const char *zone;
    const char *level;
    const char *gpu_model;
    const char *fabric;
    struct planning_range range;
};

static const char *const levels[] = {"rack", "leaf", "fabric", NULL};

// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("zone",      struct capacity_query, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "The zone, by name"),
    FIELD_ENUM("level",     struct capacity_query, level, .values = levels, .fallback = "rack", .help = "What GPUs are grouped by"),
    FIELD_TEXT("gpu_model", struct capacity_query, gpu_model, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .help = "Only GPUs of this model"),
    FIELD_TEXT("fabric",    struct capacity_query, fabric, .least = 1, .most = 63, .help = "Only groups within the fabric of this name"),
    PLANNING_RANGE_FIELDS(struct capacity_query, range),
    FIELDS_END,
};

static const struct field step_fields[] = {
    FIELD_COLUMN("starts_at",   FIELD_TYPE_TIME, .help = "Start of the step"),
    FIELD_COLUMN("held",        FIELD_TYPE_JSON, .help = "GPU-hours that tenants hold and keep, a number rounded to thousandths, as all of these"),
    FIELD_COLUMN("preemptible", FIELD_TYPE_JSON, .help = "GPU-hours that tenants hold and that give way"),
    FIELD_COLUMN("turnaround",  FIELD_TYPE_JSON, .help = "GPU-hours of cleaning between two tenants"),
    FIELD_COLUMN("maintenance", FIELD_TYPE_JSON, .help = "GPU-hours of maintenance windows"),
    FIELD_COLUMN("unplannable", FIELD_TYPE_JSON, .help = "GPU-hours of nodes that are cordoned or out of service"),
    FIELD_COLUMN("free",        FIELD_TYPE_JSON, .help = "GPU-hours that are left"),
    FIELDS_END,
};

static const struct field item_fields[] = {
    FIELD_COLUMN("level", FIELD_TYPE_TEXT, .help = "rack, leaf or fabric"),
    FIELD_COLUMN("name",  FIELD_TYPE_TEXT, .help = "Its name; unique within the fabric"),
    FIELD_COLUMN("fabric", FIELD_TYPE_TEXT, .help = "Its fabric's name"),
    FIELD_COLUMN("steps", FIELD_TYPE_ROWS, .fields = step_fields, .help = "What its GPUs do, step by step; the amounts of a step sum to all its GPUs"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"CapacityQuery", query_fields, sizeof(struct capacity_query)};
static const struct schema item_schema = {"Capacity", item_fields, 0};

/* A rack whose leaf is not known is one by itself. */
static const struct db_stmt statement_groups = {
    .name = "capacity_groups",
    .sql = "SELECT g.id, g.name, f.name, g.id AS page_key FROM ("
           "   SELECT id, name, fabric_id FROM rack WHERE $4 = 'rack'"
           "   UNION ALL SELECT id, name, fabric_id FROM leaf WHERE $4 = 'leaf'"
           "   UNION ALL SELECT id, name, fabric_id FROM rack WHERE $4 = 'leaf' AND leaf_id IS NULL"
           "   UNION ALL SELECT id, name, id FROM fabric WHERE $4 = 'fabric') g"
           " JOIN fabric f ON f.id = g.fabric_id"
           " WHERE f.zone_id = $3::uuid AND ($5::text IS NULL OR f.name = $5::text)"
           "   AND ($1::uuid IS NULL OR g.id > $1::uuid) ORDER BY g.id LIMIT $2::bigint",
    .params = 5,
};

/* What finish needs: the groups that were asked about, and whether there are more. */
struct capacity_page {
    const PGresult *groups;
    int shown;
};

/* Milli-GPU-seconds as GPU-hours, a number with three decimals at most. */
static void hours_out(struct arena *arena, struct json_out *out, const char *key, int64_t gpu_milli_s)
{
    int64_t thousandths = (gpu_milli_s + MILLI_S_PER_GPU_H / THOUSANDTHS / 2) / (MILLI_S_PER_GPU_H / THOUSANDTHS);
    json_out_key(out, key);
    json_out_raw(out,
                 arena_format(arena, "%" PRId64 ".%03" PRId64, thousandths / THOUSANDTHS, thousandths % THOUSANDTHS));
}

static void step_out(struct arena *arena, struct json_out *out, int64_t starts_s, const json_t *amounts)
{
    static const char *const names[] = {"held", "preemptible", "turnaround", "maintenance", "unplannable", "free"};
    json_out_open(out, '{');
    json_out_key(out, "starts_at");
    field_value_time(starts_s, out);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        hours_out(arena, out, names[i], json_integer_value(json_array_get(amounts, i)));
    json_out_close(out, '}');
}

static void item_out(struct request *request, struct json_out *out, const PGresult *groups, int row,
                     const json_t *steps)
{
    const struct capacity_query *query = request->query;
    const struct planning_range *range = &query->range;
    json_out_open(out, '{');
    json_out_key(out, "level");
    json_out_text(out, query->level);
    json_out_key(out, "name");
    json_out_text(out, db_text(groups, row, 1));
    json_out_key(out, "fabric");
    json_out_text(out, db_text(groups, row, 2));
    json_out_key(out, "steps");
    json_out_open(out, '[');
    for (int64_t i = 0; i < range->steps; i++)
        step_out(request->arena, out, range->from + i * range->step_s, json_array_get(steps, (size_t)i));
    json_out_close(out, ']');
    json_out_close(out, '}');
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    (void)reterr; /* it cannot fail */
    const struct capacity_page *page = request->asked;
    CLEANUP(planning_json_freep) json_t *answer = count == 0 ? NULL : json_loads(answers[0], 0, NULL);
    const json_t *items = json_object_get(answer, "items");
    struct json_out *out = &response->body;
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    for (int i = 0; i < page->shown; i++)
        item_out(request, out, page->groups, i, json_array_get(items, (size_t)i));
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    bool has_more = PQntuples(page->groups) > page->shown;
    json_out_text(out, has_more ? page_cursor_make(request, db_text(page->groups, page->shown - 1, 3)) : NULL);
    json_out_close(out, '}');
    return ERR_NONE;
}

static const char *body_of(struct request *request, const struct capacity_page *page)
{
    const struct capacity_query *query = request->query;
    struct json_out body;
    json_out_init(&body, request->arena);
    json_out_open(&body, '{');
    planning_range_ask(&query->range, &body);
    json_out_key(&body, "level");
    json_out_text(&body, query->level);
    json_out_key(&body, "gpu_model");
    json_out_text(&body, query->gpu_model);
    json_out_key(&body, "groups");
    json_out_open(&body, '[');
    for (int i = 0; i < page->shown; i++) {
        json_out_open(&body, '{');
        json_out_key(&body, "id");
        json_out_text(&body, db_text(page->groups, i, 0));
        json_out_close(&body, '}');
    }
    json_out_close(&body, ']');
    json_out_close(&body, '}');
    return json_out_finish(&body);
}

static enum err_kind ask(struct request *request, struct response *response, struct err *reterr)
{
    struct capacity_query *query = request->query;
    struct question *question = arena_alloc(request->arena, sizeof *question);
    struct capacity_page *shown = arena_alloc(request->arena, sizeof *shown);
    struct page page;
    request->asked = shown;
    enum err_kind kind = page_read(request, &page, reterr);
    if (kind == ERR_NONE)
        kind = planning_range_read(request, &query->range, reterr);
    if (kind == ERR_NONE)
        kind = planning_zone(request, query->zone, "?zone", &question->zone_id, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_groups,
                           DB_PARAMS(page.after, page.limit_sql, question->zone_id, query->level, query->fabric),
                           &shown->groups, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t fit = CELLS_MAX / query->range.steps;
    int64_t most = fit < page.limit ? fit : page.limit;
    shown->shown = PQntuples(shown->groups) > most ? (int)most : PQntuples(shown->groups);
    if (shown->shown == 0)
        return finish(request, response, NULL, 0, reterr);
    question->kind = "capacity";
    question->body = body_of(request, shown);
    return request_ask(request, question, 1, 1, finish);
}

// clang-format off
static const struct route capacity_routes[] = {
    {GET, "/v1/system/capacity", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &item_schema, .is_list = true, .run = ask, .asks = true, .problems = PROBLEMS("unknown_zone", "window_in_past", "window_reversed", "too_much_asked"), .summary = "What the GPUs of each rack do by time"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const capacity_statements[] = {&statement_groups, NULL};

const struct resource capacity_resource = {"capacity", capacity_routes, capacity_statements,
                                           "What the GPUs of each rack, leaf or fabric do, over time."};
