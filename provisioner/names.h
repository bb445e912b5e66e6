/* What people call things: names by identity. The zone's memory fills it; a refusal reads it. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/idmap.h"

struct names {
    struct idmap by_id;
    char **texts; /* by the map's values */
    uint32_t count, capacity;
};

/* Adds a name, or changes it; keeps a copy. */
void names_put(struct names *names, struct identity id, const char *text);
/* NULL where the id has none. Belongs to names, until it is put anew. */
const char *names_get(const struct names *names, struct identity id);
void names_clear(struct names *names);
