/* Which GPUs of a node go together.
 *
 * With groups of g GPUs an instance of k takes k/g whole groups and the rest within one further group. Instances of
 * one question are alike, so how many fit is arithmetic over the groups' free counts, and taking them one by one
 * (the rest from the fullest group that still has it) reaches that number. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

static const uint32_t group_sizes[PLANNER_GROUPING_COUNT] = {
    [PLANNER_ANY] = 1,
    [PLANNER_PAIRS] = 2,
    [PLANNER_QUADS] = 4,
};

uint32_t slots_instances(uint64_t free_gpus, uint32_t gpus, uint32_t k, enum planner_grouping grouping)
{
    uint32_t size = group_sizes[grouping];
    uint32_t whole = k / size;
    uint32_t rest = k % size;
    if (size == 1)
        return bits_of(free_gpus) / k;

    uint32_t full_groups = 0;
    uint32_t rests_in_partial = 0;
    for (uint32_t first = 0; first < gpus; first += size) {
        uint32_t free_here = bits_of(free_gpus & gpu_mask(first, size));
        if (free_here == size)
            full_groups++;
        else if (rest > 0)
            rests_in_partial += free_here / rest;
    }
    if (rest == 0)
        return full_groups / whole;
    uint32_t rests_in_full = size / rest;
    uint32_t count = 0;
    for (;; count++) { /* at most gpus / k rounds: each instance uses k GPUs */
        uint32_t next = count + 1;
        uint32_t opened = next <= rests_in_partial ? 0 : (next - rests_in_partial + rests_in_full - 1) / rests_in_full;
        if (next * whole + opened > full_groups)
            return count;
    }
}

/* The free aligned block of `size` (a power of two) whose surrounding block of twice the size has the least free:
 * what is broken already is used up first. 0 if there is none. */
static uint64_t block_choose(uint64_t free_gpus, uint32_t size)
{
    uint64_t best = 0;
    uint32_t best_around = UINT32_MAX;
    for (uint32_t first = 0; first < PLANNER_NODE_GPUS_MAX; first += size) {
        uint64_t block = gpu_mask(first, size);
        if ((free_gpus & block) != block)
            continue;
        uint32_t twice = size * 2 > PLANNER_NODE_GPUS_MAX ? PLANNER_NODE_GPUS_MAX : size * 2;
        uint32_t around = bits_of(free_gpus & gpu_mask(first / twice * twice, twice));
        if (around < best_around) {
            best = block;
            best_around = around;
        }
    }
    return best;
}

/* k of the free GPUs in as large aligned blocks as possible, none smaller than `least`. */
static uint64_t blocks_choose(uint64_t free_gpus, uint32_t k, uint32_t least)
{
    uint64_t chosen = 0;
    uint32_t size = PLANNER_NODE_GPUS_MAX;
    while (k > 0) {
        must(size >= least);
        uint64_t block = size <= k ? block_choose(free_gpus & ~chosen, size) : 0;
        if (block == 0) {
            size /= 2;
            continue;
        }
        chosen |= block;
        k -= size;
    }
    return chosen;
}

/* The group with the least free that still has `rest`, as a mask of what is free in it. */
static uint64_t group_for_rest(uint64_t free_gpus, uint32_t gpus, uint32_t rest, uint32_t size)
{
    uint64_t best = 0;
    for (uint32_t first = 0; first < gpus; first += size) {
        uint64_t free_here = free_gpus & gpu_mask(first, size);
        if (bits_of(free_here) >= rest && (best == 0 || bits_of(free_here) < bits_of(best)))
            best = free_here;
    }
    must(best != 0);
    return best;
}

uint64_t slots_choose(uint64_t free_gpus, uint32_t gpus, uint32_t k, enum planner_grouping grouping)
{
    uint32_t size = group_sizes[grouping];
    uint32_t rest = k % size;
    uint64_t chosen = 0;
    if (rest > 0)
        chosen = blocks_choose(group_for_rest(free_gpus, gpus, rest, size), rest, 1);
    return chosen | blocks_choose(free_gpus & ~chosen, k - rest, size);
}
