/* The planner's speed on fleets of 1,250, 12,500 and 125,000 nodes, beside a naive linear first fit in the same run.
 *
 *     bench_planner speed [--nodes N] [--fleet NAME] [--seed S] [--decisions D] [--json]
 *
 * Nodes of 8 GPUs, 8 to a rack, 512 to a fabric. Fleets of each size:
 *   million  bookings from an hour to two weeks long, begun up to 14 days ago or within 30 days, until there are 8
 *            rectangles a node, turnaround among them: a million on 125,000 nodes
 *   half     the same until half of the GPU-hours of those 30 days are sold: about 8 bookings a node
 *   rising   the same without a past: empty now, crowded in a month
 *   crowded  whole nodes, 95 % of the hours of 30 days sold, with gaps of any length between
 * Bookings are made and the same number cancelled, turn by turn, and only the making is timed, in processor time: other
 * work on the machine costs no more than its share of the caches. First fit is asked the same on the same fleet; it
 * knows whole GPUs only, no CPU, memory, scopes or turnaround, so it has less to do for each node it looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/must.h"
#include "tests/bench/planner_bench.h"
#include "tests/bench/planner_first_fit.h"
#include "tests/bench/planner_rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN     64 /* bookings made, then cancelled */
#define LIVE_MAX (1U << 21)

enum fleet { FLEET_MILLION, FLEET_HALF, FLEET_SHARES, FLEET_RISING, FLEET_CROWDED, FLEET_COUNT };

enum ask { ASK_SINGLE, ASK_GANG, ASK_EARLIEST, ASK_TOO_MUCH };

// clang-format off
static const struct bench_workload fills[FLEET_COUNT] = {
    [FLEET_MILLION] = {.name = "million", .rectangles = 8},
    [FLEET_HALF]    = {.name = "half"},
    [FLEET_SHARES]  = {.name = "shares", .share_percent = 50},
    [FLEET_RISING]  = {.name = "rising", .rising = true},
    [FLEET_CROWDED] = {.name = "crowded"},
};

/* `part` of the decisions asked for: the slow ones are fewer. */
static const struct measurement {
    enum fleet fleet;
    const char *name;
    enum ask ask;
    uint32_t part;
    bool first_fit; /* has a baseline */
} measurements[] = {
    {FLEET_MILLION, "1 to 8 whole GPUs",        ASK_SINGLE,   1,  true},
    {FLEET_MILLION, "64 nodes in a fabric",     ASK_GANG,     20, false},
    {FLEET_HALF,    "1 to 8 whole GPUs",        ASK_SINGLE,   1,  true},
    {FLEET_HALF,    "64 nodes in a fabric",     ASK_GANG,     20, false},
    {FLEET_HALF,    "600 nodes in a fabric",    ASK_TOO_MUCH, 200, false},
    {FLEET_SHARES,  "half of them shares",      ASK_SINGLE,   1,  false},
    {FLEET_RISING,  "1 to 8 whole GPUs",        ASK_SINGLE,   1,  true},
    {FLEET_CROWDED, "1 to 8 whole GPUs",        ASK_SINGLE,   1,  true},
    {FLEET_CROWDED, "64 nodes in a fabric",     ASK_GANG,     50, false},
    {FLEET_CROWDED, "earliest 64-node window",  ASK_EARLIEST, 50, false},
};
// clang-format on

struct figures {
    uint64_t granted;
    uint64_t refused;
    double per_s;
    double p50_us;
    double p99_us;
};

struct options {
    uint32_t nodes[3];
    uint32_t node_counts;
    const char *fleet; /* NULL: all of them */
    uint64_t seed;
    uint32_t decisions;
    bool json;
};

/* A fleet and what is booked on it. */
struct run {
    struct planner *planner;
    struct first_fit *first_fit; /* holds the same, or NULL */
    uint32_t node_count;
    uint64_t state;
    uint32_t number;     /* of the last booking */
    int64_t sold;        /* milli-GPU-seconds within the horizon */
    uint32_t rectangles; /* given while the fleet was filled */
    struct bench_booking *live;
    uint32_t live_count;
};

/* -- filling ---------------------------------------------------------------------------------------------------- */

static uint32_t number_of(struct planner_id id)
{
    uint32_t number;
    memcpy(&number, &id.bytes[12], sizeof number);
    return number;
}

