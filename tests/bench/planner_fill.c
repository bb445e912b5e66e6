/* The filling experiment of "Beware of Fragmentation" (USENIX ATC'23): tasks sampled with replacement arrive one at a
 * time and for good, until the GPUs asked for reach 130 % of those that there are. The figure is the share of GPUs
 * allocated at the end.
 *
 * All policies see the same tasks in the same order. Tasks without GPUs arrive among them and take CPU and memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "tests/bench/planner_bench.h"
#include "tests/bench/planner_experiment.h"
#include "tests/bench/planner_placements.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_PERCENT 130
#define ARRIVALS_MAX  (1U << 24) /* tasks that ask for next to nothing would never fill the fleet */

static const char usage[] = "usage: tests/bench/planner --nodes NODES.csv --tasks TASKS.csv [--seeds 10] [--seed 1] "
                            "[--policy NAME]... [--json]\n"
                            "                           [--placements OUT.csv]\n"
                            "policies: random, first_fit, best_fit, worst_fit, ours; without --policy all of them\n";

struct result {
    uint32_t arrivals;
    uint32_t refused;
    double allocated_percent;
    double us_per_decision; /* processor time */
};

static struct reference fleet_of(const struct trace *trace)
{
    struct reference reference = {.node_count = trace->node_count};
    reference.nodes = alloc_zero(trace->node_count, sizeof reference.nodes[0]);
    for (uint32_t i = 0; i < trace->node_count; i++) {
        const struct trace_node *from = &trace->nodes[i];
        struct reference_node *node = &reference.nodes[i];
        node->name = from->name;
        node->gpus = from->gpus;
        node->cpu_milli = from->cpu_milli;
        node->memory_mib = from->memory_mib;
        for (uint32_t bit = 0; bit < trace->model_count; bit++) {
            if (strcmp(trace->models[bit], from->model) == 0)
                node->model = UINT32_C(1) << bit;
        }
        /* the trace knows no racks or fabrics: made up is one fabric of nodes by themselves */
        for (uint32_t level = 0; level < REFERENCE_LEVELS; level++)
            node->groups[level] = level < PLANNER_FABRIC ? i : 0;
    }
    for (uint32_t level = 0; level < REFERENCE_LEVELS; level++)
        reference.group_counts[level] = level < PLANNER_FABRIC ? trace->node_count : 1;
    return reference;
}

static struct result run(const struct trace *trace, enum policy policy, uint64_t seed, FILE *placements_file)
{
    struct contestant contestant = contestant_new(policy, fleet_of(trace), trace->models, seed);
    struct placements placements = {0};
    struct result result = {0};
    int64_t capacity = reference_capacity(&contestant.reference);
    int64_t asked = 0;
    int64_t allocated = 0;
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    int64_t start = bench_now_ns();
    while (asked * 100 < capacity * ASKED_PERCENT && result.arrivals < ARRIVALS_MAX) {
        const struct trace_task *task = &trace->tasks[bench_random(&state) % trace->task_count];
        struct ask ask = {
            .number = ++result.arrivals,
            .count = 1,
            .shape = task->shape,
            .models = task->models,
            .to = PLANNER_OPEN,
            .scope = PLANNER_FLEET,
        };
        placements.count = 0;
        bool placed = contestant_decide(&contestant, &ask, &placements);
        asked += shape_milli(&task->shape);
        allocated += placed ? shape_milli(&task->shape) : 0;
        result.refused += !placed;
        if (placements_file != NULL)
            placements_write(placements_file, &contestant, seed, ASKED_PERCENT, task->name, &ask, &placements);
    }
    result.us_per_decision = (double)(bench_now_ns() - start) / 1e3 / result.arrivals;
    result.allocated_percent = (double)allocated * 100 / (double)capacity;
    if (contestant.planner != NULL)
        planner_verify(contestant.planner);
    free(placements.rows);
    contestant_free(&contestant);
    return result;
}

