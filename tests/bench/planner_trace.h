/* A fleet and its tasks from CSV files: the columns of the openb trace (cluster-trace-gpu-v2023), found by their names.
 * The files are outside input: whatever is wrong is said with line and column. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/cleanup.h"
#include "provisioner/planner/planner.h"

#include <stdbool.h>
#include <stdint.h>

#define TRACE_NAME_SIZE  64
#define TRACE_ROWS_MAX   (1U << 20)
#define TRACE_MODELS_MAX 32
#define TRACE_ERROR_SIZE 512

struct trace_node {
    char name[TRACE_NAME_SIZE];
    char model[PLANNER_MODEL_SIZE]; /* may be empty */
    uint32_t gpus;
    int64_t cpu_milli;
    int64_t memory_mib;
};

struct trace_task {
    char name[TRACE_NAME_SIZE];
    struct planner_shape shape; /* no GPU and no share of one: a task for CPU alone */
    uint32_t models;            /* a bit for each of trace->models that is allowed; 0: any */
};

struct trace {
    struct trace_node *nodes;
    uint32_t node_count;
    struct trace_task *tasks;
    uint32_t task_count;
    char models[TRACE_MODELS_MAX][PLANNER_MODEL_SIZE];
    uint32_t model_count;
};

/* Both add to the trace, which begins as zeroes. False: reterr says why, as "FILE:LINE: column 'NAME': what". */
MUST_CHECK bool trace_read_nodes(struct trace *trace, const char *path, char reterr[TRACE_ERROR_SIZE]);
MUST_CHECK bool trace_read_tasks(struct trace *trace, const char *path, char reterr[TRACE_ERROR_SIZE]);
void trace_free(struct trace *trace);
