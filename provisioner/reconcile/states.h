/* The states of nodes, instances and reservations, and how long the transitional ones last. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ---- Bounds of transitional states, in domain seconds ---- */

#define START_LIMIT_S      900 /* beyond what the driver says it takes: a node that boots */
#define STOP_LIMIT_S       600
#define CLEAN_LIMIT_S      3600 /* how long past its start an instance waits for its node to be clean */
#define CLEAN_LOOK_S       5
#define ATTEMPTS_MAX       3
#define PLACE_AGAIN_S      300  /* a replacement that was refused asks again */
#define PLACE_TURN_S       5    /* and one for which there was no time */
#define WAITLIST_AGAIN_S   3600 /* a waiting wish asks again, beside when capacity returns */
#define ACTIVATION_LIMIT_S 3600 /* past its start a reservation is active, however few run */
#define ENDING_LIMIT_S     7200
#define VALIDATION_LIMIT_S 900
#define SANITIZE_LIMIT_S   3600 /* beyond the node's turnaround */

/* ---- States and events; texts are in the machines' tables ---- */

enum node_state {
    NODE_ENROLLED,
    NODE_VALIDATING,
    NODE_READY,
    NODE_ALLOCATED,
    NODE_SANITIZING,
    NODE_QUARANTINED,
    NODE_REPAIR,
    NODE_MAINTENANCE,
    NODE_RETIRED,
    NODE_STATE_COUNT
};

enum instance_state {
    INSTANCE_PLANNED,
    INSTANCE_PROVISIONING,
    INSTANCE_RUNNING,
    INSTANCE_REPLACING,
    INSTANCE_STOPPING,
    INSTANCE_TERMINATED,
    INSTANCE_FAILED,
    INSTANCE_HALTING, /* going down, as its tenant wishes */
    INSTANCE_STOPPED,
    INSTANCE_STARTING, /* coming up again, as its tenant wishes */
    INSTANCE_STATE_COUNT
};

enum reservation_state {
    RESERVATION_PENDING,
    RESERVATION_WAITLISTED,
    RESERVATION_HELD,
    RESERVATION_SCHEDULED,
    RESERVATION_ACTIVATING,
    RESERVATION_ACTIVE,
    RESERVATION_ENDING,
    RESERVATION_ENDED,
    RESERVATION_CANCELLED,
    RESERVATION_REJECTED,
    RESERVATION_EXPIRED,
    RESERVATION_STATE_COUNT
};
