/* What woke the leader of a zone: domain time, and what the event log says since its cursor. One statement. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/clock.h"
#include "common/db.h"
#include "common/events.h"
#include "provisioner/reconcile/pause.h"

#define WAKE_EVENTS_MAX 512  /* that matter to the zone, in one piece of work: bounds transaction and memory */
#define WAKE_WINDOW_MAX 1024 /* events looked through */

struct zone_wake {
    struct clock_domain clock;
    struct db_array reservations; /* whose wishes changed, in the order of the log; with repetitions */
    struct db_array nodes;
    bool zone_changed;
    bool maintenance_changed; /* a window was asked for or cancelled */
    bool quotas_changed;
    struct event_cursor cursor; /* behind the last event that is in here */
    int64_t event_count;        /* that matter */
    int64_t newest_wish_ms;     /* when the last made of the reservations was, of real time; 0: there is none */
    bool has_more;              /* there may be more behind the cursor */
    bool has_hidden;            /* committed ones that a transaction still running keeps from view */
    bool has_questions;         /* somebody waits for an answer (zone_question.h) */
    struct pause_wish pause;    /* of this very instant: it waits behind no event */
    int64_t terms_revision;     /* likewise, of the zone; 0: it is gone */
};

/* Fills ret, whose arrays are cleared by zone_wake_clear. */
MUST_CHECK enum err_kind zone_wake_read(struct db *db, struct identity zone, const struct event_cursor *cursor,
                                        struct zone_wake *ret, struct err *reterr);
void zone_wake_clear(struct zone_wake *wake);

extern const struct db_stmt *const zone_wake_statements[];
