/* From the fields of a wish to the members that the planner's kinds read (provisioner/question/terms.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning_wish.h"

#include <string.h>

static const struct db_stmt statement_type = {
    .name = "planning_type",
    .sql = "SELECT gpu_count, gpu_milli, cpu_milli, memory_mib, to_json(gpu_models), retired"
           "  FROM instance_type WHERE name = $1",
    .params = 1,
};

const struct db_stmt *const planning_wish_statements[] = {&statement_type, NULL};

static enum err_kind find_type(struct request *request, const char *pointer, const char *name,
                               struct planning_shape *ret, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_type, DB_PARAMS(name), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, pointer, "unknown_instance_type", "there is no instance type '%.63s'",
                          name);
        return ERR_NONE;
    }
    if (db_bool(result, 0, 5))
        field_problem_add(&request->problems, pointer, "instance_type_retired", "'%.63s' is retired", name);
    *ret = (struct planning_shape){
        .gpus = db_int(result, 0, 0, 0),
        .gpu_milli = db_int(result, 0, 1, 0),
        .cpu_milli = db_int(result, 0, 2, 0),
        .memory_mib = db_int(result, 0, 3, 0),
        .gpu_models = db_text(result, 0, 4),
        .sku_kind = "instance_type",
        .sku = name,
    };
    return ERR_NONE;
}

static const char *json_of(struct arena *arena, const struct field_list *list)
{
    struct json_out out;
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    for (size_t i = 0; i < list->count; i++)
        json_out_text(&out, list->items[i]);
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

static void read_shape(struct request *request, const char *pointer, const struct reservation_shape *given,
                       struct planning_shape *ret)
{
    if ((given->gpus == FIELD_NULL) == (given->gpu_milli == FIELD_NULL))
        field_problem_add(&request->problems, pointer, "missing_field", "give either gpus or gpu_milli");
    *ret = (struct planning_shape){
        .gpus = given->gpus == FIELD_NULL ? 0 : given->gpus,
        .gpu_milli = given->gpu_milli == FIELD_NULL ? 0 : given->gpu_milli,
        .cpu_milli = given->cpu_milli,
        .memory_mib = given->memory_mib,
        .gpu_models = json_of(request->arena, &given->gpu_models),
        .sku_kind = "gpu_model",
        .sku = given->gpu_models.count == 1 ? given->gpu_models.items[0] : NULL,
    };
}

enum err_kind planning_shape_find(struct request *request, const char *below, const struct reservation *wish,
                                  bool has_shape, struct planning_shape *ret, struct err *reterr)
{
    const char *pointer = arena_format(request->arena, "%s/%s", below, has_shape ? "shape" : "instance_type");
    if (has_shape == (wish->instance_type != NULL)) {
        field_problem_add(&request->problems, pointer, has_shape ? "out_of_range" : "missing_field",
                          "give either instance_type or shape");
        return ERR_NONE;
    }
    if (!has_shape)
        return find_type(request, pointer, wish->instance_type, ret, reterr);
    read_shape(request, pointer, &wish->shape, ret);
    return ERR_NONE;
}

static void int_out(struct json_out *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

static void text_out(struct json_out *out, const char *key, const char *value)
{
    json_out_key(out, key);
    json_out_text(out, value);
}

static void bool_out(struct json_out *out, const char *key, bool value)
{
    json_out_key(out, key);
    json_out_bool(out, value);
}

void planning_terms_ask(struct json_out *body, const struct reservation *wish, const struct planning_shape *shape,
                        const char *tenant_id)
{
    json_out_key(body, "terms");
    json_out_open(body, '{');
    text_out(body, "tenant", tenant_id);
    int_out(body, "count", wish->count);
    int_out(body, "gpus", shape->gpus);
    int_out(body, "gpu_milli", shape->gpu_milli);
    int_out(body, "cpu_milli", shape->cpu_milli);
    int_out(body, "memory_mib", shape->memory_mib);
    json_out_key(body, "gpu_models");
    json_out_raw(body, shape->gpu_models);
    text_out(body, "scope", wish->placement.within);
    bool_out(body, "scope_preferred", strcmp(wish->placement.mode, "preferred") == 0);
    text_out(body, "spread", wish->placement.spread);
    bool_out(body, "preemptible", strcmp(wish->tier, "preemptible") == 0);
    json_out_close(body, '}');
}
