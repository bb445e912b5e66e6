/* Planner decisions per second on a fleet that is half sold, beside a naive linear first fit in the same run.
 *
 *     bench_planner [--nodes N] [--seed S] [--decisions D] [--json]        default: 1,523 and 12,500 nodes
 *
 * Nodes of 8 GPUs, 8 to a rack, 512 to a fabric. Windows are booked ahead: they start within 30 days (or up to 14 days
 * ago) and last from an hour to two weeks. The fleet is filled until half of its GPU-hours in those 30 days are sold;
 * then bookings are made and the same number cancelled, turn by turn, and only the making is timed. First fit holds the
 * same windows on a fleet of its own, filled the same way; it knows whole GPUs only, no CPU, memory, scopes or
 * turnaround, so it has less to do for each node it looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/planner.h"
#include "common/alloc.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY       INT64_C(86400)
#define HORIZON_S (30 * DAY)
#define GPUS      8
#define TURN      64 /* bookings made, then cancelled */
#define LIVE_MAX  (1U << 20)

/* What is booked, in one workload. */
struct workload {
    const char *name;
    uint32_t share_percent; /* shares among the bookings */
    uint32_t gang;          /* 0: single instances; otherwise so many whole nodes in one fabric */
    bool rising;            /* nothing was booked before today: the fleet is empty now and crowded in a month */
    bool first_fit;         /* has a baseline */
};

