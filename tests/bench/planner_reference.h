/* A plain model of a fleet with timelines, for what the planner is compared with: arrays that are walked from end to
 * end, no index. A share keeps its slots for all of its window. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"

#define REFERENCE_LEVELS PLANNER_FLEET

/* What is asked for: as a planner_request, but it may be for CPU alone, and models are bits of the fleet's. */
struct ask {
    uint32_t number;
    uint32_t count;
    struct planner_shape shape;
    uint32_t models; /* 0: any */
    int64_t from;
    int64_t to;
    enum planner_scope scope;
    bool scope_preferred;
};

/* One rectangle of one instance; a task for CPU alone has no slots: 0 to 0. */
struct placed {
    uint32_t instance;
    uint32_t node;
    int32_t slots_from;
    int32_t slots_to;
    int64_t from;
    int64_t to;
};

struct placements {
    struct placed *rows;
    uint32_t count;
    uint32_t room;
};

/* What a node has free for all of a window. */
struct reference_room {
    uint32_t free_milli[PLANNER_NODE_GPUS_MAX]; /* in slots that are free throughout */
    uint32_t whole;
    int64_t milli; /* of all GPUs together */
    int64_t cpu_milli;
    int64_t memory_mib;
};

struct reference_node {
    const char *name;
    uint32_t gpus;
    uint32_t model; /* a bit; 0: none of those that tasks name */
    int64_t cpu_milli;
    int64_t memory_mib;
    uint32_t groups[REFERENCE_LEVELS]; /* numbers of node, NVLink domain, rack, leaf, fabric, zone */
    struct taken *taken;
    uint32_t taken_count;
    uint32_t taken_room;
    /* the last answer, which holds until something is taken or dropped */
    bool known;
    int64_t known_from;
    int64_t known_to;
    struct reference_room known_room;
};

struct reference {
    struct reference_node *nodes;
    uint32_t node_count;
    int64_t turnaround_s;
    uint32_t group_counts[REFERENCE_LEVELS];
};

void placements_add(struct placements *placements, struct placed placed);
void reference_free(struct reference *reference);
/* Milli of all GPUs. */
int64_t reference_capacity(const struct reference *reference);
/* GPU milli of one instance. */
int64_t shape_milli(const struct planner_shape *shape);

void reference_room(const struct reference *reference, uint32_t node, int64_t from, int64_t to,
                    struct reference_room *ret);
bool reference_allowed(const struct reference *reference, uint32_t node, const struct ask *ask);
/* How many instances fit into the room. */
uint32_t reference_count(const struct reference_room *room, const struct planner_shape *shape);
/* Chooses slots for one instance, of a share on `gpu`, and takes them; the node must have room for it. */
void reference_take(struct reference *reference, uint32_t node, uint32_t gpu, const struct ask *ask, uint32_t instance,
                    struct placements *placements);
/* Drops what is over and clean at `instant`. */
void reference_forget(struct reference *reference, int64_t instant);
/* Takes what somebody else chose: rows of one instance. must() if it is not free. */
void reference_put(struct reference *reference, const struct ask *ask, const struct placed *rows, uint32_t count);
