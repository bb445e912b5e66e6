/* The planner's terms and the reconciler's: ids differ in type only, and what has no end has none for both. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/identity.h"
#include "provisioner/planner/planner.h"

#define NEVER PLANNER_OPEN

static inline struct planner_id planner_id_of(struct identity id)
{
    struct planner_id ret;
    _Static_assert(sizeof ret == sizeof id, "both are the 16 bytes of a UUID");
    __builtin_memcpy(&ret, &id, sizeof ret);
    return ret;
}

static inline struct identity identity_of(struct planner_id id)
{
    struct identity ret;
    __builtin_memcpy(&ret, &id, sizeof ret);
    return ret;
}

/* The same window from another start on. */
static inline struct planner_request request_moved(const struct planner_request *request, int64_t from_s)
{
    struct planner_request ret = *request;
    ret.from = from_s;
    ret.to = request->to == NEVER ? NEVER : request->to + (from_s - request->from);
    return ret;
}