static const struct workload workloads[] = {
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

static uint64_t random_next(uint64_t *state)
{
    uint64_t value = *state; /* Marsaglia's xorshift64 */
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return *state = value;
}

static int64_t between(uint64_t *state, int64_t least, int64_t most)
{
    return least + (int64_t)(random_next(state) % (uint64_t)(most - least + 1));
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct planner_id id_of(uint32_t kind, uint32_t number)
{
    struct planner_id id = {{0}};
    memcpy(&id.bytes[8], &kind, sizeof kind);
    memcpy(&id.bytes[12], &number, sizeof number);
    return id;
}

static struct planner *fleet_of(uint32_t count)
{
    struct planner *planner = planner_new();
    for (uint32_t i = 0; i < count; i++) {
        struct planner_node node = {
            .id = id_of(1, i),
            .rack = id_of(2, i / 8),
            .fabric = id_of(3, i / 512),
            .zone = id_of(4, 0),
            .gpu_model = "h100",
            .gpus = GPUS,
            .cpu_milli = 192000,
            .memory_mib = 2048 * 1024,
            .turnaround_s = 600,
            .plannable_until = PLANNER_OPEN,
        };
        must(planner_node_put(planner, &node) == NULL);
    }
    return planner;
}

/* earliest: in seconds from now (0); bookings made before now keep the fleet as full today as in a month. */
static struct planner_request request_any(uint64_t *state, const struct workload *workload, uint32_t number,
                                          int64_t earliest)
{
    static const uint32_t sizes[] = {1, 1, 2, 4, 8, 8};
    static const int64_t lengths_s[] = {3600, 4 * 3600, 12 * 3600, DAY, 3 * DAY, 7 * DAY, 14 * DAY};
    int64_t from = between(state, earliest / 300, HORIZON_S / 300 - 1) * 300;
    struct planner_request request = {
        .reservation = id_of(5, number),
        .tenant = id_of(6, (uint32_t)between(state, 0, 199)),
        .count = 1,
        .from = from,
        .to = from + lengths_s[between(state, 0, 6)],
        .scope = PLANNER_FLEET,
    };
    request.shape.gpus = sizes[between(state, 0, 5)];
    if (workload->share_percent >= between(state, 1, 100))
        request.shape = (struct planner_shape){.gpu_milli = (uint32_t)between(state, 1, 9) * 100};
    uint32_t gpu_milli = request.shape.gpus > 0 ? request.shape.gpus * PLANNER_GPU_MILLI : request.shape.gpu_milli;
    request.shape.cpu_milli = (int64_t)gpu_milli * 20;
    request.shape.memory_mib = (int64_t)gpu_milli * 200;
    return request;
}

/* What a booking takes of the horizon. */
static int64_t weight_of(const struct planner_request *request)
{
    int64_t from = request->from > 0 ? request->from : 0;
    int64_t to = request->to < HORIZON_S ? request->to : HORIZON_S;
    int64_t milli =
        request->shape.gpus > 0 ? (int64_t)request->shape.gpus * PLANNER_GPU_MILLI : (int64_t)request->shape.gpu_milli;
    return from < to ? (to - from) * milli * request->count : 0;
}

/* -- the baseline ----------------------------------------------------------------------------------------------- */

struct taken {
    int64_t from;
    int64_t to;
    uint32_t gpus; /* a bit each */
    uint32_t number;
};

struct first_fit {
    struct line {
        struct taken *taken;
        uint32_t count;
        uint32_t room;
    } * lines;
    uint32_t *node_of; /* by booking */
    uint32_t node_count;
};

static bool first_fit_place(struct first_fit *fleet, const struct planner_request *request, uint32_t number)
{
    for (uint32_t node = 0; node < fleet->node_count; node++) {
        struct line *line = &fleet->lines[node];
        uint32_t free_gpus = (1U << GPUS) - 1;
        for (uint32_t i = 0; i < line->count; i++) {
            if (line->taken[i].from < request->to && request->from < line->taken[i].to)
                free_gpus &= ~line->taken[i].gpus;
        }
        if ((uint32_t)__builtin_popcount(free_gpus) < request->shape.gpus)
            continue;
        while ((uint32_t)__builtin_popcount(free_gpus) > request->shape.gpus)
            free_gpus &= free_gpus - 1;
        if (line->count == line->room) {
            line->room = line->room == 0 ? 16 : line->room * 2;
            line->taken = alloc_resize(line->taken, line->room, sizeof line->taken[0]);
        }
        line->taken[line->count++] = (struct taken){request->from, request->to, free_gpus, number};
        fleet->node_of[number % LIVE_MAX] = node;
        return true;
    }
    return false;
}

static void first_fit_release(struct first_fit *fleet, uint32_t number)
{
    struct line *line = &fleet->lines[fleet->node_of[number % LIVE_MAX]];
    for (uint32_t i = 0; i < line->count; i++) {
        if (line->taken[i].number == number)
            line->taken[i--] = line->taken[--line->count];
    }
}

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
    run->live[run->live_count++] = (struct booking){run->number, request->count, weight_of(request)};
    run->sold += weight_of(request);
}

static void cancel(struct run *run, uint32_t at)
{
    struct booking booking = run->live[at];
    if (run->first_fit != NULL)
        first_fit_release(run->first_fit, booking.number);
    for (uint32_t i = 0; run->planner != NULL && i < booking.count; i++) {
        bool released = planner_release(run->planner, &(struct planner_key){id_of(5, booking.number), i});
        must(released);
    }
    run->sold -= booking.gpu_milli_s;
    run->live[at] = run->live[--run->live_count];
}

static void fill(struct run *run, const struct workload *workload, uint32_t node_count)
{
    int64_t half = (int64_t)node_count * GPUS * PLANNER_GPU_MILLI * (HORIZON_S / 2);
    struct workload singles = *workload;
    singles.gang = 0;
    for (uint32_t tries = 0; run->sold < half && tries < LIVE_MAX; tries++) {
        struct planner_request request =
            request_any(&run->state, &singles, ++run->number, workload->rising ? 0 : -14 * DAY);
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

static struct figures measure(struct run *run, const struct workload *workload, uint32_t decisions)
{
    struct figures figures = {0};
    int64_t *times = alloc_zero(decisions, sizeof times[0]);
    int64_t granted_ns = 0;
    int64_t refused_ns = 0;
    for (uint32_t made = 0; made < decisions;) {
        uint32_t before = run->live_count;
        for (uint32_t i = 0; i < (workload->gang > 0 ? 1 : TURN) && made < decisions; i++, made++) {
            struct planner_request request = request_any(&run->state, workload, ++run->number, 0);
            if (workload->gang > 0) {
                request.count = workload->gang;
                request.shape = (struct planner_shape){.gpus = GPUS, .cpu_milli = 160000, .memory_mib = 1024 * 1024};
                request.scope = PLANNER_FABRIC;
                request.to = request.from + DAY;
            }
            int64_t start = now_ns();
            bool granted = decide(run, &request);
            int64_t took = now_ns() - start;
            times[made] = took;
            *(granted ? &granted_ns : &refused_ns) += took;
            *(granted ? &figures.granted : &figures.refused) += 1;
            if (granted)
                keep(run, &request);
        }
        /* a gang goes again at once; otherwise anybody, so that the fleet stays as full as it was */
        while (run->live_count > before)
            cancel(run,
                   workload->gang > 0 ? run->live_count - 1 : (uint32_t)between(&run->state, 0, run->live_count - 1));
    }
    qsort(times, decisions, sizeof times[0], compare);
    figures.granted_per_s = figures.granted == 0 ? 0 : (double)figures.granted * 1e9 / (double)granted_ns;
    figures.refused_per_s = figures.refused == 0 ? 0 : (double)figures.refused * 1e9 / (double)refused_ns;
    figures.p50_us = (double)times[decisions / 2] / 1e3;
    figures.p99_us = (double)times[(uint64_t)decisions * 99 / 100] / 1e3;
    free(times);
    return figures;
}

static struct figures run_planner(const struct workload *workload, uint32_t node_count, const struct options *options)
{
    struct run run = {.planner = fleet_of(node_count), .state = options->seed};
    run.live = alloc_zero(LIVE_MAX, sizeof run.live[0]);
    fill(&run, workload, node_count);
    struct figures figures =
        measure(&run, workload, workload->gang > 0 ? options->decisions / 10 + 1 : options->decisions);
    planner_verify(run.planner);
    planner_free(run.planner);
    free(run.live);
    return figures;
}

static struct figures run_first_fit(const struct workload *workload, uint32_t node_count, const struct options *options)
{
    struct first_fit fleet = {.node_count = node_count};
    struct run run = {.first_fit = &fleet, .state = options->seed};
    fleet.lines = alloc_zero(node_count, sizeof fleet.lines[0]);
    fleet.node_of = alloc_zero(LIVE_MAX, sizeof fleet.node_of[0]);
    run.live = alloc_zero(LIVE_MAX, sizeof run.live[0]);
    fill(&run, workload, node_count);
    struct figures figures = measure(&run, workload, options->decisions);
    for (uint32_t i = 0; i < node_count; i++)
        free(fleet.lines[i].taken);
    free(fleet.lines);
    free(fleet.node_of);
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
    for (int i = 1; i < argc; i++) {
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

int main(int argc, char **argv)
{
    struct options options = {.nodes = {1523, 12500}, .node_counts = 2, .seed = 1, .decisions = 20000};
    if (!options_read(&options, argc, argv)) {
        fprintf(stderr, "usage: bench_planner [--nodes N] [--seed S] [--decisions D] [--json]\n");
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
