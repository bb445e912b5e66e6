/* A reservation: what its two files (routes and reads; the batch that creates) share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/batcher.h"
#include "api/server/route.h"

#define RESERVATION_COUNT_MAX 100000

struct reservation {
    const char *id;
    const char *tenant; /* name; for operators */
    const char *name;
    const char *project;
    const char *instance_type;
    struct reservation_shape {
        struct field_list gpu_models; /* .array NULL: an instance type was named */
        int64_t gpus, gpu_milli;      /* one of them */
        int64_t cpu_milli, memory_mib;
    } shape;
    int64_t count;
    const char *zone;
    int64_t starts_at, ends_at;
    struct reservation_placement {
        const char *within, *mode, *spread;
    } placement;
    const char *tier;
    const char *if_unavailable;
    const char *image;
    const char *labels;
    int64_t created_at, cancel_requested_at;
    struct reservation_verdict {
        const char *state, *health, *reason;
        int64_t starts_at, ends_at, decided_at, delivered_count;
        const char *binding, *alternatives;
    } status;
    const char *instances;
};

/* A refusal is useful: the problem gets what bound, what would fit, and the id under which it stays readable. */
enum err_kind reservation_refusal(struct request *request, const char *id, const struct reservation_verdict *verdict,
                                  struct err *reterr);

extern const struct field reservation_fields[];
/* Places of fields in the table, for FIELD_PRESENT; a test keeps them true. */
enum { RESERVATION_FIELD_SHAPE = 5 };

extern const struct batch_work reservation_batch;
extern const struct db_stmt *const reservation_batch_statements[];   /* of sluice_api_writer */
extern const struct db_stmt *const reservation_decided_statements[]; /* of sluice_api_system */
