/* Objects compared with what is declared of them. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* [{"field": "placement.within", "before": ..., "after": ...}] of two states of an object, without what the API found, and
 * what it says of a trial only. The caller's. */
json_t *compare_objects(const json_t *before, const json_t *after);
/* The same of what is not there yet: without "before". */
json_t *compare_added(const json_t *spec);
/* Has the object all that the spec says? null is what is not there. */
bool compare_has(const json_t *object, const json_t *spec);
/* Does the spec say what the object does not show? */
bool compare_is_hidden(const json_t *spec, const json_t *object);
/* Does a JSON pointer (RFC 6901) lead to this text, or to a list that has it? */
bool compare_says(const json_t *spec, const char *pointer, const char *text);
