/* One operation of the OpenAPI document. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include "api/server/server.h"
#include "common/must.h"

#include <ctype.h>
#include <string.h>

static const char *const rate_texts[] = {"read", "write", "report"};

const char *openapi_operation_id(struct arena *arena, const struct route *route)
{
    const char *path = route->path + (strncmp(route->path, "/v1/", 4) == 0 ? 4 : 1);
    char *text = arena_format(arena, "%s_%s", openapi_methods[route->method], path);
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

const char *openapi_body_name(struct arena *arena, const struct route *route)
{
    static const char *const endings[METHOD_COUNT] = {[POST] = "Request", [PUT] = "Replacement", [PATCH] = "Patch"};
    return arena_format(arena, "%s%s", route->body == NULL ? "Empty" : route->body->name, endings[route->method]);
}

/* ---- Parameters ---- */

static void write_parameter(struct json_out *out, const char *name, const char *in, bool required, const char *help,
                            const struct field *schema)
{
    json_out_open(out, '{');
    openapi_text(out, "name", name);
    openapi_text(out, "in", in);
    json_out_key(out, "required");
    json_out_bool(out, required);
    openapi_text(out, "description", help);
    json_out_key(out, "schema");
    field_write_value_schema(schema, true, out);
    json_out_close(out, '}');
}

