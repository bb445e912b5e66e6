/* What the files that write the OpenAPI document share. Everything in it follows from the tables of resources, routes,
 * fields and problem codes; what an operation has because of what its route is stands in openapi_aspect.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/json_out.h"
#include "api/server/route.h"

extern const char *const openapi_methods[METHOD_COUNT]; /* "get", ... */

/* ---- Pieces ---- */
void openapi_text(struct json_out *out, const char *key, const char *value);
/* "key": {"$ref": "#/components/<section>/<name>"}; without a key within a list. */
void openapi_ref(struct json_out *out, const char *section, const char *name);
/* "GET /v1/zones/{id}" -> get_zones_by_id: stable, and what generated clients call their functions. */
const char *openapi_operation_id(struct arena *arena, const struct route *route);
/* What a POST sends of "Zone" is a "ZoneRequest", a PUT a "ZoneReplacement", a PATCH a "ZonePatch". */
const char *openapi_body_name(struct arena *arena, const struct route *route);
/* What the route reads in a body: ends with a NULL name. */
const struct field *openapi_body_fields(struct arena *arena, const struct route *route);

/* ---- What routes have ---- */

/* Is it so of the route? */
typedef bool openapi_aspect(const struct route *route);

/* A header of requests, or a query parameter that no table of fields names. */
struct openapi_parameter {
    openapi_aspect *when;
    const char *key; /* in components/parameters */
    const char *name, *in, *help, *schema;
};
extern const struct openapi_parameter openapi_parameters[]; /* ends with a NULL key */

struct openapi_header {
    openapi_aspect *when; /* NULL: of problems only */
    const char *name, *help, *schema;
};
extern const struct openapi_header openapi_headers[]; /* ends with a NULL name */

bool openapi_has_etag(const struct route *route);
/* Takes ?validate_only=true. */
bool openapi_has_preview(const struct route *route);
bool openapi_may_answer(const struct route *route, const char *code);

/* ---- Parts of the document ---- */
void openapi_write_operation(struct json_out *out, const struct resource *const *resources,
                             const struct resource *resource, const struct route *route);
/* "links" of an answer with one object: what may be done with it, and with the objects that it names. */
void openapi_write_links(struct json_out *out, const struct resource *const *resources, const struct route *route);
void openapi_write_components(struct json_out *out, const struct resource *const *resources);
void openapi_downgrade(json_t *document);
