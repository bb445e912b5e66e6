/* The OpenAPI 3.1 document, from the tables of routes and fields. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include "api/server/server.h"
#include "common/alloc.h"
#include "common/must.h"

#include <string.h>

const char *const openapi_methods[METHOD_COUNT] = {"get", "post", "put", "patch", "delete"};

void openapi_text(struct json_out *out, const char *key, const char *value)
{
    json_out_key(out, key);
    json_out_text(out, value);
}

void openapi_ref(struct json_out *out, const char *section, const char *name)
{
    json_out_open(out, '{');
    openapi_text(out, "$ref", arena_format(out->arena, "#/components/%s/%s", section, name));
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
    for (const struct resource *const *resource = resources; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++) {
            if (strcmp(route->path, path) == 0)
                openapi_write_operation(out, resources, *resource, route);
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

/* ---- Tags ---- */

static bool is_first_of_tag(const struct resource *const *resources, const struct resource *wanted)
{
    while (strcmp((*resources)->name, wanted->name) != 0)
        resources++;
    return *resources == wanted;
}

static void write_tags(struct json_out *out, const struct resource *const *resources)
{
    json_out_key(out, "tags");
    json_out_open(out, '[');
    for (const struct resource *const *resource = resources; *resource != NULL; resource++) {
        if (!is_first_of_tag(resources, *resource))
            continue;
        json_out_open(out, '{');
        openapi_text(out, "name", (*resource)->name);
        openapi_text(out, "description", (*resource)->help);
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

/* ---- The whole ---- */

static const char about[] =
    "The control plane of a GPU cloud: tenants reserve instances for a window of time, operators run the fleet.\n\n"
    "Times are `YYYY-MM-DDTHH:MM:SSZ`, amounts decimal texts. Lists come in pages (`limit`, `page`), or as CSV by "
    "`Accept: text/csv`. An answer of 400 or more is a problem document (RFC 9457) whose `code` is explained at "
    "`/docs/errors`; the description of each such answer lists the codes that the operation gives. A POST with an "
    "`Idempotency-Key` may be repeated. `client_token` in a body is the same.";

/* Laid out, so that a change of the contract is a diff one can read. */
static char *lay_out(const json_t *document)
{
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    must(text != NULL);
    char *copy = alloc_text(text);
    free(text);
    return copy;
}

static json_t *write_document(const struct resource *const *resources)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct json_out out;
    json_out_init(&out, arena);
    json_out_open(&out, '{');
    openapi_text(&out, "openapi", "3.1.0");
    json_out_key(&out, "info");
    json_out_open(&out, '{');
    json_out_raw(
        &out,
        "\"title\":\"Sluice\",\"version\":\"1\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
    openapi_text(&out, "description", about);
    json_out_close(&out, '}');
    json_out_raw(&out, "\"servers\":[{\"url\":\"/\"}],\"security\":[{\"token\":[]},{\"session\":[]}]");
    write_tags(&out, resources);
    write_paths(&out, resources);
    openapi_write_components(&out, resources);
    json_out_close(&out, '}');
    json_error_t error;
    json_t *document = json_loads(json_out_finish(&out), JSON_REJECT_DUPLICATES, &error);
    must(document != NULL);
    return document;
}

char *openapi_write(const struct resource *const *resources, bool as_30)
{
    json_t *document = write_document(resources);
    if (as_30)
        openapi_downgrade(document);
    char *text = lay_out(document);
    json_decref(document);
    return text;
}