static bool trace_load(struct trace *trace, const struct experiment_options *options)
{
    char error[TRACE_ERROR_SIZE];
    int64_t milli = 0;
    if (options->nodes == NULL || options->tasks == NULL) {
        fprintf(stderr, "--nodes and --tasks are needed\n%s", usage);
        return false;
    }
    if (!trace_read_nodes(trace, options->nodes, error) || !trace_read_tasks(trace, options->tasks, error)) {
        fprintf(stderr, "%s\n", error);
        return false;
    }
    for (uint32_t i = 0; i < trace->node_count; i++)
        milli += trace->nodes[i].gpus;
    if (milli == 0 || trace->task_count == 0)
        fprintf(stderr, "%s: nothing to fill: no %s\n", milli == 0 ? options->nodes : options->tasks,
                milli == 0 ? "node has a GPU" : "tasks");
    return milli > 0 && trace->task_count > 0;
}

/* All seeds of one policy as one line. */
static void run_seeds(const struct trace *trace, enum policy policy, const struct experiment_options *options,
                      FILE *placements, bool last)
{
    struct figure allocated = {0};
    struct figure refused = {0};
    struct figure cost = {0};
    if (options->json)
        printf("{\"policy\":\"%s\",\"allocated_percent\":[", policy_text(policy));
    for (uint32_t i = 0; i < options->seeds; i++) {
        struct result result = run(trace, policy, options->seed + i, placements);
        figure_add(&allocated, result.allocated_percent);
        figure_add(&refused, (double)result.refused * 100 / result.arrivals);
        figure_add(&cost, result.us_per_decision);
        if (options->json)
            printf("%s%.4f", i == 0 ? "" : ",", result.allocated_percent);
    }
    if (options->json)
        printf("],\"mean_percent\":%.4f,\"deviation\":%.4f,\"refused_percent\":%.4f,\"us_per_decision\":%.2f}%s",
               figure_mean(&allocated), figure_deviation(&allocated), figure_mean(&refused), figure_mean(&cost),
               last ? "" : ",");
    else
        printf("%-10s %11.2f %10.2f %10.2f %13.1f\n", policy_text(policy), figure_mean(&allocated),
               figure_deviation(&allocated), figure_mean(&refused), figure_mean(&cost));
    (void)fflush(stdout); /* so that a long run shows where it is */
}

static void run_policies(const struct trace *trace, const struct experiment_options *options, FILE *placements)
{
    enum policy last = POLICY_RANDOM;
    for (uint32_t policy = 0; policy < POLICY_COUNT; policy++)
        last = options->policies[policy] ? (enum policy)policy : last;
    if (options->json)
        printf("{\"experiment\":\"fill\",\"nodes\":%u,\"tasks\":%u,\"asked_percent\":%d,\"seed\":%" PRIu64
               ",\"seeds\":%u,\"policies\":[",
               trace->node_count, trace->task_count, ASKED_PERCENT, options->seed, options->seeds);
    else
        printf("%u nodes, %u tasks to sample from, seeds %" PRIu64 " to %" PRIu64 "\n%-10s %11s %10s %10s %13s\n",
               trace->node_count, trace->task_count, options->seed, options->seed + options->seeds - 1, "policy",
               "allocated %", "deviation", "refused %", "us/decision");
    for (uint32_t policy = 0; policy < POLICY_COUNT; policy++) {
        if (options->policies[policy])
            run_seeds(trace, (enum policy)policy, options, placements, policy == last);
    }
    if (options->json)
        printf("]}\n");
}

int bench_fill(int argc, char **argv)
{
    CLEANUP(trace_free) struct trace trace = {0};
    struct experiment_options options = {.seeds = 10};
    FILE *placements = NULL;
    if (!experiment_options_read(&options, usage, argc, argv))
        return 2;
    if (!trace_load(&trace, &options))
        return 2;
    if (options.placements != NULL && (placements = placements_open(options.placements)) == NULL)
        return 1;
    run_policies(&trace, &options, placements);
    return placements == NULL || placements_close(placements, options.placements) ? 0 : 1;
}
