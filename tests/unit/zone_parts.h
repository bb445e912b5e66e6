/* What the zones in memory are made of that test and fuzz the state machines: no database, no driver. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

static inline struct identity identity_number(uint8_t kind, uint32_t number)
{
    struct identity id = {0};
    id.bytes[0] = kind;
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

/* Eight GPUs that have just been enrolled, in no rack. */
static inline struct node enrolled_node(const struct zone_terms *zone, uint32_t number)
{
    struct node node = {.id = identity_number(1, number), .answers = true};
    node.spec = (struct planner_node){
        .id = planner_id_of(node.id),
        .zone = planner_id_of(zone->id),
        .gpu_model = "H100",
        .gpus = 8,
        .cpu_milli = 100000,
        .memory_mib = 100000,
        .plannable_until = NEVER,
    };
    node.is = (struct lifecycle){.state = NODE_ENROLLED, .due_s = NEVER, .deadline_s = NEVER};
    return node;
}

/* What nobody has looked at yet. */
static inline struct reservation pending_reservation(struct world *world, const struct wish *wish)
{
    static const struct wish_posted posted = {.instance_type = "h100.8x", .if_unavailable = "reject", .labels = "{}"};
    struct reservation made = {
        .world = world,
        .wish = *wish,
        .health = "ok",
        .starts_s = NEVER,
        .ends_s = NEVER,
        .ends_by_s = NEVER,
        .estimated_s = NEVER,
        .estimate_s = NEVER,
        .is = {.state = RESERVATION_PENDING, .due_s = NEVER, .deadline_s = NEVER},
    };
    made.wish.posted = &posted;
    made.wish.tier = "reserved";
    made.wish.revision = 1;
    return made;
}
