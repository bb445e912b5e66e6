/* What holds of an instance now: what its node reports of it, whether its time is over, what was asked of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/instance_events.h"

struct driver_workload instance_workload(const struct instance *instance)
{
    return (struct driver_workload){
        .instance = instance->id,
        .incarnation = instance->incarnation,
        .node = instance->node,
        .tenant = instance->reservation->wish.tenant,
    };
}

bool instance_is_gone(const struct instance *instance)
{
    return instance->is.state == INSTANCE_TERMINATED || instance->is.state == INSTANCE_FAILED;
}

int64_t instance_end_s(const struct instance *instance)
{
    return instance->ends_s < instance->ends_by_s ? instance->ends_s : instance->ends_by_s;
}

bool instance_gave_way(const struct instance *instance)
{
    return instance_is_gone(instance) && instance->ends_by_s != NEVER;
}

struct driver_report instance_report(const struct instance *instance)
{
    struct world *world = instance->reservation->world;
    struct driver_workload workload = instance_workload(instance);
    struct driver_report report;
    world->driver_ops->report(world->driver, &workload, world->now_s, &report);
    return report;
}

/* ---- Events: conditions that hold now ---- */

bool instance_is_over(const void *subject)
{
    const struct instance *instance = subject;
    int64_t end_s = instance_end_s(instance);
    bool is_empty = end_s <= instance->starts_s; /* cancelled, or told to go, before it began */
    return is_empty || end_s <= instance->reservation->world->now_s;
}

bool instance_lost_node(const void *subject)
{
    const struct instance *instance = subject;
    return !instance->has_node || !node_is_in_service(world_node(instance->reservation->world, instance->node));
}

bool instance_goes_on(const struct instance *instance)
{
    return !instance_is_gone(instance) && instance->is.state != INSTANCE_STOPPING;
}

bool instance_lasts(const struct instance *instance)
{
    return instance_goes_on(instance) && !instance_is_over(instance);
}

static bool is_lead_reached(const void *subject)
{
    const struct instance *instance = subject;
    return instance->starts_s - instance->reservation->world->zone->lead_s <= instance->reservation->world->now_s;
}

static bool is_up(const void *subject)
{
    return instance_report(subject).state == DRIVER_UP;
}

static bool is_broken(const void *subject)
{
    return instance_report(subject).state == DRIVER_BROKEN;
}

static bool is_down(const void *subject)
{
    enum driver_state state = instance_report(subject).state;
    return state == DRIVER_DOWN || state == DRIVER_ABSENT;
}

static bool is_granted(const void *subject)
{
    const struct instance *instance = subject;
    return instance->granted && instance_place_free_s(instance) <= instance->reservation->world->now_s;
}

static bool is_deadline_passed(const void *subject)
{
    const struct instance *instance = subject;
    return instance->is.deadline_s <= instance->reservation->world->now_s;
}

static bool is_window_changed(const void *subject)
{
    const struct instance *instance = subject;
    return instance->window_changed;
}

static bool is_told(const void *subject)
{
    const struct instance *instance = subject;
    return instance->told;
}

static bool is_stop_asked(const void *subject)
{
    return instance_is_asked(subject, ACTION_STOP);
}

static bool is_start_asked(const void *subject)
{
    return instance_is_asked(subject, ACTION_START);
}

static bool is_reboot_asked(const void *subject)
{
    return instance_is_asked(subject, ACTION_REBOOT);
}

const struct fsm_event instance_events[INSTANCE_EVENT_COUNT] = {
    [WINDOW_ENDED] = {"window_ended", instance_is_over, true},
    [NODE_LOST] = {"node_lost", instance_lost_node, false},
    [LEAD_TIME_REACHED] = {"lead_time_reached", is_lead_reached, false},
    [NODE_REPORTS_UP] = {"node_reports_up", is_up, false},
    [NODE_REPORTS_BROKEN] = {"node_reports_broken", is_broken, false},
    [NODE_REPORTS_DOWN] = {"node_reports_down", is_down, false},
    [NODE_GRANTED] = {"node_granted", is_granted, false},
    [DEADLINE_PASSED] = {"deadline_passed", is_deadline_passed, true},
    [WINDOW_CHANGED] = {"window_changed", is_window_changed, false},
    [GIVES_WAY] = {"gives_way", is_told, false},
    [STOP_ASKED] = {"stop_asked", is_stop_asked, false},
    [START_ASKED] = {"start_asked", is_start_asked, false},
    [REBOOT_ASKED] = {"reboot_asked", is_reboot_asked, false},
};
