/* Batches: a log of what was added and removed, taken back in reverse, and the list of what changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

static void undo_append(struct planner *planner, const struct undo *undo)
{
    ARRAY_RESERVE(planner->undo, planner->undo_room, planner->undo_count + 1);
    planner->undo[planner->undo_count++] = *undo;
}

void undo_added(struct planner *planner, uint32_t index)
{
    undo_append(planner, &(struct undo){.added = true, .index = index});
}

void undo_removed(struct planner *planner, uint32_t index)
{
    const struct allocation *allocation = &planner->allocations[index];
    struct undo undo = {.index = index, .allocation = *allocation, .slices_at = planner->undo_slice_count};
    uint32_t at = 0;
    for (const struct slice *slice = NULL; (slice = allocation_slice_next(planner, index, &at)) != NULL;) {
        ARRAY_RESERVE(planner->undo_slices, planner->undo_slice_room, planner->undo_slice_count + 1);
        planner->undo_slices[planner->undo_slice_count++] = *slice;
    }
    undo.slice_count = planner->undo_slice_count - undo.slices_at;
    undo_append(planner, &undo);
}

static void change_append(struct planner *planner, uint32_t index)
{
    const struct allocation *allocation = &planner->allocations[index];
    ARRAY_RESERVE(planner->notes, planner->note_room, planner->note_count + 1);
    planner->notes[planner->note_count++] =
        (struct note){{.key = allocation->key, .node = planner->nodes[allocation->node].spec.id}, planner->undo_count};
}

/* Whose turnaround does `slice`, coming or going, cut short or give back? */
static void change_neighbours(struct planner *planner, const struct node *node, const struct slice *slice)
{
    for (uint32_t i = timeline_first(node, slice->from); i < node->slice_count && node->slices[i].from <= slice->from;
         i++) {
        const struct slice *before = &node->slices[i];
        if (before->to <= slice->from && slice->from < before->clean && slots_overlap(before, slice) &&
            before->allocation != slice->allocation)
            change_append(planner, before->allocation);
    }
}

void change_note(struct planner *planner, uint32_t index)
{
    const struct node *node = &planner->nodes[planner->allocations[index].node];
    uint32_t at = 0;
    change_append(planner, index);
    for (const struct slice *slice = NULL; (slice = allocation_slice_next(planner, index, &at)) != NULL;)
        change_neighbours(planner, node, slice);
}

static void log_clear(struct planner *planner)
{
    planner->batch = false;
    planner->undo_count = 0;
    planner->undo_slice_count = 0;
    planner->note_count = 0;
}

void planner_begin(struct planner *planner)
{
    must(!planner->batch);
    log_clear(planner);
    planner->batch = true;
}

void planner_commit(struct planner *planner)
{
    must(planner->batch);
    log_clear(planner);
}

void planner_rollback(struct planner *planner)
{
    planner_rollback_to(planner, 0);
    log_clear(planner);
}

uint32_t planner_savepoint(const struct planner *planner)
{
    must(planner->batch);
    return planner->undo_count;
}

void planner_rollback_to(struct planner *planner, uint32_t savepoint)
{
    must(planner->batch && savepoint <= planner->undo_count);
    planner->batch = false; /* what is taken back is not logged */
    while (planner->undo_count > savepoint) {
        const struct undo *undo = &planner->undo[--planner->undo_count];
        if (undo->added) {
            allocation_remove(planner, undo->index);
            continue;
        }
        uint32_t index =
            allocation_add(planner, &undo->allocation, &planner->undo_slices[undo->slices_at], undo->slice_count);
        must(index == undo->index); /* records are freed and taken like a stack */
        planner->undo_slice_count = undo->slices_at;
    }
    while (planner->note_count > 0 && planner->notes[planner->note_count - 1].undo_at >= savepoint)
        planner->note_count--;
    planner->batch = true;
}

struct attempt attempt_begin(struct planner *planner)
{
    struct attempt attempt = {.own = !planner->batch};
    if (attempt.own)
        planner_begin(planner);
    attempt.savepoint = planner_savepoint(planner);
    return attempt;
}

void attempt_keep(struct planner *planner, struct attempt attempt)
{
    if (attempt.own)
        planner_commit(planner);
}

void attempt_undo(struct planner *planner, struct attempt attempt)
{
    planner_rollback_to(planner, attempt.savepoint);
}

static int change_compare(const void *left, const void *right)
{
    const struct planner_change *a = left;
    const struct planner_change *b = right;
    int order = memcmp(&a->key.reservation, &b->key.reservation, sizeof a->key.reservation);
    if (order == 0)
        order = (a->key.ordinal > b->key.ordinal) - (a->key.ordinal < b->key.ordinal);
    return order == 0 ? memcmp(&a->node, &b->node, sizeof a->node) : order;
}

static bool change_exists(const struct planner *planner, const struct planner_change *change)
{
    uint32_t node = id_find(&planner->node_ids, change->node);
    uint32_t at = NONE;
    while ((at = allocation_find(planner, &change->key, at)) != NONE) {
        if (planner->allocations[at].node == node)
            return true;
    }
    return false;
}

const struct planner_change *planner_changes(struct planner *planner, size_t *ret_count)
{
    must(planner->batch);
    uint32_t kept = 0;
    ARRAY_RESERVE(planner->changes, planner->change_room, planner->note_count);
    for (uint32_t i = 0; i < planner->note_count; i++)
        planner->changes[i] = planner->notes[i].change;
    if (planner->note_count > 1)
        qsort(planner->changes, planner->note_count, sizeof planner->changes[0], change_compare);
    for (uint32_t i = 0; i < planner->note_count; i++) {
        struct planner_change *change = &planner->changes[i];
        if (kept > 0 && change_compare(change, &planner->changes[kept - 1]) == 0)
            continue;
        change->exists = change_exists(planner, change);
        planner->changes[kept++] = *change;
    }
    *ret_count = kept;
    return planner->changes;
}
