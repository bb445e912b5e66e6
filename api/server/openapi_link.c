/* Links: an id in an answer is the {id} of every operation on that kind of object. So a client, or a test, goes from
 * what it made to reading, changing and ending it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include <string.h>

static bool is_of_system(const struct route *route)
{
    return strncmp(route->path, "/v1/system/", strlen("/v1/system/")) == 0;
}

/* Of the object itself everything is linked, of another that it names only the reading. */
static bool is_linked(const struct route *from, const struct field *field, const struct route *to)
{
    bool is_own = strcmp(field->name, "id") == 0;
    bool is_reading = to->method == GET && !to->is_list;
    return to != from && to->has_id && to->id == field->identity && is_of_system(from) == is_of_system(to) &&
           (is_own || is_reading);
}

/* Only ids that are there in every answer: a link that leads nowhere is none. */
static bool has_identity(const struct field *field)
{
    return field->type == FIELD_TYPE_ID && (field->flags & (FIELD_WRITE_ONLY | FIELD_OPTIONAL | FIELD_NULLABLE)) == 0;
}

static void write_link(struct json_out *out, const struct field *field, const struct route *to)
{
    const char *operation = openapi_operation_id(out->arena, to);
    bool is_own = strcmp(field->name, "id") == 0;
    json_out_key(out, is_own ? operation : arena_format(out->arena, "%s_%s", field->name, operation));
    json_out_open(out, '{');
    openapi_text(out, "operationId", operation);
    openapi_text(out, "description", to->summary);
    json_out_key(out, "parameters");
    json_out_open(out, '{');
    openapi_text(out, "id", arena_format(out->arena, "$response.body#/%s", field->name));
    json_out_close(out, '}');
    json_out_close(out, '}');
}

static void write_links_of(struct json_out *out, const struct resource *const *resources, const struct route *route,
                           const struct field *field)
{
    for (; *resources != NULL; resources++) {
        for (const struct route *to = (*resources)->routes; to->path != NULL; to++) {
            if (is_linked(route, field, to))
                write_link(out, field, to);
        }
    }
}

void openapi_write_links(struct json_out *out, const struct resource *const *resources, const struct route *route)
{
    if (route->answer == NULL || route->is_list)
        return;
    json_out_key(out, "links");
    json_out_open(out, '{');
    for (const struct field *field = route->answer->fields; field->name != NULL; field++) {
        if (has_identity(field))
            write_links_of(out, resources, route, field);
    }
    json_out_close(out, '}');
}
