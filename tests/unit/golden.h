/* The golden numbers of the billing rules, for tests. golden/billing_golden.json stands beside this file; amounts
 * are minor units unless a name ends in _u. Each test that includes this links jansson. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/must.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Loads all examples. The caller owns the result (json_decref). */
static inline json_t *golden_load(void)
{
    const char *path = GOLDEN_DIRECTORY "/billing_golden.json";
    json_error_t error;
    json_t *examples = json_load_file(path, 0, &error);
    if (examples == NULL)
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    must(examples != NULL);
    return examples;
}

/* The object or array of that name; the test stops if there is none. */
static inline json_t *golden_member(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);
    must(member != NULL);
    return member;
}

static inline int64_t golden_integer(json_t *object, const char *name)
{
    json_t *member = golden_member(object, name);
    must(json_is_integer(member));
    return json_integer_value(member);
}

/* Element of an array of integers. */
static inline int64_t golden_at(json_t *array, size_t position)
{
    json_t *element = json_array_get(array, position);
    must(json_is_integer(element));
    return json_integer_value(element);
}
