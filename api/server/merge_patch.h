/* JSON merge patch (RFC 7396): what PATCH sends. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/* Applies patch to target, both objects: null removes, an object goes into its namesake, anything else takes its place.
 * The patch is not changed; its arrays and scalars are shared with the target. Its depth must be bounded: the walk is
 * deep as it is. */
void merge_patch(json_t *target, json_t *patch);
