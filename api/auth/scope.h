/* Scopes: what a token may do of what its role may. A scope is "<tag>:read" or "<tag>:write", where the tag is the name
 * of a resource in the route table ("reservations:write"). A GET needs read, everything else needs write, which
 * includes read; so each route has its scope by where it stands. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"

#include <stdbool.h>
#include <stdint.h>

struct resource;

#define SCOPE_TAGS_MAX 128

/* A bit per tag; zeroed: nothing is allowed. */
struct scopes {
    bool is_everything; /* the token is not limited */
    uint64_t read[SCOPE_TAGS_MAX / 64], write[SCOPE_TAGS_MAX / 64];
};

/* What a row says: scopes with spaces between them; NULL: everything. One of another release, whose resource is not
 * known here, allows nothing. */
void scopes_read(struct scopes *scopes, const struct resource *const *resources, const char *texts);
/* Adds what one scope says. False where no resource has that name: nothing is added. */
bool scopes_add(struct scopes *scopes, const struct resource *const *resources, const char *text);
bool scopes_allow(const struct scopes *scopes, const struct resource *const *resources, const char *tag, bool is_write);
/* Their texts, each tag's wider one only; .array is NULL for everything. In the arena. */
struct field_list scopes_list(const struct scopes *scopes, const struct resource *const *resources,
                              struct arena *arena);
/* Whether a token of the one may make a token of the other. */
bool scopes_cover(const struct scopes *scopes, const struct scopes *other);
