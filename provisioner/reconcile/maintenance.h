/* Maintenance windows: nodes that are taken out of service for a time, decided by the zone's leader as reservations
 * are.
 *
 * A window holds all of its nodes or none. It is accepted only if it hits nobody once what has not begun has been moved
 * aside, which it is where all of its terms still hold: same window, scope, spread and models, other nodes. The world's
 * arena owns what a window points to. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

enum maintenance_state {
    MAINTENANCE_PENDING,
    MAINTENANCE_PLANNED,
    MAINTENANCE_ACTIVE,
    MAINTENANCE_DONE,
    MAINTENANCE_REFUSED,
    MAINTENANCE_CANCELLED,
    MAINTENANCE_STATE_COUNT
};

struct maintenance {
    struct world *world;
    struct identity id;
    struct identity *nodes;
    uint32_t node_count;
    int64_t starts_s, ends_s;
    bool cancel_requested;
    int64_t wish_revision;
    struct lifecycle is, was;
    const char *reason;    /* NULL: none */
    const char *conflict;  /* JSON: who stands in its way; NULL: nobody */
    int64_t moved_count;   /* reservations that were moved aside */
    bool granted, refused; /* just now */
    bool changed;
};

extern const struct fsm maintenance_fsm;

/* Lets a window go as far as it can at this instant, within the planner's batch. */
void maintenance_drive(struct maintenance *window);
/* Takes its nodes: sets granted, or refused with reason and conflict. */
void maintenance_decide(struct maintenance *window);
/* What holds a node of an undecided window at some time of it: ids of reservations, some of them more than once. */
void maintenance_find_hits(const struct world *world, void (*found)(void *context, struct identity reservation),
                           void *context);

/* Whether the window of this id belongs to this piece of work: its rectangles are not a reservation's. */
bool maintenance_is_of(const struct world *world, struct identity id);
