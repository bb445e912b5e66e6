/* Whatever body comes: each problem has its JSON pointer, code and detail; and of what is accepted nothing is lost: it
 * prints, what was sent is in the print, the print reads back as the same, and the published schema allows it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "tests/fuzz/fuzz.h"

#include <strings.h>

struct inner {
    int64_t gpus;
    const char *model;
};

struct thing {
    const char *name, *text, *mode, *day, *zone, *labels;
    int64_t count, any, at, amount;
    bool is_open;
    struct field_money price, fee;
    struct field_list models;
    struct field_span range;
    struct inner shape;
};

static const char *const modes[] = {"fast", "slow", NULL};

static const struct field inner_fields[] = {
    FIELD_INT("gpus", struct inner, gpus, .flags = FIELD_REQUIRED, .least = 1, .most = 8, .help = "h"),
    FIELD_TEXT("model", struct inner, model, .flags = FIELD_NULLABLE, .help = "h"),
    FIELDS_END,
};

/* Every type that a body can have. */
static const struct field fields[] = {
    FIELD_TEXT("name", struct thing, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern = FIELD_NAME,
               .help = "h"),
    FIELD_TEXT("text", struct thing, text, .flags = FIELD_NULLABLE, .least = 0, .most = 12, .help = "h"),
    FIELD_ENUM("mode", struct thing, mode, .values = modes, .fallback = "fast", .help = "h"),
    FIELD_INT("count", struct thing, count, .least = 1, .most = 100, .fallback = "3", .help = "h"),
    FIELD_INT("any", struct thing, any, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_BOOL("is_open", struct thing, is_open, .help = "h"),
    FIELD_TIME("at", struct thing, at, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_SPAN("range", struct thing, range, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .help = "h"),
    FIELD_DATE("day", struct thing, day, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_ID("zone", struct thing, zone, .identity = IDENTITY_ZONE, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_AMOUNT("amount", struct thing, amount, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_MONEY("price", struct thing, price, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_MONEY("fee", struct thing, fee, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "h"),
    FIELD_LIST("models", struct thing, models, .flags = FIELD_NULLABLE, .most = 3, .help = "h"),
    FIELD_MAP("labels", struct thing, labels, .flags = FIELD_NULLABLE, .help = "h"),
    FIELD_OBJECT("shape", struct thing, shape, .flags = FIELD_OPTIONAL, .fields = inner_fields, .help = "h"),
    FIELDS_END,
};
static const struct schema schema = {"Thing", fields, sizeof(struct thing)};

/* ---- The schema that is published, and a validator of the little of JSON Schema that it uses ---- */

static bool has_type(const json_t *types, const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object", [JSON_ARRAY] = "array",  [JSON_STRING] = "string", [JSON_INTEGER] = "integer",
        [JSON_REAL] = "number",   [JSON_TRUE] = "boolean", [JSON_FALSE] = "boolean", [JSON_NULL] = "null"};
    const char *name = names[json_typeof(value)];
    if (json_is_string(types))
        return strcmp(json_string_value(types), name) == 0;
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (strcmp(json_string_value(json_array_get(types, i)), name) == 0)
            return true;
    }
    return types == NULL;
}

static bool is_one_of(const json_t *values, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(values); i++) {
        if (json_equal(json_array_get(values, i), value) != 0)
            return true;
    }
    return values == NULL;
}

static void check_bounds(const json_t *rules, json_t *value)
{
    const json_t *least = json_object_get(rules, "minimum");
    const json_t *most = json_object_get(rules, "maximum");
    const json_t *longest = json_object_get(rules, "maxLength");
    if (json_is_integer(value) && least != NULL)
        must(json_integer_value(value) >= json_integer_value(least));
    if (json_is_integer(value) && most != NULL)
        must(json_integer_value(value) <= json_integer_value(most));
    if (json_is_string(value) && longest != NULL) /* in characters: at most four bytes each */
        must((json_int_t)json_string_length(value) <= 4 * json_integer_value(longest));
}

static void check_against(const json_t *rules, json_t *value)
{
    must(has_type(json_object_get(rules, "type"), value));
    must(is_one_of(json_object_get(rules, "enum"), value));
    check_bounds(rules, value);
    const json_t *properties = json_object_get(rules, "properties");
    const json_t *required = json_object_get(rules, "required");
    if (!json_is_object(value) || properties == NULL)
        return;
    for (size_t i = 0; i < json_array_size(required); i++)
        must(json_object_get(value, json_string_value(json_array_get(required, i))) != NULL);
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(value, name, member)
    {
        const json_t *property = json_object_get(properties, name);
        must(property != NULL);
        check_against(property, member);
    }
}

static const json_t *published_schema(void)
{
    static json_t *published;
    if (published == NULL) {
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct json_out out;
        json_out_init(&out, arena);
        field_write_schema(fields, true, &out);
        published = json_loads(json_out_finish(&out), JSON_REJECT_DUPLICATES, NULL);
    }
    must(published != NULL);
    return published;
}

/* ---- Reading as the server does ---- */

static void check_problem(const struct field_problem *problem)
{
    must(problem->pointer[0] == '\0' || problem->pointer[0] == '/');
    must(problem->code[0] != '\0' && problem->detail[0] != '\0');
}

/* NULL where it is refused. */
static const struct thing *read_body(struct arena *arena, enum method method, const char *text, size_t length)
{
    const struct route route = {.method = method, .body = &schema};
    struct request_internal internal = {.body_length = length};
    struct request *request = &internal.request;
    *request = (struct request){.arena = arena, .route = &route, .internal = &internal};
    request->method = method_texts[method];
    request->path = "/v1/things";
    request->problems.arena = arena;
    internal.body = arena_text_n(arena, text, length);

    struct err err = {0};
    enum err_kind kind = body_read(&internal, &err);
    const struct field_problems *problems = &request->problems;
    for (size_t i = 0; i < problems->count && i < FIELD_PROBLEMS_MAX; i++)
        check_problem(&problems->items[i]);
    must((kind == ERR_INVALID) == (problems->count > 0));
    must(kind == ERR_NONE || ((kind == ERR_INVALID || kind == ERR_MALFORMED) && err.code[0] != '\0'));
    return kind == ERR_NONE ? request->body : NULL;
}

static const char *printed(struct arena *arena, const struct thing *thing)
{
    struct json_out out;
    json_out_init(&out, arena);
    field_write_struct(fields, thing, &out);
    return json_out_finish(&out);
}

/* Is all that was sent in what is printed? Identifiers are printed in lower case. */
static bool holds(const json_t *printed, json_t *sent)
{
    if (printed == NULL) /* left out, where it is optional */
        return json_is_null(sent);
    if (json_is_string(sent) && json_is_string(printed))
        return strcasecmp(json_string_value(sent), json_string_value(printed)) == 0;
    if (!json_is_object(sent))
        return json_equal(printed, sent) != 0;
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(sent, name, member)
    {
        if (!holds(json_object_get(printed, name), member))
            return false;
    }
    return true;
}

static void check_accepted(struct arena *arena, const struct thing *thing, const uint8_t *data, size_t size)
{
    const char *text = printed(arena, thing);
    json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *sent = json_loadb((const char *)data, size, 0, NULL);
    must(answer != NULL && sent != NULL);
    (void)json_object_del(sent, "client_token"); /* it is no field of the object */
    must(holds(answer, sent));
    check_against(published_schema(), sent);
    json_decref(sent);
    json_decref(answer);

    const struct thing *again = read_body(arena, POST, text, strlen(text));
    must(again != NULL);
    must(strcmp(text, printed(arena, again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    const char *text = size == 0 ? "" : (const char *)data;
    const struct thing *thing = read_body(arena, POST, text, size);
    if (thing != NULL)
        check_accepted(arena, thing, data, size);
    (void)read_body(arena, PATCH, text, size);
    return 0;
}
