/* What the experiments share: their options and how figures of several seeds are told. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/bench/planner_policies.h"

#define EXPERIMENT_SEEDS_MAX 100
#define EXPERIMENT_FLEET_MAX 65536

struct experiment_options {
    const char *nodes; /* CSV paths; NULL: not given */
    const char *tasks;
    const char *placements;
    uint32_t fleet; /* nodes of a made-up fleet */
    uint64_t seed;  /* the first of so many */
    uint32_t seeds;
    bool policies[POLICY_COUNT];
    bool json;
};

/* Defaults: seeds given in options, seed 1, all policies. False: it has said on stderr what is wrong. */
MUST_CHECK bool experiment_options_read(struct experiment_options *options, const char *usage, int argc, char **argv);

/* Mean and standard deviation of a figure over seeds. */
struct figure {
    double sum;
    double squares;
    uint32_t count;
};

void figure_add(struct figure *figure, double value);
double figure_mean(const struct figure *figure);
double figure_deviation(const struct figure *figure);
