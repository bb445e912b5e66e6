/* Records of allocations, found by the instance's key. Adding and removing are the only two changes there are; all
 * else is made of them, so the undo log needs to know just these. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

static uint32_t *chain_of(const struct planner *planner, const struct planner_key *key)
{
    uint64_t hash = hash_mix(id_hash(key->reservation) + key->ordinal);
    return &planner->chains[(uint32_t)hash & (planner->chain_count - 1)];
}

static uint32_t *siblings_of(const struct planner *planner, struct planner_id reservation)
{
    return &planner->siblings[(uint32_t)id_hash(reservation) & (planner->chain_count - 1)];
}

static void siblings_link(struct planner *planner, uint32_t index)
{
    struct allocation *allocation = &planner->allocations[index];
    uint32_t *head = siblings_of(planner, allocation->key.reservation);
    if (*head != NONE)
        planner->allocations[*head].sibling_before = index;
    allocation->sibling_next = *head;
    allocation->sibling_before = NONE;
    *head = index;
}

static void siblings_unlink(struct planner *planner, const struct allocation *allocation)
{
    if (allocation->sibling_before == NONE)
        *siblings_of(planner, allocation->key.reservation) = allocation->sibling_next;
    else
        planner->allocations[allocation->sibling_before].sibling_next = allocation->sibling_next;
    if (allocation->sibling_next != NONE)
        planner->allocations[allocation->sibling_next].sibling_before = allocation->sibling_before;
}

static void chains_widen(struct planner *planner)
{
    free(planner->chains);
    free(planner->siblings);
    planner->chain_count = planner->chain_count == 0 ? 64 : planner->chain_count * 2;
    planner->chains = alloc_resize(NULL, planner->chain_count, sizeof planner->chains[0]);
    planner->siblings = alloc_resize(NULL, planner->chain_count, sizeof planner->siblings[0]);
    for (uint32_t i = 0; i < planner->chain_count; i++)
        planner->chains[i] = planner->siblings[i] = NONE;
    for (uint32_t i = 0; i < planner->allocation_top; i++) {
        struct allocation *allocation = &planner->allocations[i];
        if (allocation->node == NONE)
            continue;
        uint32_t *head = chain_of(planner, &allocation->key);
        allocation->next = *head;
        *head = i;
        siblings_link(planner, i);
    }
}

void allocation_prefetch(const struct planner *planner, const struct planner_key *key)
{
    if (planner->chain_count == 0)
        return;
    __builtin_prefetch(chain_of(planner, key), 1);
    __builtin_prefetch(siblings_of(planner, key->reservation), 1);
}

uint32_t allocation_find(const struct planner *planner, const struct planner_key *key, uint32_t after)
{
    if (planner->chain_count == 0)
        return NONE;
    uint32_t at = after == NONE ? *chain_of(planner, key) : planner->allocations[after].next;
    while (at != NONE && !key_equal(&planner->allocations[at].key, key))
        at = planner->allocations[at].next;
    return at;
}

uint32_t allocation_sibling(const struct planner *planner, struct planner_id reservation, uint32_t after)
{
    if (planner->chain_count == 0)
        return NONE;
    uint32_t at = after == NONE ? *siblings_of(planner, reservation) : planner->allocations[after].sibling_next;
    while (at != NONE && !id_equal(planner->allocations[at].key.reservation, reservation))
        at = planner->allocations[at].sibling_next;
    return at;
}

static uint32_t record_take(struct planner *planner)
{
    uint32_t index = planner->allocation_free;
    if (index != NONE) {
        planner->allocation_free = planner->allocations[index].next;
        return index;
    }
    ARRAY_RESERVE(planner->allocations, planner->allocation_room, planner->allocation_top + 1);
    planner->allocations[planner->allocation_top].node = NONE;
    return planner->allocation_top++;
}

/* The slices came or went. Pure turnaround is nothing that the index knows of. */
static void refresh_held(struct planner *planner, const struct allocation *allocation, uint64_t gpus)
{
    if (allocation->from < allocation->to)
        table_refresh(planner, allocation->node, gpus, allocation->from, allocation->to);
}

