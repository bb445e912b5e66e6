/* Planner decisions per second on a fleet that is half sold, beside a naive linear first fit in the same run.
 *
 *     bench_planner speed [--nodes N] [--seed S] [--decisions D] [--json]        default: 1,523 and 12,500 nodes
 *
 * Nodes of 8 GPUs, 8 to a rack, 512 to a fabric. Windows are booked ahead: they start within 30 days (or up to 14 days
 * ago) and last from an hour to two weeks. The fleet is filled until half of its GPU-hours in those 30 days are sold;
 * then bookings are made and the same number cancelled, turn by turn, and only the making is timed. First fit holds the
 * same windows on a fleet of its own, filled the same way; it knows whole GPUs only, no CPU, memory, scopes or
 * turnaround, so it has less to do for each node it looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/must.h"
#include "tests/bench/planner_bench.h"
#include "tests/bench/planner_first_fit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN     64 /* bookings made, then cancelled */
#define LIVE_MAX (1U << 20)

static const struct bench_workload workloads[] = {
    {"1 to 8 whole GPUs", 0, 0, false, true},
    {"same, load rising", 0, 0, true, true},
    {"half of them shares", 50, 0, false, false},
    {"gang of 64 nodes", 0, 64, false, false},
};

struct booking {
    uint32_t number; /* reservation */
    uint32_t count;
    int64_t gpu_milli_s; /* within the horizon */
};

struct figures {
    uint64_t granted;
    uint64_t refused;
    double granted_per_s;
    double refused_per_s;
    double p50_us;
    double p99_us;
};

struct options {
    uint32_t nodes[2];
    uint32_t node_counts;
    uint64_t seed;
    uint32_t decisions;
    bool json;
};

/* -- the run ---------------------------------------------------------------------------------------------------- */

/* Either the planner or first fit is set. */
struct run {
    struct planner *planner;
    struct first_fit *first_fit;
    uint64_t state;
    uint32_t number;
    int64_t sold; /* milli-GPU-seconds within the horizon */
    struct booking *live;
    uint32_t live_count;
};

static bool decide(struct run *run, const struct planner_request *request)
{
    if (run->first_fit != NULL)
        return first_fit_place(run->first_fit, request, run->number);
    struct planner_verdict verdict;
    planner_place(run->planner, request, &verdict);
    return verdict.placed;
}

static void keep(struct run *run, const struct planner_request *request)
{
    must(run->live_count < LIVE_MAX);
    run->live[run->live_count++] = (struct booking){run->number, request->count, bench_weight(request)};
    run->sold += bench_weight(request);
}

static void cancel(struct run *run, uint32_t at)
{
    struct booking booking = run->live[at];
    if (run->first_fit != NULL)
        first_fit_release(run->first_fit, booking.number);
    for (uint32_t i = 0; run->planner != NULL && i < booking.count; i++) {
        bool released = planner_release(run->planner, &(struct planner_key){bench_id(5, booking.number), i});
        must(released);
    }
    run->sold -= booking.gpu_milli_s;
    run->live[at] = run->live[--run->live_count];
}

