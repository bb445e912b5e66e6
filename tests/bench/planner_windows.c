/* The experiment with windows: bookings made ahead, three loads, all policies on the same bookings in the same order.
 * What is refused is gone. Figures: the share of the GPU time asked for that is admitted, beside a bound that nobody
 * can exceed; gangs that stand within the scope they asked for; and the biggest block of free nodes that is kept. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "tests/bench/planner_bench.h"
#include "tests/bench/planner_bookings.h"
#include "tests/bench/planner_experiment.h"
#include "tests/bench/planner_placements.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Every six hours: how many nodes of one leaf are free for the next six. */
#define SAMPLE_S INT64_C(21600)

static const char usage[] =
    "usage: tests/bench/planner --windows [--fleet NODES] [--seeds 3] [--seed 1] [--policy NAME]... [--json]\n"
    "                           [--placements OUT.csv]\n"
    "policies: random, first_fit, best_fit, worst_fit, ours; without --policy all of them\n";
static const uint32_t loads_percent[] = {70, 100, 140};

enum measure { ADMITTED, BOUND, GANGS_IN_SCOPE, FREE_BLOCK, COST_US, MEASURES };

static const char *const measure_names[MEASURES] = {
    [ADMITTED] = "admitted_percent",   [BOUND] = "bound_percent",     [GANGS_IN_SCOPE] = "gangs_in_scope_percent",
    [FREE_BLOCK] = "free_block_nodes", [COST_US] = "us_per_decision",
};

static bool free_for(const struct reference *reference, uint32_t node, int64_t from, int64_t to)
{
    struct reference_room room;
    reference_room(reference, node, from, to, &room);
    return room.whole == reference->nodes[node].gpus;
}

static uint32_t free_block(const struct reference *reference, int64_t instant)
{
    uint32_t most = 0;
    uint32_t here = 0;
    for (uint32_t i = 0; i < reference->node_count; i++) {
        bool same_leaf =
            i > 0 && reference->nodes[i].groups[PLANNER_LEAF] == reference->nodes[i - 1].groups[PLANNER_LEAF];
        here = (same_leaf ? here : 0) + free_for(reference, i, instant, instant + SAMPLE_S);
        most = here > most ? here : most;
    }
    return most;
}

static bool within_scope(const struct reference *reference, const struct ask *ask, const struct placements *placements)
{
    for (uint32_t i = 1; i < placements->count; i++) {
        if (reference->nodes[placements->rows[i].node].groups[ask->scope] !=
            reference->nodes[placements->rows[0].node].groups[ask->scope])
            return false;
    }
    return placements->count > 0;
}

struct run {
    uint32_t nodes;
    uint32_t load_percent;
    enum policy policy;
    uint64_t seed;
    FILE *placements_file;
};

/* Time goes on to `now`: samples are taken, and what is over is forgotten. */
static void time_passes(struct contestant *contestant, int64_t now, int64_t *sampled, struct figure *block)
{
    for (; *sampled <= now; *sampled += SAMPLE_S) {
        figure_add(block, free_block(&contestant->reference, *sampled));
        reference_forget(&contestant->reference, *sampled);
        if (contestant->planner != NULL)
            planner_forget(contestant->planner, *sampled);
    }
}

