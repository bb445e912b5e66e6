/* A range of time cut into equal steps, as questions over time have it. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/question.h"

#define QUESTION_STEPS_MAX 1000

struct question_steps {
    int64_t from_s;
    int64_t step_s;
    int64_t count;
};

/* Rows of a table of fields, for a struct with a member of struct question_steps. */
// clang-format off
#define QUESTION_STEPS_FIELDS(struct_, member)                                                                         \
    {"from_s", QUESTION_INT, offsetof(struct_, member.from_s), .required = true,                                       \
     .least = 0, .most = PLANNER_INSTANT_MAX / 2},                                                                     \
    {"step_s", QUESTION_INT, offsetof(struct_, member.step_s), .required = true,                                       \
     .least = 1, .most = PLANNER_INSTANT_MAX / 2 / QUESTION_STEPS_MAX},                                                \
    {"steps", QUESTION_INT, offsetof(struct_, member.count), .required = true,                                         \
     .least = 1, .most = QUESTION_STEPS_MAX}
// clang-format on

/* Whether so many looks at nodes are within what one question may cost: else it is refused with what would be. */
bool question_affords(const struct question_view *view, int64_t looks_per_step, int64_t steps,
                      struct question_reply *ret);
