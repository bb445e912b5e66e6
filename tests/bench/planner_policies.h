/* Who takes part in an experiment: the planner ("ours") and what it is compared with, each on a fleet of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/bench/planner_cpu_only.h"
#include "tests/bench/planner_reference.h"
#include "tests/bench/planner_trace.h"

/* X(name, text) */
#define POLICIES(X)                                                                                                    \
    X(POLICY_RANDOM, "random")       /* any node that fits, any GPU that fits */                                       \
    X(POLICY_FIRST_FIT, "first_fit") /* the first node, the first GPU */                                               \
    X(POLICY_BEST_FIT, "best_fit")   /* the least left of CPU, memory and GPUs together */                             \
    X(POLICY_WORST_FIT, "worst_fit") /* the most left */                                                               \
    X(POLICY_OURS, "ours")

enum policy {
#define X(name, text) name,
    POLICIES(X)
#undef X
        POLICY_COUNT
};

const char *policy_text(enum policy policy);
/* The policy of a text, or POLICY_COUNT. */
enum policy policy_of_text(const char *text);

/* reference is the state of every policy; the planner keeps its own beside it, and what it grants is put here too, so
 * that it is checked and measured as all others are. */
struct contestant {
    enum policy policy;
    struct reference reference;
    uint64_t random;
    const char (*models)[PLANNER_MODEL_SIZE];
    struct planner *planner; /* ours only */
    int64_t *cpu_taken;      /* ours: by node, by what the planner does not hold */
    int64_t *memory_taken;
    struct demand demand; /* ours: for the choice of nodes for tasks without GPUs */
};

/* The fleet is taken over: contestant_free frees it. models: names of the bits. seed: of random's choices. */
struct contestant contestant_new(enum policy policy, struct reference reference,
                                 const char (*models)[PLANNER_MODEL_SIZE], uint64_t seed);
void contestant_free(struct contestant *contestant);
/* Whether it is placed; if so its rectangles are added. */
bool contestant_decide(struct contestant *contestant, const struct ask *ask, struct placements *placements);

/* planner_ours.c */
void ours_begin(struct contestant *contestant);
bool ours_decide(struct contestant *contestant, const struct ask *ask, struct placements *placements);
