/* What will be read soon comes into the cache meanwhile: a look at a node of a large fleet is two misses, one behind
 * the other, and little else. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/internal.h"

/* So much of a timeline is fetched into the cache ahead of a look at it. */
#define PREFETCHED_MAX 8
#define LINE_SIZE      64

/* The node will be looked at closely soon: what that reads first comes into the cache meanwhile. */
static inline void node_prefetch(const struct node *node)
{
    __builtin_prefetch(&node->spec.gpus);
    __builtin_prefetch(&node->spec.cordoned);
    __builtin_prefetch(&node->hold_longest_s);
}

/* The same a little later, once the node itself is there. */
static inline void node_timeline_prefetch(const struct node *node)
{
    uint32_t slices = node->slice_count < PREFETCHED_MAX ? node->slice_count : PREFETCHED_MAX;
    uint32_t holds = node->hold_count < PREFETCHED_MAX ? node->hold_count : PREFETCHED_MAX;
    for (size_t at = 0; at < slices * sizeof node->slices[0]; at += LINE_SIZE)
        __builtin_prefetch((const char *)node->slices + at);
    for (size_t at = 0; at < holds * sizeof node->holds[0]; at += LINE_SIZE)
        __builtin_prefetch((const char *)node->holds + at);
}
