/* What the planner does in numbers: one subcommand per question.
 *
 *     bench_planner [speed] [options of the subcommand]; --help for these */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cleanup.h"
#include "tests/bench/planner_bench.h"

#include <stdio.h>
#include <string.h>

// clang-format off
static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
} subcommands[] = {
    {"speed", bench_speed, "decisions per second, memory and load time (without a subcommand, too)"},
    {"fill", bench_fill, "a fleet and its tasks from files: how full it gets, by policy"},
    {"windows", bench_windows, "windows booked ahead: how much is admitted, by policy"},
};
// clang-format on

static int usage(FILE *to)
{
    fprintf(to, "usage: bench_planner [subcommand] [options]\n");
    for (size_t i = 0; i < COUNT_OF(subcommands); i++)
        fprintf(to, "  %-8s %s\n", subcommands[i].name, subcommands[i].does);
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (argc < 2 || strncmp(argv[1], "--", 2) == 0)
        return bench_speed(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(argc - 2, argv + 2);
    }
    return usage(stderr);
}
