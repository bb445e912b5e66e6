/* Growable arrays and dense numbers: what the caller knows by 16 bytes is a small index in here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

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

static struct id_slot *id_map_slot(const struct id_map *map, struct planner_id id)
{
    uint32_t mask = map->room - 1;
    uint32_t at = (uint32_t)id_hash(id) & mask;
    while (map->slots[at].value != NONE && !id_equal(map->slots[at].id, id))
        at = (at + 1) & mask;
    return &map->slots[at];
}

uint32_t id_map_get(const struct id_map *map, struct planner_id id)
{
    return map->room == 0 ? NONE : id_map_slot(map, id)->value;
}

static void id_map_widen(struct id_map *map)
{
    struct id_map wide = {.room = map->room == 0 ? ROOM_LEAST : map->room * 2, .count = map->count};
    wide.slots = alloc_resize(NULL, wide.room, sizeof wide.slots[0]);
    for (uint32_t i = 0; i < wide.room; i++)
        wide.slots[i] = (struct id_slot){.value = NONE};
    for (uint32_t i = 0; i < map->room; i++) {
        if (map->slots[i].value != NONE)
            *id_map_slot(&wide, map->slots[i].id) = map->slots[i];
    }
    free(map->slots);
    *map = wide;
}

uint32_t id_map_put(struct id_map *map, struct planner_id id)
{
    if (map->count >= map->room / 2)
        id_map_widen(map);
    struct id_slot *slot = id_map_slot(map, id);
    if (slot->value == NONE)
        *slot = (struct id_slot){.id = id, .value = map->count++};
    return slot->value;
}
