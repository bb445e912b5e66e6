/* Small fleets and short sentences for the planner's tests. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"
#include "tests/unit/suite.h"

#include <string.h>

#define HOUR INT64_C(3600)

/* An id from a small number; 0 is none. */
static inline struct planner_id id_of(uint32_t number)
{
    struct planner_id id = {{0}};
    memcpy(&id.bytes[12], &number, sizeof number);
    return id;
}

static inline uint32_t number_of(struct planner_id id)
{
    uint32_t number;
    memcpy(&number, &id.bytes[12], sizeof number);
    return number;
}

/* Node `number` of 8 GPUs in rack (number - 1) / 4 + 1, two racks a fabric, one zone. */
static inline struct planner_node node_of(uint32_t number, const char *model, uint32_t gpus)
{
    struct planner_node node = {
        .id = id_of(number),
        .rack = id_of((number - 1) / 4 + 1),
        .fabric = id_of((number - 1) / 8 + 1),
        .zone = id_of(1),
        .gpus = gpus,
        .cpu_milli = 96000,
        .memory_mib = 1024 * 1024,
        .plannable_until = PLANNER_OPEN,
    };
    memcpy(node.gpu_model, model, strlen(model) + 1);
    return node;
}

static inline struct planner *fleet_of(uint32_t count, const char *model, uint32_t gpus)
{
    struct planner *planner = planner_new();
    for (uint32_t i = 1; i <= count; i++) {
        struct planner_node node = node_of(i, model, gpus);
        ck_assert_ptr_null(planner_node_put(planner, &node));
    }
    return planner;
}

static inline struct planner_request whole(uint32_t reservation, uint32_t tenant, uint32_t count, uint32_t gpus,
                                           int64_t from, int64_t to)
{
    return (struct planner_request){
        .reservation = id_of(reservation),
        .tenant = id_of(tenant),
        .count = count,
        .shape = {.gpus = gpus},
        .from = from,
        .to = to,
        .scope = PLANNER_FLEET,
    };
}

static inline struct planner_request share(uint32_t reservation, uint32_t tenant, uint32_t milli, int64_t from,
                                           int64_t to)
{
    struct planner_request request = whole(reservation, tenant, 1, 0, from, to);
    request.shape.gpu_milli = milli;
    return request;
}

static inline struct planner_verdict place(struct planner *planner, struct planner_request request)
{
    struct planner_verdict verdict;
    planner_place(planner, &request, &verdict);
    return verdict;
}

static inline struct planner_key key_of(uint32_t reservation, uint32_t ordinal)
{
    return (struct planner_key){id_of(reservation), ordinal};
}
