/* The OpenAPI 3.1 document, from the tables of routes and fields. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/must.h"

#include <ctype.h>
#include <string.h>

#define PATHS_MAX   256
#define SCHEMAS_MAX 256

static const char *const method_keys[METHOD_COUNT] = {"get", "post", "put", "patch", "delete"};
static const char *const rate_texts[] = {"read", "write", "report"};

static void key_text(struct json_out *out, const char *key, const char *value)
{
    json_out_key(out, key);
    json_out_text(out, value);
}

static void write_ref(struct json_out *out, const char *name, const char *suffix)
{
    json_out_open(out, '{');
    key_text(out, "$ref", arena_format(out->arena, "#/components/schemas/%s%s", name, suffix));
    json_out_close(out, '}');
}

/* "GET /v1/zones/{id}" -> get_zones_by_id: stable, and what generated clients call their functions. */
static char *operation_id(struct arena *arena, const struct route *route)
{
    const char *path = route->path + (strncmp(route->path, "/v1/", 4) == 0 ? 4 : 1);
    char *text = arena_format(arena, "%s_%s", method_keys[route->method], path);
    char *write = text;
    for (const char *read = text; *read != '\0'; read++) {
        if (isalnum((unsigned char)*read) || *read == '_')
            *write++ = *read;
        else if (*read == '/' || *read == '-' || *read == '.')
            *write++ = '_';
    }
    *write = '\0';
    return text;
}

static void write_parameter(struct json_out *out, const char *name, const char *in, bool required, const char *help,
                            const char *schema)
{
    json_out_open(out, '{');
    key_text(out, "name", name);
    key_text(out, "in", in);
    json_out_key(out, "required");
    json_out_bool(out, required);
    key_text(out, "description", help);
    json_out_key(out, "schema");
    json_out_raw(out, schema);
    json_out_close(out, '}');
}

static void write_query_parameter(struct json_out *out, const struct field *field)
{
    static const char *const types[FIELD_TYPE_COUNT] = {
        [FIELD_TYPE_INT] = "{\"type\":\"integer\"}", [FIELD_TYPE_BOOL] = "{\"type\":\"boolean\"}"};
    const char *type = types[field->type] == NULL ? "{\"type\":\"string\"}" : types[field->type];
    write_parameter(out, field->name, "query", (field->flags & FIELD_REQUIRED) != 0, field->help, type);
}

static void write_conditions(struct json_out *out, const struct route *route)
{
    static const char text[] = "{\"type\":\"string\"}";
    bool is_object = route->method == GET && route->has_id && !route->is_list;
    if (route->lock != NULL)
        write_parameter(out, "If-Match", "header", false,
                        "412 unless it has the wish's part of the object's ETag, or *; a PUT of operators needs it",
                        text);
    if (is_object)
        write_parameter(out, "If-None-Match", "header", false, "304 where it has the object's ETag", text);
}

static void write_parameters(struct json_out *out, const struct route *route)
{
    json_out_key(out, "parameters");
    json_out_open(out, '[');
    for (const char *brace = strchr(route->path, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
        const char *name = arena_text_n(out->arena, brace + 1, strcspn(brace + 1, "}"));
        write_parameter(out, name, "path", true, "Which object", "{\"type\":\"string\"}");
    }
    for (const struct field *field = route->query == NULL ? NULL : route->query->fields;
         field != NULL && field->name != NULL; field++)
        write_query_parameter(out, field);
    if (query_general(route) != NULL)
        write_query_parameter(out, query_general(route));
    write_conditions(out, route);
    if (route->is_list) {
        write_parameter(out, "limit", "query", false, "Items per page",
                        "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}");
        write_parameter(out, "page", "query", false, "next_page of the page before", "{\"type\":\"string\"}");
    }
    if (route->method == POST)
        write_parameter(out, "Idempotency-Key", "header", false,
                        "The same key and request makes one object; also the body's client_token",
                        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}");
    json_out_close(out, ']');
}

static void write_content(struct json_out *out, const char *type)
{
    json_out_key(out, "content");
    json_out_open(out, '{');
    json_out_key(out, type);
    json_out_open(out, '{');
    json_out_key(out, "schema");
}

static void close_content(struct json_out *out)
{
    json_out_close(out, '}');
    json_out_close(out, '}');
}

static void write_answer(struct json_out *out, const struct route *route)
{
    int status = route->status != 0 ? route->status : route->method == POST && route->body != NULL ? 201 : 200;
    json_out_key(out, arena_format(out->arena, "%d", status));
    json_out_open(out, '{');
    key_text(out, "description", "Done");
    if (route->answer != NULL) {
        write_content(out, "application/json");
        if (route->is_list) {
            json_out_open(out, '{');
            json_out_raw(
                out,
                "\"type\":\"object\",\"required\":[\"items\",\"next_page\"],\"properties\":{\"next_page\":{\"type\":"
                "[\"string\",\"null\"]},\"items\":{\"type\":\"array\",\"items\":");
            out->needs_comma = false;
            write_ref(out, route->answer->name, "");
            json_out_bytes(out, "}}", 2);
            json_out_close(out, '}');
        } else {
            write_ref(out, route->answer->name, "");
        }
        close_content(out);
    }
    json_out_close(out, '}');
}

static void write_operation(struct json_out *out, const struct resource *resource, const struct route *route)
{
    json_out_key(out, method_keys[route->method]);
    json_out_open(out, '{');
    key_text(out, "operationId", operation_id(out->arena, route));
    key_text(out, "summary", route->summary);
    json_out_key(out, "tags");
    json_out_open(out, '[');
    json_out_text(out, resource->name);
    json_out_close(out, ']');
    json_out_key(out, "x-sluice-roles");
    json_out_open(out, '[');
    for (unsigned bit = 0; bit < 16; bit++) {
        if ((route->roles >> bit & 1) != 0)
            json_out_text(out, role_text((enum role)(1U << bit)));
    }
    json_out_close(out, ']');
    key_text(out, "x-sluice-rate", rate_texts[route->rate]);
    if (route->roles == ROLES_NONE)
        json_out_raw(out, "\"security\":[]");
    write_parameters(out, route);
    if (route->body != NULL) {
        json_out_key(out, "requestBody");
        json_out_open(out, '{');
        json_out_key(out, "required");
        json_out_bool(out, true);
        write_content(out, "application/json");
        write_ref(out, route->body->name, route->method == PATCH ? "Patch" : "Request");
        close_content(out);
        json_out_close(out, '}');
    }
    json_out_key(out, "responses");
    json_out_open(out, '{');
    write_answer(out, route);
    json_out_raw(out,
                 "\"default\":{\"description\":\"A problem (RFC 9457)\",\"content\":{\"application/problem+json\":{"
                 "\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}");
    json_out_close(out, '}');
    json_out_close(out, '}');
}

/* ---- Paths: each once, with all its methods ---- */

static bool is_first_of_path(const struct resource *const *resources, const struct route *wanted)
{
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            if (strcmp(route->path, wanted->path) == 0)
                return route == wanted;
        }
    }
    return false;
}

