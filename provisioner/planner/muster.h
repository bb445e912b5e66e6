/* The groups of one level of one model, as candidates for a gang: how many instances each takes, at most. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/search.h"

/* The search for one gang among the groups of one level of one model. */
struct muster {
    struct planner *planner;
    struct model *model;
    const struct question *question;
    const struct level *level;
    uint32_t count; /* instances */
    bool spread;    /* no two in one group of this level: */
    enum planner_scope apart;
};

struct muster muster_of(struct planner *planner, struct model *model, const struct question *question,
                        enum planner_scope scope, uint32_t count);
/* Whether the level has groups large enough at all. */
bool muster_may_hold(const struct muster *muster);
/* How many instances the group at `place` takes at most; exactly, once all its nodes were looked at closely. */
uint64_t muster_bound(const struct muster *muster, uint32_t place);
/* Bounds by node instead of by block, from here on. */
bool muster_looked(const struct muster *muster, uint32_t place);
void muster_look(const struct muster *muster, uint32_t place);
/* Looks at a node closely: its bound becomes its exact fit, which is never more. */
struct fit muster_fit(const struct muster *muster, uint32_t column);
/* Forgets which groups of the spread have an instance. */
void muster_apart_begin(const struct muster *muster);
/* How many of `count` instances the node may add: none if its rack (leaf) has one already. */
uint32_t muster_apart_add(const struct muster *muster, uint32_t node, uint32_t count);

static inline uint32_t parts_end(const struct level *level, uint32_t place)
{
    return level->groups[place + 1].first;
}