static void mirror(struct run *run, const struct planner_request *request, const struct planner_verdict *verdict)
{
    for (uint32_t i = 0; run->first_fit != NULL && i < verdict->allocation_count; i++) {
        const struct planner_allocation *given = &verdict->allocations[i];
        uint32_t gpus = 0;
        for (uint32_t j = 0; j < given->rectangle_count; j++) {
            for (int32_t slot = given->rectangles[j].slots_from; slot < given->rectangles[j].slots_to; slot += 1000)
                gpus |= given->rectangles[j].kind == PLANNER_HELD ? 1U << slot / 1000 : 0;
        }
        first_fit_take(run->first_fit, number_of(given->node), request->from, request->to, gpus,
                       number_of(request->reservation));
    }
}

static void keep(struct run *run, const struct planner_request *request, const struct planner_verdict *verdict)
{
    must(run->live_count < LIVE_MAX);
    run->live[run->live_count++] =
        (struct bench_booking){number_of(request->reservation), request->count, bench_weight(request)};
    run->sold += bench_weight(request);
    for (uint32_t i = 0; i < verdict->allocation_count; i++)
        run->rectangles += verdict->allocations[i].rectangle_count;
    mirror(run, request, verdict);
}

static void cancel(struct run *run, uint32_t at)
{
    struct bench_booking booking = run->live[at];
    if (run->first_fit != NULL)
        first_fit_release(run->first_fit, booking.number);
    for (uint32_t i = 0; i < booking.count; i++) {
        bool released = planner_release(run->planner, &(struct planner_key){bench_id(5, booking.number), i});
        must(released);
    }
    run->sold -= booking.gpu_milli_s;
    run->live[at] = run->live[--run->live_count];
}

static bool is_full(const struct run *run, const struct bench_workload *workload)
{
    int64_t half = (int64_t)run->node_count * BENCH_GPUS * PLANNER_GPU_MILLI * (BENCH_HORIZON_S / 2);
    return workload->rectangles > 0 ? run->rectangles >= workload->rectangles * run->node_count : run->sold >= half;
}

static void fill_booked(struct run *run, const struct bench_workload *workload)
{
    for (uint32_t tries = 0; !is_full(run, workload) && tries < LIVE_MAX; tries++) {
        struct planner_request request =
            bench_request(&run->state, workload, ++run->number, workload->rising ? 0 : -14 * DAY);
        struct planner_verdict verdict;
        if (request.to <= 0)
            continue;
        planner_place(run->planner, &request, &verdict);
        if (verdict.placed)
            keep(run, &request, &verdict);
    }
}

/* Each node by itself: booked whole, again and again until the horizon, with gaps of a twentieth of the time. */
static void fill_crowded(struct run *run, const struct bench_workload *workload)
{
    for (uint32_t node = 0; node < run->node_count; node++) {
        int64_t from = bench_between(&run->state, -14 * DAY, 0);
        while (from < BENCH_HORIZON_S) {
            struct planner_request request = bench_request(&run->state, workload, ++run->number, 0);
            struct planner_rectangle rectangle = {0, BENCH_GPUS * PLANNER_GPU_MILLI, from,
                                                  from + request.to - request.from, PLANNER_HELD};
            struct planner_allocation allocation = {.key = {bench_id(5, run->number), 0},
                                                    .tenant = request.tenant,
                                                    .node = bench_id(1, node),
                                                    .shape = {.gpus = BENCH_GPUS},
                                                    .turnaround_s = -1,
                                                    .rectangles = &rectangle,
                                                    .rectangle_count = 1};
            request.from = rectangle.from;
            request.to = rectangle.to;
            request.shape = allocation.shape;
            from = rectangle.to + 600 + bench_between(&run->state, 0, (rectangle.to - rectangle.from) / 10);
            if (rectangle.to <= 0)
                continue;
            must(planner_load(run->planner, &allocation) == NULL);
            keep(run, &request, &(struct planner_verdict){.allocations = &allocation, .allocation_count = 1});
        }
    }
}

