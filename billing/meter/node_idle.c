/* The fold from a node's events to causes of idleness. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/node_idle.h"

#include "common/cleanup.h"

#include <stddef.h>
#include <string.h>

/* A node that validates is still what it was taken out for; one that was for sale is being cleaned. */
#define AS_BEFORE IDLE_CAUSE_COUNT

static const struct {
    const char *state;
    enum idle_cause cause;
} state_causes[] = {
    {"enrolled", IDLE_NOT_IN_SERVICE}, {"validating", AS_BEFORE},         {"ready", IDLE_UNSOLD},
    {"allocated", IDLE_UNSOLD},        {"sanitizing", IDLE_SANITIZING},   {"quarantined", IDLE_QUARANTINED},
    {"repair", IDLE_QUARANTINED},      {"maintenance", IDLE_MAINTENANCE}, {"retired", IDLE_NOT_IN_SERVICE},
};

/* False for a text that is no state. */
static bool cause_of(const char *state, enum idle_cause before, enum idle_cause *ret)
{
    for (size_t i = 0; i < COUNT_OF(state_causes); i++) {
        if (strcmp(state_causes[i].state, state) != 0)
            continue;
        *ret = state_causes[i].cause;
        if (*ret == AS_BEFORE)
            *ret = before == IDLE_UNSOLD ? IDLE_SANITIZING : before;
        return true;
    }
    return false;
}

enum tiling_outcome node_idle_apply(struct node_idle *node, const struct node_idle_event *event,
                                    struct node_idle_change *ret)
{
    *ret = (struct node_idle_change){0};
    if (event->revision <= node->revision)
        return TILING_DUPLICATE;
    if (event->revision != node->revision + 1)
        return TILING_GAP;
    enum idle_cause before = node->revision == 0 ? IDLE_NOT_IN_SERVICE : node->cause;
    enum idle_cause cause = before;
    if (!cause_of(event->state, before, &cause))
        return TILING_UNKNOWN;

    bool late = event->occurred_at_s < node->since_s;
    node->cause = before;
    if (cause != before) {
        ret->begins = true;
        ret->previous = *node;
        node->since_s = late ? node->since_s : event->occurred_at_s;
        node->cause = cause;
    }
    node->revision = event->revision;
    return late ? TILING_LATE : TILING_APPLIED;
}
