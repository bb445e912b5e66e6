/* A planner of its own in the same state. It is told everything anew, in the order in which the original numbers its
 * nodes and groups, so that it decides alike. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

static void copy_numbers(struct idmap *map, const struct idmap *from)
{
    struct planner_id *ids = alloc_resize(NULL, from->count + 1, sizeof ids[0]); /* by number */
    for (uint32_t i = 0; i < from->size; i++) {
        if (from->slots[i].value != NONE)
            ids[from->slots[i].value] = id_of_slot(&from->slots[i]);
    }
    for (uint32_t i = 0; i < from->count; i++)
        (void)id_put(map, ids[i]); /* the number is i */
    free(ids);
}

struct planner *planner_copy(const struct planner *from)
{
    struct planner *copy = planner_new();
    for (uint32_t level = 0; level < LEVELS; level++)
        copy_numbers(&copy->groups[level], &from->groups[level]);
    for (uint32_t i = 0; i < from->node_count; i++) {
        const char *wrong = planner_node_put(copy, &from->nodes[i].spec);
        must(wrong == NULL);
    }
    table_follow(copy, from);
    for (uint32_t i = 0; i < from->allocation_top; i++) {
        const struct allocation *allocation = &from->allocations[i];
        if (allocation->node == NONE)
            continue;
        uint32_t count = 0;
        uint32_t at = 0;
        for (const struct slice *slice = NULL; (slice = allocation_slice_next(from, i, &at)) != NULL;) {
            ARRAY_RESERVE(copy->cut, copy->cut_room, count + 1);
            copy->cut[count++] = *slice;
        }
        (void)allocation_add(copy, allocation, copy->cut, count); /* known by its key */
    }
    return copy;
}
