/* What can happen to an instance: conditions that hold now, which its machine (instance_fsm.c) answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/instance.h"

enum instance_event {
    WINDOW_ENDED,
    NODE_LOST,
    LEAD_TIME_REACHED,
    NODE_REPORTS_UP,
    NODE_REPORTS_BROKEN,
    NODE_REPORTS_DOWN,
    NODE_GRANTED,
    DEADLINE_PASSED,
    WINDOW_CHANGED,
    GIVES_WAY,
    STOP_ASKED,
    START_ASKED,
    REBOOT_ASKED,
    INSTANCE_EVENT_COUNT
};

extern const struct fsm_event instance_events[INSTANCE_EVENT_COUNT];

/* What the driver knows it by. */
struct driver_workload instance_workload(const struct instance *instance);
struct driver_report instance_report(const struct instance *instance);
/* Of type fsm_test: its window has ended, or is empty; it has no node that is in service. */
bool instance_is_over(const void *instance);
bool instance_lost_node(const void *instance);
