/* First, best, worst fit and random: each looks at every node that fits and takes the one of the least rank. Gangs take
 * the group that the policy prefers among those that hold all of it, then go node by node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_policies.h"
#include "common/alloc.h"
#include "common/must.h"
#include "tests/bench/planner_bench.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

const char *policy_text(enum policy policy)
{
    static const char *const texts[] = {
#define X(name, text) text,
        POLICIES(X)
#undef X
    };
    return texts[policy];
}

enum policy policy_of_text(const char *text)
{
    uint32_t policy = 0;
    while (policy < POLICY_COUNT && strcmp(policy_text((enum policy)policy), text) != 0)
        policy++;
    return (enum policy)policy;
}

struct contestant contestant_new(enum policy policy, struct reference reference,
                                 const char (*models)[PLANNER_MODEL_SIZE], uint64_t seed)
{
    struct contestant contestant = {
        .policy = policy,
        .reference = reference,
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1,
        .models = models,
    };
    if (policy == POLICY_OURS)
        ours_begin(&contestant);
    return contestant;
}

void contestant_free(struct contestant *contestant)
{
    reference_free(&contestant->reference);
    planner_free(contestant->planner);
    free(contestant->cpu_taken);
    free(contestant->memory_taken);
    demand_free(&contestant->demand);
}

/* What a node would have left, each kind of it beside the largest node's, so that kinds weigh alike. */
static double left_on(const struct reference_room *room, const struct planner_shape *shape)
{
    return (double)(room->cpu_milli - shape->cpu_milli) / 128e3 +
           (double)(room->memory_mib - shape->memory_mib) / (1024 * 1024) +
           (double)(room->milli - shape_milli(shape)) / (8 * PLANNER_GPU_MILLI);
}

/* Least is taken. `order` is the node's or GPU's number, `left` what stays free. */
static double rank_of(struct contestant *contestant, uint32_t order, double left)
{
    switch (contestant->policy) {
    case POLICY_RANDOM:
        return (double)(bench_random(&contestant->random) >> 11);
    case POLICY_BEST_FIT:
        return left;
    case POLICY_WORST_FIT:
        return -left;
    case POLICY_FIRST_FIT:
    case POLICY_OURS:
    case POLICY_COUNT:
        break;
    }
    return order;
}

static uint32_t gpu_choose(struct contestant *contestant, const struct reference_room *room,
                           const struct planner_shape *shape, uint32_t gpus)
{
    uint32_t best = NOBODY;
    double best_rank = 0;
    if (shape->gpus > 0 || shape->gpu_milli == 0)
        return 0;
    for (uint32_t gpu = 0; gpu < gpus; gpu++) {
        if (room->free_milli[gpu] < shape->gpu_milli)
            continue;
        double rank = rank_of(contestant, gpu, room->free_milli[gpu]);
        if (best == NOBODY || rank < best_rank) {
            best = gpu;
            best_rank = rank;
        }
    }
    must(best != NOBODY);
    return best;
}

/* Places one instance within the group of the scope. False: it fits nowhere there. */
static bool place_one(struct contestant *contestant, const struct ask *ask, uint32_t instance, enum planner_scope scope,
                      uint32_t group, struct placements *placements)
{
    struct reference *reference = &contestant->reference;
    uint32_t best = NOBODY;
    uint32_t best_gpu = 0;
    double best_rank = 0;
    for (uint32_t i = 0; i < reference->node_count; i++) {
        struct reference_room room;
        if (!reference_allowed(reference, i, ask) ||
            (scope != PLANNER_FLEET && reference->nodes[i].groups[scope] != group))
            continue;
        reference_room(reference, i, ask->from, ask->to, &room);
        if (reference_count(&room, &ask->shape) == 0)
            continue;
        double rank = rank_of(contestant, i, left_on(&room, &ask->shape));
        if (best != NOBODY && rank >= best_rank)
            continue;
        best = i;
        best_rank = rank;
        best_gpu = gpu_choose(contestant, &room, &ask->shape, reference->nodes[i].gpus);
        if (contestant->policy == POLICY_FIRST_FIT)
            break;
    }
    if (best == NOBODY)
        return false;
    reference_take(reference, best, best_gpu, ask, instance, placements);
    return true;
}

/* The group that the policy takes among those with room for all of the gang, or NOBODY. */
static uint32_t group_choose(struct contestant *contestant, const struct ask *ask, enum planner_scope scope)
{
    const struct reference *reference = &contestant->reference;
    uint32_t groups = scope == PLANNER_FLEET ? 1 : reference->group_counts[scope];
    uint32_t *counts = alloc_zero(groups, sizeof counts[0]);
    uint32_t best = NOBODY;
    double best_rank = 0;
    for (uint32_t i = 0; i < reference->node_count; i++) {
        struct reference_room room;
        if (!reference_allowed(reference, i, ask))
            continue;
        reference_room(reference, i, ask->from, ask->to, &room);
        counts[scope == PLANNER_FLEET ? 0 : reference->nodes[i].groups[scope]] += reference_count(&room, &ask->shape);
    }
    for (uint32_t group = 0; group < groups; group++) {
        if (counts[group] < ask->count)
            continue;
        double rank = rank_of(contestant, group, counts[group]);
        if (best == NOBODY || rank < best_rank) {
            best = group;
            best_rank = rank;
        }
    }
    free(counts);
    return best;
}

static bool place_gang(struct contestant *contestant, const struct ask *ask, struct placements *placements)
{
    enum planner_scope scope = ask->scope;
    uint32_t group = group_choose(contestant, ask, scope);
    if (group == NOBODY && ask->scope_preferred) {
        scope = PLANNER_FLEET;
        group = group_choose(contestant, ask, scope);
    }
    if (group == NOBODY)
        return false;
    for (uint32_t instance = 0; instance < ask->count; instance++) {
        bool placed = place_one(contestant, ask, instance, scope, group, placements);
        must(placed);
    }
    return true;
}

bool contestant_decide(struct contestant *contestant, const struct ask *ask, struct placements *placements)
{
    if (contestant->policy == POLICY_OURS)
        return ours_decide(contestant, ask, placements);
    if (ask->count > 1)
        return place_gang(contestant, ask, placements);
    return place_one(contestant, ask, 0, PLANNER_FLEET, 0, placements);
}