static void fill(struct run *run, const struct bench_workload *workload, uint32_t node_count)
{
    int64_t half = (int64_t)node_count * BENCH_GPUS * PLANNER_GPU_MILLI * (BENCH_HORIZON_S / 2);
    struct bench_workload singles = *workload;
    singles.gang = 0;
    for (uint32_t tries = 0; run->sold < half && tries < LIVE_MAX; tries++) {
        struct planner_request request =
            bench_request(&run->state, &singles, ++run->number, workload->rising ? 0 : -14 * DAY);
        if (request.to > 0 && decide(run, &request))
            keep(run, &request);
    }
    if (run->planner != NULL)
        planner_forget(run->planner, 0);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static struct figures measure(struct run *run, const struct bench_workload *workload, uint32_t decisions)
{
    struct figures figures = {0};
    int64_t *times = alloc_zero(decisions, sizeof times[0]);
    int64_t granted_ns = 0;
    int64_t refused_ns = 0;
    for (uint32_t made = 0; made < decisions;) {
        uint32_t before = run->live_count;
        for (uint32_t i = 0; i < (workload->gang > 0 ? 1 : TURN) && made < decisions; i++, made++) {
            struct planner_request request = bench_request(&run->state, workload, ++run->number, 0);
            if (workload->gang > 0) {
                request.count = workload->gang;
                request.shape =
                    (struct planner_shape){.gpus = BENCH_GPUS, .cpu_milli = 160000, .memory_mib = 1024 * 1024};
                request.scope = PLANNER_FABRIC;
                request.to = request.from + DAY;
            }
            int64_t start = bench_now_ns();
            bool granted = decide(run, &request);
            int64_t took = bench_now_ns() - start;
            times[made] = took;
            *(granted ? &granted_ns : &refused_ns) += took;
            *(granted ? &figures.granted : &figures.refused) += 1;
            if (granted)
                keep(run, &request);
        }
        /* a gang goes again at once; otherwise anybody, so that the fleet stays as full as it was */
        while (run->live_count > before)
            cancel(run, workload->gang > 0 ? run->live_count - 1
                                           : (uint32_t)bench_between(&run->state, 0, run->live_count - 1));
    }
    qsort(times, decisions, sizeof times[0], compare);
    figures.granted_per_s = figures.granted == 0 ? 0 : (double)figures.granted * 1e9 / (double)granted_ns;
    figures.refused_per_s = figures.refused == 0 ? 0 : (double)figures.refused * 1e9 / (double)refused_ns;
    figures.p50_us = (double)times[decisions / 2] / 1e3;
    figures.p99_us = (double)times[(uint64_t)decisions * 99 / 100] / 1e3;
    free(times);
    return figures;
}

static struct figures run_planner(const struct bench_workload *workload, uint32_t node_count,
                                  const struct options *options)
{
    struct run run = {.planner = bench_fleet(node_count), .state = options->seed};
    run.live = alloc_zero(LIVE_MAX, sizeof run.live[0]);
    fill(&run, workload, node_count);
    struct figures figures =
        measure(&run, workload, workload->gang > 0 ? options->decisions / 10 + 1 : options->decisions);
    planner_verify(run.planner);
    planner_free(run.planner);
    free(run.live);
    return figures;
}

static struct figures run_first_fit(const struct bench_workload *workload, uint32_t node_count,
                                    const struct options *options)
{
    struct run run = {.first_fit = first_fit_new(node_count, LIVE_MAX), .state = options->seed};
    run.live = alloc_zero(LIVE_MAX, sizeof run.live[0]);
    fill(&run, workload, node_count);
    struct figures figures = measure(&run, workload, options->decisions);
    first_fit_free(run.first_fit);
    free(run.live);
    return figures;
}

static void print_row(uint32_t nodes, const char *workload, const char *how, const struct figures *figures, bool json)
{
    const char *format = json ? "{\"nodes\":%u,\"workload\":\"%s\",\"planner\":\"%s\",\"granted\":%" PRIu64
                                ",\"refused\":%" PRIu64 ",\"granted_per_s\":%.0f,\"refused_per_s\":%.0f"
                                ",\"p50_us\":%.2f,\"p99_us\":%.2f}\n"
                              : "%6u  %-20s %-17s %8" PRIu64 " %8" PRIu64 " %12.0f %10.0f %9.2f %9.2f\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    printf(format, nodes, workload, how, figures->granted, figures->refused, figures->granted_per_s,
           figures->refused_per_s, figures->p50_us, figures->p99_us);
#pragma GCC diagnostic pop
    (void)fflush(stdout); /* so that a long run shows where it is */
}

static bool options_read(struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
            continue;
        }
        if (value == 0 || value > 10000000)
            return false;
        if (strcmp(argv[i], "--nodes") == 0) {
            options->nodes[0] = (uint32_t)value;
            options->node_counts = 1;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options->seed = value;
        } else if (strcmp(argv[i], "--decisions") == 0) {
            options->decisions = (uint32_t)value;
        } else {
            return false;
        }
        i++;
    }
    return true;
}

int bench_speed(int argc, char **argv)
{
    struct options options = {.nodes = {1523, 12500}, .node_counts = 2, .seed = 1, .decisions = 20000};
    if (!options_read(&options, argc, argv)) {
        fprintf(stderr, "usage: bench_planner speed [--nodes N] [--seed S] [--decisions D] [--json]\n");
        return 2;
    }
    if (!options.json) {
        printf("seed %" PRIu64 "; fleet half sold; rates are of granted and of refused decisions, each by themselves\n",
               options.seed);
        printf("%6s  %-20s %-17s %8s %8s %12s %10s %9s %9s\n", "nodes", "workload", "", "granted", "refused",
               "granted/s", "refused/s", "p50 us", "p99 us");
    }
    for (uint32_t i = 0; i < options.node_counts; i++) {
        for (size_t j = 0; j < COUNT_OF(workloads); j++) {
            struct figures figures = run_planner(&workloads[j], options.nodes[i], &options);
            print_row(options.nodes[i], workloads[j].name, "planner", &figures, options.json);
            if (!workloads[j].first_fit)
                continue;
            figures = run_first_fit(&workloads[j], options.nodes[i], &options);
            print_row(options.nodes[i], workloads[j].name, "linear first fit", &figures, options.json);
        }
    }
    return 0;
}