static void write_path(struct json_out *out, const struct resource *const *resources, const char *path)
{
    json_out_key(out, path);
    json_out_open(out, '{');
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            if (strcmp(route->path, path) == 0)
                write_operation(out, *resources, route);
        }
    }
    json_out_close(out, '}');
}

static void write_paths(struct json_out *out, const struct resource *const *resources)
{
    json_out_key(out, "paths");
    json_out_open(out, '{');
    for (const struct resource *const *resource = resources; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++) {
            if (is_first_of_path(resources, route))
                write_path(out, resources, route->path);
        }
    }
    json_out_close(out, '}');
}

/* ---- Schemas: each once ---- */

struct known {
    const char *names[SCHEMAS_MAX];
    size_t count;
};

static void write_schema(struct json_out *out, struct known *known, const char *name, const char *suffix,
                         const struct field *fields, bool for_request)
{
    const char *full = arena_format(out->arena, "%s%s", name, suffix);
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->names[i], full) == 0)
            return;
    }
    must(known->count < SCHEMAS_MAX);
    known->names[known->count++] = full;
    json_out_key(out, full);
    field_write_schema(fields, for_request, out);
}

/* A PATCH sends any of the fields that may change: none is required. */
static const struct field *patch_fields(struct arena *arena, const struct field *fields)
{
    size_t count = 0, kept = 0;
    while (fields[count].name != NULL)
        count++;
    struct field *patch = arena_alloc(arena, (count + 1) * sizeof *patch);
    for (size_t i = 0; i < count; i++) {
        if ((fields[i].flags & FIELD_CREATE_ONLY) != 0)
            continue;
        memcpy(&patch[kept], &fields[i], sizeof patch[kept]);
        patch[kept].flags &= ~(unsigned)FIELD_REQUIRED;
        patch[kept++].fallback = NULL;
    }
    return patch;
}

static void write_schemas(struct json_out *out, const struct resource *const *resources)
{
    struct known known = {.count = 0};
    json_out_key(out, "schemas");
    json_out_open(out, '{');
    json_out_raw(out,
                 "\"Money\":{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"string\",\"pattern\":"
                 "\"^-?(0|[1-9][0-9]*)\\\\.[0-9]{6}$\"},\"currency\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{3}$\"}},"
                 "\"additionalProperties\":false,\"required\":[\"amount\",\"currency\"]}");
    json_out_raw(
        out,
        "\"Problem\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":"
        "\"string\"},"
        "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"instance\":{\"type\":\"string\"},"
        "\"code\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},\"retryable\":{\"type\":\"boolean\"},"
        "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"pointer\":{\"type\":"
        "\"string\"},"
        "\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}},\"required\":[\"pointer\",\"code\","
        "\"detail\"]}}},"
        "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\",\"code\",\"request_id\",\"retryable\"]}");
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            if (route->answer != NULL)
                write_schema(out, &known, route->answer->name, "", route->answer->fields, false);
            if (route->body != NULL && route->method == PATCH)
                write_schema(out, &known, route->body->name, "Patch", patch_fields(out->arena, route->body->fields),
                             true);
            else if (route->body != NULL)
                write_schema(out, &known, route->body->name, "Request", route->body->fields, true);
        }
    }
    json_out_close(out, '}');
}

char *openapi_write(const struct resource *const *resources)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct json_out out;
    json_out_init(&out, arena);
    json_out_open(&out, '{');
    key_text(&out, "openapi", "3.1.0");
    json_out_raw(
        &out, "\"info\":{\"title\":\"Sluice\",\"version\":\"1\",\"description\":\"The control plane of a GPU cloud\","
              "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}");
    json_out_raw(&out, "\"servers\":[{\"url\":\"/\"}],\"security\":[{\"token\":[]}]");
    write_paths(&out, resources);
    json_out_key(&out, "components");
    json_out_open(&out, '{');
    json_out_raw(&out, "\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    write_schemas(&out, resources);
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    /* Laid out, so that a change of the contract is a diff one can read. */
    json_error_t error;
    json_t *document = json_loads(json_out_finish(&out), JSON_REJECT_DUPLICATES, &error);
    must(document != NULL);
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(document);
    must(text != NULL);
    char *copy = alloc_text(text);
    free(text);
    return copy;
}
