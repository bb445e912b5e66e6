/* The groups of one level of one model, as candidates for a gang: how many instances each takes, at most. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/search.h"

/* The search for one gang among the groups of one level of one model. */
struct gang {
    struct planner *planner;
    struct model *model;
    const struct question *question;
    const struct level *level;
    uint32_t count; /* instances */
    bool spread;    /* no two in one group of this level: */
    enum planner_scope apart;
};

struct gang gang_of(struct planner *planner, struct model *model, const struct question *question,
                    enum planner_scope scope, uint32_t count);
/* Whether the level has groups large enough at all. */
bool gang_may_hold(const struct gang *gang);
/* How many instances the group at `place` takes at most; exactly, once all its nodes were looked at closely. */
uint64_t gang_bound(const struct gang *gang, uint32_t place);
/* Whether its blocks were looked at by node, or looks at them: sharper bounds from here on. */
bool gang_is_probed(const struct gang *gang, uint32_t place);
void gang_probe(const struct gang *gang, uint32_t place);
/* Looks at a node closely: its bound becomes its exact fit, which is never more. */
struct fit gang_fit(const struct gang *gang, uint32_t column);
/* Forgets which groups of the spread have an instance. */
void gang_apart_begin(const struct gang *gang);
/* How many of `count` instances the node may add: none if its rack (leaf) has one already. */
uint32_t gang_apart_add(const struct gang *gang, uint32_t node, uint32_t count);

static inline uint32_t parts_end(const struct level *level, uint32_t place)
{
    return level->groups[place + 1].first;
}