static void run(const struct run *run, const struct bookings *bookings, char (*names)[TRACE_NAME_SIZE],
                struct figure figures[MEASURES])
{
    struct contestant contestant = contestant_new(run->policy, bookings_fleet(run->nodes, names), NULL, run->seed);
    struct placements placements = {0};
    struct figure block = {0};
    double asked = 0;
    double admitted = 0;
    uint32_t gangs = 0;
    uint32_t in_scope = 0;
    int64_t sampled = 0;
    int64_t spent_ns = 0;
    for (uint32_t i = 0; i < bookings->count; i++) {
        const struct ask *ask = &bookings->asks[i].ask;
        time_passes(&contestant, bookings->asks[i].now, &sampled, &block);
        placements.count = 0;
        int64_t start = bench_now_ns();
        bool placed = contestant_decide(&contestant, ask, &placements);
        spent_ns += bench_now_ns() - start;
        asked += (double)ask_weight(ask);
        admitted += placed ? (double)ask_weight(ask) : 0;
        gangs += ask->count > 1;
        in_scope += ask->count > 1 && placed && within_scope(&contestant.reference, ask, &placements);
        if (run->placements_file != NULL)
            placements_write(run->placements_file, &contestant, run->seed, run->load_percent, "", ask, &placements);
    }
    if (contestant.planner != NULL)
        planner_verify(contestant.planner);
    figure_add(&figures[ADMITTED], admitted * 100 / asked);
    figure_add(&figures[BOUND], bookings->bound_percent);
    figure_add(&figures[GANGS_IN_SCOPE], gangs == 0 ? 100 : (double)in_scope * 100 / gangs);
    figure_add(&figures[FREE_BLOCK], figure_mean(&block));
    figure_add(&figures[COST_US], (double)spent_ns / 1e3 / bookings->count);
    free(placements.rows);
    contestant_free(&contestant);
}

static void print(const struct run *run, const struct figure figures[MEASURES], bool json, bool first)
{
    if (!json) {
        printf("%6u  %-10s %10.2f %9.2f %9.2f %13.1f %12.1f %12.1f\n", run->load_percent, policy_text(run->policy),
               figure_mean(&figures[ADMITTED]), figure_deviation(&figures[ADMITTED]), figure_mean(&figures[BOUND]),
               figure_mean(&figures[GANGS_IN_SCOPE]), figure_mean(&figures[FREE_BLOCK]),
               figure_mean(&figures[COST_US]));
    } else {
        printf("%s{\"load_percent\":%u,\"policy\":\"%s\",\"deviation\":%.4f", first ? "" : ",", run->load_percent,
               policy_text(run->policy), figure_deviation(&figures[ADMITTED]));
        for (uint32_t i = 0; i < MEASURES; i++)
            printf(",\"%s\":%.4f", measure_names[i], figure_mean(&figures[i]));
        printf("}");
    }
    (void)fflush(stdout); /* so that a long run shows where it is */
}

static void run_all(const struct experiment_options *options, FILE *placements)
{
    char(*names)[TRACE_NAME_SIZE] = alloc_zero(options->fleet, sizeof names[0]);
    bool first = true;
    if (options->json)
        printf("{\"experiment\":\"windows\",\"nodes\":%u,\"seed\":%" PRIu64 ",\"seeds\":%u,\"results\":[",
               options->fleet, options->seed, options->seeds);
    else
        printf("%u nodes of %d GPUs, %d to a leaf; bookings over 30 days, seeds %" PRIu64 " to %" PRIu64 "\n"
               "%6s  %-10s %10s %9s %9s %13s %12s %12s\n",
               options->fleet, BOOKINGS_GPUS, BOOKINGS_LEAF_NODES, options->seed, options->seed + options->seeds - 1,
               "load %", "policy", "admitted %", "deviation", "bound %", "gangs in sc. %", "free block", "us/decision");
    for (size_t load = 0; load < COUNT_OF(loads_percent); load++) {
        for (uint32_t policy = 0; policy < POLICY_COUNT; policy++) {
            struct figure figures[MEASURES] = {{0}};
            struct run one = {options->fleet, loads_percent[load], (enum policy)policy, options->seed, placements};
            for (; options->policies[policy] && one.seed < options->seed + options->seeds; one.seed++) {
                CLEANUP(bookings_free) struct bookings bookings = bookings_new(one.nodes, one.load_percent, one.seed);
                run(&one, &bookings, names, figures);
            }
            if (options->policies[policy])
                print(&one, figures, options->json, first);
            first = first && !options->policies[policy];
        }
    }
    if (options->json)
        printf("]}\n");
    free(names);
}

int bench_windows(int argc, char **argv)
{
    struct experiment_options options = {.seeds = 3, .fleet = 256};
    FILE *placements = NULL;
    if (!experiment_options_read(&options, usage, argc, argv))
        return 2;
    if (options.placements != NULL && (placements = placements_open(options.placements)) == NULL)
        return 1;
    run_all(&options, placements);
    return placements == NULL || placements_close(placements, options.placements) ? 0 : 1;
}