static void run_begin(struct run *run, enum fleet fleet, uint32_t node_count, uint64_t seed)
{
    const struct bench_workload *workload = &fills[fleet];
    *run = (struct run){.planner = bench_fleet(node_count), .node_count = node_count, .state = seed};
    run->live = alloc_zero(LIVE_MAX, sizeof run->live[0]);
    if (workload->share_percent == 0)
        run->first_fit = first_fit_new(node_count, LIVE_MAX * 2);
    planner_forget(run->planner, -14 * DAY);
    if (fleet == FLEET_CROWDED)
        fill_crowded(run, workload);
    else
        fill_booked(run, workload);
    planner_forget(run->planner, 0);
}

static void run_end(struct run *run)
{
    planner_free(run->planner);
    first_fit_free(run->first_fit);
    free(run->live);
}

/* -- asking ----------------------------------------------------------------------------------------------------- */

static struct planner_request request_for(struct run *run, const struct measurement *measurement)
{
    struct planner_request request = bench_request(&run->state, &fills[measurement->fleet], ++run->number, 0);
    if (measurement->ask == ASK_SINGLE)
        return request;
    request.count = measurement->ask == ASK_TOO_MUCH ? 600 : 64;
    request.shape = (struct planner_shape){.gpus = BENCH_GPUS, .cpu_milli = 160000, .memory_mib = 1024 * 1024};
    request.scope = PLANNER_FABRIC;
    if (measurement->ask == ASK_EARLIEST) {
        int64_t from = bench_between(&run->state, 0, 5 * DAY / 300) * 300;
        request.to = from + request.to - request.from;
        request.from = from;
    }
    return request;
}

/* Asks, and takes what is granted. */
static bool decide(struct run *run, const struct measurement *measurement, const struct planner_request *request)
{
    if (measurement->ask == ASK_EARLIEST) {
        int64_t from;
        return planner_earliest(run->planner, request, request->from + 60 * DAY, &from);
    }
    struct planner_verdict verdict;
    planner_place(run->planner, request, &verdict);
    if (verdict.placed)
        keep(run, request, &verdict);
    return verdict.placed;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void percentiles(struct figures *figures, int64_t *times, uint32_t count)
{
    qsort(times, count, sizeof times[0], compare);
    figures->p50_us = (double)times[count / 2] / 1e3;
    figures->p99_us = (double)times[(uint64_t)count * 99 / 100] / 1e3;
}

/* What reading the processor's clock takes by itself. */
static int64_t clock_cost_ns(void)
{
    enum { READS = 1000 };
    int64_t begun = bench_cpu_ns();
    for (uint32_t i = 0; i < READS; i++)
        (void)bench_cpu_ns(); /* for its time */
    return (bench_cpu_ns() - begun) / READS;
}

static struct figures measure(struct run *run, const struct measurement *measurement, uint32_t decisions)
{
    struct figures figures = {0};
    bool single = measurement->ask == ASK_SINGLE;
    int64_t *times = alloc_zero(decisions, sizeof times[0]);
    int64_t cost_ns = clock_cost_ns();
    int64_t sum_ns = 0;
    for (uint32_t made = 0; made < decisions;) {
        uint32_t before = run->live_count;
        for (uint32_t i = 0; i < (single ? TURN : 1) && made < decisions; i++, made++) {
            struct planner_request request = request_for(run, measurement);
            int64_t begun = bench_cpu_ns();
            bool granted = decide(run, measurement, &request);
            times[made] = bench_cpu_ns() - begun - cost_ns;
            sum_ns += times[made];
            *(granted ? &figures.granted : &figures.refused) += 1;
        }
        /* a gang goes again at once; otherwise anybody, so that the fleet stays as full as it was */
        while (run->live_count > before)
            cancel(run, single ? (uint32_t)bench_between(&run->state, 0, run->live_count - 1) : run->live_count - 1);
    }
    figures.per_s = (double)decisions * 1e9 / (double)sum_ns;
    percentiles(&figures, times, decisions);
    free(times);
    return figures;
}

static struct figures measure_first_fit(struct run *run, const struct measurement *measurement, uint32_t decisions)
{
    struct figures figures = {0};
    int64_t *times = alloc_zero(decisions, sizeof times[0]);
    int64_t cost_ns = clock_cost_ns();
    int64_t sum_ns = 0;
    for (uint32_t i = 0; i < decisions; i++) {
        struct planner_request request = request_for(run, measurement);
        int64_t begun = bench_cpu_ns();
        bool granted = first_fit_place(run->first_fit, &request, run->number);
        times[i] = bench_cpu_ns() - begun - cost_ns;
        sum_ns += times[i];
        *(granted ? &figures.granted : &figures.refused) += 1;
        if (granted)
            first_fit_release(run->first_fit, run->number);
    }
    figures.per_s = (double)decisions * 1e9 / (double)sum_ns;
    percentiles(&figures, times, decisions);
    free(times);
    return figures;
}

/* -- telling ---------------------------------------------------------------------------------------------------- */

static void print_row(uint32_t nodes, const struct measurement *measurement, const char *how,
                      const struct figures *figures, bool json)
{
    const char *fleet = fills[measurement->fleet].name;
    const char *format =
        json ? "{\"nodes\":%u,\"fleet\":\"%s\",\"workload\":\"%s\",\"planner\":\"%s\",\"granted\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"per_s\":%.0f,\"p50_us\":%.2f,\"p99_us\":%.2f}\n"
             : "%7u  %-13s %-24s %-10s %8" PRIu64 " %8" PRIu64 " %10.0f %10.2f %10.2f\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    printf(format, nodes, fleet, measurement->name, how, figures->granted, figures->refused, figures->per_s,
           figures->p50_us, figures->p99_us);
#pragma GCC diagnostic pop
    (void)fflush(stdout); /* so that a long run shows where it is */
}

