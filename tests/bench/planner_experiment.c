/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_experiment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void figure_add(struct figure *figure, double value)
{
    figure->sum += value;
    figure->squares += value * value;
    figure->count++;
}

double figure_mean(const struct figure *figure)
{
    return figure->count == 0 ? 0 : figure->sum / figure->count;
}

double figure_deviation(const struct figure *figure)
{
    double mean = figure_mean(figure);
    double variance = figure->count == 0 ? 0 : figure->squares / figure->count - mean * mean;
    return variance <= 0 ? 0 : sqrt(variance);
}

static bool number_of(const char *text, uint64_t most, uint64_t *ret)
{
    char *end;
    *ret = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *ret >= 1 && *ret <= most;
}

/* Option argv[0] with its value argv[1]. */
static const char *option_read(struct experiment_options *options, char **argv, bool *some_policy)
{
    const char *value = argv[1];
    uint64_t number;
    if (strcmp(argv[0], "--nodes") == 0) {
        options->nodes = value;
    } else if (strcmp(argv[0], "--tasks") == 0) {
        options->tasks = value;
    } else if (strcmp(argv[0], "--placements") == 0) {
        options->placements = value;
    } else if (strcmp(argv[0], "--seed") == 0) {
        if (!number_of(value, INT64_MAX, &options->seed))
            return "--seed is a number from 1 on";
    } else if (strcmp(argv[0], "--seeds") == 0) {
        if (!number_of(value, EXPERIMENT_SEEDS_MAX, &number))
            return "--seeds is a number from 1 to 100";
        options->seeds = (uint32_t)number;
    } else if (strcmp(argv[0], "--fleet") == 0) {
        if (!number_of(value, EXPERIMENT_FLEET_MAX, &number))
            return "--fleet is a number from 1 to 65536";
        options->fleet = (uint32_t)number;
    } else if (strcmp(argv[0], "--policy") == 0) {
        enum policy policy = policy_of_text(value);
        if (policy == POLICY_COUNT)
            return "the policy is unknown";
        if (!*some_policy)
            memset(options->policies, 0, sizeof options->policies);
        *some_policy = options->policies[policy] = true;
    } else {
        return "the option is unknown";
    }
    return NULL;
}

bool experiment_options_read(struct experiment_options *options, const char *usage, int argc, char **argv)
{
    bool some_policy = false;
    memset(options->policies, 1, sizeof options->policies);
    options->seed = 1;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            options->json = true;
            continue;
        }
        const char *wrong =
            i + 1 == argc ? "it is unknown or needs a value" : option_read(options, &argv[i], &some_policy);
        if (wrong != NULL) {
            fprintf(stderr, "%s: %s\n%s", argv[i], wrong, usage);
            return false;
        }
        i++;
    }
    return true;
}
