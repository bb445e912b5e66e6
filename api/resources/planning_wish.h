/* A wish as planners are asked about it: what an instance is, by its type's name or as it was given, and the terms. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/planning.h"
#include "api/resources/reservation.h"

struct planning_shape {
    int64_t gpus, gpu_milli, cpu_milli, memory_mib; /* 0 where the other is given */
    const char *gpu_models;                         /* a JSON array */
    const char *sku_kind, *sku;                     /* what it is priced by; sku NULL: it may land on several models */
};

/* `below` is the JSON pointer of the object that has instance_type and shape. What is wrong is added to the request's
 * problems: exactly one of both, an unknown type, one of gpus and gpu_milli. */
MUST_CHECK enum err_kind planning_shape_find(struct request *request, const char *below, const struct reservation *wish,
                                             bool has_shape, struct planning_shape *ret, struct err *reterr);
static inline int64_t planning_gpu_milli(const struct planning_shape *shape)
{
    return shape->gpus > 0 ? shape->gpus * 1000 : shape->gpu_milli;
}
/* The member "terms" of a question's body. tenant_id NULL: nobody's. */
void planning_terms_ask(struct json_out *body, const struct reservation *wish, const struct planning_shape *shape,
                        const char *tenant_id);

extern const struct db_stmt *const planning_wish_statements[];
