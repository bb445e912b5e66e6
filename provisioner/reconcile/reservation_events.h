/* What can happen to a reservation: conditions that hold now, which its machine (reservation_fsm.c) answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

enum reservation_event {
    CANCEL_REQUESTED,
    DECIDE_BY_PASSED,
    GRANTED,
    REFUSED,
    LEAD_TIME_REACHED,
    WINDOW_ENDED,
    ALL_RUNNING,
    ALL_GONE,
    HEALTH_CHANGED,
    DEADLINE_PASSED,
    CONFIRMED,
    HOLD_OVER,
    AMENDED,
    GIVES_WAY,
    ESTIMATE_CHANGED,
    RESERVATION_EVENT_COUNT
};

extern const struct fsm_event reservation_events[RESERVATION_EVENT_COUNT];

/* Of its instances. */
struct reservation_tally {
    uint32_t running, gone, gave_way;
    uint32_t lasting; /* neither gone nor going */
};

struct reservation_tally reservation_tally(const struct reservation *reservation);
/* "ok", "degraded": fewer run than were granted, "short": fewer will. */
const char *reservation_health(const struct reservation *reservation);
/* Of type fsm_test: its tenant wants no more of it; it can no longer be decided upon. */
bool reservation_is_cancelled(const void *reservation);
bool reservation_is_too_late(const void *reservation);
