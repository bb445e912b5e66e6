/* Every invariant of the whole state, by recounting it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

static void verify_slices(const struct planner *planner, uint32_t index)
{
    const struct node *node = &planner->nodes[index];
    for (uint32_t i = 0; i < node->slice_count; i++) {
        const struct slice *slice = &node->slices[i];
        must(slice->allocation < planner->allocation_top);
        must(planner->allocations[slice->allocation].node == index);
        must(planner->allocations[slice->allocation].slices_first <= slice->from);
        must(planner->allocations[slice->allocation].slices_last >= slice->from);
        must(slice->from <= slice->to && slice->to <= slice->clean && slice->from < slice->clean);
        must(slice->slots_from >= 0 && slice->slots_from < slice->slots_to);
        must(slice->slots_to <= (int32_t)(node->spec.gpus * PLANNER_GPU_MILLI));
        must(i == 0 || node->slices[i - 1].from <= slice->from);
        must(slice_is_share(slice) == (planner->allocations[slice->allocation].shape.gpus == 0));
    }
    for (uint32_t i = 0; i < node->hold_count; i++) {
        int64_t cpu_milli;
        int64_t memory_mib;
        must(i == 0 || node->holds[i - 1].from <= node->holds[i].from);
        timeline_peak(node, node->holds[i].from, node->holds[i].from + 1, &cpu_milli, &memory_mib);
        must(cpu_milli <= node->spec.cpu_milli);
        must(memory_mib <= node->spec.memory_mib);
    }
}

/* What the database's exclusion constraint will say. */
static void verify_no_overlap(struct planner *planner, const struct node *node)
{
    planner->rectangle_count = 0;
    for (uint32_t i = 0; i < node->slice_count; i++) {
        bool first = true; /* of its allocation */
        for (uint32_t j = 0; j < i && first; j++)
            first = node->slices[j].allocation != node->slices[i].allocation;
        if (first)
            rectangles_append(planner, node->slices[i].allocation);
    }
    for (uint32_t i = 0; i < planner->rectangle_count; i++) {
        const struct planner_rectangle *a = &planner->rectangles[i];
        must(a->from < a->to);
        for (uint32_t j = 0; j < i; j++) {
            const struct planner_rectangle *b = &planner->rectangles[j];
            bool apart =
                a->to <= b->from || b->to <= a->from || a->slots_to <= b->slots_from || b->slots_to <= a->slots_from;
            must(apart);
        }
    }
}

/* The index is what a recount makes of the timelines: every cell of every seat, then every count. */
static void verify_block(struct planner *planner, struct table *table, uint32_t number)
{
    const struct block *block = &table->blocks[number];
    size_t bytes = (size_t)ROWS * LANES;
    uint8_t *cells = alloc_resize(NULL, bytes * TIERS, 1);
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        if (block->cells[tier] != NULL)
            memcpy(cells + tier * bytes, block->cells[tier], bytes);
    }
    for (uint32_t lane = 0; lane < LANES; lane++) {
        uint32_t node = table->columns[number * LANES + lane];
        must((node != NONE) == (block->seated >> lane & 1));
        if (node == NONE)
            continue;
        must(planner->nodes[node].column == number * LANES + lane);
        must(planner->nodes[node].spec.cordoned == (block->cordoned >> lane & 1));
        cells_fill(planner, &planner->nodes[node]);
    }
    for (uint32_t tier = 0; tier < TIERS; tier++)
        must(block->cells[tier] == NULL || memcmp(cells + tier * bytes, block->cells[tier], bytes) == 0);
    free(cells);
}

static void verify_counts(struct table *table, uint32_t number)
{
    uint8_t *counts = alloc_resize(NULL, (size_t)ROWS * COUNTS, 1);
    for (uint32_t i = 0; i < ROWS * COUNTS; i++)
        counts[i] = *counts_at(table, i / COUNTS, i % COUNTS, number);
    counts_make(table, number);
    for (uint32_t i = 0; i < ROWS * COUNTS; i++)
        must(counts[i] == *counts_at(table, i / COUNTS, i % COUNTS, number));
    free(counts);
}

static void table_verify(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->model_count; i++) {
        struct table *table = &planner->models[i].table;
        for (uint32_t block = 0; block < table->block_count; block++) {
            if (table->blocks[block].stale)
                continue; /* made anew before the next question */
            verify_block(planner, table, block);
            verify_counts(table, block);
        }
    }
}

static void verify_preemptibles(const struct planner *planner)
{
    uint32_t *counts = alloc_zero(planner->node_count + 1, sizeof counts[0]);
    for (uint32_t i = 0; i < planner->allocation_top; i++) {
        const struct allocation *allocation = &planner->allocations[i];
        if (allocation->node != NONE)
            counts[allocation->node] += allocation->preemptible;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < planner->node_count; i++) {
        must(counts[i] == planner->nodes[i].preemptibles);
        sum += counts[i];
    }
    must(sum == planner->preemptible_live);
    free(counts);
}

void planner_verify(struct planner *planner)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < planner->allocation_top; i++) {
        const struct allocation *allocation = &planner->allocations[i];
        if (allocation->node == NONE)
            continue;
        live++;
        uint32_t at = allocation_find(planner, &allocation->key, NONE);
        while (at != NONE && at != i)
            at = allocation_find(planner, &allocation->key, at);
        must(at == i);
        must(allocation_slices(planner, i) > 0);
        must(allocation_over(planner, i) >= planner->over_next[allocation->node]);
    }
    must(live == planner->allocation_live);
    verify_preemptibles(planner);
    for (uint32_t i = 0; i < planner->node_count; i++) {
        verify_slices(planner, i);
        verify_no_overlap(planner, &planner->nodes[i]);
    }
    table_verify(planner);
    mix_verify(planner);
}
