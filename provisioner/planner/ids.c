/* Growable arrays and dense numbers: what the caller knows by 16 bytes is a small index in here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <assert.h>
#include <string.h>

#define ROOM_LEAST 16

void *array_grow(void *array, size_t element_size, uint32_t *room, uint32_t need)
{
    uint32_t grown = *room == 0 ? ROOM_LEAST : *room;
    must(need < UINT32_MAX / 2);
    while (grown < need)
        grown *= 2;
    *room = grown;
    return alloc_resize(array, grown, element_size);
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t hash_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t id_hash(struct planner_id id)
{
    uint64_t half[2];
    memcpy(half, id.bytes, sizeof half);
    return hash_mix(half[0] ^ hash_mix(half[1]));
}

uint32_t tenant_tag(struct planner_id tenant)
{
    return (uint32_t)id_hash(tenant);
}

static struct identity identity_of(struct planner_id id)
{
    struct identity identity;
    static_assert(sizeof identity.bytes == sizeof id.bytes, "both are 16 bytes");
    memcpy(identity.bytes, id.bytes, sizeof identity.bytes);
    return identity;
}

struct planner_id id_of_slot(const struct idmap_slot *slot)
{
    struct planner_id id;
    memcpy(id.bytes, slot->id.bytes, sizeof id.bytes);
    return id;
}

uint32_t id_find(const struct idmap *map, struct planner_id id)
{
    return idmap_find(map, identity_of(id));
}

uint32_t id_put(struct idmap *map, struct planner_id id)
{
    uint32_t known = id_find(map, id);
    if (known != NONE)
        return known;
    uint32_t next = map->count;
    idmap_put(map, identity_of(id), next);
    return next;
}