uint32_t allocation_add(struct planner *planner, const struct allocation *body, const struct slice *slices,
                        uint32_t slice_count)
{
    must(slice_count > 0);
    must(body->node < planner->node_count);
    if (planner->allocation_live >= planner->chain_count)
        chains_widen(planner);
    uint32_t index = record_take(planner);
    struct allocation *allocation = &planner->allocations[index];
    uint32_t *head = chain_of(planner, &body->key);
    *allocation = *body;
    allocation->next = *head;
    *head = index;
    siblings_link(planner, index);
    planner->allocation_live++;

    struct node *node = &planner->nodes[body->node];
    uint32_t tag = tenant_tag(body->tenant);
    uint64_t gpus = 0;
    int64_t over = body->to;
    allocation->slices_first = INT64_MAX;
    allocation->slices_last = INT64_MIN;
    for (uint32_t i = 0; i < slice_count; i++) {
        struct slice slice = slices[i];
        slice.allocation = index;
        slice.tenant = tag;
        gpus |= slice_gpus(&slice);
        over = slice.clean > over ? slice.clean : over;
        timeline_insert(node, &slice);
        allocation->slices_first = slice.from < allocation->slices_first ? slice.from : allocation->slices_first;
        allocation->slices_last = slice.from > allocation->slices_last ? slice.from : allocation->slices_last;
    }
    if (over < planner->over_next[body->node])
        planner->over_next[body->node] = over;
    if (body->from < body->to && (body->shape.cpu_milli > 0 || body->shape.memory_mib > 0))
        timeline_hold(node, &(struct hold){body->from, body->to, body->shape.cpu_milli, body->shape.memory_mib, index});
    refresh_held(planner, allocation, gpus);
    node->preemptibles += allocation->preemptible;
    planner->preemptible_live += allocation->preemptible;
    mix_count(planner, allocation, true);
    if (planner->batch) {
        change_note(planner, index); /* belongs to the step that follows: rollback_to drops it with that */
        undo_added(planner, index);
    }
    return index;
}

const struct slice *allocation_slice_next(const struct planner *planner, uint32_t index, uint32_t *at)
{
    const struct allocation *allocation = &planner->allocations[index];
    const struct node *node = &planner->nodes[allocation->node];
    uint32_t i = *at > 0 ? *at : timeline_from(node, allocation->slices_first);
    for (; i < node->slice_count && node->slices[i].from <= allocation->slices_last; i++) {
        if (node->slices[i].allocation != index)
            continue;
        *at = i + 1;
        return &node->slices[i];
    }
    return NULL;
}

uint32_t allocation_slices(struct planner *planner, uint32_t index)
{
    uint32_t count = 0;
    uint32_t at = 0;
    for (const struct slice *slice = NULL; (slice = allocation_slice_next(planner, index, &at)) != NULL;) {
        ARRAY_RESERVE(planner->cut, planner->cut_room, count + 1);
        planner->cut[count++] = *slice;
    }
    return count;
}

void allocation_remove(struct planner *planner, uint32_t index)
{
    struct allocation *allocation = &planner->allocations[index];
    must(allocation->node != NONE);
    if (planner->batch) {
        change_note(planner, index);
        undo_removed(planner, index);
    }
    uint64_t gpus = timeline_remove(&planner->nodes[allocation->node], index);
    planner->nodes[allocation->node].preemptibles -= allocation->preemptible;
    planner->preemptible_live -= allocation->preemptible;
    refresh_held(planner, allocation, gpus);
    mix_count(planner, allocation, false);

    uint32_t *link = chain_of(planner, &allocation->key);
    while (*link != index)
        link = &planner->allocations[*link].next;
    *link = allocation->next;
    siblings_unlink(planner, allocation);
    allocation->node = NONE;
    allocation->next = planner->allocation_free;
    planner->allocation_free = index;
    planner->allocation_live--;
}

int64_t allocation_over(const struct planner *planner, uint32_t index)
{
    int64_t over = planner->allocations[index].to;
    uint32_t at = 0;
    for (const struct slice *slice = NULL; (slice = allocation_slice_next(planner, index, &at)) != NULL;)
        over = slice->clean > over ? slice->clean : over;
    return over;
}

uint32_t planner_allocation_count(const struct planner *planner)
{
    return planner->allocation_live;
}

uint32_t planner_preemptible_count(const struct planner *planner)
{
    return planner->preemptible_live;
}
