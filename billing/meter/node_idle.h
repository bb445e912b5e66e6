/* Events of a node become stretches that say why its time is idle where nobody has it: they tile all time, from long
 * before the node was enrolled (not in service) on; the last one is open.
 *
 * The same fold as tiling.h: by revision, duplicates change nothing, a gap waits. Pure: no I/O, no allocation, any
 * thread. Times are seconds since 1970-01-01T00:00:00Z. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/capex/attribution.h"
#include "billing/meter/tiling.h"

#include <stdbool.h>
#include <stdint.h>

/* The open stretch of a node. All zeros: nothing known yet. */
struct node_idle {
    int64_t since_s;
    int64_t revision; /* of the last event applied */
    enum idle_cause cause;
};

struct node_idle_event {
    int64_t revision; /* from 1 */
    int64_t occurred_at_s;
    const char *state; /* the node's state after the event */
};

/* What an event did to the series of stretches. */
struct node_idle_change {
    bool begins;               /* whether the cause changed: the open stretch ended and another began */
    struct node_idle previous; /* the stretch that ended, at the begin of the present one */
};

enum tiling_outcome node_idle_apply(struct node_idle *node, const struct node_idle_event *event,
                                    struct node_idle_change *ret);
