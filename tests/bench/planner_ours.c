/* The planner as a contestant. It does not hold what has no GPU: such tasks are given CPU and memory here, by lowering
 * what their node has; planner_cpu_only.c says which node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/must.h"
#include "tests/bench/planner_bench.h"
#include "tests/bench/planner_policies.h"

#include <string.h>

static struct planner_id group_id(const struct reference_node *node, enum planner_scope level)
{
    return bench_id(10 + level, node->groups[level] + 1);
}

static void node_put(struct contestant *contestant, uint32_t index)
{
    const struct reference_node *node = &contestant->reference.nodes[index];
    struct planner_node spec = {
        .id = bench_id(1, index),
        .zone = group_id(node, PLANNER_ZONE),
        .fabric = group_id(node, PLANNER_FABRIC),
        .leaf = group_id(node, PLANNER_LEAF),
        .rack = group_id(node, PLANNER_RACK),
        .gpus = node->gpus,
        .cpu_milli = node->cpu_milli - contestant->cpu_taken[index],
        .memory_mib = node->memory_mib - contestant->memory_taken[index],
        .turnaround_s = contestant->reference.turnaround_s,
        .plannable_until = PLANNER_OPEN,
    };
    if (node->model != 0)
        memcpy(spec.gpu_model, contestant->models[__builtin_ctz(node->model)], sizeof spec.gpu_model);
    must(planner_node_put(contestant->planner, &spec) == NULL);
}

void ours_begin(struct contestant *contestant)
{
    uint32_t count = contestant->reference.node_count;
    contestant->planner = planner_new();
    contestant->cpu_taken = alloc_zero(count, sizeof contestant->cpu_taken[0]);
    contestant->memory_taken = alloc_zero(count, sizeof contestant->memory_taken[0]);
    for (uint32_t i = 0; i < count; i++)
        node_put(contestant, i);
}

static bool cpu_place(struct contestant *contestant, const struct ask *ask, struct placements *placements)
{
    uint32_t node = cpu_only_choose(&contestant->reference, &contestant->demand, ask);
    if (node == CPU_ONLY_NOWHERE)
        return false;
    reference_take(&contestant->reference, node, 0, ask, 0, placements);
    contestant->cpu_taken[node] += ask->shape.cpu_milli;
    contestant->memory_taken[node] += ask->shape.memory_mib;
    node_put(contestant, node);
    return true;
}

static uint32_t node_number(struct planner_id id)
{
    uint32_t number;
    memcpy(&number, &id.bytes[12], sizeof number);
    return number;
}

/* What was granted goes into the rows and, as all policies' do, into the reference. */
static void record(struct contestant *contestant, const struct ask *ask, const struct planner_allocation *given,
                   uint32_t instance, struct placements *placements)
{
    uint32_t before = placements->count;
    for (uint32_t i = 0; i < given->rectangle_count; i++) {
        const struct planner_rectangle *piece = &given->rectangles[i];
        if (piece->kind != PLANNER_HELD)
            continue;
        placements_add(placements, (struct placed){instance, node_number(given->node), piece->slots_from,
                                                   piece->slots_to, piece->from, piece->to});
    }
    reference_put(&contestant->reference, ask, placements->rows + before, placements->count - before);
}

bool ours_decide(struct contestant *contestant, const struct ask *ask, struct placements *placements)
{
    const char *models[TRACE_MODELS_MAX];
    struct planner_verdict verdict;
    struct planner_request request = {
        .reservation = bench_id(5, ask->number),
        .tenant = bench_id(6, ask->number), /* nobody follows without turnaround */
        .count = ask->count,
        .shape = ask->shape,
        .from = ask->from,
        .to = ask->to,
        .gpu_models = models,
        .scope = ask->scope,
        .scope_preferred = ask->scope_preferred,
    };
    if (shape_milli(&ask->shape) == 0)
        return cpu_place(contestant, ask, placements);
    demand_add(&contestant->demand, &ask->shape);
    for (uint32_t bit = 0; bit < TRACE_MODELS_MAX; bit++) {
        if (ask->models >> bit & 1)
            models[request.gpu_model_count++] = contestant->models[bit];
    }
    planner_place(contestant->planner, &request, &verdict);
    for (uint32_t i = 0; verdict.placed && i < verdict.allocation_count; i++)
        record(contestant, ask, &verdict.allocations[i], i, placements);
    return verdict.placed;
}
