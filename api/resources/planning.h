/* What the resources that ask planners share: the zone that is asked, the steps of a range of time, JSON of answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/question.h"

#include <jansson.h>

/* ---- The zone ---- */

/* The zone's UUID, in the arena. ERR_INVALID unknown_zone; `pointer` names the field. */
MUST_CHECK enum err_kind planning_zone(struct request *request, const char *name, const char *pointer,
                                       const char **ret_id, struct err *reterr);

/* Domain time. */
MUST_CHECK enum err_kind planning_now(struct request *request, int64_t *ret_s, struct err *reterr);

/* ---- Steps of time: ?from=, ?to=, ?step_s= ---- */

#define PLANNING_STEPS_MAX 1000

struct planning_range {
    int64_t from, to; /* FIELD_NULL until planning_range_read; then from + steps * step_s >= to */
    int64_t step_s;
    int64_t steps; /* of planning_range_read */
};

// clang-format off
#define PLANNING_RANGE_FIELDS(struct_, member) \
    FIELD_TIME("from",   struct_, member.from, .help = "Start of the first step; now where it is left out or past"), \
    FIELD_TIME("to",     struct_, member.to, .help = "The last step reaches at least until then; seven days after from where it is left out"), \
    FIELD_INT ("step_s", struct_, member.step_s, .least = 60, .most = 31 * 86400, .fallback = "3600", .help = "Length of a step in seconds; at most 1,000 steps")
// clang-format on

/* Fills what was left open and counts the steps. ERR_INVALID out_of_range, window_reversed, window_in_past. */
MUST_CHECK enum err_kind planning_range_read(struct request *request, struct planning_range *range, struct err *reterr);
/* The members from_s, step_s and steps of a question's body, within an object that is open. */
void planning_range_ask(const struct planning_range *range, struct json_out *body);
/* The members from, step_s and steps of an answer. */
void planning_range_tell(const struct planning_range *range, struct json_out *out);

/* ---- JSON ---- */

#define PLANNING_SQL_TERMS(table)                                                                                      \
    "json_build_object('gpus', " table ".gpu_count, 'gpu_milli', " table ".gpu_milli, 'gpu_models', " table            \
    ".gpu_models, 'cpu_milli', " table ".cpu_milli, 'memory_mib', " table ".memory_mib)"

void planning_json_freep(json_t **json);
/* Any value of a tree. */
void planning_json_out(struct json_out *out, const json_t *value);

extern const struct db_stmt *const planning_statements[];
