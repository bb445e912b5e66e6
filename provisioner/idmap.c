/* Identities end in random bytes, so a few of them are the hash. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/idmap.h"

#include "common/alloc.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 64

static uint32_t slot_of(const struct idmap *map, struct identity id)
{
    uint64_t hash = 0;
    memcpy(&hash, id.bytes + sizeof id.bytes - sizeof hash, sizeof hash);
    uint32_t slot = (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (map->size - 1);
    while (map->slots[slot].value != IDMAP_NONE && !identity_equal(map->slots[slot].id, id))
        slot = (slot + 1) & (map->size - 1); /* ends: the map is never full */
    return slot;
}

uint32_t idmap_find(const struct idmap *map, struct identity id)
{
    return map->size == 0 ? IDMAP_NONE : map->slots[slot_of(map, id)].value;
}

static void grow(struct idmap *map)
{
    must(map->size <= UINT32_MAX / 2);
    struct idmap grown = {.size = map->size == 0 ? SIZE_MIN : 2 * map->size};
    grown.slots = alloc_zero(grown.size, sizeof *grown.slots);
    idmap_reset(&grown);
    for (uint32_t i = 0; i < map->size; i++) {
        if (map->slots[i].value != IDMAP_NONE)
            idmap_put(&grown, map->slots[i].id, map->slots[i].value);
    }
    free(map->slots);
    *map = grown;
}

void idmap_put(struct idmap *map, struct identity id, uint32_t value)
{
    if (2 * (map->count + 1) > map->size)
        grow(map);
    struct idmap_slot *slot = &map->slots[slot_of(map, id)];
    map->count += slot->value == IDMAP_NONE;
    *slot = (struct idmap_slot){.id = id, .value = value};
}

void idmap_reset(struct idmap *map)
{
    for (uint32_t i = 0; i < map->size; i++)
        map->slots[i].value = IDMAP_NONE;
    map->count = 0;
}

void idmap_clear(struct idmap *map)
{
    free(map->slots);
    *map = (struct idmap){0};
}
