/* What is held, by kind: the mix of shapes that the fleet serves, from which fragmentation.c tells what a free piece of
 * a node is worth. It is a function of the allocations alone, so a planner rebuilt from its rows has the same.
 *
 * A histogram over GPU model, GPUs (or size of the share) and CPU. Cells keep sums, which come and go exactly; a
 * cell's mean shape stands for all that is in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <assert.h>

/* Shares by tenths of a GPU, then 1, 2, 3 to 4, 5 to 8, ... whole GPUs. */
#define SHARE_KINDS 10
#define GPU_KINDS   (SHARE_KINDS + 7)
/* CPU doubles from kind to kind, from one core on. */
#define CPU_KINDS 8

static_assert(MIX_CELLS == GPU_KINDS * CPU_KINDS, "one cell for each pair of kinds");

/* GPU milli for each unit of CPU or memory. */
static int64_t milli_per(int64_t gpu_milli, int64_t need)
{
    return need == 0 ? 0 : (gpu_milli << MIX_RATIO_BITS) / need;
}

static int64_t need_of(int64_t amount)
{
    return amount < MIX_NEED_MAX ? amount : MIX_NEED_MAX;
}

static uint32_t doublings(uint64_t value)
{
    return value <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(value - 1);
}

static uint32_t cell_of(const struct planner_shape *shape)
{
    uint32_t gpu_kind = shape->gpus > 0 ? SHARE_KINDS + doublings(shape->gpus) : shape->gpu_milli / 100;
    uint32_t cpu_kind = doublings((uint64_t)need_of(shape->cpu_milli) / 1000);
    must(gpu_kind < GPU_KINDS);
    return gpu_kind * CPU_KINDS + (cpu_kind < CPU_KINDS ? cpu_kind : CPU_KINDS - 1);
}

struct mix_class mix_class_of(const struct planner_shape *shape, int64_t count)
{
    struct mix_class class = {.weight = count, .gpus = shape->gpus, .gpu_milli = shape->gpu_milli};
    int64_t milli = shape->gpus > 0 ? (int64_t)shape->gpus * PLANNER_GPU_MILLI : (int64_t)shape->gpu_milli;
    class.cpu_milli = need_of(shape->cpu_milli);
    class.memory_mib = need_of(shape->memory_mib);
    class.milli_per_cpu = milli_per(milli, class.cpu_milli);
    class.milli_per_memory = milli_per(milli, class.memory_mib);
    return class;
}

static void class_put(struct mix *mix, uint32_t index)
{
    const struct mix_cell *cell = &mix->cells[index];
    struct planner_shape mean = {
        .gpus = (uint32_t)((cell->gpus + cell->count / 2) / cell->count),
        .gpu_milli = (uint32_t)((cell->gpu_milli + cell->count / 2) / cell->count),
        .cpu_milli = cell->cpu_milli / cell->count,
        .memory_mib = cell->memory_mib / cell->count,
    };
    mix->classes[cell->class] = mix_class_of(&mean, cell->count);
    mix->classes[cell->class].cell = index;
}

/* The last class moves to where it was. */
static void class_drop(struct mix *mix, uint32_t index)
{
    uint32_t class = mix->cells[index].class;
    mix->classes[class] = mix->classes[--mix->class_count];
    mix->cells[mix->classes[class].cell].class = class;
}

void mix_count(struct planner *planner, const struct allocation *allocation, bool added)
{
    struct mix *mix = &planner->models[planner->nodes[allocation->node].model].mix;
    const struct planner_shape *shape = &allocation->shape;
    uint32_t index = cell_of(shape);
    struct mix_cell *cell = &mix->cells[index];
    int64_t sign = added ? 1 : -1;
    if (allocation->from == allocation->to || allocation->maintenance) /* only turnaround is left; nobody's wish */
        return;
    if (cell->count == 0)
        cell->class = mix->class_count++;
    cell->count += sign;
    cell->gpus += sign * shape->gpus;
    cell->gpu_milli += sign * shape->gpu_milli;
    cell->cpu_milli += sign * need_of(shape->cpu_milli);
    cell->memory_mib += sign * need_of(shape->memory_mib);
    mix->weight += sign;
    mix->held_milli += sign * ((int64_t)shape->gpus * PLANNER_GPU_MILLI + shape->gpu_milli);
    must(cell->count >= 0);
    if (cell->count > 0)
        class_put(mix, index);
    else
        class_drop(mix, index);
}

void mix_verify(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->model_count; i++) {
        struct mix *was = alloc_zero(1, sizeof *was);
        *was = planner->models[i].mix;
        planner->models[i].mix = (struct mix){0};
        for (uint32_t j = 0; j < planner->allocation_top; j++) {
            const struct allocation *allocation = &planner->allocations[j];
            if (allocation->node != NONE && planner->nodes[allocation->node].model == i)
                mix_count(planner, allocation, true);
        }
        const struct mix *now = &planner->models[i].mix;
        must(now->weight == was->weight && now->class_count == was->class_count);
        must(now->held_milli == was->held_milli);
        for (uint32_t cell = 0; cell < MIX_CELLS; cell++) {
            must(now->cells[cell].count == was->cells[cell].count);
            must(now->cells[cell].cpu_milli == was->cells[cell].cpu_milli);
            must(now->cells[cell].count == 0 || was->classes[was->cells[cell].class].cell == cell);
        }
        free(was);
    }
}