static void print_rebuild(uint32_t nodes, const char *fleet, const struct bench_rebuild *rebuild, bool json)
{
    const char *format =
        json ? "{\"nodes\":%u,\"fleet\":\"%s\",\"allocations\":%u,\"rectangles\":%u,\"load_s\":%.3f,\"first_question_"
               "s\":%.3f"
               ",\"memory_mib\":%.0f}\n"
             : "%7u  %-13s rebuilt from %u allocations, %u rectangles: %.2f s, first question %.2f s, %.0f MiB\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    printf(format, nodes, fleet, rebuild->allocations, rebuild->rectangles, rebuild->load_s, rebuild->first_question_s,
           rebuild->memory_mib);
#pragma GCC diagnostic pop
    (void)fflush(stdout);
}

static void measure_fleet(enum fleet fleet, uint32_t node_count, const struct options *options)
{
    struct run run;
    run_begin(&run, fleet, node_count, options->seed);
    struct bench_rebuild rebuild = bench_rebuild(&run.planner, node_count, run.live, run.live_count);
    print_rebuild(node_count, fills[fleet].name, &rebuild, options->json);
    for (size_t i = 0; i < COUNT_OF(measurements); i++) {
        const struct measurement *measurement = &measurements[i];
        if (measurement->fleet != fleet)
            continue;
        struct figures figures = measure(&run, measurement, options->decisions / measurement->part + 1);
        print_row(node_count, measurement, "planner", &figures, options->json);
        if (!measurement->first_fit)
            continue;
        figures = measure_first_fit(&run, measurement, options->decisions / 20 + 1);
        print_row(node_count, measurement, "first fit", &figures, options->json);
    }
    run_end(&run);
}

static bool options_read(struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
            continue;
        }
        if (strcmp(argv[i], "--fleet") == 0 && i + 1 < argc) {
            options->fleet = argv[++i];
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
    struct options options = {.nodes = {1250, 12500, 125000}, .node_counts = 3, .seed = 1, .decisions = 20000};
    if (!options_read(&options, argc, argv)) {
        fprintf(stderr, "usage: bench_planner speed [--nodes N] [--fleet NAME] [--seed S] [--decisions D] [--json]\n");
        return 2;
    }
    if (!options.json) {
        printf("seed %" PRIu64 "\n%7s  %-13s %-24s %-10s %8s %8s %10s %10s %10s\n", options.seed, "nodes", "fleet",
               "asked", "", "granted", "refused", "per s", "p50 us", "p99 us");
    }
    for (uint32_t i = 0; i < options.node_counts; i++) {
        for (enum fleet fleet = 0; fleet < FLEET_COUNT; fleet++) {
            if (options.fleet == NULL || strcmp(options.fleet, fills[fleet].name) == 0)
                measure_fleet(fleet, options.nodes[i], &options);
        }
    }
    return 0;
}
