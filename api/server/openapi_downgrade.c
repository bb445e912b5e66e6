/* OpenAPI 3.1 as 3.0.3, for generators that lag. Mechanical: a null among the types becomes `nullable`, a reference has
 * no neighbours, a list of examples is its first, a licence has an address, and what 3.0 does not know goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include "common/must.h"

#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    must(json_object_set_new(object, key, value) == 0);
}

/* "type": ["string", "null"] -> "type": "string", "nullable": true */
static void turn_types(json_t *schema)
{
    const json_t *types = json_object_get(schema, "type");
    if (!json_is_array(types))
        return;
    must(json_array_size(types) == 2 && strcmp(json_string_value(json_array_get(types, 1)), "null") == 0);
    set(schema, "type", json_incref(json_array_get(types, 0)));
    set(schema, "nullable", json_true());
}

/* "anyOf": [{"$ref"}, {"type": "null"}] -> "allOf": [{"$ref"}], "nullable": true */
static void turn_nullable_reference(json_t *schema)
{
    json_t *any = json_object_get(schema, "anyOf");
    const char *last = json_string_value(json_object_get(json_array_get(any, 1), "type"));
    if (last == NULL || strcmp(last, "null") != 0)
        return;
    set(schema, "allOf", json_pack("[O]", json_array_get(any, 0)));
    set(schema, "nullable", json_true());
    (void)json_object_del(schema, "anyOf");
}

static void turn_examples(json_t *schema)
{
    const json_t *examples = json_object_get(schema, "examples");
    if (!json_is_array(examples))
        return;
    set(schema, "example", json_incref(json_array_get(examples, 0)));
    (void)json_object_del(schema, "examples");
}

static void turn_reference(json_t *object)
{
    json_t *reference = json_object_get(object, "$ref");
    if (!json_is_string(reference))
        return;
    json_t *kept = json_incref(reference);
    (void)json_object_clear(object);
    set(object, "$ref", kept);
}

/* Depth first. The document nests some twenty levels. */
static void turn(json_t *value)
{
    const char *key = NULL;
    json_t *below = NULL;
    size_t index = 0;
    json_array_foreach(value, index, below) turn(below);
    if (!json_is_object(value))
        return;
    json_object_foreach(value, key, below) turn(below);
    turn_types(value);
    turn_nullable_reference(value);
    turn_examples(value);
    turn_reference(value);
    (void)json_object_del(value, "propertyNames");
}

void openapi_downgrade(json_t *document)
{
    turn(document);
    set(document, "openapi", json_string("3.0.3"));
    json_t *license = json_object_get(json_object_get(document, "info"), "license");
    (void)json_object_del(license, "identifier");
    set(license, "url", json_string("https://www.apache.org/licenses/LICENSE-2.0"));
}