static void write_path_parameters(struct json_out *out, const struct route *route)
{
    for (const char *brace = strchr(route->path, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
        const char *name = arena_text_n(out->arena, brace + 1, strcspn(brace + 1, "}"));
        bool is_id = route->has_id && strcmp(name, "id") == 0;
        const struct field schema = {
            .type = is_id ? FIELD_TYPE_ID : FIELD_TYPE_TEXT, .identity = route->id, .help = "As an answer had it"};
        write_parameter(out, name, "path", true, "Which object", &schema);
    }
}

static void write_query_parameters(struct json_out *out, const struct field *fields)
{
    for (const struct field *field = fields; field != NULL && field->name != NULL; field++)
        write_parameter(out, field->name, "query", (field->flags & FIELD_REQUIRED) != 0, field->help, field);
}

static void write_parameters(struct json_out *out, const struct route *route)
{
    json_out_key(out, "parameters");
    json_out_open(out, '[');
    write_path_parameters(out, route);
    write_query_parameters(out, route->query == NULL ? NULL : route->query->fields);
    write_query_parameters(out, query_general(route));
    for (const struct openapi_parameter *row = openapi_parameters; row->key != NULL; row++) {
        if (row->when(route))
            openapi_ref(out, "parameters", row->key);
    }
    json_out_close(out, ']');
}

/* ---- What is sent ---- */

static void write_request_type(struct json_out *out, const struct route *route, const char *type)
{
    json_out_key(out, type);
    json_out_open(out, '{');
    json_out_key(out, "schema");
    openapi_ref(out, "schemas", openapi_body_name(out->arena, route));
    json_out_key(out, "example");
    field_write_example(openapi_body_fields(out->arena, route), true, out);
    json_out_close(out, '}');
}

/* Appends a line of CSV: the names of an example's members, nested ones with dots, or their values. */
static const char *csv_line(struct arena *arena, const char *line, const char *prefix, json_t *example, bool is_head)
{
    const char *name;
    json_t *member;
    json_object_foreach(example, name, member)
    {
        const char *path = arena_format(arena, "%s%s", prefix, name);
        const char *comma = line[0] == '\0' ? "" : ",";
        if (json_is_object(member))
            line = csv_line(arena, line, arena_format(arena, "%s.", path), member, is_head);
        else if (is_head || json_is_string(member))
            line = arena_format(arena, "%s%s%s", line, comma, is_head ? path : json_string_value(member));
        else
            line = arena_format(arena, "%s%s%lld", line, comma, (long long)json_integer_value(member));
    }
    return line;
}

/* A header that names fields of the route's body, and a row per object. */
static void write_csv_type(struct json_out *out, const struct route *route)
{
    struct json_out text;
    json_out_init(&text, out->arena);
    field_write_example(openapi_body_fields(out->arena, route), true, &text);
    json_error_t error;
    json_t *example = json_loads(json_out_finish(&text), 0, &error);
    must(example != NULL); /* we wrote it */
    json_out_key(out, "text/csv");
    json_out_open(out, '{');
    json_out_key(out, "schema");
    json_out_open(out, '{');
    openapi_text(out, "type", "string");
    json_out_close(out, '}');
    openapi_text(out, "example",
                 arena_format(out->arena, "%s\r\n%s\r\n", csv_line(out->arena, "", "", example, true),
                              csv_line(out->arena, "", "", example, false)));
    json_out_close(out, '}');
    json_decref(example);
}

static void write_request(struct json_out *out, const struct route *route)
{
    if (route->body == NULL && route->method != POST)
        return;
    json_out_key(out, "requestBody");
    json_out_open(out, '{');
    json_out_key(out, "required");
    json_out_bool(out, route->body != NULL);
    json_out_key(out, "content");
    json_out_open(out, '{');
    if (route->takes_csv)
        write_csv_type(out, route);
    else
        write_request_type(out, route, "application/json");
    if (route->method == PATCH)
        write_request_type(out, route, "application/merge-patch+json");
    json_out_close(out, '}');
    json_out_close(out, '}');
}

/* ---- What is answered ---- */

static void write_list_schema(struct json_out *out, const char *name)
{
    json_out_open(out, '{');
    json_out_raw(out,
                 "\"type\":\"object\",\"required\":[\"items\",\"next_page\"],\"properties\":{\"next_page\":{\"type\":"
                 "[\"string\",\"null\"],\"description\":\"For ?page=; null: this is the last page\"},"
                 "\"items\":{\"type\":\"array\",\"items\":");
    out->needs_comma = false;
    openapi_ref(out, "schemas", name);
    json_out_bytes(out, "}}", 2);
    json_out_close(out, '}');
}

/* With what ?validate_only=true tells beside the object. */
static void write_preview_schema(struct json_out *out, const struct route *route)
{
    json_out_open(out, '{');
    json_out_key(out, "allOf");
    json_out_open(out, '[');
    if (route->answer != NULL)
        openapi_ref(out, "schemas", route->answer->name);
    openapi_ref(out, "schemas", "Preview");
    json_out_close(out, ']');
    json_out_close(out, '}');
}

static void write_answer_schema(struct json_out *out, const struct route *route, int status, enum form form)
{
    if (status == 200 && openapi_has_preview(route))
        write_preview_schema(out, route);
    else if (form != FORM_JSON)
        json_out_raw(out, "{\"type\":\"string\"}");
    else if (route->answer == NULL)
        json_out_raw(out, "{\"type\":\"object\"}");
    else if (route->is_list)
        write_list_schema(out, route->answer->name);
    else
        openapi_ref(out, "schemas", route->answer->name);
}

static void write_content(struct json_out *out, const struct route *route, int status)
{
    json_out_key(out, "content");
    json_out_open(out, '{');
    for (int form = 0; form < FORM_COUNT; form++) {
        if ((route_forms(route) & FORM_MASK(form)) == 0)
            continue;
        json_out_key(out, form_types[form]);
        json_out_open(out, '{');
        json_out_key(out, "schema");
        write_answer_schema(out, route, status, (enum form)form);
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static void write_headers(struct json_out *out, const struct route *route)
{
    json_out_key(out, "headers");
    json_out_open(out, '{');
    for (const struct openapi_header *row = openapi_headers; row->name != NULL; row++) {
        if (row->when == NULL || !row->when(route))
            continue;
        json_out_key(out, row->name);
        openapi_ref(out, "headers", row->name);
    }
    json_out_close(out, '}');
}

static void write_success(struct json_out *out, const struct resource *const *resources, const struct route *route,
                          int status, const char *meaning)
{
    json_out_key(out, arena_format(out->arena, "%d", status));
    json_out_open(out, '{');
    openapi_text(out, "description", meaning);
    write_headers(out, route);
    if (status != 204 && status < 300)
        write_content(out, route, status);
    if (status < 300)
        openapi_write_links(out, resources, route);
    json_out_close(out, '}');
}

static const char *meaning_of(int status)
{
    return status == 201   ? "Made"
           : status == 202 ? "Taken; the verdict is still to come"
           : status == 303 ? "Led on"
                           : "Done";
}

/* What 200 is where it is not what a change is answered with. */
static const char *meaning_of_200(const struct route *route)
{
    bool has_replay = route->replay != NULL;
    if (!openapi_has_preview(route))
        return has_replay ? "A repetition: the object as it is now" : NULL;
    return has_replay ? "A repetition: the object as it is now; with validate_only, the object as it would be"
                      : "With validate_only: the object as it would be";
}

static void write_successes(struct json_out *out, const struct resource *const *resources, const struct route *route)
{
    int status = route_status(route);
    write_success(out, resources, route, status, meaning_of(status));
    if (status != 200 && meaning_of_200(route) != NULL)
        write_success(out, resources, route, 200, meaning_of_200(route));
    if (route->waits && status != 202)
        write_success(out, resources, route, 202, meaning_of(202));
    if (openapi_has_etag(route))
        write_success(out, resources, route, 304, "If-None-Match has its ETag");
}

/* ---- Problems: by status, with their codes ---- */

static const char *codes_of_status(struct arena *arena, const struct route *route, int status)
{
    const char *list = NULL;
    for (const struct problem_code *row = problem_next(NULL, status); row != NULL; row = problem_next(row, status)) {
        if (!openapi_may_answer(route, row->code))
            continue;
        list = list == NULL ? row->code : arena_format(arena, "%s, %s", list, row->code);
    }
    return list;
}

static void write_problems(struct json_out *out, const struct route *route)
{
    for (int status = 400; status < 600; status++) {
        const char *codes = codes_of_status(out->arena, route, status);
        if (codes == NULL)
            continue;
        json_out_key(out, arena_format(out->arena, "%d", status));
        json_out_open(out, '{');
        openapi_text(out, "$ref", arena_format(out->arena, "#/components/responses/Problem%d", status));
        openapi_text(out, "description", codes);
        json_out_close(out, '}');
    }
}

/* ---- The operation ---- */

static void write_roles(struct json_out *out, const struct route *route)
{
    json_out_key(out, "x-sluice-roles");
    json_out_open(out, '[');
    for (unsigned bit = 0; bit < 16; bit++) {
        if ((route->roles >> bit & 1) != 0)
            json_out_text(out, role_text((enum role)(1U << bit)));
    }
    json_out_close(out, ']');
}

void openapi_write_operation(struct json_out *out, const struct resource *const *resources,
                             const struct resource *resource, const struct route *route)
{
    json_out_key(out, openapi_methods[route->method]);
    json_out_open(out, '{');
    openapi_text(out, "operationId", openapi_operation_id(out->arena, route));
    openapi_text(out, "summary", route->summary);
    json_out_key(out, "tags");
    json_out_open(out, '[');
    json_out_text(out, resource->name);
    json_out_close(out, ']');
    write_roles(out, route);
    openapi_text(out, "x-sluice-rate", rate_texts[route->rate]);
    if (route->roles != ROLES_NONE && !route->needs_no_scope)
        openapi_text(out, "x-sluice-scope",
                     arena_format(out->arena, "%s:%s", resource->name, route->method == GET ? "read" : "write"));
    if (route->roles == ROLES_NONE)
        json_out_raw(out, "\"security\":[]");
    write_parameters(out, route);
    write_request(out, route);
    json_out_key(out, "responses");
    json_out_open(out, '{');
    write_successes(out, resources, route);
    write_problems(out, route);
    json_out_close(out, '}');
    json_out_close(out, '}');
}
