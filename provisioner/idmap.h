/* A small map from identities to positions in an array, open addressing, nothing is ever taken out. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/identity.h"

#include <stdint.h>

#define IDMAP_NONE UINT32_MAX

struct idmap_slot {
    struct identity id;
    uint32_t value; /* IDMAP_NONE: free */
};

struct idmap {
    struct idmap_slot *slots;
    uint32_t size; /* power of two, or 0 */
    uint32_t count;
};

/* IDMAP_NONE where the id is not in it. O(1). */
uint32_t idmap_find(const struct idmap *map, struct identity id);
/* Adds or changes. O(1) amortized. */
void idmap_put(struct idmap *map, struct identity id, uint32_t value);
/* Empties it and keeps its memory; releases it. */
void idmap_reset(struct idmap *map);
void idmap_clear(struct idmap *map);
