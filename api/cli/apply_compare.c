/* Fields, one by one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_compare.h"

#include "api/cli/text.h"
#include "common/cleanup.h"
#include "common/must.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PART_SIZE 64 /* of a pointer; no field of the API is as long */

static bool is_declared(const char *field)
{
    static const char *const others[] = {"id", "status", "cost_delta", "warnings", "changed_at"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (strcmp(others[i], field) == 0)
            return false;
    }
    return true;
}

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static bool is_same(const json_t *before, const json_t *after)
{
    return (is_nothing(before) && is_nothing(after)) || json_equal(before, after) == 1;
}

static json_t *fields_of(const json_t *object)
{
    return json_is_object(object) ? (json_t *)(uintptr_t)object : NULL; /* jansson iterates over what is not const */
}

static void add(json_t *differences, const char *above, const char *field, const json_t *before, const json_t *after);

/* What the first has, then what only the second has. At the top, what an answer leaves out it does not speak of. */
static void add_fields(json_t *differences, const char *above, const json_t *before, const json_t *after)
{
    const char *field = NULL;
    json_t *value = NULL;
    json_object_foreach(fields_of(before), field, value)
    {
        if (above[0] != '\0' || (is_declared(field) && json_object_get(after, field) != NULL))
            add(differences, above, field, value, json_object_get(after, field));
    }
    json_object_foreach(fields_of(after), field, value)
    {
        if (json_object_get(before, field) == NULL && (above[0] != '\0' || is_declared(field)))
            add(differences, above, field, NULL, value);
    }
}

static void add(json_t *differences, const char *above, const char *field, const json_t *before, const json_t *after)
{
    if (is_same(before, after))
        return;
    json_t *name = json_sprintf("%s%s%s", above, above[0] == '\0' ? "" : ".", field);
    must(name != NULL);
    if (json_is_object(after) && json_object_size(after) > 0 && (json_is_object(before) || is_nothing(before))) {
        add_fields(differences, json_string_value(name), before, after);
        json_decref(name);
        return;
    }
    json_t *difference = json_pack("{s:o, s:O*, s:O*}", "field", name, "before", before, "after", after);
    must(difference != NULL && json_array_append_new(differences, difference) == 0);
}

json_t *compare_objects(const json_t *before, const json_t *after)
{
    json_t *differences = json_array();
    must(differences != NULL);
    add_fields(differences, "", before, after);
    return differences;
}

json_t *compare_added(const json_t *spec)
{
    return compare_objects(NULL, spec);
}

bool compare_has(const json_t *object, const json_t *spec)
{
    if (!json_is_object(object) || !json_is_object(spec))
        return is_same(object, spec);
    const char *field = NULL;
    json_t *value = NULL;
    json_object_foreach(fields_of(spec), field, value)
    {
        if (!compare_has(json_object_get(object, field), value))
            return false;
    }
    return true;
}

bool compare_is_hidden(const json_t *spec, const json_t *object)
{
    const char *field = NULL;
    json_t *value = NULL;
    json_object_foreach(fields_of(spec), field, value)
    {
        if (!is_nothing(value) && json_object_get(object, field) == NULL)
            return true;
    }
    return false;
}

/* The API's fields have none of the characters that a pointer writes with '~'. */
static const json_t *at_pointer(const json_t *value, const char *pointer)
{
    while (value != NULL && pointer[0] == '/') {
        size_t length = strcspn(pointer + 1, "/");
        char part[PART_SIZE];
        if (length >= sizeof part)
            return NULL;
        memcpy(part, pointer + 1, length);
        part[length] = '\0';
        value = json_is_array(value) ? json_array_get(value, (size_t)strtoull(part, NULL, 10))
                                     : json_object_get(value, part);
        pointer += 1 + length;
    }
    return pointer[0] == '\0' ? value : NULL;
}

bool compare_says(const json_t *spec, const char *pointer, const char *text)
{
    const json_t *value = at_pointer(spec, pointer);
    bool says = json_is_string(value) && strcmp(json_string_value(value), text) == 0;
    for (size_t i = 0; i < json_array_size(value) && !says; i++) {
        const char *item = json_string_value(json_array_get(value, i));
        says = item != NULL && strcmp(item, text) == 0;
    }
    return says;
}
